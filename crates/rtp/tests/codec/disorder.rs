//! Packets that come late or never: what goes on keeps its order, and its gaps are those of the way in.

use std::collections::BTreeMap;

use confab_rtp::codec::{Decision, Layer, LayerFilter, PictureId, StreamReader, facts, rewrite};

use crate::random::Random;
use crate::sender::{Encoder, Packet, Stream};
use crate::vpx_sender::{Vp8, Vp9};

/// Packets in the order they come: one in eight is late by up to 25 packets, one in 25 never comes.
fn disorder(packets: Vec<Packet>, random: &mut Random) -> Vec<Packet> {
    let mut placed: Vec<(usize, Packet)> = Vec::new();
    for (at, packet) in packets.into_iter().enumerate() {
        let is_first = at < 8;
        match random.below(200) {
            0..8 if !is_first => {}
            8..33 if !is_first => placed.push((at + 1 + random.below(25) as usize, packet)),
            _ => placed.push((at, packet)),
        }
    }
    placed.sort_by_key(|(at, _)| *at);
    placed.into_iter().map(|(_, packet)| packet).collect()
}

/// Returns how many packets were forwarded, dropped, and left a hole.
fn run(seed: u64, target: Layer, encoder: &dyn Fn(&mut Random) -> Box<dyn Encoder>) -> (u64, u64, u64) {
    let random = &mut Random(seed);
    let encoder = encoder(random);
    let mut stream = Stream::new(0, encoder, random);
    let mut packets = Vec::new();
    for picture in 0..400 {
        packets.extend(stream.picture(picture * 3000, random));
    }
    let by_number: BTreeMap<u64, usize> = packets.iter().map(|packet| (packet.sequence, packet.frame)).collect();
    let (mut reader, mut filter) = (StreamReader::new(), LayerFilter::new());
    filter.set_target(Some(target));
    let codec = stream.encoder.codec();
    let mut forwarded: BTreeMap<u64, (u64, Option<u16>, u32)> = BTreeMap::new();
    let (mut dropped, mut holes) = (0, Vec::new());
    for packet in disorder(packets, random) {
        let read = reader.read(codec, packet.sequence, packet.marker, &packet.payload, None).unwrap();
        match filter.filter(0, packet.sequence, packet.timestamp, &read) {
            Decision::Drop { hole } => {
                dropped += 1;
                holes.extend(hole);
            }
            decision => {
                let rewritten = *decision.rewrite().unwrap();
                let mut payload = packet.payload.clone();
                assert!(rewrite(codec, &mut payload, &rewritten));
                let id = facts(codec, &payload, false, None).unwrap().picture_id.map(PictureId::value);
                forwarded.insert(packet.sequence, (rewritten.sequence, id, packet.timestamp));
                let again = filter.filter(0, packet.sequence, packet.timestamp, &read);
                assert_eq!(again.rewrite().map(|one| one.sequence), Some(rewritten.sequence), "the same again");
            }
        }
    }
    let pairs = forwarded.iter().zip(forwarded.iter().skip(1));
    for ((before, (out_before, id_before, at_before)), (after, (out, id, at))) in pairs {
        assert!(out > out_before && out - out_before <= after - before, "seed {seed}: order is kept");
        let step = id.unwrap().wrapping_sub(id_before.unwrap()) & 0x7fff;
        assert_eq!(step == 0, at == at_before, "seed {seed}: a picture has one id");
        assert!(step < 100, "seed {seed}: ids keep their order");
        let missing = (before + 1..*after).filter(|number| !forwarded.contains_key(number)).count() as u64;
        assert!(out - out_before <= missing + 1, "seed {seed}: no gap without a packet that is missing");
    }
    assert!(forwarded.keys().all(|number| by_number.contains_key(number)));
    for hole in &holes {
        assert!(forwarded.values().all(|(out, ..)| out != hole), "seed {seed}: a hole is nobody's place");
    }
    (forwarded.len() as u64, dropped, holes.len() as u64)
}

#[test]
fn late_and_lost_packets_keep_order_and_never_share_a_number() {
    let mut sums = (0, 0, 0);
    for seed in 0..150 {
        let target = Layer { stream: 0, spatial: (seed % 3) as u8, temporal: (seed / 3 % 3) as u8 };
        for encoder in [
            &(|random: &mut Random| Box::new(Vp8::new(false, random)) as Box<dyn Encoder>)
                as &dyn Fn(&mut Random) -> Box<dyn Encoder>,
            &|random| Box::new(Vp9::new(false, false, random)),
            &|random| Box::new(Vp9::new(true, true, random)),
        ] {
            let (forwarded, dropped, holes) = run(seed, target, encoder);
            sums = (sums.0 + forwarded, sums.1 + dropped, sums.2 + holes);
        }
    }
    // The disorder did what it was for.
    assert!(sums.0 > 200_000 && sums.1 > 100_000 && sums.2 > 1_000, "{sums:?}");
}
