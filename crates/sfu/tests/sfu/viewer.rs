//! A receiver as our own clients are: its packets are opened, logged, asked for and reported by `confab-rtp`. str0m by
//! itself asks five times at most, and takes nothing that is a hundred packets behind.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use confab_rtp::stream::{ReceiveLog, ReceiveLogConfig};
use confab_rtp::transport_wide::{TwccReceiver, TwccReceiverConfig};
use confab_rtp::wire::{ExtensionIds, RtcpWriter, RtpView, rtx};
use confab_sfu::keys::MediaKeys;
use str0m::media::Mid;

use crate::client::Received;

/// Our own name in reports.
const OWN: u32 = 4_711;
/// What a client has measured after the first reports.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// The receiving half of a client.
pub struct Viewer {
    extensions: ExtensionIds,
    /// Of each stream: whose repairs it brings, if it does.
    repairs: HashMap<u32, u32>,
    streams: HashMap<u32, (Mid, ReceiveLog)>,
    arrivals: TwccReceiver,
}

impl Viewer {
    /// For the streams that an answer names.
    pub fn of(answer: &str) -> Self {
        let (mut repairs, mut streams) = (HashMap::new(), HashMap::new());
        for section in answer.split("m=video ").skip(1) {
            let line = |start: &str| section.lines().find_map(|line| line.strip_prefix(start));
            let (Some(mid), Some(pair)) = (line("a=mid:"), line("a=ssrc-group:FID ")) else { continue };
            let pair: Vec<u32> = pair.split(' ').map(|ssrc| ssrc.trim().parse().unwrap()).collect();
            let log = ReceiveLog::new(ReceiveLogConfig { clock_rate: 90_000, asks: true });
            streams.insert(pair[0], (Mid::from(mid.trim()), log));
            repairs.insert(pair[1], pair[0]);
        }
        assert!(!streams.is_empty(), "{answer}");
        let arrivals = TwccReceiver::new(TwccReceiverConfig::default());
        Self { extensions: ExtensionIds::from_sdp(answer), repairs, streams, arrivals }
    }

    /// A packet that was opened; gives it if it is new.
    pub fn take(&mut self, now: Instant, packet: &[u8]) -> Option<(Mid, Received)> {
        let view = RtpView::parse(packet)?;
        let number = self.extensions.transport_cc.and_then(|id| view.extension(id));
        if let Some(number) = number.and_then(|bytes| bytes.try_into().ok()) {
            self.arrivals.on_packet(u16::from_be_bytes(number), now);
        }
        let original = self.repairs.get(&view.ssrc()).copied();
        let (sequence, payload) = match original {
            Some(_) => rtx::original(view.payload())?,
            None => (view.sequence(), view.payload()),
        };
        let (mid, log) = self.streams.get_mut(&original.unwrap_or(view.ssrc()))?;
        let noted = log.on_packet(now, sequence, view.timestamp(), original.is_some());
        // A number that is closed over brings padding.
        let is_new = noted.fate.is_fresh() && !payload.is_empty();
        is_new.then(|| {
            let (sequence, timestamp, marker) = (noted.number, view.timestamp(), view.marker());
            let payload = payload.into();
            (*mid, Received { at: now, sequence, timestamp, marker, audio_level: None, descriptor: None, payload })
        })
    }

    /// What is to be said now, protected.
    pub fn say(&mut self, now: Instant, keys: &mut MediaKeys, mut send: impl FnMut(Vec<u8>)) {
        let mut protected = |mut report: Vec<u8>| {
            if !report.is_empty() && keys.outbound.protect_rtcp(&mut report).is_ok() {
                send(report);
            }
        };
        for (ssrc, (_, log)) in &mut self.streams {
            let (mut numbers, mut report) = (Vec::new(), Vec::new());
            if log.next_deadline().is_some_and(|due| due <= now) {
                log.poll_nacks(now, ROUND_TRIP, &mut numbers);
            }
            if !numbers.is_empty() {
                RtcpWriter::new(&mut report).nack(OWN, *ssrc, &numbers);
            }
            protected(report);
        }
        let mut report = Vec::new();
        while self.arrivals.next_deadline().is_some_and(|due| due <= now)
            && self.arrivals.poll_feedback(now, OWN, 1, &mut report)
        {
            protected(std::mem::take(&mut report));
        }
    }

    /// When [`Self::say`] has something.
    pub fn due(&self) -> Option<Instant> {
        let logs = self.streams.values().filter_map(|(_, log)| log.next_deadline());
        logs.chain(self.arrivals.next_deadline()).min()
    }
}
