//! Several voices into one loudspeaker.

use crate::FRAME_SAMPLES;

/// Peaks are brought down to this.
const CEILING: f32 = 0.95;

/// Part of the way back to full volume that the gain goes in each 10 ms: about 0.3 s for all of it.
const RELEASE: f32 = 0.05;

/// Adds sounds up and turns the sum down for as long as it would be too loud.
///
/// The gain follows the peaks of whole frames: it falls within the frame that needs it (with a bend instead of a clip
/// for what rises faster than that) and returns slowly, so that loudness does not flutter.
pub struct Mixer {
    gain: f32,
}

impl Default for Mixer {
    fn default() -> Self {
        Self::new()
    }
}

impl Mixer {
    /// A mixer at full volume.
    pub fn new() -> Self {
        Self { gain: 1.0 }
    }

    /// The sum of these frames of 10 ms, every sample within -1..=1. Silence when there are none.
    pub fn mix<'a>(&mut self, inputs: impl IntoIterator<Item = &'a [f32; FRAME_SAMPLES]>) -> [f32; FRAME_SAMPLES] {
        let mut sum = [0.0_f32; FRAME_SAMPLES];
        for input in inputs {
            for (total, &sample) in sum.iter_mut().zip(input) {
                // A decoder gone wrong must not silence everybody else.
                *total += if sample.is_finite() { sample } else { 0.0 };
            }
        }
        self.limit(&mut sum);
        sum
    }

    fn limit(&mut self, sum: &mut [f32; FRAME_SAMPLES]) {
        let peak = sum.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let wanted = if peak > CEILING { CEILING / peak } else { 1.0 };
        let next = if wanted < self.gain { wanted } else { self.gain + (wanted - self.gain) * RELEASE };
        if self.gain >= 1.0 && next >= 1.0 {
            return;
        }
        let step = (next - self.gain) / FRAME_SAMPLES as f32;
        for sample in sum.iter_mut() {
            self.gain += step;
            *sample = bend(*sample * self.gain);
        }
        self.gain = if next > 0.999 { 1.0 } else { next };
    }
}

/// Leaves samples up to the ceiling alone and bends louder ones towards 1.
fn bend(sample: f32) -> f32 {
    let over = sample.abs() - CEILING;
    if over <= 0.0 {
        return sample;
    }
    let room = 1.0 - CEILING;
    (CEILING + room * (over / (over + room))).copysign(sample)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what passes unchanged is equal to the last bit")]
mod tests {
    use super::*;
    use crate::speech::TestSpeech;

    #[test]
    fn one_voice_passes_unchanged() {
        let mut mixer = Mixer::new();
        let mut speech = TestSpeech::new(1);
        for _ in 0..100 {
            let frame = speech.next_frame();
            assert_eq!(mixer.mix([&frame]), frame);
        }
        assert_eq!(mixer.mix([]), [0.0; FRAME_SAMPLES]);
    }

    #[test]
    fn many_loud_voices_never_clip_and_the_volume_returns() {
        let mut mixer = Mixer::new();
        let mut voices: Vec<TestSpeech> = (1..9).map(TestSpeech::new).collect();
        let mut loudest = 0.0_f32;
        for _ in 0..300 {
            let frames: Vec<[f32; FRAME_SAMPLES]> =
                voices.iter_mut().map(|voice| voice.next_frame().map(|sample| sample * 3.0)).collect();
            let mixed = mixer.mix(&frames);
            assert!(mixed.iter().all(|sample| sample.abs() <= 1.0));
            let peak = |frame: &[f32; FRAME_SAMPLES]| frame.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            let plain: [f32; FRAME_SAMPLES] =
                std::array::from_fn(|index| frames.iter().map(|frame| frame[index]).sum());
            loudest = loudest.max(peak(&plain));
        }
        assert!(loudest > 1.0, "the voices were not too loud together: {loudest}");
        for _ in 0..200 {
            mixer.mix([]);
        }
        let quiet = [0.25; FRAME_SAMPLES];
        assert_eq!(mixer.mix([&quiet]), quiet);
    }

    #[test]
    fn numbers_that_are_none_are_taken_for_silence() {
        let broken = [f32::NAN; FRAME_SAMPLES];
        let voice = [0.5; FRAME_SAMPLES];
        assert_eq!(Mixer::new().mix([&broken, &voice]), voice);
    }
}
