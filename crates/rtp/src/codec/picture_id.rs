//! The numbers of pictures, and the distances between them.

/// A picture's number in VP8 and VP9, in one of its two widths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PictureId {
    /// 7 bits.
    Short(u8),
    /// 15 bits.
    Long(u16),
}

impl PictureId {
    /// Reads one from where it begins.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [high, low, ..] if high & 0x80 != 0 => Some(Self::Long(u16::from_be_bytes([high & 0x7f, *low]))),
            [short, ..] if short & 0x80 == 0 => Some(Self::Short(*short)),
            _ => None,
        }
    }

    /// The number.
    pub const fn value(self) -> u16 {
        match self {
            Self::Short(value) => value as u16,
            Self::Long(value) => value,
        }
    }

    /// How many bits it has.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Short(_) => 7,
            Self::Long(_) => 15,
        }
    }

    /// Another number in the same width.
    pub(super) const fn with(self, value: u16) -> Self {
        match self {
            Self::Short(_) => Self::Short((value & 0x7f) as u8),
            Self::Long(_) => Self::Long(value & 0x7fff),
        }
    }

    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Short(_) => 1,
            Self::Long(_) => 2,
        }
    }

    /// Over the one that was parsed at the beginning of `bytes`.
    pub(super) fn write(self, bytes: &mut [u8]) {
        match self {
            Self::Short(value) => bytes[0] = value,
            Self::Long(value) => bytes[..2].copy_from_slice(&(value | 0x8000).to_be_bytes()),
        }
    }
}

/// How far back the frames are that a frame needs. AV1 keeps eight frames, so nothing needs more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct References {
    distances: [u16; Self::MOST],
    count: u8,
}

impl References {
    /// The most there can be.
    pub const MOST: usize = 8;

    /// The distances, in the order they were told.
    pub fn distances(&self) -> &[u16] {
        &self.distances[..usize::from(self.count)]
    }

    /// `None` when there are too many.
    pub(super) fn push(&mut self, distance: u16) -> Option<()> {
        *self.distances.get_mut(usize::from(self.count))? = distance;
        self.count += 1;
        Some(())
    }
}
