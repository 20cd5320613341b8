//! A receiver that looks at all that is promised: numbers, markers, and whether frames can be decoded.

use std::collections::{HashMap, HashSet};

use confab_rtp::codec::{Decision, PacketFacts, PictureId, VideoCodec, facts, rewrite};

use crate::sender::{Packet, Stream};

/// What was forwarded from streams that lost nothing.
#[derive(Default)]
pub struct Decoder {
    stretch: Option<u8>,
    last_sequence: Option<u64>,
    last: Option<Forwarded>,
    /// Frames that can be decoded, by stream and index; begun anew with each stretch.
    decodable: HashSet<usize>,
    packets_of: HashMap<usize, usize>,
    /// Distinct frames forwarded so far, of all streams.
    pub frames: u64,
}

struct Forwarded {
    stream: u8,
    timestamp: u32,
    marker: bool,
    picture_id: Option<u16>,
    incoming_id: Option<u16>,
    tl0: Option<u8>,
}

impl Decoder {
    pub fn take(&mut self, packet: &Packet, stream: &Stream, decision: &Decision) {
        let Some(rewritten) = decision.rewrite() else { return };
        let begins = matches!(decision, Decision::ForwardAndSwitch(_));
        let codec = stream.encoder.codec();
        let incoming = facts(codec, &packet.payload, packet.marker, None).unwrap();
        let mut payload = packet.payload.clone();
        assert!(rewrite(codec, &mut payload, rewritten));
        assert_eq!(payload.len(), packet.payload.len());
        let outgoing = facts(codec, &payload, rewritten.marker, None).unwrap();
        self.check_sequence(packet, rewritten.sequence, begins);
        let new_picture =
            self.last.as_ref().is_none_or(|last| (last.stream, last.timestamp) != (packet.stream, packet.timestamp));
        if let Some(last) = &self.last {
            assert_eq!(last.marker, new_picture, "the marker ends a picture and nothing else");
            check_numbers(last, &incoming, &outgoing, new_picture, begins);
        }
        self.check_frame(packet, stream);
        let value = |id: Option<PictureId>| id.map(PictureId::value);
        self.last = Some(Forwarded {
            stream: packet.stream,
            timestamp: packet.timestamp,
            marker: rewritten.marker,
            picture_id: value(outgoing.picture_id),
            incoming_id: value(incoming.picture_id),
            tl0: outgoing.tl0,
        });
    }

    fn check_sequence(&mut self, packet: &Packet, sequence: u64, begins: bool) {
        assert_eq!(begins, self.stretch != Some(packet.stream), "stretches begin where the stream changes");
        match self.last_sequence {
            Some(last) if !begins => assert_eq!(sequence, last + 1, "no gap in sequence numbers"),
            _ => {
                self.decodable.clear();
                self.packets_of.clear();
            }
        }
        (self.stretch, self.last_sequence) = (Some(packet.stream), Some(sequence));
    }

    fn check_frame(&mut self, packet: &Packet, stream: &Stream) {
        let frame = &stream.frames[packet.frame];
        let seen = self.packets_of.entry(packet.frame).or_insert(0);
        *seen += 1;
        if *seen == 1 {
            self.frames += 1;
            for reference in &frame.references {
                assert!(
                    self.decodable.contains(reference),
                    "frame {} (S{} T{}) needs frame {reference}, which was not forwarded whole",
                    packet.frame,
                    frame.spatial,
                    frame.temporal
                );
            }
        }
        if *seen == frame.payloads.len() {
            self.decodable.insert(packet.frame);
        }
    }
}

fn check_numbers(last: &Forwarded, incoming: &PacketFacts, outgoing: &PacketFacts, new_picture: bool, begins: bool) {
    if let (Some(id), Some(before)) = (outgoing.picture_id, last.picture_id) {
        let mask = (1_u16 << id.bits()) - 1;
        let step = id.value().wrapping_sub(before) & mask;
        let incoming_step = match (incoming.picture_id, last.incoming_id) {
            (Some(id), Some(before)) => id.value().wrapping_sub(before) & mask,
            _ => 0,
        };
        let expected = match (outgoing.codec, begins) {
            (_, true) => 1,
            (VideoCodec::Vp9, false) => incoming_step,
            (_, false) => u16::from(new_picture),
        };
        assert_eq!(step, expected, "picture ids go on");
    }
    if let (Some(tl0), Some(before)) = (outgoing.tl0, last.tl0) {
        let is_base = new_picture && outgoing.temporal == 0;
        assert_eq!(tl0.wrapping_sub(before), u8::from(is_base), "TL0PICIDX counts base pictures");
    }
}
