use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use confab_protocol::SourceKind;
use confab_sfu::Event;

use super::cores::{Cores, Person};
use crate::client::Received;
use crate::lab::FILM;
use crate::pictures::check_stream;

const SECOND: Duration = Duration::from_secs(1);
const VOICE: SourceKind = SourceKind::Microphone;
const CAMERA: SourceKind = SourceKind::Camera;

fn assert_voice_is_whole(heard: &[Received], least: usize) {
    assert!(heard.len() >= least, "{} packets heard", heard.len());
    assert!(heard[0].sequence < 65_536, "receivers begin at rollover count 0");
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence + 1);
        assert_eq!(pair[1].counter(), pair[0].counter() + 1);
        assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), 960);
    }
}

/// All but the last picture have all their packets.
fn assert_pictures_are_whole(seen: &[Received]) -> usize {
    check_stream(seen);
    let mut pictures: BTreeMap<(u8, u32), usize> = BTreeMap::new();
    for packet in seen {
        *pictures.entry((packet.mark().layer, packet.mark().frame)).or_default() += 1;
    }
    let last = seen.last().map(|packet| (packet.mark().layer, packet.mark().frame)).unwrap();
    for (picture, packets) in pictures.iter().filter(|(picture, _)| **picture != last) {
        assert_eq!(*packets, usize::from(FILM[usize::from(picture.0)].0), "packets of {picture:?}");
    }
    pictures.len()
}

#[test]
fn people_on_two_cores_see_and_hear_each_other_whole_and_without_gaps() {
    let mut cores = Cores::new(2);
    let (ann, bob) = (cores.join(0), cores.join(1));
    for person in [ann, bob] {
        cores.publish(person, VOICE);
        cores.publish(person, CAMERA);
    }
    cores.view(ann, &[(bob, CAMERA, 720)]);
    cores.view(bob, &[(ann, CAMERA, 720)]);
    cores.run_with(SECOND * 3, |cores, call| {
        for person in [ann, bob] {
            cores.speak(person, call, -30);
            cores.film(person, call);
        }
    });
    cores.run(Duration::from_millis(50));
    for (viewer, of) in [(ann, bob), (bob, ann)] {
        let heard = cores.received(viewer, of, VOICE);
        assert_voice_is_whole(&heard, 148);
        assert_eq!(heard[10].audio_level, Some(-30), "the level crosses with the packet");
        let shown = assert_pictures_are_whole(&cores.received(viewer, of, CAMERA));
        assert!(shown >= 90, "{shown} pictures in three seconds");
        assert!(cores.slot_of(viewer, viewer, VOICE).is_none());
    }
    for lab in &cores.labs {
        let counters = lab.sfu.counters();
        assert_eq!((counters.members, counters.mirrors), (1, 1));
        assert_eq!((counters.dropped_relayed, counters.packets_refused), (0, 0));
    }
}

#[test]
fn a_packet_crosses_once_for_each_core_whatever_the_audience_there() {
    let mut cores = Cores::new(3);
    let ann = cores.join(0);
    cores.publish(ann, VOICE);
    cores.publish(ann, CAMERA);
    let viewers: Vec<Person> = [1, 1, 1, 1, 1, 2].into_iter().map(|core| cores.join(core)).collect();
    for viewer in &viewers {
        cores.view(*viewer, &[(ann, CAMERA, 720)]);
    }
    cores.run_with(SECOND * 2, |cores, call| {
        cores.speak(ann, call, -30);
        cores.film(ann, call);
    });
    cores.run(Duration::from_millis(50));
    for viewer in &viewers {
        assert_voice_is_whole(&cores.received(*viewer, ann, VOICE), 98);
        assert_pictures_are_whole(&cores.received(*viewer, ann, CAMERA));
    }
    let sent = cores.labs[0].sfu.counters();
    let at = |core: usize| cores.labs[core].sfu.counters();
    assert_eq!(sent.relayed_out, sent.packets_received * 2, "one copy for each of two cores");
    assert_eq!((at(1).relayed_in, at(2).relayed_in), (sent.packets_received, sent.packets_received));
    assert_eq!(at(1).packets_forwarded, at(2).packets_forwarded * 5);
    let forwarded = (at(1).packets_forwarded + at(2).packets_forwarded) as f64;
    println!("packets crossing for each forwarded: {:.3}", sent.relayed_out as f64 / forwarded);
    assert_eq!(at(0).packets_forwarded, 0, "nobody else is on the sender's core");
    assert_eq!(at(1).relayed_out + at(2).relayed_out, 0, "what crossed goes no further");
}

#[test]
fn with_more_people_than_slots_the_loudest_of_all_cores_are_heard_from_their_first_words() {
    let mut cores = Cores::new(3);
    let people: Vec<Person> = (0..9).map(|number| cores.join(number % 3)).collect();
    for person in &people {
        cores.publish(*person, VOICE);
    }
    let talk = |cores: &mut Cores, call: u64, speaking: &[usize]| {
        for (index, person) in people.iter().enumerate() {
            cores.speak(*person, call, if speaking.contains(&index) { -25 } else { -90 });
        }
    };
    cores.run_with(SECOND, |cores, call| talk(cores, call, &[]));
    for speaking in [[7, 8], [5, 6], [1, 8], [2, 3]] {
        let begin = cores.labs[0].now;
        cores.run_with(SECOND, |cores, call| talk(cores, call, &speaking));
        for listener in [people[0], people[4]] {
            for speaker in speaking {
                let heard = cores.received(listener, people[speaker], VOICE);
                let first = heard.iter().find(|packet| packet.at > begin && packet.audio_level == Some(-25));
                let after = first.expect("speech came").at - begin;
                assert!(after < Duration::from_millis(120), "{speaker} was first heard after {after:?}");
            }
        }
        let told: HashSet<_> = cores.speakers(0).into_iter().collect();
        let expected = speaking.map(|speaker| cores.id(people[speaker]));
        assert!(expected.iter().all(|id| told.contains(id)), "the home tells of speakers on all cores");
    }
    for core in [1, 2] {
        let events = &cores.labs[core].events;
        assert!(!events.iter().any(|event| matches!(event, Event::Speaking(_))), "the others do not");
    }
}

#[test]
fn who_speaks_is_told_by_the_new_home_when_the_home_moves() {
    let mut cores = Cores::new(2);
    let (ann, bob) = (cores.join(0), cores.join(1));
    cores.publish(ann, VOICE);
    cores.publish(bob, VOICE);
    let talk = |cores: &mut Cores, call: u64| {
        cores.speak(ann, call, -25);
        cores.speak(bob, call, -90);
    };
    cores.run_with(SECOND, talk);
    assert_eq!(cores.speakers(0), [cores.id(ann)]);
    for (core, is_home) in [(0, false), (1, true)] {
        let lab = &mut cores.labs[core];
        lab.sfu.set_home(lab.room, is_home);
    }
    let told = cores.labs[0].events.len();
    cores.run_with(SECOND, talk);
    assert_eq!(cores.speakers(1), [cores.id(ann)]);
    cores.run_with(SECOND, |cores, call| cores.speak(bob, call, -90));
    assert!(cores.speakers(1).is_empty());
    let since = &cores.labs[0].events[told..];
    assert!(!since.iter().any(|event| matches!(event, Event::Speaking(_))));
}

#[test]
fn a_home_without_people_of_its_own_tells_who_speaks_elsewhere() {
    let mut cores = Cores::new(3);
    let (ann, bob) = (cores.join(1), cores.join(2));
    for person in [ann, bob] {
        cores.publish(person, VOICE);
    }
    cores.run_with(SECOND, |cores, call| {
        cores.speak(ann, call, -25);
        cores.speak(bob, call, -90);
    });
    assert_eq!(cores.speakers(0), [cores.id(ann)]);
    cores.run_with(SECOND, |cores, call| cores.speak(bob, call, -90));
    assert!(cores.speakers(0).is_empty());
}
