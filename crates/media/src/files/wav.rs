//! WAV files: read as mono 48 kHz whatever they hold, written as mono 48 kHz, 16 bits.

use std::io::{Read, Seek, Write};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use crate::SAMPLE_RATE;
use crate::resample::{self, ResampleError, Resampler};

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// The file is damaged, of an unknown kind, or cannot be read or written.
    #[error("The WAV file could not be read or written: {0}")]
    File(#[from] hound::Error),
    /// The file's sample rate cannot be converted.
    #[error(transparent)]
    Resample(#[from] ResampleError),
}

/// Reads a whole file as mono 48 kHz samples in -1..=1 (channels are averaged).
///
/// # Errors
/// Any [`WavError`].
pub fn read(input: impl Read) -> Result<Vec<f32>, WavError> {
    let mut reader = WavReader::new(input)?;
    let spec = reader.spec();
    let interleaved: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
        SampleFormat::Int => {
            let scale = 1.0 / (1_i64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            reader.samples::<i32>().map(|sample| sample.map(|value| value as f32 * scale)).collect::<Result<_, _>>()?
        }
    };
    let mono = resample::to_mono(&interleaved, usize::from(spec.channels));
    if spec.sample_rate == SAMPLE_RATE {
        return Ok(mono);
    }
    Ok(Resampler::new(spec.sample_rate, SAMPLE_RATE)?.process_whole(&mono)?)
}

/// Writes mono 48 kHz sound, 16 bits, to anything seekable (the lengths in the header are written at the end).
pub struct Writer<W: Write + Seek> {
    inner: WavWriter<W>,
}

impl<W: Write + Seek> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// [`WavError::File`].
    pub fn new(output: W) -> Result<Self, WavError> {
        let spec =
            WavSpec { channels: 1, sample_rate: SAMPLE_RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
        Ok(Self { inner: WavWriter::new(output, spec)? })
    }

    /// Appends samples in -1..=1; louder ones are clipped.
    ///
    /// # Errors
    /// [`WavError::File`].
    pub fn write(&mut self, samples: &[f32]) -> Result<(), WavError> {
        for sample in samples {
            self.inner.write_sample((sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16)?;
        }
        Ok(())
    }

    /// Brings the header up to date, so that the file is whole even if the program ends here.
    ///
    /// # Errors
    /// [`WavError::File`].
    pub fn flush(&mut self) -> Result<(), WavError> {
        Ok(self.inner.flush()?)
    }

    /// Completes the header.
    ///
    /// # Errors
    /// [`WavError::File`].
    pub fn finish(self) -> Result<(), WavError> {
        Ok(self.inner.finalize()?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::correlation;
    use crate::speech::TestSpeech;

    #[test]
    fn what_is_written_is_read_again() {
        let speech = TestSpeech::samples(1, 48_000);
        let mut file = Vec::new();
        let mut writer = Writer::new(Cursor::new(&mut file)).unwrap();
        writer.write(&speech[..20_000]).unwrap();
        writer.write(&speech[20_000..]).unwrap();
        writer.finish().unwrap();
        let samples = read(file.as_slice()).unwrap();
        assert_eq!(samples.len(), speech.len());
        assert!(samples.iter().zip(&speech).all(|(left, right)| (left - right).abs() < 1e-4));
    }

    #[test]
    fn stereo_at_another_rate_becomes_mono_at_48_khz() {
        let speech = TestSpeech::samples(2, 96_000);
        let slow = Resampler::new(48_000, 44_100).unwrap().process_whole(&speech).unwrap();
        let spec =
            WavSpec { channels: 2, sample_rate: 44_100, bits_per_sample: 32, sample_format: SampleFormat::Float };
        let mut file = Vec::new();
        let mut writer = WavWriter::new(Cursor::new(&mut file), spec).unwrap();
        for sample in slow {
            writer.write_sample(sample * 1.5).unwrap();
            writer.write_sample(sample * 0.5).unwrap();
        }
        writer.finalize().unwrap();
        let samples = read(file.as_slice()).unwrap();
        assert!(samples.len().abs_diff(speech.len()) < 10, "{}", samples.len());
        let (correlation, lag) = correlation::best(&speech, &samples, 100);
        assert!(correlation > 0.99 && lag.abs() <= 1, "{correlation} at {lag}");
    }

    #[test]
    fn damaged_files_are_refused_in_words() {
        let error = read(&b"RIFF nothing of the kind"[..]).unwrap_err().to_string();
        assert!(error.starts_with("The WAV file could not be read"), "{error}");
    }
}
