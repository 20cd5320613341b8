//! What was sent once and is sent again has no effect, whoever sends it and whenever.

use std::collections::HashSet;
use std::time::Duration;

use confab_protocol::SourceKind;
use confab_sfu::Counters;

use crate::lab::{Lab, Random, Recorded};

const SECOND: Duration = Duration::from_secs(1);
const MICROPHONE: SourceKind = SourceKind::Microphone;
const CAMERA: SourceKind = SourceKind::Camera;

/// What both ways carried, and the call it was recorded of.
struct Replay {
    lab: Lab,
    ann: usize,
    bob: usize,
    recorded: Vec<Recorded>,
    random: Random,
}

impl Replay {
    /// A call with losses, so that there are requests and repairs, whose sender runs over 65,535.
    fn record() -> Self {
        let length = if Lab::is_full() { SECOND * 60 } else { SECOND * 10 };
        let mut lab = Lab::new();
        lab.record();
        let (ann, bob) = (lab.join(), lab.join());
        lab.publish(ann, MICROPHONE);
        lab.publish(ann, CAMERA);
        lab.view(bob, &[(ann, CAMERA, 720)]);
        for track in &mut lab.clients[ann].tracks {
            track.streams.iter_mut().for_each(|stream| stream.sequence = 65_100);
        }
        lab.paths[ann].loss_up_percent = 2.0;
        lab.paths[bob].loss_down_percent = 2.0;
        let mut replay = Self { lab, ann, bob, recorded: Vec::new(), random: Random::new(9) };
        replay.media(length, |_, _| {});
        replay.lab.paths[ann].loss_up_percent = 0.0;
        replay.lab.paths[bob].loss_down_percent = 0.0;
        replay.media(SECOND, |_, _| {});
        replay.lab.run(SECOND / 2);
        replay.recorded = replay.lab.take_recorded();
        let over = replay.lab.clients[ann].track(MICROPHONE).streams[0].sequence;
        let pictures = replay.lab.clients[ann].track(CAMERA).streams[2].sequence;
        assert!(over > 1 << 16 && pictures > 1 << 16, "both ran over: {over} and {pictures}");
        replay
    }

    fn media(&mut self, duration: Duration, mut each: impl FnMut(&mut Lab, u64)) {
        let ann = self.ann;
        self.lab.run_with(duration, |lab, call| {
            let now = lab.now;
            if call.is_multiple_of(2) {
                lab.clients[ann].speak(now, -30);
            }
            lab.film(ann, call);
            each(lab, call);
        });
    }

    /// Everything recorded in another order: blocks of it shuffled, so that some of it is nearly in order.
    fn shuffled(&mut self) -> Vec<Recorded> {
        let mut blocks: Vec<Vec<Recorded>> = self.recorded.chunks(16).map(<[Recorded]>::to_vec).collect();
        for place in (1..blocks.len()).rev() {
            let other = self.random.below(place + 1);
            blocks.swap(place, other);
        }
        for block in &mut blocks {
            let turn = self.random.below(block.len());
            block.rotate_left(turn);
        }
        blocks.concat()
    }

    /// Gives every recorded datagram to the side it was for once more, at a rate that lets time pass.
    fn send_again(&mut self, order: &[Recorded], with_media: bool) {
        let mut rest = order.iter();
        let (share, clients) = (order.len().div_ceil(200), self.lab.clients.len());
        let resend = |lab: &mut Lab, _: u64| {
            for again in rest.by_ref().take(share) {
                assert!(again.client < clients);
                if again.to_server {
                    lab.inject(again.source, &again.contents);
                } else {
                    let now = lab.now;
                    lab.clients[again.client].handle(now, again.source, &again.contents);
                }
            }
        };
        if with_media {
            self.media(SECOND * 2, resend);
        } else {
            self.lab.run_with(SECOND * 2, resend);
        }
        assert!(rest.next().is_none(), "everything was sent again");
    }

    /// What bob got of ann: numbers of sound, and each part of each picture.
    fn delivered(&self) -> (Vec<u32>, Vec<(u8, u32, u8)>) {
        let on = |source| {
            let slot = self.lab.slot_of(self.bob, self.ann, source).unwrap();
            self.lab.clients[self.bob].on(&slot.mid)
        };
        let voices = on(MICROPHONE).iter().map(crate::client::Received::counter).collect();
        let pictures =
            on(CAMERA).into_iter().map(|packet| packet.mark()).map(|mark| (mark.layer, mark.frame, mark.packet));
        (voices, pictures.collect())
    }
}

fn twice<T: std::hash::Hash + Eq + Copy>(delivered: &[T]) -> usize {
    delivered.len() - delivered.iter().collect::<HashSet<_>>().len()
}

/// What is not to move when nothing but replays come.
fn effects(counters: &Counters) -> [u64; 6] {
    [
        counters.packets_received,
        counters.packets_forwarded,
        counters.packets_repaired,
        counters.repairs_refused,
        counters.keyframe_requests,
        counters.members_failed,
    ]
}

#[test]
fn a_recorded_call_sent_again_twice_in_another_order_has_no_effect() {
    let mut replay = Replay::record();
    let (voices, pictures) = replay.delivered();
    assert!(voices.len() > 500 && pictures.len() > 1_600);
    let (before, ann) = (replay.lab.sfu.counters(), replay.lab.id(replay.ann));
    assert!(before.packets_repaired > 5, "there were requests to replay: {before:?}");
    let estimate = replay.lab.sfu.estimate(replay.lab.room, replay.lab.id(replay.bob));
    let events = replay.lab.events.len();
    for _ in 0..2 {
        let order: Vec<Recorded> = replay.shuffled().into_iter().filter(|sent| sent.to_server).collect();
        replay.send_again(&order, false);
    }
    let after = replay.lab.sfu.counters();
    assert_eq!(effects(&after), effects(&before), "{before:?} and {after:?}");
    assert_eq!(replay.delivered(), (voices.clone(), pictures.clone()), "nothing came twice, nothing of the past");
    assert_eq!(replay.lab.sfu.estimate(replay.lab.room, replay.lab.id(replay.bob)), estimate);
    let told = &replay.lab.events[events..];
    assert!(!told.contains(&confab_sfu::Event::Closed(ann)), "{told:?}");
    let resent = replay.recorded.iter().filter(|sent| sent.to_server && sent.contents[0] >= 128).count() as u64;
    assert_eq!(after.dropped_forged - before.dropped_forged, resent * 2, "each was refused");

    // What the clients got is given to them again. str0m answers requests for repairs twice, and that is all.
    for _ in 0..2 {
        let order: Vec<Recorded> = replay.shuffled().into_iter().filter(|sent| !sent.to_server).collect();
        replay.send_again(&order, false);
    }
    assert_eq!(replay.delivered(), (voices, pictures), "nothing came twice, nothing of the past");
    assert_eq!(replay.lab.sfu.counters().packets_forwarded, before.packets_forwarded);
}

#[test]
fn replays_between_a_running_calls_own_packets_are_told_apart_from_them() {
    let mut replay = Replay::record();
    let (voices, pictures) = replay.delivered();
    for _ in 0..2 {
        let order = replay.shuffled();
        replay.send_again(&order, true);
    }
    replay.lab.run(SECOND / 2);
    let (voices_after, pictures_after) = replay.delivered();
    assert_eq!((twice(&voices_after), twice(&pictures_after)), (0, 0), "delivered twice");
    let news = &voices_after[voices.len()..];
    assert_eq!(news.len(), 200, "four seconds of sound came meanwhile");
    assert!(news.windows(2).all(|pair| pair[1] == pair[0] + 1), "in order");
    let frames = &pictures_after[pictures.len()..];
    assert!(frames.len() > 600 && frames.windows(2).all(|pair| pair[1].1 >= pair[0].1), "nothing of the past");
}

#[test]
fn a_sender_that_leaps_in_its_numbers_is_no_leap_for_its_receivers() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, MICROPHONE);
    lab.publish(ann, CAMERA);
    lab.view(bob, &[(ann, CAMERA, 720)]);
    for _ in 0..6 {
        lab.run_with(SECOND, |lab, call| {
            let now = lab.now;
            if call.is_multiple_of(2) {
                lab.clients[ann].speak(now, -30);
            }
            lab.film(ann, call);
        });
        lab.run(SECOND / 10);
        // Two such leaps, and a few losses between, would be a round that the receiver's protection never finds out of.
        lab.clients[ann].tracks.iter_mut().flat_map(|track| &mut track.streams).for_each(|of| of.sequence += 20_000);
    }
    for (source, least) in [(MICROPHONE, 295), (CAMERA, 800)] {
        let slot = lab.slot_of(bob, ann, source).unwrap();
        let came = lab.clients[bob].on(&slot.mid);
        assert!(came.len() >= least, "{} packets", came.len());
        let leap = came.windows(2).map(|pair| pair[1].sequence - pair[0].sequence).max();
        assert_eq!(leap, Some(1), "{source:?}");
    }
}
