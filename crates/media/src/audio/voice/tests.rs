use super::*;
use crate::correlation;
use crate::level::decibels;
use crate::speech::TestSpeech;

/// A room: 40 ms of air and buffers, a direct path and a dense tail that dies away within 100 ms, a loudspeaker that
/// bends a little, and a quiet fan.
struct Room {
    taps: Vec<(usize, f32)>,
    random: u32,
}

impl Room {
    fn new() -> Self {
        let mut room = Self { taps: Vec::new(), random: 1 };
        for offset in (0..4_800).step_by(11) {
            let fading = (-(offset as f32) / 48_000.0 * 6.9 / 0.2).exp();
            let gain = if offset == 0 { 0.35 } else { 0.09 * room.noise() * fading };
            room.taps.push((1_920 + offset, gain));
        }
        room
    }

    fn noise(&mut self) -> f32 {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.random >> 8) as f32 / 8_388_608.0 - 1.0
    }

    fn echo(&mut self, far: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0_f32; far.len()];
        for &(delay, gain) in &self.taps {
            for (sum, &sample) in sums[delay..].iter_mut().zip(far) {
                *sum += sample * gain;
            }
        }
        sums.into_iter().map(|sum| sum.tanh() + self.noise() * 0.0003).collect()
    }
}

fn run(config: VoiceConfig, far: &[f32], microphone: &[f32]) -> Vec<f32> {
    let mut processor = VoiceProcessor::new(config);
    let mut output = Vec::with_capacity(microphone.len());
    for (far, near) in far.chunks_exact(FRAME_SAMPLES).zip(microphone.chunks_exact(FRAME_SAMPLES)) {
        processor.render(far.try_into().unwrap());
        let mut frame: [f32; FRAME_SAMPLES] = near.try_into().unwrap();
        processor.capture(&mut frame);
        output.extend_from_slice(&frame);
    }
    output
}

#[test]
fn echo_is_30_db_down_after_five_seconds_and_near_speech_stays_in_double_talk() {
    let seconds = |from: usize, to: usize| from * 48_000..to * 48_000;
    let far = TestSpeech::samples(1, 16 * 48_000);
    let mut microphone = Room::new().echo(&far);
    let echo = microphone.clone();
    let near: Vec<f32> = TestSpeech::samples(2, 6 * 48_000);
    for (sum, sample) in microphone[seconds(10, 16)].iter_mut().zip(&near) {
        *sum += sample * 0.8;
    }
    let output = run(VoiceConfig { gain: false, ..VoiceConfig::default() }, &far, &microphone);

    let (before, after) = (decibels(&echo[seconds(5, 10)]), decibels(&output[seconds(5, 10)]));
    println!("echo {before:.1} dB -> {after:.1} dB");
    assert!(before > -45.0, "the room is too quiet to tell: {before} dB");
    assert!(before - after >= 30.0, "echo {before} dB is only brought down to {after} dB");

    // What the same filters make of the near speech alone, with nobody at the far end.
    let config = VoiceConfig { gain: false, ..VoiceConfig::default() };
    let mut alone = vec![0.0; microphone.len()];
    alone[seconds(10, 16)].copy_from_slice(&near.iter().map(|sample| sample * 0.8).collect::<Vec<_>>());
    let alone = run(config, &vec![0.0; alone.len()], &alone);
    let (correlation, lag) = correlation::best(&alone[seconds(10, 16)], &output[seconds(10, 16)], 960);
    let loss = decibels(&alone[seconds(10, 16)]) - decibels(&output[seconds(10, 16)]);
    println!("double talk: correlation {correlation:.3}, {loss:.1} dB quieter, {lag} samples later");
    assert!(correlation > 0.8, "near speech is not recognisable: {correlation}");
    assert!(loss.abs() < 4.0, "near speech is {loss} dB quieter");
}

#[test]
fn echo_stays_30_db_down_with_noise_suppression_and_gain_control_too() {
    let far = TestSpeech::samples(3, 10 * 48_000);
    let microphone = Room::new().echo(&far);
    let output = run(VoiceConfig::default(), &far, &microphone);
    let range = 5 * 48_000..10 * 48_000;
    let reduction = decibels(&microphone[range.clone()]) - decibels(&output[range]);
    println!("{reduction:.1} dB");
    assert!(reduction >= 30.0, "{reduction} dB");
}

#[test]
fn steady_noise_is_turned_down_and_speech_is_not() {
    let mut room = Room::new();
    let speech = TestSpeech::samples(4, 6 * 48_000);
    let mut noisy: Vec<f32> = (0..12 * 48_000).map(|_| room.noise() * 0.01).collect();
    for (sum, sample) in noisy[6 * 48_000..].iter_mut().zip(&speech) {
        *sum += sample;
    }
    let config = VoiceConfig { echo: false, noise: true, gain: false };
    let silence = vec![0.0; noisy.len()];
    let output = run(config, &silence, &noisy);
    let range = 4 * 48_000..6 * 48_000;
    let reduction = decibels(&noisy[range.clone()]) - decibels(&output[range]);
    assert!(reduction > 8.0, "noise is only {reduction} dB down");
    let loss = decibels(&noisy[6 * 48_000..]) - decibels(&output[6 * 48_000..]);
    assert!(loss.abs() < 3.0, "speech changed by {loss} dB");
}

#[test]
fn a_quiet_speaker_is_made_louder() {
    let speech: Vec<f32> = TestSpeech::samples(5, 12 * 48_000).into_iter().map(|sample| sample * 0.1).collect();
    let config = VoiceConfig { echo: false, noise: false, gain: true };
    let output = run(config, &vec![0.0; speech.len()], &speech);
    let range = 8 * 48_000..12 * 48_000;
    let gain = decibels(&output[range.clone()]) - decibels(&speech[range]);
    assert!((6.0..30.0).contains(&gain), "{gain} dB");
    assert!(output.iter().all(|sample| sample.abs() <= 1.0));
}

#[test]
fn switched_off_it_leaves_the_sound_alone() {
    let speech = TestSpeech::samples(6, 48_000);
    assert_eq!(run(VoiceConfig::off(), &vec![0.0; speech.len()], &speech), speech);
}

#[test]
fn numbers_that_are_none_do_not_stay() {
    let speech = TestSpeech::samples(6, 48_000);
    let mut broken = speech.clone();
    broken[1_000] = f32::NAN;
    broken[2_000] = f32::INFINITY;
    let output = run(VoiceConfig::default(), &vec![0.0; speech.len()], &broken);
    assert!(output.iter().all(|sample| sample.is_finite()));
    assert!(decibels(&output[24_000..]) > -40.0);
}

#[test]
fn what_is_done_can_be_changed_while_running() {
    let mut processor = VoiceProcessor::new(VoiceConfig::off());
    let mut speech = TestSpeech::new(7);
    for config in [VoiceConfig::default(), VoiceConfig::off(), VoiceConfig { echo: false, ..VoiceConfig::default() }] {
        processor.set_config(config);
        assert_eq!(processor.config(), config);
        for _ in 0..50 {
            processor.render(&speech.next_frame());
            let mut frame = speech.next_frame();
            processor.capture(&mut frame);
            assert!(frame.iter().all(|sample| sample.is_finite() && sample.abs() <= 1.0));
        }
    }
}
