//! Recordings: making them, reading them, and how loud they are.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::time::Duration;

use confab_media::SAMPLE_RATE;
use confab_media::speech::TestSpeech;
use confab_media::wav;

use super::error::{LabError, Outcome};

/// Reads a WAV file as mono samples at 48 kHz.
///
/// # Errors
/// When it is missing or damaged.
pub fn read_wav(file: &Path) -> Outcome<Vec<f32>> {
    let fail = |error: &dyn std::fmt::Display| LabError::Unexpected(format!("{}: {error}", file.display()));
    let input = File::open(file).map_err(|error| fail(&error))?;
    wav::read(BufReader::new(input)).map_err(|error| fail(&error))
}

/// Writes mono samples at 48 kHz.
///
/// # Errors
/// When the file cannot be written.
pub fn write_wav(file: &Path, samples: &[f32]) -> Outcome {
    let fail = |error: &dyn std::fmt::Display| LabError::Unexpected(format!("{}: {error}", file.display()));
    let output = File::create(file).map_err(|error| fail(&error))?;
    let mut writer = wav::Writer::new(BufWriter::new(output)).map_err(|error| fail(&error))?;
    writer.write(samples).and_then(|()| writer.finish()).map_err(|error| fail(&error))
}

/// Writes speech of this voice and length.
///
/// # Errors
/// When the file cannot be written.
pub fn write_speech(file: &Path, voice: u32, length: Duration) -> Outcome {
    write_wav(file, &TestSpeech::samples(voice, samples(length)))
}

/// A time as a count of samples.
pub fn samples(time: Duration) -> usize {
    (time.as_secs_f64() * f64::from(SAMPLE_RATE)).round() as usize
}

/// Mean power in dB below full scale; -120 for silence or nothing.
pub fn level_db(samples: &[f32]) -> f64 {
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let mean = energy / samples.len().max(1) as f64;
    (10.0 * mean.log10()).max(-120.0)
}

/// The recording from `from` on, at most to `to`, both counted from its start.
pub fn part(samples_of: &[f32], from: Duration, to: Duration) -> &[f32] {
    let end = samples(to).min(samples_of.len());
    &samples_of[samples(from).min(end)..end]
}
