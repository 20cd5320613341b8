//! What another core says may be anything.

use std::cell::Cell;
use std::collections::HashSet;
use std::time::Duration;

use confab_fuzz::{Random, Target};
use confab_protocol::SourceKind;
use confab_rtp::wire::RtpView;
use confab_rtp::wire::view::is_rtcp;
use confab_sfu::Peer;

use super::cores::{Cores, ROOM};
use crate::client::Client;
use crate::lab::Lab;

const SECOND: Duration = Duration::from_secs(1);
const VOICE: SourceKind = SourceKind::Microphone;
const CAMERA: SourceKind = SourceKind::Camera;
const PEER: Peer = Peer(1);

/// What a core says in a call, batch by batch: people come, show themselves, mute, leave. And who they were.
fn conversation() -> (Vec<Vec<u8>>, Client) {
    let mut cores = Cores::new(2);
    let listener = cores.join(0);
    cores.recorded = Some(Vec::new());
    let (bob, cleo) = (cores.join(1), cores.join(1));
    for person in [bob, cleo] {
        cores.publish(person, VOICE);
        cores.publish(person, CAMERA);
    }
    cores.publish(listener, CAMERA);
    cores.view(listener, &[(bob, CAMERA, 720), (cleo, CAMERA, 180)]);
    cores.view(bob, &[(listener, CAMERA, 360)]);
    cores.run_with(SECOND, |cores, call| {
        for person in [listener, bob, cleo] {
            cores.speak(person, call, -25);
            cores.film(person, call);
        }
    });
    cores.labs[1].set_track(bob.1, VOICE, confab_sfu::TrackState::Muted);
    cores.leave(cleo);
    cores.run(SECOND / 10);
    let recorded = cores.recorded.take().unwrap();
    let said = recorded.into_iter().filter(|(from, ..)| *from == 1).map(|(_, _, contents)| contents).collect();
    (said, cores.labs[1].clients.swap_remove(bob.1))
}

/// A core with a listener of its own, who has the keys to what it is sent, and a link.
fn linked(bob: &Client) -> (Lab, usize) {
    let mut lab = Lab::new();
    let listener = Client::insider(lab.now, "10.0.1.1:7000".parse().unwrap());
    let listener = lab.begin_join_of(listener, &crate::client::Offered::default(), Lab::grants());
    lab.run_until(SECOND * 2, |lab| lab.clients[listener].keys.is_some());
    lab.publish(listener, CAMERA);
    lab.sfu.link_room(lab.now, lab.room, ROOM, PEER).unwrap();
    let tile = confab_protocol::TileRequest { participant: bob.id, ..lab.tile(listener, CAMERA, 720) };
    lab.view_tiles(listener, vec![tile]);
    lab.run(Duration::from_millis(20));
    (lab, listener)
}

/// Takes what is for the peer, as a worker would.
fn turn(lab: &mut Lab) {
    lab.step();
    let batches = lab.sfu.take_relayed();
    lab.sfu.recycle_relayed(batches);
    assert!(lab.sfu.poll_timeout().is_some_and(|at| at > lab.now - Duration::from_millis(1)), "time stands still");
}

fn check(lab: &Lab, listener: usize) {
    let (counters, held) = (lab.sfu.counters(), lab.sfu.holdings());
    assert_eq!(counters.members, 1, "nobody of ours is moved by what another core says");
    assert!(counters.mirrors <= 200, "{} mirrors", counters.mirrors);
    assert!(held.timers < 400 && held.held < 2_000 && held.relayed == 0, "{held:?}");
    assert_eq!(lab.clients[listener].unopened, 0, "what a receiver is sent, it can open");
}

#[test]
fn any_bytes_of_another_core_leave_this_one_in_order() {
    let (said, bob) = conversation();
    let whole: Vec<u8> = said.concat();
    // The people and the first pictures; single batches; and from the middle.
    let mut samples: Vec<Vec<u8>> = vec![whole[..whole.len().min(12_000)].to_vec(), whole[whole.len() / 2..].to_vec()];
    let head: Vec<u8> = said.iter().take(40).flatten().copied().collect();
    samples.extend(said.iter().rev().take(6).map(|batch| [head.as_slice(), batch.as_slice()].concat()));
    samples.push(head);
    let reached = Cell::new((0, 0, 0));
    Target::new(env!("CARGO_MANIFEST_DIR"), "relay").samples(samples).longest(16_000).run(|bytes| {
        let (mut lab, listener) = linked(&bob);
        for piece in bytes.chunks(4_000).scan(Vec::new(), whole_messages) {
            lab.sfu.handle_relayed(lab.now, PEER, &piece);
            lab.sfu.flush(lab.now);
            turn(&mut lab);
            check(&lab, listener);
        }
        for _ in 0..120 {
            turn(&mut lab);
        }
        check(&lab, listener);
        let counters = lab.sfu.counters();
        let (taken, forwarded, dropped) = reached.get();
        let forwarded = forwarded + counters.packets_forwarded;
        reached.set((taken + counters.relayed_in, forwarded, dropped + counters.dropped_relayed));
    });
    let (taken, forwarded, dropped) = reached.get();
    println!("{taken} packets taken, {forwarded} forwarded, {dropped} messages dropped");
    assert!(taken > 20 && forwarded > 20 && dropped > 0, "{taken} taken, {forwarded} forwarded, {dropped} dropped");
}

/// Cuts bytes between messages where they can be told, so that time passes between some of them.
#[expect(clippy::unnecessary_wraps, reason = "it goes on as long as there are pieces")]
fn whole_messages(rest: &mut Vec<u8>, piece: &[u8]) -> Option<Vec<u8>> {
    rest.extend_from_slice(piece);
    let mut end = 0;
    while let Some([_, _, high, low]) = rest.get(end..end + 4) {
        let next = end + 4 + usize::from(u16::from_be_bytes([*high, *low]));
        if next > rest.len() {
            break;
        }
        end = next;
    }
    let end = if end == 0 { rest.len() } else { end };
    Some(rest.drain(..end).collect())
}

#[test]
fn a_core_that_lies_disturbs_nobody_who_is_elsewhere() {
    let mut cores = Cores::new(3);
    let (ann, bob, liar, honest) = (cores.join(0), cores.join(0), cores.join(1), cores.join(2));
    for person in [ann, bob, liar, honest] {
        cores.publish(person, VOICE);
        cores.publish(person, CAMERA);
    }
    cores.view(bob, &[(ann, CAMERA, 360), (honest, CAMERA, 180), (liar, CAMERA, 720)]);
    let everybody = [ann, bob, liar, honest];
    let mut send = |cores: &mut Cores, call: u64| {
        for person in everybody {
            cores.speak(person, call, -25);
            cores.film(person, call);
        }
    };
    cores.recorded = Some(Vec::new());
    cores.run_with(SECOND, &mut send);
    // Also what the others said, as if it were the liar's.
    let samples: Vec<Vec<u8>> = cores.recorded.take().unwrap().into_iter().map(|(_, _, contents)| contents).collect();
    let before = cores.labs[0].sfu.counters();
    let mut random = Random::new(5);
    let mut said = 0_u64;
    cores.run_with(SECOND * 3, |cores, call| {
        send(cores, call);
        for _ in 0..10 {
            let mut bytes = samples[random.below(samples.len())].clone();
            for _ in 0..random.below(4) {
                let place = random.below(bytes.len());
                bytes[place] = random.number() as u8;
            }
            let lab = &mut cores.labs[0];
            lab.sfu.handle_relayed(lab.now, PEER, &bytes);
            lab.sfu.flush(lab.now);
            said += 1;
        }
    });
    let after = cores.labs[0].sfu.counters();
    assert_eq!(said, 3_000);
    assert!(after.dropped_relayed - before.dropped_relayed > 500, "{after:?}");
    assert_eq!(after.members, 2);
    for (listener, speaker) in [(bob, ann), (ann, bob), (bob, honest), (ann, honest)] {
        let heard = cores.received(listener, speaker, VOICE);
        let recent: Vec<_> = heard.iter().filter(|packet| packet.at > cores.labs[0].now - SECOND * 3).collect();
        assert!(recent.len() >= 145, "{} packets of 150", recent.len());
        assert!(recent.windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1));
    }
    for of in [ann, honest] {
        let seen = cores.received(bob, of, CAMERA);
        assert!(seen.iter().filter(|packet| packet.at > cores.labs[0].now - SECOND).count() >= 30);
    }
}

#[test]
fn what_another_core_says_twice_is_sent_once() {
    let (said, bob) = conversation();
    let (mut lab, listener) = linked(&bob);
    lab.record();
    for batch in said.iter().filter(|batch| !is_about_members(batch)) {
        for _ in 0..2 {
            lab.sfu.handle_relayed(lab.now, PEER, batch);
            lab.sfu.flush(lab.now);
            turn(&mut lab);
        }
    }
    assert!(lab.sfu.counters().relayed_in > 200);
    let mut numbers = HashSet::new();
    for sent in lab.take_recorded().iter().filter(|sent| !sent.to_server && sent.contents[0] >= 128) {
        if let Some(view) = RtpView::parse(&sent.contents).filter(|_| !is_rtcp(&sent.contents)) {
            // One key must not protect two packets with the same number.
            assert!(numbers.insert((view.ssrc(), view.sequence())), "{} twice", view.sequence());
        }
    }
    assert!(numbers.len() > 100, "{} packets were sent", numbers.len());
    assert_eq!(lab.clients[listener].unopened, 0);
}

/// Whether people come or go with it: said twice, that makes another of them.
fn is_about_members(batch: &[u8]) -> bool {
    let has = |name: &[u8]| batch.windows(name.len()).any(|window| window == name);
    has(b"\"left\"") || has(b"\"hello\"")
}

#[test]
fn rooms_that_are_not_linked_to_a_core_hear_nothing_from_it() {
    let (said, bob) = conversation();
    let (mut lab, _) = linked(&bob);
    let before = lab.sfu.counters();
    let mut messages = 0;
    for batch in &said {
        lab.sfu.handle_relayed(lab.now, Peer(9), batch);
        lab.sfu.flush(lab.now);
        messages += 1;
        turn(&mut lab);
    }
    let after = lab.sfu.counters();
    assert_eq!((after.mirrors, after.relayed_in, after.packets_forwarded), (0, 0, before.packets_forwarded));
    assert!(after.dropped_relayed - before.dropped_relayed >= messages);
}
