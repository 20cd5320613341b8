//! What the speaker plays into a WAV file, written by a thread of its own, with the time of its first sample.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use confab_call::AudioTap;
use confab_media::FRAME_SAMPLES;
use confab_media::wav::Writer;
use serde::Serialize;

use super::frame_log::unix_ms;

/// 10 ms pieces that may wait for the disk: five seconds. What is left out becomes silence, so that time stays right.
const WAITING: usize = 500;

/// A saved recording.
#[derive(Clone, Serialize, Debug)]
pub struct SavedAudio {
    /// Where it is.
    pub file: PathBuf,
    /// When its first sample was handed to the speaker, milliseconds since 1970 UTC.
    pub started_unix_ms: f64,
    /// Length in seconds.
    pub seconds: f64,
}

struct Piece {
    number: u64,
    /// Milliseconds since 1970 UTC.
    at: f64,
    samples: [f32; FRAME_SAMPLES],
}

/// See the module.
pub struct SoundFile {
    pieces: Mutex<Option<SyncSender<Piece>>>,
    number: AtomicU64,
    writing: Mutex<Option<JoinHandle<Result<SavedAudio, String>>>>,
}

impl SoundFile {
    /// Makes the folder and the file.
    pub fn open(folder: &Path) -> Result<Arc<Self>, String> {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("The folder {} cannot be made: {error}", folder.display()))?;
        let path = folder.join("speaker.wav");
        let problem = |error: &dyn std::fmt::Display| format!("{} cannot be written: {error}", path.display());
        let file = File::create(&path).map_err(|error| problem(&error))?;
        let writer = Writer::new(BufWriter::new(file)).map_err(|error| problem(&error))?;
        let (pieces, received) = sync_channel(WAITING);
        let writing = std::thread::spawn(move || write(writer, path, &received));
        Ok(Arc::new(Self {
            pieces: Mutex::new(Some(pieces)),
            number: AtomicU64::new(0),
            writing: Mutex::new(Some(writing)),
        }))
    }

    /// Completes the file.
    pub fn finish(&self) -> Result<SavedAudio, String> {
        drop(lock(&self.pieces).take());
        match lock(&self.writing).take().map(JoinHandle::join) {
            Some(Ok(saved)) => saved,
            _ => Err("The sound was not saved.".to_owned()),
        }
    }
}

impl AudioTap for SoundFile {
    fn played(&self, samples: &[f32; FRAME_SAMPLES], at: Instant) {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        // The speaker's thread must not wait: the lock is contended only at the very end.
        if let Ok(pieces) = self.pieces.try_lock()
            && let Some(pieces) = pieces.as_ref()
        {
            let at = unix_ms() - at.elapsed().as_secs_f64() * 1000.0;
            drop(pieces.try_send(Piece { number, at, samples: *samples }));
        }
    }
}

fn write(mut writer: Writer<BufWriter<File>>, file: PathBuf, received: &Receiver<Piece>) -> Result<SavedAudio, String> {
    let problem = |error: &dyn std::fmt::Display| format!("The sound could not be saved: {error}");
    let piece_ms = Duration::from_millis(10).as_secs_f64() * 1000.0;
    let mut next = 0;
    let mut starts = Vec::new();
    while let Ok(piece) = received.recv() {
        while next < piece.number {
            writer.write(&[0.0; FRAME_SAMPLES]).map_err(|error| problem(&error))?;
            next += 1;
        }
        writer.write(&piece.samples).map_err(|error| problem(&error))?;
        next += 1;
        starts.push(piece.at - piece.number as f64 * piece_ms);
    }
    writer.finish().map_err(|error| problem(&error))?;
    // Single pulls come early or late by the scheduler's whim; the median tells when the first one was due.
    starts.sort_by(f64::total_cmp);
    let started_unix_ms = starts.get(starts.len() / 2).copied().unwrap_or_default();
    Ok(SavedAudio { file, started_unix_ms, seconds: next as f64 * piece_ms / 1000.0 })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
