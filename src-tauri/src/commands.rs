//! The window's commands, one file a screen. They only pass on; what is decided is decided in the crates.

pub mod call;
pub mod home;
pub mod host;
pub mod preview;
pub mod shell;

use crate::contract::BridgeError;

/// What a command answers.
pub type Answer<T> = Result<T, BridgeError>;
