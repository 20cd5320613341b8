//! Clusters of packets that show what a link takes beyond what is sent over it.
//!
//! A cluster is sent faster than the target. When it arrives as fast as it was sent, the link takes that; when it
//! arrives slower, the link was full and the rate of arrival is its capacity. Rates are taken by fitting a line through
//! the times of all packets over their bytes, so that jitter of single packets hardly counts.

use std::time::{Duration, Instant};

use super::PacketResult;
use crate::data_rate::DataRate;

/// The cluster's rate as a multiple of the target. Less, and growing takes long; more, and a link that is full after all
/// gets a longer queue.
const FACTOR: f64 = 2.0;
/// The same below [`NARROW`], where a packet more is a queue already.
const NARROW_FACTOR: f64 = 1.5;
const NARROW: f64 = 300_000.0;
/// The cluster's length on a path without jitter. The queue a wrong guess leaves behind is no longer than that.
const SHORTEST: Duration = Duration::from_millis(50);
/// The longest one, for jitter and low rates.
const LONGEST: Duration = Duration::from_millis(150);
/// The same below half of [`NARROW`], where the link may have become narrower unnoticed since sound alone fits anyway.
const LONGEST_NARROW: Duration = Duration::from_millis(100);
/// Fewer packets say nothing.
const PACKETS: usize = 6;
/// What is put into a packet when there is enough for [`PACKETS`] of them.
const PACKET_BYTES: u64 = 1200;
/// A share that arrives as fast as this was sent by a link that is not full.
const AS_FAST: f64 = 0.9;
/// More than this lost of a cluster was dropped by a link that is full. Random loss that looks so makes the finding
/// lower by as much, no more.
const POLICED: f64 = 0.18;
/// So much of a cluster at a low rate may be missing from the reports, as a factor. More, and whoever does not fill clusters believes
/// too much.
const MOST_UNSEEN: f64 = 1.3;
/// A cluster sent slower than this was not sent as asked.
const FILLED: f64 = 0.85;
/// After this time without an answer nothing is learnt.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The first pause after a cluster that filled the link, and the longest one. With the length of a cluster this bounds
/// the share of probing to 4 % of what the link takes, as long as findings agree.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Between a cluster that showed more room and the next.
const NEXT: Duration = Duration::from_millis(200);

/// A cluster to send now: `packets` or more of them, evenly over `duration` or longer, so that together with whatever
/// else is sent the rate is `rate`. Repeats of late packets or padding fill it. Each one bears `id`
/// ([`PacketResult::probe`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProbePlan {
    /// Its name.
    pub id: u32,
    /// The rate of everything sent meanwhile.
    pub rate: DataRate,
    /// At least so many packets.
    pub packets: usize,
    /// At least for so long.
    pub duration: Duration,
}

impl ProbePlan {
    /// How many bytes that makes.
    pub fn bytes(&self) -> u64 {
        self.rate.bytes_in(self.duration)
    }
}

/// What a cluster showed, in bits per second.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Finding {
    /// The link takes so much, perhaps more.
    Takes(f64),
    /// The link takes so much and no more.
    Full(f64),
    /// Nothing.
    Unclear,
}

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    count: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
}

impl Line {
    fn add(&mut self, x: f64, y: f64) {
        self.count += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
    }

    fn slope(&self) -> f64 {
        let width = self.count * self.xx - self.x * self.x;
        if width <= 0.0 { 0.0 } else { (self.count * self.xy - self.x * self.y) / width }
    }
}

#[derive(Debug)]
struct Cluster {
    plan: ProbePlan,
    begun: Instant,
    first: Option<(i64, i64)>,
    begun_sending: Option<i64>,
    last_sent: i64,
    /// What was sent after it is reported.
    over: bool,
    seen: usize,
    received: usize,
    lost: usize,
    late: usize,
    /// The next feedback is waited for: what seems lost may be late.
    doubted: bool,
    bytes: f64,
    departures: Line,
    arrivals: Line,
}

/// Decides when to probe and what came of it.
#[derive(Debug)]
pub(super) struct Prober {
    next_id: u32,
    next_at: Option<Instant>,
    pause: Duration,
    cluster: Option<Cluster>,
}

impl Prober {
    pub fn new() -> Self {
        Self { next_id: 0, next_at: None, pause: FIRST_PAUSE, cluster: None }
    }

    /// The name of the next cluster.
    pub fn next_id(&self) -> u32 {
        self.next_id
    }

    /// Names go on from there, so that what is still on its way is not taken for something new.
    pub fn continue_from(&mut self, next_id: u32) {
        self.next_id = next_id;
    }

    /// There was congestion; the next cluster waits until it is settled.
    pub fn congested(&mut self, now: Instant) {
        self.cluster = None;
        self.pause = FIRST_PAUSE;
        self.next_at = Some(now + FIRST_PAUSE);
    }

    /// A cluster, if it is time for one.
    pub fn poll(
        &mut self,
        now: Instant,
        target: f64,
        most: f64,
        spread: Duration,
        round_trip: Duration,
    ) -> Option<ProbePlan> {
        if let Some(cluster) = &self.cluster {
            if now.saturating_duration_since(cluster.begun) < PATIENCE + cluster.plan.duration {
                return None;
            }
            self.cluster = None;
        }
        if self.next_at.is_some_and(|at| now < at) {
            return None;
        }
        let factor = if target < NARROW { NARROW_FACTOR } else { FACTOR };
        let rate = DataRate::from_bps((target * factor).min(most) as u64);
        let filling = rate.time_for(PACKETS * PACKET_BYTES as usize);
        let longest = if target < NARROW / 2.0 { LONGEST_NARROW } else { LONGEST };
        let duration = (SHORTEST + spread * 3).max(filling).min(longest);
        let packets = PACKETS.max((rate.bytes_in(duration) / PACKET_BYTES) as usize);
        let plan = ProbePlan { id: self.next_id, rate, packets, duration };
        self.next_id = self.next_id.wrapping_add(1);
        self.next_at = Some(now + NEXT + round_trip);
        self.cluster = Some(Cluster {
            plan,
            begun: now,
            first: None,
            begun_sending: None,
            last_sent: i64::MIN,
            over: false,
            seen: 0,
            received: 0,
            lost: 0,
            late: 0,
            doubted: false,
            bytes: 0.0,
            departures: Line::default(),
            arrivals: Line::default(),
        });
        Some(plan)
    }

    /// Takes a packet's fate, in the order of sending; times in microseconds. Everything sent during a cluster counts.
    pub fn add(&mut self, packet: &PacketResult, sent: i64, arrived: Option<i64>) {
        let Some(cluster) = &mut self.cluster else { return };
        if packet.probe == Some(cluster.plan.id) {
            cluster.seen += 1;
            cluster.begun_sending.get_or_insert(sent);
        }
        let Some(begun) = cluster.begun_sending else { return };
        if sent < cluster.last_sent {
            // Thought lost, and late: it has no place on the lines any more.
            if arrived.is_some() {
                cluster.lost = cluster.lost.saturating_sub(1);
                cluster.late += 1;
            }
            return;
        }
        if packet.probe.is_none() && sent - begun >= cluster.plan.duration.as_micros() as i64 {
            cluster.over = true;
            return;
        }
        cluster.last_sent = sent;
        cluster.bytes += packet.bytes as f64;
        let Some(arrived) = arrived else {
            cluster.lost += usize::from(!packet.received);
            return;
        };
        cluster.received += 1;
        let (first_sent, first_arrived) = *cluster.first.get_or_insert((sent, arrived));
        cluster.departures.add(cluster.bytes, (sent - first_sent) as f64);
        cluster.arrivals.add(cluster.bytes, (arrived - first_arrived) as f64);
    }

    /// The last cluster showed that the target is wrong; how much is to be known soon.
    pub fn hurry(&mut self, now: Instant) {
        self.pause = FIRST_PAUSE;
        self.next_at = Some(now + FIRST_PAUSE / 2);
    }

    /// What the cluster showed, once something sent after it is reported, or once that long after it was sent that no more will be heard.
    pub fn finding(&mut self, now: Instant) -> Option<Finding> {
        let cluster = self.cluster.as_mut()?;
        let late = now.saturating_duration_since(cluster.begun) > PATIENCE + cluster.plan.duration;
        if !cluster.over && !late {
            return None;
        }
        if cluster.is_lossy() && !late && !std::mem::replace(&mut cluster.doubted, true) {
            return None;
        }
        let finding = cluster.judge();
        self.cluster = None;
        match finding {
            Finding::Takes(_) => {
                self.pause = FIRST_PAUSE;
                self.next_at = Some(now + NEXT);
            }
            Finding::Full(_) => {
                self.next_at = Some(now + self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
            Finding::Unclear => self.next_at = Some(now + FIRST_PAUSE / 2),
        }
        Some(finding)
    }
}

impl Cluster {
    /// Whether so much was lost as a policer would take.
    fn is_lossy(&self) -> bool {
        self.lost as f64 > (self.received + self.late + self.lost) as f64 * POLICED
    }

    fn judge(&self) -> Finding {
        let fate = self.received + self.late + self.lost;
        if self.received < PACKETS / 2 || fate < self.plan.packets * 2 / 3 {
            return Finding::Unclear;
        }
        let asked = self.plan.rate.as_bps() as f64;
        // Microseconds a byte to bits a second; what came all at once came faster than anything asked.
        let rate = |line: &Line| {
            let slope = line.slope();
            if slope <= 8e6 / (asked * 4.0) { asked * 4.0 } else { 8e6 / slope }
        };
        let (sent, arrived) = (rate(&self.departures), rate(&self.arrivals));
        // The lines are drawn over all bytes, since what is late took its time on the link; what was lost did not.
        let through = (self.received + self.late) as f64 / fate as f64;
        if self.is_lossy() {
            // A policer takes what is too much without any delay.
            return Finding::Full(sent.min(arrived).min(asked) * through);
        }
        if self.received * 3 < self.plan.packets {
            return Finding::Unclear;
        }
        if arrived < sent.min(asked) * AS_FAST {
            // A lost report takes its bytes off both lines, and few packets are far between.
            let unseen = if asked < NARROW * FACTOR { (asked / sent).clamp(1.0, MOST_UNSEEN) } else { 1.0 };
            return Finding::Full(arrived * unseen * through);
        }
        // A sender that did not fill the cluster asked for little more than it knew.
        if sent < asked * FILLED { Finding::Unclear } else { Finding::Takes(sent.min(arrived).min(asked) * through) }
    }
}
