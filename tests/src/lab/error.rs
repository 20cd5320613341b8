//! What can go wrong in an experiment, in words that say where to look.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What an experiment's steps return.
pub type Outcome<T = ()> = Result<T, LabError>;

/// Why an experiment could not go on. A broken promise is an assertion, not one of these, unless the thing promised never
/// came.
#[derive(thiserror::Error)]
pub enum LabError {
    /// A program of this workspace has not been built.
    #[error("{0} is missing. Build and run everything with: cargo xtask test")]
    MissingProgram(PathBuf),
    /// A program of the system is not installed.
    #[error("{0} is not installed. Install what the tests need and run them with: cargo xtask test")]
    MissingTool(String),
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Something did not happen in time.
    #[error("{who}: {what} did not happen within {within:?}. {seen}")]
    TimedOut {
        /// Which process.
        who: String,
        /// What was awaited.
        what: String,
        /// For how long.
        within: Duration,
        /// What happened instead, as far as known.
        seen: String,
    },
    /// A process ended that should not have, or not so.
    #[error("{who} ended: {how}. {seen}")]
    Ended {
        /// Which process.
        who: String,
        /// Its status.
        how: String,
        /// The end of what it said.
        seen: String,
    },
    /// Something came in a form nobody expects.
    #[error("{0}")]
    Unexpected(String),
    /// A relay could not start.
    #[error("{0}")]
    Relay(String),
}

impl LabError {
    /// The system refused `what`.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }
}

/// The test harness prints errors this way, and people read them.
impl fmt::Debug for LabError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
