//! Messages between cores as bytes. All numbers are in network order.
//!
//! ```text
//!  message   version 8 | kind 8 | length 16 of what follows | room 64 | control (JSON), or a packet
//!  packet    participant 128 | source 8 | layer 8 | flags 8 | payload type 8 | epoch 32 | number 48 | timestamp 32
//!            [level 8] [orientation 8] [length 8 of the descriptor | descriptor] | payload
//! ```
//!
//! A message says by itself whose it is, so a core keeps nothing for reading but what it knows of the room anyway. 46 bytes
//! stand before a payload; a handle instead of the ids would be 20 shorter, and state that both sides have to agree on.

use confab_protocol::{ParticipantId, SourceKind};
use uuid::Uuid;

use super::message::Control;

/// Of messages. A core drops those of another version, and all that comes with them: it cannot know where they end.
const VERSION: u8 = 1;

const CONTROL: u8 = 1;
const PACKET: u8 = 2;

const MARKER: u8 = 1;
const HAS_LEVEL: u8 = 2;
const HAS_ORIENTATION: u8 = 4;
const HAS_DESCRIPTOR: u8 = 8;
const ALL_FLAGS: u8 = 15;

const NUMBER_BYTES: usize = 6;
const LENGTH_AT: usize = 2;
const LENGTH_END: usize = 4;

/// A media packet on its way to another core, in clear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RelayPacket<'a> {
    pub(super) participant: ParticipantId,
    pub(super) source: SourceKind,
    pub(super) layer: u8,
    pub(super) marker: bool,
    pub(super) payload_type: u8,
    /// The owner's count of the streams that were this layer.
    pub(super) epoch: u32,
    /// Its number as the owner placed it, below 2^48.
    pub(super) number: u64,
    pub(super) timestamp: u32,
    /// Bytes of header extensions, as they came.
    pub(super) level: Option<u8>,
    pub(super) orientation: Option<u8>,
    pub(super) descriptor: Option<&'a [u8]>,
    pub(super) payload: &'a [u8],
}

/// A message whose frame could be read.
pub(super) struct Frame<'a> {
    /// The name of its room.
    pub(super) room: u64,
    kind: u8,
    body: &'a [u8],
}

/// What is in a frame.
pub(super) enum Message<'a> {
    Control(Box<Control>),
    Packet(RelayPacket<'a>),
}

impl<'a> Frame<'a> {
    /// `None` when it is of no known kind, or malformed.
    pub(super) fn read(&self) -> Option<Message<'a>> {
        match self.kind {
            CONTROL => Some(Message::Control(Box::new(serde_json::from_slice(self.body).ok()?))),
            PACKET => read_packet(self.body).map(Message::Packet),
            _ => None,
        }
    }
}

/// Takes the first message off `rest`; `None` when it is cut off or of another version.
pub(super) fn next<'a>(rest: &mut &'a [u8]) -> Option<Frame<'a>> {
    let [version, kind] = take(rest)?;
    let length = usize::from(u16::from_be_bytes(take(rest)?));
    if version != VERSION {
        return None;
    }
    let (mut contents, after) = rest.split_at_checked(length)?;
    *rest = after;
    let room = u64::from_be_bytes(take(&mut contents)?);
    Some(Frame { room, kind, body: contents })
}

/// Appends a message. One that is too long for a frame is left out; none of ours is.
pub(super) fn write_control(out: &mut Vec<u8>, room: u64, control: &Control) {
    write(out, CONTROL, room, |out| serde_json::to_writer(out, control).is_ok());
}

/// Appends a packet; `false` when it is too long.
pub(super) fn write_packet(out: &mut Vec<u8>, room: u64, packet: &RelayPacket<'_>) -> bool {
    let descriptor = packet.descriptor.filter(|bytes| u8::try_from(bytes.len()).is_ok());
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    let flags = flag(packet.marker, MARKER)
        | flag(packet.level.is_some(), HAS_LEVEL)
        | flag(packet.orientation.is_some(), HAS_ORIENTATION)
        | flag(descriptor.is_some(), HAS_DESCRIPTOR);
    write(out, PACKET, room, |out| {
        out.extend_from_slice(packet.participant.0.as_bytes());
        out.extend_from_slice(&[source_to_wire(packet.source), packet.layer, flags, packet.payload_type]);
        out.extend_from_slice(&packet.epoch.to_be_bytes());
        out.extend_from_slice(&packet.number.to_be_bytes()[size_of::<u64>() - NUMBER_BYTES..]);
        out.extend_from_slice(&packet.timestamp.to_be_bytes());
        out.extend(packet.level);
        out.extend(packet.orientation);
        if let Some(descriptor) = descriptor {
            out.push(descriptor.len() as u8);
            out.extend_from_slice(descriptor);
        }
        out.extend_from_slice(packet.payload);
        true
    })
}

fn write(out: &mut Vec<u8>, kind: u8, room: u64, body: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
    let begin = out.len();
    out.extend_from_slice(&[VERSION, kind, 0, 0]);
    out.extend_from_slice(&room.to_be_bytes());
    let written = body(out);
    match u16::try_from(out.len() - begin - LENGTH_END) {
        Ok(length) if written => {
            out[begin + LENGTH_AT..begin + LENGTH_END].copy_from_slice(&length.to_be_bytes());
            true
        }
        _ => {
            out.truncate(begin);
            false
        }
    }
}

fn read_packet(mut body: &[u8]) -> Option<RelayPacket<'_>> {
    let rest = &mut body;
    let participant = ParticipantId(Uuid::from_bytes(take(rest)?));
    let [source, layer, flags, payload_type] = take(rest)?;
    let epoch = u32::from_be_bytes(take(rest)?);
    let number: [u8; NUMBER_BYTES] = take(rest)?;
    let number = number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let timestamp = u32::from_be_bytes(take(rest)?);
    if flags & !ALL_FLAGS != 0 || payload_type > 0x7f {
        return None;
    }
    let level = if flags & HAS_LEVEL == 0 { None } else { Some(take::<1>(rest)?[0]) };
    let orientation = if flags & HAS_ORIENTATION == 0 { None } else { Some(take::<1>(rest)?[0]) };
    let descriptor = if flags & HAS_DESCRIPTOR == 0 {
        None
    } else {
        let [length] = take(rest)?;
        let (descriptor, after) = rest.split_at_checked(usize::from(length))?;
        *rest = after;
        Some(descriptor)
    };
    Some(RelayPacket {
        participant,
        source: source_from_wire(source)?,
        layer,
        marker: flags & MARKER != 0,
        payload_type,
        epoch,
        number,
        timestamp,
        level,
        orientation,
        descriptor,
        payload: rest,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

fn source_to_wire(source: SourceKind) -> u8 {
    match source {
        SourceKind::Microphone => 0,
        SourceKind::Camera => 1,
        SourceKind::Screen => 2,
        SourceKind::ScreenAudio => 3,
    }
}

fn source_from_wire(byte: u8) -> Option<SourceKind> {
    Some(match byte {
        0 => SourceKind::Microphone,
        1 => SourceKind::Camera,
        2 => SourceKind::Screen,
        3 => SourceKind::ScreenAudio,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet() -> RelayPacket<'static> {
        RelayPacket {
            participant: ParticipantId::new(),
            source: SourceKind::Screen,
            layer: 2,
            marker: true,
            payload_type: 103,
            epoch: 70_000,
            number: (1 << 48) - 2,
            timestamp: 0xfedc_ba98,
            level: Some(0x9e),
            orientation: Some(3),
            descriptor: Some(&[1, 2, 3]),
            payload: &[9; 1_100],
        }
    }

    #[test]
    fn messages_come_out_as_they_went_in_one_after_the_other() {
        let bare =
            RelayPacket { level: None, orientation: None, descriptor: None, marker: false, payload: &[], ..packet() };
        let mut bytes = Vec::new();
        assert!(write_packet(&mut bytes, 5, &packet()));
        assert_eq!(bytes.len(), 46 + 1 + 1 + 4 + 1_100, "header, level, orientation, descriptor, payload");
        write_control(&mut bytes, 6, &Control::Hello { answer: true });
        assert!(write_packet(&mut bytes, u64::MAX, &bare));
        let mut rest = bytes.as_slice();
        let first = next(&mut rest).unwrap();
        assert!(
            first.room == 5 && matches!(first.read(), Some(Message::Packet(read)) if read == packet().with(&first))
        );
        let second = next(&mut rest).unwrap();
        assert!(second.room == 6);
        assert!(matches!(second.read(), Some(Message::Control(read)) if *read == Control::Hello { answer: true }));
        let third = next(&mut rest).unwrap();
        assert!(matches!(third.read(), Some(Message::Packet(read)) if read == bare.with(&third)));
        assert!(rest.is_empty());
    }

    impl RelayPacket<'_> {
        /// The same with the participant of a frame, since each sample has its own.
        fn with(self, frame: &Frame<'_>) -> Self {
            let participant = ParticipantId(Uuid::from_slice(&frame.body[..16]).unwrap());
            Self { participant, ..self }
        }
    }

    #[test]
    fn what_is_too_long_for_a_frame_is_left_out_whole() {
        let (mut bytes, long) = (vec![7], vec![0; 70_000]);
        assert!(!write_packet(&mut bytes, 5, &RelayPacket { payload: &long, ..packet() }));
        assert_eq!(bytes, [7]);
    }

    #[test]
    fn a_message_cut_off_anywhere_is_none() {
        let mut bytes = Vec::new();
        write_packet(&mut bytes, 5, &RelayPacket { payload: &[], ..packet() });
        for length in 0..bytes.len() {
            assert!(next(&mut &bytes[..length]).is_none(), "{length} of {}", bytes.len());
            // Cut off within a frame that says so.
            let mut short = bytes[..length].to_vec();
            if let Some(within) = length.checked_sub(LENGTH_END) {
                short[LENGTH_AT..LENGTH_END].copy_from_slice(&(within as u16).to_be_bytes());
                let read = next(&mut short.as_slice()).and_then(|frame| frame.read().map(|_| ()));
                assert_eq!(read, None, "{length}");
            }
        }
    }

    #[test]
    fn other_versions_kinds_flags_and_sources_are_not_read() {
        let mut bytes = Vec::new();
        write_packet(&mut bytes, 5, &packet());
        let changed = |place: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[place] = byte;
            next(&mut bytes.as_slice()).and_then(|frame| frame.read().map(|_| ()))
        };
        assert_eq!(changed(1, PACKET), Some(()));
        assert_eq!(changed(0, VERSION + 1), None);
        assert_eq!(changed(1, 9), None);
        assert_eq!(changed(28, 4), None, "no such source");
        assert_eq!(changed(30, 0x10), None, "no such flag");
        assert_eq!(changed(31, 0x80), None, "no payload type");
    }
}
