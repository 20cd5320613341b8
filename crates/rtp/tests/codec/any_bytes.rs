//! Bytes that anybody may send.

use confab_rtp::codec::fuzz::{fuzz_dependency_descriptor, fuzz_layer_filter, fuzz_payload};

use crate::random::Random;

fn bytes(random: &mut Random, most: u64) -> Vec<u8> {
    let length = random.below(most + 1);
    (0..length).map(|_| random.next() as u8).collect()
}

#[test]
fn any_payload_is_read_and_rewritten_without_harm() {
    let random = &mut Random(1);
    (0..600_000).for_each(|_| fuzz_payload(&bytes(random, 24)));
}

#[test]
fn any_descriptors_are_read_and_written_without_harm() {
    let random = &mut Random(2);
    for _ in 0..250_000 {
        let mut stream = bytes(random, 120);
        // Random bytes rarely make a whole structure; a length and the flag help them.
        if let [length, _, _, _, flags, ..] = &mut stream[..] {
            (*length, *flags) = (110, *flags & 0x07 | 0x80);
        }
        fuzz_dependency_descriptor(&stream);
    }
}

#[test]
fn any_packets_go_through_a_filter_without_harm() {
    let random = &mut Random(3);
    for _ in 0..150_000 {
        let mut packets = vec![random.next() as u8];
        for _ in 0..random.below(20) {
            let packet = bytes(random, 14);
            packets.push(packet.len() as u8);
            packets.extend_from_slice(&packet);
        }
        fuzz_layer_filter(&packets);
    }
}
