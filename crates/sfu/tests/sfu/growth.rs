//! More receive slots in a running call.

use std::collections::HashSet;
use std::time::Duration;

use confab_protocol::{Layer, SlotKind, SourceKind};
use confab_sfu::RestartError;
use str0m::change::SdpPendingOffer;
use str0m::media::{Direction, MediaKind};

use crate::client::Offered;
use crate::lab::{Film, Lab};
use crate::pictures::check_stream;

const SECOND: Duration = Duration::from_secs(1);
const CAMERA: SourceKind = SourceKind::Camera;
const VOICE: SourceKind = SourceKind::Microphone;
/// Small enough that 49 of them fit any estimate: what is looked at is slots, not layers.
const SMALL: Film = [(1, 100), (1, 200), (1, 300)];

/// An offer of the same connection with so many picture slots.
fn grow(lab: &mut Lab, client: usize, video_slots: usize, restarts: bool) -> (String, SdpPendingOffer) {
    let pictures = picture_slots(lab, client).len();
    let client = &mut lab.clients[client];
    let mut api = client.rtc.sdp_api();
    if restarts {
        api.ice_restart(false);
    }
    for _ in pictures..video_slots {
        client.slots.push(api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None));
    }
    let (offer, pending) = api.apply().unwrap();
    (offer.to_sdp_string(), pending)
}

/// Grows, and says which m-lines are new.
fn grown(lab: &mut Lab, client: usize, video_slots: usize, restarts: bool) -> Vec<String> {
    let before = picture_slots(lab, client);
    let (offer, pending) = grow(lab, client, video_slots, restarts);
    let (now, room, id) = (lab.now, lab.room, lab.id(client));
    let answer = lab.sfu.restart(now, room, id, &offer).unwrap();
    let (old, new) = (groups(&lab.clients[client].answer), groups(&answer));
    assert_eq!(new[..old.len()], old, "streams are named as before");
    assert_eq!(new.len(), old.len() + video_slots - before.len(), "each new slot has a stream and one for its repairs");
    assert_eq!(
        ufrag(&answer) != ufrag(&lab.clients[client].answer),
        restarts,
        "ICE restarts only where it is asked to"
    );
    lab.clients[client].accept(pending, &answer);
    let after = picture_slots(lab, client);
    assert_eq!(after[..before.len()], before, "slots keep their places");
    assert_eq!(after.len(), video_slots);
    after[before.len()..].to_vec()
}

fn picture_slots(lab: &Lab, client: usize) -> Vec<String> {
    let slots = lab.sfu.slots(lab.room, lab.id(client)).unwrap();
    slots.into_iter().filter(|slot| slot.kind == SlotKind::Video).map(|slot| slot.mid).collect()
}

fn groups(answer: &str) -> Vec<&str> {
    answer.lines().filter(|line| line.starts_with("a=ssrc-group:FID ")).collect()
}

fn ufrag(answer: &str) -> &str {
    answer.lines().find(|line| line.starts_with("a=ice-ufrag:")).unwrap()
}

/// A viewer with nine picture slots, and so many people with cameras, the first of whom speaks.
fn meeting(people: usize) -> (Lab, usize, Vec<usize>) {
    let mut lab = Lab::new();
    let nine = Offered { tracks: vec![], audio_slots: 4, video_slots: 9 };
    let viewer = lab.begin_join(&nine, Lab::grants());
    let offered =
        Offered { tracks: vec![(VOICE, vec![]), (CAMERA, Layer::ALL.to_vec())], audio_slots: 0, video_slots: 0 };
    let people: Vec<usize> = (0..people).map(|_| lab.begin_join(&offered, Lab::grants())).collect();
    lab.run_until(SECOND * 5, |lab| lab.clients.iter().all(|client| client.connected));
    lab.publish(people[0], VOICE);
    for person in &people {
        lab.publish(*person, CAMERA);
    }
    (lab, viewer, people)
}

fn show(lab: &mut Lab, viewer: usize, people: &[usize]) {
    let tiles: Vec<_> = people.iter().map(|person| (*person, CAMERA, 180)).collect();
    lab.view(viewer, &tiles);
}

fn go_on(lab: &mut Lab, duration: Duration, people: &[usize]) {
    lab.run_with(duration, |lab, call| {
        let now = lab.now;
        if call.is_multiple_of(2) {
            lab.clients[people[0]].speak(now, -30);
        }
        for person in people {
            lab.film_like(*person, call, &SMALL);
        }
    });
}

#[test]
fn slots_grow_from_9_over_16_and_25_to_49_while_everything_goes_on() {
    let (mut lab, viewer, people) = meeting(49);
    show(&mut lab, viewer, &people[..9]);
    go_on(&mut lab, SECOND, &people);
    let first_nine = picture_slots(&lab, viewer);
    for slots in [16, 25, 49] {
        let new = grown(&mut lab, viewer, slots, false);
        go_on(&mut lab, SECOND / 5, &people);
        show(&mut lab, viewer, &people[..slots]);
        let asked = lab.now;
        go_on(&mut lab, SECOND, &people);
        for slot in &new {
            let seen = lab.clients[viewer].on(slot);
            let first = seen.first().unwrap_or_else(|| panic!("nothing on slot {slot} of {slots}"));
            assert!(first.mark().keyframe_start);
            assert!(first.at - asked < SECOND, "slot {slot} of {slots} after {:?}", first.at - asked);
        }
    }
    lab.run(SECOND / 10);
    for slot in picture_slots(&lab, viewer) {
        let seen = lab.clients[viewer].on(&slot);
        check_stream(&seen);
        if first_nine.contains(&slot) {
            // 4.6 s of 33 pictures a second, the first of which is asked for.
            assert!(seen.len() > 140, "{} packets on slot {slot}", seen.len());
            let longest = seen.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
            assert!(longest < SECOND / 5, "a picture stood still for {longest:?} on slot {slot}");
        }
    }
    let voice = lab.slot_of(viewer, people[0], VOICE).unwrap();
    let heard = lab.clients[viewer].on(&voice.mid);
    assert_eq!(heard.len(), lab.clients[people[0]].spoken.len(), "every packet of the voice arrives");
    assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1));
    assert_eq!(lab.sfu.counters().members_failed, 0);
}

#[test]
fn tiles_that_waited_for_a_slot_get_it_with_the_growth() {
    let (mut lab, viewer, people) = meeting(12);
    show(&mut lab, viewer, &people);
    go_on(&mut lab, SECOND, &people);
    let has_slot = |lab: &Lab, person: &usize| lab.slot_of(viewer, *person, CAMERA).is_some();
    assert_eq!(people.iter().filter(|person| has_slot(&lab, person)).count(), 9);
    let new = grown(&mut lab, viewer, 16, false);
    go_on(&mut lab, SECOND / 2, &people);
    assert!(people.iter().all(|person| has_slot(&lab, person)));
    let carrying = new.iter().filter(|slot| !lab.clients[viewer].on(slot).is_empty()).count();
    assert_eq!(carrying, 3, "the others have nothing to show");
}

#[test]
fn one_offer_may_grow_and_restart_ice() {
    let (mut lab, viewer, people) = meeting(12);
    show(&mut lab, viewer, &people);
    go_on(&mut lab, SECOND, &people);
    let new = grown(&mut lab, viewer, 16, true);
    // The network has changed too.
    lab.clients[viewer].address = "10.0.2.2:7100".parse().unwrap();
    let candidate = str0m::Candidate::host(lab.clients[viewer].address, "udp").unwrap();
    lab.clients[viewer].rtc.add_local_candidate(candidate);
    go_on(&mut lab, SECOND * 2, &people);
    for person in &people {
        let slot = lab.slot_of(viewer, *person, CAMERA).expect("a slot was told");
        let seen = lab.clients[viewer].on(&slot.mid);
        let recent = seen.iter().filter(|packet| packet.at > lab.now - SECOND / 2).count();
        assert!(recent >= 15, "{recent} packets on slot {}", slot.mid);
        let numbers: HashSet<u64> = seen.iter().map(|packet| packet.sequence).collect();
        assert_eq!(numbers.len(), seen.len(), "the stream goes on under its numbers");
    }
    let carrying = new.iter().filter(|slot| !lab.clients[viewer].on(slot).is_empty()).count();
    assert_eq!(carrying, 3);
    // What came of it can grow again, and restart again.
    grown(&mut lab, viewer, 25, false);
    grown(&mut lab, viewer, 25, true);
}

#[test]
fn too_many_lines_are_refused_in_words_and_the_call_goes_on() {
    let (mut lab, viewer, people) = meeting(1);
    show(&mut lab, viewer, &people);
    go_on(&mut lab, SECOND, &people);
    let before = picture_slots(&lab, viewer);
    let known = lab.clients[viewer].slots.clone();
    let (offer, pending) = grow(&mut lab, viewer, 77, false);
    let (now, room, id) = (lab.now, lab.room, lab.id(viewer));
    let refused = lab.sfu.restart(now, room, id, &offer).unwrap_err();
    assert_eq!(refused, RestartError::TooManyLines(81, 80));
    assert!(refused.to_string().contains("at most 80"), "{refused}");
    drop(pending);
    lab.clients[viewer].slots = known;
    assert_eq!(picture_slots(&lab, viewer), before);
    go_on(&mut lab, SECOND, &people);
    let voice = lab.slot_of(viewer, people[0], VOICE).unwrap();
    assert_eq!(lab.clients[viewer].on(&voice.mid).len(), 100, "no packet is lost");
    let picture = lab.slot_of(viewer, people[0], CAMERA).unwrap();
    assert_eq!(check_stream(&lab.clients[viewer].on(&picture.mid)), 0);
    assert_eq!(grown(&mut lab, viewer, 16, false).len(), 7, "fewer are taken");
}
