//! Every parser of bytes from the network against seeded changes of real packets. The bodies are ordinary functions of the
//! crate, or here; they panic only when a promise is broken.

use std::time::{Duration, Instant};

use confab_fuzz::Target;
use confab_rtp::codec::fuzz::{fuzz_dependency_descriptor, fuzz_layer_filter, fuzz_payload};
use confab_rtp::h264::{append_payload, inspect, nal_units, packetize};
use confab_rtp::srtp::{Inbound, MasterKey, Outbound, Profile};
use confab_rtp::wire::{HeaderWriter, ReceptionBlock, RtcpWriter, RtpHeader, SenderInfo, hostile};
use confab_rtp::{AssemblerConfig, AssemblerOutput, FrameAssembler, RtpInput};

fn target(name: &'static str) -> Target {
    Target::new(env!("CARGO_MANIFEST_DIR"), name)
}

fn rtp_packet(sequence: u16, extension: &[u8], payload: &[u8]) -> Vec<u8> {
    let header = RtpHeader { marker: true, payload_type: 102, sequence, timestamp: 90_000, ssrc: 0x1234_5678 };
    let mut packet = Vec::new();
    HeaderWriter::new(header)
        .extension(Some(1), b"0")
        .extension(Some(7), extension)
        .transport_cc(Some(4))
        .append(&mut packet);
    packet.extend_from_slice(payload);
    packet
}

fn rtcp_packets() -> Vec<Vec<u8>> {
    let mut compound = Vec::new();
    RtcpWriter::new(&mut compound)
        .sender_report(SenderInfo::default(), &[ReceptionBlock::default(); 2])
        .cname(1, "confab")
        .nack(1, 2, &[1, 5, 40, 400])
        .pli(1, 2)
        .fir(1, 2, 3)
        .bye(&[1]);
    let mut short = Vec::new();
    RtcpWriter::new(&mut short).receiver_report(7, &[]).pli(1, 2);
    // Transport-wide feedback as browsers send it: a run, a vector of two bits, and the times.
    let feedback = vec![
        0x8f, 205, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 14, 0x00, 0x12, 0x34, 0x05, 0x20, 0x07, 0xd5, 0x55, 0x10,
        0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80,
    ];
    vec![compound, short, feedback]
}

fn picture() -> Vec<u8> {
    let unit = |header: u8, length: usize| {
        let mut unit = vec![0, 0, 0, 1, header];
        unit.extend((0..length).map(|index| (index % 251 + 1) as u8));
        unit
    };
    [unit(0x67, 12), unit(0x68, 4), unit(0x65, 3_000)].concat()
}

/// Payloads of every codec: H.264 in one piece and in parts, VP8, VP9 with layers, AV1.
fn payloads() -> Vec<Vec<u8>> {
    let mut payloads: Vec<Vec<u8>> = packetize(&picture(), 1_160).iter().map(|part| part.to_vec()).collect();
    payloads.extend([
        vec![0x90, 0xe0, 0x81, 0x23, 0x45, 0x60, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01],
        vec![0x8b, 0x92, 0x34, 0x05, 0x33, 0x20, 0x02, 0x80, 0x01, 0x68, 0x04, 0x14, 0x82, 0x49, 0x83, 0x42],
        vec![0x18, 0x0a, 0x0b, 0x00, 0x00, 0x00, 0x24, 0xc4, 0xff, 0xdf, 0x00, 0x68, 0x32, 0x10, 0x10, 0x00],
    ]);
    payloads
}

/// Pieces as the bodies of codecs take them: each preceded by its length.
fn pieces(pieces: &[Vec<u8>]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| [&[piece.len().min(255) as u8], &piece[..piece.len().min(255)]].concat()).collect()
}

#[test]
fn rtp() {
    let samples = [rtp_packet(1, &[1, 2, 3], &[5; 40]), rtp_packet(2, &[7; 20], &[]), rtp_packet(3, &[], &[0; 2])];
    target("rtp").samples(samples).run(hostile::rtp);
}

#[test]
fn rtcp() {
    target("rtcp").samples(rtcp_packets()).run(hostile::rtcp);
}

#[test]
fn session_descriptions() {
    let lines = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=extmap:3/sendonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n";
    target("sdp").samples([lines.into()]).run(hostile::sdp);
}

#[test]
fn arrivals() {
    let in_order = (0..200_u16).flat_map(|number| {
        let [high, low] = number.to_be_bytes();
        [high, low, 9, 0, 0, 50]
    });
    target("streams").samples([in_order.collect()]).longest(3_000).run(hostile::streams);
}

#[test]
fn payloads_of_every_codec() {
    target("payload").samples(payloads()).run(fuzz_payload);
}

#[test]
fn dependency_descriptors() {
    let structure =
        vec![0x80, 0x00, 0x01, 0x80, 0x01, 0x14, 0xea, 0xa8, 0x60, 0x41, 0x4d, 0x14, 0x10, 0x20, 0x84, 0x27];
    let samples = [pieces(&[structure.clone(), vec![0xc2, 0x00, 0x02]]), pieces(&[structure])];
    target("dependency_descriptor").samples(samples).run(fuzz_dependency_descriptor);
}

#[test]
fn layers() {
    let samples = (0..4_u8).map(|codec| {
        let packets: Vec<Vec<u8>> =
            payloads().iter().map(|payload| [&[0x40, 0x01], &payload[..payload.len().min(60)]].concat()).collect();
        [vec![codec], pieces(&packets)].concat()
    });
    target("layer_filter").samples(samples).run(fuzz_layer_filter);
}

#[test]
fn h264_payloads() {
    target("h264").samples(payloads()).run(|bytes| {
        inspect(bytes);
        let mut whole = Vec::new();
        if append_payload(bytes, &mut whole).is_ok() && !bytes.is_empty() {
            assert!(whole.len() <= bytes.len() * 3 + 4, "what comes out is about as long as what went in");
        }
        let units: Vec<&[u8]> = nal_units(bytes).collect();
        let sane = units.iter().all(|unit| (1..24).contains(&(unit[0] & 0x1f)));
        let mut again = Vec::new();
        for part in packetize(bytes, 100) {
            assert!(part.len() <= 100);
            let taken = append_payload(&part, &mut again);
            assert!(taken.is_ok() || !sane, "our own payloads are well formed");
        }
    });
}

/// Packets of one stream: two bytes of number, one of time, one of flags and a length, then the payload.
fn assemble(bytes: &[u8]) {
    let mut now = Instant::now();
    let mut assembler = FrameAssembler::new(AssemblerConfig::default());
    let (mut rest, mut given, mut last) = (bytes, 0, None);
    while let [high, low, time, flags, length, tail @ ..] = rest {
        let (payload, next) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = next;
        now += Duration::from_millis(u64::from(time & 0x1f));
        let timestamp = u32::from(*time >> 5) * 3_000 + u32::from(*flags & 0x7e) * 24_000;
        let payload = payload.to_vec().into();
        let sequence = u16::from_be_bytes([*high, *low]);
        assembler.insert(now, RtpInput { sequence, timestamp, marker: flags & 1 != 0, payload });
        if flags & 0x80 != 0 {
            assembler.set_round_trip(Duration::from_millis(u64::from(*length)));
        }
        while let Some(output) = assembler.poll(now) {
            let AssemblerOutput::Frame(frame) = output else { continue };
            given += frame.packets;
            let kinds = frame.data.windows(5).filter(|start| start[..4] == [0, 0, 0, 1]).map(|start| start[4] & 0x1f);
            let begins = kinds.into_iter().any(|kind| kind == 5 || kind == 7);
            assert!(last.is_some() || begins, "nothing comes before a key frame or its parameters");
            assert!(frame.first_arrival <= frame.last_arrival && frame.last_arrival <= now);
            last = Some(frame.timestamp);
        }
        assert!(assembler.next_deadline().is_none_or(|due| due > now), "it was asked just now");
    }
    assert!(u64::from(given) <= assembler.stats().packets, "no packet is used twice");
}

#[test]
fn frames() {
    let mut stream = Vec::new();
    for frame in 0..6_u8 {
        for (part, payload) in packetize(&picture()[..400], 180).iter().enumerate() {
            let [high, low] = (u16::from(frame) * 8 + part as u16).to_be_bytes();
            stream.extend_from_slice(&[high, low, frame << 5 | 3, u8::from(part == 2), payload.len().min(255) as u8]);
            stream.extend_from_slice(&payload[..payload.len().min(255)]);
        }
    }
    target("frame_assembler").samples([stream]).longest(4_000).run(assemble);
}

const PROFILES: [Profile; 3] = [Profile::AeadAes256Gcm, Profile::AeadAes128Gcm, Profile::Aes128CmSha1];

fn master(profile: Profile) -> MasterKey {
    MasterKey::new(profile, &vec![3; profile.key_bytes()], &vec![4; profile.salt_bytes()]).expect("lengths fit")
}

#[test]
fn protected_packets() {
    let mut samples = Vec::new();
    for profile in PROFILES {
        let mut outbound = Outbound::new(&master(profile));
        for sequence in [1_u16, 2, 300] {
            let mut packet = rtp_packet(sequence, &[1, 2, 3], &[9; 60]);
            packet.resize(packet.len() + profile.rtp_overhead(), 0);
            outbound.protect_rtp(u64::from(sequence), &mut packet).expect("a well-formed packet");
            samples.push(packet);
        }
        for mut report in rtcp_packets() {
            outbound.protect_rtcp(&mut report).expect("a well-formed report");
            samples.push(report);
        }
    }
    let real = samples.clone();
    target("srtp").samples(samples).run(|bytes| {
        let mut opened = 0;
        for profile in PROFILES {
            let mut inbound = Inbound::new(&master(profile));
            let mut packet = bytes.to_vec();
            if let Ok(open) = inbound.open_rtp(&mut packet) {
                opened += 1;
                assert!(open.payload.end <= packet.len() && open.payload.start <= open.payload.end);
                assert!(inbound.open_rtp(&mut bytes.to_vec()).is_err(), "a second time");
            }
            let mut report = bytes.to_vec();
            if let Ok(length) = inbound.open_rtcp(&mut report) {
                opened += 1;
                assert!(length <= report.len());
                assert!(inbound.open_rtcp(&mut bytes.to_vec()).is_err(), "a second time");
            }
        }
        assert_eq!(opened > 0, real.iter().any(|packet| packet == bytes), "what is opened is what was protected");
    });
}
