//! The congestion controller of an uplink on a simulated path, in virtual time: frames at 30 a second through the pacer
//! into a bottleneck with a drop-tail queue, feedback every 50 ms.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use confab_rtp::{CongestionController, DataRate, EstimatorConfig, Pacer, PacerConfig, PacketResult};

struct Path {
    start: Instant,
    now: Instant,
    capacity: DataRate,
    delay: Duration,
    queue_limit: Duration,
    random_loss: f64,
    /// When the link has sent everything it took.
    link_free_at: Instant,
    estimator: CongestionController,
    pacer: Pacer<u8, usize>,
    /// What the encoders make at most.
    appetite: DataRate,
    next_frame: Instant,
    next_feedback: Instant,
    frame: u64,
    on_the_way: VecDeque<PacketResult>,
    random: u64,
    dropped: u64,
    sent: u64,
    worst_queue: Duration,
}

impl Path {
    fn new(capacity_kbps: u64, initial_kbps: u64) -> Self {
        let start = Instant::now();
        let config = EstimatorConfig { initial: DataRate::from_kbps(initial_kbps), ..EstimatorConfig::default() };
        Self {
            start,
            now: start,
            capacity: DataRate::from_kbps(capacity_kbps),
            delay: Duration::from_millis(20),
            queue_limit: Duration::from_millis(300),
            random_loss: 0.0,
            link_free_at: start,
            estimator: CongestionController::new(config),
            pacer: Pacer::new(PacerConfig::default(), config.initial),
            appetite: DataRate::from_kbps(3500),
            next_frame: start,
            next_feedback: start,
            frame: 0,
            on_the_way: VecDeque::new(),
            random: 0x1234_5678_9abc_def1,
            dropped: 0,
            sent: 0,
            worst_queue: Duration::ZERO,
        }
    }

    fn random(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn run(&mut self, seconds: f64) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while self.now < end {
            self.now += Duration::from_millis(1);
            if self.now >= self.next_frame {
                self.next_frame += Duration::from_micros(33_333);
                self.encode();
            }
            self.pacer.expire(self.now);
            while let Some(bytes) = self.pacer.poll(self.now) {
                self.send(bytes);
            }
            if self.now >= self.next_feedback {
                self.next_feedback += Duration::from_millis(50);
                self.feed_back();
            }
        }
    }

    fn encode(&mut self) {
        self.frame += 1;
        let rate = self.estimator.target().min(self.appetite);
        let jitter = 0.7 + 0.6 * self.random();
        // A key frame every ten seconds, five times as large.
        let size = if self.frame % 300 == 1 { 5.0 } else { 1.0 };
        let mut left = (rate.as_bps() as f64 / 8.0 / 30.0 * jitter * size) as usize + 100;
        while left > 0 {
            let bytes = left.min(1200);
            self.pacer.push(self.now, 0, 1, bytes, bytes);
            left -= bytes;
        }
    }

    fn send(&mut self, bytes: usize) {
        self.sent += 1;
        let lost = self.random() < self.random_loss;
        let begins = self.link_free_at.max(self.now);
        let queue = begins - self.now;
        self.worst_queue = self.worst_queue.max(queue);
        let full = queue > self.queue_limit;
        let mut arrived = None;
        if full {
            self.dropped += 1;
        } else {
            self.link_free_at = begins + self.capacity.time_for(bytes);
            if !lost {
                // The receiver's clock is an hour ahead.
                arrived = Some(Duration::from_hours(1) + (self.link_free_at + self.delay - self.start));
            }
        }
        self.on_the_way.push_back(PacketResult {
            sent: self.now,
            received: arrived.is_some(),
            arrived,
            bytes,
            probe: None,
        });
    }

    fn feed_back(&mut self) {
        // What arrived a way back's delay ago is known now; a lost packet is known with its successors.
        let known = Duration::from_hours(1) + (self.now - self.start).saturating_sub(self.delay);
        let mut ready = Vec::new();
        while let Some(packet) = self.on_the_way.front() {
            let due =
                packet.arrived.map_or(packet.sent + Duration::from_millis(100) < self.now, |arrived| arrived <= known);
            if !due {
                break;
            }
            ready.push(*packet);
            self.on_the_way.pop_front();
        }
        self.estimator.on_feedback(self.now, &ready);
        self.pacer.set_estimate(self.estimator.target());
    }

    fn kbps(&self) -> u64 {
        self.estimator.target().as_kbps()
    }

    fn queue(&self) -> Duration {
        self.link_free_at.saturating_duration_since(self.now)
    }

    /// The mean queue and estimate of the next seconds.
    fn mean(&mut self, seconds: f64) -> (Duration, u64) {
        let looks = (seconds * 20.0) as u32;
        let (mut queue, mut estimate) = (Duration::ZERO, 0);
        for _ in 0..looks {
            self.run(0.05);
            queue += self.queue();
            estimate += self.kbps();
        }
        (queue / looks, estimate / u64::from(looks))
    }

    /// Runs until the estimate is as wanted; says how long that took, in seconds.
    fn until(&mut self, longest: f64, wanted: impl Fn(u64) -> bool) -> f64 {
        let begun = self.now;
        while !wanted(self.kbps()) {
            self.run(0.05);
            assert!((self.now - begun).as_secs_f64() <= longest, "still {} kbit/s after {longest} s", self.kbps());
        }
        (self.now - begun).as_secs_f64()
    }
}

#[test]
fn a_free_path_is_used_within_three_seconds() {
    for initial in [1000, 1500] {
        let mut path = Path::new(50_000, initial);
        let seconds = path.until(3.0, |kbps| kbps >= 2500);
        assert!(seconds <= 2.0, "from {initial}: {seconds}");
        path.run(10.0);
        assert!(path.kbps() >= 3500, "{}", path.kbps());
        assert_eq!(path.dropped, 0);
    }
}

#[test]
fn a_drop_to_600_kbps_is_noticed_within_two_seconds_and_the_queue_goes() {
    let mut path = Path::new(5000, 1500);
    path.run(15.0);
    assert!(path.kbps() > 3000);
    path.capacity = DataRate::from_kbps(600);
    let seconds = path.until(2.0, |kbps| kbps <= 660);
    assert!(seconds < 1.5, "{seconds}");
    path.run(3.0 - seconds);
    let (queue, _) = path.mean(1.0);
    assert!(queue < Duration::from_millis(60), "{queue:?} at {} kbit/s", path.kbps());
    // It stays usable and does not stand in queues.
    let (queue, used) = path.mean(20.0);
    assert!(queue < Duration::from_millis(60), "{queue:?}");
    assert!((400..700).contains(&used), "{used}");
    println!("noticed after {seconds:.2} s, then {queue:?} of queue at {used} kbit/s");
    assert!(path.dropped * 50 < path.sent, "{} of {}", path.dropped, path.sent);
}

#[test]
fn the_estimate_comes_back_when_the_link_does() {
    let mut path = Path::new(5000, 1500);
    path.run(5.0);
    path.capacity = DataRate::from_kbps(600);
    path.run(20.0);
    path.capacity = DataRate::from_kbps(5000);
    let seconds = path.until(10.0, |kbps| kbps >= 2000);
    println!("back after {seconds:.1} s");
}

#[test]
fn random_loss_of_five_percent_does_not_fool_it() {
    for loss in [0.03, 0.05] {
        let mut path = Path::new(20_000, 1500);
        path.random_loss = loss;
        path.run(30.0);
        assert!(path.estimator.loss() > 0.005, "the loss happened: {}", path.estimator.loss());
        assert!(path.kbps() >= 3500, "{} at {loss}", path.kbps());
    }
}

#[test]
fn heavy_loss_without_any_queue_lowers_the_target() {
    let mut path = Path::new(1000, 3000);
    path.queue_limit = Duration::from_millis(5);
    path.run(20.0);
    assert!(path.kbps() < 1500, "{}", path.kbps());
    assert!(path.dropped > 0);
}

#[test]
fn a_narrow_path_from_the_start_settles_below_its_capacity() {
    let mut path = Path::new(800, 1500);
    path.run(3.0);
    let (queue, estimate) = path.mean(20.0);
    assert!((500..850).contains(&estimate) && queue < Duration::from_millis(60), "{estimate} {queue:?}");
}

#[test]
fn keyframes_on_a_link_of_the_same_rate_do_not_halve_it() {
    let mut path = Path::new(3000, 1500);
    path.appetite = DataRate::from_kbps(2000);
    path.run(10.0);
    let mut least = u64::MAX;
    for _ in 0..400 {
        path.run(0.1);
        least = least.min(path.kbps());
    }
    assert!(least > 1500, "{least}");
}

#[test]
fn a_longer_way_is_not_taken_for_a_queue_for_ever() {
    let mut path = Path::new(10_000, 1500);
    path.run(10.0);
    path.delay = Duration::from_millis(150);
    path.run(15.0);
    assert!(path.kbps() > 2000, "{}", path.kbps());
}

#[test]
fn a_sender_with_little_to_send_grows_unproven_only_so_far() {
    let mut path = Path::new(100_000, 1500);
    path.appetite = DataRate::from_kbps(60);
    path.run(30.0);
    assert_eq!(path.kbps(), 4000);
    // And what it then sends is corrected quickly when the path cannot take it.
    path.capacity = DataRate::from_kbps(1000);
    path.appetite = DataRate::from_kbps(3500);
    assert!(path.until(2.0, |kbps| kbps < 1100) < 1.5);
}

#[test]
fn a_link_that_stands_still_for_a_moment_does_not_cost_the_picture() {
    let mut path = Path::new(3000, 1500);
    path.appetite = DataRate::from_kbps(2000);
    path.run(10.0);
    for _ in 0..5 {
        // Nothing passes for 400 ms, then all of it.
        path.link_free_at = path.now + Duration::from_millis(400);
        path.queue_limit = Duration::from_secs(2);
        path.run(0.5);
        path.run(5.0);
        assert!(path.kbps() > 1200, "{}", path.kbps());
    }
}

#[test]
fn the_same_feedback_gives_the_same_estimate() {
    let run = || {
        let mut path = Path::new(2000, 1000);
        path.random_loss = 0.02;
        path.run(20.0);
        (path.kbps(), path.sent, path.dropped)
    };
    assert_eq!(run(), run());
}
