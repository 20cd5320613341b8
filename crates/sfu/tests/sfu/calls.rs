use std::time::Duration;

use confab_protocol::{Grants, Role, SlotKind, SourceKind};
use confab_sfu::{Event, Joining, TrackState};

use crate::client::{Client, Offered};
use crate::lab::Lab;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn two_people_hear_each_other_and_not_themselves() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, SourceKind::Microphone);
    lab.publish(bob, SourceKind::Microphone);
    lab.run_with(SECOND, |lab, call| {
        if call % 2 == 0 {
            let now = lab.now;
            lab.clients[ann].speak(now, -30);
            lab.clients[bob].speak(now, -30);
        }
    });
    lab.run(Duration::from_millis(50));
    for (listener, speaker) in [(ann, bob), (bob, ann)] {
        let slot = lab.slot_of(listener, speaker, SourceKind::Microphone).expect("a slot was told");
        let heard = lab.clients[listener].on(&slot.mid);
        assert_eq!(heard.len(), 50, "every packet arrives");
        for (left, right) in heard.iter().zip(&heard[1..]) {
            assert_eq!(right.sequence, left.sequence + 1);
            assert_eq!(right.timestamp.wrapping_sub(left.timestamp), 960);
            assert_eq!(right.counter(), left.counter() + 1);
        }
        assert!(heard[0].sequence < 65_536, "receivers begin at rollover count 0");
        assert_eq!(heard[10].audio_level, Some(-30), "the level goes with the packet");
        assert_eq!(lab.clients[listener].received.len(), 50, "nothing of one's own comes back");
        assert!(lab.slot_of(listener, listener, SourceKind::Microphone).is_none());
    }
}

#[test]
fn a_large_audience_hears_and_sees_every_packet_in_its_order_while_some_of_it_leave() {
    let mut lab = Lab::new();
    let ann = lab.join();
    let audience: Vec<usize> = (0..40).map(|_| lab.join()).collect();
    lab.publish(ann, SourceKind::Microphone);
    lab.publish(ann, SourceKind::Camera);
    for listener in &audience {
        lab.view(*listener, &[(ann, SourceKind::Camera, 180)]);
    }
    let perform = |lab: &mut Lab, call: u64| {
        if call.is_multiple_of(2) {
            let now = lab.now;
            lab.clients[ann].speak(now, -30);
        }
        lab.film(ann, call);
    };
    lab.run_with(SECOND, perform);
    let leaver = lab.id(audience[35]);
    let (now, room) = (lab.now, lab.room);
    lab.sfu.leave(now, room, leaver);
    lab.run_with(SECOND, perform);
    lab.run(Duration::from_millis(50));
    for listener in audience.iter().filter(|listener| **listener != audience[35]) {
        for source in [SourceKind::Microphone, SourceKind::Camera] {
            let slot = lab.slot_of(*listener, ann, source).expect("a slot was told");
            let came = lab.clients[*listener].on(&slot.mid);
            assert!(came.len() >= 50, "{listener} {source:?}: {} packets", came.len());
            assert!(came.iter().zip(&came[1..]).all(|(left, right)| right.sequence == left.sequence + 1), "{listener}");
        }
    }
    let heard = |listener: usize| {
        let slot = lab.slot_of(listener, ann, SourceKind::Microphone).expect("a slot");
        lab.clients[listener].on(&slot.mid).len()
    };
    assert_eq!(heard(audience[0]), 100, "the first of the audience");
    assert_eq!(heard(audience[39]), 100, "and the last");
}

#[test]
fn a_long_running_sender_is_rebased_for_a_late_listener() {
    let mut lab = Lab::new();
    let ann = lab.join();
    lab.publish(ann, SourceKind::Microphone);
    // The sender begins at 60000 and passes 65536 before anybody listens.
    lab.run_with(SECOND * 2, |lab, _| {
        let now = lab.now;
        for _ in 0..50 {
            lab.clients[ann].speak(now, -30);
        }
    });
    let bob = lab.join();
    lab.run_with(SECOND, |lab, call| {
        let now = lab.now;
        if call % 2 == 0 {
            lab.clients[ann].speak(now, -30);
        }
    });
    let slot = lab.slot_of(bob, ann, SourceKind::Microphone).unwrap();
    let heard = lab.clients[bob].on(&slot.mid);
    assert!(heard.len() >= 45, "{} heard", heard.len());
    assert!(heard[0].sequence < 65_536);
}

#[test]
fn tracks_are_counted_as_they_are_published_and_forwarded() {
    let mut lab = Lab::new();
    let people = [lab.join(), lab.join(), lab.join()];
    let tracks = |lab: &Lab| (lab.sfu.counters().tracks_in, lab.sfu.counters().tracks_out);
    assert_eq!(tracks(&lab), (0, 0));
    lab.publish(people[0], SourceKind::Microphone);
    lab.publish(people[0], SourceKind::Camera);
    lab.publish(people[1], SourceKind::Microphone);
    // Two voices go to two others each; the picture goes to who shows it.
    assert_eq!(tracks(&lab), (3, 4));
    lab.view(people[2], &[(people[0], SourceKind::Camera, 360)]);
    assert_eq!(tracks(&lab), (3, 5));
    lab.set_track(people[1], SourceKind::Microphone, TrackState::Muted);
    assert_eq!(tracks(&lab), (3, 5), "who is muted may speak at any moment");
    lab.set_track(people[1], SourceKind::Microphone, TrackState::Unpublished);
    assert_eq!(tracks(&lab), (2, 3));
    let (now, room, id) = (lab.now, lab.room, lab.id(people[2]));
    lab.sfu.leave(now, room, id);
    assert_eq!(tracks(&lab), (2, 1));
    lab.sfu.close_room(now, room);
    assert_eq!(tracks(&lab), (0, 0));
}

#[test]
fn who_leaves_is_told_by_the_media_path_and_their_slots_fall_idle() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, SourceKind::Microphone);
    lab.run(Duration::from_millis(50));
    assert!(lab.slot_of(bob, ann, SourceKind::Microphone).is_some());
    let (room, id, now) = (lab.room, lab.id(ann), lab.now);
    lab.sfu.leave(now, room, id);
    lab.run(Duration::from_millis(50));
    assert!(lab.clients[ann].closed, "the DTLS connection was closed");
    assert!(lab.slot_of(bob, ann, SourceKind::Microphone).is_none());
    assert_eq!(lab.sfu.counters().members, 1);
    assert!(!lab.events.iter().any(|event| matches!(event, Event::Closed(_))), "a leave that was asked for is no news");
}

#[test]
fn a_client_that_closes_is_removed_at_once() {
    let mut lab = Lab::new();
    let (ann, _bob) = (lab.join(), lab.join());
    lab.clients[ann].rtc.close().unwrap();
    lab.run(Duration::from_millis(50));
    assert!(lab.events.contains(&Event::Closed(lab.id(ann))));
    assert_eq!(lab.sfu.counters().members, 1);
}

#[test]
fn who_joins_again_takes_the_place_of_their_old_media_path() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, SourceKind::Microphone);
    lab.run(Duration::from_millis(50));
    let again = lab.clients.len();
    let mut client = Client::new(lab.now, "10.0.1.99:7000".parse().unwrap());
    client.id = lab.id(ann);
    let (offer, tracks, pending) = client.offer(&Offered::default());
    let joining = Joining { participant: client.id, offer: &offer, tracks: &tracks, grants: Lab::grants() };
    let joined = lab.sfu.join(lab.now, lab.room, &joining).unwrap();
    client.accept(pending, &joined.answer);
    client.advance(lab.now);
    lab.clients.push(client);
    lab.paths.push(crate::lab::Path::default());
    lab.run_until(SECOND, |lab| lab.clients[again].connected);
    assert_eq!(lab.sfu.counters().members, 2);
    lab.publish(again, SourceKind::Microphone);
    lab.run_with(SECOND, |lab, call| {
        let now = lab.now;
        if call % 2 == 0 {
            lab.clients[again].speak(now, -30);
        }
    });
    let slot = lab.slot_of(bob, again, SourceKind::Microphone).unwrap();
    assert!(lab.clients[bob].on(&slot.mid).len() >= 45);
}

#[test]
fn what_is_not_published_or_not_granted_is_not_forwarded() {
    let mut lab = Lab::new();
    let viewer = lab.begin_join(&Offered::default(), Role::Viewer.grants());
    let deaf = lab.begin_join(&Offered::default(), Grants { subscribe: false, ..Role::Participant.grants() });
    let ann = lab.join();
    lab.publish(viewer, SourceKind::Microphone);
    let speak = |lab: &mut Lab, call: u64| {
        let now = lab.now;
        if call.is_multiple_of(2) {
            lab.clients[viewer].speak(now, -20);
            lab.clients[ann].speak(now, -20);
        }
    };
    lab.run_with(SECOND, speak);
    assert!(lab.clients.iter().all(|client| client.received.is_empty()), "ann has not published, the viewer may not");
    let refused = lab.sfu.counters().packets_refused;
    assert!(refused >= 90, "refused packets are counted: {refused}");
    lab.publish(ann, SourceKind::Microphone);
    lab.run_with(SECOND, speak);
    assert!(lab.clients[viewer].received.len() >= 45);
    assert!(lab.clients[deaf].received.is_empty(), "without the right to subscribe nothing comes");
    lab.set_track(ann, SourceKind::Microphone, TrackState::Muted);
    lab.run(Duration::from_millis(20));
    let before = lab.clients[viewer].received.len();
    lab.run_with(SECOND, speak);
    assert_eq!(lab.clients[viewer].received.len(), before, "muted means nothing goes on, whatever the client sends");
    lab.publish(ann, SourceKind::Microphone);
    lab.run_with(SECOND, speak);
    let slot = lab.slot_of(viewer, ann, SourceKind::Microphone).unwrap();
    let heard = lab.clients[viewer].on(&slot.mid);
    assert!(heard.iter().zip(&heard[1..]).all(|(left, right)| right.sequence == left.sequence + 1), "a mute is no gap");
}

#[test]
fn an_ice_restart_from_a_new_address_keeps_streams_and_slots() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, SourceKind::Microphone);
    let speak = |lab: &mut Lab, call: u64| lab.talk(&[ann], call);
    lab.run_with(SECOND, speak);
    let slot = lab.slot_of(bob, ann, SourceKind::Microphone).unwrap();

    // Bob's network changes: another address, new ICE credentials.
    let mut api = lab.clients[bob].rtc.sdp_api();
    api.ice_restart(false);
    let (offer, pending) = api.apply().unwrap();
    let (now, room, id) = (lab.now, lab.room, lab.id(bob));
    let answer = lab.sfu.restart(now, room, id, &offer.to_sdp_string()).unwrap();
    let named = |answer: &str| -> Vec<String> {
        answer.lines().filter(|line| line.starts_with("a=ssrc-group:")).map(str::to_owned).collect()
    };
    assert_eq!(named(&answer), named(&lab.clients[bob].answer), "streams are named as before");
    lab.clients[bob].accept(pending, &answer);
    lab.clients[bob].address = "10.0.2.2:7100".parse().unwrap();
    let candidate = str0m::Candidate::host(lab.clients[bob].address, "udp").unwrap();
    lab.clients[bob].rtc.add_local_candidate(candidate);
    lab.run_with(SECOND * 2, speak);

    let heard = lab.clients[bob].on(&slot.mid);
    assert!(heard.len() > 120, "{} of 150 heard around the restart", heard.len());
    let after = lab.now - SECOND;
    assert!(heard.iter().filter(|packet| packet.at > after).count() >= 48, "all is well in the last second");
    assert!(heard.windows(2).all(|pair| pair[1].sequence > pair[0].sequence), "the same stream goes on");
}

#[test]
fn a_join_answers_with_every_slot_and_says_when_the_path_is_up() {
    let mut lab = Lab::new();
    let ann = lab.join();
    let slots = &lab.slots[&lab.id(ann)];
    assert_eq!(slots.values().filter(|slot| slot.kind == SlotKind::Audio).count(), 4);
    assert_eq!(slots.values().filter(|slot| slot.kind == SlotKind::Video).count(), 4);
    assert!(slots.values().all(|slot| slot.participant.is_none()));
    assert!(lab.events.contains(&Event::Connected(lab.id(ann))));
    assert_eq!(lab.sfu.slots(lab.room, lab.id(ann)).unwrap().len(), 8);
}

#[test]
fn closing_a_room_closes_every_media_path_in_it_and_none_elsewhere() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    let elsewhere = lab.sfu.open_room();
    let room = std::mem::replace(&mut lab.room, elsewhere);
    let cleo = lab.join();
    let now = lab.now;
    lab.sfu.close_room(now, room);
    lab.run(Duration::from_millis(50));
    assert!(lab.clients[ann].closed && lab.clients[bob].closed && !lab.clients[cleo].closed);
    assert_eq!((lab.sfu.counters().members, lab.sfu.counters().rooms), (1, 1));
}
