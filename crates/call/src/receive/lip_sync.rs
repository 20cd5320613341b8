//! Keeps a picture from running ahead of its voice.
//!
//! Voice waits in its jitter buffer and in the speaker; a picture until frames come
//! evenly ([`super::playout`]). Both leave their
//! sender at about the same delay, so the difference of the two waits here is the skew. People notice from about 80 ms
//! on. A picture is held only as long as needed to stay below that, and never long: delay hurts more than skew.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use confab_protocol::ParticipantId;

/// Skew that is left alone.
const TOLERATED: Duration = Duration::from_millis(70);

/// A picture is never held longer.
const LONGEST_HOLD: Duration = Duration::from_millis(40);

/// How long a picture that took `picture` to be ready is held when its voice takes `voice`.
pub fn hold(voice: Duration, picture: Duration) -> Duration {
    voice.saturating_sub(picture).saturating_sub(TOLERATED).min(LONGEST_HOLD)
}

/// Where the speaker's thread leaves the delays of the voices, and decode threads find them.
#[derive(Default, Debug)]
pub struct VoiceDelays {
    delays: Mutex<HashMap<ParticipantId, Duration>>,
}

impl VoiceDelays {
    /// The delays now; left as they were when somebody reads at this moment.
    pub fn try_set(&self, delays: impl Iterator<Item = (ParticipantId, Duration)>) {
        if let Ok(mut kept) = self.delays.try_lock() {
            kept.clear();
            kept.extend(delays);
        }
    }

    /// How long the person's voice waits here; `None` when it is not heard.
    pub fn of(&self, participant: ParticipantId) -> Option<Duration> {
        self.delays.lock().unwrap_or_else(PoisonError::into_inner).get(&participant).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_picture_is_not_held_while_the_skew_is_small() {
        assert_eq!(hold(ms(60), ms(5)), Duration::ZERO);
        assert_eq!(hold(ms(10), ms(200)), Duration::ZERO);
    }

    #[test]
    fn a_late_voice_holds_the_picture_just_enough() {
        let held = hold(ms(100), ms(5));
        assert_eq!(held, ms(25));
        assert!(ms(100) - ms(5) - held < ms(80));
    }

    #[test]
    fn no_picture_is_held_longer_than_forty_milliseconds() {
        assert_eq!(hold(ms(900), ms(5)), ms(40));
    }

    #[test]
    fn delays_are_kept_for_those_who_are_heard() {
        let delays = VoiceDelays::default();
        let ada = ParticipantId::new();
        delays.try_set([(ada, ms(60))].into_iter());
        assert_eq!(delays.of(ada), Some(ms(60)));
        delays.try_set(std::iter::empty());
        assert_eq!(delays.of(ada), None);
    }
}
