//! The microphone: 10 ms chunks of mono sound at 48 kHz into a channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};

use super::{CaptureError, MicrophoneChoice, paced_sound};

mod chunker;
mod device;

/// Samples a second of every chunk.
pub const SAMPLE_RATE: u32 = confab_media::SAMPLE_RATE;

/// Samples in a chunk: 10 ms.
pub const CHUNK_SAMPLES: usize = confab_media::FRAME_SAMPLES;

/// How long a closing microphone is waited for, so that it can be opened again at once.
const CLOSE: Duration = Duration::from_secs(1);

/// 10 ms of sound.
#[derive(Clone, Debug)]
pub struct AudioChunk {
    /// Mono samples in `-1.0..=1.0`.
    pub samples: [f32; CHUNK_SAMPLES],
    /// When the first sample was in the air, by the device's own account of its delay.
    pub captured_at: Instant,
}

impl AudioChunk {
    /// How loud it is, as RFC 6464 sends it: dB under full scale, 0 (loudest) to 127 (silence).
    pub fn level(&self) -> u8 {
        confab_media::level::audio_level(&self.samples)
    }
}

/// A running microphone. Dropping it stops it.
pub struct MicrophoneStream {
    name: String,
    /// Empty for what stands in for a device.
    id: String,
    shared: Arc<Shared>,
    problems: Receiver<CaptureError>,
    ended: Receiver<()>,
    thread: Option<Thread>,
}

/// What a microphone's thread and its handle both see.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    stop: AtomicBool,
    missed: AtomicU64,
}

impl MicrophoneStream {
    /// Name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What names the device, as in [`crate::devices::DeviceInfo::id`]; empty for a file and the like.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What goes wrong while it runs: at most one error, after which no more chunks come. Disconnected when the
    /// stream has ended.
    pub fn problems(&self) -> &Receiver<CaptureError> {
        &self.problems
    }

    /// 10 ms chunks (or device buffers) lost because nobody took them in time.
    pub fn missed(&self) -> u64 {
        self.shared.missed.load(Ordering::Relaxed)
    }
}

impl Drop for MicrophoneStream {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.unpark();
            // Nothing is ever sent: returns when the thread has let go of its end, or gives up on a hanging device.
            let _ = self.ended.recv_timeout(CLOSE);
        }
    }
}

/// Where a microphone's thread puts its chunks.
pub(crate) struct Outlet {
    chunks: Sender<AudioChunk>,
    shared: Arc<Shared>,
}

impl Outlet {
    /// Hands a chunk over; one that nobody takes is counted. Answers whether to go on.
    pub(crate) fn send(&self, chunk: AudioChunk) -> bool {
        match self.chunks.try_send(chunk) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.shared.missed.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    /// Counts sound that was lost before it became a chunk.
    pub(crate) fn add_missed(&self, count: u64) {
        self.shared.missed.fetch_add(count, Ordering::Relaxed);
    }

    /// Whether the stream is to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// A view for others that want to know whether the stream still runs.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

impl Shared {
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Opens a microphone or what stands in for one; its chunks go into `chunks`, where a full channel loses them.
/// [`MicrophoneChoice::None`] gives a stream that never sends.
///
/// # Errors
/// Sentences for people: no microphone, in use elsewhere, not allowed, file unreadable. What happens later comes
/// through [`MicrophoneStream::problems`].
pub fn open_microphone(
    choice: &MicrophoneChoice,
    chunks: Sender<AudioChunk>,
) -> Result<MicrophoneStream, CaptureError> {
    match choice {
        MicrophoneChoice::Default => device::open(None, chunks),
        MicrophoneChoice::Device(id) => device::open(Some(id), chunks),
        MicrophoneChoice::File(path) => {
            let sound = paced_sound::Loop::from_wav(path)?;
            Ok(start("WAV file", chunks, move |outlet, _| sound.play(outlet)))
        }
        MicrophoneChoice::TestSpeech => Ok(start("Test speech", chunks, |outlet, _| {
            paced_sound::Loop::test_speech().play(outlet);
        })),
        MicrophoneChoice::None => Ok(MicrophoneStream {
            name: "No microphone".into(),
            id: String::new(),
            shared: Arc::default(),
            problems: crossbeam_channel::never(),
            ended: crossbeam_channel::never(),
            thread: None,
        }),
    }
}

/// Runs a microphone in a thread of its own until it ends by itself or its stream is dropped.
fn start(
    name: &str,
    chunks: Sender<AudioChunk>,
    run: impl FnOnce(&Outlet, &Sender<CaptureError>) + Send + 'static,
) -> MicrophoneStream {
    let shared = Arc::new(Shared::default());
    let outlet = Outlet { chunks, shared: Arc::clone(&shared) };
    let (problem_sender, problems) = unbounded();
    let (ended_sender, ended) = bounded::<()>(0);
    let spawned = thread::Builder::new().name("confab-microphone".into()).spawn(move || {
        let _ended = ended_sender;
        run(&outlet, &problem_sender);
    });
    MicrophoneStream {
        name: name.to_owned(),
        id: String::new(),
        shared,
        problems,
        ended,
        thread: spawned.ok().map(|handle| handle.thread().clone()),
    }
}
