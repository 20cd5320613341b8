//! A Y4M file as a camera or a screen, in a loop and at its own rate.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_media::video_frame::I420Frame;
use confab_media::y4m;

use super::pace::{Pace, sleep_until};
use super::{CaptureError, CapturedFrame, VideoFormat, VideoSource};

/// A frame at a time is read: the file may be larger than memory.
const READ_AHEAD: usize = 1 << 20;

/// Plays a file.
pub(crate) struct VideoFileSource {
    path: PathBuf,
    reader: y4m::Reader<BufReader<File>>,
    format: VideoFormat,
    pace: Pace,
    /// Number of the frame that `reader` gives next, counted through all rounds.
    position: u64,
    /// At least one frame of this round was read; a file without any is refused instead of read forever.
    has_frames: bool,
}

impl VideoFileSource {
    pub(crate) fn open(path: &Path) -> Result<Self, CaptureError> {
        let reader = open(path)?;
        let header = reader.header();
        let (ticks, seconds) = header.frame_rate;
        Ok(Self {
            path: path.to_owned(),
            format: VideoFormat {
                width: header.width & !1,
                height: header.height & !1,
                fps: (header.fps().round() as u32).max(1),
            },
            pace: Pace::new(Instant::now(), ticks.into(), Duration::from_secs(seconds.into())),
            reader,
            position: 0,
            has_frames: false,
        })
    }

    fn read(&mut self) -> Result<I420Frame, CaptureError> {
        loop {
            match self.reader.read_frame() {
                Ok(Some(frame)) => {
                    self.position += 1;
                    self.has_frames = true;
                    return Ok(frame);
                }
                Ok(None) if self.has_frames => {
                    self.reader = open(&self.path)?;
                    self.has_frames = false;
                }
                Ok(None) => return Err(unusable(&self.path, &"it has no frames")),
                Err(error) => return Err(unusable(&self.path, &error)),
            }
        }
    }
}

impl VideoSource for VideoFileSource {
    fn format(&self) -> VideoFormat {
        self.format
    }

    fn next_frame(&mut self) -> Result<CapturedFrame, CaptureError> {
        let tick = self.pace.next_tick(Instant::now());
        while self.position < tick.number {
            self.read()?;
        }
        let frame = self.read()?;
        sleep_until(tick.due);
        Ok(CapturedFrame { frame: Arc::new(frame), captured_at: tick.due, number: tick.number })
    }
}

fn open(path: &Path) -> Result<y4m::Reader<BufReader<File>>, CaptureError> {
    let file = File::open(path).map_err(|error| unusable(path, &error))?;
    y4m::Reader::new(BufReader::with_capacity(READ_AHEAD, file)).map_err(|error| unusable(path, &error))
}

/// A file error in words.
pub(crate) fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> CaptureError {
    CaptureError::File { path: path.to_owned(), reason: reason.to_string().trim_end_matches('.').to_owned() }
}

#[cfg(test)]
mod tests {
    use confab_media::pattern::{TestPattern, read_mark};

    use super::*;
    use crate::capture::{CameraChoice, open_camera};

    fn write_clip(path: &Path, frames: u32) {
        let header = y4m::Header { width: 128, height: 72, frame_rate: (100, 1) };
        let mut writer = y4m::Writer::new(File::create(path).unwrap(), header).unwrap();
        let pattern = TestPattern::new(128, 72);
        for number in 0..frames {
            writer.write_frame(&pattern.render(number, 0)).unwrap();
        }
        writer.finish().unwrap();
    }

    #[test]
    fn a_file_loops_at_its_own_rate() {
        let path = std::env::temp_dir().join(format!("confab-loop-{}.y4m", uuid::Uuid::now_v7()));
        write_clip(&path, 7);
        let mut source = open_camera(&CameraChoice::File(path.clone()), VideoFormat::HD).unwrap();
        assert_eq!((source.format().width, source.format().fps), (128, 100));
        let start = Instant::now();
        let mut frames = 0;
        while start.elapsed() < Duration::from_millis(300) {
            let captured = source.next_frame().unwrap();
            assert_eq!(u64::from(read_mark(&captured.frame).unwrap().frame), captured.number % 7);
            frames += 1;
        }
        assert!((10..=31).contains(&frames), "{frames} frames in 300 ms at 100 a second");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_is_no_video_is_refused_in_words() {
        let path = std::env::temp_dir().join(format!("confab-bad-{}.y4m", uuid::Uuid::now_v7()));
        for (content, words) in [("hello", "not a Y4M file"), ("YUV4MPEG2 W64 H48 F30:1\n", "no frames")] {
            std::fs::write(&path, content).unwrap();
            let error = open_camera(&CameraChoice::File(path.clone()), VideoFormat::HD)
                .and_then(|mut source| source.next_frame())
                .err()
                .unwrap();
            assert!(error.to_string().contains(words), "{error}");
        }
        std::fs::remove_file(&path).unwrap();
        let error = open_camera(&CameraChoice::File(path), VideoFormat::HD).err().unwrap();
        assert!(matches!(error, CaptureError::File { .. }), "{error}");
    }
}
