//! Datagrams of somebody who means harm, at an open call and at one that begins.

use std::net::SocketAddr;
use std::time::Duration;

use confab_protocol::SourceKind;
use confab_sfu::Counters;

use crate::client::Offered;
use crate::lab::{Lab, Random, Recorded};

const SECOND: Duration = Duration::from_secs(1);
const STRANGER: &str = "203.0.113.5:1234";

fn stranger() -> SocketAddr {
    STRANGER.parse().unwrap()
}

/// One of the recorded datagrams, changed, and whose it was; or noise with the first byte of something.
fn forged(random: &mut Random, samples: &[Recorded]) -> (Vec<u8>, Option<SocketAddr>) {
    if samples.is_empty() || random.below(4) == 0 {
        let length = random.below(1_400) + 1;
        let mut noise: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        noise[0] = [0, 1, 22, 128, 129, 144, noise[0]][random.below(7)];
        return (noise, None);
    }
    let sample = &samples[random.below(samples.len())];
    let mut bytes = sample.contents.clone();
    // At least one change: a copy as it was is another matter.
    for _ in 0..=random.below(5) {
        let place = random.below(bytes.len());
        match random.below(8) {
            0 => bytes.truncate(place.max(1)),
            1 => bytes.extend((0..random.below(64)).map(|index| index as u8)),
            2 => bytes[place] = random.next() as u8 | 1,
            _ => bytes[place] ^= 1 << random.below(8),
        }
    }
    if samples.iter().any(|sample| sample.contents == bytes) {
        let last = bytes.len() - 1;
        bytes[last] ^= 0x55;
    }
    (bytes, Some(sample.source))
}

fn dropped(counters: &Counters) -> u64 {
    counters.dropped_unknown + counters.dropped_malformed + counters.dropped_forged
}

/// Three people, one of them heard and seen by the others.
struct Call {
    lab: Lab,
    ann: usize,
    others: [usize; 2],
}

impl Call {
    fn open() -> Self {
        let mut lab = Lab::new();
        lab.record();
        let (ann, bob, cid) = (lab.join(), lab.join(), lab.join());
        lab.publish(ann, SourceKind::Microphone);
        lab.publish(ann, SourceKind::Camera);
        for other in [bob, cid] {
            lab.view(other, &[(ann, SourceKind::Camera, 720)]);
        }
        let mut call = Self { lab, ann, others: [bob, cid] };
        call.run(SECOND * 2, |_| {});
        for other in call.others {
            call.lab.clients[other].received.clear();
        }
        call
    }

    /// Goes on for a time; `each` is called every 10 ms.
    fn run(&mut self, duration: Duration, mut each: impl FnMut(&mut Lab)) {
        let ann = self.ann;
        self.lab.run_with(duration, |lab, call| {
            let now = lab.now;
            if call.is_multiple_of(2) {
                lab.clients[ann].speak(now, -30);
            }
            lab.film(ann, call);
            each(lab);
        });
    }

    /// Every packet since the beginning came to both, in order and without a gap: how many voices and pictures.
    fn untouched(&mut self) -> (usize, usize) {
        self.run(SECOND / 10, |_| {});
        let mut least = (usize::MAX, usize::MAX);
        for other in self.others {
            let mut counts = [0; 2];
            for (count, source) in counts.iter_mut().zip([SourceKind::Microphone, SourceKind::Camera]) {
                let slot = self.lab.slot_of(other, self.ann, source).unwrap();
                let came = self.lab.clients[other].on(&slot.mid);
                let gap = came.windows(2).find(|pair| pair[1].sequence != pair[0].sequence + 1);
                assert!(gap.is_none(), "{source:?}: a gap or a repetition, {gap:?}");
                *count = came.len();
            }
            least = (least.0.min(counts[0]), least.1.min(counts[1]));
        }
        least
    }
}

/// Sends so many forged datagrams in ten seconds of a call and looks at what they did.
fn flood(seed: u64, sources: impl Fn(&Lab) -> Vec<SocketAddr>) {
    let count = if Lab::is_full() { 1_000_000 } else { 20_000 };
    let mut call = Call::open();
    let samples = call.lab.take_recorded();
    let sources = sources(&call.lab);
    let mut random = Random::new(seed);
    let before = call.lab.sfu.counters();
    let keyframes = call.lab.clients[call.ann].track(SourceKind::Camera).streams[2].keyframes;
    let (mut sent, mut handshakes, mut most) = (0, 0, call.lab.sfu.holdings());
    call.run(SECOND * 10, |lab| {
        for _ in 0..count / 1_000 {
            let (bytes, whose) = forged(&mut random, &samples);
            // A change behind what a check signs leaves it that client's own, so it has to come from elsewhere.
            let others: Vec<SocketAddr> = sources.iter().copied().filter(|source| Some(*source) != whose).collect();
            let source = others[random.below(others.len())];
            handshakes += u64::from((20..64).contains(&bytes[0]) && source != stranger());
            lab.inject(source, &bytes);
            sent += 1;
        }
        let held = lab.sfu.holdings();
        most.timers = most.timers.max(held.timers);
        most.buffers = most.buffers.max(held.buffers);
        assert_eq!((held.addresses, held.names), (3, 3), "strangers are not remembered");
        assert!(held.streams <= 3 * 16, "{held:?}");
    });
    let after = call.lab.sfu.counters();
    assert_eq!((after.members, after.members_failed), (3, 0), "nobody is thrown out");
    assert_eq!(dropped(&after) - dropped(&before) + handshakes, sent, "each was counted, or is DTLS for its member");
    assert!(most.timers < 3 * 32, "deadlines gather: {most:?}");
    assert!(most.buffers < 200, "buffers gather: {most:?}");
    let (voices, pictures) = call.untouched();
    assert!(voices >= 500, "{voices} of 500 voice packets");
    assert!(pictures >= 1_660, "{pictures} of about 1,665 picture packets");
    let asked = call.lab.clients[call.ann].track(SourceKind::Camera).streams[2].keyframes - keyframes;
    assert_eq!(asked, 0, "keyframes asked for");
}

#[test]
fn a_flood_of_forged_datagrams_from_a_stranger_is_counted_and_nobody_notices() {
    flood(1, |_| vec![stranger()]);
}

#[test]
fn a_flood_of_forged_datagrams_from_the_addresses_of_members_is_counted_and_nobody_notices() {
    flood(2, |lab| lab.clients.iter().map(|client| client.address).collect());
}

/// The datagram is a DTLS handshake record.
fn is_handshake(bytes: &[u8]) -> bool {
    bytes[0] == 22
}

/// A `ClientHello` whose cipher suites nobody has: the sample's list overwritten.
fn with_bad_ciphers(hello: &[u8]) -> Vec<u8> {
    let mut bytes = hello.to_vec();
    // Record header 13, handshake header 12, version 2, random 32.
    let mut at = 13 + 12 + 2 + 32;
    at += 1 + usize::from(bytes[at]);
    at += 1 + usize::from(bytes[at]);
    let length = usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    for suite in bytes[at + 2..at + 2 + length].chunks_exact_mut(2) {
        suite.copy_from_slice(&[0x00, 0x01]);
    }
    bytes
}

#[test]
fn hellos_from_another_address_never_end_a_handshake() {
    let tries = if Lab::is_full() { 1_000 } else { 100 };
    // One handshake to copy from.
    let mut lab = Lab::new();
    lab.record();
    lab.join();
    let hello = lab.take_recorded().into_iter().find(|sent| sent.to_server && is_handshake(&sent.contents)).unwrap();
    let bad = with_bad_ciphers(&hello.contents);
    let mut random = Random::new(5);
    for number in 0..tries {
        let mut lab = Lab::new();
        let joining = lab.begin_join(&Offered::default(), Lab::grants());
        let address = lab.clients[joining].address;
        lab.record();
        let end = lab.now + SECOND * 2;
        while !lab.clients[joining].connected {
            assert!(lab.now < end, "call {number} is lost");
            let own: Vec<Vec<u8>> =
                lab.recorded.iter().flatten().filter(|sent| sent.to_server).map(|sent| sent.contents.clone()).collect();
            // The same host with any port, and a host of its own.
            let spoofed = SocketAddr::new(address.ip(), 1_024 + random.below(60_000) as u16);
            for source in [spoofed, stranger()].into_iter().filter(|source| *source != address) {
                lab.inject(source, &bad);
                lab.inject(source, &hello.contents);
                // What the client itself has just sent overtakes it.
                for copy in own.iter().filter(|bytes| is_handshake(bytes)) {
                    lab.inject(source, copy);
                }
            }
            lab.step();
        }
        lab.run(Duration::from_millis(20));
        assert_eq!(lab.sfu.counters().members_failed, 0);
        let slots = lab.sfu.slots(lab.room, lab.id(joining));
        assert!(slots.is_some(), "call {number} goes on");
    }
}

/// What a handshake meets from the right address, and whether the client comes through.
fn handshake_beside(number: u64, noise: impl Fn(&mut Random, &mut Lab, SocketAddr)) -> bool {
    let mut lab = Lab::new();
    let (ann, bob) = (lab.join(), lab.join());
    lab.publish(ann, SourceKind::Microphone);
    let joining = lab.begin_join(&Offered::default(), Lab::grants());
    let address = lab.clients[joining].address;
    let mut random = Random::new(number);
    lab.run_with(SECOND / 2, |lab, call| {
        let now = lab.now;
        if call.is_multiple_of(2) {
            lab.clients[ann].speak(now, -30);
        }
        noise(&mut random, lab, address);
    });
    let slot = lab.slot_of(bob, ann, SourceKind::Microphone).unwrap();
    assert!(lab.clients[bob].on(&slot.mid).len() >= 23, "the others hear each other whatever happens to one");
    let failed = lab.sfu.counters().members_failed;
    assert!(failed <= 1 && lab.sfu.counters().members >= 2);
    lab.clients[joining].connected && !lab.clients[joining].failed && failed == 0
}

#[test]
fn garbage_handshake_records_from_the_right_address_cost_at_most_the_one_call() {
    let tries = if Lab::is_full() { 500 } else { 25 };
    let survived = (0..tries)
        .filter(|number| {
            handshake_beside(*number, |random, lab, address| {
                let mut record = vec![22, 0xfe, 0xfd, 0, random.below(2) as u8, 0, 0, 0, 0, 0, random.next() as u8];
                let length = random.below(200);
                record.extend((length as u16).to_be_bytes());
                record.extend((0..length).map(|_| random.next() as u8));
                lab.inject(address, &record);
            })
        })
        .count();
    assert_eq!(survived, tries as usize, "and they do not even cost that one");
}

#[test]
fn a_check_of_a_member_sent_again_from_elsewhere_neither_moves_its_media_nor_takes_an_address() {
    let mut call = Call::open();
    let samples = call.lab.take_recorded();
    let bob = call.others[0];
    let address = call.lab.clients[bob].address;
    let checks: Vec<Vec<u8>> = samples
        .iter()
        .filter(|sent| sent.to_server && sent.source == address && sent.contents[0] == 0)
        .map(|sent| sent.contents.clone())
        .collect();
    assert!(checks.len() > 2, "there were checks to copy");
    let elsewhere = [stranger(), call.lab.clients[call.ann].address, call.lab.clients[call.others[1]].address];
    let mut copied = 0;
    let before = call.lab.sfu.counters();
    call.run(SECOND * 4, |lab| {
        for check in &checks {
            for source in elsewhere {
                lab.inject(source, check);
                copied += 1;
            }
        }
    });
    assert_eq!(call.lab.sfu.holdings().addresses, 3);
    assert_eq!(call.lab.sfu.counters().dropped_forged - before.dropped_forged, copied, "each was refused");
    assert!(call.untouched().0 >= 200);
}

#[test]
fn a_member_cannot_take_the_address_of_another_that_is_heard() {
    let mut call = Call::open();
    let (ann, bob) = (call.ann, call.others[0]);
    let before = call.lab.sfu.counters();
    call.lab.paths[bob].seems_from = Some(call.lab.clients[ann].address);
    call.run(SECOND * 10, |_| {});
    let after = call.lab.sfu.counters();
    assert!(after.dropped_forged - before.dropped_forged > 2, "bob's checks came from ann's address");
    let other = call.others[1];
    let slot = call.lab.slot_of(other, ann, SourceKind::Microphone).unwrap();
    let heard = call.lab.clients[other].on(&slot.mid);
    assert!(heard.len() >= 498, "ann is heard as ever: {}", heard.len());
    assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1));
    assert!(!call.lab.events.contains(&confab_sfu::Event::Silent(call.lab.id(ann))));
}

#[test]
fn a_strange_hello_from_the_right_address_costs_at_most_the_one_call() {
    let tries = if Lab::is_full() { 200 } else { 10 };
    let mut lab = Lab::new();
    lab.record();
    lab.join();
    let hello = lab.take_recorded().into_iter().find(|sent| sent.to_server && is_handshake(&sent.contents)).unwrap();
    let bad = with_bad_ciphers(&hello.contents);
    for number in 0..tries {
        let _own_call_may_be_lost = handshake_beside(number, |random, lab, address| {
            let strange = if random.below(2) == 0 { &bad } else { &hello.contents };
            lab.inject(address, strange);
        });
    }
}
