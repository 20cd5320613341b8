//! A person in a call: a `confab-cli join` under way.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use confab_protocol::RoomCode;
use serde_json::Value;

use super::error::{LabError, Outcome};
use super::namespace::Namespace;
use super::process::{Process, Running};
use super::programs::program;
use super::room_view::RoomView;
use super::stats_file::StatsFile;

/// Joining takes well under a second; a loaded machine in a debug build gets more.
const JOIN_WITHIN: Duration = Duration::from_secs(20);

/// How somebody joins. The default sends the test picture and the test speech and plays into a clocked nothing.
#[derive(Clone, Debug)]
pub struct PersonOptions<'a> {
    name: String,
    computer: Option<&'a Namespace>,
    folder: PathBuf,
    camera: String,
    microphone: String,
    speaker: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl<'a> PersonOptions<'a> {
    pub(super) fn new(name: &str, folder: &Path) -> Self {
        Self {
            name: name.into(),
            computer: None,
            folder: folder.into(),
            camera: "test".into(),
            microphone: "test".into(),
            speaker: "none".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// At another computer.
    #[must_use]
    pub fn inside(mut self, computer: &'a Namespace) -> Self {
        self.computer = Some(computer);
        self
    }

    /// Another camera: `test`, `none`, a Y4M file or a device.
    #[must_use]
    pub fn camera(mut self, camera: impl Into<String>) -> Self {
        self.camera = camera.into();
        self
    }

    /// Another microphone: `test`, `none`, a WAV file or a device.
    #[must_use]
    pub fn microphone(mut self, microphone: impl Into<String>) -> Self {
        self.microphone = microphone.into();
        self
    }

    /// Another speaker: `none` or a device.
    #[must_use]
    pub fn speaker(mut self, speaker: impl Into<String>) -> Self {
        self.speaker = speaker.into();
        self
    }

    /// More arguments of `confab-cli join`.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// More environment variables, as for a sound server.
    #[must_use]
    pub fn envs(mut self, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(environment);
        self
    }

    /// Saves what the speaker is given to a folder of the experiment.
    #[must_use]
    pub fn saving_audio(self) -> Self {
        let folder = self.folder.join(format!("{}-audio", self.name));
        self.args(["--save-audio".into(), folder.display().to_string()])
    }

    /// Saves received pictures to a folder of the experiment.
    #[must_use]
    pub fn saving_video(self) -> Self {
        let folder = self.folder.join(format!("{}-video", self.name));
        self.args(["--save-video".into(), folder.display().to_string()])
    }

    /// Starts the program; it may not have joined yet.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(self, server: SocketAddr, room: &RoomCode) -> Outcome<Person> {
        self.start_at(&format!("http://{server}/m/{room}"))
    }

    /// The same with a meeting's link.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_at(self, link: &str) -> Outcome<Person> {
        let stats = self.folder.join(format!("{}-stats.json", self.name));
        let mut process = Process::new(&program("confab-cli")?, &self.name, &self.folder);
        if let Some(computer) = self.computer {
            process = process.inside(computer)?;
        }
        let running = process
            .args(["join", link, "--name", &self.name, "--events"])
            .args(["--camera", &self.camera, "--microphone", &self.microphone, "--speaker", &self.speaker])
            .args(["--stats".into(), stats.display().to_string()])
            .args(&self.arguments)
            .envs(self.environment.iter().cloned())
            .start()?;
        Ok(Person { name: self.name, running, taken: 0, view: RoomView::default(), stats })
    }

    /// Starts the program and waits until its media path is up.
    ///
    /// # Errors
    /// When it does not get into the room.
    pub fn join(self, server: SocketAddr, room: &RoomCode) -> Outcome<Person> {
        let mut person = self.start(server, room)?;
        let name = person.name.clone();
        person.wait_until("being connected", JOIN_WITHIN, |room| room.is_connected(&name))?;
        Ok(person)
    }
}

/// Somebody in a call. Dropping it kills the program.
#[derive(Debug)]
pub struct Person {
    name: String,
    running: Running,
    /// Lines of the program that `view` has taken in.
    taken: usize,
    view: RoomView,
    stats: PathBuf,
}

impl Person {
    /// Shown name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Waits until the person's view of the room satisfies `wanted`; gives the time of the event that made it so. A view
    /// that satisfies it already gives the time of the last event before.
    ///
    /// # Errors
    /// [`LabError::TimedOut`] with the view as it is, or [`LabError::Ended`].
    pub fn wait_until(&mut self, what: &str, within: Duration, wanted: impl Fn(&RoomView) -> bool) -> Outcome<Instant> {
        self.take_in_news(&wanted);
        if wanted(&self.view) {
            return Ok(self.view.at.unwrap_or_else(Instant::now));
        }
        let view = &mut self.view;
        let waited = self.running.wait_for_line(what, within, self.taken, |line| {
            take_in(view, line);
            wanted(view).then_some(line.at)
        });
        match waited {
            Ok((line, at)) => {
                self.taken = line + 1;
                Ok(at)
            }
            Err(LabError::TimedOut { who, what, within, seen }) => {
                self.taken = self.running.lines_from(0).len();
                let seen = format!("The room as {who} sees it: {}\n{seen}", describe(&self.view));
                Err(LabError::TimedOut { who, what, within, seen })
            }
            Err(other) => Err(other),
        }
    }

    /// The room as the person sees it now.
    pub fn view(&mut self) -> &RoomView {
        self.take_in_news(&|_| false);
        &self.view
    }

    /// Asserts that the person's view satisfies `wanted` all the time until `until`, looked at after each event.
    ///
    /// # Errors
    /// When it does not, or the program ends.
    pub fn stays(&mut self, what: &str, until: Instant, wanted: impl Fn(&RoomView) -> bool) -> Outcome {
        let within = until.saturating_duration_since(Instant::now());
        match self.wait_until(what, within, |view| !wanted(view)) {
            Err(LabError::TimedOut { .. }) => Ok(()),
            Ok(_) => Err(LabError::Unexpected(format!(
                "{}: {what} did not last. The room as seen: {}",
                self.name,
                describe(&self.view)
            ))),
            Err(other) => Err(other),
        }
    }

    /// Gives the program a command, as `mute` or `say hello`.
    ///
    /// # Errors
    /// When it has ended.
    pub fn command(&mut self, line: &str) -> Outcome {
        self.running.write_line(line)
    }

    /// All events so far, oldest first, with their times.
    pub fn events(&self) -> Vec<(Instant, Value)> {
        let lines = self.running.lines_from(0);
        lines.into_iter().filter_map(|line| Some((line.at, serde_json::from_str(&line.text).ok()?))).collect()
    }

    /// Kills the program (SIGKILL).
    pub fn kill(&mut self) {
        self.running.kill();
    }

    /// Lets the program do nothing for so long, as a busy machine does.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn stand_still(&self, time: Duration) -> Outcome {
        self.running.stand_still(time)
    }

    /// Leaves and waits for the program's end.
    ///
    /// # Errors
    /// When it fails or goes on.
    pub fn leave(&mut self) -> Outcome {
        self.command("leave")?;
        self.running.succeed(Duration::from_secs(15))
    }

    /// Waits for the program to end by itself.
    ///
    /// # Errors
    /// When it fails or goes on.
    pub fn finish(&mut self, within: Duration) -> Outcome {
        self.running.succeed(within)
    }

    /// The statistics the program wrote at its end.
    ///
    /// # Errors
    /// When there are none.
    pub fn stats(&self) -> Outcome<StatsFile> {
        StatsFile::read(&self.stats)
    }

    fn take_in_news(&mut self, wanted: &impl Fn(&RoomView) -> bool) {
        for line in self.running.lines_from(self.taken) {
            if wanted(&self.view) {
                return;
            }
            self.taken += 1;
            take_in(&mut self.view, &line);
        }
    }
}

fn take_in(view: &mut RoomView, line: &super::process::Line) {
    if let Ok(event) = serde_json::from_str::<Value>(&line.text) {
        view.take_in(&event, line.at);
    }
}

fn describe(view: &RoomView) -> String {
    let members: Vec<String> = view
        .members
        .values()
        .map(|member| {
            let tracks: Vec<String> = member
                .info
                .tracks
                .iter()
                .map(|track| format!("{:?}{}", track.source, if track.muted { " muted" } else { "" }))
                .collect();
            format!("{} {:?} [{}]", member.info.name, member.info.connection, tracks.join(", "))
        })
        .collect();
    format!("{}, joined {} times; {}; left: {:?}", view.state, view.joins, members.join("; "), view.left)
}
