//! Notes arrivals and writes the feedback.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rtcp_types::{TransportFeedback, Twcc, TwccPacketStatus};

use crate::sequence::SequenceUnwrapper;
use crate::wire::RtcpWriter;

/// A jump of more numbers than this is no loss: it begins anew there. Also what is remembered at most: 16 KB.
const MAX_SPAN: u64 = 2000;
/// Reported numbers are kept so long behind, so that a packet that comes late can be reported together with its
/// neighbours.
const KEPT: usize = 256;
/// The feedback control information of one packet stays below, so that it fits a datagram whatever stands beside it.
const MAX_INFORMATION: usize = 1000;
/// What a reference time counts, in ticks of 250 us.
const TICKS_PER_REFERENCE: u64 = 256;
const TICK: Duration = Duration::from_micros(250);
const NOT_ARRIVED: u64 = u64::MAX;

/// How often feedback is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TwccReceiverConfig {
    /// Not more often than this, unless many packets came. Longer, and the sender's estimate lags; shorter, and the
    /// feedback itself takes a share of the way back.
    pub interval: Duration,
    /// So many packets are reported without waiting.
    pub at_once: usize,
}

impl Default for TwccReceiverConfig {
    fn default() -> Self {
        Self { interval: Duration::from_millis(50), at_once: 100 }
    }
}

/// The receiver's half for one transport.
///
/// Invariant: every number between the first and the highest is reported at least once, received or not; one that comes
/// after it was reported missing is reported again, if it is among the last few hundred.
#[derive(Debug)]
pub struct TwccReceiver {
    config: TwccReceiverConfig,
    unwrapper: SequenceUnwrapper,
    /// What the ticks count from.
    origin: Option<Instant>,
    /// Arrival of the numbers from `first` on, in ticks.
    arrivals: VecDeque<u64>,
    first: u64,
    /// Numbers before `first` were known once.
    forgot: bool,
    /// The lowest number not reported as it stands now.
    next: u64,
    /// Arrivals not reported yet.
    pending: usize,
    pending_since: Option<Instant>,
    reported_at: Option<Instant>,
    count: u8,
    dropped: u64,
}

impl TwccReceiver {
    /// Nothing arrived yet.
    pub fn new(config: TwccReceiverConfig) -> Self {
        Self {
            config,
            unwrapper: SequenceUnwrapper::new(),
            origin: None,
            arrivals: VecDeque::new(),
            first: 0,
            forgot: false,
            next: 0,
            pending: 0,
            pending_since: None,
            reported_at: None,
            count: 0,
            dropped: 0,
        }
    }

    /// Feedback is written no more often than this from now on, unless many packets came.
    pub fn set_interval(&mut self, interval: Duration) {
        self.config.interval = interval;
    }

    /// Notes the arrival of a packet with this transport-wide number.
    pub fn on_packet(&mut self, sequence: u16, arrived: Instant) {
        let number = self.unwrapper.unwrap(sequence);
        let origin = *self.origin.get_or_insert(arrived);
        let end = self.first + self.arrivals.len() as u64;
        if self.arrivals.is_empty() || number >= end + MAX_SPAN {
            self.begin_at(number);
        } else if number < self.first && !self.make_place_before(number) {
            self.dropped += 1;
            return;
        }
        let place = (number - self.first) as usize;
        if place >= self.arrivals.len() {
            self.arrivals.resize(place + 1, NOT_ARRIVED);
        } else if self.arrivals[place] != NOT_ARRIVED {
            self.dropped += 1;
            return;
        }
        // The first reference is not zero, so that a packet noted with an earlier time has one too.
        let ticks = arrived.saturating_duration_since(origin).as_micros() as u64 / TICK.as_micros() as u64;
        self.arrivals[place] = ticks + TICKS_PER_REFERENCE;
        self.next = self.next.min(number);
        self.pending += 1;
        self.pending_since.get_or_insert(arrived);
        self.forget();
    }

    /// The first packets may be reordered too; what was forgotten stays so.
    fn make_place_before(&mut self, number: u64) -> bool {
        let before = self.first - number;
        if self.forgot || before > KEPT as u64 {
            return false;
        }
        (0..before).for_each(|_| self.arrivals.push_front(NOT_ARRIVED));
        self.first = number;
        true
    }

    fn begin_at(&mut self, number: u64) {
        self.arrivals.clear();
        self.forgot = false;
        self.first = number;
        self.next = number;
        self.pending = 0;
        self.pending_since = None;
    }

    /// Keeps memory within bounds: what was reported long ago goes, and what nobody polled for.
    fn forget(&mut self) {
        while self.arrivals.len() > MAX_SPAN as usize || (self.arrivals.len() > KEPT && self.first < self.next) {
            self.arrivals.pop_front();
            self.first += 1;
            self.forgot = true;
        }
        self.next = self.next.max(self.first);
    }

    /// When feedback is due; `None` while there is nothing to report.
    pub fn next_deadline(&self) -> Option<Instant> {
        let since = self.pending_since?;
        if self.pending >= self.config.at_once {
            return Some(since);
        }
        // After a silence, wait for what comes together with the first packet.
        let gathered = since + self.config.interval / 5;
        Some(self.reported_at.map_or(gathered, |last| gathered.max(last + self.config.interval)))
    }

    /// Appends one feedback packet if it is due; call again while it says `true`. `media_ssrc` is any stream of the
    /// transport.
    pub fn poll_feedback(&mut self, now: Instant, sender_ssrc: u32, media_ssrc: u32, out: &mut Vec<u8>) -> bool {
        if self.next_deadline().is_none_or(|due| due > now) {
            return false;
        }
        let Some((statuses, reference)) = self.statuses() else {
            self.pending = 0;
            self.pending_since = None;
            return false;
        };
        // 24 bits, wrapping after twelve days.
        let reference = reference as u32 & 0x00ff_ffff;
        let twcc = Twcc::builder(self.next as u16, reference, self.count, &statuses, Some(MAX_INFORMATION));
        let told = twcc.packet_status_count();
        RtcpWriter::new(out).append(&TransportFeedback::builder(&twcc).sender_ssrc(sender_ssrc).media_ssrc(media_ssrc));
        self.count = self.count.wrapping_add(1);
        self.next += told.max(1) as u64;
        self.reported_at = Some(now);
        if self.next >= self.first + self.arrivals.len() as u64 {
            self.pending = 0;
            self.pending_since = None;
        } else {
            // The rest follows at once.
            self.pending = self.pending.max(self.config.at_once);
        }
        self.forget();
        true
    }

    /// What became of the numbers from `next` on, and the reference time of the first that arrived. Ends where the time
    /// between two arrivals does not fit (8 s). `None` when there is nothing.
    fn statuses(&self) -> Option<(Vec<TwccPacketStatus>, u64)> {
        let unreported = || self.arrivals.iter().skip((self.next - self.first) as usize).copied();
        let reference = unreported().find(|ticks| *ticks != NOT_ARRIVED)? / TICKS_PER_REFERENCE;
        let mut last = reference * TICKS_PER_REFERENCE;
        let mut statuses = Vec::with_capacity(self.arrivals.len());
        for ticks in unreported() {
            if ticks == NOT_ARRIVED {
                statuses.push(TwccPacketStatus::NotReceived);
                continue;
            }
            let Ok(delta) = i16::try_from(ticks.wrapping_sub(last) as i64) else { break };
            statuses.push(TwccPacketStatus::Received { delta });
            last = ticks;
        }
        Some((statuses, reference))
    }

    /// Packets not reported: duplicates, and such as came too late.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}
