//! What the echo canceller is told was played, beside what was captured at that time.
//!
//! The canceller counts frames: one played, one captured, and the delay between them must not jump. A speaker asks for
//! sound in bursts of its buffer's length, a busy machine delivers captured sound late and in one piece, and a speaker
//! that runs dry plays nothing for a while. So each side keeps its own times here, and frames meet by time:
//!
//! ```text
//!  pulled    |aaaa    |bbbb    |cccc            |dddd      bursts, then a stall
//!  played     a a a a  b b b b  c c c c          d d d d   one after the other, never before it was pulled
//!  captured   1 2 3 4  5 6 7 8  9 ...                      each gets what began to play up to then
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use confab_media::FRAME_SAMPLES;

/// 10 ms of what the speaker plays.
pub type PlayedFrame = [f32; FRAME_SAMPLES];

/// Length of a frame.
const FRAME: Duration = Duration::from_millis(10);

/// What began to play this long before what is captured now is of no use any more: the canceller looks back less.
const TOO_OLD: Duration = Duration::from_millis(300);

/// Frames after which it is seen whether the speaker is ahead of its usual lead, or behind.
const WINDOW: u32 = 100;

/// A lead that differs by less from the usual one is a matter of phase.
const PHASE: Duration = Duration::from_millis(15);

/// The played frames that no captured one has met yet.
#[derive(Debug, Default)]
pub struct EchoReference {
    frames: VecDeque<(Instant, PlayedFrame)>,
    /// When the last one ends.
    plays_until: Option<Instant>,
    /// The most by which a frame was pulled before it began, in this window. A speaker keeps its buffer full, so this is
    /// the buffer's length; a frame that is pulled late by less than that changes nothing.
    most_lead: Duration,
    /// The same of the first window.
    usual_lead: Option<Duration>,
    counted: u32,
}

impl EchoReference {
    /// The speaker has asked for this frame. `true` when the delay between what is played and what is captured has
    /// jumped by it.
    pub fn push(&mut self, pulled_at: Instant, frame: PlayedFrame) -> bool {
        // A frame begins when the one before ends, or now, when the speaker ran dry before.
        let expected = self.plays_until.unwrap_or(pulled_at);
        let mut begin = expected.max(pulled_at);
        let mut jumped = begin - expected > PHASE;
        if begin - pulled_at > TOO_OLD {
            // No speaker takes so much in advance: it is another one, or what was assumed is wrong.
            *self = Self::default();
            (begin, jumped) = (pulled_at, true);
        }
        self.most_lead = self.most_lead.max(begin - pulled_at);
        self.counted += 1;
        if self.counted >= WINDOW {
            let most = std::mem::take(&mut self.most_lead);
            self.counted = 0;
            let usual = *self.usual_lead.get_or_insert(most);
            // Ahead: the speaker's crystal is the faster one. Behind: it ran dry for longer than was seen.
            let (ahead, behind) = (most.saturating_sub(usual), usual.saturating_sub(most));
            if ahead > PHASE {
                begin = begin.checked_sub(ahead).unwrap_or(begin);
            } else if behind > PHASE {
                begin += behind;
            }
            jumped |= ahead.max(behind) > 2 * FRAME;
        }
        self.plays_until = Some(begin + FRAME);
        self.frames.push_back((begin, frame));
        jumped
    }

    /// The next frame that had begun to play when this was captured.
    pub fn next_before(&mut self, captured_at: Instant) -> Option<PlayedFrame> {
        while let Some((begin, frame)) = self.frames.front() {
            if *begin > captured_at {
                return None;
            }
            let (begin, frame) = (*begin, *frame);
            self.frames.pop_front();
            if captured_at.saturating_duration_since(begin) <= TOO_OLD {
                return Some(frame);
            }
        }
        None
    }

    /// Nothing is captured, or nobody wants to know.
    pub fn clear(&mut self) {
        self.frames.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pulls `count` frames at once; each frame holds its number.
    struct Speaker {
        reference: EchoReference,
        number: u32,
    }

    impl Speaker {
        fn new() -> Self {
            Self { reference: EchoReference::default(), number: 0 }
        }

        fn pull(&mut self, at: Instant, count: u32) {
            for _ in 0..count {
                self.reference.push(at, [self.number as f32; FRAME_SAMPLES]);
                self.number += 1;
            }
        }

        fn met(&mut self, captured_at: Instant) -> Vec<u32> {
            std::iter::from_fn(|| self.reference.next_before(captured_at)).map(|frame| frame[0] as u32).collect()
        }
    }

    #[test]
    fn frames_pulled_in_bursts_are_met_one_by_one() {
        let start = Instant::now();
        let mut speaker = Speaker::new();
        for chunk in 0..40_u32 {
            let now = start + FRAME * chunk;
            if chunk.is_multiple_of(4) {
                speaker.pull(now, 4);
            }
            assert_eq!(speaker.met(now), [chunk]);
        }
    }

    #[test]
    fn captured_sound_that_comes_late_and_in_one_piece_meets_what_was_played_then() {
        let start = Instant::now();
        let mut speaker = Speaker::new();
        for frame in 0..20_u32 {
            speaker.pull(start + FRAME * frame, 1);
        }
        for chunk in 0..20_u32 {
            assert_eq!(speaker.met(start + FRAME * chunk), [chunk]);
        }
    }

    #[test]
    fn while_the_speaker_is_dry_nothing_is_met_and_afterwards_nothing_in_a_burst() {
        let start = Instant::now();
        let mut speaker = Speaker::new();
        speaker.pull(start, 4);
        let stall = 25;
        let mut met = Vec::new();
        for chunk in 0..40_u32 {
            let now = start + FRAME * chunk;
            if chunk >= stall && (chunk - stall).is_multiple_of(4) {
                speaker.pull(now, 4);
            }
            met.push(speaker.met(now));
        }
        let expected: Vec<Vec<u32>> = (0..40)
            .map(|chunk| match chunk {
                0..4 => vec![chunk],
                4..25 => vec![],
                _ => vec![chunk - 21],
            })
            .collect();
        assert_eq!(met, expected);
    }

    #[test]
    fn a_faster_speaker_does_not_get_ahead_for_ever() {
        let start = Instant::now();
        let mut speaker = Speaker::new();
        // 0.1 percent fast: ten frames too many in 100 seconds.
        for chunk in 0..10_000_u32 {
            let now = start + FRAME * chunk;
            speaker.pull(now, if chunk % 1_000 == 999 { 2 } else { 1 });
            speaker.met(now);
            assert!(speaker.reference.frames.len() <= 4, "{} wait at {chunk}", speaker.reference.frames.len());
        }
    }

    #[test]
    fn a_pull_that_is_late_by_less_than_the_buffer_holds_shifts_nothing() {
        let start = Instant::now();
        let mut speaker = Speaker::new();
        speaker.pull(start, 8);
        for chunk in 0..1_000_u32 {
            let now = start + FRAME * chunk;
            // Each second the speaker's thread is kept waiting for 60 ms, and makes up for it.
            match chunk % 100 {
                50..56 => {}
                56 => speaker.pull(now, 7),
                _ => speaker.pull(now, 1),
            }
            assert_eq!(speaker.met(now), [chunk]);
        }
    }

    #[test]
    fn a_speaker_that_takes_far_too_much_is_taken_for_another_one() {
        let start = Instant::now();
        let mut reference = EchoReference::default();
        let jumps = (0..100).filter(|_| reference.push(start, [0.0; FRAME_SAMPLES])).count();
        assert!((1..=4).contains(&jumps), "{jumps}");
        assert!(reference.frames.len() <= 32, "{} wait", reference.frames.len());
    }

    #[test]
    fn what_is_too_old_is_left_out() {
        let start = Instant::now();
        let mut speaker = Speaker::new();
        for frame in 0..100_u32 {
            speaker.pull(start + FRAME * frame, 1);
        }
        assert_eq!(speaker.met(start + FRAME * 99), (69..100).collect::<Vec<_>>());
    }
}
