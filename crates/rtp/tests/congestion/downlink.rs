//! A server's downlink to one receiver: the sender, an impaired link with a bottleneck, and the feedback back.

use std::time::{Duration, Instant};

use confab_impair::{DropCause, Impairment, Link, Profile, Verdict};
use confab_rtp::{DataRate, EstimatorConfig, PacketClass, PacketResult};

use crate::course::{Course, Look, Sound};
use crate::sender::{Outgoing, Sender};
use crate::terms::Terms;

const STEP: Duration = Duration::from_millis(1);

#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Instant,
    bytes: usize,
    probe: Option<u32>,
}

/// One report: of packets from `first` on, when each arrived on the receiver's clock.
#[derive(Clone, Debug)]
struct Report {
    first: usize,
    arrivals: Vec<Option<Duration>>,
    /// What an earlier report called lost.
    late: Vec<(usize, Duration)>,
}

pub struct Downlink {
    pub terms: Terms,
    pub start: Instant,
    pub now: Instant,
    pub sender: Sender,
    pub course: Course,
    /// Neither end of the receiving machine moves before then.
    pub receiver_stands_until: Option<Instant>,
    /// The sending machine does not move before then.
    pub sender_stands_until: Option<Instant>,
    /// The receiver's clock was set by so many seconds.
    pub receiver_clock_moved: i64,
    /// Something else uses so much of the bottleneck, in packets that nobody controls.
    pub competing: DataRate,
    profile: Profile,
    down: Link<usize>,
    up: Link<Report>,
    competing_debt: f64,
    bottleneck_free_at: Instant,
    sent: Vec<Sent>,
    /// By number of the packet.
    arrived: Vec<Option<Duration>>,
    late: Vec<(usize, Duration)>,
    reported: usize,
    newest: Option<usize>,
    next_report: Instant,
    next_look: Instant,
    outgoing: Vec<Outgoing>,
    results: Vec<PacketResult>,
}

impl Downlink {
    pub fn new(terms: Terms, config: EstimatorConfig, kbps: u64) -> Self {
        let start = Instant::now();
        let profile = terms.down(kbps);
        Self {
            terms,
            start,
            now: start,
            sender: Sender::new(start, config, terms.seed),
            course: Course::default(),
            receiver_stands_until: None,
            sender_stands_until: None,
            receiver_clock_moved: 0,
            competing: DataRate::ZERO,
            profile,
            down: Link::new(Impairment::new(profile, terms.seed)),
            up: Link::new(Impairment::new(terms.up(), terms.seed ^ 0xabcd)),
            competing_debt: 0.0,
            bottleneck_free_at: start,
            sent: Vec::new(),
            arrived: Vec::new(),
            late: Vec::new(),
            reported: 0,
            newest: None,
            next_report: start,
            next_look: start,
            outgoing: Vec::new(),
            results: Vec::new(),
        }
    }

    /// The bottleneck takes so much from now on.
    pub fn set_rate(&mut self, kbps: u64) {
        self.change(|profile| profile.rate.as_mut().expect("there is a bottleneck").bits_per_second = kbps * 1000);
    }

    pub fn change(&mut self, change: impl FnOnce(&mut Profile)) {
        change(&mut self.profile);
        self.down.impairment_mut().set_profile(self.profile);
    }

    /// The bottleneck sends nothing for a while; what is offered meanwhile waits.
    pub fn stand_still(&mut self, time: Duration) {
        // A packet as long as the pause takes the link.
        let rate = self.profile.rate.expect("there is a bottleneck").bits_per_second;
        let bytes = DataRate::from_bps(rate).bytes_in(time) as usize;
        let verdict = self.down.push(self.now, bytes, usize::MAX);
        self.occupy(verdict, bytes);
    }

    pub fn counters(&self) -> confab_impair::Counters {
        self.down.counters()
    }

    pub fn seconds(&self) -> f64 {
        (self.now - self.start).as_secs_f64()
    }

    pub fn target_kbps(&self) -> u64 {
        self.sender.controller.target().as_kbps()
    }

    pub fn run(&mut self, seconds: f64) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while self.now < end {
            self.now += STEP;
            self.compete();
            if self.sender_stands_until.is_none_or(|until| self.now >= until) {
                self.take_reports();
                self.send();
            }
            if self.receiver_stands_until.is_none_or(|until| self.now >= until) {
                self.receive();
            }
            self.look();
        }
    }

    fn compete(&mut self) {
        self.competing_debt += self.competing.as_bps() as f64 / 8000.0;
        while self.competing_debt >= 1200.0 {
            self.competing_debt -= 1200.0;
            let verdict = self.down.push(self.now, 1200, usize::MAX);
            self.occupy(verdict, 1200);
        }
    }

    fn send(&mut self) {
        let mut outgoing = std::mem::take(&mut self.outgoing);
        self.sender.run(self.now, &mut outgoing);
        for packet in outgoing.drain(..) {
            let number = self.sent.len();
            let at = self.sent.last().map_or(self.now, |last| self.now.max(last.at + Duration::from_micros(1)));
            self.sent.push(Sent { at, bytes: packet.bytes, probe: packet.probe });
            self.arrived.push(None);
            let verdict = self.down.push(self.now, packet.bytes, number);
            self.occupy(verdict, packet.bytes);
            if packet.class == PacketClass::Audio {
                let sent = self.seconds();
                match verdict {
                    Verdict::Deliver(at) => self.course.sounds.push(Sound { sent, delay: Some(at - self.now) }),
                    Verdict::Drop(DropCause::QueueFull) => self.course.sounds.push(Sound { sent, delay: None }),
                    _ => {}
                }
            }
        }
        self.outgoing = outgoing;
    }

    fn occupy(&mut self, verdict: Verdict, bytes: usize) {
        if !matches!(verdict, Verdict::Drop(_)) {
            let rate = self.profile.rate.expect("there is a bottleneck").bits_per_second;
            self.bottleneck_free_at = self.bottleneck_free_at.max(self.now) + DataRate::from_bps(rate).time_for(bytes);
        }
    }

    fn receive(&mut self) {
        while let Some((at, number)) = self.down.poll(self.now) {
            if number == usize::MAX {
                continue;
            }
            // A machine that stood still stamps what came meanwhile when it wakes.
            let seen = self.receiver_stands_until.map_or(at, |until| at.max(until));
            let since_start = (seen - self.start).as_secs_f64() * (1.0 + self.terms.drift / 1e6);
            // Transport-wide feedback counts in quarters of a millisecond.
            let ticks = (since_start * 4000.0) as u64;
            let hours = Duration::from_secs((36_000 + self.receiver_clock_moved) as u64);
            self.arrived[number] = Some(hours + Duration::from_micros(ticks * 250));
            if let Some(arrived) = self.arrived[number].filter(|_| number < self.reported) {
                self.late.push((number, arrived));
            }
            self.newest = Some(self.newest.map_or(number, |newest| newest.max(number)));
        }
        if self.now < self.next_report {
            return;
        }
        self.next_report = self.now + self.terms.feedback_interval;
        let Some(newest) = self.newest.filter(|newest| *newest >= self.reported) else { return };
        let report = Report {
            first: self.reported,
            arrivals: self.arrived[self.reported..=newest].to_vec(),
            late: std::mem::take(&mut self.late),
        };
        self.reported = newest + 1;
        self.up.push(self.now, 100, report);
    }

    fn take_reports(&mut self) {
        while let Some((_, report)) = self.up.poll(self.now) {
            self.results.clear();
            let late = report.late.iter().map(|(number, arrived)| (*number, Some(*arrived)));
            let all = late.chain(report.arrivals.iter().enumerate().map(|(index, at)| (report.first + index, *at)));
            self.results.extend(all.map(|(number, arrived)| {
                let Sent { at, bytes, probe } = self.sent[number];
                PacketResult { sent: at, received: arrived.is_some(), arrived, bytes, probe }
            }));
            self.sender.controller.on_feedback(self.now, &self.results);
        }
    }

    fn look(&mut self) {
        if self.now < self.next_look {
            return;
        }
        self.next_look += Duration::from_millis(100);
        self.course.looks.push(Look {
            at: self.seconds(),
            target_kbps: self.target_kbps(),
            sent_video_kbps: self.sender.video_kbps(),
            queue: self.bottleneck_free_at.saturating_duration_since(self.now),
            seen_queue: self.sender.controller.queue_delay(),
        });
    }
}
