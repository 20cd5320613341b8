//! From a device's blocks of any rate and length to 10 ms chunks at 48 kHz with their capture times.

use std::time::{Duration, Instant};

use confab_media::resample::{ResampleError, Resampler};

use super::{AudioChunk, CHUNK_SAMPLES, SAMPLE_RATE};
use crate::capture::clock::CaptureClock;

/// Cuts one stream.
pub(super) struct Chunker {
    rate: u32,
    clock: CaptureClock,
    resampler: Resampler,
    /// Samples at 48 kHz that do not fill a chunk yet.
    pending: Vec<f32>,
}

impl Chunker {
    /// For blocks of `rate` samples a second.
    pub(super) fn new(rate: u32) -> Result<Self, ResampleError> {
        Ok(Self {
            rate,
            clock: CaptureClock::new(rate),
            resampler: Resampler::new(rate, SAMPLE_RATE)?,
            pending: Vec::with_capacity(4 * CHUNK_SAMPLES),
        })
    }

    /// Takes samples whose first one reached us at `arrived` and was captured at `captured_at` by the device's account;
    /// `send` gets each chunk that is full.
    ///
    /// # Errors
    /// What the resampler says.
    pub(super) fn push(
        &mut self,
        samples: &[f32],
        arrived: Instant,
        captured_at: Instant,
        mut send: impl FnMut(AudioChunk),
    ) -> Result<(), ResampleError> {
        let start = self.clock.block(samples.len(), arrived, captured_at);
        let end = start + duration(samples.len(), self.rate);
        self.resampler.process(samples, &mut self.pending)?;
        // What the resampler still holds back was captured last.
        let held = duration(self.resampler.delay(), SAMPLE_RATE);
        while let Some(full) = self.pending.first_chunk::<CHUNK_SAMPLES>() {
            let age = held + duration(self.pending.len(), SAMPLE_RATE);
            send(AudioChunk { samples: *full, captured_at: end.checked_sub(age).unwrap_or(start) });
            self.pending.drain(..CHUNK_SAMPLES);
        }
        Ok(())
    }
}

fn duration(samples: usize, rate: u32) -> Duration {
    Duration::from_nanos(samples as u64 * 1_000_000_000 / u64::from(rate.max(1)))
}

#[cfg(test)]
mod tests {
    use confab_media::correlation;
    use confab_media::speech::TestSpeech;

    use super::*;

    /// Cuts `sound` into blocks of `length` samples, as a device with that buffer would deliver them.
    fn chunks(sound: &[f32], rate: u32, length: usize, start: Instant) -> Vec<AudioChunk> {
        let mut chunker = Chunker::new(rate).unwrap();
        let mut chunks = Vec::new();
        for (number, block) in sound.chunks(length).enumerate() {
            let captured_at = start + duration(number * length, rate);
            chunker.push(block, captured_at, captured_at, |chunk| chunks.push(chunk)).unwrap();
        }
        chunks
    }

    #[test]
    fn blocks_of_any_length_become_the_same_chunks() {
        let speech = TestSpeech::samples(3, 48_000);
        let start = Instant::now();
        for length in [480, 256, 1024, 441, 7] {
            let chunks = chunks(&speech, 48_000, length, start);
            assert_eq!(chunks.len(), 100);
            for (number, chunk) in chunks.iter().enumerate() {
                assert_eq!(chunk.samples[..], speech[number * 480..][..480]);
                let truth = start + duration(number * 480, 48_000);
                let error = chunk.captured_at.saturating_duration_since(truth)
                    + truth.saturating_duration_since(chunk.captured_at);
                assert!(error < Duration::from_micros(200), "block of {length}, chunk {number}: {error:?}");
            }
        }
    }

    #[test]
    fn other_rates_are_converted_and_keep_their_times() {
        let speech = TestSpeech::samples(3, 2 * 48_000);
        let there = Resampler::new(48_000, 44_100).unwrap().process_whole(&speech).unwrap();
        let start = Instant::now() + Duration::from_secs(1);
        let chunks = chunks(&there, 44_100, 441, start);
        let heard: Vec<f32> = chunks.iter().flat_map(|chunk| chunk.samples).collect();
        let (correlation, lag) = correlation::best(&speech, &heard, 1000);
        // Not 1, because the delay is no whole number of samples.
        assert!(correlation > 0.97, "{correlation}");
        // The sound is late by `lag` samples, and the first chunk's time must be early by as much.
        let early = start - chunks[0].captured_at;
        let late = duration(lag.max(0) as usize, 48_000);
        assert!(early.abs_diff(late) < Duration::from_millis(4), "{early:?} {late:?}");
    }
}
