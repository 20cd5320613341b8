//! The emulator in virtual time: what it promises of a path, it does.

use std::time::{Duration, Instant};

use confab_impair::{Counters, DropCause, Impairment, Link, Loss, Profile, RateLimit, Reordering, Verdict};

const MILLISECOND: Duration = Duration::from_millis(1);

/// Sends `count` packets of 1,000 bytes, one every `gap`; the verdicts in order.
fn send(impairment: &mut Impairment, start: Instant, count: u32, gap: Duration) -> Vec<Verdict> {
    (0..count).map(|index| impairment.offer(start + gap * index, 1_000)).collect()
}

fn assert_complete(counters: Counters) {
    assert_eq!(counters.offered, counters.delivered + counters.lost + counters.overflowed + counters.swallowed);
}

#[test]
fn a_perfect_path_delivers_everything_at_once() {
    let start = Instant::now();
    let mut path = Impairment::new(Profile::perfect(), 1);
    for (index, verdict) in send(&mut path, start, 1_000, MILLISECOND).into_iter().enumerate() {
        assert_eq!(verdict, Verdict::Deliver(start + MILLISECOND * index as u32));
    }
    let counters = path.counters();
    assert_eq!((counters.delivered, counters.delayed, counters.delivered_bytes), (1_000, 0, 1_000_000));
}

#[test]
fn the_same_seed_gives_the_same_fate_and_another_seed_another() {
    let start = Instant::now();
    let run = |seed| send(&mut Impairment::new(Profile::cell(), seed), start, 2_000, MILLISECOND);
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn a_seed_means_the_same_packets_in_every_release() {
    let mut path = Impairment::new(Profile { loss: Loss::Random(0.1), ..Profile::perfect() }, 42);
    let verdicts = send(&mut path, Instant::now(), 80, MILLISECOND);
    let lost: Vec<usize> = (0..80).filter(|&index| verdicts[index] == Verdict::Drop(DropCause::Lost)).collect();
    // As xoshiro256++ and splitmix64 give them, reckoned by another program.
    assert_eq!(lost, [11, 19, 21, 46, 70], "recorded runs can no longer be replayed");
}

#[test]
fn random_and_bursty_loss_both_lose_the_share_they_say() {
    for share in [0.01, 0.05, 0.2] {
        for loss in [Loss::Random(share), Loss::Bursty { share, mean_burst: 4.0 }] {
            let mut path = Impairment::new(Profile { loss, ..Profile::perfect() }, 3);
            send(&mut path, Instant::now(), 100_000, MILLISECOND);
            assert_complete(path.counters());
            let observed = path.counters().observed_loss();
            assert!((observed - share).abs() < 0.1 * share + 0.001, "{loss:?}: observed {observed}");
        }
    }
}

#[test]
fn bursts_are_as_long_as_they_say_and_random_losses_are_not() {
    let mean_burst = |loss| {
        let mut path = Impairment::new(Profile { loss, ..Profile::perfect() }, 5);
        let verdicts = send(&mut path, Instant::now(), 100_000, MILLISECOND);
        let lost: Vec<bool> = verdicts.iter().map(|verdict| matches!(verdict, Verdict::Drop(_))).collect();
        let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        lost.iter().filter(|lost| **lost).count() as f64 / bursts as f64
    };
    let bursty = mean_burst(Loss::Bursty { share: 0.05, mean_burst: 5.0 });
    let random = mean_burst(Loss::Random(0.05));
    assert!((4.5..5.5).contains(&bursty), "bursts of {bursty}");
    assert!((1.0..1.2).contains(&random), "random losses in bursts of {random}");
}

#[test]
fn all_may_be_lost() {
    for loss in [Loss::Random(1.0), Loss::Bursty { share: 1.0, mean_burst: 4.0 }] {
        let mut path = Impairment::new(Profile { loss, ..Profile::perfect() }, 1);
        send(&mut path, Instant::now(), 1_000, MILLISECOND);
        assert_eq!(path.counters().lost, 1_000, "{loss:?}");
    }
}

#[test]
fn jitter_stays_within_its_bounds_around_the_delay() {
    let start = Instant::now();
    let profile = Profile { delay: 50 * MILLISECOND, jitter: 20 * MILLISECOND, ..Profile::perfect() };
    let mut path = Impairment::new(profile, 9);
    // Far enough apart that no packet waits for another.
    let gap = 100 * MILLISECOND;
    for (index, verdict) in send(&mut path, start, 10_000, gap).into_iter().enumerate() {
        let Verdict::Deliver(at) = verdict else { panic!("nothing may be lost here") };
        let delay = at - (start + gap * index as u32);
        assert!((30 * MILLISECOND..=70 * MILLISECOND).contains(&delay), "{delay:?}");
    }
    let mean = path.counters().mean_delay();
    assert!((49 * MILLISECOND..51 * MILLISECOND).contains(&mean), "{mean:?}");
}

#[test]
fn jitter_keeps_the_order_unless_told_otherwise() {
    let arrivals = |jitter_reorders| {
        let profile = Profile { jitter_reorders, ..Profile { loss: Loss::None, ..Profile::far() } };
        let mut path = Impairment::new(Profile { rate: None, ..profile }, 4);
        let verdicts = send(&mut path, Instant::now(), 5_000, MILLISECOND);
        let times: Vec<Instant> = verdicts.into_iter().flat_map(Verdict::arrivals).collect();
        (times.is_sorted(), path.counters().reordered)
    };
    assert_eq!(arrivals(false), (true, 0));
    let (sorted, reordered) = arrivals(true);
    assert!(!sorted && reordered > 1_000, "{reordered} reordered");
}

#[test]
fn a_bottleneck_paces_packets_and_drops_at_the_tail_of_its_queue() {
    let start = Instant::now();
    // 1,000 bytes take 8 ms at 1 Mbit/s; a burst of 100 waits up to 792 ms, of which the queue has 200.
    let rate = Some(RateLimit { bits_per_second: 1_000_000, queue: 200 * MILLISECOND });
    let mut path = Impairment::new(Profile { rate, ..Profile::perfect() }, 1);
    let verdicts = send(&mut path, start, 100, Duration::ZERO);
    let times: Vec<Instant> = verdicts.iter().copied().flat_map(Verdict::arrivals).collect();
    assert_eq!(times.len(), 26);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 8 * MILLISECOND));
    assert_eq!(verdicts[99], Verdict::Drop(DropCause::QueueFull));
    assert_eq!(path.counters().overflowed, 74);
    // A second later the queue is empty.
    let later = start + Duration::from_secs(1);
    assert_eq!(path.offer(later, 1_000), Verdict::Deliver(later + 8 * MILLISECOND));
    assert_complete(path.counters());
}

#[test]
fn a_bottleneck_passes_its_rate_over_a_longer_time() {
    let rate = Some(RateLimit { bits_per_second: 300_000, queue: 300 * MILLISECOND });
    let mut path = Impairment::new(Profile { rate, ..Profile::perfect() }, 1);
    send(&mut path, Instant::now(), 10_000, MILLISECOND);
    let bits_per_second = path.counters().delivered_bytes as f64 * 8.0 / 10.0;
    assert!((290_000.0..320_000.0).contains(&bits_per_second), "{bits_per_second}");
    let longest = path.counters().delay_longest;
    assert!(longest <= 330 * MILLISECOND, "waited {longest:?}");
}

#[test]
fn held_back_packets_arrive_behind_later_ones() {
    let reordering = Reordering { share: 0.1, by: 10 * MILLISECOND };
    let mut link = Link::new(Impairment::new(Profile { reordering, ..Profile::perfect() }, 2));
    let start = Instant::now();
    for index in 0..1_000 {
        link.push(start + MILLISECOND * index, 100, index);
    }
    let end = start + Duration::from_secs(10);
    let order: Vec<u32> = std::iter::from_fn(|| link.poll(end).map(|(_, packet)| packet)).collect();
    assert_eq!(order.len(), 1_000);
    let held_back = order.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert!((60..140).contains(&held_back), "{held_back} held back");
    assert!(link.counters().reordered > 500);
}

#[test]
fn duplicates_arrive_twice_and_count_once() {
    let mut link = Link::new(Impairment::new(Profile { duplicate: 0.2, ..Profile::perfect() }, 2));
    let start = Instant::now();
    for index in 0..1_000 {
        link.push(start, 100, index);
    }
    let arrived = std::iter::from_fn(|| link.poll(start)).count() as u64;
    let counters = link.counters();
    assert_eq!(counters.delivered, 1_000);
    assert_eq!(arrived, 1_000 + counters.duplicated);
    assert!((150..250).contains(&counters.duplicated));
}

#[test]
fn a_link_gives_nothing_before_its_time() {
    let start = Instant::now();
    let mut link = Link::new(Impairment::new(Profile::delayed(30 * MILLISECOND), 1));
    link.push(start, 100, "packet");
    assert_eq!(link.next_arrival(), Some(start + 30 * MILLISECOND));
    assert_eq!(link.poll(start + 29 * MILLISECOND), None);
    assert_eq!(link.poll(start + 31 * MILLISECOND), Some((start + 30 * MILLISECOND, "packet")));
    assert_eq!(link.next_arrival(), None);
}

#[test]
fn a_black_hole_swallows_everything_until_it_closes_and_keeps_what_was_on_its_way() {
    let start = Instant::now();
    let mut link = Link::new(Impairment::new(Profile::delayed(30 * MILLISECOND), 1));
    link.push(start, 100, "before");
    link.impairment_mut().set_black_hole(true);
    assert_eq!(link.push(start + MILLISECOND, 100, "inside"), Verdict::Drop(DropCause::BlackHole));
    link.impairment_mut().set_black_hole(false);
    link.push(start + 2 * MILLISECOND, 100, "after");
    let end = start + Duration::from_secs(1);
    let arrived: Vec<&str> = std::iter::from_fn(|| link.poll(end).map(|(_, packet)| packet)).collect();
    assert_eq!(arrived, ["before", "after"]);
    let counters = link.counters();
    assert_eq!((counters.swallowed, counters.observed_loss()), (1, 0.0));
}

#[test]
fn a_stream_loses_nothing_keeps_its_order_and_pays_for_losses_with_time() {
    let start = Instant::now();
    let profile = Profile { delay: 50 * MILLISECOND, loss: Loss::Random(0.1), ..Profile::perfect() };
    let mut path = Impairment::new(profile, 1);
    let delays: Vec<Duration> = (0..100)
        .map(|index| {
            let now = start + Duration::from_secs(index);
            path.offer_stream(now, 100) - now
        })
        .collect();
    let repaired = delays.iter().filter(|delay| **delay == 250 * MILLISECOND).count();
    assert!((3..20).contains(&repaired), "{repaired} repaired");
    assert!(delays.iter().all(|delay| [50, 250].contains(&delay.as_millis())));
    let mut path = Impairment::new(profile, 1);
    let times: Vec<Instant> = (0..1_000).map(|index| path.offer_stream(start + MILLISECOND * index, 100)).collect();
    assert!(times.is_sorted());
    assert_eq!(path.counters(), Counters::default());
}

#[test]
fn profiles_are_read_as_people_write_them() {
    let read = |text: &str| text.parse::<Profile>().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(read("moderate"), Profile::moderate());
    assert_eq!(read("hole"), Profile::hole());
    assert_eq!(read(""), Profile::perfect());
    let wanted =
        Profile { delay: 50 * MILLISECOND, jitter: 20 * MILLISECOND, loss: Loss::Random(0.05), ..Profile::perfect() };
    assert_eq!(read("delay=50ms, jitter=20ms, loss=5%"), wanted);
    assert_eq!(read("delay=0.05s jitter=0.02s loss=5"), wanted);
    let rate = Some(RateLimit { bits_per_second: 1_500_000, queue: 100 * MILLISECOND });
    assert_eq!(read("cell,rate=1.5mbit,queue=100ms"), Profile { rate, ..Profile::cell() });
    assert_eq!(read("wifi,burst=4").loss, Loss::Bursty { share: 0.01, mean_burst: 4.0 });
    assert_eq!(read("reorder=2%").reordering, Reordering { share: 0.02, by: 20 * MILLISECOND });
}

#[test]
fn what_is_no_profile_is_refused_in_words() {
    for (text, word) in [
        ("dreadful", "dreadful"),
        ("colour=red", "colour"),
        ("delay=soon", "delay"),
        ("delay=-1ms", "delay"),
        ("loss=101%", "loss"),
        ("loss=NaN", "loss"),
        ("rate=0kbit", "rate"),
        ("queue=5ms", "queue"),
        ("burst=0.5", "burst"),
    ] {
        let error = text.parse::<Profile>().expect_err(text).to_string();
        assert!(error.contains(word), "{text}: {error}");
    }
}
