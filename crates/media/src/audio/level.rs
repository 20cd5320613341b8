//! How loud sound is, and whether somebody speaks.

/// The level that stands for silence: -127 dBov or less (RFC 6464, section 3).
pub const SILENCE: u8 = 127;

/// Frames of 10 ms for which speech is taken to go on after it was last heard: the gaps within words.
const HANGOVER_FRAMES: u32 = 30;

/// Speech is this many dB over the background at least.
const SPEECH_OVER_NOISE_DB: f32 = 12.0;

/// Sounds under this many dBov are never speech.
const QUIETEST_SPEECH_DB: f32 = -55.0;

/// Audio level as RFC 6464 sends it: the root mean square as a number of dB under overload, 0 (loudest) to 127
/// (silence).
pub fn audio_level(samples: &[f32]) -> u8 {
    (-decibels(samples)).round().clamp(0.0, f32::from(SILENCE)) as u8
}

/// Root mean square in dB relative to full scale; -127 for silence and for nothing.
pub fn decibels(samples: &[f32]) -> f32 {
    let energy: f32 = samples.iter().map(|sample| sample * sample).sum();
    let mean = energy / samples.len().max(1) as f32;
    (10.0 * mean.max(1e-20).log10()).max(-f32::from(SILENCE))
}

/// Tells speech from background by following the background's level. Feed it frames of 10 ms.
#[derive(Clone, Debug)]
pub struct VoiceActivity {
    noise_db: f32,
    hangover: u32,
    rising: u32,
}

impl Default for VoiceActivity {
    fn default() -> Self {
        Self::new()
    }
}

impl VoiceActivity {
    /// A detector that has heard nothing yet.
    pub fn new() -> Self {
        Self { noise_db: -60.0, hangover: 0, rising: 0 }
    }

    /// Whether somebody speaks, given the level of the next 10 ms (0..=127 as [`audio_level`] tells it).
    pub fn update(&mut self, level: u8) -> bool {
        let level_db = -f32::from(level);
        // The background is the quietest that is heard: down at once, up by 3 dB a second.
        if level_db < self.noise_db {
            self.noise_db += (level_db - self.noise_db) * 0.3;
        } else {
            self.noise_db = (self.noise_db + 0.03).min(-35.0);
        }
        let loud = level_db > QUIETEST_SPEECH_DB && level_db > self.noise_db + SPEECH_OVER_NOISE_DB;
        self.rising = if loud { self.rising + 1 } else { 0 };
        // A single loud frame is a click.
        if self.rising >= 2 {
            self.hangover = HANGOVER_FRAMES;
        } else {
            self.hangover = self.hangover.saturating_sub(1);
        }
        self.hangover > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME_SAMPLES;
    use crate::speech::TestSpeech;

    #[test]
    fn levels_are_decibels_under_overload() {
        assert_eq!(audio_level(&[]), SILENCE);
        assert_eq!(audio_level(&[0.0; 480]), SILENCE);
        assert_eq!(audio_level(&[1.0; 480]), 0);
        assert_eq!(audio_level(&[-0.1; 480]), 20);
        assert_eq!(audio_level(&[2.0; 480]), 0);
        let sine: Vec<f32> = (0..480).map(|index| (index as f32 * std::f32::consts::TAU / 48.0).sin()).collect();
        assert_eq!(audio_level(&sine), 3);
    }

    #[test]
    fn speech_is_told_from_pauses_and_steady_noise() {
        let mut activity = VoiceActivity::new();
        let speech = TestSpeech::samples(1, 5 * 48_000);
        let speaking = speech.chunks_exact(FRAME_SAMPLES).filter(|frame| activity.update(audio_level(frame))).count();
        assert!((250..=500).contains(&speaking), "{speaking} of 500 frames");
        let silent = (0..200).filter(|_| activity.update(80)).count();
        assert!(silent <= HANGOVER_FRAMES as usize, "{silent}");
        let humming: Vec<bool> = (0..1000).map(|_| activity.update(50)).collect();
        assert!(!humming[999], "a steady hum is not speech");
    }

    #[test]
    fn a_click_is_not_speech() {
        let mut activity = VoiceActivity::new();
        for _ in 0..100 {
            activity.update(70);
        }
        assert!(!activity.update(10));
        assert!(!activity.update(70));
    }
}
