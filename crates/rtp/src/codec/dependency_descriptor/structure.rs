//! The template dependency structure: what a keyframe says of all frames to come (A.8.2, `template_dependency_structure`).

use super::DescriptorError;
use super::bits::BitReader;
use crate::codec::References;

/// Most decode targets: the field has 5 bits.
pub const TARGETS: usize = 32;
/// Most chains: no more than decode targets.
pub(super) const CHAINS: usize = 32;
/// Most templates: the field has 6 bits.
const TEMPLATES: usize = 64;
/// Most spatial and temporal layers. The syntax allows 64; AV1 itself has 4 and 8.
const LAYERS: u8 = 8;

/// What a frame is to a decode target (table A.1), from the least to the most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Indication {
    /// No part of it.
    NotPresent,
    /// Part of it, and no other frame of it needs this one.
    Discardable,
    /// Once this frame is decoded, so can be all later frames of the target.
    Switch,
    /// Part of it.
    Required,
}

/// What a frame is to every decode target, two bits each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Indications(u64);

impl Indications {
    /// For the decode target of that number.
    pub const fn of(self, target: usize) -> Indication {
        match self.0 >> (2 * (target % TARGETS)) & 3 {
            0 => Indication::NotPresent,
            1 => Indication::Discardable,
            2 => Indication::Switch,
            _ => Indication::Required,
        }
    }
}

/// A set of frames that makes one quality.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DecodeTarget {
    /// Its spatial layer.
    pub spatial: u8,
    /// Its temporal layer.
    pub temporal: u8,
    /// The chain of frames that must not be missing.
    pub chain: Option<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Template {
    pub(super) spatial: u8,
    pub(super) temporal: u8,
    pub(super) indications: Indications,
    pub(super) references: References,
    pub(super) chain_distances: [u8; CHAINS],
}

#[derive(Debug)]
pub(super) struct Structure {
    offset: u8,
    templates: [Template; TEMPLATES],
    template_count: u8,
    targets: [DecodeTarget; TARGETS],
    target_count: u8,
    chain_count: u8,
    resolutions: Option<[(u32, u32); LAYERS as usize]>,
}

impl Default for Structure {
    fn default() -> Self {
        Self {
            offset: 0,
            templates: [Template::default(); TEMPLATES],
            template_count: 0,
            targets: [DecodeTarget::default(); TARGETS],
            target_count: 0,
            chain_count: 0,
            resolutions: None,
        }
    }
}

impl Structure {
    pub(super) fn targets(&self) -> &[DecodeTarget] {
        &self.targets[..usize::from(self.target_count)]
    }

    pub(super) fn target_count(&self) -> u32 {
        u32::from(self.target_count)
    }

    pub(super) fn chain_count(&self) -> usize {
        usize::from(self.chain_count)
    }

    pub(super) fn resolution(&self, spatial: u8) -> Option<(u32, u32)> {
        self.resolutions.as_ref()?.get(usize::from(spatial)).copied()
    }

    pub(super) fn largest_resolution(&self) -> Option<(u32, u32)> {
        self.resolutions.as_ref()?.iter().copied().max_by_key(|(_, height)| *height)
    }

    /// By the id that packets name.
    pub(super) fn template(&self, id: u8) -> Option<&Template> {
        let index = id.wrapping_sub(self.offset) % TEMPLATES as u8;
        self.templates[..usize::from(self.template_count)].get(usize::from(index))
    }

    /// Takes the place of what was here. After an error it is not usable.
    pub(super) fn read(&mut self, reader: &mut BitReader<'_>) -> Result<(), DescriptorError> {
        self.offset = number(reader, 6)? as u8;
        self.target_count = number(reader, 5)? as u8 + 1;
        let highest_spatial = self.read_layers(reader)?;
        for at in 0..usize::from(self.template_count) {
            self.templates[at].indications = self.read_indications(reader).ok_or(DescriptorError::CutOff)?;
        }
        self.read_references(reader)?;
        self.read_chains(reader)?;
        self.find_target_layers();
        self.resolutions = None;
        if number(reader, 1)? != 0 {
            let mut resolutions = [(0, 0); LAYERS as usize];
            for resolution in &mut resolutions[..=usize::from(highest_spatial)] {
                *resolution = (number(reader, 16)? + 1, number(reader, 16)? + 1);
            }
            self.resolutions = Some(resolutions);
        }
        Ok(())
    }

    /// Indications for each target, as templates and frames have them.
    pub(super) fn read_indications(&self, reader: &mut BitReader<'_>) -> Option<Indications> {
        let mut indications = 0;
        for target in 0..self.target_count {
            indications |= u64::from(reader.number(2)?) << (2 * target);
        }
        Some(Indications(indications))
    }

    /// Returns the highest spatial layer.
    fn read_layers(&mut self, reader: &mut BitReader<'_>) -> Result<u8, DescriptorError> {
        let (mut spatial, mut temporal) = (0, 0);
        self.template_count = 0;
        loop {
            let template = self.templates.get_mut(usize::from(self.template_count)).ok_or(DescriptorError::TooLarge)?;
            *template = Template { spatial, temporal, ..Template::default() };
            self.template_count += 1;
            match number(reader, 2)? {
                0 => {}
                1 => temporal += 1,
                2 => (spatial, temporal) = (spatial + 1, 0),
                _ => return Ok(spatial),
            }
            if spatial >= LAYERS || temporal >= LAYERS {
                return Err(DescriptorError::TooLarge);
            }
        }
    }

    fn read_references(&mut self, reader: &mut BitReader<'_>) -> Result<(), DescriptorError> {
        for template in &mut self.templates[..usize::from(self.template_count)] {
            while number(reader, 1)? != 0 {
                let distance = number(reader, 4)? as u16 + 1;
                template.references.push(distance).ok_or(DescriptorError::TooLarge)?;
            }
        }
        Ok(())
    }

    fn read_chains(&mut self, reader: &mut BitReader<'_>) -> Result<(), DescriptorError> {
        let one_of = |reader: &mut BitReader<'_>, count| reader.one_of(count).ok_or(DescriptorError::CutOff);
        self.chain_count = one_of(reader, self.target_count() + 1)? as u8;
        let chains = self.chain_count();
        for target in &mut self.targets[..usize::from(self.target_count)] {
            target.chain = match chains {
                0 => None,
                _ => Some(one_of(reader, chains as u32)? as u8),
            };
        }
        for template in &mut self.templates[..usize::from(self.template_count)] {
            for distance in &mut template.chain_distances[..chains] {
                *distance = number(reader, 4)? as u8;
            }
        }
        Ok(())
    }

    /// A target's layers are the highest of the templates that belong to it.
    fn find_target_layers(&mut self) {
        let templates = &self.templates[..usize::from(self.template_count)];
        for (at, target) in self.targets[..usize::from(self.target_count)].iter_mut().enumerate() {
            let members = || templates.iter().filter(|one| one.indications.of(at) != Indication::NotPresent);
            target.spatial = members().map(|template| template.spatial).max().unwrap_or(0);
            target.temporal = members().map(|template| template.temporal).max().unwrap_or(0);
        }
    }
}

fn number(reader: &mut BitReader<'_>, bits: u32) -> Result<u32, DescriptorError> {
    reader.number(bits).ok_or(DescriptorError::CutOff)
}
