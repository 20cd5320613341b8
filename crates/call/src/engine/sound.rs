//! Keeps a microphone and a speaker open, each on a thread of its own, because devices take their time to open and
//! close. One whose stream ends is opened again; when that does not help, the default one takes its place, or none, and
//! the person is told. One that was taken away is used again when it is back. The call goes on in any case. What stands in for a device (a file, a test sound) is never replaced:
//! nobody goes on air with a microphone they did not choose.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, after, never, select, unbounded};

use super::event::{MediaDevice, ProblemReason};
use crate::capture::{AudioChunk, CaptureError, MicrophoneChoice, MicrophoneStream, open_microphone};
use crate::devices::{self, DeviceKind};
use crate::playback::{PlaybackError, Pull, SpeakerChoice, SpeakerStream, open_speaker};
use crate::receive::voice::Mixdown;

/// How often a device is looked at: a speaker tells its latency.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// A device that fails for the third time within this time is replaced.
const REOPEN_WINDOW: Duration = Duration::from_secs(30);

/// How often it is looked whether a device that was taken away is back.
const LOOK_FOR_LOST: Duration = Duration::from_secs(2);

/// So often is a device opened again in that time.
const REOPENINGS: usize = 2;

/// What is reported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SoundNotice {
    /// A microphone is open, or none is.
    Microphone {
        /// Open.
        on: bool,
    },
    /// A device failed.
    Problem {
        /// Which.
        device: MediaDevice,
        /// For programs.
        reason: ProblemReason,
        /// For the person: what happened and what is used instead.
        message: String,
        /// Nothing took its place.
        lost: bool,
    },
    /// A device that was taken away is back and in use again.
    Restored {
        /// Which.
        device: MediaDevice,
        /// Its name for people.
        name: String,
    },
}

/// The threads' door. Dropping it closes the devices.
pub struct Sounds {
    microphone: Option<Sender<MicrophoneChoice>>,
    speaker: Option<Sender<SpeakerChoice>>,
}

impl Sounds {
    /// Starts the threads; no device is opened yet. Without `chunks` no microphone ever is.
    pub fn start(
        mixdown: Mixdown,
        chunks: Option<Sender<AudioChunk>>,
        notice: impl Fn(SoundNotice) + Send + Sync + 'static,
    ) -> Self {
        let notice: Arc<Notice> = Arc::new(notice);
        let (microphone, microphone_in) = unbounded();
        let (speaker, speaker_in) = unbounded();
        if let Some(chunks) = chunks {
            let keeper = Keeper::new(Microphone { chunks }, notice.clone());
            spawn("microphone", move || keeper.run(&microphone_in));
        }
        let keeper = Keeper::new(Speaker::new(mixdown), notice);
        spawn("speaker", move || keeper.run(&speaker_in));
        Self { microphone: Some(microphone), speaker: Some(speaker) }
    }

    /// Opens this microphone in place of the one before.
    pub fn open_microphone(&self, choice: MicrophoneChoice) {
        if let Some(microphone) = &self.microphone {
            drop(microphone.send(choice));
        }
    }

    /// Opens this speaker in place of the one before.
    pub fn open_speaker(&self, choice: SpeakerChoice) {
        if let Some(speaker) = &self.speaker {
            drop(speaker.send(choice));
        }
    }

    /// Closes both devices; nothing is opened any more.
    pub fn close(&mut self) {
        self.microphone = None;
        self.speaker = None;
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) {
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(run) {
        tracing::error!(%error, name, "no thread for a device");
    }
}

/// What a microphone and a speaker have in common.
trait Device {
    type Choice: Default + Clone;
    type Stream;
    type Error: Display;

    const KIND: MediaDevice;
    /// What is said when the default device has taken the place of one that failed.
    const REPLACED: &str;
    /// What is said when nothing has.
    const LOST: &str;

    /// Opens a device; `None` when this choice means that there is none.
    fn open(&self, choice: &Self::Choice) -> Result<Option<Self::Stream>, Self::Error>;
    /// Whether the default device may take the place of this choice when it cannot be opened.
    fn is_replaceable(choice: &Self::Choice) -> bool;
    /// Whether this choice is the default device.
    fn is_default(choice: &Self::Choice) -> bool;
    /// Whether opening the device again may help: its stream ended. One that is there and does nothing would do nothing
    /// again.
    fn is_over(error: &Self::Error) -> bool;
    /// The choice that opens this device and no other, when it is there now.
    fn find(&self, id: &str) -> Option<Self::Choice>;
    /// What runs when no device does.
    fn without(&self) -> Option<Self::Stream>;
    fn name(stream: &Self::Stream) -> &str;
    /// What tells the device from all others, those of the same name too; empty for what is no device.
    fn id(stream: &Self::Stream) -> &str;
    fn problems(stream: &Self::Stream) -> &Receiver<Self::Error>;
    fn reason(error: &Self::Error) -> ProblemReason;
    /// Whether the error's own words tell what it means and what to do: there is no other device to choose.
    fn says_all(_error: &Self::Error) -> bool {
        false
    }
    /// Notes the delay of a stream, now and then and whenever another one runs.
    fn note_latency(&self, _stream: Option<&Self::Stream>) {}
    /// Called whenever another stream runs, or none.
    fn changed(&self, _stream: Option<&Self::Stream>, _notice: &Notice) {}
}

type Notice = dyn Fn(SoundNotice) + Send + Sync;

/// Keeps a stream of the chosen device running.
struct Keeper<D: Device> {
    device: D,
    choice: D::Choice,
    stream: Option<D::Stream>,
    /// When streams that ended were opened again without a word.
    reopened: Vec<Instant>,
    /// What was chosen and ran until it was taken away.
    away: Option<Away<D::Choice>>,
    notice: Arc<Notice>,
}

/// A device that ran and is gone.
struct Away<Choice> {
    choice: Choice,
    id: String,
    name: String,
}

impl<D: Device> Keeper<D> {
    fn new(device: D, notice: Arc<Notice>) -> Self {
        Self { device, choice: D::Choice::default(), stream: None, reopened: Vec::new(), away: None, notice }
    }

    /// Until nobody can choose any more.
    fn run(mut self, choices: &Receiver<D::Choice>) {
        let mut looked = Instant::now();
        loop {
            let problems = self.stream.as_ref().map_or_else(never, |stream| D::problems(stream).clone());
            select! {
                recv(choices) -> choice => match choice {
                    Ok(choice) => self.choose(choice),
                    Err(_) => return,
                },
                recv(problems) -> problem => if let Ok(problem) = problem {
                    self.failed(&problem);
                } else {
                    // Its thread is gone without having said why.
                    self.stream = self.device.without();
                    self.changed();
                },
                recv(after(LOOK_INTERVAL)) -> _ => self.device.note_latency(self.stream.as_ref()),
            }
            if self.away.is_some() && looked.elapsed() >= LOOK_FOR_LOST {
                looked = Instant::now();
                self.look_for_lost();
            }
        }
    }

    fn choose(&mut self, choice: D::Choice) {
        self.choice = choice;
        self.away = None;
        self.reopened.clear();
        self.stream = None;
        match self.device.open(&self.choice) {
            Ok(stream) => self.stream = stream,
            // The default device has just been tried.
            Err(error) => self.replace(&error, D::is_replaceable(&self.choice) && !D::is_default(&self.choice)),
        }
        self.changed();
    }

    fn failed(&mut self, problem: &D::Error) {
        let ended = self.stream.take();
        let name = ended.as_ref().map(|stream| D::name(stream).to_owned());
        let id = ended.as_ref().map(|stream| D::id(stream).to_owned()).filter(|id| !id.is_empty());
        // It is open until then, and a device opens only once.
        drop(ended);
        self.reopened.retain(|at| at.elapsed() < REOPEN_WINDOW);
        // A program that was stopped and goes on, or a computer that woke up, has lost its streams of devices that are
        // there.
        if D::is_over(problem)
            && self.reopened.len() < REOPENINGS
            && let Ok(Some(stream)) = self.device.open(&self.choice)
            && Some(D::name(&stream)) == name.as_deref()
        {
            tracing::info!(name, "a sound device was opened again");
            self.stream = Some(stream);
            self.reopened.push(Instant::now());
        } else {
            let choice = self.choice.clone();
            self.replace(problem, D::is_replaceable(&self.choice));
            // One that comes and goes all the time would change the sound all the time. Where a stand-in fails too, it is
            // still the chosen one that is waited for.
            if D::is_over(problem) && self.away.is_none() && self.reopened.len() < REOPENINGS {
                self.away = id.zip(name).map(|(id, name)| Away { choice, id, name });
            }
        }
        self.changed();
    }

    /// Uses a device again that was taken away, once it is back. Only that one: nobody goes on air with another.
    fn look_for_lost(&mut self) {
        let Some(away) = &self.away else { return };
        let Some(back) = self.device.find(&away.id) else { return };
        let Ok(Some(stream)) = self.device.open(&back) else { return };
        let Some(Away { choice, name, .. }) = self.away.take() else { return };
        tracing::info!(name, "a sound device is back");
        (self.choice, self.stream) = (choice, Some(stream));
        self.reopened.push(Instant::now());
        self.changed();
        (self.notice)(SoundNotice::Restored { device: D::KIND, name });
    }

    /// Opens the default device in place of one that failed, if that is allowed, or none, and says so.
    fn replace(&mut self, error: &D::Error, by_default: bool) {
        let default = D::Choice::default();
        self.stream = by_default.then(|| self.device.open(&default).ok().flatten()).flatten();
        let lost = self.stream.is_none();
        if lost {
            self.stream = self.device.without();
        } else {
            self.choice = default;
        }
        let then = if lost { D::LOST } else { D::REPLACED };
        let message = if lost && D::says_all(error) { error.to_string() } else { format!("{error} {then}") };
        let reason = D::reason(error);
        (self.notice)(SoundNotice::Problem { device: D::KIND, reason, message, lost });
    }

    fn changed(&self) {
        self.device.changed(self.stream.as_ref(), &*self.notice);
        self.device.note_latency(self.stream.as_ref());
    }
}

struct Microphone {
    chunks: Sender<AudioChunk>,
}

impl Device for Microphone {
    type Choice = MicrophoneChoice;
    type Stream = MicrophoneStream;
    type Error = CaptureError;

    const KIND: MediaDevice = MediaDevice::Microphone;
    const REPLACED: &str = "The default microphone is used instead.";
    const LOST: &str = "The others do not hear you until you choose another microphone.";

    fn open(&self, choice: &MicrophoneChoice) -> Result<Option<MicrophoneStream>, CaptureError> {
        if *choice == MicrophoneChoice::None {
            return Ok(None);
        }
        open_microphone(choice, self.chunks.clone()).map(Some)
    }

    fn is_replaceable(choice: &MicrophoneChoice) -> bool {
        matches!(choice, MicrophoneChoice::Default | MicrophoneChoice::Device(_))
    }

    fn is_default(choice: &MicrophoneChoice) -> bool {
        *choice == MicrophoneChoice::Default
    }

    fn is_over(error: &CaptureError) -> bool {
        matches!(error, CaptureError::DeviceLost { .. })
    }

    fn find(&self, id: &str) -> Option<MicrophoneChoice> {
        devices::has_sound(DeviceKind::Microphone, id).then(|| MicrophoneChoice::Device(id.to_owned()))
    }

    fn without(&self) -> Option<MicrophoneStream> {
        None
    }

    fn name(stream: &MicrophoneStream) -> &str {
        stream.name()
    }

    fn id(stream: &MicrophoneStream) -> &str {
        stream.id()
    }

    fn problems(stream: &MicrophoneStream) -> &Receiver<CaptureError> {
        stream.problems()
    }

    fn says_all(error: &CaptureError) -> bool {
        *error == CaptureError::NoMicrophone
    }

    fn reason(error: &CaptureError) -> ProblemReason {
        capture_reason(error)
    }

    fn changed(&self, stream: Option<&MicrophoneStream>, notice: &Notice) {
        notice(SoundNotice::Microphone { on: stream.is_some() });
    }
}

/// Even without a speaker sound is pulled at its pace, so that recordings go on and buffers do not fill.
struct Speaker {
    /// One speaker pulls at a time; the lock is only ever waited for while one takes over from another.
    mixdown: Arc<Mutex<Mixdown>>,
    latency: Arc<AtomicU64>,
}

impl Speaker {
    fn new(mixdown: Mixdown) -> Self {
        let latency = mixdown.speaker_latency();
        Self { mixdown: Arc::new(Mutex::new(mixdown)), latency }
    }

    fn pull(&self) -> Pull {
        let mixdown = self.mixdown.clone();
        Box::new(move |out| mixdown.lock().unwrap_or_else(PoisonError::into_inner).pull(Instant::now(), out))
    }
}

impl Device for Speaker {
    type Choice = SpeakerChoice;
    type Stream = SpeakerStream;
    type Error = PlaybackError;

    const KIND: MediaDevice = MediaDevice::Speaker;
    const REPLACED: &str = "The default speaker is used instead.";
    const LOST: &str = "You do not hear the others until you choose another speaker.";

    fn open(&self, choice: &SpeakerChoice) -> Result<Option<SpeakerStream>, PlaybackError> {
        open_speaker(choice, self.pull()).map(Some)
    }

    fn is_replaceable(choice: &SpeakerChoice) -> bool {
        matches!(choice, SpeakerChoice::Default | SpeakerChoice::Device(_))
    }

    fn is_default(choice: &SpeakerChoice) -> bool {
        *choice == SpeakerChoice::Default
    }

    fn is_over(error: &PlaybackError) -> bool {
        matches!(error, PlaybackError::DeviceLost { .. })
    }

    fn find(&self, id: &str) -> Option<SpeakerChoice> {
        devices::has_sound(DeviceKind::Speaker, id).then(|| SpeakerChoice::Device(id.to_owned()))
    }

    fn without(&self) -> Option<SpeakerStream> {
        open_speaker(&SpeakerChoice::None, self.pull()).ok()
    }

    fn name(stream: &SpeakerStream) -> &str {
        stream.name()
    }

    fn id(stream: &SpeakerStream) -> &str {
        stream.id()
    }

    fn problems(stream: &SpeakerStream) -> &Receiver<PlaybackError> {
        stream.problems()
    }

    fn says_all(error: &PlaybackError) -> bool {
        *error == PlaybackError::NoSpeaker
    }

    fn reason(error: &PlaybackError) -> ProblemReason {
        match error {
            PlaybackError::NoSpeaker | PlaybackError::NotFound { .. } => ProblemReason::Missing,
            PlaybackError::DeviceLost { .. } | PlaybackError::Stalled { .. } => ProblemReason::Lost,
            PlaybackError::Busy { .. } => ProblemReason::Busy,
            PlaybackError::UnsupportedFormat { .. } | PlaybackError::Failed { .. } => ProblemReason::Failed,
        }
    }

    fn note_latency(&self, stream: Option<&SpeakerStream>) {
        let latency = stream.map(SpeakerStream::latency).unwrap_or_default();
        self.latency.store(latency.as_micros() as u64, Ordering::Relaxed);
    }
}

/// What a capture error means to a program.
pub fn capture_reason(error: &CaptureError) -> ProblemReason {
    match error {
        CaptureError::NoCamera
        | CaptureError::NoMicrophone
        | CaptureError::NotFound { .. }
        | CaptureError::NoDisplay { .. }
        | CaptureError::NothingChosen => ProblemReason::Missing,
        CaptureError::DeviceLost { .. }
        | CaptureError::Stalled { .. }
        | CaptureError::WindowClosed
        | CaptureError::ScreenGone => ProblemReason::Lost,
        CaptureError::Busy { .. } => ProblemReason::Busy,
        CaptureError::NotAllowed { .. } => ProblemReason::Blocked,
        _ => ProblemReason::Failed,
    }
}

#[cfg(test)]
mod tests;
