//! Keeps a microphone and a speaker open, each on a thread of its own, because devices take their time to open and
//! close. When one fails, the default one takes its place, or none; the call goes on and the person is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, after, never, select, unbounded};

use super::event::{MediaDevice, ProblemReason};
use crate::capture::{AudioChunk, CaptureError, MicrophoneChoice, MicrophoneStream, open_microphone};
use crate::playback::{PlaybackError, SpeakerChoice, SpeakerStream, open_speaker};
use crate::receive::voice::Mixdown;

/// How often the speaker is asked for its latency.
const LATENCY_INTERVAL: Duration = Duration::from_millis(500);

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
        let notice: Arc<dyn Fn(SoundNotice) + Send + Sync> = Arc::new(notice);
        let (microphone, microphone_in) = unbounded();
        let (speaker, speaker_in) = unbounded();
        let mine = notice.clone();
        if let Some(chunks) = chunks {
            spawn("microphone", move || keep_microphone(&microphone_in, &chunks, &*mine));
        }
        spawn("speaker", move || keep_speaker(&speaker_in, mixdown, &*notice));
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

fn keep_microphone(
    choices: &Receiver<MicrophoneChoice>,
    chunks: &Sender<AudioChunk>,
    notice: &(dyn Fn(SoundNotice) + Send + Sync),
) {
    let mut stream: Option<MicrophoneStream> = None;
    loop {
        let problems = stream.as_ref().map_or_else(never, |stream| stream.problems().clone());
        let choice = select! {
            recv(choices) -> choice => match choice {
                Ok(choice) => choice,
                Err(_) => return,
            },
            recv(problems) -> problem => {
                let Ok(problem) = problem else {
                    stream = None;
                    continue;
                };
                drop(stream.take());
                stream = replace_microphone(&problem, true, chunks, notice);
                notice(SoundNotice::Microphone { on: stream.is_some() });
                continue;
            }
        };
        drop(stream.take());
        if choice != MicrophoneChoice::None {
            stream = match open_microphone(&choice, chunks.clone()) {
                Ok(stream) => Some(stream),
                Err(error) => replace_microphone(&error, matches!(choice, MicrophoneChoice::Device(_)), chunks, notice),
            };
        }
        notice(SoundNotice::Microphone { on: stream.is_some() });
    }
}

/// Opens the default microphone in place of one that failed, and says so.
fn replace_microphone(
    error: &CaptureError,
    another: bool,
    chunks: &Sender<AudioChunk>,
    notice: &(dyn Fn(SoundNotice) + Send + Sync),
) -> Option<MicrophoneStream> {
    let stream = another.then(|| open_microphone(&MicrophoneChoice::Default, chunks.clone()).ok()).flatten();
    let then = match &stream {
        Some(_) => "The default microphone is used instead.",
        None => "The others do not hear you until you choose another microphone.",
    };
    notice(SoundNotice::Problem {
        device: MediaDevice::Microphone,
        reason: capture_reason(error),
        message: format!("{error} {then}"),
        lost: stream.is_none(),
    });
    stream
}

fn keep_speaker(choices: &Receiver<SpeakerChoice>, mixdown: Mixdown, notice: &(dyn Fn(SoundNotice) + Send + Sync)) {
    let latency = mixdown.speaker_latency();
    // One speaker pulls at a time; the lock is only ever waited for while one takes over from another.
    let mixdown = Arc::new(Mutex::new(mixdown));
    let mut stream: Option<SpeakerStream> = None;
    loop {
        let problems = stream.as_ref().map_or_else(never, |stream| stream.problems().clone());
        let choice = select! {
            recv(choices) -> choice => match choice {
                Ok(choice) => choice,
                Err(_) => return,
            },
            recv(problems) -> problem => {
                let Ok(problem) = problem else {
                    stream = None;
                    continue;
                };
                drop(stream.take());
                stream = replace_speaker(&problem, true, &mixdown, notice);
                continue;
            }
            recv(after(LATENCY_INTERVAL)) -> _ => {
                note_latency(stream.as_ref(), &latency);
                continue;
            }
        };
        drop(stream.take());
        stream = match open_speaker(&choice, pull(&mixdown)) {
            Ok(stream) => Some(stream),
            Err(error) => replace_speaker(&error, matches!(choice, SpeakerChoice::Device(_)), &mixdown, notice),
        };
        note_latency(stream.as_ref(), &latency);
    }
}

fn note_latency(stream: Option<&SpeakerStream>, latency: &AtomicU64) {
    let now = stream.map(SpeakerStream::latency).unwrap_or_default();
    latency.store(now.as_micros() as u64, Ordering::Relaxed);
}

/// What a speaker calls for its next 10 ms.
type Pull = Box<dyn FnMut(&mut [f32; confab_media::FRAME_SAMPLES]) + Send>;

fn pull(mixdown: &Arc<Mutex<Mixdown>>) -> Pull {
    let mixdown = mixdown.clone();
    Box::new(move |out| mixdown.lock().unwrap_or_else(PoisonError::into_inner).pull(Instant::now(), out))
}

/// Opens the default speaker in place of one that failed, or none, and says so. Even without a speaker sound is pulled
/// at its pace, so that recordings go on and buffers do not fill.
fn replace_speaker(
    error: &PlaybackError,
    another: bool,
    mixdown: &Arc<Mutex<Mixdown>>,
    notice: &(dyn Fn(SoundNotice) + Send + Sync),
) -> Option<SpeakerStream> {
    let default = another.then(|| open_speaker(&SpeakerChoice::Default, pull(mixdown)).ok()).flatten();
    let lost = default.is_none();
    let then = if lost {
        "You do not hear the others until you choose another speaker."
    } else {
        "The default speaker is used instead."
    };
    notice(SoundNotice::Problem {
        device: MediaDevice::Speaker,
        reason: playback_reason(error),
        message: format!("{error} {then}"),
        lost,
    });
    default.or_else(|| open_speaker(&SpeakerChoice::None, pull(mixdown)).ok())
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

fn playback_reason(error: &PlaybackError) -> ProblemReason {
    match error {
        PlaybackError::NoSpeaker | PlaybackError::NotFound { .. } => ProblemReason::Missing,
        PlaybackError::DeviceLost { .. } | PlaybackError::Stalled { .. } => ProblemReason::Lost,
        PlaybackError::Busy { .. } => ProblemReason::Busy,
        PlaybackError::UnsupportedFormat { .. } | PlaybackError::Failed { .. } => ProblemReason::Failed,
    }
}
