//! What is no congestion, and what others do on the same link.

use std::time::Duration;

use confab_impair::Loss;
use confab_rtp::DataRate;

use crate::downlink::Downlink;
use crate::sender::server_config;
use crate::terms::Terms;

fn settled(terms: Terms, kbps: u64) -> Downlink {
    let mut link = Downlink::new(terms, server_config(), kbps);
    link.run(30.0);
    let (least, most) = (link.course.target(15.0, 30.0, 0.1), link.course.target(15.0, 30.0, 0.9));
    assert!(least * 10 >= kbps * 6 && most <= kbps, "{least} to {most} of {kbps}{}", link.course.told(0.0, 30.0));
    link
}

#[test]
fn an_idle_downlink_learns_the_capacity_by_probing_within_5_seconds() {
    for kbps in [700, 3000, 20_000] {
        let mut link = Downlink::new(Terms::plain(1), server_config(), kbps);
        // Nobody sends more than the lowest layer.
        link.sender.layers = 1;
        link.run(20.0);
        let course = &link.course;
        for at in [5.0, 10.0, 15.0] {
            let (least, most) = (course.target(at, at + 5.0, 0.1), course.target(at, at + 5.0, 0.9));
            assert!(least * 10 >= kbps * 8 && most <= kbps, "{least} to {most} of {kbps}{}", course.told(0.0, 20.0));
        }
        assert!(course.worst_queue(3.0, 20.0) < Duration::from_millis(120), "{:?}", course.worst_queue(3.0, 20.0));
    }
}

#[test]
fn nobody_probes_for_more_than_is_wanted() {
    let mut link = Downlink::new(Terms::plain(1), server_config(), 50_000);
    link.sender.controller.set_wanted(DataRate::from_kbps(3600));
    link.run(20.0);
    let probes = link.sender.probes;
    assert!(probes > 0 && link.target_kbps() >= 4000, "{probes} probes, {} kbit/s", link.target_kbps());
    link.run(60.0);
    assert_eq!(link.sender.probes, probes);
}

#[test]
fn random_loss_at_constant_delay_is_no_congestion() {
    for (seed, loss) in
        [(1, Loss::Random(0.05)), (2, Loss::Random(0.10)), (3, Loss::Bursty { share: 0.10, mean_burst: 3.0 })]
    {
        let mut link = Downlink::new(Terms { loss, ..Terms::plain(seed) }, server_config(), 8000);
        link.run(60.0);
        let share = link.counters().observed_loss();
        assert!((share - loss.share()).abs() < 0.02, "the loss happened: {share}");
        let least = link.course.target(20.0, 60.0, 0.05);
        assert!(least >= 4800, "{least} kbit/s at {loss:?}{}", link.course.told(0.0, 60.0));
        assert!(link.course.target(20.0, 60.0, 0.9) <= 8000);
    }
}

#[test]
fn heavier_loss_that_stays_whatever_is_sent_is_learnt_to_be_random() {
    let terms = Terms { loss: Loss::Random(0.2), ..Terms::plain(4) };
    let mut link = Downlink::new(terms, server_config(), 8000);
    link.run(60.0);
    assert!((link.counters().observed_loss() - 0.2).abs() < 0.02);
    let middle = link.course.target(30.0, 60.0, 0.5);
    assert!(middle >= 4000, "{middle} kbit/s{}", link.course.told(0.0, 60.0));
}

#[test]
fn a_policer_without_any_queue_is_congestion() {
    let mut link = Downlink::new(Terms { queue: Duration::from_millis(35), ..Terms::plain(5) }, server_config(), 8000);
    link.run(20.0);
    link.set_rate(1200);
    let before = link.counters();
    link.run(5.0);
    assert!(link.counters().since(&before).overflowed > 50, "the policer dropped {}", link.counters().overflowed);
    let settled = link.counters();
    link.run(30.0);
    let after = link.counters().since(&settled);
    let (middle, most) = (link.course.target(25.0, 55.0, 0.5), link.course.target(25.0, 55.0, 0.9));
    assert!((720..=1200).contains(&middle) && most <= 1500, "{middle} {most}{}", link.course.told(18.0, 55.0));
    assert!(after.overflowed * 20 < after.offered, "{} of {} dropped", after.overflowed, after.offered);
}

#[test]
fn machines_that_stand_still_for_a_moment_cost_no_picture() {
    for receiver in [true, false] {
        let mut link = settled(Terms::plain(6), 4000);
        let begun = link.seconds();
        for milliseconds in [100, 200, 300, 150, 250, 300] {
            let until = Some(link.now + Duration::from_millis(milliseconds));
            if receiver {
                link.receiver_stands_until = until;
            } else {
                link.sender_stands_until = until;
            }
            link.run(2.0);
        }
        let least = link.course.target(begun, begun + 12.0, 0.05);
        assert!(least >= 2400, "{least} kbit/s, receiver: {receiver}{}", link.course.told(begun, begun + 12.0));
    }
}

#[test]
fn a_link_that_stands_still_does_not_halve_the_estimate_for_long() {
    let mut link = settled(Terms { queue: Duration::from_secs(2), ..Terms::plain(7) }, 6000);
    let begun = link.seconds();
    for milliseconds in [100, 200, 300, 300] {
        link.stand_still(Duration::from_millis(milliseconds));
        assert!(link.course.worst_queue(0.0, 1e9) < Duration::from_secs(2));
        link.run(5.0);
        assert!(link.target_kbps() >= 3600, "{milliseconds} ms{}", link.course.told(begun, link.seconds()));
    }
    let lower = link.course.between(begun, begun + 20.0).filter(|look| look.target_kbps < 3000).count();
    assert!(lower <= 20, "below half for {lower} tenths of a second{}", link.course.told(begun, begun + 20.0));
}

#[test]
fn a_route_that_becomes_100_ms_longer_is_not_congestion_for_ever() {
    for seed in 10..20 {
        let mut link = settled(Terms { loss: Loss::Random(0.02), ..Terms::plain(seed) }, 5000);
        let begun = link.seconds();
        link.change(|profile| profile.delay += Duration::from_millis(100));
        link.run(0.5);
        assert!(link.course.between(begun, begun + 0.5).any(|look| look.seen_queue > Duration::from_millis(80)));
        link.run(19.5);
        let least = link.course.target(begun + 6.0, begun + 20.0, 0.05);
        assert!(least >= 3000, "{least} kbit/s{}", link.course.told(begun, begun + 20.0));
        link.change(|profile| profile.delay -= Duration::from_millis(100));
        link.run(10.0);
        assert!(link.target_kbps() >= 3000, "{}", link.target_kbps());
    }
}

#[test]
fn others_on_the_link_get_their_share_and_it_comes_back_when_they_leave() {
    for seed in 20..25 {
        let mut link = settled(Terms::plain(seed), 4000);
        let begun = link.seconds();
        link.competing = DataRate::from_kbps(2500);
        link.run(30.0);
        let course = &link.course;
        let (least, most) =
            (course.target(begun + 5.0, begun + 30.0, 0.1), course.target(begun + 5.0, begun + 30.0, 0.9));
        assert!(
            least >= 500 && most <= 2000,
            "{least} to {most} beside 2500 of 4000{}",
            course.told(begun, begun + 30.0)
        );
        let queue = course.worst_queue(begun + 5.0, begun + 30.0);
        assert!(queue <= Duration::from_millis(300), "{queue:?}{}", course.told(begun, begun + 30.0));
        link.competing = DataRate::ZERO;
        link.run(20.0);
        assert!(link.target_kbps() >= 2400, "{}{}", link.target_kbps(), link.course.told(begun + 30.0, begun + 50.0));
    }
}

#[test]
fn a_receiver_whose_clock_is_set_goes_on_as_before() {
    let mut link = settled(Terms::plain(30), 4000);
    for seconds in [3600, -1800] {
        link.receiver_clock_moved += seconds;
        link.run(5.0);
        assert!(link.target_kbps() >= 2400, "{}", link.target_kbps());
    }
    // What is measured afterwards is of use again.
    link.set_rate(1000);
    link.run(5.0);
    assert!((600..=1000).contains(&link.target_kbps()), "{}", link.target_kbps());
}

#[test]
fn another_path_begins_anew() {
    let mut link = settled(Terms::plain(31), 8000);
    link.sender.controller.path_changed();
    assert_eq!(link.target_kbps(), 1500);
    link.set_rate(1000);
    link.run(5.0);
    assert!((600..=1000).contains(&link.target_kbps()), "{}", link.target_kbps());
}
