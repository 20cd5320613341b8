//! What `confab-cli join --stats FILE` writes at the end of a call.

use std::path::{Path, PathBuf};

use confab_protocol::{ParticipantId, SourceKind};
use serde::Deserialize;
use serde_json::Value;

use super::error::{LabError, Outcome};

/// The figures of one client, and a line for each frame it showed.
#[derive(Clone, Debug, Deserialize)]
pub struct StatsFile {
    /// Who the client was.
    pub me: Option<ParticipantId>,
    /// The last `CallStats`.
    pub stats: Value,
    /// Every frame handed to the renderer, in order.
    #[serde(default)]
    pub frames: Vec<ShownFrame>,
    /// What was saved of the sound.
    #[serde(default)]
    pub audio: Vec<SavedAudio>,
    /// What the own microphone was.
    pub microphone: Option<MicrophoneLog>,
}

/// One frame.
#[derive(Clone, Debug, Deserialize)]
pub struct ShownFrame {
    /// Whose.
    pub participant: ParticipantId,
    /// Which of their pictures.
    pub source: SourceKind,
    /// When it was handed to the renderer, milliseconds since 1970 UTC.
    pub at_unix_ms: f64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// What the picture says of itself, when it could be read.
    pub mark: Option<FrameMark>,
    /// Nearness to the source, dB, for those frames that were compared.
    pub psnr_db: Option<f64>,
}

/// The test pattern's mark.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct FrameMark {
    /// Counts up at the source.
    pub frame: u32,
    /// When the source drew it, milliseconds since 1970 UTC.
    pub unix_ms: u64,
}

/// A saved recording.
#[derive(Clone, Debug, Deserialize)]
pub struct SavedAudio {
    /// Where it is.
    pub file: PathBuf,
    /// When its first sample was handed to the speaker, milliseconds since 1970 UTC.
    pub started_unix_ms: f64,
}

/// The own microphone.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct MicrophoneLog {
    /// When its first sample was captured, milliseconds since 1970 UTC.
    pub started_unix_ms: f64,
}

impl StatsFile {
    /// Reads a client's file.
    ///
    /// # Errors
    /// When there is none or it is of another form.
    pub fn read(file: &Path) -> Outcome<Self> {
        let text = std::fs::read_to_string(file).map_err(|error| LabError::io(file.display().to_string(), error))?;
        serde_json::from_str(&text).map_err(|error| LabError::Unexpected(format!("{}: {error}", file.display())))
    }

    /// The frames of somebody's picture, in order.
    pub fn frames_of(&self, participant: ParticipantId, source: SourceKind) -> Vec<&ShownFrame> {
        self.frames.iter().filter(|frame| frame.participant == participant && frame.source == source).collect()
    }
}
