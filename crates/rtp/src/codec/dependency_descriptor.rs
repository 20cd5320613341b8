//! The dependency descriptor: an RTP header extension that tells an SFU which frame needs which
//! (RTP Payload Format For AV1, Appendix A). Made for AV1, and the same for any codec and under end-to-end encryption.
//!
//! The first packet of a keyframe carries a *structure*: templates of frames, and the *decode targets*, each
//! a set of frames that makes one spatial and temporal quality. Every other packet names a template. So a reader keeps
//! state for a stream, and a packet whose template it has not seen cannot be read.
//!
//! Invariant: whatever comes, at most 64 templates of 32 targets and 32 chains are kept, and a structure that cannot be
//! read whole leaves the one before in place.

mod bits;
mod chains;
mod structure;
#[cfg(test)]
mod tests;

use thiserror::Error;

use super::References;
use bits::{BitReader, BitWriter};
use structure::{CHAINS, Structure};

pub use chains::ChainWatch;
pub use structure::{DecodeTarget, Indication, Indications, TARGETS};

/// Its name in SDP.
pub const URI: &str = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/// Why a descriptor cannot be read. The packet can still be forwarded as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum DescriptorError {
    /// It ends too early.
    #[error("the dependency descriptor is cut off")]
    CutOff,
    /// It names a template that no structure told: the keyframe that brings it was lost or comes later.
    #[error("the dependency descriptor names an unknown template")]
    UnknownTemplate,
    /// It has more layers, templates or references than any encoder makes.
    #[error("the dependency descriptor is too large")]
    TooLarge,
}

/// What one packet tells of its frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParsedDescriptor {
    /// The packet is the first of its frame.
    pub start_of_frame: bool,
    /// The packet is the last of its frame.
    pub end_of_frame: bool,
    /// Counts frames in decoding order.
    pub frame_number: u16,
    /// The frame's spatial layer, 0 to 7.
    pub spatial: u8,
    /// The frame's temporal layer, 0 to 7.
    pub temporal: u8,
    /// What the frame is to each decode target.
    pub indications: Indications,
    /// Distances in frame numbers to the frames it needs.
    pub references: References,
    /// Bit i is set when decode target i is being sent.
    pub active_targets: u32,
    /// The packet brings the structure, so a keyframe begins with it.
    pub brings_structure: bool,
    /// Width and height of the frame's layer, in pixels, where the structure tells them.
    pub resolution: Option<(u32, u32)>,
    /// The same of the highest spatial layer, whether it is being sent or not.
    pub largest_resolution: Option<(u32, u32)>,
    targets: [DecodeTarget; TARGETS],
    target_count: u8,
    chain_distances: [u8; CHAINS],
    chain_count: u8,
    pub(super) layout: Layout,
}

/// Where in the extension its parts are, in bits, for writing it anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Layout {
    extended: bool,
    structure_end: usize,
    mask_end: usize,
    end: usize,
}

/// Bits of the fields that every descriptor has.
const MANDATORY_BITS: usize = 24;
/// Bits of the flags that follow in a longer one.
const FLAG_BITS: usize = 5;
/// Bytes of a descriptor that has no flags.
const SHORTEST: usize = 3;
/// How late a packet may come, in frames: more than any repair takes. Numbers that an encoder begins anew fall among
/// these once in 256 times, and then its structure is taken with the next keyframe after so many frames.
const LATE_FRAMES: u16 = 256;

impl ParsedDescriptor {
    /// The decode targets.
    pub fn targets(&self) -> &[DecodeTarget] {
        &self.targets[..usize::from(self.target_count)]
    }

    /// For each chain, how many frame numbers ago its last frame was; 0 when it needs none.
    pub fn chain_distances(&self) -> &[u8] {
        &self.chain_distances[..usize::from(self.chain_count)]
    }

    /// The targets no higher than these layers, as a mask.
    pub fn targets_within(&self, spatial: u8, temporal: u8) -> u32 {
        let within = |target: &DecodeTarget| target.spatial <= spatial && target.temporal <= temporal;
        (0_u32..).zip(self.targets()).filter(|(_, target)| within(target)).fold(0, |mask, (at, _)| mask | 1 << at)
    }

    /// Whether the frame is part of a chain that protects an active target (A.6).
    pub fn is_part_of_chain(&self, chain: u8) -> bool {
        let protected = || (0_u32..).zip(self.targets()).filter(|(_, target)| target.chain == Some(chain));
        protected().any(|(at, _)| self.active_targets >> at & 1 != 0)
            && protected().all(|(at, _)| self.indications.of(at as usize) > Indication::Discardable)
    }

    /// Writes the descriptor that was parsed from `extension` with another frame number, and with the targets that are
    /// still being sent to this receiver (A.4: whoever changes the set must say so). Returns the bytes written, up to
    /// five more than before; `None` when `out` is too small, or `extension` is another one.
    pub fn write(&self, extension: &[u8], frame_number: u16, active: Option<u32>, out: &mut [u8]) -> Option<usize> {
        let mut writer = BitWriter::new(out);
        let (&first, layout) = (extension.first()?, self.layout);
        writer.number(u32::from(first), 8)?;
        writer.number(u32::from(frame_number), 16)?;
        let Some(active) = active else {
            writer.copy(extension, MANDATORY_BITS, layout.end)?;
            return Some(writer.bytes_used());
        };
        let mut flags = BitReader::new(extension.get(SHORTEST..)?);
        let flags = if layout.extended { flags.number(FLAG_BITS as u32)? } else { 0 };
        writer.number(flags | 0b01000, FLAG_BITS as u32)?;
        if layout.extended {
            writer.copy(extension, MANDATORY_BITS + FLAG_BITS, layout.structure_end)?;
        }
        writer.number(active, u32::from(self.target_count))?;
        if layout.extended {
            writer.copy(extension, layout.mask_end, layout.end)?;
        }
        Some(writer.bytes_used())
    }
}

/// Reads the descriptors of one RTP stream.
#[derive(Debug, Default)]
pub struct DescriptorReader {
    structure: Option<Box<Structure>>,
    /// Reused for the next one, so that a keyframe costs no allocation.
    spare: Option<Box<Structure>>,
    /// The frame that brought the structure.
    structure_since: u16,
    active_targets: u32,
    /// The frame that told `active_targets`.
    active_since: u16,
}

impl DescriptorReader {
    /// Knows no structure yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether any structure came.
    pub fn has_structure(&self) -> bool {
        self.structure.is_some()
    }

    /// Reads one packet's extension.
    ///
    /// # Errors
    ///
    /// [`DescriptorError`] says why not; the next packet may be readable.
    pub fn parse(&mut self, extension: &[u8]) -> Result<ParsedDescriptor, DescriptorError> {
        let mut reader = BitReader::new(extension);
        let head = Head::read(&mut reader, extension.len()).ok_or(DescriptorError::CutOff)?;
        if head.flags.brings_structure {
            self.take_structure(&mut reader, head.frame_number)?;
        }
        let structure = self.structure.as_deref().ok_or(DescriptorError::UnknownTemplate)?;
        let structure_end = reader.position();
        let told = if head.flags.tells_active {
            Some(reader.number(structure.target_count()).ok_or(DescriptorError::CutOff)?)
        } else {
            None
        };
        let mask_end = reader.position();
        let template = structure.template(head.template).ok_or(DescriptorError::UnknownTemplate)?;
        let (mut indications, mut references) = (template.indications, template.references);
        let mut chain_distances = template.chain_distances;
        if head.flags.custom_indications {
            indications = structure.read_indications(&mut reader).ok_or(DescriptorError::CutOff)?;
        }
        if head.flags.custom_references {
            references = read_references(&mut reader)?;
        }
        if head.flags.custom_chains {
            for distance in &mut chain_distances[..structure.chain_count()] {
                *distance = reader.number(8).ok_or(DescriptorError::CutOff)? as u8;
            }
        }
        let mut targets = [DecodeTarget::default(); TARGETS];
        targets[..structure.targets().len()].copy_from_slice(structure.targets());
        let mut parsed = ParsedDescriptor {
            start_of_frame: head.start_of_frame,
            end_of_frame: head.end_of_frame,
            frame_number: head.frame_number,
            spatial: template.spatial,
            temporal: template.temporal,
            indications,
            references,
            active_targets: 0,
            brings_structure: head.flags.brings_structure,
            resolution: structure.resolution(template.spatial),
            largest_resolution: structure.largest_resolution(),
            targets,
            target_count: structure.target_count() as u8,
            chain_distances,
            chain_count: structure.chain_count() as u8,
            layout: Layout { extended: head.extended, structure_end, mask_end, end: reader.position() },
        };
        self.note_active(told, head.frame_number);
        parsed.active_targets = self.active_targets;
        Ok(parsed)
    }

    /// With a new structure all its targets are being sent, until told otherwise. A structure from just before the one
    /// that is known is a late packet's and says nothing of what comes now; from further back it is another encoder's.
    fn take_structure(&mut self, reader: &mut BitReader<'_>, frame_number: u16) -> Result<(), DescriptorError> {
        let mut read = self.spare.take().unwrap_or_default();
        let mut outcome = read.read(reader);
        if self.has_structure() && (1..=LATE_FRAMES).contains(&self.structure_since.wrapping_sub(frame_number)) {
            outcome = outcome.and(Err(DescriptorError::UnknownTemplate));
        }
        if outcome.is_ok() {
            self.structure_since = frame_number;
            self.active_targets = (u64::MAX >> (64 - read.target_count())) as u32;
            self.active_since = frame_number;
            self.spare = self.structure.replace(read);
        } else {
            self.spare = Some(read);
        }
        outcome
    }

    /// A late packet does not bring back what was true before.
    fn note_active(&mut self, told: Option<u32>, frame_number: u16) {
        if let Some(active) = told
            && frame_number.wrapping_sub(self.active_since) < u16::MAX / 2
        {
            self.active_targets = active;
            self.active_since = frame_number;
        }
    }
}

struct Head {
    start_of_frame: bool,
    end_of_frame: bool,
    template: u8,
    frame_number: u16,
    extended: bool,
    flags: Flags,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of the wire")]
struct Flags {
    brings_structure: bool,
    tells_active: bool,
    custom_indications: bool,
    custom_references: bool,
    custom_chains: bool,
}

impl Head {
    fn read(reader: &mut BitReader<'_>, length: usize) -> Option<Self> {
        let mut head = Self {
            start_of_frame: reader.flag()?,
            end_of_frame: reader.flag()?,
            template: reader.number(6)? as u8,
            frame_number: reader.number(16)? as u16,
            extended: length > SHORTEST,
            flags: Flags::default(),
        };
        if head.extended {
            head.flags = Flags {
                brings_structure: reader.flag()?,
                tells_active: reader.flag()?,
                custom_indications: reader.flag()?,
                custom_references: reader.flag()?,
                custom_chains: reader.flag()?,
            };
        }
        Some(head)
    }
}

fn read_references(reader: &mut BitReader<'_>) -> Result<References, DescriptorError> {
    let mut references = References::default();
    loop {
        let size = reader.number(2).ok_or(DescriptorError::CutOff)?;
        if size == 0 {
            return Ok(references);
        }
        let distance = reader.number(4 * size).ok_or(DescriptorError::CutOff)? as u16 + 1;
        references.push(distance).ok_or(DescriptorError::TooLarge)?;
    }
}
