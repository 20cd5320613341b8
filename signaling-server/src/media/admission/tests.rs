use super::*;

const LIMITS_OF_TESTS: LoadLimits = LoadLimits { tracks: 1_000, packets_per_second: 50_000, mbit_per_second: 100 };

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A worker whose tracks send as they should, in steps of 10 ms.
struct Worker {
    now: Instant,
    meter: LoadMeter,
    measured: Measured,
    tracks: u64,
    packets_a_track: u64,
    bytes_a_packet: u64,
    packets: f64,
    bytes: f64,
}

impl Worker {
    fn new(limits: LoadLimits) -> Self {
        Self {
            now: Instant::now(),
            meter: LoadMeter::new(limits),
            measured: Measured::default(),
            tracks: 0,
            packets_a_track: 100,
            bytes_a_packet: 100,
            packets: 0.0,
            bytes: 0.0,
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += ms(10);
            self.forward(self.tracks as f64 * self.packets_a_track as f64 / 100.0);
        }
    }

    fn forward(&mut self, packets: f64) {
        self.packets += packets;
        self.bytes += packets * self.bytes_a_packet as f64;
        self.measured = self.meter.observe(self.now, self.tracks, self.packets as u64, self.bytes as u64);
    }
}

#[test]
fn a_rate_is_measured_within_seconds_and_a_burst_closes_nothing() {
    let mut worker = Worker::new(LIMITS_OF_TESTS);
    worker.tracks = 300;
    worker.run(ms(5_000));
    let rate = worker.measured.load.packets_per_second;
    assert!((29_500..=30_500).contains(&rate), "{rate}");
    // A keyframe to everybody: a quarter of a second's packets more, at once.
    worker.forward(7_500.0);
    worker.run(ms(200));
    let rate = worker.measured.load.packets_per_second;
    assert!(rate > 33_000 && worker.measured.full.is_none(), "the burst is seen, and closes nothing: {rate}");
}

#[test]
fn each_limit_closes_a_worker_and_it_opens_when_it_is_clearly_below() {
    for (limit, packets_a_track, bytes_a_packet) in
        [(Limit::Tracks, 1, 100), (Limit::Packets, 60, 20), (Limit::Mbit, 40, 400)]
    {
        let mut worker = Worker::new(LIMITS_OF_TESTS);
        (worker.packets_a_track, worker.bytes_a_packet) = (packets_a_track, bytes_a_packet);
        worker.tracks = if limit == Limit::Tracks { 1_000 } else { 900 };
        worker.run(ms(6_000));
        assert_eq!(worker.measured.full, Some(limit), "{:?}", worker.measured);
        worker.tracks = if limit == Limit::Tracks { 910 } else { 760 };
        worker.run(ms(6_000));
        let measured = worker.measured;
        assert!(LIMITS_OF_TESTS.reached(&measured.load, 100).is_none(), "it is below the limit: {measured:?}");
        assert_eq!(measured.full, Some(limit), "and not clearly: {measured:?}");
        worker.tracks = 600;
        worker.run(ms(6_000));
        assert_eq!(worker.measured.full, None, "{:?}", worker.measured);
    }
}

#[test]
fn without_limits_nobody_is_refused() {
    let none = LoadLimits { tracks: 0, packets_per_second: 0, mbit_per_second: 0 };
    let mut worker = Worker::new(none);
    worker.tracks = 1_000_000;
    worker.run(ms(5_000));
    let mut admission = Admission::new(none);
    assert!(admission.admit(worker.now, &worker.measured, Newcomer::default()).is_ok());
    assert_eq!(LIMITS.map(|limit| none.percent(&worker.measured.load, limit)), [None; 3]);
    assert!(none.or_default().fullness(&worker.measured.load) > 1_000, "loads are compared all the same");
}

#[test]
fn a_newcomer_is_expected_to_do_as_the_others_of_the_room() {
    let expected = |others, published| Newcomer { others, published }.expected_tracks();
    assert_eq!(expected(0, 0), 2, "nobody is known: a voice and a picture");
    // Four people with voice and picture each: two in, eight to them, two to each of the four.
    assert_eq!(expected(4, 8), 2 + 8 + 8);
    // One speaks to many: the next listener is sent two tracks, and publishes next to nothing.
    assert!(expected(300, 2) <= 4);
    // Fifty who all send fill everybody's slots, so that another one takes places that were taken.
    assert_eq!(expected(50, 100), 2 + 13);
}

/// Joins of rooms of five in which all send, one every `pace`; everybody's tracks are there 200 ms after the join.
/// Gives who was let in, and the worker at its fullest.
fn storm(joins: u64, pace: Duration, limits: LoadLimits, packets_a_track: u64) -> (u64, Load) {
    let (mut worker, mut admission) = (Worker::new(limits), Admission::new(limits));
    worker.packets_a_track = packets_a_track;
    worker.run(ms(1_000));
    let mut arrived: VecDeque<(Instant, u64)> = VecDeque::new();
    let (mut admitted, mut fullest) = (0_u64, Load::default());
    let start = worker.now;
    for turn in 0.. {
        let (asked, since) = (turn, worker.now - start);
        if since > pace * joins as u32 + ms(6_000) {
            break;
        }
        while let Some((_, tracks)) = arrived.pop_front_if(|(at, _)| *at <= worker.now) {
            worker.tracks += tracks;
        }
        if asked < joins {
            let others = admitted % 5;
            // Of the others' tracks the room knows those that are there.
            let there = others.saturating_sub(arrived.len() as u64);
            let newcomer = Newcomer { others, published: 2 * there };
            if admission.admit(worker.now, &worker.measured, newcomer).is_ok() {
                admitted += 1;
                arrived.push_back((worker.now + ms(200), 2 + 4 * others));
            }
        }
        worker.run(pace);
        let load = worker.measured.load;
        fullest = Load {
            tracks: fullest.tracks.max(load.tracks),
            packets_per_second: fullest.packets_per_second.max(load.packets_per_second),
            bits_per_second: fullest.bits_per_second.max(load.bits_per_second),
        };
    }
    (admitted, fullest)
}

#[test]
fn a_storm_of_joins_does_not_run_past_the_limits() {
    // 200 joins a second, and 2,000 tracks would come of them.
    let tracks_only = LoadLimits { packets_per_second: 0, mbit_per_second: 0, ..LIMITS_OF_TESTS };
    let (admitted, fullest) = storm(200, ms(10), tracks_only, 20);
    assert!((80..200).contains(&admitted), "{admitted}");
    assert!((800..=1_100).contains(&fullest.tracks), "{fullest:?}");

    // Of 100 packets a second each, 500 tracks are what the worker may carry.
    let (admitted, fullest) = storm(200, ms(10), LIMITS_OF_TESTS, 100);
    assert!((40..100).contains(&admitted), "{admitted}");
    assert!((40_000..=55_000).contains(&fullest.packets_per_second), "{fullest:?}");

    // At leisure it is filled to the limit, and not beyond.
    let (admitted, fullest) = storm(200, ms(100), tracks_only, 20);
    assert!((95..=102).contains(&admitted), "{admitted}");
    assert!((950..=1_020).contains(&fullest.tracks), "{fullest:?}");
}

#[test]
fn who_did_not_come_takes_no_place() {
    let measured = Measured::default();
    let (now, limits) = (Instant::now(), LoadLimits { tracks: 4, packets_per_second: 0, mbit_per_second: 0 });
    let mut admission = Admission::new(limits);
    let first = admission.admit(now, &measured, Newcomer::default()).unwrap();
    admission.admit(now, &measured, Newcomer::default()).unwrap();
    assert_eq!(admission.admit(now, &measured, Newcomer::default()), Err(Limit::Tracks));
    assert_eq!(admission.refused(), [1, 0, 0]);
    admission.withdraw(first);
    admission.withdraw(first);
    assert!(admission.admit(now, &measured, Newcomer::default()).is_ok());
    assert_eq!(admission.full(now, &measured), Some(Limit::Tracks));
    let later = now + FORGOTTEN;
    assert_eq!(admission.full(later, &measured), None, "and who never showed is forgotten");
}

#[test]
fn a_place_is_given_back_by_dropping_it() {
    let limits = LoadLimits { tracks: 2, packets_per_second: 0, mbit_per_second: 0 };
    let gate = Gate::new(limits, Arc::default());
    let now = Instant::now();
    let place = gate.admit(now, Newcomer::default()).unwrap();
    assert_eq!(gate.admit(now, Newcomer::default()).err(), Some(Limit::Tracks));
    assert_eq!((gate.report(now).full, gate.fullness(now)), (Some(Limit::Tracks), 1_000));
    drop(place);
    assert!(gate.admit(now, Newcomer::default()).is_ok());
}

#[test]
fn what_was_measured_is_read_as_it_was_written() {
    let load = Load { tracks: 1, packets_per_second: 2, bits_per_second: 3 };
    let cell = MeasuredCell::default();
    for full in LIMITS.map(Some).into_iter().chain([None]) {
        let measured = Measured { load, smoothed_tracks: 4, full };
        cell.write(&measured);
        assert_eq!(cell.read(), measured);
    }
}
