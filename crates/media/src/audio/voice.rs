//! Cleaning a microphone's sound: echo, background noise, loudness.

use sonora::config::{AdaptiveDigital, EchoCanceller, HighPassFilter, MaxProcessingRate, Pipeline};
use sonora::config::{GainController2, NoiseSuppression, NoiseSuppressionLevel};
use sonora::{AudioProcessing, Config, StreamConfig};

use guard::EchoGuard;

use crate::{FRAME_SAMPLES, SAMPLE_RATE};

/// What is done to the microphone's sound. With any of it, rumble under about 80 Hz is filtered out too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoiceConfig {
    /// Removes what the loudspeaker plays.
    pub echo: bool,
    /// Turns down steady background noise.
    pub noise: bool,
    /// Evens out loudness.
    pub gain: bool,
}

impl Default for VoiceConfig {
    fn default() -> Self {
        Self { echo: true, noise: true, gain: true }
    }
}

impl VoiceConfig {
    /// Leaves the sound exactly as it is.
    pub fn off() -> Self {
        Self { echo: false, noise: false, gain: false }
    }
}

/// Processes one microphone, knowing what the loudspeaker plays.
///
/// ```text
/// mixed playout -> render() -+-> speaker ~~ air ~~> microphone -> capture() -> encoder
///                            '------ reference ------------------------^
/// ```
///
/// Call [`render`](Self::render) with each 10 ms that go to the loudspeaker and [`capture`](Self::capture) with each 10
/// ms from the microphone, as they come. The delay between both is found by listening; it must only not jump about.
pub struct VoiceProcessor {
    native: AudioProcessing,
    config: VoiceConfig,
    guard: EchoGuard,
    scratch: Box<[f32; FRAME_SAMPLES]>,
}

impl VoiceProcessor {
    /// A processor that has heard nothing yet.
    pub fn new(config: VoiceConfig) -> Self {
        let stream = StreamConfig::new(SAMPLE_RATE, 1);
        let native = AudioProcessing::builder()
            .config(native_config(config))
            .capture_config(stream)
            .render_config(stream)
            .build();
        Self { native, config, guard: EchoGuard::default(), scratch: Box::new([0.0; FRAME_SAMPLES]) }
    }

    /// The settings in force.
    pub fn config(&self) -> VoiceConfig {
        self.config
    }

    /// Changes what is done, keeping what was learnt about the room where possible.
    pub fn set_config(&mut self, config: VoiceConfig) {
        if config != self.config {
            self.native.apply_config(native_config(config));
            self.config = config;
        }
    }

    /// Tells what the loudspeaker plays next.
    pub fn render(&mut self, playout: &[f32; FRAME_SAMPLES]) {
        if !self.config.echo {
            return;
        }
        self.guard.render(playout);
        // Errors are about wrong lengths only, which the types rule out.
        let _ = self.native.process_render_f32(&[playout.as_slice()], &mut [self.scratch.as_mut_slice()]);
    }

    /// Cleans 10 ms from the microphone, in place.
    pub fn capture(&mut self, microphone: &mut [f32; FRAME_SAMPLES]) {
        if self.config == VoiceConfig::off() {
            return;
        }
        for sample in microphone.iter_mut().filter(|sample| !sample.is_finite()) {
            // One such number would stay in the filters for ever.
            *sample = 0.0;
        }
        let done = self.native.process_capture_f32(&[microphone.as_slice()], &mut [self.scratch.as_mut_slice()]);
        if done.is_ok() {
            microphone.copy_from_slice(self.scratch.as_slice());
        }
        if self.config.echo {
            self.guard.capture(microphone);
        }
    }

    /// Sound was lost on either side, so that the delay is another one from now on. Until the canceller has found it,
    /// what could be echo is turned down: for about a second the louder side is heard, as with a simple speakerphone.
    pub fn disturbed(&mut self) {
        self.guard.disturbed();
    }

    /// By how many dB the echo is reduced, as far as the canceller knows.
    pub fn echo_reduction_db(&self) -> Option<f64> {
        self.native.statistics().echo_return_loss_enhancement
    }

    /// The delay between loudspeaker and microphone in milliseconds, as far as the canceller knows.
    pub fn echo_delay_ms(&self) -> Option<i32> {
        self.native.statistics().delay_ms
    }
}

fn native_config(config: VoiceConfig) -> Config {
    Config {
        pipeline: Pipeline {
            // The default would cut off everything over 16 kHz.
            maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
            ..Pipeline::default()
        },
        high_pass_filter: Some(HighPassFilter::default()),
        echo_canceller: config.echo.then(EchoCanceller::default),
        noise_suppression: config
            .noise
            .then(|| NoiseSuppression { level: NoiseSuppressionLevel::Moderate, ..NoiseSuppression::default() }),
        gain_controller2: config.gain.then(|| GainController2 {
            // The defaults start 15 dB up, which makes rooms loud before anybody has spoken.
            adaptive_digital: Some(AdaptiveDigital {
                initial_gain_db: 3.0,
                max_gain_db: 24.0,
                ..AdaptiveDigital::default()
            }),
            ..GainController2::default()
        }),
        ..Config::default()
    }
}

mod guard;

#[cfg(test)]
mod tests;
