//! Keeps echo away while the canceller looks for a delay that has jumped.

use crate::FRAME_SAMPLES;
use crate::level::decibels;

/// Frames of 10 ms for which the guard stands: the canceller finds a delay within a second.
const STANDS: u32 = 120;

/// Frames for which what was played can come back: the longest delay and the tail of a room.
const COMES_BACK: usize = 40;

/// What is played below this is not heard as an echo.
const AUDIBLE_DB: f32 = -60.0;

/// An echo is quieter than what was played by at least this much, after what the canceller has taken away.
const LOSS_DB: f32 = 6.0;

/// What could be echo is turned down to this: by 26 dB.
const TURNED_DOWN: f32 = 0.05;

/// One part in this of the way to the wanted gain is gone each sample: 1 ms.
const SMOOTHING: f32 = 48.0;

/// See the module.
#[derive(Debug)]
pub(super) struct EchoGuard {
    left: u32,
    gain: f32,
    /// The levels played last, in decibels.
    played: [f32; COMES_BACK],
    next: usize,
    /// Something was played since the last captured frame.
    rendered: bool,
}

impl Default for EchoGuard {
    fn default() -> Self {
        Self { left: 0, gain: 1.0, played: [f32::NEG_INFINITY; COMES_BACK], next: 0, rendered: false }
    }
}

impl EchoGuard {
    pub(super) fn disturbed(&mut self) {
        self.left = STANDS;
    }

    pub(super) fn render(&mut self, playout: &[f32; FRAME_SAMPLES]) {
        self.note(decibels(playout));
        self.rendered = true;
    }

    fn note(&mut self, level: f32) {
        self.played[self.next] = level;
        self.next = (self.next + 1) % COMES_BACK;
    }

    /// Turns down, in place, what could be echo.
    pub(super) fn capture(&mut self, cleaned: &mut [f32; FRAME_SAMPLES]) {
        if !std::mem::take(&mut self.rendered) {
            self.note(f32::NEG_INFINITY);
        }
        if self.left == 0 && self.gain >= 0.999 {
            return;
        }
        self.left = self.left.saturating_sub(1);
        let played = self.played.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let echo = played > AUDIBLE_DB && decibels(cleaned) < played - LOSS_DB;
        let wanted = if echo && self.left > 0 { TURNED_DOWN } else { 1.0 };
        for sample in cleaned {
            self.gain += (wanted - self.gain) / SMOOTHING;
            *sample *= self.gain;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(amplitude: f32) -> [f32; FRAME_SAMPLES] {
        std::array::from_fn(|index| amplitude * (index as f32 * 0.3).sin())
    }

    /// The level of what the guard leaves of a microphone's frame, while this is played, some frames later.
    fn left_of(guard: &mut EchoGuard, played: f32, captured: f32) -> f32 {
        let mut frame = tone(captured);
        for _ in 0..5 {
            guard.render(&tone(played));
            frame = tone(captured);
            guard.capture(&mut frame);
        }
        decibels(&frame) - decibels(&tone(captured))
    }

    #[test]
    fn what_could_be_echo_is_turned_down_for_a_second_after_a_disturbance() {
        let mut guard = EchoGuard::default();
        assert!(left_of(&mut guard, 0.3, 0.1).abs() < 0.1, "nothing is touched before");
        guard.disturbed();
        assert!(left_of(&mut guard, 0.3, 0.1) < -25.0);
        for _ in 0..=STANDS / 5 {
            left_of(&mut guard, 0.3, 0.1);
        }
        assert!(left_of(&mut guard, 0.3, 0.1).abs() < 0.1, "and nothing afterwards");
    }

    #[test]
    fn what_is_louder_than_an_echo_could_be_passes() {
        let mut guard = EchoGuard::default();
        guard.disturbed();
        assert!(left_of(&mut guard, 0.3, 0.3).abs() < 0.1);
    }

    #[test]
    fn without_anything_played_nothing_is_turned_down() {
        let mut guard = EchoGuard::default();
        guard.disturbed();
        assert!(left_of(&mut guard, 0.0005, 0.0001).abs() < 0.1, "below -60 dB nobody hears an echo");
    }

    #[test]
    fn what_was_played_long_ago_counts_no_more() {
        let mut guard = EchoGuard::default();
        left_of(&mut guard, 0.3, 0.1);
        for _ in 0..COMES_BACK {
            guard.capture(&mut tone(0.1));
        }
        guard.disturbed();
        let mut frame = tone(0.1);
        guard.capture(&mut frame);
        assert!((decibels(&frame) - decibels(&tone(0.1))).abs() < 0.1);
    }
}
