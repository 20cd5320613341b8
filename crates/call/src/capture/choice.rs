//! What a person may pick as camera, microphone or screen, and how it is written on a command line or in settings.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which camera, or what stands in for one.
///
/// Written `default`, `test`, `none`, a path that ends in `.y4m`, or a device (its id or its name).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum CameraChoice {
    /// The first camera of the system.
    #[default]
    Default,
    /// The camera with this id (see [`crate::devices::DeviceInfo::id`]) or exactly this name.
    Device(String),
    /// A Y4M file, in a loop. Written as a path, or a name that ends in `.y4m`.
    File(PathBuf),
    /// A moving picture that carries its frame number and time.
    TestPattern,
    /// No picture.
    None,
}

/// Which microphone, or what stands in for one.
///
/// Written `default`, `test`, `none`, a path that ends in `.wav`, or a device (its id or its name).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum MicrophoneChoice {
    /// The system's default.
    #[default]
    Default,
    /// The microphone with this id or exactly this name.
    Device(String),
    /// A WAV file, in a loop. Written as a path, or a name that ends in `.wav`.
    File(PathBuf),
    /// Made-up speech: always the same, with pauses.
    TestSpeech,
    /// No sound.
    None,
}

/// A part of the X screen in pixels from its top left corner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    /// Pixels from the left.
    pub x: i32,
    /// Pixels from the top.
    pub y: i32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Which screen or window, or what stands in for one.
///
/// Written `x11` (everything), `x11:0x1a00007` or `x11:27262983` (one window), `x11:monitor:NAME`,
/// `x11:region:WIDTHxHEIGHT+X+Y`, `test`, or a path that ends in `.y4m`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScreenChoice {
    /// All monitors of the X server as one picture.
    WholeScreen,
    /// One monitor, by its `RandR` name.
    Monitor(String),
    /// One window, by its X id; what covers it is not shown.
    Window(u32),
    /// A part of the screen.
    Region(Region),
    /// A moving picture that carries its frame number and time.
    TestPattern,
    /// A Y4M file, in a loop.
    File(PathBuf),
}

/// A screen choice that cannot be understood.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "\"{0}\" names no screen. Write x11, x11:WINDOW, x11:monitor:NAME, x11:region:WIDTHxHEIGHT+X+Y, test, or a .y4m file."
)]
pub struct UnknownScreen(String);

fn has_extension(text: &str, wanted: &str) -> bool {
    Path::new(text).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// Whether a person who wrote this meant a file, whatever its kind. No device is called so, but those under `/dev`.
fn is_path(text: &str) -> bool {
    let path = Path::new(text);
    (path.is_absolute() || text.starts_with('.')) && !path.starts_with("/dev")
}

impl FromStr for CameraChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "" | "default" => Self::Default,
            "test" => Self::TestPattern,
            "none" => Self::None,
            path if has_extension(path, "y4m") || is_path(path) => Self::File(path.into()),
            device => Self::Device(device.to_owned()),
        })
    }
}

impl fmt::Display for CameraChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::Device(device) => formatter.write_str(device),
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::TestPattern => formatter.write_str("test"),
            Self::None => formatter.write_str("none"),
        }
    }
}

impl FromStr for MicrophoneChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "" | "default" => Self::Default,
            "test" => Self::TestSpeech,
            "none" => Self::None,
            path if has_extension(path, "wav") || is_path(path) => Self::File(path.into()),
            device => Self::Device(device.to_owned()),
        })
    }
}

impl fmt::Display for MicrophoneChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::Device(device) => formatter.write_str(device),
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::TestSpeech => formatter.write_str("test"),
            Self::None => formatter.write_str("none"),
        }
    }
}

fn parse_window(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn parse_region(text: &str) -> Option<Region> {
    let (size, position) = text.split_once('+')?;
    let (width, height) = size.split_once('x')?;
    let (x, y) = position.split_once('+')?;
    let region =
        Region { x: x.parse().ok()?, y: y.parse().ok()?, width: width.parse().ok()?, height: height.parse().ok()? };
    (region.width > 0 && region.height > 0).then_some(region)
}

impl FromStr for ScreenChoice {
    type Err = UnknownScreen;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let choice = match text {
            "x11" => Some(Self::WholeScreen),
            "test" => Some(Self::TestPattern),
            path if has_extension(path, "y4m") => Some(Self::File(path.into())),
            other => other.strip_prefix("x11:").and_then(|target| {
                if let Some(name) = target.strip_prefix("monitor:") {
                    Some(Self::Monitor(name.to_owned()))
                } else if let Some(region) = target.strip_prefix("region:") {
                    parse_region(region).map(Self::Region)
                } else {
                    parse_window(target).map(Self::Window)
                }
            }),
        };
        choice.ok_or_else(|| UnknownScreen(text.to_owned()))
    }
}

impl fmt::Display for ScreenChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WholeScreen => formatter.write_str("x11"),
            Self::Monitor(name) => write!(formatter, "x11:monitor:{name}"),
            Self::Window(window) => write!(formatter, "x11:{window:#x}"),
            Self::Region(region) => {
                write!(formatter, "x11:region:{}x{}+{}+{}", region.width, region.height, region.x, region.y)
            }
            Self::TestPattern => formatter.write_str("test"),
            Self::File(path) => write!(formatter, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_file_even_when_nothing_can_read_it() {
        for path in ["/clips/talk.mp4", "./talk", "../talk.WAV"] {
            assert_eq!(path.parse(), Ok(CameraChoice::File(path.into())), "{path}");
            assert_eq!(path.parse(), Ok(MicrophoneChoice::File(path.into())), "{path}");
        }
        assert_eq!("/dev/video2".parse(), Ok(CameraChoice::Device("/dev/video2".into())));
    }

    #[test]
    fn every_choice_is_read_back_from_what_it_is_written_as() {
        for text in ["default", "test", "none", "clips/talk.y4m", "/dev/video2", "FaceTime HD"] {
            assert_eq!(text.parse::<CameraChoice>().unwrap().to_string(), text);
        }
        for text in ["default", "test", "none", "talk.WAV", "pulseaudio:mic"] {
            assert_eq!(text.parse::<MicrophoneChoice>().unwrap().to_string(), text);
        }
        for text in ["x11", "x11:0x1a00007", "x11:monitor:HDMI-1", "x11:region:640x480+10+-20", "test", "slides.y4m"] {
            assert_eq!(text.parse::<ScreenChoice>().unwrap().to_string(), text);
        }
        assert_eq!("x11:27262983".parse::<ScreenChoice>().unwrap(), ScreenChoice::Window(27_262_983));
    }

    #[test]
    fn a_screen_that_cannot_be_meant_is_refused_with_the_grammar() {
        for text in ["", "wayland", "x11:", "x11:region:0x5+0+0", "x11:region:5x5", "x11:0xzz"] {
            let error = text.parse::<ScreenChoice>().unwrap_err();
            assert!(error.to_string().contains("x11:region:WIDTHxHEIGHT+X+Y"), "{error}");
        }
    }
}
