//! RTP and RTCP of one light person, sans-IO: datagrams and time in, datagrams out.
//!
//! Most of what comes is never decrypted: number, stream and transport-wide number stand in clear, and they are all that
//! counting, feedback and asking again need. One packet in so many is opened, and so is every report and every repair.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use confab_protocol::Layer;
use confab_rtp::transport_wide::{TwccReceiver, TwccReceiverConfig};
use confab_rtp::wire::rtcp::short_cname;
use confab_rtp::wire::view::is_rtcp;
use confab_rtp::wire::{NtpClock, Report, RtcpWriter, RtpView, SenderInfo, reports, rtx};

use super::arrivals::Arriving;
use super::control::Totals;
use super::keys::Keys;
use super::negotiated::Negotiated;
use super::payload::Contents;
use super::streams::{Clear, Outgoing, Stream};
use super::tally::{Arrival, Contained, KindTally, Tally};

/// Sender and receiver reports.
const REPORT: Duration = Duration::from_secs(1);

/// Between what browsers do (50 to 100 ms), so that a congestion-controlled server learns as fast as from them.
const FEEDBACK: TwccReceiverConfig = TwccReceiverConfig { interval: Duration::from_millis(75), at_once: 500 };

/// Keyframes are asked for at most this often.
const KEYFRAME: Duration = Duration::from_millis(500);

/// The first byte of a payload with which a picture can begin: an H.264 sequence parameter set.
const PARAMETER_SET: u8 = 0x67;

/// What media brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Happening {
    Connected,
    Closed,
    /// The server wants one; of this layer.
    KeyframeWanted(Option<Layer>),
}

pub(super) struct Media {
    open_one_in: u32,
    lose: f64,
    random: u64,
    clock: Instant,
    ntp: NtpClock,
    totals: Arc<Totals>,
    keys: Option<Keys>,
    agreed: Negotiated,
    streams: Vec<Stream>,
    /// Of the transport: one for all streams sent.
    next_number: u16,
    /// Who reports.
    ssrc: u32,
    name: String,
    arriving: HashMap<u32, Arriving>,
    /// The streams of the m-lines, to know what a repair repairs.
    by_mid: HashMap<String, u32>,
    feedback: TwccReceiver,
    next_report: Instant,
    next_keyframe: Instant,
    pub(super) outgoing: Vec<Vec<u8>>,
    counts: bool,
    pub(super) tally: Tally,
}

impl Media {
    /// `lose` is a share of what comes; which packets, `seed` decides. `clock` is what times in payloads count from.
    pub(super) fn new(open_one_in: u32, lose: f64, seed: u64, clock: Instant, totals: Arc<Totals>) -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Instant::now();
        let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut name = [0; 12];
        name[..8].copy_from_slice(&random.to_be_bytes());
        Self {
            open_one_in,
            lose,
            random,
            clock,
            ntp: NtpClock::new(now, since_1970),
            totals,
            keys: None,
            agreed: Negotiated::default(),
            streams: Vec::new(),
            next_number: 0,
            ssrc: (random >> 32) as u32 | 1,
            name: short_cname(name),
            arriving: HashMap::new(),
            by_mid: HashMap::new(),
            feedback: TwccReceiver::new(FEEDBACK),
            next_report: now + REPORT,
            next_keyframe: now,
            outgoing: Vec::new(),
            counts: false,
            tally: Tally::default(),
        }
    }

    /// Takes what the descriptions settled, and the streams there are to send.
    pub(super) fn agree(&mut self, agreed: Negotiated, streams: Vec<Stream>) {
        if let Some(first) = streams.first() {
            self.ssrc = first.ssrc;
        }
        self.agreed = agreed;
        self.streams = streams;
    }

    /// The handshake is done.
    pub(super) fn unlock(&mut self, now: Instant, keys: Keys) {
        self.keys = Some(keys);
        self.next_report = now + REPORT;
    }

    /// What comes from now on counts, if it does not already.
    pub(super) fn begin_to_count(&mut self) {
        if std::mem::replace(&mut self.counts, true) {
            return;
        }
        for arriving in self.arriving.values_mut() {
            arriving.tally.restart();
        }
    }

    /// Takes in a datagram that is RTP or RTCP, in protected form.
    pub(super) fn receive(&mut self, now: Instant, datagram: &mut [u8], happenings: &mut Vec<Happening>) {
        if is_rtcp(datagram) {
            self.receive_reports(now, datagram, happenings);
            return;
        }
        // Padding says how long it is in its last byte, which is encrypted.
        let is_padded = datagram.first().is_some_and(|first| first & 0x20 != 0);
        let opened = if is_padded { self.open(datagram) } else { None };
        let end = opened.as_ref().map_or(datagram.len(), |payload| payload.end);
        let Some(view) = datagram.get(..end).and_then(RtpView::parse) else { return };
        let is_repair = view.payload_type() == self.agreed.repair && self.agreed.repair != 0;
        if !is_repair {
            self.totals.arrived.fetch_add(1, Ordering::Relaxed);
        }
        if self.loses() {
            return;
        }
        if let Some(number) = self.agreed.extensions.transport_cc(&view) {
            self.feedback.on_packet(number, now);
        }
        let (ssrc, sequence) = (view.ssrc(), view.sequence());
        let mid = self.agreed.extensions.mid(&view);
        if is_repair {
            let repaired = self.agreed.repairs.get(&ssrc).or_else(|| self.by_mid.get(mid?)).copied();
            if let Some(repaired) = repaired {
                self.receive_repair(now, repaired, datagram, opened.is_some().then_some(end));
            }
            return;
        }
        if let Some(mid) = mid
            && !self.by_mid.contains_key(mid)
        {
            self.by_mid.insert(mid.to_owned(), ssrc);
        }
        let is_video = view.payload_type() == self.agreed.h264;
        let payload = view.payload_range();
        self.receive_media(now, (ssrc, sequence, is_video), datagram, payload, opened.is_some());
    }

    fn receive_media(
        &mut self,
        now: Instant,
        (ssrc, sequence, is_video): (u32, u16, bool),
        datagram: &mut [u8],
        mut payload: std::ops::Range<usize>,
        is_open: bool,
    ) {
        let is_first = !self.arriving.contains_key(&ssrc);
        let is_sampled = self.open_one_in > 1;
        let arriving = self.arriving.entry(ssrc).or_insert_with(|| Arriving::new(is_video, is_sampled));
        let (number, arrival) = arriving.arrive(now, sequence, is_video && self.agreed.repair != 0);
        let lost = arriving.tally.give_up();
        let skipped = arriving.skipped;
        // Every tenth would meet the same places of a burst each time; a number's hash does not.
        let hash = (number as u32).wrapping_mul(0x9e37_79b1) >> 16;
        let opens = is_open || is_first || hash.is_multiple_of(self.open_one_in);
        let mut contents = None;
        let mut is_authentic = true;
        if arrival != Arrival::Duplicate && opens {
            if is_open {
                contents = Contents::read(&datagram[payload.clone()]);
            } else if let Some(opened) = self.open(datagram) {
                payload = opened;
                contents = Contents::read(&datagram[payload.clone()]);
            } else {
                is_authentic = false;
            }
            let begins = datagram.get(payload.start) == Some(&PARAMETER_SET);
            if is_first && let Some(arriving) = self.arriving.get_mut(&ssrc) {
                arriving.wants_keyframe = is_video && is_authentic && !begins;
            }
        }
        let contained = contents.and_then(|contents| {
            Some((self.arriving.get_mut(&ssrc)?.tally.open(number, skipped, &contents), contents))
        });
        if !self.counts {
            return;
        }
        let kind = if is_video { &mut self.tally.video } else { &mut self.tally.audio };
        kind.lost += lost;
        if arrival == Arrival::Duplicate {
            kind.duplicates += 1;
            return;
        }
        kind.late += u64::from(arrival == Arrival::Late);
        kind.received += 1;
        kind.bytes += payload.len() as u64;
        kind.mixed_up += u64::from(!is_authentic);
        note(kind, contained, self.clock, now);
    }

    /// A packet sent again. Spare ones, by which a server probes, are none that is missing.
    fn receive_repair(&mut self, now: Instant, ssrc: u32, datagram: &mut [u8], opened_until: Option<usize>) {
        let end = match opened_until {
            Some(end) => end,
            None => match self.open(datagram) {
                Some(payload) => payload.end,
                None => return,
            },
        };
        let Some(view) = RtpView::parse(&datagram[..end]) else { return };
        let Some((sequence, payload)) = rtx::original(view.payload()) else { return };
        let Some(arriving) = self.arriving.get_mut(&ssrc) else { return };
        let (number, arrival) = arriving.arrive(now, sequence, true);
        if arrival == Arrival::Duplicate {
            return;
        }
        let contents = Contents::read(payload);
        let contained = contents.map(|contents| (arriving.tally.open(number, 0, &contents), contents));
        if self.counts {
            let kind = if arriving.is_video { &mut self.tally.video } else { &mut self.tally.audio };
            kind.received += 1;
            kind.late += 1;
            kind.bytes += payload.len() as u64;
            note(kind, contained, self.clock, now);
        }
    }

    fn receive_reports(&mut self, now: Instant, datagram: &mut [u8], happenings: &mut Vec<Happening>) {
        let Some(keys) = &mut self.keys else { return };
        let Ok(end) = keys.inbound.open_rtcp(datagram) else { return };
        let layer_of = |streams: &[Stream], ssrc: u32| streams.iter().find(|stream| stream.ssrc == ssrc)?.layer;
        for report in reports(&datagram[..end]) {
            match report {
                Report::SenderReport { info, .. } => {
                    if let Some(arriving) = self.arriving.get_mut(&info.ssrc) {
                        arriving.sender_report(now, &info);
                    }
                }
                Report::Pli { media_ssrc, .. } => {
                    happenings.push(Happening::KeyframeWanted(layer_of(&self.streams, media_ssrc)));
                }
                Report::Fir { entries, .. } => {
                    let layers = entries.iter().map(|(ssrc, _)| layer_of(&self.streams, *ssrc));
                    happenings.extend(layers.map(Happening::KeyframeWanted));
                }
                Report::Nack { media_ssrc, numbers, .. } => self.repair(now, media_ssrc, &numbers),
                _ => {}
            }
        }
    }

    /// Sends again what the server asks for.
    fn repair(&mut self, now: Instant, ssrc: u32, numbers: &[u16]) {
        let Some(place) = self.streams.iter().position(|stream| stream.ssrc == ssrc) else { return };
        for number in numbers {
            if let Some(clear) = self.streams[place].repair(now, &self.agreed, *number, self.next_number) {
                self.next_number = self.next_number.wrapping_add(1);
                self.protect(clear);
            }
        }
    }

    /// Queues a packet of a layer, or of the voice.
    pub(super) fn send(&mut self, now: Instant, layer: Option<Layer>, outgoing: &Outgoing<'_>) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.layer == layer) else { return };
        let clear = stream.write(now, &self.agreed, self.next_number, outgoing);
        self.next_number = self.next_number.wrapping_add(1);
        self.totals.sent.fetch_add(1, Ordering::Relaxed);
        self.protect(clear);
    }

    fn protect(&mut self, mut clear: Clear) {
        let Some(keys) = &self.keys else { return };
        clear.bytes.resize(clear.bytes.len() + keys.outbound.profile().rtp_overhead(), 0);
        if keys.outbound.protect_rtp(clear.index, &mut clear.bytes).is_ok() {
            self.outgoing.push(clear.bytes);
        }
    }

    /// When [`Self::advance`] is due; `None` before the handshake is done.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.keys.as_ref()?;
        let asks = self.arriving.values().filter_map(Arriving::deadline).min();
        let keyframe = self.arriving.values().any(|arriving| arriving.wants_keyframe).then_some(self.next_keyframe);
        [self.feedback.next_deadline(), asks, keyframe].into_iter().flatten().chain([self.next_report]).min()
    }

    /// Queues the reports that are due.
    pub(super) fn advance(&mut self, now: Instant) {
        let Some(keys) = &mut self.keys else { return };
        let mut report = Vec::new();
        if self.next_report <= now {
            self.next_report = now + REPORT;
            let blocks: Vec<_> =
                self.arriving.iter_mut().filter_map(|(ssrc, arriving)| arriving.block(now, *ssrc)).collect();
            let mut writer = RtcpWriter::new(&mut report);
            for stream in self.streams.iter().filter(|stream| stream.packets > 0) {
                let info = SenderInfo {
                    ssrc: stream.ssrc,
                    ntp: self.ntp.at(now),
                    rtp_timestamp: stream.timestamp,
                    packets: stream.packets,
                    octets: stream.bytes,
                };
                writer.sender_report(info, &[]);
            }
            writer.receiver_report(self.ssrc, &blocks).cname(self.ssrc, &self.name);
        }
        let asks_keyframes = self.next_keyframe <= now;
        for (ssrc, arriving) in &mut self.arriving {
            let numbers = arriving.due(now);
            RtcpWriter::new(&mut report).nack(self.ssrc, *ssrc, &numbers);
            if asks_keyframes && std::mem::take(&mut arriving.wants_keyframe) {
                self.next_keyframe = now + KEYFRAME;
                RtcpWriter::new(&mut report).pli(self.ssrc, *ssrc);
            }
        }
        let some = self.arriving.keys().next().copied().unwrap_or_default();
        while self.feedback.poll_feedback(now, self.ssrc, some, &mut report) {}
        if !report.is_empty() && keys.outbound.protect_rtcp(&mut report).is_ok() {
            self.outgoing.push(report);
        }
    }

    /// What was counted, and what is missing for good.
    pub(super) fn finish(&mut self) -> Tally {
        for arriving in self.arriving.values() {
            let kind = if arriving.is_video { &mut self.tally.video } else { &mut self.tally.audio };
            kind.lost += arriving.tally.missing();
        }
        std::mem::take(&mut self.tally)
    }

    /// Opens a packet in place and gives where its payload is.
    fn open(&mut self, datagram: &mut [u8]) -> Option<std::ops::Range<usize>> {
        Some(self.keys.as_mut()?.inbound.open_rtp(datagram).ok()?.payload)
    }

    /// Whether the next packet is one to lose (xorshift64*).
    fn loses(&mut self) -> bool {
        if self.lose == 0.0 {
            return false;
        }
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let drawn = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        (drawn as f64) < self.lose * (1_u64 << 53) as f64
    }
}

fn note(kind: &mut KindTally, contained: Option<(Contained, Contents)>, clock: Instant, now: Instant) {
    let Some((contained, contents)) = contained else { return };
    match contained {
        Contained::Expected => {}
        Contained::Switched => kind.switches += 1,
        Contained::MixedUp => kind.mixed_up += 1,
    }
    kind.opened += 1;
    kind.delays.add(contents.age(clock, now));
}
