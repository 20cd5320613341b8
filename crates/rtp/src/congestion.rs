//! How much a path takes, from the transport-wide feedback on what was sent, and when what is sent may leave. The same
//! controller serves a client's uplink and each of the server's downlinks.
//!
//! ```text
//!            ┌─> one-way delay − smallest of late = queue on the way ─┐
//!  feedback ─┼─> rates of sending and arrival                         ├─> CongestionController ─> target ─> BurstPacer
//!            ├─> share lost                                           │          │
//!            └─> spread of a probe's packets = what the link takes  ──┘          └─> ProbePlan
//! ```
//!
//! *Queue*: when packets stand in a queue for longer than 200 ms, the link is full and the rate of arrival **is** its
//! capacity. The target goes below it, the deeper the longer the queue, until the queue is gone, then close to it.
//! *Loss*: links lose at random without being full. Only heavy loss lowers the target, and when the loss stays as it
//! was although much less is sent, it is taken for what the link always loses and the target is given back.
//! *Growth*: what is sent proves itself; beyond that, a sender that can fill clusters of packets ([`ProbePlan`]) learns
//! what the link takes without sending it all the time.

mod burst_pacer;
mod controller;
mod delay;
mod loss;
mod probe;
mod slot_ring;

use std::time::{Duration, Instant};

pub use burst_pacer::{BurstPacer, BurstPacerConfig, PacerDecision, PacketClass};
pub use controller::CongestionController;
pub use probe::ProbePlan;

use crate::data_rate::DataRate;

/// Limits of the estimate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EstimatorConfig {
    /// Before anything is known.
    pub initial: DataRate,
    /// Never less.
    pub min: DataRate,
    /// Never more.
    pub max: DataRate,
    /// How far the estimate of a sender that does not probe may grow while much less than it is sent. Enough for one
    /// good picture; what the link takes beyond has to be shown by sending it.
    pub unproven: DataRate,
    /// Whether the sender asks for [`ProbePlan`]s and fills them. Then nothing grows unproven.
    pub probing: bool,
}

impl Default for EstimatorConfig {
    fn default() -> Self {
        Self {
            initial: DataRate::from_kbps(1500),
            min: DataRate::from_kbps(100),
            max: DataRate::from_kbps(10_000),
            unproven: DataRate::from_kbps(4000),
            probing: false,
        }
    }
}

/// What became of one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketResult {
    /// When it left, on this machine's clock. Packets of a burst best differ by a microsecond each, so that one that
    /// comes late can be told from the next.
    pub sent: Instant,
    /// Whether it arrived. A packet no feedback speaks of, since that was lost, is left out, not given as lost. One that was
    /// given as lost and arrives late is given again.
    pub received: bool,
    /// When it arrived, on the receiver's clock, if that is known.
    pub arrived: Option<Duration>,
    /// Size on the wire.
    pub bytes: usize,
    /// The [`ProbePlan`] it was part of.
    pub probe: Option<u32>,
}
