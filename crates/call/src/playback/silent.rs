//! A speaker that nobody hears: pulls at the pace of a sound card.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{CHUNK_SAMPLES, Pull, Shared};
use crate::capture::Pace;

/// Pulls that a busy machine delays are made up for up to this much, as a sound card's buffer does.
const SLACK: Duration = Duration::from_millis(200);

pub(super) fn play(shared: &Shared, mut pull: Pull) {
    let mut pace = Pace::new(Instant::now(), 100, Duration::from_secs(1)).with_slack(SLACK);
    let mut chunk = [0.0; CHUNK_SAMPLES];
    while !shared.is_stopped() {
        let tick = pace.next_tick(Instant::now());
        std::thread::sleep(tick.due.saturating_duration_since(Instant::now()));
        pull(&mut chunk);
        shared.pulled.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use crate::playback::{SpeakerChoice, open_speaker};

    use super::*;

    #[test]
    fn sound_is_pulled_a_hundred_times_a_second_until_the_speaker_is_dropped() {
        let (sender, pulls) = crossbeam_channel::unbounded();
        let speaker = open_speaker(
            &SpeakerChoice::None,
            Box::new(move |_| {
                let _ = sender.send(());
            }),
        )
        .unwrap();
        std::thread::sleep(Duration::from_millis(500));
        let pulled = speaker.pulled();
        assert!((30..=52).contains(&pulled), "{pulled} pulls in half a second");
        drop(speaker);
        assert!(pulls.iter().count() as u64 >= pulled);
    }
}
