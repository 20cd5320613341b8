//! The level byte of an audio packet.

/// How loud an audio packet is, and whether it holds a voice: the byte of RFC 6464.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AudioLevel {
    /// Decibels below overload, 0 (loudest) to 127 (silence).
    pub below_overload: u8,
    /// The sender hears a voice in it.
    pub voice: bool,
}

impl AudioLevel {
    /// Reads the byte of the header extension.
    pub const fn from_wire(byte: u8) -> Self {
        Self { below_overload: byte & 0x7f, voice: byte & 0x80 != 0 }
    }

    /// The byte of the header extension.
    pub const fn to_wire(self) -> u8 {
        let level = if self.below_overload > 127 { 127 } else { self.below_overload };
        if self.voice { level | 0x80 } else { level }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_byte_survives_the_wire() {
        for byte in 0..=255 {
            assert_eq!(AudioLevel::from_wire(byte).to_wire(), byte);
        }
        assert_eq!(AudioLevel { below_overload: 200, voice: true }.to_wire(), 0xff);
    }
}
