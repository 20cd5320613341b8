//! The system's wish that the process ends.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How the process is asked to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StopWish {
    /// When the meetings are over (SIGTERM).
    WhenEmpty,
    /// Now (SIGINT, Ctrl-C).
    Now,
}

/// Hears every wish from its making on, those too that come while nobody waits.
#[derive(Debug)]
pub struct StopWishes {
    /// `None` where the system refuses: then nothing but the process's end ends it.
    #[cfg(unix)]
    terminate: Option<Signal>,
    #[cfg(unix)]
    interrupt: Option<Signal>,
}

impl StopWishes {
    /// Listens. Needs a tokio runtime.
    #[cfg(unix)]
    pub fn listen() -> Self {
        Self { terminate: signal(SignalKind::terminate()).ok(), interrupt: signal(SignalKind::interrupt()).ok() }
    }

    /// Listens. Needs a tokio runtime.
    #[cfg(not(unix))]
    pub fn listen() -> Self {
        Self {}
    }

    /// The next wish.
    #[cfg(unix)]
    pub async fn next(&mut self) -> StopWish {
        async fn heard(signal: &mut Option<Signal>) {
            let heard = match signal {
                Some(signal) => signal.recv().await,
                None => None,
            };
            if heard.is_none() {
                std::future::pending::<()>().await;
            }
        }
        tokio::select! {
            () = heard(&mut self.terminate) => StopWish::WhenEmpty,
            () = heard(&mut self.interrupt) => StopWish::Now,
        }
    }

    /// The next wish.
    #[cfg(not(unix))]
    pub async fn next(&mut self) -> StopWish {
        // An error means that the wish cannot be heard, and then nothing but the process's end ends it.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        StopWish::Now
    }
}
