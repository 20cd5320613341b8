//! Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): when each packet of a transport arrived,
//! whatever stream it belongs to. The receiver's half and the sender's half.

mod receiver;
mod sender;

pub use receiver::{TwccReceiver, TwccReceiverConfig};
pub use sender::{SentKind, SentResult, TwccSender, TwccSenderStats};

#[cfg(test)]
mod tests;
