//! A microphone of the sound system, by cpal.
//!
//! ```text
//! sound system's thread: buffer -> mono -> blocks (lock-free queue, nothing allocated)
//! our thread:            blocks -> resample -> 10 ms chunks -> channel
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{ErrorKind, FromSample, InputCallbackInfo, SizedSample};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use crossbeam_queue::ArrayQueue;

use super::chunker::Chunker;
use super::{AudioChunk, MicrophoneStream, Outlet, start};
use crate::capture::CaptureError;
use crate::devices::audio_host::{self, Direction, Lease};
use crate::devices::stream_config::{self, Plan, with_sample_type};
use crate::devices::{DeviceKind, when_removed};

/// The sound server's answer is waited for this long.
const OPEN: Duration = Duration::from_secs(5);

/// What is asked for at a time: a chunk.
const PERIOD: Duration = Duration::from_millis(10);

/// A microphone that sends nothing for this long, not even silence, has stalled.
const STALLED: Duration = Duration::from_secs(3);

/// Most frames in a block: 10 ms at 48 kHz. Buffers of any length are brought to this: `PulseAudio` sends pieces of
/// half a millisecond when another program plays with little delay.
const BLOCK_FRAMES: usize = 480;

/// Blocks between the two threads: over half a second, more than a busy machine ever keeps our thread waiting.
const QUEUE_BLOCKS: usize = 64;

/// Mono samples at the device's rate.
#[derive(Clone, Copy)]
struct Block {
    samples: [f32; BLOCK_FRAMES],
    length: usize,
    /// When the first sample reached us, if samples came one by one.
    arrived: Instant,
    /// When the first sample was captured, as the device tells it.
    captured_at: Instant,
}

impl Block {
    fn empty() -> Self {
        let now = Instant::now();
        Self { samples: [0.0; BLOCK_FRAMES], length: 0, arrived: now, captured_at: now }
    }
}

/// Opens the microphone with this id or name, or the default one.
pub(super) fn open(choice: Option<&str>, chunks: Sender<AudioChunk>) -> Result<MicrophoneStream, CaptureError> {
    let (opened_sender, opened) = bounded(1);
    let wanted = choice.map(str::to_owned);
    let mut stream = start("", chunks, move |outlet, problems| {
        run(wanted.as_deref(), outlet, problems, &opened_sender);
    });
    // The stream is dropped, and its thread told to stop, when this fails.
    (stream.name, stream.id) = match opened.recv_timeout(OPEN) {
        Ok(result) => result?,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            return Err(CaptureError::Stalled { device: choice.unwrap_or("The default microphone").to_owned() });
        }
    };
    Ok(stream)
}

/// An opened stream that does not run yet.
struct Opened {
    stream: cpal::Stream,
    id: String,
    name: String,
    blocks: Arc<ArrayQueue<Block>>,
    overruns: Arc<AtomicU64>,
    errors: Receiver<cpal::Error>,
}

fn run(
    choice: Option<&str>,
    outlet: &Outlet,
    problems: &Sender<CaptureError>,
    opened_sender: &Sender<Result<(String, String), CaptureError>>,
) {
    // Lives longer than the stream, which is declared after it.
    let lease = Lease::take();
    let opened = prepare(lease.host(), choice).and_then(|(opened, chunker)| {
        opened.stream.play().map_err(|error| capture_error(&opened.name, &error))?;
        Ok((opened, chunker))
    });
    let (opened, mut chunker) = match opened {
        Ok(pair) => pair,
        Err(error) => {
            let _ = opened_sender.send(Err(error));
            return;
        }
    };
    let _ = opened_sender.send(Ok((opened.name.clone(), opened.id.clone())));

    let removed = Arc::new(AtomicBool::new(false));
    watch(&opened.id, outlet, &removed);
    let mut last_sound = Instant::now();
    while !outlet.is_stopped() {
        while let Some(block) = opened.blocks.pop() {
            last_sound = Instant::now();
            let mut wanted = true;
            let samples = &block.samples[..block.length];
            if let Err(error) =
                chunker.push(samples, block.arrived, block.captured_at, |chunk| wanted &= outlet.send(chunk))
            {
                let _ = problems.send(failed(&opened.name, &error));
                return;
            }
            if !wanted {
                return;
            }
        }
        outlet.add_missed(opened.overruns.swap(0, Ordering::Relaxed));
        if let Some(problem) = problem(&opened, &removed, last_sound) {
            tracing::info!(%problem, "microphone ended");
            let _ = problems.send(problem);
            return;
        }
        thread::park_timeout(Duration::from_millis(50));
    }
}

/// Sets `removed` when the device is no longer listed.
fn watch(id: &str, outlet: &Outlet, removed: &Arc<AtomicBool>) {
    let shared = outlet.shared();
    let removed = Arc::clone(removed);
    let thread = thread::current();
    when_removed(
        DeviceKind::Microphone,
        id.to_owned(),
        move || !shared.is_stopped(),
        move || {
            removed.store(true, Ordering::Relaxed);
            thread.unpark();
        },
    );
}

fn problem(opened: &Opened, removed: &AtomicBool, last_sound: Instant) -> Option<CaptureError> {
    let device = || opened.name.clone();
    if removed.load(Ordering::Relaxed) {
        return Some(CaptureError::DeviceLost { device: device() });
    }
    while let Ok(error) = opened.errors.try_recv() {
        match error.kind() {
            ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
            ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated | ErrorKind::HostUnavailable => {
                return Some(CaptureError::DeviceLost { device: device() });
            }
            _ => return Some(capture_error(&opened.name, &error)),
        }
    }
    (last_sound.elapsed() > STALLED).then(|| CaptureError::Stalled { device: device() })
}

fn prepare(host: &cpal::Host, choice: Option<&str>) -> Result<(Opened, Chunker), CaptureError> {
    let device = audio_host::find(host, Direction::Input, choice).ok_or_else(|| match choice {
        Some(device) => CaptureError::NotFound { device: device.to_owned() },
        None => CaptureError::NoMicrophone,
    })?;
    let name = audio_host::name_of(&device);
    let id = device.id().map_err(|error| capture_error(&name, &error))?.to_string();
    let plan = stream_config::plan(&device, Direction::Input)
        .ok_or_else(|| CaptureError::UnsupportedFormat { device: name.clone(), detail: "it lists none".into() })?;
    let blocks = Arc::new(ArrayQueue::new(QUEUE_BLOCKS));
    let overruns = Arc::new(AtomicU64::new(0));
    let (error_sender, errors) = unbounded();
    let build = |period| {
        let tap = Tap {
            blocks: Arc::clone(&blocks),
            overruns: Arc::clone(&overruns),
            reader: thread::current(),
            channels: usize::from(plan.channels),
            rate: plan.rate,
            filling: Block::empty(),
        };
        build(&device, plan, period, tap, error_sender.clone())
    };
    let stream = if audio_host::needs_default_buffer(host.id()) {
        build(None)
    } else {
        build(Some(PERIOD)).or_else(|_| build(None))
    }
    .map_err(|error| capture_error(&name, &error))?;
    tracing::debug!(%name, rate = plan.rate, channels = plan.channels, "microphone opened");
    let chunker = Chunker::new(plan.rate).map_err(|error| failed(&name, &error))?;
    Ok((Opened { stream, id, name, blocks, overruns, errors }, chunker))
}

fn failed(name: &str, error: &dyn std::fmt::Display) -> CaptureError {
    CaptureError::Failed { device: name.to_owned(), detail: error.to_string() }
}

fn build(
    device: &cpal::Device,
    plan: Plan,
    period: Option<Duration>,
    mut tap: Tap,
    errors: Sender<cpal::Error>,
) -> Result<cpal::Stream, cpal::Error> {
    let config = plan.config(period);
    let on_error = move |error| {
        let _ = errors.send(error);
    };
    with_sample_type!(
        plan.samples,
        T => device.build_input_stream(config, move |data: &[T], info: &InputCallbackInfo| tap.take(data, info), on_error, Some(OPEN)),
        Err(cpal::Error::new(ErrorKind::UnsupportedConfig))
    )
}

/// What runs in the sound system's thread: no lock, no allocation, no wait.
struct Tap {
    blocks: Arc<ArrayQueue<Block>>,
    overruns: Arc<AtomicU64>,
    reader: Thread,
    channels: usize,
    rate: u32,
    /// The block being filled.
    filling: Block,
}

impl Tap {
    /// Frames that make a block full: 10 ms, where that fits.
    fn full(&self) -> usize {
        (self.rate as usize / 100).clamp(1, BLOCK_FRAMES)
    }

    fn take<T>(&mut self, data: &[T], info: &InputCallbackInfo)
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let now = Instant::now();
        let times = info.timestamp();
        let delay = times.callback.saturating_duration_since(times.capture);
        let captured_at = now.checked_sub(delay).unwrap_or(now);
        let frames = data.len() / self.channels.max(1);
        let rate = u64::from(self.rate.max(1));
        let length = |frames: usize| Duration::from_nanos(frames as u64 * 1_000_000_000 / rate);
        let arrived = now.checked_sub(length(frames)).unwrap_or(now);
        for (index, frame) in data.chunks_exact(self.channels).enumerate() {
            if self.filling.length == 0 {
                self.filling.arrived = arrived + length(index);
                self.filling.captured_at = captured_at + length(index);
            }
            let sum: f32 = frame.iter().map(|sample| sample.to_sample::<f32>()).sum();
            self.filling.samples[self.filling.length] = sum / self.channels as f32;
            self.filling.length += 1;
            if self.filling.length == self.full() {
                self.hand_over();
            }
        }
    }

    fn hand_over(&mut self) {
        if self.blocks.push(self.filling).is_err() {
            self.overruns.fetch_add(1, Ordering::Relaxed);
        }
        self.filling.length = 0;
        self.reader.unpark();
    }
}

fn capture_error(name: &str, error: &cpal::Error) -> CaptureError {
    let device = name.to_owned();
    match error.kind() {
        ErrorKind::DeviceNotAvailable => CaptureError::NotFound { device },
        ErrorKind::DeviceBusy => CaptureError::Busy { device },
        ErrorKind::PermissionDenied => CaptureError::NotAllowed {
            device,
            advice: "Allow the microphone for Confab in the system's privacy settings.",
        },
        ErrorKind::UnsupportedConfig => CaptureError::UnsupportedFormat { device, detail: error.to_string() },
        _ => failed(name, error),
    }
}
