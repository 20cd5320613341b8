//! AV1 in RTP (RTP Payload Format For AV1, 4.4): the aggregation header.

/// The first byte of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AggregationHeader {
    /// Z: goes on with a unit of the packet before.
    pub continues_unit: bool,
    /// Y: its last unit goes on in the next packet.
    pub unit_continues: bool,
    /// W: units in the packet, or 0 when each is preceded by its length.
    pub units: u8,
    /// N: the first packet of a coded video sequence.
    pub new_sequence: bool,
}

impl AggregationHeader {
    /// Reads it; `None` for a payload without a single byte of video.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [header, _, ..] = payload else { return None };
        Some(Self {
            continues_unit: header & 0x80 != 0,
            unit_continues: header & 0x40 != 0,
            units: header >> 4 & 0x03,
            new_sequence: header & 0x08 != 0,
        })
    }

    /// Whether a keyframe begins here. A packet that claims to begin a sequence in the middle of a unit does not.
    pub fn starts_keyframe(&self) -> bool {
        self.new_sequence && !self.continues_unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_and_a_contradiction_begins_nothing() {
        let read = AggregationHeader::parse(&[0x68, 0x0a]).unwrap();
        assert!(read.starts_keyframe() && read.unit_continues);
        assert_eq!(read.units, 2);
        assert!(!AggregationHeader::parse(&[0x88, 0]).unwrap().starts_keyframe());
        assert!(!AggregationHeader::parse(&[0x10, 0]).unwrap().starts_keyframe());
        assert_eq!(AggregationHeader::parse(&[0x08]), None);
    }
}
