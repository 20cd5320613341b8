//! The instrument: a line for every frame shown, and now and then how near it is to its source.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use confab_call::{ReceivedFrame, TileKey, VideoSink};
use confab_media::pattern::{Mark, TestPattern, read_mark};
use confab_media::quality::psnr_y;
use confab_media::video_frame::I420Frame;
use confab_protocol::{ParticipantId, ParticipantInfo, SourceKind};
use serde::Serialize;

use super::picture_files::PictureFiles;

/// One frame of so many is compared with its source, which has to be drawn again for it.
const COMPARED: u64 = 10;

/// Frames that may wait to be compared; further ones are not.
const WAITING: usize = 3;

/// One frame shown.
#[derive(Clone, Serialize, Debug)]
pub struct ShownFrame {
    /// Whose.
    pub participant: ParticipantId,
    /// Which of their pictures.
    pub source: SourceKind,
    /// When it was handed to us, milliseconds since 1970 UTC.
    pub at_unix_ms: f64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// What the test picture says of itself.
    pub mark: Option<FrameMark>,
    /// Nearness to the source in dB, for those frames that were compared.
    pub psnr_db: Option<f64>,
}

/// The test picture's mark.
#[derive(Clone, Copy, Serialize, Debug)]
pub struct FrameMark {
    /// Counts up at the source.
    pub frame: u32,
    /// When the source drew it, milliseconds since 1970 UTC.
    pub unix_ms: u64,
}

struct Comparison {
    index: usize,
    mark: Mark,
    frame: Arc<I420Frame>,
}

/// See the module.
pub struct FrameLog {
    /// Frames are written down.
    on: bool,
    frames: Arc<Mutex<Vec<ShownFrame>>>,
    /// Full sizes of published pictures: only those can be drawn again.
    sizes: Mutex<HashMap<TileKey, (u32, u32)>>,
    comparisons: Mutex<Option<SyncSender<Comparison>>>,
    comparing: Mutex<Option<JoinHandle<()>>>,
    files: Option<PictureFiles>,
}

impl FrameLog {
    /// Writes frames down when `on`, and saves them to `files` when there are any.
    pub fn new(on: bool, files: Option<PictureFiles>) -> Self {
        let frames: Arc<Mutex<Vec<ShownFrame>>> = Arc::default();
        let (comparisons, received) = sync_channel(WAITING);
        let written = frames.clone();
        let comparing = on.then(|| std::thread::spawn(move || compare(&received, &written)));
        Self {
            on,
            frames,
            sizes: Mutex::default(),
            comparisons: Mutex::new(Some(comparisons)),
            comparing: Mutex::new(comparing),
            files,
        }
    }

    /// Takes in what somebody publishes.
    pub fn know(&self, participant: &ParticipantInfo) {
        let mut sizes = lock(&self.sizes);
        for track in participant.tracks.iter().filter(|track| track.width > 0) {
            let key = TileKey { participant: participant.id, source: track.source };
            sizes.insert(key, (track.width, track.height));
        }
        if let Some(files) = &self.files {
            files.know(participant.id, &participant.name);
        }
    }

    /// Ends comparisons and files.
    pub fn finish(&self) {
        drop(lock(&self.comparisons).take());
        if let Some(comparing) = lock(&self.comparing).take() {
            drop(comparing.join());
        }
        if let Some(files) = &self.files {
            files.finish();
        }
    }

    /// The frames so far.
    pub fn frames(&self) -> Vec<ShownFrame> {
        lock(&self.frames).clone()
    }

    fn write_down(&self, tile: TileKey, frame: &ReceivedFrame) {
        let at_unix_ms = unix_ms();
        let mark = read_mark(&frame.frame);
        let (width, height) = (frame.frame.width(), frame.frame.height());
        let index = {
            let mut frames = lock(&self.frames);
            frames.push(ShownFrame {
                participant: tile.participant,
                source: tile.source,
                at_unix_ms,
                width,
                height,
                mark: mark.map(|mark| FrameMark { frame: mark.frame, unix_ms: mark.unix_ms }),
                psnr_db: None,
            });
            frames.len() - 1
        };
        let full = lock(&self.sizes).get(&tile) == Some(&(width, height));
        if let Some(mark) = mark
            && full
            && frame.number.is_multiple_of(COMPARED)
            && let Some(comparisons) = lock(&self.comparisons).as_ref()
        {
            drop(comparisons.try_send(Comparison { index, mark, frame: frame.frame.clone() }));
        }
    }
}

impl VideoSink for FrameLog {
    fn frame(&self, tile: TileKey, frame: ReceivedFrame) {
        if frame.own {
            return;
        }
        if self.on {
            self.write_down(tile, &frame);
        }
        if let Some(files) = &self.files {
            files.frame(tile, frame.frame);
        }
    }
}

fn compare(received: &Receiver<Comparison>, frames: &Mutex<Vec<ShownFrame>>) {
    let mut pattern: Option<TestPattern> = None;
    while let Ok(Comparison { index, mark, frame }) = received.recv() {
        let size = (frame.width(), frame.height());
        let pattern = match &mut pattern {
            Some(pattern) if (pattern.width(), pattern.height()) == size => pattern,
            other => other.insert(TestPattern::new(size.0, size.1)),
        };
        let psnr = psnr_y(&pattern.render(mark.frame, mark.unix_ms), &frame);
        if let Some(shown) = lock(frames).get_mut(index) {
            shown.psnr_db = psnr;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds since 1970 UTC, with fractions.
pub fn unix_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0
}
