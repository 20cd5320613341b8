//! Sound that does not come from a sound card, at the pace of one.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::{Duration, Instant};

use confab_media::speech::TestSpeech;
use confab_media::wav;

use super::microphone::{AudioChunk, CHUNK_SAMPLES, Outlet};
use super::pace::{Pace, sleep_until};
use super::{CaptureError, video_file};

/// Chunks that a busy machine delays are made up for up to this much, as a sound card's buffer does.
const SLACK: Duration = Duration::from_millis(200);

/// Which voice the test speech has.
const VOICE: u32 = 1;

/// Where the samples come from.
enum Source {
    /// A whole file, mono at 48 kHz.
    File(Vec<f32>),
    Speech(Box<TestSpeech>),
}

/// Endless sound.
pub(crate) struct Loop {
    source: Source,
    /// Chunks taken so far.
    position: u64,
}

impl Loop {
    /// A WAV file of any rate and number of channels.
    pub(crate) fn from_wav(path: &Path) -> Result<Self, CaptureError> {
        let file = File::open(path).map_err(|error| video_file::unusable(path, &error))?;
        let samples = wav::read(BufReader::new(file)).map_err(|error| video_file::unusable(path, &error))?;
        if samples.is_empty() {
            return Err(video_file::unusable(path, &"it has no sound"));
        }
        Ok(Self { source: Source::File(samples), position: 0 })
    }

    pub(crate) fn test_speech() -> Self {
        Self { source: Source::Speech(Box::new(TestSpeech::new(VOICE))), position: 0 }
    }

    fn next_chunk(&mut self) -> [f32; CHUNK_SAMPLES] {
        let position = self.position;
        self.position += 1;
        match &mut self.source {
            Source::File(samples) => {
                let start = position as usize * CHUNK_SAMPLES;
                std::array::from_fn(|index| samples[(start + index) % samples.len()])
            }
            Source::Speech(speech) => speech.next_frame(),
        }
    }

    /// Plays into `outlet` until nobody wants it any more. A chunk is sent when its last sample is due, as a sound
    /// card would.
    pub(crate) fn play(mut self, outlet: &Outlet) {
        let start = Instant::now();
        let mut pace = Pace::new(start, 100, Duration::from_secs(1)).with_slack(SLACK);
        while !outlet.is_stopped() {
            let tick = pace.next_tick(Instant::now());
            while self.position < tick.number {
                self.next_chunk();
                outlet.add_missed(1);
            }
            let samples = self.next_chunk();
            sleep_until(pace.due(tick.number + 1));
            let chunk = AudioChunk { samples, captured_at: tick.due };
            if !outlet.send(chunk) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::capture::{MicrophoneChoice, open_microphone};

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("confab-{name}-{}.wav", uuid::Uuid::now_v7()))
    }

    #[test]
    fn a_file_loops_without_a_seam_at_the_pace_of_a_sound_card() {
        let path = scratch("loop");
        // 1,000 samples, so that the seam lies within chunks; the sample's index can be read from its value.
        let ramp: Vec<f32> = (0..1000).map(|index| index as f32 / 1000.0).collect();
        let mut writer = wav::Writer::new(File::create(&path).unwrap()).unwrap();
        writer.write(&ramp).unwrap();
        writer.finish().unwrap();
        let (sender, chunks) = crossbeam_channel::unbounded();
        let stream = open_microphone(&MicrophoneChoice::File(path.clone()), sender).unwrap();
        let start = Instant::now();
        let mut captured: Option<Instant> = None;
        for number in 0..30_usize {
            let chunk = chunks.recv_timeout(Duration::from_secs(2)).unwrap();
            for (index, sample) in chunk.samples.iter().enumerate() {
                let expected = ramp[(number * CHUNK_SAMPLES + index) % 1000];
                assert!((sample - expected).abs() < 1e-4, "chunk {number}, sample {index}");
            }
            if let Some(before) = captured {
                let spacing = chunk.captured_at - before;
                assert!(spacing.abs_diff(Duration::from_millis(10)) < Duration::from_micros(10), "{spacing:?}");
            }
            captured = Some(chunk.captured_at);
        }
        assert!(start.elapsed() >= Duration::from_millis(285), "{:?}", start.elapsed());
        assert_eq!(stream.missed(), 0);
        drop(stream);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn the_test_speech_is_always_the_same() {
        let (sender, chunks) = crossbeam_channel::unbounded();
        let stream = open_microphone(&MicrophoneChoice::TestSpeech, sender).unwrap();
        let heard: Vec<f32> = (0..10).flat_map(|_| chunks.recv().unwrap().samples).collect();
        drop(stream);
        assert_eq!(heard, TestSpeech::samples(VOICE, heard.len()));
    }

    #[test]
    fn a_dropped_stream_ends_and_disconnects() {
        let (sender, chunks) = crossbeam_channel::bounded(1);
        drop(open_microphone(&MicrophoneChoice::TestSpeech, sender).unwrap());
        assert!(chunks.iter().count() <= 2);
    }

    #[test]
    fn chunks_that_nobody_takes_are_lost_and_counted() {
        let (sender, chunks) = crossbeam_channel::bounded(2);
        let stream = open_microphone(&MicrophoneChoice::TestSpeech, sender).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert!(stream.missed() >= 5, "{}", stream.missed());
        assert_eq!(chunks.len(), 2);
    }

    #[test]
    fn a_file_that_is_no_sound_is_refused_in_words() {
        let path = scratch("bad");
        std::fs::write(&path, "hello").unwrap();
        let (sender, _) = crossbeam_channel::bounded(1);
        let error = open_microphone(&MicrophoneChoice::File(path.clone()), sender).err().unwrap();
        assert!(matches!(error, CaptureError::File { .. }), "{error}");
        std::fs::remove_file(path).unwrap();
    }
}
