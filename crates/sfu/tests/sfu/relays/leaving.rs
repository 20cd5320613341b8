use std::time::Duration;

use confab_protocol::SourceKind;
use confab_sfu::{LinkError, Peer, TrackState};

use super::cores::{Cores, Person, ROOM};
use crate::client::{Client, Offered};
use crate::lab::Lab;
use crate::pictures::check_stream;

const SECOND: Duration = Duration::from_secs(1);
const VOICE: SourceKind = SourceKind::Microphone;
const CAMERA: SourceKind = SourceKind::Camera;

fn counts(cores: &Cores, core: usize) -> (u64, u64) {
    let counters = cores.labs[core].sfu.counters();
    (counters.members, counters.mirrors)
}

fn talk(people: &[Person]) -> impl FnMut(&mut Cores, u64) {
    let people = people.to_vec();
    move |cores, call| {
        for person in &people {
            cores.speak(*person, call, -30);
            cores.film(*person, call);
        }
    }
}

#[test]
fn who_leaves_their_core_is_gone_on_the_others() {
    let mut cores = Cores::new(3);
    let (ann, bob, cleo) = (cores.join(0), cores.join(1), cores.join(2));
    cores.publish(ann, VOICE);
    cores.run_with(SECOND, talk(&[ann]));
    assert!(cores.slot_of(bob, ann, VOICE).is_some() && cores.slot_of(cleo, ann, VOICE).is_some());
    // A leave on a core that only has a mirror of them is none.
    let id = cores.id(ann);
    let lab = &mut cores.labs[1];
    lab.sfu.leave(lab.now, lab.room, id);
    lab.sfu.set_track(lab.now, lab.room, id, VOICE, TrackState::Muted);
    assert!(lab.sfu.slots(lab.room, id).is_none());
    cores.run_with(SECOND, talk(&[ann]));
    assert!(cores.received(bob, ann, VOICE).len() >= 95);
    cores.leave(ann);
    cores.run(Duration::from_millis(50));
    assert!(cores.slot_of(bob, ann, VOICE).is_none() && cores.slot_of(cleo, ann, VOICE).is_none());
    assert_eq!([0, 1, 2].map(|core| counts(&cores, core)), [(0, 2), (1, 1), (1, 1)]);
}

#[test]
fn a_pause_is_no_gap_on_another_core() {
    let mut cores = Cores::new(2);
    let (ann, bob) = (cores.join(0), cores.join(1));
    for source in [VOICE, CAMERA] {
        cores.publish(ann, source);
    }
    cores.view(bob, &[(ann, CAMERA, 360)]);
    cores.run_with(SECOND, talk(&[ann]));
    let mid = cores.slot_of(bob, ann, CAMERA).unwrap().mid;
    for source in [VOICE, CAMERA] {
        cores.labs[0].set_track(ann.1, source, TrackState::Muted);
    }
    cores.run(Duration::from_millis(20));
    let before = cores.client(bob).received.len();
    cores.run_with(SECOND, talk(&[ann]));
    assert_eq!(cores.client(bob).received.len(), before, "muted means that nothing goes on, whatever the client sends");
    assert!(cores.slot_of(bob, ann, CAMERA).is_none(), "a picture that is off has no slot");
    for source in [VOICE, CAMERA] {
        cores.publish(ann, source);
    }
    cores.run_with(SECOND, talk(&[ann]));
    assert_eq!(cores.slot_of(bob, ann, CAMERA).unwrap().mid, mid);
    let seen = cores.client(bob).on(&mid);
    assert!(seen.iter().filter(|packet| packet.at > cores.labs[0].now - SECOND / 2).count() >= 20);
    assert_eq!(check_stream(&seen), 1);
    let heard = cores.received(bob, ann, VOICE);
    assert!(heard.len() >= 95 && heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1));
}

#[test]
fn it_does_not_matter_which_core_links_first_nor_who_is_in_the_room_by_then() {
    let mut cores = Cores::unlinked(2);
    let (ann, bob) = (cores.join(0), cores.join(1));
    cores.publish(ann, VOICE);
    cores.publish(bob, VOICE);
    cores.link(0, 1);
    cores.run_with(SECOND, talk(&[ann, bob]));
    assert_eq!((counts(&cores, 0), counts(&cores, 1)), ((1, 0), (1, 0)), "only one of them knows");
    assert_eq!(cores.labs[0].sfu.counters().relayed_out, 0);
    cores.link(1, 0);
    cores.link(1, 0);
    cores.run_with(SECOND, talk(&[ann, bob]));
    for (listener, speaker) in [(ann, bob), (bob, ann)] {
        assert!(cores.received(listener, speaker, VOICE).len() >= 48);
    }
    assert_eq!((counts(&cores, 0), counts(&cores, 1)), ((1, 1), (1, 1)));
}

#[test]
fn an_unlinked_core_is_gone_with_all_its_people_and_can_be_linked_anew() {
    let mut cores = Cores::new(2);
    let (ann, bob) = (cores.join(0), cores.join(1));
    for person in [ann, bob] {
        cores.publish(person, VOICE);
        cores.publish(person, CAMERA);
    }
    cores.view(ann, &[(bob, CAMERA, 180)]);
    cores.view(bob, &[(ann, CAMERA, 180)]);
    cores.run_with(SECOND, talk(&[ann, bob]));
    assert_eq!((cores.watched(ann), cores.watched(bob)), (vec![0], vec![0]));
    cores.unlink(0, 1);
    cores.run_with(SECOND * 2, talk(&[ann, bob]));
    assert_eq!((counts(&cores, 0), counts(&cores, 1)), ((1, 0), (1, 0)), "the other core was told too");
    assert_eq!((cores.watched(ann), cores.watched(bob)), (vec![], vec![]));
    assert!(cores.slot_of(ann, bob, VOICE).is_none() && cores.slot_of(bob, ann, VOICE).is_none());
    let crossed = cores.labs[0].sfu.counters().relayed_out;
    cores.run_with(SECOND, talk(&[ann, bob]));
    assert_eq!(cores.labs[0].sfu.counters().relayed_out, crossed);
    cores.link(0, 1);
    cores.run_with(SECOND * 2, talk(&[ann, bob]));
    assert!(cores.received(ann, bob, VOICE).iter().any(|packet| packet.at > cores.labs[0].now - SECOND / 10));
    check_stream(&cores.received(bob, ann, CAMERA));
    assert_eq!((cores.watched(ann), cores.watched(bob)), (vec![0], vec![0]));
}

#[test]
fn a_core_that_ends_takes_nobody_else_with_it() {
    let mut cores = Cores::new(3);
    let (ann, bob, cleo) = (cores.join(0), cores.join(1), cores.join(2));
    for person in [ann, bob, cleo] {
        cores.publish(person, VOICE);
        cores.publish(person, CAMERA);
    }
    cores.view(bob, &[(cleo, CAMERA, 180), (ann, CAMERA, 720)]);
    cores.view(cleo, &[(bob, CAMERA, 180)]);
    cores.run_with(SECOND, talk(&[ann, bob, cleo]));
    // The home ends, and another becomes it.
    cores.end(0);
    let lab = &mut cores.labs[1];
    lab.sfu.set_home(lab.room, true);
    cores.run_with(SECOND * 2, talk(&[bob, cleo]));
    assert_eq!((counts(&cores, 1), counts(&cores, 2)), ((1, 1), (1, 1)));
    assert!(cores.slot_of(bob, ann, CAMERA).is_none() && cores.slot_of(cleo, ann, VOICE).is_none());
    for (listener, speaker) in [(bob, cleo), (cleo, bob)] {
        let heard = cores.received(listener, speaker, VOICE);
        assert!(heard.len() >= 145, "{} packets", heard.len());
        assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1));
        check_stream(&cores.received(listener, speaker, CAMERA));
    }
    assert_eq!(cores.speakers(1).len(), 2);
}

#[test]
fn a_room_that_closes_on_one_core_leaves_it_open_on_the_others() {
    let mut cores = Cores::new(2);
    let (ann, bob) = (cores.join(0), cores.join(1));
    cores.publish(ann, VOICE);
    cores.run_with(SECOND, talk(&[ann]));
    assert!(cores.slot_of(bob, ann, VOICE).is_some());
    let lab = &mut cores.labs[0];
    lab.sfu.close_room(lab.now, lab.room);
    cores.run(SECOND / 10);
    assert_eq!((counts(&cores, 0), counts(&cores, 1)), ((0, 0), (1, 0)));
    assert!(cores.client(ann).closed && !cores.client(bob).closed);
    // Its name is free again.
    let lab = &mut cores.labs[0];
    lab.room = lab.sfu.open_room();
    cores.unlink(1, 0);
    cores.link(0, 1);
    cores.link(1, 0);
    let cleo = cores.join(0);
    cores.publish(cleo, VOICE);
    cores.run_with(SECOND, talk(&[cleo]));
    assert!(cores.received(bob, cleo, VOICE).len() >= 48);
}

#[test]
fn who_joins_again_on_another_core_is_heard_there_whenever_the_old_one_lets_go() {
    for leaves_first in [true, false] {
        let mut cores = Cores::new(3);
        let (ann, bob, cleo) = (cores.join(0), cores.join(0), cores.join(2));
        cores.publish(ann, VOICE);
        cores.run_with(SECOND, talk(&[ann]));
        if leaves_first {
            cores.leave(ann);
        }
        let mut again = Client::new(cores.labs[1].now, "10.0.1.99:7000".parse().unwrap());
        again.id = cores.id(ann);
        let again = {
            let client = cores.labs[1].begin_join_of(again, &Offered::default(), Lab::grants());
            (1, client)
        };
        cores.run(Duration::from_millis(500));
        if !leaves_first {
            cores.leave(ann);
        }
        cores.publish(again, VOICE);
        cores.run_with(SECOND, talk(&[again]));
        for listener in [bob, cleo] {
            let heard = cores.received(listener, again, VOICE);
            let recent = heard.iter().filter(|packet| packet.at > cores.labs[0].now - SECOND / 2).count();
            assert!(recent >= 24, "{recent} packets in half a second, leaves first: {leaves_first}");
        }
        assert_eq!([0, 1, 2].map(|core| counts(&cores, core)), [(1, 2), (1, 2), (1, 2)]);
    }
}

#[test]
fn a_name_that_is_taken_links_nothing() {
    let mut cores = Cores::new(2);
    let lab = &mut cores.labs[0];
    let other = lab.sfu.open_room();
    assert_eq!(lab.sfu.link_room(lab.now, other, ROOM, Peer(1)), Err(LinkError::NameTaken));
    assert_eq!(lab.sfu.link_room(lab.now, lab.room, ROOM + 1, Peer(1)), Err(LinkError::NameTaken));
    lab.sfu.close_room(lab.now, other);
    assert_eq!(lab.sfu.link_room(lab.now, other, ROOM + 1, Peer(1)), Err(LinkError::RoomClosed));
    lab.sfu.close_room(lab.now, lab.room);
    let room = lab.sfu.open_room();
    assert_eq!(lab.sfu.link_room(lab.now, room, ROOM, Peer(1)), Ok(()));
}
