//! A connection's queue of outgoing messages. Nobody waits for it: a reader too slow for it loses the connection.

use std::sync::Arc;

use confab_protocol::ServerMessage;
use confab_rooms::SessionId;
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Something for a connection.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// A message for the client.
    Message(Utf8Bytes),
    /// This session of the connection is in no room any more; with the message for the client, unless it knows.
    Ended {
        /// Which of the connection's sessions; a later one may have begun.
        session: SessionId,
        /// What the client is told.
        message: Option<Utf8Bytes>,
    },
}

impl Outgoing {
    /// A message as it goes over the wire. The same bytes can go to many.
    pub(crate) fn text(message: &ServerMessage) -> Utf8Bytes {
        match serde_json::to_string(message) {
            Ok(text) => text.into(),
            Err(error) => {
                // Only a map with keys that are not text could fail, and the protocol has none.
                tracing::error!(%error, "a message could not be written as JSON");
                Utf8Bytes::from_static("{}")
            }
        }
    }
}

/// The sending end.
#[derive(Clone)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Outgoing>,
    overflow: Arc<Notify>,
}

impl Outbox {
    /// The two ends of a queue of this length, and what is notified when it overflows.
    pub(crate) fn new(length: u32) -> (Self, mpsc::Receiver<Outgoing>, Arc<Notify>) {
        let (queue, receiver) = mpsc::channel(length.max(1) as usize);
        let overflow = Arc::new(Notify::new());
        (Self { queue, overflow: Arc::clone(&overflow) }, receiver, overflow)
    }

    /// Puts something in. `false` when the queue is full or the connection is over; a full queue ends the connection.
    pub(crate) fn put(&self, outgoing: Outgoing) -> bool {
        match self.queue.try_send(outgoing) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.overflow.notify_one();
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Whether the connection is over. It says so itself, behind all that it had to say.
    pub(crate) fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }
}
