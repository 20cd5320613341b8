//! `confab-cli join`: a person in a call, steered by lines on standard input, told of by events on standard output.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use confab_call::capture::{CameraChoice, MicrophoneChoice, ScreenChoice, VideoFormat};
use confab_call::playback::SpeakerChoice;
use confab_call::{CallConfig, CallEvent, CallHandle, CallState, EndReason, Processing, View};
use confab_protocol::link::ServerAddress;
use confab_protocol::{DEFAULT_PORT, MeetingLink, ParticipantId};
use tokio::sync::mpsc;

mod frame_log;
mod line;
mod picture_files;
mod report;
mod sound_file;
mod told;

use frame_log::FrameLog;
use line::Line;
use picture_files::PictureFiles;
use sound_file::SoundFile;
use told::Told;

/// Whether the own voice is worked on.
#[derive(Clone, Copy, ValueEnum)]
enum ProcessingArgument {
    /// Always.
    On,
    /// Never.
    Off,
    /// For devices, not for files and the test speech.
    Auto,
}

/// What `join` takes.
#[derive(Args)]
pub struct JoinArguments {
    /// A meeting's link, or its code.
    meeting: String,
    /// The server, when only a code is given.
    #[arg(long)]
    server: Option<String>,
    /// The name others see; without it the name of your login.
    #[arg(long)]
    name: Option<String>,
    /// A token from making the room; guests need none.
    #[arg(long, env = "CONFAB_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// `default`, `test` (a moving picture that tells its number and time), `none`, a .y4m file (or any path), or a device.
    #[arg(long, default_value = "default")]
    camera: CameraChoice,
    /// Size and rate wished from the camera, as 1280x720@30.
    #[arg(long, default_value = "1280x720@30", value_parser = line::video_format)]
    camera_format: VideoFormat,
    /// `default`, `test` (made-up speech), `none`, a .wav file (or any path), or a device.
    #[arg(long, default_value = "default")]
    microphone: MicrophoneChoice,
    /// `default`, `none`, or a device.
    #[arg(long, default_value = "default")]
    speaker: SpeakerChoice,
    /// Share `x11`, `x11:WINDOWID`, `test`, or a .y4m file.
    #[arg(long)]
    screen: Option<ScreenChoice>,
    /// Join muted.
    #[arg(long)]
    muted: bool,
    /// Remove echo and noise from the own voice and level it.
    #[arg(long, value_enum, default_value = "auto")]
    processing: ProcessingArgument,
    /// The largest size in which pictures are asked for, as 1280x720; `none` asks for none.
    #[arg(long, default_value = "1280x720", value_parser = line::view)]
    view: View,
    /// Save every picture that comes as Y4M files in this folder.
    #[arg(long, value_name = "DIR")]
    save_video: Option<PathBuf>,
    /// Save what the speaker plays as a WAV file in this folder.
    #[arg(long, value_name = "DIR")]
    save_audio: Option<PathBuf>,
    /// Write figures of the call, and a line for each frame shown, at the end.
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
    /// Leave after this long, as 20s or 2m.
    #[arg(long = "for", value_name = "TIME", value_parser = line::duration)]
    length: Option<Duration>,
    /// Print every event as a line of JSON.
    #[arg(long)]
    events: bool,
}

/// Joins, stays, leaves.
pub async fn run(arguments: JoinArguments) -> Result<(), String> {
    let (server, code) = meeting(&arguments)?;
    check_files(&arguments)?;
    let pictures = arguments.save_video.as_deref().map(PictureFiles::open).transpose()?;
    let sound = arguments.save_audio.as_deref().map(SoundFile::open).transpose()?;
    let log = Arc::new(FrameLog::new(arguments.stats.is_some(), pictures));
    let name = arguments.name.clone().unwrap_or_else(|| own_name(|name| std::env::var(name).ok()));
    let mut config = CallConfig::new(server, code, name);
    config.token.clone_from(&arguments.token);
    config.camera_on = arguments.camera != CameraChoice::None;
    config.camera = arguments.camera.clone();
    config.picture = arguments.camera_format;
    config.microphone = arguments.microphone.clone();
    config.microphone_muted = arguments.muted;
    config.speaker = arguments.speaker.clone();
    config.screen.clone_from(&arguments.screen);
    config.processing = match arguments.processing {
        ProcessingArgument::On => Processing::On,
        ProcessingArgument::Off => Processing::Off,
        ProcessingArgument::Auto => Processing::Auto,
    };
    config.view = arguments.view;
    config.sink = log.clone();
    config.tap = sound.clone().map(|sound| sound as Arc<dyn confab_call::AudioTap>);
    config.stats_events = arguments.events;

    let (call, events) = confab_call::join(config);
    let mut stay = Stay {
        events_shown: arguments.events,
        read: true,
        log: log.clone(),
        told: Told::default(),
        me: None,
        ended: None,
    };
    stay.run(&call, events, arguments.length).await;

    log.finish();
    let audio = sound.map(|sound| sound.finish()).transpose()?;
    if let Some(path) = &arguments.stats {
        report::write(path, stay.me, &call.stats(), &log, audio)?;
    }
    match stay.ended {
        Some((EndReason::Left, _)) | None => Ok(()),
        Some((_, message)) => Err(message),
    }
}

/// A program that is told of files that are not there should not join without them.
fn check_files(arguments: &JoinArguments) -> Result<(), String> {
    let camera = if let CameraChoice::File(path) = &arguments.camera { Some(path) } else { None };
    let microphone = if let MicrophoneChoice::File(path) = &arguments.microphone { Some(path) } else { None };
    for path in [camera, microphone].into_iter().flatten() {
        std::fs::File::open(path).map_err(|error| format!("{} cannot be read: {error}.", path.display()))?;
    }
    if let Some(path) = &arguments.stats {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(format!("The statistics cannot be written to {}: there is no such folder.", path.display()));
        }
    }
    Ok(())
}

fn meeting(arguments: &JoinArguments) -> Result<(ServerAddress, confab_protocol::RoomCode), String> {
    let link = MeetingLink::parse(&arguments.meeting).map_err(|error| error.to_string())?;
    let server = match (&arguments.server, link.server) {
        (Some(server), _) => ServerAddress::parse(server).map_err(|error| error.to_string())?,
        (None, Some(server)) => server,
        (None, None) => ServerAddress::loopback(DEFAULT_PORT),
    };
    Ok((server, link.code))
}

/// The time in the call.
struct Stay {
    events_shown: bool,
    /// Somebody reads our standard output.
    read: bool,
    log: Arc<FrameLog>,
    told: Told,
    me: Option<ParticipantId>,
    ended: Option<(EndReason, String)>,
}

impl Stay {
    async fn run(
        &mut self,
        call: &CallHandle,
        mut events: mpsc::UnboundedReceiver<CallEvent>,
        length: Option<Duration>,
    ) {
        let mut lines = standard_input();
        let mut interrupted = Box::pin(crate::interrupt::interrupted());
        let until = length.map(|length| Instant::now() + length);
        let mut leaving = false;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.event(event),
                    None => return,
                },
                Some(line) = lines.recv() => match Line::parse(&line) {
                    Ok(Line::Leave) => leaving |= leave(call, leaving),
                    Ok(line) => line.carry_out(call),
                    Err(problem) => eprintln!("{problem}"),
                },
                () = sleep_until(until), if !leaving => leaving |= leave(call, leaving),
                () = &mut interrupted, if !leaving => leaving |= leave(call, leaving),
            }
        }
    }

    /// Prints a line. When nobody reads any more, nothing is printed, and the call goes on.
    fn print(&mut self, text: &str) {
        if self.read {
            self.read = writeln!(std::io::stdout(), "{text}").is_ok();
        }
    }

    fn event(&mut self, event: CallEvent) {
        if self.events_shown {
            if let Ok(text) = serde_json::to_string(&event) {
                self.print(&text);
            }
        } else if let Some(text) = self.told.sentence(&event) {
            self.print(&text);
        }
        match event {
            CallEvent::State { state: CallState::Ended { reason, message } } => self.ended = Some((reason, message)),
            CallEvent::Joined { me, participants, .. } => {
                self.me = Some(me);
                for participant in &participants {
                    self.log.know(participant);
                }
            }
            CallEvent::ParticipantJoined { participant } | CallEvent::ParticipantUpdated { participant } => {
                self.log.know(&participant);
            }
            _ => {}
        }
    }
}

/// Begins to leave; the events end when it is done.
fn leave(call: &CallHandle, already: bool) -> bool {
    if !already {
        let call = call.clone();
        tokio::spawn(async move { call.leave().await });
    }
    true
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

/// Lines of standard input, read by a thread of their own so that the program can end while it waits for one. At the
/// end of the input the call goes on.
pub(crate) fn standard_input() -> mpsc::UnboundedReceiver<String> {
    let (lines, received) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    received
}

/// The name one has on this computer.
fn own_name(variable: impl Fn(&str) -> Option<String>) -> String {
    let known = ["USER", "USERNAME"].into_iter().filter_map(variable).map(|name| name.trim().to_owned());
    known.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "Guest".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_no_name_has_the_one_of_the_login() {
        assert_eq!(own_name(|name| (name == "USER").then(|| "bo".into())), "bo");
        assert_eq!(own_name(|name| (name == "USERNAME").then(|| "Bo".into())), "Bo");
        assert_eq!(own_name(|_| Some(" ".into())), "Guest");
        assert_eq!(own_name(|_| None), "Guest");
    }
}
