//! The speaker: asks for 10 ms of mono sound at 48 kHz whenever the sound card needs them.
//!
//! ```text
//! sound card's thread: pull (mixer, 480 samples) -> rechunk (rate, buffer length) -> every channel
//! no speaker:          a thread that pulls 100 times a second
//! ```

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

mod device;
mod rechunk;
mod silent;
mod supply;

/// Samples in a pull: 10 ms at 48 kHz.
pub const CHUNK_SAMPLES: usize = confab_media::FRAME_SAMPLES;

/// How long a closing speaker is waited for, so that it can be opened again at once.
const CLOSE: Duration = Duration::from_secs(1);

/// Fills the next 10 ms. Called from the sound card's thread: it has to be done within a few milliseconds and must
/// not wait for anything.
pub type Pull = Box<dyn FnMut(&mut [f32; CHUNK_SAMPLES]) + Send>;

/// Which speaker. Written `default`, `none`, or a device (its id or its name).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum SpeakerChoice {
    /// The system's default.
    #[default]
    Default,
    /// The speaker with this id (see [`crate::devices::DeviceInfo::id`]) or exactly this name.
    Device(String),
    /// Nothing is heard, but sound is pulled at its pace, so that it can be written to a file.
    None,
}

impl FromStr for SpeakerChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "" | "default" => Self::Default,
            "none" => Self::None,
            device => Self::Device(device.to_owned()),
        })
    }
}

impl fmt::Display for SpeakerChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Default => "default",
            Self::Device(device) => device,
            Self::None => "none",
        })
    }
}

/// Why nothing is heard.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlaybackError {
    /// The machine has no speaker at all.
    #[error("No speaker or headphones were found. Connect some and choose them, to hear the others.")]
    NoSpeaker,
    /// The chosen device is not (or no longer) in the list.
    #[error("\"{device}\" is not connected. Choose another one.")]
    NotFound {
        /// Name or id, as chosen.
        device: String,
    },
    /// The device went away while it was in use.
    #[error("\"{device}\" was disconnected.")]
    DeviceLost {
        /// Name for people.
        device: String,
    },
    /// The device is there but plays nothing.
    #[error("\"{device}\" stopped playing. Reconnect it or choose another one.")]
    Stalled {
        /// Name for people.
        device: String,
    },
    /// Another program has it.
    #[error("\"{device}\" is in use by another program. Close that program and try again.")]
    Busy {
        /// Name for people.
        device: String,
    },
    /// Nothing it offers can be used.
    #[error("\"{device}\" offers no format that Confab can use ({detail}).")]
    UnsupportedFormat {
        /// Name for people.
        device: String,
        /// What it does offer.
        detail: String,
    },
    /// Anything else the system says.
    #[error("\"{device}\" does not work: {detail}.")]
    Failed {
        /// Name for people.
        device: String,
        /// The system's words.
        detail: String,
    },
}

impl PlaybackError {
    /// Whether the device was there and is there no more, so that falling back to the default one makes sense.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::DeviceLost { .. } | Self::Stalled { .. })
    }
}

/// A running speaker. Dropping it stops it.
pub struct SpeakerStream {
    name: String,
    /// Empty for what stands in for a device.
    id: String,
    shared: Arc<Shared>,
    problems: Receiver<PlaybackError>,
    ended: Receiver<()>,
    thread: Option<Thread>,
}

/// What a speaker's threads and its handle see.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    latency_us: AtomicU64,
    pulled: AtomicU64,
    underruns: AtomicU64,
}

impl Shared {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl SpeakerStream {
    /// What names the device, as in [`crate::devices::DeviceInfo::id`]; empty for what is no device.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What goes wrong while it runs: at most one error, after which nothing is pulled any more.
    pub fn problems(&self) -> &Receiver<PlaybackError> {
        &self.problems
    }

    /// Time from a pull until its first sample is heard, as the device tells it at present; zero before the first
    /// pull and for [`SpeakerChoice::None`].
    pub fn latency(&self) -> Duration {
        Duration::from_micros(self.shared.latency_us.load(Ordering::Relaxed))
    }

    /// 10 ms chunks pulled so far.
    pub fn pulled(&self) -> u64 {
        self.shared.pulled.load(Ordering::Relaxed)
    }

    /// Times the device ran dry, as far as it tells or can be seen from how little it pulls.
    pub fn underruns(&self) -> u64 {
        self.shared.underruns.load(Ordering::Relaxed)
    }
}

impl Drop for SpeakerStream {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.unpark();
            // Nothing is ever sent: returns when the thread has let go of its end, or gives up on a hanging device.
            let _ = self.ended.recv_timeout(CLOSE);
        }
    }
}

/// Opens a speaker that pulls its sound from `pull`.
///
/// # Errors
/// Sentences for people: no speaker, in use elsewhere. What happens later comes through
/// [`SpeakerStream::problems`].
pub fn open_speaker(choice: &SpeakerChoice, pull: Pull) -> Result<SpeakerStream, PlaybackError> {
    match choice {
        SpeakerChoice::Default => device::open(None, pull),
        SpeakerChoice::Device(id) => device::open(Some(id), pull),
        SpeakerChoice::None => Ok(start("No speaker", move |shared, _| silent::play(shared, pull))),
    }
}

/// Runs a speaker in a thread of its own until it ends by itself or its stream is dropped.
fn start(name: &str, run: impl FnOnce(&Arc<Shared>, &Sender<PlaybackError>) + Send + 'static) -> SpeakerStream {
    let shared = Arc::new(Shared::default());
    let (problem_sender, problems) = unbounded();
    let (ended_sender, ended) = bounded::<()>(0);
    let theirs = Arc::clone(&shared);
    let spawned = thread::Builder::new().name("confab-speaker".into()).spawn(move || {
        let _ended = ended_sender;
        run(&theirs, &problem_sender);
    });
    SpeakerStream {
        id: String::new(),
        name: name.to_owned(),
        shared,
        problems,
        ended,
        thread: spawned.ok().map(|handle| handle.thread().clone()),
    }
}
