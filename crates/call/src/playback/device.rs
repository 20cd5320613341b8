//! A speaker of the sound system, by cpal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{ErrorKind, FromSample, OutputCallbackInfo, SizedSample};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use super::rechunk::Rechunk;
use super::supply::Supply;
use super::{PlaybackError, Pull, Shared, SpeakerStream, start};
use crate::devices::audio_host::{self, Direction, Lease};
use crate::devices::stream_config::{self, Plan, with_sample_type};
use crate::devices::{DeviceKind, when_removed};

/// The sound server's answer is waited for this long.
const OPEN: Duration = Duration::from_secs(5);

/// Opens the speaker with this id or name, or the default one.
pub(super) fn open(choice: Option<&str>, pull: Pull) -> Result<SpeakerStream, PlaybackError> {
    let (opened_sender, opened) = bounded(1);
    let wanted = choice.map(str::to_owned);
    let mut stream = start("", move |shared, problems| {
        run(wanted.as_deref(), pull, shared, problems, &opened_sender);
    });
    // The stream is dropped, and its thread told to stop, when this fails.
    (stream.name, stream.id) = match opened.recv_timeout(OPEN) {
        Ok(result) => result?,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            return Err(PlaybackError::Stalled { device: choice.unwrap_or("The default speaker").to_owned() });
        }
    };
    Ok(stream)
}

/// Periods of the sound card's buffer, which holds two. Delay is worth more than safety to a call, so it begins with
/// the shortest one, and goes on to the next each time the device runs dry: on `PulseAudio`, whose sinks cpal drives at
/// their least latency, 10 ms starve on any busy machine, 20 ms seldom, 40 ms hardly ever (measured on two cores with
/// twelve busy processes: 52, 93, 98 % of real time).
const PERIODS: [Duration; 4] =
    [Duration::from_millis(20), Duration::from_millis(30), Duration::from_millis(40), Duration::from_millis(60)];

/// An opened device.
struct Opened {
    device: cpal::Device,
    id: String,
    name: String,
    plan: Plan,
    sound: Arc<Mutex<Rechunk>>,
    /// Length of a period by its place in [`PERIODS`]; `None` where the device must have its own way.
    period: Option<usize>,
}

/// One of a device's streams.
struct Running {
    /// Plays until it is dropped.
    _stream: cpal::Stream,
    errors: Receiver<cpal::Error>,
}

fn run(
    choice: Option<&str>,
    pull: Pull,
    shared: &Arc<Shared>,
    problems: &Sender<PlaybackError>,
    opened_sender: &Sender<Result<(String, String), PlaybackError>>,
) {
    // Lives longer than the stream, which is declared after it.
    let lease = Lease::take();
    let opened = find(lease.host(), choice, pull).and_then(|mut opened| {
        let running = opened.play(shared)?;
        Ok((opened, running))
    });
    let (mut opened, mut running) = match opened {
        Ok(pair) => pair,
        Err(error) => {
            let _ = opened_sender.send(Err(error));
            return;
        }
    };
    let _ = opened_sender.send(Ok((opened.name.clone(), opened.id.clone())));

    let removed = Arc::new(AtomicBool::new(false));
    watch(&opened.id, shared, &removed);
    let mut supply = Supply::new(Instant::now());
    while !shared.is_stopped() {
        let pulled = shared.pulled.load(Ordering::Relaxed);
        let ran_dry = supply.ran_dry(Instant::now(), pulled);
        let problem = problem(&opened.name, &running, &removed, shared, &supply);
        if ran_dry && problem.is_none() {
            shared.underruns.fetch_add(1, Ordering::Relaxed);
            if opened.lengthen_period() {
                // The old stream ends first: a connection to PulseAudio plays one at a time.
                drop(running);
                supply = Supply::new(Instant::now());
                running = match opened.play(shared) {
                    Ok(running) => running,
                    Err(error) => {
                        let _ = problems.send(error);
                        return;
                    }
                };
            }
        }
        if let Some(problem) = problem {
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
    name: &str,
    running: &Running,
    removed: &AtomicBool,
    shared: &Shared,
    supply: &Supply,
) -> Option<PlaybackError> {
    let device = || name.to_owned();
    if removed.load(Ordering::Relaxed) {
        return Some(PlaybackError::DeviceLost { device: device() });
    }
    while let Ok(error) = running.errors.try_recv() {
        match error.kind() {
            ErrorKind::Xrun => {
                shared.underruns.fetch_add(1, Ordering::Relaxed);
            }
            ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
            ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated | ErrorKind::HostUnavailable => {
                return Some(PlaybackError::DeviceLost { device: device() });
            }
            _ => return Some(playback_error(name, &error)),
        }
    }
    supply.is_stalled(Instant::now()).then(|| PlaybackError::Stalled { device: device() })
}

fn find(host: &cpal::Host, choice: Option<&str>, pull: Pull) -> Result<Opened, PlaybackError> {
    let device = audio_host::find(host, Direction::Output, choice).ok_or_else(|| match choice {
        Some(device) => PlaybackError::NotFound { device: device.to_owned() },
        None => PlaybackError::NoSpeaker,
    })?;
    let name = audio_host::name_of(&device);
    let id = device.id().map_err(|error| playback_error(&name, &error))?.to_string();
    let unsupported = |detail| PlaybackError::UnsupportedFormat { device: name.clone(), detail };
    let plan = stream_config::plan(&device, Direction::Output).ok_or_else(|| unsupported("it lists none".into()))?;
    let sound = Rechunk::new(plan.rate, pull).map_err(|error| unsupported(error.to_string()))?;
    Ok(Opened {
        device,
        id,
        plan,
        // Shared by a stream and its successor: the lock is never waited for.
        sound: Arc::new(Mutex::new(sound)),
        period: (!audio_host::needs_default_buffer(host.id())).then_some(0),
        name,
    })
}

impl Opened {
    /// Starts a stream, with the device's own period where it refuses ours.
    fn play(&mut self, shared: &Arc<Shared>) -> Result<Running, PlaybackError> {
        let started = match self.period {
            Some(place) => self.start(Some(PERIODS[place]), shared).or_else(|_| {
                self.period = None;
                self.start(None, shared)
            }),
            None => self.start(None, shared),
        };
        started.map_err(|error| playback_error(&self.name, &error))
    }

    /// Goes on to the next period; answers whether there is one.
    fn lengthen_period(&mut self) -> bool {
        let Some(place) = self.period.as_mut().filter(|place| **place + 1 < PERIODS.len()) else {
            return false;
        };
        *place += 1;
        tracing::info!(name = %self.name, period = ?PERIODS[*place], "speaker ran dry, its buffer grows");
        true
    }

    fn start(&self, period: Option<Duration>, shared: &Arc<Shared>) -> Result<Running, cpal::Error> {
        let (error_sender, errors) = unbounded();
        let feed = Feed {
            sound: Arc::clone(&self.sound),
            shared: Arc::clone(shared),
            channels: usize::from(self.plan.channels),
        };
        let config = self.plan.config(period);
        let on_error = move |error| {
            let _ = error_sender.send(error);
        };
        let stream = with_sample_type!(
            self.plan.samples,
            T => self.device.build_output_stream(config, move |data: &mut [T], info: &OutputCallbackInfo| feed.give(data, info), on_error, Some(OPEN)),
            Err(cpal::Error::new(ErrorKind::UnsupportedConfig))
        )?;
        stream.play()?;
        tracing::debug!(name = %self.name, ?config, "speaker opened");
        Ok(Running { _stream: stream, errors })
    }
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
        ErrorKind::UnsupportedConfig => PlaybackError::UnsupportedFormat { device, detail: error.to_string() },
        _ => PlaybackError::Failed { device, detail: error.to_string() },
    }
}
