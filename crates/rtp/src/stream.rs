//! What is kept of one RTP stream: of one that comes, what is missing of it and how it fares; of one that is passed on,
//! its last packets.

pub mod packet_history;
pub mod receive_log;

pub use packet_history::{HistoryConfig, PacketHistory, StoredPacket};
pub use receive_log::{Fate, Noted, ReceiveLog, ReceiveLogConfig, ReceiveStats};
