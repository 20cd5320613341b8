//! What a jitter buffer counts.

/// What a jitter buffer has done so far and how it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JitterBufferStats {
    /// Packets taken in, whatever became of them.
    pub packets_received: u64,
    /// Packets that never came, or came after their turn.
    pub packets_lost: u64,
    /// Packets that came after their turn and were dropped.
    pub packets_late: u64,
    /// Packets that came twice.
    pub packets_duplicate: u64,
    /// Packets thrown away because there were too many or the stream changed.
    pub packets_discarded: u64,
    /// Packets that could not be decoded.
    pub packets_damaged: u64,
    /// Times the buffer started over.
    pub resets: u64,
    /// Sound given out, in milliseconds.
    pub played_ms: u64,
    /// Sound made up because packets were lost or late, in milliseconds.
    pub concealed_ms: u64,
    /// Sound rebuilt from the redundancy in the following packet, in milliseconds.
    pub fec_ms: u64,
    /// Sound taken out to lower the delay, in milliseconds.
    pub accelerated_ms: u64,
    /// Sound put in to raise the delay, in milliseconds.
    pub expanded_ms: u64,
    /// The delay that is aimed for, in milliseconds.
    pub target_delay_ms: u32,
    /// How long packets that come as early as they can wait to be played, in milliseconds.
    pub current_delay_ms: u32,
    /// Sound that waits to be played, in milliseconds.
    pub buffered_ms: u32,
}

/// The same in packets and samples, as it is counted.
#[derive(Default)]
pub(super) struct Counters {
    pub received: u64,
    pub lost: u64,
    pub late: u64,
    pub duplicate: u64,
    pub discarded: u64,
    pub damaged: u64,
    pub resets: u64,
    pub played: u64,
    pub concealed: u64,
    pub corrected: u64,
    pub shortened: u64,
    pub lengthened: u64,
    pub last_duration: usize,
}

impl Counters {
    pub fn summary(&self, target: i64, delay: i64, waiting: usize) -> JitterBufferStats {
        JitterBufferStats {
            packets_received: self.received,
            packets_lost: self.lost,
            packets_late: self.late,
            packets_duplicate: self.duplicate,
            packets_discarded: self.discarded,
            packets_damaged: self.damaged,
            resets: self.resets,
            played_ms: self.played / 48,
            concealed_ms: self.concealed / 48,
            fec_ms: self.corrected / 48,
            accelerated_ms: self.shortened / 48,
            expanded_ms: self.lengthened / 48,
            target_delay_ms: (target.max(0) / 48) as u32,
            current_delay_ms: (delay.max(0) / 48) as u32,
            buffered_ms: (waiting / 48) as u32,
        }
    }
}
