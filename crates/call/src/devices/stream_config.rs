//! With which rate, channels and samples a sound stream is opened.

use std::time::Duration;

use cpal::traits::DeviceTrait;
use cpal::{BufferSize, SampleFormat, StreamConfig, SupportedStreamConfigRange};

use super::audio_host::Direction;

/// What calls run at; where a device offers it nothing is resampled.
const WANTED_RATE: u32 = 48_000;

/// What to ask a device for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    pub channels: u16,
    pub rate: u32,
    pub samples: SampleFormat,
}

impl Plan {
    /// The stream's parameters with a period of this length, or with the device's own idea of one.
    pub(crate) fn config(self, period: Option<Duration>) -> StreamConfig {
        let frames = |period: Duration| (u128::from(self.rate) * period.as_micros() / 1_000_000) as u32;
        StreamConfig {
            channels: self.channels,
            sample_rate: self.rate,
            buffer_size: period.map_or(BufferSize::Default, |period| BufferSize::Fixed(frames(period))),
        }
    }
}

/// What suits us best of what the device offers.
pub(crate) fn plan(device: &cpal::Device, direction: Direction) -> Option<Plan> {
    let (ranges, default): (Vec<SupportedStreamConfigRange>, _) = match direction {
        Direction::Input => {
            (device.supported_input_configs().ok().into_iter().flatten().collect(), device.default_input_config().ok())
        }
        Direction::Output => (
            device.supported_output_configs().ok().into_iter().flatten().collect(),
            device.default_output_config().ok(),
        ),
    };
    best(&ranges, direction).or_else(|| {
        default.map(|default| Plan {
            channels: default.channels(),
            rate: default.sample_rate(),
            samples: default.sample_format(),
        })
    })
}

fn best(ranges: &[SupportedStreamConfigRange], direction: Direction) -> Option<Plan> {
    ranges
        .iter()
        .filter(|range| sample_rank(range.sample_format()).is_some() && range.channels() > 0)
        .map(|range| Plan {
            channels: range.channels(),
            rate: WANTED_RATE.clamp(range.min_sample_rate(), range.max_sample_rate().max(1)),
            samples: range.sample_format(),
        })
        .min_by_key(|plan| {
            (plan.rate.abs_diff(WANTED_RATE), channel_rank(plan.channels, direction), sample_rank(plan.samples))
        })
}

/// Mono from microphones, where the server mixes better than we would; stereo to speakers, where mono may come out of
/// one ear.
fn channel_rank(channels: u16, direction: Direction) -> u16 {
    match (direction, channels) {
        (Direction::Input, 1) | (Direction::Output, 2) => 0,
        (Direction::Input, 2) | (Direction::Output, 1) => 1,
        (_, more) => more,
    }
}

/// `None` for what we do not convert (one-bit DSD).
fn sample_rank(samples: SampleFormat) -> Option<u8> {
    match samples {
        SampleFormat::F32 => Some(0),
        SampleFormat::I32 => Some(1),
        SampleFormat::I24 => Some(2),
        SampleFormat::I16 => Some(3),
        SampleFormat::F64 => Some(4),
        SampleFormat::U16 => Some(5),
        SampleFormat::U8 => Some(6),
        SampleFormat::I8 => Some(7),
        _ => None,
    }
}

/// Runs `$body` with `$type` bound to the Rust type of a sample format; `$otherwise` for formats that are not
/// converted.
macro_rules! with_sample_type {
    ($format:expr, $type:ident => $body:expr, $otherwise:expr) => {
        match $format {
            cpal::SampleFormat::F32 => {
                type $type = f32;
                $body
            }
            cpal::SampleFormat::I32 => {
                type $type = i32;
                $body
            }
            cpal::SampleFormat::I24 => {
                type $type = cpal::I24;
                $body
            }
            cpal::SampleFormat::I16 => {
                type $type = i16;
                $body
            }
            cpal::SampleFormat::F64 => {
                type $type = f64;
                $body
            }
            cpal::SampleFormat::U16 => {
                type $type = u16;
                $body
            }
            cpal::SampleFormat::U8 => {
                type $type = u8;
                $body
            }
            cpal::SampleFormat::I8 => {
                type $type = i8;
                $body
            }
            _ => $otherwise,
        }
    };
}
pub(crate) use with_sample_type;

#[cfg(test)]
mod tests {
    use cpal::SupportedBufferSize;

    use super::*;

    fn range(channels: u16, rates: (u32, u32), samples: SampleFormat) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(channels, rates.0, rates.1, SupportedBufferSize::Unknown, samples)
    }

    #[test]
    fn the_rate_of_calls_is_preferred_and_otherwise_the_nearest_one() {
        let ranges = [range(2, (44_100, 44_100), SampleFormat::F32), range(2, (48_000, 96_000), SampleFormat::I16)];
        let plan = best(&ranges, Direction::Output).unwrap();
        assert_eq!((plan.rate, plan.samples), (48_000, SampleFormat::I16));
        assert_eq!(best(&ranges[..1], Direction::Output).unwrap().rate, 44_100);
        let telephone = [range(1, (8_000, 16_000), SampleFormat::I16)];
        assert_eq!(best(&telephone, Direction::Input).unwrap().rate, 16_000);
    }

    #[test]
    fn microphones_are_mono_and_speakers_stereo_where_offered() {
        let ranges: Vec<_> = (1..=8).map(|channels| range(channels, (1, 192_000), SampleFormat::F32)).collect();
        assert_eq!(best(&ranges, Direction::Input).unwrap().channels, 1);
        assert_eq!(best(&ranges, Direction::Output).unwrap().channels, 2);
        assert_eq!(best(&ranges[3..], Direction::Input).unwrap().channels, 4);
    }

    #[test]
    fn one_bit_sound_is_not_taken() {
        assert_eq!(best(&[range(2, (48_000, 48_000), SampleFormat::DsdU8)], Direction::Input), None);
    }
}
