//! What one light person sends: the packets of a voice and of a camera's layers, in clear.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use confab_protocol::Layer;
use confab_rtp::AudioLevel;
use confab_rtp::wire::{HeaderWriter, RtpHeader, rtx};

use super::negotiated::Negotiated;

/// Packets kept to be sent again: two seconds of a full layer.
const KEPT: usize = 512;

/// Sent packets of the same stream are repaired this often at most, for each packet.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Room for a payload and what protects it.
const PAYLOAD_ROOM: usize = 1_240;

/// A packet in clear and its extended sequence number.
pub(super) struct Clear {
    pub(super) index: u64,
    pub(super) bytes: Vec<u8>,
}

/// One packet to send.
pub(super) struct Outgoing<'a> {
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) level: Option<AudioLevel>,
    /// Appends the payload.
    pub(super) payload: &'a dyn Fn(&mut Vec<u8>),
}

/// A stream that can be sent: a voice, or one layer of a camera.
pub(super) struct Stream {
    pub(super) layer: Option<Layer>,
    mid: String,
    /// `None` for a picture without layers.
    rid: Option<&'static str>,
    pub(super) ssrc: u32,
    repairing: Option<u32>,
    index: u64,
    repair_index: u64,
    kept: VecDeque<(u16, Vec<u8>, Instant)>,
    pub(super) packets: u32,
    pub(super) bytes: u32,
    pub(super) timestamp: u32,
}

impl Stream {
    pub(super) fn new(layer: Option<Layer>, mid: &str, has_layers: bool, ssrc: u32, repairing: Option<u32>) -> Self {
        Self {
            layer,
            mid: mid.to_owned(),
            rid: layer.filter(|_| has_layers).map(Layer::rid),
            ssrc,
            repairing,
            index: 0,
            repair_index: 0,
            kept: VecDeque::new(),
            packets: 0,
            bytes: 0,
            timestamp: 0,
        }
    }

    /// Writes the next packet.
    pub(super) fn write(&mut self, now: Instant, agreed: &Negotiated, number: u16, outgoing: &Outgoing<'_>) -> Clear {
        self.index += 1;
        let payload_type = if self.layer.is_some() { agreed.h264 } else { agreed.opus };
        let header = RtpHeader {
            marker: outgoing.marker,
            payload_type,
            sequence: self.index as u16,
            timestamp: outgoing.timestamp,
            ssrc: self.ssrc,
        };
        let mut bytes = self.header(header, agreed, number, outgoing.level);
        let begin = bytes.len();
        (outgoing.payload)(&mut bytes);
        self.packets = self.packets.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add((bytes.len() - begin) as u32);
        self.timestamp = outgoing.timestamp;
        if self.repairing.is_some() && agreed.repair != 0 {
            if self.kept.len() == KEPT {
                self.kept.pop_front();
            }
            self.kept.push_back((self.index as u16, bytes[begin..].to_vec(), now - AGAIN_AFTER));
        }
        Clear { index: self.index, bytes }
    }

    /// Writes a kept packet again (RFC 4588); `None` when it is not kept, or was repaired just now.
    pub(super) fn repair(&mut self, now: Instant, agreed: &Negotiated, sequence: u16, number: u16) -> Option<Clear> {
        let ssrc = self.repairing?;
        let place = self.kept.iter().position(|(kept, ..)| *kept == sequence)?;
        let (_, payload, sent) = self.kept.get_mut(place)?;
        if now.saturating_duration_since(*sent) < AGAIN_AFTER {
            return None;
        }
        *sent = now;
        let payload = std::mem::take(payload);
        self.repair_index += 1;
        let header = RtpHeader {
            marker: false,
            payload_type: agreed.repair,
            sequence: self.repair_index as u16,
            timestamp: self.timestamp,
            ssrc,
        };
        let mut bytes = self.header(header, agreed, number, None);
        rtx::append_original_sequence(&mut bytes, sequence);
        bytes.extend(&payload);
        self.kept[place].1 = payload;
        Some(Clear { index: self.repair_index, bytes })
    }

    /// A header with everything that was agreed on.
    fn header(&self, header: RtpHeader, agreed: &Negotiated, number: u16, level: Option<AudioLevel>) -> Vec<u8> {
        let extensions = &agreed.extensions;
        let is_repair = Some(header.ssrc) == self.repairing;
        let rid_id = if is_repair { extensions.repaired_rid } else { extensions.rid };
        let (number, level_byte) = (number.to_be_bytes(), level.map(|level| [level.to_wire()]));
        let mut writer = HeaderWriter::new(header);
        writer.extension(extensions.mid, self.mid.as_bytes()).extension(extensions.transport_cc, &number);
        if let Some(rid) = self.rid {
            writer.extension(rid_id, rid.as_bytes());
        }
        if let Some(level) = &level_byte {
            writer.extension(extensions.audio_level, level);
        }
        let mut bytes = Vec::with_capacity(writer.len() + PAYLOAD_ROOM);
        writer.append(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use confab_rtp::wire::ExtensionIds;

    use super::*;

    fn agreed() -> Negotiated {
        let extensions = ExtensionIds {
            mid: Some(4),
            rid: Some(10),
            repaired_rid: Some(11),
            transport_cc: Some(3),
            ..ExtensionIds::new()
        };
        Negotiated { h264: 102, repair: 103, extensions, ..Negotiated::default() }
    }

    #[test]
    fn a_packet_is_repaired_with_its_own_payload_but_not_twice_at_once() {
        let now = Instant::now();
        let mut stream = Stream::new(Some(Layer::Half), "1", true, 7, Some(8));
        let outgoing = |payload: u8| {
            let write = move |bytes: &mut Vec<u8>| bytes.extend([payload; 20]);
            Box::new(write) as Box<dyn Fn(&mut Vec<u8>)>
        };
        for value in 0..3 {
            let write = outgoing(value);
            let packet = Outgoing { timestamp: 3_000, marker: true, level: None, payload: &*write };
            let clear = stream.write(now, &agreed(), 500, &packet);
            assert_eq!((clear.bytes[1], &clear.bytes[clear.bytes.len() - 20..]), (102 | 0x80, &[value; 20][..]));
            assert_eq!((clear.bytes.len() - 20) % 4, 0, "whole words of header");
        }
        let repaired = stream.repair(now, &agreed(), 2, 501).expect("it is kept");
        assert_eq!((repaired.bytes[1], repaired.index), (103, 1));
        assert_eq!(repaired.bytes[8..12], 8_u32.to_be_bytes());
        assert_eq!(repaired.bytes[repaired.bytes.len() - 22..], [&[0, 2][..], &[1; 20]].concat());
        assert!(stream.repair(now, &agreed(), 2, 502).is_none(), "on its way");
        assert!(stream.repair(now + AGAIN_AFTER, &agreed(), 2, 503).is_some(), "lost again");
        assert!(stream.repair(now, &agreed(), 9, 504).is_none(), "never sent");
    }
}
