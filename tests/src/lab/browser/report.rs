//! What the page writes down.

use confab_protocol::{ParticipantId, ParticipantInfo, SlotAssignment, SourceKind};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::lab::stats_file::ShownFrame;

/// A browser's account of its call.
#[derive(Clone, Debug, Deserialize)]
pub struct BrowserReport {
    /// Who it is.
    pub me: Option<ParticipantId>,
    /// When what was reached.
    pub stages: BrowserStages,
    /// Everybody in the room.
    pub participants: Vec<ParticipantInfo>,
    /// What its receive slots carry.
    pub slots: Vec<SlotAssignment>,
    /// Every frame shown, in order; those that no slot is known for are left out.
    #[serde(deserialize_with = "known_frames")]
    pub frames: Vec<ShownFrame>,
    /// How many pictures of others were shown so far, whether or not anything was read of them.
    pub presented: u64,
    /// `getStats()` each second.
    pub samples: Vec<Sample>,
    /// Errors of the page.
    pub problems: Vec<String>,
}

/// Milliseconds from pressing join; `None` when it has not happened yet.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BrowserStages {
    /// The server answered the join.
    pub joined_ms: Option<f64>,
    /// A pair of addresses works.
    pub ice_ms: Option<f64>,
    /// Keys are there too.
    pub connected_ms: Option<f64>,
    /// The first sound was played.
    pub audio_ms: Option<f64>,
    /// The first picture was shown.
    pub video_ms: Option<f64>,
}

/// One second's `getStats()`: only streams on which something came or went.
#[derive(Clone, Debug, Deserialize)]
pub struct Sample {
    /// When, milliseconds since 1970 UTC.
    pub at_unix_ms: f64,
    /// `inbound-rtp`, with the codec's name.
    pub inbound: Vec<Value>,
    /// `outbound-rtp`, with the codec's name.
    pub outbound: Vec<Value>,
    /// The pair of addresses in use.
    #[serde(default)]
    pub path: Value,
}

impl Sample {
    /// The sum of a figure over received streams of a kind (`audio` or `video`).
    pub fn received(&self, kind: &str, figure: &str) -> f64 {
        let rows = self.inbound.iter().filter(|row| row["kind"] == kind);
        rows.filter_map(|row| row[figure].as_f64()).sum()
    }

    /// A layer's row among what is sent; the empty name is a single stream's.
    pub fn sent_layer(&self, rid: &str) -> Option<&Value> {
        let rows = self.outbound.iter().filter(|row| row["kind"] == "video");
        rows.into_iter().find(|row| row["rid"].as_str().unwrap_or_default() == rid)
    }

    /// The codec of the pictures it sends, as `video/VP8`.
    pub fn sent_codec(&self) -> Option<&str> {
        self.outbound.iter().find(|row| row["kind"] == "video")?["codec"].as_str()
    }

    /// The codec of the pictures it gets. Slots that carry nothing but probes have none.
    pub fn received_codec(&self) -> Option<&str> {
        let decoded = |row: &&Value| row["kind"] == "video" && row["framesDecoded"].as_u64().unwrap_or(0) > 0;
        self.inbound.iter().find(decoded)?["codec"].as_str()
    }
}

impl BrowserReport {
    /// The newest sample.
    pub fn last(&self) -> Option<&Sample> {
        self.samples.last()
    }

    /// Somebody's id by name.
    pub fn id_of(&self, name: &str) -> Option<ParticipantId> {
        self.participants.iter().find(|participant| participant.name == name).map(|participant| participant.id)
    }

    /// Frames of somebody's camera.
    pub fn frames_of(&self, participant: ParticipantId) -> impl Iterator<Item = &ShownFrame> {
        let of = move |frame: &&ShownFrame| frame.participant == participant && frame.source == SourceKind::Camera;
        self.frames.iter().filter(of)
    }

    /// In a few lines, for messages.
    pub(super) fn summary(&self) -> String {
        let last = self.frames.last().map(|frame| (frame.width, frame.height, frame.mark));
        let names: Vec<&str> = self.participants.iter().map(|participant| participant.name.as_str()).collect();
        let busy: Vec<&SlotAssignment> = self.slots.iter().filter(|slot| slot.participant.is_some()).collect();
        format!(
            "{:?}; {} frames, the last {last:?}; people {names:?}; slots {busy:?}; {:?}",
            self.stages,
            self.frames.len(),
            self.last()
        )
    }
}

/// The page logs a frame that comes before its slot was told without a participant.
fn known_frames<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ShownFrame>, D::Error> {
    let values = Vec::<Value>::deserialize(deserializer)?;
    Ok(values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}

/// Reads 16 bit samples, lowest byte first, in base 64 (RFC 4648, section 4).
pub(super) fn samples(text: &str) -> Vec<f32> {
    let digit = |letter: u8| -> Option<u32> {
        Some(u32::from(match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        }))
    };
    let digits: Vec<u32> = text.bytes().map_while(digit).collect();
    let mut bytes = Vec::with_capacity(digits.len());
    for four in digits.chunks(4) {
        let whole = four.iter().chain(std::iter::repeat(&0)).take(4).fold(0, |sum, digit| sum << 6 | digit);
        let count = four.len() * 3 / 4;
        bytes.extend_from_slice(&whole.to_be_bytes()[1..][..count]);
    }
    let pairs = bytes.chunks_exact(2);
    pairs.map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_767.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back_from_base_64() {
        // Bytes 00 00 ff 7f 01 80: nothing, the loudest, the lowest.
        assert_eq!(samples("AAD/fwGA"), [0.0, 1.0, -1.0]);
        assert_eq!(samples("AAD/fw=="), [0.0, 1.0]);
        assert!(samples("").is_empty());
    }
}
