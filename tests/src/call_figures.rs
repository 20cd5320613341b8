//! How good a call between two people was, from what the receiver wrote down: the same figures for the benchmark and
//! for the promises.

use std::path::Path;
use std::time::Duration;

use confab_media::{SAMPLE_RATE, correlation};
use confab_protocol::{ParticipantId, SourceKind};

use crate::lab::{LabError, Outcome, ShownFrame, StatsFile, sound};

/// A freeze is a gap this much over the mean gap.
const FREEZE_MARGIN_MS: f64 = 150.0;

/// Speech is compared in stretches of this length, since receivers stretch and shorten time.
const WINDOW: Duration = Duration::from_millis(500);

/// Nobody waits longer for a sound on a path that works at all.
const LONGEST_WAY: Duration = Duration::from_secs(2);

/// How far one stretch may be shifted against the whole.
const DRIFT: Duration = Duration::from_millis(80);

/// Pictures of one person as another saw them, from some moment on.
#[derive(Clone, Debug)]
pub struct VideoFigures {
    /// Frames shown per second.
    pub fps: f64,
    /// Share of the frames that had the full height.
    pub full_size: f64,
    /// Median nearness to the source, dB; `None` when nothing was compared.
    pub psnr_db_p50: Option<f64>,
    /// Time of gaps that a person sees, seconds.
    pub frozen_s: f64,
    /// Median time from the source's drawing to the receiver's renderer, milliseconds; `None` without marks.
    pub glass_to_glass_ms_p50: Option<f64>,
    /// Frames drawn by the source and never shown, of those between the first and the last shown.
    pub missing: u64,
    /// Frames shown.
    pub shown: u64,
}

/// Speech of one person as another heard it.
#[derive(Clone, Copy, Debug)]
pub struct AudioFigures {
    /// Median correlation of half seconds of speech with what was said.
    pub correlation: f64,
    /// Median time from the microphone to the speaker, milliseconds.
    pub mouth_to_ear_ms_p50: f64,
    /// Half seconds that were compared.
    pub windows: usize,
}

/// Looks at the frames of `from`'s camera, leaving out what was shown in the first `skip` of them.
///
/// # Errors
/// When hardly any frame was shown.
pub fn video(receiver: &StatsFile, from: ParticipantId, skip: Duration, full_height: u32) -> Outcome<VideoFigures> {
    let all = receiver.frames_of(from, SourceKind::Camera);
    let start = all.first().map_or(0.0, |frame| frame.at_unix_ms) + skip.as_secs_f64() * 1_000.0;
    let frames: Vec<&ShownFrame> = all.into_iter().filter(|frame| frame.at_unix_ms >= start).collect();
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
        return Err(LabError::Unexpected("no frame was shown in the measured time".into()));
    };
    let span_ms = last.at_unix_ms - first.at_unix_ms;
    if frames.len() < 10 || span_ms <= 0.0 {
        return Err(LabError::Unexpected(format!("only {} frames were shown in the measured time", frames.len())));
    }
    let gaps: Vec<f64> = frames.windows(2).map(|pair| pair[1].at_unix_ms - pair[0].at_unix_ms).collect();
    let mean_gap = span_ms / gaps.len() as f64;
    let frozen_ms = gaps.iter().filter(|gap| **gap > mean_gap + FREEZE_MARGIN_MS).fold(0.0, |sum, gap| sum + gap);
    let marks: Vec<u32> = frames.iter().filter_map(|frame| Some(frame.mark?.frame)).collect();
    let drawn = match (marks.iter().min(), marks.iter().max()) {
        (Some(lowest), Some(highest)) => u64::from(highest - lowest) + 1,
        _ => 0,
    };
    let mut different = marks.clone();
    different.sort_unstable();
    different.dedup();
    let ages = frames.iter().filter_map(|frame| Some(frame.at_unix_ms - frame.mark?.unix_ms as f64)).collect();
    Ok(VideoFigures {
        fps: gaps.len() as f64 * 1_000.0 / span_ms,
        full_size: frames.iter().filter(|frame| frame.height == full_height).count() as f64 / frames.len() as f64,
        psnr_db_p50: median(frames.iter().filter_map(|frame| frame.psnr_db).collect()),
        frozen_s: frozen_ms / 1_000.0,
        glass_to_glass_ms_p50: median(ages),
        missing: drawn.saturating_sub(different.len() as u64),
        shown: frames.len() as u64,
    })
}

/// Compares what the receiver's speaker was given with the speech that the sender's microphone heard from its start on,
/// leaving out the first `skip` of the recording.
///
/// # Errors
/// When nothing was recorded or nothing of it is the speech.
pub fn audio(receiver: &StatsFile, sender: &StatsFile, speech: &Path, skip: Duration) -> Outcome<AudioFigures> {
    let missing = |what: &str| LabError::Unexpected(format!("the statistics say nothing about {what}"));
    let saved = receiver.audio.first().ok_or_else(|| missing("saved sound"))?;
    let microphone = sender.microphone.ok_or_else(|| missing("the microphone"))?;
    let (speech, received) = (sound::read_wav(speech)?, sound::read_wav(&saved.file)?);
    let received = received.get(sound::samples(skip)..).unwrap_or_default();
    // What the microphone heard when the measured part of the recording began.
    let begin_ms = saved.started_unix_ms + skip.as_secs_f64() * 1_000.0 - microphone.started_unix_ms;
    let begin = (begin_ms / 1_000.0 * f64::from(SAMPLE_RATE)).round();
    let said = if begin >= 0.0 { speech.get(begin as usize..).unwrap_or_default() } else { &speech[..] };
    let lead = if begin < 0.0 { -begin } else { 0.0 };
    let said = &said[..said.len().min(received.len())];
    let matches = correlation::windowed(
        said,
        received,
        sound::samples(WINDOW),
        sound::samples(LONGEST_WAY) + lead as usize,
        sound::samples(DRIFT),
    );
    if matches.is_empty() {
        return Err(LabError::Unexpected("no speech was found in what the receiver played".into()));
    }
    let lags = matches.iter().map(|found| found.lag as f64 - lead).collect();
    Ok(AudioFigures {
        correlation: correlation::median(&matches),
        mouth_to_ear_ms_p50: median(lags).unwrap_or(0.0) * 1_000.0 / f64::from(SAMPLE_RATE),
        windows: matches.len(),
    })
}

/// The middle value, `None` of nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{FrameMark, StatsFile};

    fn shown(times_ms: impl IntoIterator<Item = f64>) -> (StatsFile, ParticipantId) {
        let participant = ParticipantId::new();
        let frame = |(index, at_unix_ms): (usize, f64)| ShownFrame {
            participant,
            source: SourceKind::Camera,
            at_unix_ms,
            width: 1280,
            height: 720,
            mark: Some(FrameMark { frame: index as u32, unix_ms: at_unix_ms as u64 - 80 }),
            psnr_db: (index % 10 == 0).then_some(40.0),
        };
        let frames = times_ms.into_iter().enumerate().map(frame).collect();
        let file = StatsFile { me: None, stats: serde_json::Value::Null, frames, audio: Vec::new(), microphone: None };
        (file, participant)
    }

    #[test]
    fn a_steady_picture_is_not_frozen_and_a_gap_is() {
        let steady = (0..300).map(|index| 1e6 + f64::from(index) * 1_000.0 / 30.0);
        let (file, from) = shown(steady.clone());
        let figures = video(&file, from, Duration::from_secs(2), 720).expect("frames");
        assert!((figures.fps - 30.0).abs() < 0.01 && figures.frozen_s == 0.0 && figures.missing == 0);
        assert_eq!((figures.full_size, figures.psnr_db_p50), (1.0, Some(40.0)));
        assert!((figures.glass_to_glass_ms_p50.expect("marks") - 80.0).abs() <= 1.0);
        let (file, from) = shown(steady.filter(|at| !(1_005_000.0..1_005_500.0).contains(at)));
        let figures = video(&file, from, Duration::ZERO, 720).expect("frames");
        assert!((0.5..0.6).contains(&figures.frozen_s), "{}", figures.frozen_s);
    }

    #[test]
    fn a_missing_frame_is_counted() {
        let (mut file, from) = shown((0..100).map(|index| 1e6 + f64::from(index) * 33.0));
        file.frames.remove(50);
        file.frames.remove(60);
        assert_eq!(video(&file, from, Duration::ZERO, 720).expect("frames").missing, 2);
    }
}
