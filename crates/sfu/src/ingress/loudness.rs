//! How loud a member is and whether it speaks, from the level in each audio packet (RFC 6464).

use std::time::{Duration, Instant};

/// Silence, dBov.
pub(crate) const SILENCE: f32 = -127.0;

/// A level below this is no speech, dBov. With a sender that says "no voice" the louder bound holds.
const SPEECH: f32 = -55.0;
const SPEECH_WITHOUT_VOICE_FLAG: f32 = -40.0;

/// So many loud packets (20 ms each) in a short time make a speaker: a click does not.
const ONSET_PACKETS: u32 = 3;
const ONSET_WINDOW: Duration = Duration::from_millis(160);

/// Speech goes on through pauses this long.
const HANGOVER: Duration = Duration::from_millis(500);

/// Without packets for this long a source counts as silent.
const STALE: Duration = Duration::from_millis(400);

/// One audio source's loudness over time.
#[derive(Default)]
pub(crate) struct Loudness {
    smoothed: Option<f32>,
    last_packet: Option<Instant>,
    last_loud: Option<Instant>,
    loud_packets: u32,
    speaking: bool,
}

impl Loudness {
    /// Takes in one packet; `level` in dBov, `None` when the packet does not say. Says whether speech began with it.
    pub(crate) fn packet(&mut self, now: Instant, level: Option<i8>, voice: Option<bool>) -> bool {
        // A sender that tells no levels is taken for quiet speech, so that it is heard when there is room for it.
        let level = level.map_or(SPEECH - 5.0, f32::from).clamp(SILENCE, 0.0);
        let smoothed = self.smoothed.unwrap_or(SILENCE);
        let weight = if level > smoothed { 0.4 } else { 0.05 };
        self.smoothed = Some(smoothed + (level - smoothed) * weight);
        self.last_packet = Some(now);

        let bound = if voice == Some(false) { SPEECH_WITHOUT_VOICE_FLAG } else { SPEECH };
        if level < bound {
            return false;
        }
        let recent = self.last_loud.is_some_and(|last| now.saturating_duration_since(last) < ONSET_WINDOW);
        self.loud_packets = if recent { self.loud_packets + 1 } else { 1 };
        self.last_loud = Some(now);
        let began = !self.speaking && self.loud_packets >= ONSET_PACKETS;
        self.speaking |= began;
        began
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant) {
        if self.last_loud.is_none_or(|last| now.saturating_duration_since(last) > HANGOVER) {
            self.speaking = false;
        }
        if self.last_packet.is_none_or(|last| now.saturating_duration_since(last) > STALE) {
            self.smoothed = None;
            self.speaking = false;
        }
    }

    /// Whether this is speech now.
    pub(crate) fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// Smoothed level, dBov.
    pub(crate) fn level(&self) -> f32 {
        self.smoothed.unwrap_or(SILENCE)
    }

    /// Forgets everything, as after a mute.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: Duration = Duration::from_millis(20);

    #[test]
    fn three_loud_packets_begin_speech_and_it_outlives_a_short_pause() {
        let (mut loudness, mut now) = (Loudness::default(), Instant::now());
        assert!(!loudness.packet(now, Some(-30), Some(true)));
        assert!(!loudness.packet(now + PACKET, Some(-30), Some(true)));
        assert!(loudness.packet(now + PACKET * 2, Some(-30), Some(true)), "the third begins it");
        now += PACKET * 2;
        for _ in 0..15 {
            now += PACKET;
            loudness.packet(now, Some(-90), Some(false));
            loudness.tick(now);
        }
        assert!(loudness.is_speaking(), "300 ms of silence are a pause");
        for _ in 0..15 {
            now += PACKET;
            loudness.packet(now, Some(-90), Some(false));
            loudness.tick(now);
        }
        assert!(!loudness.is_speaking(), "600 ms of silence end it");
    }

    #[test]
    fn a_click_is_no_speech() {
        let (mut loudness, now) = (Loudness::default(), Instant::now());
        assert!(!loudness.packet(now, Some(-5), Some(true)));
        assert!(!loudness.packet(now + Duration::from_millis(300), Some(-5), Some(true)));
        assert!(!loudness.is_speaking());
    }

    #[test]
    fn a_source_without_packets_falls_silent() {
        let (mut loudness, now) = (Loudness::default(), Instant::now());
        for index in 0..5 {
            loudness.packet(now + PACKET * index, Some(-20), None);
        }
        assert!(loudness.level() > -40.0);
        loudness.tick(now + Duration::from_secs(1));
        assert!(loudness.level() <= SILENCE && !loudness.is_speaking());
    }
}
