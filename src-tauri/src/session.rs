//! The one call of the app: its handle, and the task that passes its events to the window.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use confab_call::{CallConfig, CallEvent, CallHandle, CallState, EndReason};
use confab_protocol::ChatMessageId;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use crate::contract::{BridgeError, BridgeEvent, ChatPage, JoinedCall, KnownCall, NativeCode, ShareInfo};
use crate::translate::{Told, Translator, doubtful};

/// How long the window waits for a page of older messages.
const HISTORY_PATIENCE: Duration = Duration::from_secs(10);

/// Passes events to the window.
pub type Emit = Arc<dyn Fn(BridgeEvent) + Send + Sync>;

/// A call from pressing join until its last event.
pub struct Session {
    /// The engine's side.
    pub handle: CallHandle,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    translator: Translator,
    older: Option<oneshot::Sender<ChatPage>>,
}

impl Session {
    /// Begins to join; events go to the window from the first on. The second part is waited for apart from the first, so
    /// that a person can leave, or close the app, while a server does not answer.
    pub fn begin(config: CallConfig, emit: Emit) -> (Self, Joining) {
        let (handle, events) = confab_call::join(config);
        let shared = Arc::<Mutex<Shared>>::default();
        let (joined, first) = oneshot::channel();
        tokio::spawn(pass_on(events, Arc::clone(&shared), emit, joined));
        let joining = Joining { first, shared: Arc::clone(&shared) };
        (Self { handle, shared }, joining)
    }

    /// Remembers what is being shared, for the window.
    pub fn set_share(&self, share: Option<ShareInfo>) {
        self.lock().translator.set_share(share);
    }

    /// Whether the window wants figures.
    pub fn watch_stats(&self, on: bool) {
        self.lock().translator.watch_stats(on);
    }

    /// What a window has to know that was loaded anew.
    pub fn known(&self) -> KnownCall {
        self.lock().translator.known()
    }

    /// Whether a camera is open and sent.
    pub fn camera_on(&self) -> bool {
        self.lock().translator.camera_on()
    }

    /// Asks for messages before this one.
    ///
    /// # Errors
    /// When the server does not answer in time.
    pub fn older_chat(
        &self,
        before: Option<ChatMessageId>,
    ) -> impl Future<Output = Result<ChatPage, BridgeError>> + use<> {
        let (sender, receiver) = oneshot::channel();
        self.lock().older = Some(sender);
        self.handle.older_chat(before, None);
        async move {
            match tokio::time::timeout(HISTORY_PATIENCE, receiver).await {
                Ok(Ok(page)) => Ok(page),
                _ => Err(BridgeError::native(
                    NativeCode::ServerUnreachable,
                    "Older messages did not come. The server may be away; try again.",
                )),
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A join under way.
pub struct Joining {
    first: oneshot::Receiver<Result<JoinedCall, BridgeError>>,
    shared: Arc<Mutex<Shared>>,
}

impl Joining {
    /// Returns once joined.
    ///
    /// # Errors
    /// Why the call could not be joined, in words.
    pub async fn wait(&mut self) -> Result<JoinedCall, BridgeError> {
        (&mut self.first)
            .await
            .map_err(|_| BridgeError::native(NativeCode::MediaFailed, "The call ended before it began. Try again."))?
    }

    /// Whether this is the join of that session.
    pub fn is_of(&self, session: &Session) -> bool {
        Arc::ptr_eq(&self.shared, &session.shared)
    }
}

type Joined = oneshot::Sender<Result<JoinedCall, BridgeError>>;

async fn pass_on(mut events: UnboundedReceiver<CallEvent>, shared: Arc<Mutex<Shared>>, emit: Emit, joined: Joined) {
    let mut joined = Some(joined);
    while let Some(event) = events.recv().await {
        if let CallEvent::State { state: CallState::Ended { reason, message } } = &event
            && let Some(joined) = joined.take()
        {
            // The window is still on the preview: it shows this beside the button, not as a call that ended.
            let _ = joined.send(Err(refusal(reason, message)));
            return;
        }
        let told = shared.lock().unwrap_or_else(PoisonError::into_inner).translator.translate(event);
        for told in told {
            match told {
                Told::Window(event) => emit(event),
                Told::Joined(call) => {
                    if let Some(joined) = joined.take() {
                        let _ = joined.send(Ok(call));
                    }
                }
                Told::Older(page) => {
                    if let Some(older) = shared.lock().unwrap_or_else(PoisonError::into_inner).older.take() {
                        let _ = older.send(page);
                    }
                }
                Told::DevicesChanged => {}
            }
        }
    }
}

fn refusal(reason: &EndReason, message: &str) -> BridgeError {
    let code = match reason {
        EndReason::Refused { code } => return BridgeError::server(*code, message.to_owned()),
        EndReason::Unreachable => NativeCode::ServerUnreachable,
        EndReason::Untrusted { doubt } => doubtful(*doubt),
        _ => NativeCode::MediaFailed,
    };
    BridgeError::native(code, message)
}

#[cfg(test)]
mod tests {
    use confab_call::Doubt;

    use super::*;

    #[test]
    fn a_server_that_is_not_surely_the_right_one_is_not_one_that_does_not_answer() {
        let code_of = |reason: EndReason| serde_json::to_value(refusal(&reason, "Why.").code).expect("plain data");
        assert_eq!(code_of(EndReason::Unreachable), "server_unreachable");
        assert_eq!(code_of(EndReason::Untrusted { doubt: Doubt::Unknown }), "server_untrusted");
        assert_eq!(code_of(EndReason::Untrusted { doubt: Doubt::Another }), "certificate_mismatch");
    }
}
