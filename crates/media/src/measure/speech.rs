//! A made-up voice: syllables, hisses and pauses with the statistics of speech, the same for the same seed.
//!
//! Codecs, echo cancellers, jitter buffers and voice detectors treat tones and noise differently from speech, so tests
//! and the command line's test microphone use this when no recording is at hand.

use std::f32::consts::TAU;

use crate::{FRAME_SAMPLES, SAMPLE_RATE};

/// Formant frequencies in Hz of some vowels.
const VOWELS: [[f32; 3]; 6] = [
    [730.0, 1090.0, 2440.0],
    [530.0, 1840.0, 2480.0],
    [270.0, 2290.0, 3010.0],
    [570.0, 840.0, 2410.0],
    [300.0, 870.0, 2240.0],
    [440.0, 1020.0, 2240.0],
];

const FORMANT_BANDWIDTHS: [f32; 3] = [80.0, 100.0, 140.0];
const FORMANT_GAINS: [f32; 3] = [1.0, 0.6, 0.3];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sound {
    Vowel,
    Hiss,
    Pause,
}

/// An endless mono voice at 48 kHz, about -20 dBFS while it speaks, with pauses.
pub struct TestSpeech {
    random: u32,
    sound: Sound,
    /// Samples of the sound done and to do.
    position: u32,
    length: u32,
    syllables_left: u32,
    formants: [Resonator; 3],
    hiss: Resonator,
    /// Phase of the vocal cords, 0..1.
    phase: f32,
    pitch: f32,
    pitch_step: f32,
    /// Softens the pulses of the vocal cords.
    glottis: f32,
    loudness: f32,
}

impl TestSpeech {
    /// A voice; each seed says something else.
    pub fn new(seed: u32) -> Self {
        let mut speech = Self {
            random: seed.wrapping_mul(2_654_435_761) | 1,
            sound: Sound::Pause,
            position: 0,
            length: SAMPLE_RATE / 10,
            syllables_left: 0,
            formants: [Resonator::default(); 3],
            hiss: Resonator::default(),
            phase: 0.0,
            pitch: 120.0,
            pitch_step: 0.0,
            glottis: 0.0,
            loudness: 1.0,
        };
        for _ in 0..8 {
            speech.draw();
        }
        speech.syllables_left = speech.between(4, 10);
        speech
    }

    /// The first `count` samples of the voice with this seed.
    pub fn samples(seed: u32, count: usize) -> Vec<f32> {
        let mut samples = vec![0.0; count];
        Self::new(seed).fill(&mut samples);
        samples
    }

    /// The next 10 ms.
    pub fn next_frame(&mut self) -> [f32; FRAME_SAMPLES] {
        let mut frame = [0.0; FRAME_SAMPLES];
        self.fill(&mut frame);
        frame
    }

    /// Fills the buffer with what comes next.
    pub fn fill(&mut self, output: &mut [f32]) {
        for sample in output {
            if self.position == self.length {
                self.next_sound();
            }
            *sample = self.speak();
            self.position += 1;
        }
    }

    fn speak(&mut self) -> f32 {
        let envelope = self.envelope() * self.loudness;
        match self.sound {
            // Rooms are never quite silent.
            Sound::Pause => self.noise() * 0.0002 + self.voice(0.0),
            Sound::Hiss => {
                let noise = self.noise();
                self.hiss.filter(noise) * envelope * 0.03
            }
            Sound::Vowel => {
                self.pitch += self.pitch_step;
                self.phase += self.pitch / SAMPLE_RATE as f32;
                let pulse = if self.phase >= 1.0 {
                    self.phase -= 1.0;
                    // No two periods of a voice are alike.
                    1.0 + 0.1 * self.noise()
                } else {
                    0.0
                };
                self.glottis = 0.93 * self.glottis + pulse;
                let source = (self.glottis + 0.01 * self.noise()) * envelope;
                self.voice(source)
            }
        }
    }

    /// What the mouth makes of a sound from the throat.
    fn voice(&mut self, source: f32) -> f32 {
        let resonances = self.formants.iter_mut().zip(FORMANT_GAINS);
        resonances.map(|(formant, gain)| formant.filter(source) * gain).sum::<f32>() * 0.65
    }

    /// Loudness within a sound: 15 ms up, 40 ms down.
    fn envelope(&self) -> f32 {
        let rise = self.position as f32 / (0.015 * SAMPLE_RATE as f32);
        let fall = (self.length - self.position) as f32 / (0.040 * SAMPLE_RATE as f32);
        rise.min(fall).min(1.0)
    }

    fn next_sound(&mut self) {
        self.position = 0;
        let chance = self.between(0, 3);
        let (sound, milliseconds) = match self.sound {
            Sound::Pause if chance == 0 => (Sound::Hiss, self.between(50, 110)),
            Sound::Pause | Sound::Hiss => (Sound::Vowel, self.between(110, 260)),
            Sound::Vowel if self.syllables_left == 0 => {
                self.syllables_left = self.between(4, 10);
                (Sound::Pause, self.between(350, 700))
            }
            Sound::Vowel => match self.between(0, 4) {
                0 => (Sound::Pause, self.between(30, 80)),
                1 => (Sound::Hiss, self.between(50, 110)),
                _ => (Sound::Vowel, self.between(110, 260)),
            },
        };
        self.sound = sound;
        self.length = milliseconds * SAMPLE_RATE / 1000;
        match sound {
            Sound::Vowel => self.start_vowel(),
            Sound::Hiss => {
                let frequency = self.between(3500, 7000) as f32;
                self.hiss.tune(frequency, 1500.0);
            }
            Sound::Pause => {}
        }
    }

    fn start_vowel(&mut self) {
        self.syllables_left = self.syllables_left.saturating_sub(1);
        let vowel = VOWELS[self.between(0, VOWELS.len() as u32) as usize];
        let speaker = self.between(90, 115) as f32 / 100.0;
        for ((formant, frequency), bandwidth) in self.formants.iter_mut().zip(vowel).zip(FORMANT_BANDWIDTHS) {
            formant.tune(frequency * speaker, bandwidth);
        }
        self.pitch = self.between(100, 170) as f32;
        let target = self.between(95, 165) as f32;
        self.pitch_step = (target - self.pitch) / self.length as f32;
        self.loudness = self.between(60, 110) as f32 / 100.0;
    }

    /// A whole number in `from..to`.
    fn between(&mut self, from: u32, to: u32) -> u32 {
        from + self.draw() % (to - from)
    }

    /// White noise, -1..1.
    fn noise(&mut self) -> f32 {
        self.draw() as f32 / 8_388_608.0 - 1.0
    }

    /// The next pseudo-random number of 24 bits (xorshift).
    fn draw(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random >> 8
    }
}

/// A two-pole band-pass: one resonance of the mouth.
#[derive(Clone, Copy, Default)]
struct Resonator {
    gain: f32,
    first: f32,
    second: f32,
    history: [f32; 2],
}

impl Resonator {
    fn tune(&mut self, frequency: f32, bandwidth: f32) {
        let radius = (-std::f32::consts::PI * bandwidth / SAMPLE_RATE as f32).exp();
        let angle = TAU * frequency / SAMPLE_RATE as f32;
        self.first = 2.0 * radius * angle.cos();
        self.second = -radius * radius;
        self.gain = (1.0 - radius * radius) * angle.sin() * 4.0;
    }

    fn filter(&mut self, input: f32) -> f32 {
        let output = self.gain * input + self.first * self.history[0] + self.second * self.history[1];
        self.history = [output, self.history[0]];
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_db(samples: &[f32]) -> f32 {
        let energy: f32 = samples.iter().map(|sample| sample * sample).sum();
        10.0 * (energy / samples.len() as f32 + 1e-12).log10()
    }

    #[test]
    fn the_same_seed_says_the_same_and_another_something_else() {
        assert_eq!(TestSpeech::samples(3, 48_000), TestSpeech::samples(3, 48_000));
        assert_ne!(TestSpeech::samples(3, 48_000), TestSpeech::samples(4, 48_000));
    }

    #[test]
    fn the_voice_is_loud_enough_never_clips_and_pauses() {
        for seed in 1..6 {
            let samples = TestSpeech::samples(seed, 480_000);
            let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            assert!((0.2..0.95).contains(&peak), "seed {seed}: peak {peak}");
            let level = level_db(&samples);
            assert!((-30.0..-15.0).contains(&level), "seed {seed}: {level} dBFS");
            let silent = samples.chunks(4800).filter(|chunk| level_db(chunk) < -55.0).count();
            assert!((5..40).contains(&silent), "seed {seed}: {silent} of 100 tenths of a second are silent");
        }
    }
}
