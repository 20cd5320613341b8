//! What a person may type while joined, and the forms of some arguments.

use std::time::Duration;

use confab_call::capture::{CameraChoice, MicrophoneChoice, ScreenChoice, VideoFormat};
use confab_call::playback::SpeakerChoice;
use confab_call::{CallHandle, View};
use confab_protocol::Reaction;

/// One line of standard input.
#[derive(Clone, PartialEq, Debug)]
pub enum Line {
    Mute,
    Unmute,
    Camera(Option<CameraChoice>, bool),
    Microphone(MicrophoneChoice),
    Speaker(SpeakerChoice),
    Hand(bool),
    React(Reaction),
    Say(String),
    Share(ScreenChoice),
    Unshare,
    View(View),
    Leave,
    Nothing,
}

/// What can be typed.
const HELP: &str = "mute, unmute, camera on|off|CAMERA, microphone MICROPHONE, speaker SPEAKER, hand up|down, react REACTION, say TEXT, \
                    share SCREEN, unshare, view SIZE|none, leave";

impl Line {
    /// Reads a line.
    pub fn parse(line: &str) -> Result<Self, String> {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let unknown = || format!("\u{201c}{line}\u{201d} is not understood. There are: {HELP}.");
        Ok(match (word, rest) {
            ("", _) => Self::Nothing,
            ("mute", "") => Self::Mute,
            ("unmute", "") => Self::Unmute,
            ("camera", "on") => Self::Camera(None, true),
            ("camera", "off") => Self::Camera(None, false),
            ("camera", choice) if !choice.is_empty() => Self::Camera(choice.parse().ok(), true),
            ("microphone", choice) if !choice.is_empty() => Self::Microphone(choice.parse().map_err(|_| unknown())?),
            ("speaker", choice) if !choice.is_empty() => Self::Speaker(choice.parse().map_err(|_| unknown())?),
            ("hand", "up") => Self::Hand(true),
            ("hand", "down") => Self::Hand(false),
            ("react", name) => match Reaction::ALL.into_iter().find(|reaction| reaction.name() == name) {
                Some(reaction) => Self::React(reaction),
                None => return Err(format!("Reactions are: {}.", Reaction::ALL.map(Reaction::name).join(", "))),
            },
            ("say", text) if !text.is_empty() => Self::Say(text.to_owned()),
            ("share", screen) if !screen.is_empty() => match screen.parse() {
                Ok(screen) => Self::Share(screen),
                Err(error) => return Err(format!("{error}")),
            },
            ("unshare", "") => Self::Unshare,
            ("view", largest) => view(largest).map(Self::View)?,
            ("help" | "?", "") => return Err(format!("There are: {HELP}.")),
            ("leave" | "quit" | "exit", "") => Self::Leave,
            _ => return Err(unknown()),
        })
    }

    /// Tells the call.
    pub fn carry_out(self, call: &CallHandle) {
        match self {
            Self::Mute => call.set_microphone_muted(true),
            Self::Unmute => call.set_microphone_muted(false),
            Self::Camera(choice, on) => call.set_camera(on, choice),
            Self::Microphone(choice) => call.choose_microphone(choice),
            Self::Speaker(choice) => call.choose_speaker(choice),
            Self::Hand(raised) => call.set_hand(raised),
            Self::React(reaction) => call.react(reaction),
            Self::Say(text) => call.send_chat(text),
            Self::Share(screen) => call.start_share(screen),
            Self::Unshare => call.stop_share(),
            Self::View(View::Everybody { width, height }) => call.set_view_of_everybody(width, height),
            Self::View(View::Chosen) => call.set_view(Vec::new()),
            Self::Leave | Self::Nothing => {}
        }
    }
}

/// Reads `20s`, `2m`, `500ms`, or seconds without a unit.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: f64 = digits.parse().map_err(|_| "write a time as 20s, 2m or 500ms".to_owned())?;
    let seconds = match &text[digits.len()..] {
        "" | "s" => number,
        "ms" => number / 1000.0,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        unit => return Err(format!("{unit} is no unit of time; there are ms, s, m and h")),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| "a time cannot be negative or endless".to_owned())
}

fn size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    let (width, height) = (width.parse().ok()?, height.parse().ok()?);
    ((16..=3840).contains(&width) && (16..=3840).contains(&height)).then_some((width, height))
}

/// Reads `1280x720@30`.
pub fn video_format(text: &str) -> Result<VideoFormat, String> {
    let (picture, fps) = text.split_once('@').unwrap_or((text, "30"));
    let wrong = || "write a format as 1280x720@30".to_owned();
    let (width, height) = size(picture).ok_or_else(wrong)?;
    let fps = fps.parse().ok().filter(|fps| (1..=60).contains(fps)).ok_or_else(wrong)?;
    Ok(VideoFormat { width, height, fps })
}

/// Reads `1280x720` or `none`.
pub fn view(text: &str) -> Result<View, String> {
    if text == "none" {
        return Ok(View::Chosen);
    }
    let (width, height) = size(text).ok_or_else(|| "write a size as 1280x720, or none".to_owned())?;
    Ok(View::Everybody { width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_people_type_them() {
        assert_eq!(Line::parse(" mute "), Ok(Line::Mute));
        assert_eq!(Line::parse("say  hello there "), Ok(Line::Say("hello there".into())));
        assert_eq!(Line::parse("camera off"), Ok(Line::Camera(None, false)));
        assert_eq!(Line::parse("camera test"), Ok(Line::Camera(Some(CameraChoice::TestPattern), true)));
        assert_eq!(Line::parse("hand up"), Ok(Line::Hand(true)));
        assert_eq!(Line::parse("react thumbs_up"), Ok(Line::React(Reaction::ThumbsUp)));
        assert!(Line::parse("react wave").unwrap_err().contains("clap"));
        assert_eq!(Line::parse("view 320x180"), Ok(Line::View(View::Everybody { width: 320, height: 180 })));
        assert_eq!(Line::parse(""), Ok(Line::Nothing));
    }

    #[test]
    fn a_line_that_is_not_understood_says_what_there_is() {
        let problem = Line::parse("dance").expect_err("no such word");
        assert!(problem.contains("dance") && problem.contains("unmute"));
        assert!(Line::parse("say").is_err());
        assert!(Line::parse("share nonsense").is_err());
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("20s"), Ok(Duration::from_secs(20)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("7"), Ok(Duration::from_secs(7)));
        assert!(duration("-1s").is_err());
        assert!(duration("soon").is_err());
        assert!(duration("3 fortnights").is_err());
    }

    #[test]
    fn sizes_are_checked() {
        assert_eq!(video_format("640x360@15"), Ok(VideoFormat { width: 640, height: 360, fps: 15 }));
        assert!(video_format("640x360@0").is_err());
        assert!(video_format("4x4").is_err());
        assert_eq!(view("none"), Ok(View::Chosen));
        assert_eq!(view("320x180"), Ok(View::Everybody { width: 320, height: 180 }));
    }
}
