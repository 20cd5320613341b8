//! A speaker of the sound system, by cpal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{ErrorKind, FromSample, OutputCallbackInfo, SizedSample};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use super::rechunk::Rechunk;
use super::{PlaybackError, Pull, Shared, SpeakerStream, start};
use crate::devices::audio_host::{self, Direction, Role};
use crate::devices::stream_config::{self, Plan, with_sample_type};
use crate::devices::{DeviceKind, when_removed};

/// The sound server's answer is waited for this long.
const OPEN: Duration = Duration::from_secs(5);

/// A speaker that asks for nothing for this long has stalled.
const STALLED: Duration = Duration::from_secs(3);

/// Opens the speaker with this id or name, or the default one.
pub(super) fn open(choice: Option<&str>, pull: Pull) -> Result<SpeakerStream, PlaybackError> {
    let (opened_sender, opened) = bounded(1);
    let wanted = choice.map(str::to_owned);
    let mut stream = start("", move |shared, problems| {
        run(wanted.as_deref(), pull, shared, problems, &opened_sender);
    });
    // The stream is dropped, and its thread told to stop, when this fails.
    stream.name = match opened.recv_timeout(OPEN) {
        Ok(result) => result?,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            return Err(PlaybackError::Stalled {
                device: choice.unwrap_or("The default speaker").to_owned(),
            });
        }
    };
    Ok(stream)
}

/// An opened stream that does not run yet.
struct Opened {
    stream: cpal::Stream,
    id: String,
    name: String,
    errors: Receiver<cpal::Error>,
}

fn run(
    choice: Option<&str>,
    pull: Pull,
    shared: &Arc<Shared>,
    problems: &Sender<PlaybackError>,
    opened_sender: &Sender<Result<String, PlaybackError>>,
) {
    let opened = audio_host::with_host(Role::Speaker, |host| prepare(host, choice, pull, shared)).and_then(|opened| {
        opened
            .stream
            .play()
            .map_err(|error| playback_error(&opened.name, &error))?;
        Ok(opened)
    });
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let _ = opened_sender.send(Err(error));
            return;
        }
    };
    let _ = opened_sender.send(Ok(opened.name.clone()));

    let removed = Arc::new(AtomicBool::new(false));
    watch(&opened.id, shared, &removed);
    let mut progress = (0, Instant::now());
    while !shared.is_stopped() {
        let pulled = shared.pulled.load(Ordering::Relaxed);
        if pulled != progress.0 {
            progress = (pulled, Instant::now());
        }
        if let Some(problem) = problem(&opened, &removed, shared, progress.1) {
            tracing::info!(%problem, "speaker ended");
            let _ = problems.send(problem);
            return;
        }
        thread::park_timeout(Duration::from_millis(100));
    }
}

/// Sets `removed` when the device is no longer listed.
fn watch(id: &str, shared: &Arc<Shared>, removed: &Arc<AtomicBool>) {
    let shared = Arc::clone(shared);
    let removed = Arc::clone(removed);
    let thread = thread::current();
    when_removed(
        DeviceKind::Speaker,
        id.to_owned(),
        move || !shared.is_stopped(),
        move || {
            removed.store(true, Ordering::Relaxed);
            thread.unpark();
        },
    );
}

fn problem(
    opened: &Opened,
    removed: &AtomicBool,
    shared: &Shared,
    last_pull: Instant,
) -> Option<PlaybackError> {
    let device = || opened.name.clone();
    if removed.load(Ordering::Relaxed) {
        return Some(PlaybackError::DeviceLost { device: device() });
    }
    while let Ok(error) = opened.errors.try_recv() {
        match error.kind() {
            ErrorKind::Xrun => {
                shared.underruns.fetch_add(1, Ordering::Relaxed);
            }
            ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
            ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated | ErrorKind::HostUnavailable => {
                return Some(PlaybackError::DeviceLost { device: device() });
            }
            _ => return Some(playback_error(&opened.name, &error)),
        }
    }
    (last_pull.elapsed() > STALLED).then(|| PlaybackError::Stalled { device: device() })
}

fn prepare(
    host: &cpal::Host,
    choice: Option<&str>,
    pull: Pull,
    shared: &Arc<Shared>,
) -> Result<Opened, PlaybackError> {
    let device = audio_host::find(host, Direction::Output, choice).ok_or_else(|| match choice {
        Some(device) => PlaybackError::NotFound {
            device: device.to_owned(),
        },
        None => PlaybackError::NoSpeaker,
    })?;
    let name = audio_host::name_of(&device);
    let id = device.id().map_err(|error| playback_error(&name, &error))?.to_string();
    let plan = stream_config::plan(&device, Direction::Output).ok_or_else(|| PlaybackError::UnsupportedFormat {
        device: name.clone(),
        detail: "it lists none".into(),
    })?;
    let sound = Rechunk::new(plan.rate, pull).map_err(|error| PlaybackError::UnsupportedFormat {
        device: name.clone(),
        detail: error.to_string(),
    })?;
    // Shared by two attempts, of which at most one runs: the lock below is never waited for.
    let sound = Arc::new(Mutex::new(sound));
    let (error_sender, errors) = unbounded();
    let build = |fixed_buffer| {
        let feed = Feed {
            sound: Arc::clone(&sound),
            shared: Arc::clone(shared),
            channels: usize::from(plan.channels),
        };
        build(&device, plan, fixed_buffer, feed, error_sender.clone())
    };
    let stream = if audio_host::needs_default_buffer(host.id()) {
        build(false)
    } else {
        build(true).or_else(|_| build(false))
    }
    .map_err(|error| playback_error(&name, &error))?;
    tracing::debug!(%name, rate = plan.rate, channels = plan.channels, "speaker opened");
    Ok(Opened {
        stream,
        id,
        name,
        errors,
    })
}

fn build(
    device: &cpal::Device,
    plan: Plan,
    fixed_buffer: bool,
    feed: Feed,
    errors: Sender<cpal::Error>,
) -> Result<cpal::Stream, cpal::Error> {
    let config = plan.config(fixed_buffer);
    let on_error = move |error| {
        let _ = errors.send(error);
    };
    with_sample_type!(
        plan.samples,
        T => device.build_output_stream(config, move |data: &mut [T], info: &OutputCallbackInfo| feed.give(data, info), on_error, Some(OPEN)),
        Err(cpal::Error::new(ErrorKind::UnsupportedConfig))
    )
}

/// What runs in the sound system's thread.
struct Feed {
    sound: Arc<Mutex<Rechunk>>,
    shared: Arc<Shared>,
    channels: usize,
}

impl Feed {
    fn give<T>(&self, data: &mut [T], info: &OutputCallbackInfo)
    where
        T: SizedSample + FromSample<f32>,
    {
        let mut sound = match self.sound.try_lock() {
            Ok(sound) => sound,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // The buffer holds silence already.
            Err(TryLockError::WouldBlock) => return,
        };
        let times = info.timestamp();
        let delay = times.playback.saturating_duration_since(times.callback);
        let latency = delay.as_micros() as u64 + sound.waiting_us();
        for frame in data.chunks_exact_mut(self.channels) {
            let sample = T::from_sample(sound.next_sample().clamp(-1.0, 1.0));
            // Both ears; what more channels there are (rear, bass) stay silent.
            for channel in frame.iter_mut().take(2) {
                *channel = sample;
            }
        }
        self.shared.latency_us.store(latency, Ordering::Relaxed);
        self.shared.pulled.store(sound.pulled(), Ordering::Relaxed);
    }
}

fn playback_error(name: &str, error: &cpal::Error) -> PlaybackError {
    let device = name.to_owned();
    match error.kind() {
        ErrorKind::DeviceNotAvailable => PlaybackError::NotFound { device },
        ErrorKind::DeviceBusy => PlaybackError::Busy { device },
        ErrorKind::UnsupportedConfig => PlaybackError::UnsupportedFormat {
            device,
            detail: error.to_string(),
        },
        _ => PlaybackError::Failed {
            device,
            detail: error.to_string(),
        },
    }
}
