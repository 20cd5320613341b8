//! Random targets over senders that lose nothing: whatever happens, a receiver can decode all it gets.

use confab_rtp::codec::{Decision, Layer, LayerFilter, StreamReader};

use crate::decoder::Decoder;
use crate::descriptor_sender::{Described, L1T3, L1T3_WITHOUT_CHAINS, L2T2_KEY, L3T3, Table};
use crate::random::Random;
use crate::sender::{Encoder, Stream};
use crate::vpx_sender::{H264, Vp8, Vp9};

const SEEDS: u64 = 60;
/// Pictures a target stays; enough for a keyframe and for every temporal layer to begin.
const PICTURES: u64 = 90;
const PHASES: u64 = 14;

/// Runs `streams` streams of an encoder through one filter, with targets that change also in the middle of pictures.
fn forward(name: &str, streams: u8, encoder: &dyn Fn(&mut Random) -> Box<dyn Encoder>) {
    for seed in 0..SEEDS {
        let random = &mut Random(seed);
        let mut senders: Vec<_> = (0..streams)
            .map(|number| {
                let encoder = encoder(random);
                Stream::new(number, encoder, random)
            })
            .collect();
        let mut readers: Vec<_> = senders.iter().map(|_| StreamReader::new()).collect();
        let (mut filter, mut decoder) = (LayerFilter::new(), Decoder::default());
        let (spatial, temporal) = senders[0].encoder.layers();
        let mut timestamp = random.next() as u32;
        for phase in 0..PHASES {
            let target = Layer {
                stream: random.below(u64::from(streams)) as u8,
                spatial: random.below(u64::from(spatial) + 1) as u8,
                temporal: random.below(u64::from(temporal) + 1) as u8,
            };
            let before = filter.current();
            let (mut sent, mut change_after) = (0, random.below(6));
            for picture in 0..PICTURES {
                timestamp = timestamp.wrapping_add(3000);
                if let Some(stream) = filter.wants_keyframe() {
                    senders[usize::from(stream)].wants_key |= random.one_in(2);
                }
                for (at, sender) in senders.iter_mut().enumerate() {
                    sender.wants_key |= random.one_in(200);
                    for packet in sender.picture(timestamp, random) {
                        if change_after == 0 {
                            filter.set_target(Some(target));
                        }
                        change_after = change_after.saturating_sub(1);
                        let extension = packet.extension.as_deref();
                        let reader = &mut readers[at];
                        let codec = sender.encoder.codec();
                        let facts = reader.read(codec, packet.sequence, packet.marker, &packet.payload, extension);
                        let decision = filter.filter(packet.stream, packet.sequence, packet.timestamp, &facts.unwrap());
                        decoder.take(&packet, sender, &decision);
                        let frame = &sender.frames[packet.frame];
                        let belongs = frame.spatial <= target.spatial && frame.temporal <= target.temporal;
                        let settled = picture > 8 && sender.encoder.goes_down_at_once();
                        if decision.rewrite().is_some() && settled && filter.current().unwrap().stream == target.stream
                        {
                            assert!(belongs, "{name}, seed {seed}: more than the target was forwarded");
                        }
                        sent += u64::from(decision.rewrite().is_some());
                    }
                }
            }
            assert!(sent > 0, "{name}, seed {seed}, phase {phase}: nothing was forwarded for {target:?}");
            let current = filter.current().unwrap();
            assert_eq!(
                (current.stream, current.spatial, current.temporal),
                (target.stream, target.spatial, target.temporal),
                "{name}, seed {seed}, phase {phase}: from {before:?} the target was never reached"
            );
            assert_eq!(filter.wants_keyframe(), None, "{name}, seed {seed}");
        }
        assert!(decoder.frames > PHASES * PICTURES / 8, "{name}, seed {seed}: {} frames", decoder.frames);
    }
}

#[test]
fn vp8_simulcast_with_temporal_layers_stays_decodable_and_continuous() {
    forward("VP8", 3, &|random| Box::new(Vp8::new(false, random)));
    forward("VP8 with short ids", 2, &|random| Box::new(Vp8::new(true, random)));
}

#[test]
fn vp9_svc_by_switching_points_stays_decodable_and_continuous() {
    forward("VP9", 1, &|random| Box::new(Vp9::new(false, false, random)));
    forward("VP9 K-SVC", 2, &|random| Box::new(Vp9::new(false, true, random)));
}

#[test]
fn vp9_svc_by_references_stays_decodable_and_continuous() {
    forward("flexible VP9", 1, &|random| Box::new(Vp9::new(true, false, random)));
    forward("flexible VP9 K-SVC", 2, &|random| Box::new(Vp9::new(true, true, random)));
}

#[test]
fn h264_simulcast_with_pictures_nobody_needs_stays_decodable_and_continuous() {
    forward("H.264", 3, &|_| Box::new(H264::new()));
}

#[test]
fn streams_with_dependency_descriptors_stay_decodable_and_continuous() {
    let described = |name: &str, streams, table: fn() -> Table| {
        forward(name, streams, &|random| Box::new(Described::new(table(), random)));
    };
    described("L1T3", 3, || L1T3);
    described("L1T3 without chains", 1, || L1T3_WITHOUT_CHAINS);
    described("L3T3", 1, || L3T3);
    described("L3T3 simulcast", 2, || L3T3);
    described("L2T2_KEY", 1, || L2T2_KEY);
}

#[test]
fn a_pause_ends_with_a_keyframe_and_a_stream_above_the_target_is_taken_only_when_allowed() {
    let random = &mut Random(5);
    let mut sender = Stream::new(1, Box::new(H264::new()), random);
    let (mut reader, mut filter) = (StreamReader::new(), LayerFilter::new());
    let mut run = |filter: &mut LayerFilter, key: bool| {
        sender.wants_key = key;
        let packets = sender.picture(0, random);
        let mut decide = |packet: &crate::sender::Packet| {
            let codec = confab_rtp::codec::VideoCodec::H264;
            let facts = reader.read(codec, packet.sequence, packet.marker, &packet.payload, None).unwrap();
            filter.filter(1, packet.sequence, packet.timestamp, &facts)
        };
        let first = decide(&packets[0]);
        packets[1..].iter().for_each(|packet| _ = decide(packet));
        first
    };
    assert_eq!(run(&mut filter, true), Decision::Drop { hole: None });
    filter.set_target(Some(Layer::whole(0)));
    assert_eq!(filter.wants_keyframe(), Some(0));
    assert_eq!(run(&mut filter, true), Decision::Drop { hole: None });
    filter.take_any_stream(true);
    assert!(matches!(run(&mut filter, true), Decision::ForwardAndSwitch(_)));
    assert_eq!(filter.current().map(|layer| layer.stream), Some(1));
    assert!(matches!(run(&mut filter, false), Decision::Forward(_)));
    filter.set_target(None);
    filter.set_target(Some(Layer::whole(1)));
    assert_eq!(run(&mut filter, false), Decision::Drop { hole: None });
    assert_eq!(filter.wants_keyframe(), Some(1));
    assert!(matches!(run(&mut filter, true), Decision::ForwardAndSwitch(_)));
}

#[test]
fn an_upper_layer_that_does_not_run_stays_out_even_where_the_end_of_the_one_below_is_lost() {
    let random = &mut Random(7);
    let encoder = Box::new(Vp9::new(false, false, random));
    let mut sender = Stream::new(0, encoder, random);
    let (mut reader, mut filter) = (StreamReader::new(), LayerFilter::new());
    let mut looked_at = 0;
    for picture in 0..200 {
        filter.set_target(Some(Layer { spatial: if picture < 5 { 0 } else { 2 }, ..Layer::whole(0) }));
        let packets = sender.picture(picture * 3000, random);
        let layer = |at: usize| sender.frames[packets[at].frame].spatial;
        for (at, packet) in packets.iter().enumerate() {
            let is_end_of_base = layer(at) == 0 && layer(at + 1) == 1;
            if picture >= 5 && is_end_of_base {
                continue;
            }
            let facts = reader.read(sender.encoder.codec(), packet.sequence, packet.marker, &packet.payload, None);
            let facts = facts.unwrap();
            let has_base_only = filter.current().is_some_and(|current| current.spatial == 0);
            let decision = filter.filter(0, packet.sequence, packet.timestamp, &facts);
            if layer(at) > 0 && facts.inter_picture && has_base_only {
                assert_eq!(decision.rewrite(), None, "picture {picture}");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 10, "{looked_at}");
}

#[test]
fn an_encoder_that_counts_anew_goes_on_with_its_keyframe() {
    for seed in 0..200 {
        let random = &mut Random(seed);
        let short = seed % 2 == 0;
        let encoder = Box::new(Vp8::new(short, random));
        let mut sender = Stream::new(0, encoder, random);
        let (mut reader, mut filter) = (StreamReader::new(), LayerFilter::new());
        filter.set_target(Some(Layer::whole(0)));
        let mut last = None;
        for picture in 0..60 {
            if picture % 20 == 19 {
                sender.encoder = Box::new(Vp8::new(short, random));
                sender.wants_key = true;
            }
            for packet in sender.picture(picture * 3000, random) {
                let facts = reader.read(sender.encoder.codec(), packet.sequence, packet.marker, &packet.payload, None);
                let decision = filter.filter(0, packet.sequence, packet.timestamp, &facts.unwrap());
                let rewritten = decision.rewrite().expect("everything goes on");
                let id = rewritten.picture_id.unwrap();
                if let Some((before, at)) = last.replace((id, packet.timestamp)) {
                    let step = id.wrapping_sub(before) & 0x7fff;
                    assert_eq!(step == 0, at == packet.timestamp, "seed {seed}, picture {picture}");
                    assert!(step < 0x4000, "seed {seed}, picture {picture}: ids go on");
                }
            }
        }
    }
}
