//! Bits, high to low, out of bytes that anybody may have sent.

/// Reads from the first bit of `bytes`; `None` once they are used up.
#[derive(Clone, Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// How many bits were read.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// An unsigned number of `count` bits, at most 32: f(n).
    pub(super) fn number(&mut self, count: u32) -> Option<u32> {
        if self.position + count as usize > self.bytes.len() * 8 {
            return None;
        }
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes[self.position / 8];
            value = value << 1 | u32::from(byte >> (7 - self.position % 8) & 1);
            self.position += 1;
        }
        Some(value)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        self.number(1).map(|bit| bit != 0)
    }

    /// One of `count` values, in a bit less for the lower ones when `count` is no power of two: ns(n).
    pub(super) fn one_of(&mut self, count: u32) -> Option<u32> {
        let width = u32::BITS - count.leading_zeros();
        let short = (1 << width) - count;
        let value = self.number(width - 1)?;
        if value < short {
            return Some(value);
        }
        Some((value << 1) - short + self.number(1)?)
    }
}

/// Writes bits into bytes it was lent; `None` once they are full.
#[derive(Debug)]
pub(super) struct BitWriter<'a> {
    bytes: &'a mut [u8],
    position: usize,
}

impl<'a> BitWriter<'a> {
    /// `bytes` are cleared.
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        bytes.fill(0);
        Self { bytes, position: 0 }
    }

    pub(super) fn number(&mut self, value: u32, count: u32) -> Option<()> {
        if self.position + count as usize > self.bytes.len() * 8 {
            return None;
        }
        for bit in (0..count).rev() {
            self.bytes[self.position / 8] |= ((value >> bit & 1) as u8) << (7 - self.position % 8);
            self.position += 1;
        }
        Some(())
    }

    /// Copies the bits `from..to` of `source`.
    pub(super) fn copy(&mut self, source: &[u8], from: usize, to: usize) -> Option<()> {
        let mut reader = BitReader { bytes: source, position: from };
        let mut left = to.saturating_sub(from);
        while left > 0 {
            let count = left.min(32) as u32;
            self.number(reader.number(count)?, count)?;
            left -= count as usize;
        }
        Some(())
    }

    /// Bytes begun.
    pub(super) fn bytes_used(&self) -> usize {
        self.position.div_ceil(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_five_is_written_as_the_specification_shows() {
        for (bits, length, value) in [(0b00, 2, 0), (0b01, 2, 1), (0b10, 2, 2), (0b110, 3, 3), (0b111, 3, 4)] {
            let bytes = [(bits << (8 - length)) as u8];
            let mut reader = BitReader::new(&bytes);
            assert_eq!((reader.one_of(5), reader.position()), (Some(value), length));
        }
        assert_eq!(BitReader::new(&[]).one_of(1), Some(0), "one value needs no bit");
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        let mut reader = BitReader::new(&[0xa5]);
        assert_eq!(reader.number(4), Some(0xa));
        assert_eq!(reader.number(5), None);
        assert_eq!(reader.number(4), Some(5));
        assert_eq!(reader.flag(), None);
    }

    #[test]
    fn bits_are_copied_at_any_alignment() {
        let source = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc];
        let mut out = [0xff; 7];
        let mut writer = BitWriter::new(&mut out);
        writer.number(0b101, 3).unwrap();
        writer.copy(&source, 4, 44).unwrap();
        assert_eq!(writer.bytes_used(), 6);
        assert_eq!(writer.number(0, 14), None, "full");
        let mut reader = BitReader::new(&out);
        assert_eq!(reader.number(3), Some(0b101));
        assert_eq!((reader.number(32), reader.number(8)), (Some(0x2345_6789), Some(0xab)));
    }
}
