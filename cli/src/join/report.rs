//! What `--stats` writes: the call's last figures, a line for each frame shown, and a summary for people.

use std::collections::BTreeMap;
use std::path::Path;

use confab_call::CallStats;
use confab_protocol::{ParticipantId, SourceKind};
use serde::Serialize;

use super::frame_log::{FrameLog, ShownFrame};
use super::sound_file::SavedAudio;

/// What comes before is not judged: layers are found and buffers fill.
const SETTLED_MS: f64 = 5_000.0;

/// A gap that is longer than the mean by this is a freeze.
const FREEZE_MARGIN_MS: f64 = 150.0;

#[derive(Serialize)]
struct Report<'a> {
    me: Option<ParticipantId>,
    stats: &'a CallStats,
    summary: Vec<PictureSummary>,
    microphone: Option<Microphone>,
    audio: Vec<SavedAudio>,
    frames: Vec<ShownFrame>,
}

#[derive(Serialize)]
struct Microphone {
    started_unix_ms: f64,
}

/// One picture from its fifth second on.
#[derive(Serialize, Debug, PartialEq)]
struct PictureSummary {
    participant: ParticipantId,
    source: SourceKind,
    /// Frames in all.
    frames: usize,
    /// Largest height.
    height: u32,
    /// Frames of the largest size per second, from the fifth second on.
    fps: Option<f64>,
    /// Seconds of freezes, from the fifth second on.
    frozen_s: f64,
    psnr_db_p50: Option<f64>,
    glass_to_glass_ms_p50: Option<f64>,
    glass_to_glass_ms_p95: Option<f64>,
    /// Frames the source drew and that were not shown, from the fifth second on.
    missing: u64,
}

/// Writes the file.
pub fn write(
    path: &Path,
    me: Option<ParticipantId>,
    stats: &CallStats,
    log: &FrameLog,
    audio: Option<SavedAudio>,
) -> Result<(), String> {
    let frames = log.frames();
    let microphone = stats.voice.started_unix_ms.map(|started_unix_ms| Microphone { started_unix_ms });
    let report =
        Report { me, stats, summary: summarise(&frames), microphone, audio: audio.into_iter().collect(), frames };
    let text = serde_json::to_string(&report).map_err(|error| error.to_string())?;
    std::fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

fn summarise(frames: &[ShownFrame]) -> Vec<PictureSummary> {
    let mut pictures: BTreeMap<(ParticipantId, SourceKind), Vec<&ShownFrame>> = BTreeMap::new();
    for frame in frames {
        pictures.entry((frame.participant, frame.source)).or_default().push(frame);
    }
    pictures.into_iter().map(|((participant, source), frames)| picture(participant, source, &frames)).collect()
}

fn picture(participant: ParticipantId, source: SourceKind, frames: &[&ShownFrame]) -> PictureSummary {
    let height = frames.iter().map(|frame| frame.height).max().unwrap_or(0);
    let from = frames.first().map_or(0.0, |frame| frame.at_unix_ms) + SETTLED_MS;
    let settled: Vec<_> = frames.iter().filter(|frame| frame.at_unix_ms >= from).collect();
    let span_ms = match (settled.first(), settled.last()) {
        (Some(first), Some(last)) => last.at_unix_ms - first.at_unix_ms,
        _ => 0.0,
    };
    let full = settled.iter().filter(|frame| frame.height == height).count();
    let gaps: Vec<f64> = settled.windows(2).map(|pair| pair[1].at_unix_ms - pair[0].at_unix_ms).collect();
    let mean = span_ms / gaps.len().max(1) as f64;
    let ages =
        settled.iter().filter_map(|frame| Some(frame.at_unix_ms - frame.mark?.unix_ms as f64)).collect::<Vec<_>>();
    let mut numbers: Vec<u32> = settled.iter().filter_map(|frame| Some(frame.mark?.frame)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let drawn = match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) => u64::from(last - first) + 1,
        _ => 0,
    };
    PictureSummary {
        participant,
        source,
        frames: frames.len(),
        height,
        fps: (span_ms > 0.0).then(|| full.saturating_sub(1) as f64 * 1000.0 / span_ms),
        // A sum of nothing is -0.0.
        frozen_s: gaps.iter().filter(|gap| **gap > mean + FREEZE_MARGIN_MS).fold(0.0, |sum, gap| sum + gap) / 1000.0,
        psnr_db_p50: percentile(settled.iter().filter_map(|frame| frame.psnr_db).collect(), 50),
        glass_to_glass_ms_p50: percentile(ages.clone(), 50),
        glass_to_glass_ms_p95: percentile(ages, 95),
        missing: drawn.saturating_sub(numbers.len() as u64),
    }
}

fn percentile(mut values: Vec<f64>, percent: usize) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get((values.len() * percent / 100).min(values.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::frame_log::FrameMark;

    fn shown(number: u32, at_unix_ms: f64) -> ShownFrame {
        ShownFrame {
            participant: "01900000-0000-7000-8000-000000000001".parse().expect("an id"),
            source: SourceKind::Camera,
            at_unix_ms,
            width: 1280,
            height: 720,
            mark: Some(FrameMark { frame: number, unix_ms: at_unix_ms as u64 - 50 }),
            psnr_db: Some(41.0),
        }
    }

    #[test]
    fn a_steady_picture_has_its_rate_and_no_freeze() {
        let frames: Vec<_> = (0..300).map(|number| shown(number, 1e6 + f64::from(number) * 1000.0 / 30.0)).collect();
        let summary = &summarise(&frames)[0];
        assert!((summary.fps.expect("fps") - 30.0).abs() < 0.1);
        assert!(summary.frozen_s.abs() < f64::EPSILON && summary.frozen_s.is_sign_positive());
        assert_eq!(summary.missing, 0);
        assert!((summary.glass_to_glass_ms_p50.expect("marks") - 50.0).abs() < 1.1);
        assert_eq!(summary.psnr_db_p50, Some(41.0));
    }

    #[test]
    fn a_hole_after_the_fifth_second_is_a_freeze_and_its_frames_are_missing() {
        let frames: Vec<_> = (0..300)
            .filter(|number| !(200..212).contains(number))
            .map(|number| shown(number, 1e6 + f64::from(number) * 1000.0 / 30.0))
            .collect();
        let summary = &summarise(&frames)[0];
        assert!((0.4..0.5).contains(&summary.frozen_s), "{}", summary.frozen_s);
        assert_eq!(summary.missing, 12);
    }

    #[test]
    fn what_happens_in_the_first_five_seconds_is_not_judged() {
        let frames: Vec<_> = (0..300)
            .filter(|number| !(20..60).contains(number))
            .map(|number| shown(number, 1e6 + f64::from(number) * 1000.0 / 30.0))
            .collect();
        assert!(summarise(&frames)[0].frozen_s.abs() < f64::EPSILON);
    }
}
