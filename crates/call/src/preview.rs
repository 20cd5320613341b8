//! Devices before a call: the camera's picture, the microphone's level, a sound on the speaker. Nothing leaves this
//! computer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use confab_media::SAMPLE_RATE;
use confab_media::level::{VoiceActivity, audio_level};
use crossbeam_channel::{RecvTimeoutError, bounded};

use crate::capture::{
    CameraChoice, CaptureError, CapturedFrame, MicrophoneChoice, VideoFormat, open_camera, open_microphone,
};
use crate::engine::event::{MediaDevice, ProblemReason};
use crate::engine::sound::capture_reason;
use crate::playback::{PlaybackError, Pull, SpeakerChoice, open_speaker};
use crate::send::picture::patiently;

/// How often the level is reported.
const LEVEL_INTERVAL: Duration = Duration::from_millis(50);

/// How long a speaker that is tested may take beyond the sound itself.
const TEST_PATIENCE: Duration = Duration::from_secs(2);

/// How soon a thread notices that it should end.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long closing may take; a device that hangs longer is left to itself.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// What a preview tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PreviewEvent {
    /// Twenty times a second: 0 (loudest) to 127 (silence), and whether somebody speaks.
    Level {
        /// In dB below full scale (RFC 6464).
        level: u8,
        /// Somebody speaks.
        voice: bool,
    },
    /// A device does not work; the other one goes on.
    Problem {
        /// Which.
        device: MediaDevice,
        /// For programs.
        reason: ProblemReason,
        /// For the person.
        message: String,
    },
}

/// Takes the camera's frames, on the camera's thread.
pub type FrameSink = Box<dyn FnMut(&CapturedFrame) + Send>;

/// A running preview. Choosing another device takes the place of the one before; dropping it closes both.
pub struct Preview {
    events: Arc<dyn Fn(PreviewEvent) + Send + Sync>,
    camera: Option<Stop>,
    microphone: Option<Stop>,
}

/// Plays three soft notes on a speaker and returns when they were played, or after three seconds.
/// Blocks.
///
/// # Errors
/// When the speaker cannot be opened, or does not play.
pub fn test_speaker(choice: &SpeakerChoice) -> Result<(), PlaybackError> {
    let (done, played) = bounded(1);
    let mut notes = Notes::default();
    let pull: Pull = Box::new(move |chunk| {
        if !notes.fill(chunk) {
            // Nobody waits any more, or has heard of it already.
            let _late = done.try_send(());
        }
    });
    let speaker = open_speaker(choice, pull)?;
    if played.recv_timeout(Notes::LENGTH + TEST_PATIENCE).is_err() {
        let stalled = || PlaybackError::Stalled { device: speaker.name().to_owned() };
        return Err(speaker.problems().try_recv().unwrap_or_else(|_| stalled()));
    }
    thread::sleep(speaker.latency());
    Ok(())
}

/// Notes that swell and fade, so that they do not click.
#[derive(Default)]
struct Notes {
    sample: usize,
}

impl Notes {
    /// D5, F#5, A5.
    const TONES: [f32; 3] = [587.33, 739.99, 880.0];
    const TONE: Duration = Duration::from_millis(300);
    const LENGTH: Duration = Duration::from_millis(900);
    /// About -18 dB of full scale.
    const LOUDNESS: f32 = 0.125;

    /// `false` when they are over.
    fn fill(&mut self, chunk: &mut [f32]) -> bool {
        let length = SAMPLE_RATE as usize * Self::TONE.as_millis() as usize / 1_000;
        let mut plays = false;
        for sample in chunk {
            let tone = Self::TONES.get(self.sample / length);
            *sample = tone.map_or(0.0, |tone| {
                let at = (self.sample % length) as f32;
                let envelope = (std::f32::consts::PI * at / length as f32).sin();
                (std::f32::consts::TAU * tone * at / SAMPLE_RATE as f32).sin() * envelope * Self::LOUDNESS
            });
            plays |= tone.is_some();
            self.sample += 1;
        }
        plays
    }
}

/// Ends a thread when it is dropped.
struct Stop {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Stop {
    /// Ends the thread and waits for it until `deadline`.
    fn wait(&self, deadline: Instant) {
        self.stop.store(true, Ordering::Release);
        while !self.thread.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

impl Preview {
    /// No device is open yet. `events` is called on the devices' threads and must not wait.
    pub fn new(events: impl Fn(PreviewEvent) + Send + Sync + 'static) -> Self {
        Self { events: Arc::new(events), camera: None, microphone: None }
    }

    /// Shows this camera; `None` shows nothing.
    pub fn camera(&mut self, choice: CameraChoice, wanted: VideoFormat, frames: FrameSink) {
        let before = self.camera.take();
        if choice != CameraChoice::None {
            let events = self.events.clone();
            self.camera = run("preview-camera", before, move |stop| watch(&choice, wanted, frames, &stop, &*events));
        }
    }

    /// Closes both and waits until they are closed (at most a second): a camera can be opened by one only, and the call
    /// that follows a preview wants it. Blocks.
    pub fn close(mut self) {
        let deadline = Instant::now() + CLOSE_PATIENCE;
        for device in [self.camera.take(), self.microphone.take()].into_iter().flatten() {
            device.wait(deadline);
        }
    }

    /// Closes the camera.
    pub fn close_camera(&mut self) {
        self.camera = None;
    }

    /// Measures this microphone; `None` measures nothing.
    pub fn microphone(&mut self, choice: MicrophoneChoice) {
        let before = self.microphone.take();
        if choice != MicrophoneChoice::None {
            let events = self.events.clone();
            self.microphone = run("preview-microphone", before, move |stop| listen(&choice, &stop, &*events));
        }
    }

    /// Closes the microphone.
    pub fn close_microphone(&mut self) {
        self.microphone = None;
    }
}

/// Works on a thread of its own, once the device opened `before` is closed: it may be the same one.
fn run(name: &str, before: Option<Stop>, work: impl FnOnce(Arc<AtomicBool>) + Send + 'static) -> Option<Stop> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let begin = move || {
        if let Some(before) = before {
            before.wait(Instant::now() + CLOSE_PATIENCE);
        }
        work(stopped);
    };
    let thread = thread::Builder::new().name(name.to_owned()).spawn(begin).ok()?;
    Some(Stop { stop, thread })
}

fn watch(
    choice: &CameraChoice,
    wanted: VideoFormat,
    mut frames: FrameSink,
    stop: &AtomicBool,
    events: &(dyn Fn(PreviewEvent) + Send + Sync),
) {
    let watched = patiently(|| open_camera(choice, wanted)).and_then(|mut source| {
        while !stop.load(Ordering::Acquire) {
            let frame = source.next_frame()?;
            if !stop.load(Ordering::Acquire) {
                frames(&frame);
            }
        }
        Ok(())
    });
    if let Err(error) = watched {
        report(MediaDevice::Camera, &error, stop, events);
    }
}

fn listen(choice: &MicrophoneChoice, stop: &AtomicBool, events: &(dyn Fn(PreviewEvent) + Send + Sync)) {
    let (chunks, received) = bounded(50);
    let stream = match open_microphone(choice, chunks) {
        Ok(stream) => stream,
        Err(error) => return report(MediaDevice::Microphone, &error, stop, events),
    };
    let mut activity = VoiceActivity::new();
    let mut reported = Instant::now();
    let mut loudest = confab_media::level::SILENCE;
    while !stop.load(Ordering::Acquire) {
        match received.recv_timeout(PATIENCE) {
            Ok(chunk) => {
                let level = audio_level(&chunk.samples);
                let voice = activity.update(level);
                loudest = loudest.min(level);
                if reported.elapsed() >= LEVEL_INTERVAL {
                    reported = Instant::now();
                    events(PreviewEvent::Level { level: loudest, voice });
                    loudest = confab_media::level::SILENCE;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if let Ok(error) = stream.problems().try_recv() {
            return report(MediaDevice::Microphone, &error, stop, events);
        }
    }
}

fn report(device: MediaDevice, error: &CaptureError, stop: &AtomicBool, events: &(dyn Fn(PreviewEvent) + Send + Sync)) {
    if !stop.load(Ordering::Acquire) {
        events(PreviewEvent::Problem { device, reason: capture_reason(error), message: error.to_string() });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SMALL: VideoFormat = VideoFormat { width: 320, height: 180, fps: 30 };

    #[test]
    fn a_preview_shows_frames_and_measures_the_microphone() {
        let (events, told) = mpsc::channel();
        let mut preview = Preview::new(move |event| drop(events.send(event)));
        let (frames, shown) = mpsc::channel();
        let sink = Box::new(move |frame: &CapturedFrame| {
            let _ = frames.send(frame.frame.width());
        });
        preview.camera(CameraChoice::TestPattern, SMALL, sink);
        preview.microphone(MicrophoneChoice::TestSpeech);
        assert_eq!(shown.recv_timeout(Duration::from_secs(5)), Ok(320));
        let event = told.recv_timeout(Duration::from_secs(5)).expect("a level");
        assert!(matches!(event, PreviewEvent::Level { .. }), "{event:?}");
    }

    #[test]
    fn a_camera_that_is_not_there_is_said_in_words() {
        let (events, told) = mpsc::channel();
        let mut preview = Preview::new(move |event| drop(events.send(event)));
        preview.camera(CameraChoice::File("/nowhere/at.y4m".into()), SMALL, Box::new(|_| {}));
        let event = told.recv_timeout(Duration::from_secs(5)).expect("a problem");
        assert!(matches!(event, PreviewEvent::Problem { device: MediaDevice::Camera, .. }));
    }

    #[test]
    fn a_closed_preview_shows_nothing_more() {
        let mut preview = Preview::new(|_| {});
        let (frames, shown) = mpsc::channel();
        let sink = Box::new(move |frame: &CapturedFrame| {
            let _ = frames.send(frame.number);
        });
        preview.camera(CameraChoice::TestPattern, SMALL, sink);
        shown.recv_timeout(Duration::from_secs(5)).expect("a frame");
        preview.close_camera();
        // The channel closes when the camera's thread has ended.
        while shown.recv_timeout(Duration::from_secs(5)).is_ok() {}
        assert_eq!(shown.recv_timeout(Duration::from_secs(5)), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}
