//! Pictures into Y4M files, one for each person, source and size, written by a thread of its own.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use confab_call::TileKey;
use confab_media::video_frame::I420Frame;
use confab_media::y4m::{Header, Writer};
use confab_protocol::{ParticipantId, SourceKind};

/// Frames that may wait for the disk; further ones are left out.
const WAITING: usize = 16;

/// The rate written in the files. Frames are written as they come.
const FRAME_RATE: (u32, u32) = (30, 1);

/// Files are named after people.
type Names = Arc<Mutex<HashMap<ParticipantId, String>>>;

struct Item {
    tile: TileKey,
    frame: Arc<I420Frame>,
}

/// See the module.
pub struct PictureFiles {
    items: Mutex<Option<SyncSender<Item>>>,
    names: Names,
    writing: Mutex<Option<JoinHandle<()>>>,
}

impl PictureFiles {
    /// Makes the folder.
    pub fn open(folder: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("The folder {} cannot be made: {error}", folder.display()))?;
        let (items, received) = sync_channel(WAITING);
        let (folder, names) = (folder.to_owned(), Names::default());
        let known = names.clone();
        let writing = std::thread::spawn(move || write(&folder, &known, &received));
        Ok(Self { items: Mutex::new(Some(items)), names, writing: Mutex::new(Some(writing)) })
    }

    /// Takes in somebody's name.
    pub fn know(&self, participant: ParticipantId, name: &str) {
        lock(&self.names).insert(participant, name.to_owned());
    }

    /// Saves a frame, if the disk keeps up.
    pub fn frame(&self, tile: TileKey, frame: Arc<I420Frame>) {
        if let Some(items) = lock(&self.items).as_ref() {
            drop(items.try_send(Item { tile, frame }));
        }
    }

    /// Completes the files.
    pub fn finish(&self) {
        drop(lock(&self.items).take());
        if let Some(writing) = lock(&self.writing).take() {
            drop(writing.join());
        }
    }
}

type Files = HashMap<(TileKey, u32, u32), Writer<BufWriter<File>>>;

fn write(folder: &Path, names: &Names, received: &Receiver<Item>) {
    let mut files = Files::new();
    while let Ok(Item { tile, frame }) = received.recv() {
        let name = lock(names).get(&tile.participant).cloned().unwrap_or_else(|| "unknown".to_owned());
        if let Err(problem) = save(folder, &name, &mut files, tile, &frame) {
            eprintln!("{problem}");
            return;
        }
    }
    for (_, file) in files {
        if let Err(error) = file.finish() {
            eprintln!("A video file is not complete: {error}");
        }
    }
}

fn save(folder: &Path, name: &str, files: &mut Files, tile: TileKey, frame: &I420Frame) -> Result<(), String> {
    let (width, height) = (frame.width(), frame.height());
    let path = file_name(folder, name, tile, width, height);
    let problem = |error: &dyn std::fmt::Display| format!("{} cannot be written: {error}", path.display());
    let key = (tile, width, height);
    if let std::collections::hash_map::Entry::Vacant(e) = files.entry(key) {
        let file = File::create(&path).map_err(|error| problem(&error))?;
        let header = Header { width, height, frame_rate: FRAME_RATE };
        e.insert(Writer::new(BufWriter::new(file), header).map_err(|error| problem(&error))?);
    }
    match files.get_mut(&key) {
        Some(file) => file.write_frame(frame).map_err(|error| problem(&error)),
        None => Ok(()),
    }
}

/// Names come from strangers: only letters and digits of them reach a path.
fn file_name(folder: &Path, name: &str, tile: TileKey, width: u32, height: u32) -> PathBuf {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    let id = tile.participant.to_string();
    let short = &id[id.len() - 6..];
    let source = match tile.source {
        SourceKind::Screen | SourceKind::ScreenAudio => "screen",
        SourceKind::Camera | SourceKind::Microphone => "camera",
    };
    folder.join(format!("{name}-{short}-{source}-{width}x{height}.y4m"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_name_cannot_leave_the_folder() {
        let tile = TileKey { participant: ParticipantId::new(), source: SourceKind::Camera };
        let path = file_name(Path::new("out"), "../../etc/passwd\0", tile, 640, 360);
        assert_eq!(path.parent(), Some(Path::new("out")));
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(name.starts_with("etcpasswd-") && name.ends_with("-camera-640x360.y4m"), "{name}");
    }
}
