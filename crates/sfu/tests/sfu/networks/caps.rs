//! N4 and N5: a receiver's line becomes thin and wide again.

use std::time::{Duration, Instant};

use confab_impair::{Profile, RateLimit};
use confab_protocol::{Layer, SourceKind};
use confab_sfu::Event;

use super::seeds;
use crate::lab::{Film, Lab};

const SECOND: Duration = Duration::from_secs(1);
const CAMERA: SourceKind = SourceKind::Camera;
const VOICE: SourceKind = SourceKind::Microphone;
const DELAY: Duration = Duration::from_millis(20);
/// About 0.1, 0.5 and 3.3 Mbit/s.
const LARGE: Film = [(1, 500), (2, 1_000), (12, 1_150)];

fn capped(kbps: u64) -> Profile {
    let rate = RateLimit { bits_per_second: kbps * 1_000, queue: Duration::from_millis(500) };
    Profile { rate: Some(rate), jitter: Duration::from_millis(2), ..Profile::delayed(DELAY) }
}

fn set_down(lab: &mut Lab, client: usize, kbps: u64) {
    lab.paths[client].down.as_mut().unwrap().set_profile(capped(kbps));
}

/// The estimate every tenth of a second: least tenth, middle, most tenth, as shares of the cap.
fn shares(mut estimates: Vec<u64>, kbps: u64) -> [f64; 3] {
    estimates.sort_unstable();
    [0.1, 0.5, 0.9].map(|share| estimates[(estimates.len() as f64 * share) as usize] as f64 / (kbps * 1_000) as f64)
}

/// How often the layer of some picture changed on a receiver's slots since an event.
fn layer_changes(lab: &Lab, client: usize, since: usize) -> usize {
    let told = lab.events[since..].iter().filter_map(|event| match event {
        Event::Slots { id, changed } if *id == lab.id(client) => Some(changed.len()),
        _ => None,
    });
    told.sum()
}

struct Room {
    lab: Lab,
    ann: usize,
    bob: usize,
    cat: usize,
}

impl Room {
    fn film(&mut self, duration: Duration) -> Vec<u64> {
        let Self { lab, ann, bob, cat } = self;
        let mut estimates = Vec::new();
        lab.run_with(duration, |lab, call| {
            lab.film_like(*ann, call, &LARGE);
            lab.film_like(*cat, call, &LARGE);
            if call.is_multiple_of(10) {
                estimates.push(lab.estimate(*bob));
            }
        });
        estimates
    }

    fn layers(&self, of: usize, whose: [usize; 2]) -> Vec<Option<Layer>> {
        let slots = whose.map(|from| self.lab.slot_of(of, from, CAMERA).and_then(|slot| slot.layer));
        slots.into_iter().collect()
    }
}

#[test]
fn n4_layers_and_the_estimate_follow_a_line_of_10_1_and_10_mbps_and_nobody_else_notices() {
    let mut told = Vec::new();
    let seeds = seeds(50, 1_000);
    let mut all: [Vec<[f64; 3]>; 2] = Default::default();
    let (mut worst_queue, mut most_changes) = (Duration::ZERO, 0);
    for seed in seeds.clone() {
        let mut lab = Lab::new();
        let (ann, bob, cat) = (lab.join(), lab.join(), lab.join());
        lab.impair(bob, capped(10_000), seed);
        for (from, other) in [(ann, cat), (cat, ann)] {
            lab.publish(from, CAMERA);
            lab.view(from, &[(other, CAMERA, 720)]);
        }
        lab.view(bob, &[(ann, CAMERA, 720), (cat, CAMERA, 720)]);
        let mut room = Room { lab, ann, bob, cat };
        room.film(SECOND * 60);
        let full = vec![Some(Layer::Full); 2];
        let before = room.layers(bob, [ann, cat]);
        let events = room.lab.events.len();

        set_down(&mut room.lab, bob, 1_000);
        let passed = room.lab.paths[bob].down.as_ref().unwrap().counters();
        room.lab.paths[bob].longest_wait = Duration::ZERO;
        room.film(SECOND * 3);
        let at_drop = std::mem::take(&mut room.lab.paths[bob].longest_wait);
        let passed = room.lab.paths[bob].down.as_ref().unwrap().counters().since(&passed);
        assert!(at_drop > Duration::from_millis(200) && passed.overflowed > 20, "the drop happened: {passed:?}");
        room.film(SECOND * 2);
        let low = shares(room.film(SECOND * 55), 1_000);
        let queue = std::mem::take(&mut room.lab.paths[bob].longest_wait);
        let changes = layer_changes(&room.lab, bob, events);
        let thin = room.layers(bob, [ann, cat]);
        let others = [room.layers(ann, [cat, cat])[0], room.layers(cat, [ann, ann])[0]];

        set_down(&mut room.lab, bob, 10_000);
        room.film(SECOND * 20);
        let high = shares(room.film(SECOND * 40), 10_000);
        let after = room.layers(bob, [ann, cat]);
        let touched = [ann, cat].map(|other| layer_changes(&room.lab, other, events));

        all[0].push(low);
        all[1].push(high);
        worst_queue = worst_queue.max(queue);
        most_changes = most_changes.max(changes);
        let within = [low, high].iter().all(|share| share[0] >= 0.6 && share[2] <= 1.0);
        let is_thin = thin.iter().flatten().all(|layer| *layer != Layer::Full) && thin.iter().any(Option::is_some);
        let right = before == full && is_thin && after == full && others == [Some(Layer::Full); 2];
        if !within || !right || touched != [0, 0] || queue > Duration::from_millis(300) || changes > 8 {
            told.push(format!(
                "seed {seed}: at 1 Mbit/s {low:.2?}, at 10 {high:.2?}; {before:?}, {thin:?}, {after:?}, others \
                 {others:?} {touched:?}; queue {queue:?}; {changes} changes in the minute of 1 Mbit/s"
            ));
        }
    }
    for (index, cap) in [1, 10].into_iter().enumerate() {
        let median = [0, 1, 2].map(|place| {
            let mut values: Vec<f64> = all[index].iter().map(|share| share[place]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        });
        println!("medians of p10, p50, p90 at {cap} Mbit/s: {median:.2?}");
    }
    println!("worst queue {worst_queue:?}, most layer changes in the minute at 1 Mbit/s {most_changes}");
    assert!(told.len() as u64 <= seeds.end / 100, "{} of {}:\n{}", told.len(), seeds.end, told.join("\n"));
}

#[test]
fn pictures_that_wait_for_a_line_that_became_thin_give_way_to_the_keyframe_of_a_lower_layer() {
    for seed in 0..5 {
        let mut lab = Lab::new();
        let (ann, bob, cat) = (lab.join(), lab.join(), lab.join());
        lab.impair(bob, capped(10_000), seed);
        lab.publish(ann, CAMERA);
        lab.publish(cat, CAMERA);
        lab.view(bob, &[(ann, CAMERA, 720), (cat, CAMERA, 720)]);
        let mut room = Room { lab, ann, bob, cat };
        room.film(SECOND * 10);
        set_down(&mut room.lab, bob, 1_000);
        let begin = room.lab.now;
        let mut most_held = 0;
        for _ in 0..200 {
            room.film(SECOND / 100);
            most_held = most_held.max(room.lab.sfu.holdings().held);
        }
        let mid = room.lab.slot_of(bob, ann, CAMERA).unwrap().mid;
        let seen = room.lab.clients[bob].on(&mid);
        let low = seen.iter().find(|packet| packet.at > begin && packet.mark().layer < 2).unwrap();
        let after = low.at - begin;
        assert!(most_held > 200, "seed {seed}: {most_held} packets waited");
        assert!(after < SECOND, "seed {seed}: a lower layer came {after:?} after the line became thin");
    }
}

/// What the voice did between two moments: the longest way, and the share that never came.
fn voice(lab: &Lab, from: usize, to: usize, (begin, end): (Instant, Instant)) -> (Duration, f64) {
    let mid = lab.slot_of(to, from, VOICE).unwrap().mid;
    let arrivals: std::collections::HashMap<u32, Instant> =
        lab.clients[to].on(&mid).iter().map(|packet| (packet.counter(), packet.at)).collect();
    let (mut longest, mut missing, mut sent) = (Duration::ZERO, 0, 0);
    for (index, at) in lab.clients[from].spoken.iter().enumerate() {
        if *at < begin || *at >= end {
            continue;
        }
        sent += 1;
        match arrivals.get(&(index as u32 + 1)) {
            Some(arrived) => longest = longest.max(*arrived - *at),
            None => missing += 1,
        }
    }
    (longest, f64::from(missing) / f64::from(sent.max(1)))
}

#[test]
fn n5_on_lines_of_300_100_and_50_kbps_the_picture_steps_down_then_off_and_the_voice_stays() {
    let mut told = Vec::new();
    let seeds = seeds(50, 1_000);
    let (mut worst, mut slowest_back) = ([(Duration::ZERO, 0.0_f64); 3], Duration::ZERO);
    for seed in seeds.clone() {
        let mut lab = Lab::new();
        let (ann, bob) = (lab.join(), lab.join());
        lab.clients[ann].voice_bytes = 40;
        lab.impair(bob, capped(3_000), seed);
        lab.publish(ann, CAMERA);
        lab.publish(ann, VOICE);
        lab.view(bob, &[(ann, CAMERA, 720)]);
        let send = |lab: &mut Lab, call: u64| {
            lab.film(ann, call);
            if call.is_multiple_of(2) {
                let now = lab.now;
                lab.clients[ann].speak(now, -20);
            }
        };
        lab.run_with(SECOND * 10, send);
        assert_eq!(lab.slot_of(bob, ann, CAMERA).unwrap().layer, Some(Layer::Full), "seed {seed}");
        for (index, kbps) in [300, 100, 50].into_iter().enumerate() {
            set_down(&mut lab, bob, kbps);
            let before = lab.paths[bob].down.as_ref().unwrap().counters();
            lab.run_with(SECOND * 8, send);
            let passed = lab.paths[bob].down.as_ref().unwrap().counters().since(&before);
            let waited = std::mem::take(&mut lab.paths[bob].longest_wait);
            assert!(index > 0 || waited > SECOND / 5, "the cap was felt: {waited:?} {passed:?}");
            assert!(passed.delivered_bytes * 8 <= kbps * 1_000 * 9, "the cap held: {passed:?}");
            let (begin, pictures) = (lab.now, lab.clients[bob].received.len());
            let mut shown = 0;
            lab.run_with(SECOND * 20, |lab, call| {
                send(lab, call);
                if call.is_multiple_of(10) {
                    shown += u32::from(lab.slot_of(bob, ann, CAMERA).is_some_and(|slot| slot.layer.is_some()));
                }
            });
            let end = lab.now;
            lab.run_with(SECOND, send);
            let (delay, missing) = voice(&lab, ann, bob, (begin, end));
            worst[index] = (worst[index].0.max(delay), worst[index].1.max(missing));
            // Of 200 looks.
            let right = if kbps == 300 { shown >= 160 } else { shown <= 10 };
            if delay > Duration::from_millis(300) || missing > 0.02 || !right {
                let estimate = lab.estimate(bob);
                let packets = lab.clients[bob].received.len() - pictures;
                told.push(format!(
                    "seed {seed}, {kbps} kbit/s: voice {delay:?} {missing:.3}, picture in {shown} of 200 looks, \
                     estimate {estimate}, {packets} packets"
                ));
            }
        }
        set_down(&mut lab, bob, 3_000);
        let lifted = lab.now;
        let mut back = None;
        lab.run_with(SECOND * 30, |lab, call| {
            send(lab, call);
            if lab.slot_of(bob, ann, CAMERA).is_some_and(|slot| slot.layer == Some(Layer::Full)) {
                back.get_or_insert(lab.now - lifted);
            }
        });
        match back {
            Some(after) => slowest_back = slowest_back.max(after),
            None => told.push(format!("seed {seed}: not back, estimate {}", lab.estimate(bob))),
        }
    }
    println!("voice at 300, 100, 50 kbit/s: {worst:.3?}; the full picture was back after {slowest_back:?} at most");
    assert!(told.len() as u64 <= seeds.end / 100, "{} of {}:\n{}", told.len(), seeds.end, told.join("\n"));
}
