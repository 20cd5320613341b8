use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use confab_protocol::{ParticipantId, SourceKind};
use confab_sfu::Event;

use crate::lab::Lab;

const SECOND: Duration = Duration::from_secs(1);
const VOICE: SourceKind = SourceKind::Microphone;

/// Everybody's microphone is on; the given people speak, the others send silence.
fn talk(lab: &mut Lab, call: u64, speaking: &[usize]) {
    if call.is_multiple_of(2) {
        let now = lab.now;
        for (index, client) in lab.clients.iter_mut().enumerate() {
            client.speak(now, if speaking.contains(&index) { -25 } else { -90 });
        }
    }
}

fn room_of(count: usize) -> Lab {
    let mut lab = Lab::new();
    for _ in 0..count {
        let client = lab.join();
        lab.publish(client, VOICE);
    }
    lab.run(Duration::from_millis(50));
    lab
}

fn heard_by(lab: &Lab, listener: usize) -> BTreeSet<usize> {
    (0..lab.clients.len()).filter(|other| lab.slot_of(listener, *other, VOICE).is_some()).collect()
}

fn speakers(lab: &Lab) -> Vec<ParticipantId> {
    let last = lab.events.iter().rev().find_map(|event| match event {
        Event::Speaking(speaking) => Some(speaking.clone()),
        _ => None,
    });
    last.unwrap_or_default()
}

#[test]
fn with_slots_for_all_nobody_moves_whoever_speaks() {
    let mut lab = room_of(5);
    let before = lab.slots.clone();
    assert_eq!(heard_by(&lab, 0), BTreeSet::from([1, 2, 3, 4]));
    for speaker in 0..5 {
        lab.run_with(SECOND, |lab, call| talk(lab, call, &[speaker]));
    }
    assert_eq!(lab.slots, before);
}

#[test]
fn with_more_people_than_slots_the_speakers_are_heard_from_their_first_words() {
    let mut lab = room_of(9);
    lab.run_with(SECOND, |lab, call| talk(lab, call, &[]));
    for speakers in [[7, 8], [5, 6], [1, 8], [2, 3]] {
        let begin = lab.now;
        lab.run_with(SECOND, |lab, call| talk(lab, call, &speakers));
        for listener in [0, 4] {
            for speaker in speakers {
                let slot = lab.slot_of(listener, speaker, VOICE).unwrap_or_else(|| panic!("{speaker} is not heard"));
                let first = lab.clients[listener]
                    .on(&slot.mid)
                    .into_iter()
                    .find(|packet| packet.at > begin && packet.audio_level == Some(-25));
                let after = first.expect("speech came").at - begin;
                assert!(after < Duration::from_millis(120), "{speaker} was first heard after {after:?}");
            }
        }
    }
    assert!((0..9).all(|listener| heard_by(&lab, listener).len() == 4));
    assert!((0..9).all(|listener| !heard_by(&lab, listener).contains(&listener)), "nobody hears themselves");
}

#[test]
fn a_slot_that_changes_speakers_stays_one_stream() {
    let mut lab = room_of(8);
    for speakers in [[1, 2, 3, 4], [4, 5, 6, 7], [1, 2, 6, 7], [3, 4, 5, 1]] {
        lab.run_with(SECOND * 2, |lab, call| talk(lab, call, &speakers));
    }
    let mids: HashSet<String> = lab.slots[&lab.id(0)].keys().cloned().collect();
    let about_me = |event: &&Event| matches!(event, Event::Slots { id, .. } if *id == lab.id(0));
    let changes = lab.events.iter().filter(about_me).count();
    assert!(changes >= 6, "slots did change speakers: {changes}");
    for mid in mids {
        let heard = lab.clients[0].on(&mid);
        for (left, right) in heard.iter().zip(heard.iter().skip(1)) {
            assert_eq!(right.sequence, left.sequence + 1);
            let step = right.timestamp.wrapping_sub(left.timestamp);
            assert!((480..48_000 * 3).contains(&step), "time goes forward by {step}");
        }
    }
}

#[test]
fn who_speaks_is_told_once_and_outlasts_a_breath() {
    let mut lab = room_of(3);
    let told_before = lab.events.len();
    lab.run_with(SECOND, |lab, call| talk(lab, call, &[1]));
    assert_eq!(speakers(&lab), [lab.id(1)]);
    // A breath of 300 ms.
    lab.run_with(Duration::from_millis(300), |lab, call| talk(lab, call, &[]));
    lab.run_with(SECOND, |lab, call| talk(lab, call, &[1]));
    let told = |lab: &Lab| lab.events[told_before..].iter().filter(|event| matches!(event, Event::Speaking(_))).count();
    assert_eq!(told(&lab), 1, "one piece of news");
    lab.run_with(SECOND, |lab, call| talk(lab, call, &[1, 2]));
    assert_eq!(speakers(&lab).len(), 2);
    lab.run_with(SECOND * 2, |lab, call| talk(lab, call, &[]));
    assert!(speakers(&lab).is_empty());
    assert!(told(&lab) <= 5, "{} pieces of news in five seconds", told(&lab));
}

#[test]
fn sound_of_a_shared_screen_is_heard_whoever_speaks() {
    let mut lab = Lab::new();
    for _ in 0..7 {
        let offered = crate::client::Offered {
            tracks: vec![(VOICE, vec![]), (SourceKind::ScreenAudio, vec![])],
            ..crate::client::Offered::default()
        };
        let client = lab.begin_join(&offered, Lab::grants());
        lab.run(Duration::from_millis(100));
        lab.publish(client, VOICE);
    }
    lab.publish(6, SourceKind::ScreenAudio);
    lab.run_with(SECOND, |lab, call| talk(lab, call, &[1, 2, 3, 4, 5]));
    assert!(lab.slot_of(0, 6, SourceKind::ScreenAudio).is_some());
    assert_eq!(heard_by(&lab, 0).len(), 3);
}

#[test]
fn two_who_speak_at_once_do_not_change_places_with_every_syllable() {
    let mut lab = room_of(3);
    lab.run_with(SECOND, |lab, call| talk(lab, call, &[1, 2]));
    let begin = lab.events.len();
    // Syllables: each goes from -20 to -45 dBov and back, the two out of step.
    lab.run_with(SECOND * 8, |lab, call| {
        if call % 2 == 0 {
            let now = lab.now;
            let level = |phase: u64| -20 - ((call + phase) % 30).min(25) as i8;
            lab.clients[0].speak(now, -90);
            lab.clients[1].speak(now, level(0));
            lab.clients[2].speak(now, level(15));
        }
    });
    let news = lab.events[begin..].iter().filter(|event| matches!(event, Event::Speaking(_))).count();
    assert!(news <= 2, "{news} pieces of news in eight seconds");
    // Somebody clearly louder does come first.
    let quieter = lab.clients.iter().position(|client| client.id == speakers(&lab)[1]).unwrap();
    lab.run_with(SECOND * 3, |lab, call| {
        if call % 2 == 0 {
            let now = lab.now;
            for index in 1..3 {
                lab.clients[index].speak(now, if index == quieter { -15 } else { -42 });
            }
        }
    });
    assert_eq!(speakers(&lab)[0], lab.id(quieter));
}
