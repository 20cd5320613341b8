//! What Chromium 156 sent: the beginnings of its packets, with their dependency descriptors.
//!
//! The fixtures were taken from one `RTCPeerConnection` to another in one page, with the fake camera at 640x360, and the
//! dependency descriptor negotiated; `--force-fieldtrials=WebRTC-Debugging-RtpDump/Enabled/` and verbose logging make
//! the browser print each packet. A line is: sequence number, timestamp, marker, extension, the first bytes of the
//! payload; `-` where there is none (padding has no payload).

use std::collections::{BTreeMap, HashSet};

use confab_rtp::codec::{Decision, DescriptorReader, Layer, LayerFilter, PacketFacts, StreamReader, VideoCodec, facts};
use confab_rtp::sequence::SequenceUnwrapper;

struct Captured {
    sequence: u64,
    timestamp: u32,
    marker: bool,
    extension: Option<Vec<u8>>,
    payload: Vec<u8>,
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    (text != "-").then(|| digits.map(byte).collect())
}

fn captured(text: &str) -> Vec<Captured> {
    let mut unwrapper = SequenceUnwrapper::new();
    let packet = |line: &str| {
        let [sequence, timestamp, marker, extension, payload] =
            line.split(' ').collect::<Vec<_>>().try_into().expect("five fields");
        Captured {
            sequence: unwrapper.unwrap(sequence.parse().unwrap()),
            timestamp: timestamp.parse().unwrap(),
            marker: marker == "1",
            extension: hex(extension),
            payload: hex(payload).unwrap_or_default(),
        }
    };
    text.lines().map(packet).collect()
}

struct Counts {
    /// Packets by spatial and temporal layer.
    layers: BTreeMap<(u8, u8), usize>,
    keyframes: usize,
    pictures: usize,
    without_facts: usize,
}

fn read_all(codec: VideoCodec, packets: &[Captured], with_descriptor: bool) -> Counts {
    let mut reader = StreamReader::new();
    let mut counts = Counts { layers: BTreeMap::new(), keyframes: 0, pictures: 0, without_facts: 0 };
    for packet in packets {
        let extension = packet.extension.as_deref().filter(|_| with_descriptor);
        let Some(facts) = reader.read(codec, packet.sequence, packet.marker, &packet.payload, extension) else {
            counts.without_facts += 1;
            continue;
        };
        *counts.layers.entry((facts.spatial, facts.temporal)).or_default() += 1;
        counts.keyframes += usize::from(facts.keyframe_start);
        counts.pictures += usize::from(facts.picture_end);
    }
    assert_eq!(reader.unreadable_descriptors(), 0);
    counts
}

const AV1_L3T3: &str = include_str!("fixtures/av1_l3t3.txt");
const AV1_L3T3_KEY: &str = include_str!("fixtures/av1_l3t3_key.txt");
const AV1_L1T3: &str = include_str!("fixtures/av1_l1t3.txt");
const VP9_L3T3: &str = include_str!("fixtures/vp9_l3t3.txt");
const VP9_L3T3_KEY: &str = include_str!("fixtures/vp9_l3t3_key.txt");
const VP8_L1T3: &str = include_str!("fixtures/vp8_l1t3.txt");
const H264_L1T3: &str = include_str!("fixtures/h264_l1t3.txt");

const ALL: [(&str, VideoCodec, &str); 7] = [
    ("AV1 L3T3", VideoCodec::Av1, AV1_L3T3),
    ("AV1 L3T3_KEY", VideoCodec::Av1, AV1_L3T3_KEY),
    ("AV1 L1T3", VideoCodec::Av1, AV1_L1T3),
    ("VP9 L3T3", VideoCodec::Vp9, VP9_L3T3),
    ("VP9 L3T3_KEY", VideoCodec::Vp9, VP9_L3T3_KEY),
    ("VP8 L1T3", VideoCodec::Vp8, VP8_L1T3),
    ("H.264 L1T3", VideoCodec::H264, H264_L1T3),
];

#[test]
fn every_packet_of_a_browser_is_read_and_padding_has_no_facts() {
    for (name, codec, text) in ALL {
        let packets = captured(text);
        let counts = read_all(codec, &packets, true);
        let padding = packets.iter().filter(|packet| packet.payload.is_empty()).count();
        assert_eq!(counts.without_facts, padding, "{name}");
        assert!(counts.keyframes > 0 && counts.pictures > 60, "{name}");
        println!("{name}: {:?}", counts.layers);
    }
}

#[test]
fn descriptor_and_payload_agree_on_the_layers_of_vp9() {
    for text in [VP9_L3T3, VP9_L3T3_KEY] {
        let mut reader = DescriptorReader::new();
        for packet in captured(text).iter().filter(|packet| !packet.payload.is_empty()) {
            let descriptor = reader.parse(packet.extension.as_deref().unwrap()).unwrap();
            let payload = facts(VideoCodec::Vp9, &packet.payload, packet.marker, None).unwrap();
            assert_eq!((descriptor.spatial, descriptor.temporal), (payload.spatial, payload.temporal));
            assert_eq!((descriptor.start_of_frame, descriptor.end_of_frame), (payload.frame_start, payload.frame_end));
            assert_eq!(descriptor.brings_structure, payload.keyframe_start);
        }
    }
}

/// Runs a capture through a filter and looks at what came out: frames by descriptor where there is one, else by
/// picture.
fn forward(name: &str, codec: VideoCodec, packets: &[Captured], target: Layer, with_descriptor: bool) -> usize {
    let (mut reader, mut filter) = (StreamReader::new(), LayerFilter::new());
    filter.set_target(Some(target));
    let (mut last, mut sent, mut forwarded) = (None, HashSet::new(), 0);
    for packet in packets {
        let extension = packet.extension.as_deref().filter(|_| with_descriptor);
        let read = reader.read(codec, packet.sequence, packet.marker, &packet.payload, extension);
        let Some(read): Option<PacketFacts> = read else {
            assert_eq!(filter.leave_out(0, packet.sequence), None, "padding comes in order");
            continue;
        };
        let decision = filter.filter(0, packet.sequence, packet.timestamp, &read);
        let Some(rewritten) = decision.rewrite() else { continue };
        forwarded += 1;
        assert!(read.temporal <= target.temporal && read.spatial <= target.spatial, "{name} {target:?}");
        if let Some((sequence, timestamp, marker)) = last {
            assert_eq!(rewritten.sequence, sequence + 1, "{name} {target:?}");
            // H.264 and VP8 have one frame a picture, and its end is the encoder's.
            assert_eq!(marker, timestamp != packet.timestamp, "{name} {target:?} at {}", packet.sequence);
        }
        last = Some((rewritten.sequence, packet.timestamp, rewritten.marker));
        if let Some(descriptor) = &read.descriptor {
            for distance in descriptor.references.distances() {
                let needed = descriptor.frame_number.wrapping_sub(*distance);
                assert!(sent.contains(&needed), "{name} {target:?}: {needed} is missing");
            }
            sent.insert(descriptor.frame_number);
        }
    }
    assert!(matches!(filter.current(), Some(current) if current.temporal == target.temporal), "{name} {target:?}");
    forwarded
}

#[test]
fn every_target_of_a_browsers_stream_goes_on_continuous_and_decodable() {
    for (name, codec, text) in ALL {
        let packets = captured(text);
        for with_descriptor in [true, false] {
            let counts = read_all(codec, &packets, with_descriptor);
            let spatial = counts.layers.keys().map(|layer| layer.0).max().unwrap();
            let temporal = counts.layers.keys().map(|layer| layer.1).max().unwrap();
            for target in (0..=spatial).flat_map(|spatial| (0..=temporal).map(move |temporal| (spatial, temporal))) {
                let target = Layer { stream: 0, spatial: target.0, temporal: target.1 };
                let forwarded = forward(name, codec, &packets, target, with_descriptor);
                let within = |layer: &&(u8, u8)| layer.0 <= target.spatial && layer.1 <= target.temporal;
                let most: usize = counts.layers.keys().filter(within).map(|layer| counts.layers[layer]).sum();
                assert!(forwarded <= most && forwarded * 3 > most, "{name} {target:?}: {forwarded} of {most}");
            }
        }
    }
}

#[test]
fn a_browsers_descriptor_written_for_a_receiver_means_the_same() {
    for (name, codec, text) in ALL {
        let (mut reader, mut filter, mut receiver) = (StreamReader::new(), LayerFilter::new(), DescriptorReader::new());
        filter.set_target(Some(Layer { stream: 0, spatial: 0, temporal: 1 }));
        let mut written = 0;
        for packet in captured(text) {
            let extension = packet.extension.as_deref();
            let read = reader.read(codec, packet.sequence, packet.marker, &packet.payload, extension);
            let Some(read) = read.filter(|read| read.descriptor.is_some()) else { continue };
            let decision = filter.filter(0, packet.sequence, packet.timestamp, &read);
            let (Decision::Forward(rewritten) | Decision::ForwardAndSwitch(rewritten)) = decision else { continue };
            let descriptor = read.descriptor.unwrap();
            let mut out = [0; 255];
            let number = rewritten.frame_number.unwrap();
            let length = descriptor.write(extension.unwrap(), number, rewritten.active_targets, &mut out).unwrap();
            let mut again = receiver.parse(&out[..length]).unwrap();
            assert_eq!(Some(again.active_targets), rewritten.active_targets, "{name}");
            again.active_targets = descriptor.active_targets;
            assert_eq!((again.indications, again.references), (descriptor.indications, descriptor.references));
            assert_eq!((again.spatial, again.temporal), (descriptor.spatial, descriptor.temporal), "{name}");
            written += 1;
        }
        assert!(written > 20 || codec == VideoCodec::Vp8, "{name}: {written}");
    }
}
