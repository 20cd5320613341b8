use std::net::SocketAddr;
use std::time::Duration;

use confab_protocol::{Layer, ParticipantId, SourceKind, TrackOffer};
use confab_sfu::{JoinError, Joining, RestartError};

use crate::client::{Client, Offered};
use crate::lab::{Lab, Random};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn random_datagrams_are_dropped_and_counted_and_nobody_notices() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, SourceKind::Microphone);
    let mut random = Random::new(7);
    let stranger: SocketAddr = "203.0.113.5:1234".parse().unwrap();
    let begin = lab.sfu.counters();
    let mut sent = 0;
    lab.run_with(SECOND * 2, |lab, call| {
        let now = lab.now;
        if call % 2 == 0 {
            lab.clients[ann].speak(now, -30);
        }
        for _ in 0..20 {
            let length = (random.next() % 1_400) as usize;
            let mut noise: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
            // Half of them look like something: STUN with its cookie, DTLS, RTP, RTCP.
            if let (Some(first), true) = (noise.first_mut(), random.next().is_multiple_of(2)) {
                *first = [0, 1, 22, 128, 129][(random.next() % 5) as usize];
            }
            if length >= 20 && noise[0] < 2 && random.next().is_multiple_of(2) {
                noise[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
                let body = ((length - 20) as u16 & !3).to_be_bytes();
                noise[2..4].copy_from_slice(&body);
            }
            // From strangers, and from where a member is known to be.
            let source = if random.next().is_multiple_of(2) { stranger } else { lab.clients[bob].address };
            let server = lab.server;
            lab.sfu.handle_datagram(now, source, server, &mut noise);
            sent += 1;
        }
    });
    let counters = lab.sfu.counters();
    let dropped =
        counters.dropped_unknown + counters.dropped_malformed - begin.dropped_unknown - begin.dropped_malformed;
    assert!(dropped > sent / 2, "{dropped} of {sent} were dropped by us, the others by their member's path");
    assert_eq!((counters.members, counters.members_failed), (2, 0));
    let slot = lab.slot_of(bob, ann, SourceKind::Microphone).unwrap();
    let heard = lab.clients[bob].on(&slot.mid);
    assert!(heard.len() >= 98, "{} of 100 heard", heard.len());
    assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1));
}

#[test]
fn packets_of_a_member_replayed_or_bent_have_no_effect() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, SourceKind::Microphone);
    let mut random = Random::new(3);
    lab.run_with(SECOND, |lab, call| {
        if call % 2 != 0 {
            return;
        }
        let (now, server, source) = (lab.now, lab.server, lab.clients[ann].address);
        lab.clients[ann].speak(now, -30);
        lab.clients[ann].advance(now);
        let copies: Vec<Vec<u8>> = lab.clients[ann].outgoing.iter().map(|(_, _, bytes)| bytes.clone()).collect();
        for copy in copies {
            let mut bent = copy.clone();
            let at = (random.next() as usize) % bent.len();
            bent[at] ^= 1 << (random.next() % 8);
            lab.sfu.handle_datagram(now, source, server, &mut bent);
            lab.sfu.handle_datagram(now, source, server, &mut copy.clone());
            lab.sfu.handle_datagram(now, source, server, &mut copy[..copy.len() / 2].to_vec());
        }
    });
    let slot = lab.slot_of(bob, ann, SourceKind::Microphone).unwrap();
    let heard = lab.clients[bob].on(&slot.mid);
    let counters: Vec<u32> = heard.iter().map(super::client::Received::counter).collect();
    assert!(counters.len() >= 48);
    assert!(counters.windows(2).all(|pair| pair[1] == pair[0] + 1), "each once, in order: {counters:?}");
    assert_eq!(lab.sfu.counters().members, 2);
}

#[test]
fn broken_offers_are_refused_in_words_and_change_nothing() {
    let mut lab = Lab::new();
    let mut client = Client::new(lab.now, "10.0.1.1:7000".parse().unwrap());
    let (good, tracks, _pending) = client.offer(&Offered::default());
    let participant = ParticipantId::new();
    let mut random = Random::new(11);
    let mut offers: Vec<String> = vec![
        String::new(),
        "hello".into(),
        "v=0\r\n".into(),
        "\u{0}\u{0}\u{0}".into(),
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n".into(),
        good.replace("a=fingerprint", "a=nothing"),
        good.replace("a=ice-ufrag", "a=nothing"),
        good.replace("m=", "x="),
        "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n".repeat(2_000),
    ];
    for _ in 0..300 {
        // Bytes changed, lines dropped, cut off.
        let mut lines: Vec<String> = good.lines().map(str::to_owned).collect();
        match random.next() % 3 {
            0 => {
                lines.remove(random.next() as usize % lines.len());
            }
            1 => {
                let line = random.next() as usize % lines.len();
                let at = random.next() as usize % lines[line].len().max(1);
                let mut bytes = lines[line].clone().into_bytes();
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = b'!' + (random.next() % 90) as u8;
                }
                lines[line] = String::from_utf8(bytes).unwrap();
            }
            _ => lines.truncate(random.next() as usize % lines.len()),
        }
        offers.push(lines.join("\r\n") + "\r\n");
    }
    let mut refused = 0;
    for offer in &offers {
        let joining = Joining { participant, offer, tracks: &tracks, grants: Lab::grants() };
        match lab.sfu.join(lab.now, lab.room, &joining) {
            Ok(_) => {
                // Some changes do no harm.
                lab.sfu.leave(lab.now, lab.room, participant);
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    assert!(refused > 100, "{refused} of {} refused", offers.len());
    assert_eq!(lab.sfu.counters().members, 0);
    let joining = Joining { participant, offer: &good, tracks: &tracks, grants: Lab::grants() };
    assert!(lab.sfu.join(lab.now, lab.room, &joining).is_ok());
}

#[test]
fn tracks_that_do_not_fit_the_offer_are_refused() {
    let mut lab = Lab::new();
    let mut client = Client::new(lab.now, "10.0.1.1:7000".parse().unwrap());
    let (offer, tracks, _pending) = client.offer(&Offered::default());
    let slot = client.slots[0].to_string();
    let participant = ParticipantId::new();
    let with = |mid: &str, source| vec![TrackOffer { mid: mid.into(), source, layers: Layer::ALL.to_vec() }];
    let microphone = tracks[0].mid.clone();
    let mut twice = tracks.clone();
    twice.push(tracks[0].clone());
    for wrong in [
        with("nothing", SourceKind::Camera),
        with("", SourceKind::Camera),
        with(&slot, SourceKind::Microphone),
        with(&microphone, SourceKind::Camera),
        twice,
    ] {
        let joining = Joining { participant, offer: &offer, tracks: &wrong, grants: Lab::grants() };
        assert!(matches!(lab.sfu.join(lab.now, lab.room, &joining), Err(JoinError::Track(_))), "{wrong:?}");
    }
    assert_eq!(lab.sfu.counters().members, 0);
}

#[test]
fn a_restart_with_a_strange_offer_is_refused_and_the_call_goes_on() {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, SourceKind::Microphone);
    lab.run(Duration::from_millis(50));
    let (strange, ..) = Client::new(lab.now, "10.9.9.9:9".parse().unwrap()).offer(&Offered::default());
    let restart = |lab: &mut Lab, offer: &str| {
        let (now, room, id) = (lab.now, lab.room, lab.id(bob));
        lab.sfu.restart(now, room, id, offer).unwrap_err()
    };
    assert_eq!(restart(&mut lab, &strange), RestartError::OtherConnection);
    assert!(matches!(restart(&mut lab, "nonsense"), RestartError::Sdp(_)));
    let (now, room) = (lab.now, lab.room);
    assert_eq!(lab.sfu.restart(now, room, ParticipantId::new(), &strange), Err(RestartError::UnknownMember));
    lab.run_with(SECOND, |lab, call| {
        let now = lab.now;
        if call % 2 == 0 {
            lab.clients[ann].speak(now, -30);
        }
    });
    assert!(lab.clients[bob].received.len() >= 48);
}

#[test]
fn commands_for_the_unknown_are_passed_over() {
    let mut lab = Lab::new();
    let ann = lab.join();
    let (now, room, nobody) = (lab.now, lab.room, ParticipantId::new());
    lab.sfu.leave(now, room, nobody);
    lab.sfu.set_view(now, room, nobody, vec![]);
    lab.set_track(ann, SourceKind::ScreenAudio, confab_sfu::TrackState::Muted);
    let gone = lab.sfu.open_room();
    lab.sfu.close_room(now, gone);
    lab.sfu.close_room(now, gone);
    let joining = Joining { participant: nobody, offer: "", tracks: &[], grants: Lab::grants() };
    assert_eq!(lab.sfu.join(now, gone, &joining).unwrap_err(), JoinError::RoomClosed);
    assert_eq!(lab.sfu.slots(room, nobody), None);
    let tile = lab.tile(ann, SourceKind::Microphone, 100);
    lab.view_tiles(ann, vec![tile; 49]);
    lab.run(Duration::from_millis(300));
    assert_eq!(lab.sfu.counters().members, 1);
}
