//! One packet, in the words that are the same for all codecs.

use super::av1::AggregationHeader;
use super::dependency_descriptor::{DescriptorError, DescriptorReader, ParsedDescriptor};
use super::h264;
use super::vp8::Vp8Descriptor;
use super::vp9::Vp9Descriptor;
use super::{PictureId, PictureStart, References, VideoCodec};

/// What a packet tells of its picture, its layers, and what they need.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct PacketFacts {
    /// How the payload is coded.
    pub codec: VideoCodec,
    /// The packet is known to be the first of a picture. Of AV1 without a descriptor only a keyframe's is known.
    pub picture_start: bool,
    /// The packet is the last of its picture as the sender made it: the RTP marker.
    pub picture_end: bool,
    /// The packet is known to be the first of a spatial layer's frame.
    pub frame_start: bool,
    /// The packet is the last of a spatial layer's frame.
    pub frame_end: bool,
    /// What a decoder can begin with, as the payload alone tells.
    pub start: PictureStart,
    /// A receiver can begin with this packet. [`StreamReader`] takes it away from packets that come late.
    pub keyframe_start: bool,
    /// Spatial layer, 0 to 7.
    pub spatial: u8,
    /// Temporal layer, 0 to 7.
    pub temporal: u8,
    /// The picture needs only the base layer's last one, so its temporal layer can begin with it: VP8's Y bit, an H.264
    /// picture that nobody refers to.
    pub switching_point: bool,
    /// Pictures of higher temporal layers can begin after this one: VP9's U bit, a keyframe.
    pub opens_higher: bool,
    /// No other picture needs this one.
    pub discardable: bool,
    /// The frame needs earlier pictures.
    pub inter_picture: bool,
    /// The frame needs the next lower spatial layer of its own picture.
    pub inter_layer: bool,
    /// The picture's number.
    pub picture_id: Option<PictureId>,
    /// Counts pictures of the base layer.
    pub tl0: Option<u8>,
    /// The pictures that this one needs, as far back as they are; VP9 in flexible mode.
    pub references: Option<References>,
    /// All of the dependency descriptor. VP8 tells enough by itself, so there it is not used.
    pub descriptor: Option<ParsedDescriptor>,
}

impl PacketFacts {
    fn plain(codec: VideoCodec, marker: bool) -> Self {
        Self {
            codec,
            picture_start: false,
            picture_end: marker,
            frame_start: false,
            frame_end: marker,
            start: PictureStart::Nothing,
            keyframe_start: false,
            spatial: 0,
            temporal: 0,
            switching_point: false,
            opens_higher: false,
            discardable: false,
            inter_picture: true,
            inter_layer: false,
            picture_id: None,
            tl0: None,
            references: None,
            descriptor: None,
        }
    }

    fn begins_with(mut self, start: PictureStart) -> Self {
        self.start = start;
        self.keyframe_start = start != PictureStart::Nothing;
        self.opens_higher |= self.keyframe_start;
        self.inter_picture &= !self.keyframe_start;
        self
    }

    fn described(mut self, descriptor: &ParsedDescriptor) -> Self {
        self.spatial = descriptor.spatial;
        self.temporal = descriptor.temporal;
        self.frame_start = descriptor.start_of_frame;
        self.frame_end = descriptor.end_of_frame;
        self.picture_start |= descriptor.start_of_frame && descriptor.spatial == 0;
        self.references = None;
        self.descriptor = Some(descriptor.clone());
        self
    }
}

/// Reads one packet: its payload, its marker bit, and its dependency descriptor if [`DescriptorReader`] could read one.
/// `None` when the payload has no video or cannot be read; such a packet is padding or damaged.
pub fn facts(
    codec: VideoCodec,
    payload: &[u8],
    marker: bool,
    dependency_descriptor: Option<&ParsedDescriptor>,
) -> Option<PacketFacts> {
    let plain = PacketFacts::plain(codec, marker);
    let read = match codec {
        VideoCodec::Vp8 => return vp8(plain, payload),
        VideoCodec::Vp9 => vp9(plain, payload)?,
        VideoCodec::H264 => h264(plain, payload)?,
        VideoCodec::Av1 => av1(plain, payload, dependency_descriptor)?,
    };
    Some(match dependency_descriptor {
        Some(descriptor) => read.described(descriptor),
        None => read,
    })
}

fn complete_if(starts: bool) -> PictureStart {
    if starts { PictureStart::Complete } else { PictureStart::Nothing }
}

fn vp8(plain: PacketFacts, payload: &[u8]) -> Option<PacketFacts> {
    let read = Vp8Descriptor::parse(payload)?;
    let facts = PacketFacts {
        picture_start: read.starts_picture(),
        frame_start: read.starts_picture(),
        temporal: read.temporal.unwrap_or(0),
        switching_point: read.layer_sync,
        discardable: read.non_reference,
        picture_id: read.picture_id,
        tl0: read.tl0,
        ..plain
    };
    Some(facts.begins_with(complete_if(read.starts_keyframe(payload))))
}

fn vp9(plain: PacketFacts, payload: &[u8]) -> Option<PacketFacts> {
    let read = Vp9Descriptor::parse(payload)?;
    let facts = PacketFacts {
        picture_start: read.start_of_frame && (read.spatial == 0 || !read.inter_layer && !read.inter_picture),
        frame_start: read.start_of_frame,
        frame_end: read.end_of_frame,
        spatial: read.spatial,
        temporal: read.temporal,
        opens_higher: read.switching_up,
        inter_picture: read.inter_picture,
        inter_layer: read.spatial > 0 && read.inter_layer,
        picture_id: read.picture_id,
        tl0: read.tl0,
        references: (read.flexible && read.picture_id.is_some()).then_some(read.references),
        ..plain
    };
    Some(facts.begins_with(complete_if(read.starts_keyframe())))
}

fn h264(plain: PacketFacts, payload: &[u8]) -> Option<PacketFacts> {
    if payload.is_empty() {
        return None;
    }
    let read = h264::read(payload);
    let facts = PacketFacts {
        picture_start: read.first_slice || read.start != PictureStart::Nothing,
        frame_start: read.first_slice || read.start != PictureStart::Nothing,
        temporal: u8::from(read.discardable),
        switching_point: read.discardable,
        discardable: read.discardable,
        ..plain
    };
    Some(facts.begins_with(read.start))
}

fn av1(plain: PacketFacts, payload: &[u8], descriptor: Option<&ParsedDescriptor>) -> Option<PacketFacts> {
    let read = AggregationHeader::parse(payload)?;
    // Where there is a descriptor, one that brings no structure begins nothing: its templates would be unknown.
    let brings_structure = descriptor.is_none_or(|one| one.brings_structure && one.start_of_frame);
    let starts = read.starts_keyframe() && brings_structure;
    Some(PacketFacts { picture_start: starts, frame_start: starts, ..plain }.begins_with(complete_if(starts)))
}

/// Reads the packets of one incoming stream, and remembers what later packets need.
#[derive(Debug, Default)]
pub struct StreamReader {
    descriptors: DescriptorReader,
    highest: Option<u64>,
    /// An H.264 parameter set came, so an IDR slice without one begins nothing: those before it do.
    has_parameter_sets: bool,
    unreadable_descriptors: u64,
}

impl StreamReader {
    /// Of a stream nothing is known of yet; make a new one when its SSRC changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the packet numbered `sequence`, extended. `extension` is the dependency descriptor's, if the packet has
    /// one; one that cannot be read is counted, and the packet is then told by its payload alone.
    pub fn read(
        &mut self,
        codec: VideoCodec,
        sequence: u64,
        marker: bool,
        payload: &[u8],
        extension: Option<&[u8]>,
    ) -> Option<PacketFacts> {
        let in_order = self.highest.is_none_or(|highest| sequence > highest);
        if in_order {
            self.highest = Some(sequence);
        }
        let descriptor = extension.and_then(|extension| self.describe(extension).ok());
        let mut facts = facts(codec, payload, marker, descriptor.as_ref())?;
        match facts.start {
            PictureStart::Complete if codec == VideoCodec::H264 => self.has_parameter_sets = true,
            PictureStart::IdrOnly => facts.keyframe_start &= !self.has_parameter_sets,
            _ => {}
        }
        // A repaired beginning comes after packets that were passed over, so it begins nothing.
        facts.keyframe_start &= in_order;
        Some(facts)
    }

    /// Descriptors that could not be read.
    pub fn unreadable_descriptors(&self) -> u64 {
        self.unreadable_descriptors
    }

    fn describe(&mut self, extension: &[u8]) -> Result<ParsedDescriptor, DescriptorError> {
        let parsed = self.descriptors.parse(extension);
        self.unreadable_descriptors += u64::from(parsed.is_err());
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idr_slice_begins_a_keyframe_only_where_parameter_sets_never_come() {
        let mut reader = StreamReader::new();
        let mut read =
            |sequence, payload: &[u8]| reader.read(VideoCodec::H264, sequence, false, payload, None).unwrap();
        assert!(read(1, &[0x65, 0x88]).keyframe_start);
        assert!(read(2, &[0x67, 1]).keyframe_start);
        assert!(!read(3, &[0x65, 0x88]).keyframe_start);
        assert_eq!(read(4, &[0x65, 0x88]).start, PictureStart::IdrOnly);
    }

    #[test]
    fn a_late_packet_begins_nothing() {
        let mut reader = StreamReader::new();
        assert!(reader.read(VideoCodec::Vp8, 8, false, &[0x10, 0], None).unwrap().keyframe_start);
        assert!(!reader.read(VideoCodec::Vp8, 7, false, &[0x10, 0], None).unwrap().keyframe_start);
    }

    #[test]
    fn a_payload_without_video_has_no_facts() {
        for codec in [VideoCodec::H264, VideoCodec::Vp8, VideoCodec::Vp9, VideoCodec::Av1] {
            assert_eq!(facts(codec, &[], true, None), None, "{codec:?}");
        }
    }

    #[test]
    fn a_descriptor_that_cannot_be_read_is_counted_and_the_payload_still_told() {
        let mut reader = StreamReader::new();
        let facts = reader.read(VideoCodec::Av1, 1, true, &[0x18, 0x0a], Some(&[0x80, 0, 1])).unwrap();
        assert!(facts.keyframe_start && facts.picture_end && facts.descriptor.is_none());
        assert_eq!(reader.unreadable_descriptors(), 1);
    }
}
