//! How much a core remembers, so that a test or a gauge sees that nothing grows with what strangers send.

use crate::sfu::Sfu;

/// Entries a core holds at present. None of them may grow with the datagrams that come, only with members and mirrors.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Holdings {
    /// Addresses that belong to members.
    pub addresses: usize,
    /// Names that members' checks use.
    pub names: usize,
    /// Deadlines, those no longer meant included.
    pub timers: usize,
    /// Streams whose place is known, of all members.
    pub streams: usize,
    /// Packets that wait for their pace, of all members.
    pub held: usize,
    /// Buffers kept for use again.
    pub buffers: usize,
    /// Datagrams not yet taken.
    pub transmits: usize,
    /// Events not yet taken.
    pub events: usize,
    /// Batches for other cores not yet taken.
    pub relayed: usize,
}

impl Sfu {
    /// What is held at present. Goes through all members.
    pub fn holdings(&self) -> Holdings {
        let members = || self.members.iter().map(|(_, member)| member);
        Holdings {
            addresses: self.addresses.len(),
            names: self.by_ufrag.len(),
            timers: self.timers.len(),
            streams: members().map(|member| member.streams.len()).sum(),
            held: members().map(|member| member.downlink.held.len()).sum(),
            buffers: self.outlet.kept(),
            transmits: self.outlet.queued(),
            events: self.events.len(),
            relayed: self.relay.queued(),
        }
    }
}
