//! With what a call begins.

use std::sync::Arc;

use confab_protocol::RoomCode;
use confab_protocol::link::ServerAddress;

use crate::capture::{CameraChoice, MicrophoneChoice, ScreenChoice, VideoFormat};
use crate::playback::SpeakerChoice;
use crate::sink::{AudioTap, NoSink, VideoSink};

/// Whether echo, noise and gain of our voice are worked on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Processing {
    /// Always.
    On,
    /// Never.
    Off,
    /// For real microphones, not for files and test sounds.
    #[default]
    Auto,
}

impl Processing {
    /// Whether it applies to this microphone.
    pub fn applies_to(self, microphone: &MicrophoneChoice) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Auto => matches!(microphone, MicrophoneChoice::Default | MicrophoneChoice::Device(_)),
        }
    }
}

/// Whose pictures are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// Everybody's, screens first, as many as there are slots, each at most so large.
    Everybody {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Only those named by [`CallHandle::set_view`](super::handle::CallHandle::set_view).
    Chosen,
}

/// With what a call begins. No `Debug`: it may hold a token.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch a person sets")]
pub struct CallConfig {
    /// Which server.
    pub server: ServerAddress,
    /// Which room.
    pub code: RoomCode,
    /// Shown to others.
    pub name: String,
    /// From making the room, or an earlier call; a guest needs none.
    pub token: Option<String>,
    /// The camera, opened at once when [`Self::camera_on`].
    pub camera: CameraChoice,
    /// Begin with a picture.
    pub camera_on: bool,
    /// The size and rate wished from the camera.
    pub picture: VideoFormat,
    /// The microphone.
    pub microphone: MicrophoneChoice,
    /// Begin muted.
    pub microphone_muted: bool,
    /// The speaker.
    pub speaker: SpeakerChoice,
    /// Share this from the beginning.
    pub screen: Option<ScreenChoice>,
    /// Whether our voice is worked on.
    pub processing: Processing,
    /// Then, whether noise is taken out of it.
    pub noise_removal: bool,
    /// Whose pictures are asked for until somebody calls `set_view`.
    pub view: View,
    /// Where pictures go.
    pub sink: Arc<dyn VideoSink>,
    /// Where a copy of what the speaker plays goes.
    pub tap: Option<Arc<dyn AudioTap>>,
    /// Send the figures as an event every second.
    pub stats_events: bool,
}

impl CallConfig {
    /// Default devices, picture and sound on, everybody shown at 720p, pictures thrown away.
    pub fn new(server: ServerAddress, code: RoomCode, name: String) -> Self {
        Self {
            server,
            code,
            name,
            token: None,
            camera: CameraChoice::Default,
            camera_on: true,
            picture: VideoFormat::HD,
            microphone: MicrophoneChoice::Default,
            microphone_muted: false,
            speaker: SpeakerChoice::Default,
            screen: None,
            processing: Processing::Auto,
            noise_removal: true,
            view: View::Everybody { width: 1280, height: 720 },
            sink: Arc::new(NoSink),
            tap: None,
            stats_events: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_sounds_are_left_as_they_are_and_real_microphones_are_worked_on() {
        assert!(!Processing::Auto.applies_to(&MicrophoneChoice::TestSpeech));
        assert!(!Processing::Auto.applies_to(&MicrophoneChoice::File("speech.wav".into())));
        assert!(Processing::Auto.applies_to(&MicrophoneChoice::Default));
        assert!(Processing::On.applies_to(&MicrophoneChoice::TestSpeech));
        assert!(!Processing::Off.applies_to(&MicrophoneChoice::Default));
    }
}
