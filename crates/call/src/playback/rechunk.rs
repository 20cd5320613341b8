//! From 10 ms pulls at 48 kHz to a sound card's buffers of any length and rate.

use confab_media::SAMPLE_RATE;
use confab_media::resample::{ResampleError, Resampler};

use super::{CHUNK_SAMPLES, Pull};

/// Gives a device as many samples as it wants, at its rate.
pub(super) struct Rechunk {
    pull: Pull,
    resampler: Resampler,
    rate: u32,
    /// Samples at the device's rate; those before `position` are played.
    ready: Vec<f32>,
    position: usize,
    pulled: u64,
}

impl Rechunk {
    /// For a device of `rate` samples a second.
    ///
    /// # Errors
    /// For rates that cannot be converted.
    pub(super) fn new(rate: u32, pull: Pull) -> Result<Self, ResampleError> {
        Ok(Self {
            pull,
            resampler: Resampler::new(SAMPLE_RATE, rate)?,
            rate,
            // Enough that the sound card's thread never allocates.
            ready: Vec::with_capacity(16 * CHUNK_SAMPLES),
            position: 0,
            pulled: 0,
        })
    }

    /// The next sample.
    pub(super) fn next_sample(&mut self) -> f32 {
        while self.position >= self.ready.len() {
            self.refill();
        }
        let sample = self.ready[self.position];
        self.position += 1;
        sample
    }

    fn refill(&mut self) {
        self.ready.clear();
        self.position = 0;
        let mut chunk = [0.0; CHUNK_SAMPLES];
        (self.pull)(&mut chunk);
        self.pulled += 1;
        if self.resampler.process(&chunk, &mut self.ready).is_err() {
            // Only a resampler that refuses its own size could get here; silence keeps the device going.
            self.ready.resize((self.rate / 100).max(1) as usize, 0.0);
        }
    }

    /// Chunks pulled so far.
    pub(super) fn pulled(&self) -> u64 {
        self.pulled
    }

    /// How much of what was pulled waits here, in microseconds: it delays what is pulled next.
    pub(super) fn waiting_us(&self) -> u64 {
        let waiting = (self.ready.len() - self.position) as u64 * 1_000_000 / u64::from(self.rate.max(1));
        waiting + self.resampler.delay() as u64 * 1_000_000 / u64::from(self.rate.max(1))
    }
}

#[cfg(test)]
mod tests {
    use confab_media::correlation;
    use confab_media::speech::TestSpeech;

    use super::*;

    fn played(rate: u32, count: usize) -> Vec<f32> {
        let mut speech = TestSpeech::new(5);
        let mut rechunk = Rechunk::new(rate, Box::new(move |chunk| *chunk = speech.next_frame())).unwrap();
        (0..count).map(|_| rechunk.next_sample()).collect()
    }

    #[test]
    fn every_sample_is_played_once_and_in_order() {
        assert_eq!(played(48_000, 20_000), TestSpeech::samples(5, 20_000));
    }

    #[test]
    fn other_rates_are_converted() {
        let heard = played(44_100, 2 * 44_100);
        let back = Resampler::new(44_100, 48_000).unwrap().process_whole(&heard).unwrap();
        let (correlation, _) = correlation::best(&TestSpeech::samples(5, 2 * 48_000), &back, 1000);
        // Not 1, because the delay is no whole number of samples.
        assert!(correlation > 0.97, "{correlation}");
    }

    #[test]
    fn what_waits_is_told_as_delay() {
        let mut rechunk = Rechunk::new(48_000, Box::new(|chunk| chunk.fill(0.5))).unwrap();
        rechunk.next_sample();
        assert_eq!((rechunk.pulled(), rechunk.waiting_us()), (1, 479 * 1_000_000 / 48_000));
    }
}
