//! The one task that writes chat messages.

use std::sync::Arc;

use confab_protocol::{ChatMessage, RequestId, RoomCode};
use confab_rooms::SessionId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Store, StoreError};
use crate::telemetry::Counters;

/// Messages that may wait for the disk, of all rooms. Beyond it, senders are told to try again: a disk that is that
/// far behind will not catch up by waiting.
const QUEUE: usize = 10_000;

/// Messages in one transaction: enough that a full second of chat is one sync, few enough that its end is near.
const BATCH: usize = 512;

/// A message to be stored.
pub(crate) struct ChatWrite {
    pub(crate) room: RoomCode,
    pub(crate) session: SessionId,
    pub(crate) request: Option<RequestId>,
    pub(crate) message: ChatMessage,
    /// Where the outcome goes. Its length is bounded by this writer's queue.
    pub(crate) outcome: mpsc::UnboundedSender<Written>,
}

/// What became of a message.
pub(crate) struct Written {
    pub(crate) session: SessionId,
    pub(crate) request: Option<RequestId>,
    pub(crate) message: ChatMessage,
    pub(crate) stored: bool,
}

/// The way to the writing task. Outcomes come in the order of the calls.
#[derive(Clone)]
pub(crate) struct ChatWriter {
    queue: mpsc::Sender<ChatWrite>,
}

impl ChatWriter {
    /// Starts the task; it ends when the last writer is dropped and all is written.
    pub(crate) fn start(store: Store, counters: Arc<Counters>) -> (Self, JoinHandle<()>) {
        let (queue, receiver) = mpsc::channel(QUEUE);
        (Self { queue }, tokio::spawn(run(store, receiver, counters)))
    }

    /// Hands a message over. `false` when the queue is full; then no outcome follows.
    pub(crate) fn write(&self, write: ChatWrite) -> bool {
        self.queue.try_send(write).is_ok()
    }
}

async fn run(store: Store, mut queue: mpsc::Receiver<ChatWrite>, counters: Arc<Counters>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let stored = match write_all(&store, &batch).await {
            Ok(()) => {
                counters.chat_stored.add(batch.len() as u64);
                true
            }
            Err(error) => {
                counters.store_failures.add(1);
                tracing::error!(%error, messages = batch.len(), "chat messages could not be stored");
                false
            }
        };
        for write in batch.drain(..) {
            let ChatWrite { session, request, message, outcome, .. } = write;
            // A room that has ended meanwhile has nobody to tell.
            let _ = outcome.send(Written { session, request, message, stored });
        }
    }
}

async fn write_all(store: &Store, batch: &[ChatWrite]) -> Result<(), StoreError> {
    let mut transaction = store.pool.begin().await?;
    for ChatWrite { room, message, .. } in batch {
        sqlx::query(
            "INSERT INTO chat_messages (id, room, participant, username, content, content_type, sent_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(message.id.to_string())
        .bind(room.as_str())
        .bind(message.user_id.to_string())
        .bind(&message.username)
        .bind(&message.content)
        .bind(&message.content_type)
        .bind(message.timestamp as i64)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}
