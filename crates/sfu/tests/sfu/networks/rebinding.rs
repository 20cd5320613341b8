//! N7: a NAT gives a client another port in the middle of a call; others try to look like that.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use confab_impair::Profile;
use confab_protocol::SourceKind;

use super::seeds;
use crate::lab::{Lab, Random};

const SECOND: Duration = Duration::from_secs(1);
const CAMERA: SourceKind = SourceKind::Camera;
const VOICE: SourceKind = SourceKind::Microphone;

fn call(lab: &mut Lab) -> (usize, usize) {
    let (ann, bob) = (lab.join(), lab.join());
    for (from, to) in [(ann, bob), (bob, ann)] {
        lab.publish(from, VOICE);
        lab.publish(from, CAMERA);
        lab.view(to, &[(from, CAMERA, 360)]);
    }
    (ann, bob)
}

fn talk(lab: &mut Lab, call: u64) {
    for client in 0..2 {
        let now = lab.now;
        if call.is_multiple_of(2) {
            lab.clients[client].speak(now, -20);
        }
        lab.film(client, call);
    }
}

/// The longest time without a packet on a slot, from a moment on.
fn longest_gap(lab: &Lab, to: usize, from: usize, source: SourceKind, since: Instant) -> Duration {
    let mid = lab.slot_of(to, from, source).unwrap().mid;
    let mut last = since;
    let mut longest = Duration::ZERO;
    for packet in lab.clients[to].on(&mid).iter().filter(|packet| packet.at >= since) {
        longest = longest.max(packet.at - last);
        last = packet.at;
    }
    longest.max(lab.now - last)
}

#[test]
fn n7_a_rebound_nat_interrupts_media_for_less_than_a_second_both_ways() {
    let mut worst = [Duration::ZERO; 2];
    for seed in seeds(50, 1_000) {
        let mut random = Random::new(seed + 7);
        let mut lab = Lab::new();
        let (ann, bob) = call(&mut lab);
        lab.impair(ann, Profile::delayed(Duration::from_millis(random.next() % 60)), seed);
        lab.run_with(SECOND * 2 + Duration::from_millis(random.next() % 300 * 10), talk);
        let since = lab.now;
        let old = lab.clients[ann].address;
        let mut rebound = old;
        rebound.set_port(20_000 + (random.next() % 10_000) as u16);
        lab.paths[ann].nat = Some(rebound);
        lab.run_with(SECOND * 4, talk);
        // It happened: for a while packets still went to the old port, and nobody was there.
        assert!(lab.strays.iter().any(|(stray, _)| *stray == old), "seed {seed}");
        for source in [VOICE, CAMERA] {
            for (way, (to, from)) in [(bob, ann), (ann, bob)].into_iter().enumerate() {
                let gap = longest_gap(&lab, to, from, source, since);
                worst[way] = worst[way].max(gap);
                assert!(gap <= SECOND, "seed {seed}: {source:?} from {from} to {to} missing for {gap:?}");
            }
        }
        assert!(!lab.clients[ann].closed && !lab.clients[bob].closed);
    }
    println!("longest gap of media from the rebound client {:?}, towards it {:?}", worst[0], worst[1]);
}

#[test]
fn n7_a_port_that_proves_nothing_is_sent_nothing_whatever_it_replays() {
    for seed in seeds(50, 1_000) {
        let mut random = Random::new(seed + 3);
        let mut lab = Lab::new();
        let (ann, bob) = call(&mut lab);
        lab.run_with(SECOND, talk);
        lab.sent = Some(vec![]);
        lab.run_with(SECOND * 4, talk);
        let recorded = lab.sent.take().unwrap();
        // Checks, reports, voice and pictures of both people, from whoever saw them go by; handshakes were before.
        let kinds = [0..=3, 128..=191].map(|kind| recorded.iter().filter(|seen| kind.contains(&seen[0])).count());
        assert!(kinds[0] >= 2 && kinds[1] > 500, "{kinds:?}");
        lab.strays.clear();
        let before = lab.sfu.counters();
        let attacker: SocketAddr = "203.0.113.9:4444".parse().unwrap();
        // While everybody is there, and while the client is not heard for longer than the core waits to follow one.
        let since = lab.now;
        for round in 0..2 {
            lab.paths[ann].cut = round == 1;
            lab.run_with(SECOND, |lab, call| {
                talk(lab, call);
                for _ in 0..5 {
                    let (now, server) = (lab.now, lab.server);
                    let mut datagram = recorded[random.next() as usize % recorded.len()].clone();
                    lab.sfu.handle_datagram(now, attacker, server, &mut datagram);
                }
            });
        }
        lab.paths[ann].cut = false;
        lab.run_with(SECOND * 2, talk);
        let after = lab.sfu.counters();
        let dropped = after.dropped_unknown + after.dropped_forged - before.dropped_unknown - before.dropped_forged;
        assert!(dropped > 300, "the attack happened: {dropped}");
        let media = lab.strays.iter().filter(|(stray, _)| *stray == attacker).count();
        assert_eq!(media, 0, "seed {seed}: datagrams to a port that proved nothing");
        let gap = longest_gap(&lab, bob, ann, VOICE, since);
        assert!(gap < SECOND * 3 / 2, "the client was cut for a second and is back: {gap:?}");
        assert_eq!(after.members, 2);
    }
}

#[test]
fn n7_a_check_that_is_older_than_is_remembered_gets_an_answer_and_no_media() {
    let mut lab = Lab::new();
    let (ann, _) = call(&mut lab);
    lab.sent = Some(vec![]);
    lab.run_with(SECOND * 4, talk);
    let mut old = lab.sent.take().unwrap();
    old.retain(|seen| seen[0] <= 3);
    assert!(!old.is_empty());
    lab.run_with(SECOND * 300, talk);
    lab.strays.clear();
    let attacker: SocketAddr = "203.0.113.9:4444".parse().unwrap();
    for cut in [false, true] {
        lab.paths[ann].cut = cut;
        lab.run_with(SECOND, |lab, call| {
            talk(lab, call);
            let (now, server) = (lab.now, lab.server);
            let mut check = old[call as usize % old.len()].clone();
            lab.sfu.handle_datagram(now, attacker, server, &mut check);
        });
    }
    let to_attacker: Vec<u8> =
        lab.strays.iter().filter(|(stray, _)| *stray == attacker).map(|(_, first)| *first).collect();
    assert!(!to_attacker.is_empty(), "the checks were old enough to be answered");
    assert!(to_attacker.len() <= 200 && to_attacker.iter().all(|first| *first <= 3), "answers to checks only");
}
