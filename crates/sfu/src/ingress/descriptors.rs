//! The dependency descriptors of one stream's last packets, so that a repair has its own again. Only AV1 needs them: the
//! payloads of the other codecs say what a receiver has to know.

use confab_rtp::codec::ParsedDescriptor;

/// Packets remembered: as many as a slot remembers.
const REMEMBERED: usize = 512;

/// Longer descriptors, of structures no browser makes, are not kept; their packets are not repaired.
const LONGEST: usize = 128;

#[derive(Clone)]
struct Entry {
    number: u64,
    descriptor: ParsedDescriptor,
    length: u8,
    bytes: [u8; LONGEST],
}

/// Descriptors by the extended numbers of their packets.
#[derive(Default)]
pub(crate) struct DescriptorLog {
    /// By number, modulo its length; empty until one was noted.
    entries: Vec<Option<Entry>>,
}

impl DescriptorLog {
    /// Notes a packet's descriptor as it was read, and its bytes.
    pub(crate) fn note(&mut self, number: u64, descriptor: &ParsedDescriptor, extension: &[u8]) {
        let Some(length) = u8::try_from(extension.len()).ok().filter(|length| usize::from(*length) <= LONGEST) else {
            return;
        };
        if self.entries.is_empty() {
            self.entries.resize_with(REMEMBERED, || None);
        }
        let mut bytes = [0; LONGEST];
        bytes[..extension.len()].copy_from_slice(extension);
        self.entries[number as usize % REMEMBERED] =
            Some(Entry { number, descriptor: descriptor.clone(), length, bytes });
    }

    /// A packet's descriptor and its bytes.
    pub(crate) fn get(&self, number: u64) -> Option<(&ParsedDescriptor, &[u8])> {
        let entry = self.entries.get(number as usize % REMEMBERED)?.as_ref()?;
        (entry.number == number).then_some((&entry.descriptor, &entry.bytes[..usize::from(entry.length)]))
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}
