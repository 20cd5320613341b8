//! What is written into packets: enough to know each again, under a first byte the server understands.

use std::time::{Duration, Instant};

const MAGIC: u32 = 0x0c0f_fab1;

/// Bytes every payload has.
pub(super) const HEADER: usize = 1 + 4 + 4 + 1 + 8 + 8;

/// Which stream a packet is of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct StreamName {
    /// The sender's number in this run.
    pub(super) person: u32,
    /// 0 for the voice, 1 to 3 for the camera's layers, lowest first.
    pub(super) stream: u8,
}

/// One packet's contents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Contents {
    pub(super) name: StreamName,
    /// Counts the stream's packets.
    pub(super) counter: u64,
    /// When it was sent, since the run's clock began.
    pub(super) sent: Duration,
}

impl Contents {
    /// Appends `length` bytes, [`HEADER`] at least. `first` is what the server looks at: an H.264 NAL unit type, or
    /// anything for a voice.
    pub(super) fn write(&self, first: u8, length: usize, payload: &mut Vec<u8>) {
        let end = payload.len() + length.max(HEADER);
        payload.push(first);
        payload.extend(MAGIC.to_be_bytes());
        payload.extend(self.name.person.to_be_bytes());
        payload.push(self.name.stream);
        payload.extend(self.counter.to_be_bytes());
        payload.extend((self.sent.as_nanos() as u64).to_be_bytes());
        payload.resize(end, 0);
    }

    /// `None` for what another program sent.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let (_first, rest) = payload.split_first()?;
        let (magic, rest) = rest.split_first_chunk::<4>()?;
        let (person, rest) = rest.split_first_chunk::<4>()?;
        let (stream, rest) = rest.split_first()?;
        let (counter, rest) = rest.split_first_chunk::<8>()?;
        let (sent, _) = rest.split_first_chunk::<8>()?;
        (u32::from_be_bytes(*magic) == MAGIC).then(|| Self {
            name: StreamName { person: u32::from_be_bytes(*person), stream: *stream },
            counter: u64::from_be_bytes(*counter),
            sent: Duration::from_nanos(u64::from_be_bytes(*sent)),
        })
    }

    /// How long it took, on the same clock.
    pub(super) fn age(&self, clock: Instant, now: Instant) -> Duration {
        now.saturating_duration_since(clock).saturating_sub(self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_other_bytes_are_not() {
        let name = StreamName { person: 7, stream: 3 };
        let contents = Contents { name, counter: 1 << 40, sent: Duration::from_nanos(123_456_789) };
        let mut payload = Vec::new();
        contents.write(0x67, 500, &mut payload);
        assert_eq!((payload.len(), payload[0]), (500, 0x67));
        assert_eq!(Contents::read(&payload), Some(contents));
        assert_eq!(Contents::read(&payload[..HEADER - 1]), None);
        assert_eq!(Contents::read(&[0; 100]), None);
        payload.clear();
        contents.write(0, 3, &mut payload);
        assert_eq!(payload.len(), HEADER, "never too short to be read");
    }
}
