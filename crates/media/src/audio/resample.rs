//! Between the sample rates and channel counts of devices and files and our 48 kHz mono.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType, WindowFunction,
};

/// Sample rates that are converted, in Hz.
pub const RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;

/// Furthest the speed can be turned away from nominal: clocks differ by hundredths of a percent.
const MAX_SPEED_CHANGE: f64 = 0.02;

/// Why sound could not be resampled.
#[derive(Debug, thiserror::Error)]
pub enum ResampleError {
    /// A rate outside [`RATES`].
    #[error("Sound at {0} samples per second is not supported.")]
    Rate(u32),
    /// The resampler refused its settings or the sound.
    #[error("Sound could not be converted to another sample rate: {0}")]
    Failed(String),
}

/// Converts mono sound from one sample rate to another, in pieces of any length.
pub struct Resampler {
    /// `None` while both rates are equal and nothing has to be done.
    native: Option<Async<f32>>,
    from_hz: u32,
    to_hz: u32,
    waiting: Vec<f32>,
    output: Vec<f32>,
}

impl Resampler {
    /// Makes a converter.
    ///
    /// # Errors
    /// [`ResampleError::Rate`] for a rate outside [`RATES`], [`ResampleError::Failed`] when it cannot be made.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self, ResampleError> {
        if let Some(&rate) = [from_hz, to_hz].iter().find(|rate| !RATES.contains(rate)) {
            return Err(ResampleError::Rate(rate));
        }
        let native = if from_hz == to_hz { None } else { Some(native(from_hz, to_hz)?) };
        Ok(Self { native, from_hz, to_hz, waiting: Vec::new(), output: Vec::new() })
    }

    /// Samples of output by which sound comes out later than it went in (up to 2.5 ms more wait for their turn).
    pub fn delay(&self) -> usize {
        self.native.as_ref().map_or(0, rubato::Resampler::output_delay)
    }

    /// Runs a little faster (over 1.0: fewer samples come out) or slower than nominal, to follow a device whose clock
    /// is off; at most 2 % either way.
    ///
    /// # Errors
    /// [`ResampleError::Failed`] when the resampler refuses.
    pub fn set_speed(&mut self, speed: f64) -> Result<(), ResampleError> {
        let speed = speed.clamp(1.0 - MAX_SPEED_CHANGE, 1.0 + MAX_SPEED_CHANGE);
        if self.native.is_none() && (speed - 1.0).abs() > f64::EPSILON {
            self.native = Some(native(self.from_hz, self.to_hz)?);
        }
        match &mut self.native {
            Some(native) => native.set_resample_ratio_relative(1.0 / speed, true).map_err(failed),
            None => Ok(()),
        }
    }

    /// Converts the next samples and appends what is ready to `output`.
    ///
    /// # Errors
    /// [`ResampleError::Failed`] when the resampler refuses.
    pub fn process(&mut self, input: &[f32], output: &mut Vec<f32>) -> Result<(), ResampleError> {
        let Some(native) = &mut self.native else {
            output.extend_from_slice(input);
            return Ok(());
        };
        self.waiting.extend_from_slice(input);
        let mut used = 0;
        loop {
            let needed = native.input_frames_next();
            let Some(piece) = self.waiting.get(used..used + needed) else { break };
            self.output.resize(native.output_frames_max(), 0.0);
            let capacity = self.output.len();
            let source = InterleavedSlice::new(piece, 1, needed).map_err(failed)?;
            let mut target = InterleavedSlice::new_mut(&mut self.output, 1, capacity).map_err(failed)?;
            let (_, written) = native.process_into_buffer(&source, &mut target, None).map_err(failed)?;
            output.extend_from_slice(&self.output[..written]);
            used += needed;
        }
        self.waiting.drain(..used);
        Ok(())
    }

    /// Converts a whole recording, without delay and with nothing cut off.
    ///
    /// # Errors
    /// [`ResampleError::Failed`] when the resampler refuses.
    pub fn process_whole(mut self, input: &[f32]) -> Result<Vec<f32>, ResampleError> {
        let expected = (input.len() as u64 * u64::from(self.to_hz)).div_ceil(u64::from(self.from_hz)) as usize;
        let delay = self.delay();
        let mut output = Vec::with_capacity(expected + delay);
        self.process(input, &mut output)?;
        while output.len() < expected + delay {
            self.process(&[0.0; 512], &mut output)?;
        }
        output.drain(..delay);
        output.truncate(expected);
        Ok(output)
    }
}

fn native(from_hz: u32, to_hz: u32) -> Result<Async<f32>, ResampleError> {
    let parameters = SincInterpolationParameters::new(128, WindowFunction::BlackmanHarris2)
        .oversampling_factor(256)
        .interpolation(SincInterpolationType::Linear);
    // Pieces of 2.5 ms, so that hardly anything waits for its turn.
    let piece = (from_hz / 400) as usize;
    let ratio = f64::from(to_hz) / f64::from(from_hz);
    Async::new_sinc(ratio, 1.0 + MAX_SPEED_CHANGE * 1.5, &parameters, piece, 1, FixedAsync::Input).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> ResampleError {
    ResampleError::Failed(error.to_string())
}

/// Averages interleaved channels; a rest that is no whole frame is left out.
pub fn to_mono(interleaved: &[f32], channels: usize) -> Vec<f32> {
    let channels = channels.max(1);
    interleaved.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32).collect()
}

/// Writes mono sound to every channel of an interleaved buffer, as far as both reach.
pub fn spread_mono(mono: &[f32], interleaved: &mut [f32], channels: usize) {
    for (frame, &sample) in interleaved.chunks_exact_mut(channels.max(1)).zip(mono) {
        frame.fill(sample);
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what passes unchanged is equal to the last bit")]
mod tests {
    use super::*;
    use crate::correlation;
    use crate::speech::TestSpeech;

    #[test]
    fn sound_survives_the_way_to_device_rates_and_back() {
        let speech = TestSpeech::samples(1, 2 * 48_000);
        for rate in [44_100, 96_000, 32_000] {
            let there = Resampler::new(48_000, rate).unwrap().process_whole(&speech).unwrap();
            assert!(there.len().abs_diff(2 * rate as usize) <= 1);
            let back = Resampler::new(rate, 48_000).unwrap().process_whole(&there).unwrap();
            let (correlation, lag) = correlation::best(&speech, &back, 200);
            assert!(correlation > 0.99, "{rate}: {correlation}");
            assert!(lag.abs() <= 2, "{rate}: {lag}");
        }
    }

    #[test]
    fn pieces_of_any_length_give_the_same_as_one() {
        let speech = TestSpeech::samples(1, 44_100);
        let mut whole = Vec::new();
        Resampler::new(44_100, 48_000).unwrap().process(&speech, &mut whole).unwrap();
        let mut resampler = Resampler::new(44_100, 48_000).unwrap();
        let mut pieces = Vec::new();
        let mut rest = speech.as_slice();
        for length in [1, 7, 441, 2_000, 3].into_iter().cycle() {
            let (piece, after) = rest.split_at(length.min(rest.len()));
            resampler.process(piece, &mut pieces).unwrap();
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(whole, pieces);
    }

    #[test]
    fn equal_rates_pass_through_until_the_speed_is_turned() {
        let mut resampler = Resampler::new(48_000, 48_000).unwrap();
        let mut output = Vec::new();
        resampler.process(&[0.5; 480], &mut output).unwrap();
        assert_eq!(output, [0.5; 480]);
        resampler.set_speed(1.01).unwrap();
        output.clear();
        for _ in 0..100 {
            resampler.process(&[0.5; 480], &mut output).unwrap();
        }
        assert!((47_300..47_700).contains(&output.len()), "{}", output.len());
    }

    #[test]
    fn impossible_rates_are_refused() {
        assert!(matches!(Resampler::new(0, 48_000), Err(ResampleError::Rate(0))));
        assert!(matches!(Resampler::new(48_000, 1_000_000), Err(ResampleError::Rate(_))));
    }

    #[test]
    fn channels_are_averaged_and_spread() {
        assert_eq!(to_mono(&[0.0, 1.0, 0.5, 0.5, 9.0], 2), [0.5, 0.5]);
        let mut stereo = [0.0; 4];
        spread_mono(&[0.1, 0.2], &mut stereo, 2);
        assert_eq!(stereo, [0.1, 0.1, 0.2, 0.2]);
    }
}
