//! Between the window's words for devices and the engine's.

use confab_call::capture::{CameraChoice, MicrophoneChoice};
use confab_call::devices::{self, DeviceInfo, ScreenInfo, ScreenKind};
use confab_call::playback::SpeakerChoice;

use crate::contract::{Device, DeviceChoice, DeviceList, ShareKind, ShareSource};

/// The id under which the test picture can be shared.
const TEST_PICTURE: &str = "test";

/// The engine's camera.
pub fn camera(choice: &DeviceChoice) -> CameraChoice {
    match choice {
        DeviceChoice::Default => CameraChoice::Default,
        DeviceChoice::Device { id } => CameraChoice::Device(id.clone()),
        DeviceChoice::File { path } => CameraChoice::File(path.into()),
        DeviceChoice::Test => CameraChoice::TestPattern,
        DeviceChoice::None => CameraChoice::None,
    }
}

/// The engine's microphone.
pub fn microphone(choice: &DeviceChoice) -> MicrophoneChoice {
    match choice {
        DeviceChoice::Default => MicrophoneChoice::Default,
        DeviceChoice::Device { id } => MicrophoneChoice::Device(id.clone()),
        DeviceChoice::File { path } => MicrophoneChoice::File(path.into()),
        DeviceChoice::Test => MicrophoneChoice::TestSpeech,
        DeviceChoice::None => MicrophoneChoice::None,
    }
}

/// The engine's speaker. Sound cannot be played into a file or a test, so these mean none.
pub fn speaker(choice: &DeviceChoice) -> SpeakerChoice {
    match choice {
        DeviceChoice::Default => SpeakerChoice::Default,
        DeviceChoice::Device { id } => SpeakerChoice::Device(id.clone()),
        DeviceChoice::File { .. } | DeviceChoice::Test | DeviceChoice::None => SpeakerChoice::None,
    }
}

/// What there is, as the window shows it.
pub fn list() -> DeviceList {
    let list = devices::list();
    DeviceList {
        cameras: list.cameras.into_iter().map(device).collect(),
        microphones: list.microphones.into_iter().map(device).collect(),
        speakers: list.speakers.into_iter().map(device).collect(),
    }
}

/// What can be shared: screens and windows, and a moving test picture where there are none.
pub fn share_sources() -> Vec<ShareSource> {
    let mut sources: Vec<ShareSource> = devices::list().screens.into_iter().map(share_source).collect();
    if sources.is_empty() {
        sources.push(ShareSource {
            id: TEST_PICTURE.to_owned(),
            kind: ShareKind::Test,
            title: "Test picture".to_owned(),
            width: 1280,
            height: 720,
        });
    }
    sources
}

fn device(info: DeviceInfo) -> Device {
    Device { id: info.id, name: info.name, is_default: info.is_default, detail: String::new() }
}

fn share_source(info: ScreenInfo) -> ShareSource {
    let kind = match info.kind {
        ScreenKind::Screen | ScreenKind::Monitor => ShareKind::Screen,
        ScreenKind::Window => ShareKind::Window,
    };
    ShareSource { id: info.id, kind, title: info.title, width: info.width, height: info.height }
}
