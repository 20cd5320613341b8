//! Making sound a little shorter or longer without changing its pitch.
//!
//! One period of the voice is taken out or put in, and the seam is faded over that period (overlap-add). Where the
//! sound is not periodic enough to do so unnoticed, nothing is done; in silence any length will do.

/// Shortest and longest period in samples: 400 Hz and 67 Hz.
const SHORTEST: usize = 120;
const LONGEST: usize = 720;

/// The search first looks at every sixth sample (8 kHz).
const COARSE: usize = 6;

/// Mean energy under which sound counts as silence: -54 dBFS.
const SILENT_ENERGY: f32 = 4e-6;

/// Fewest samples that can be stretched: two of the longest periods that are looked for in so little.
pub const LEAST_SAMPLES: usize = 720;

/// Takes one period out of `samples`, near their start. Returns how many samples fewer there are; 0 when the sound's
/// likeness to itself one period later stays under `least_likeness` (0..=1), or there are too few samples.
pub fn shorten(samples: &mut Vec<f32>, least_likeness: f32) -> usize {
    let Some(period) = find_period(samples, least_likeness) else { return 0 };
    for index in 0..period {
        let fade = index as f32 / period as f32;
        samples[period + index] = samples[index] * (1.0 - fade) + samples[period + index] * fade;
    }
    samples.drain(..period);
    period
}

/// Puts one period into `samples`, near their start. Returns how many samples more there are; 0 as for [`shorten`].
pub fn lengthen(samples: &mut Vec<f32>, least_likeness: f32) -> usize {
    let Some(period) = find_period(samples, least_likeness) else { return 0 };
    let seam: Vec<f32> = (0..period)
        .map(|index| {
            let fade = index as f32 / period as f32;
            samples[period + index] * (1.0 - fade) + samples[index] * fade
        })
        .collect();
    samples.splice(period..period, seam);
    period
}

/// The shift at which the start of the sound is most like what follows, if it is like enough.
fn find_period(samples: &[f32], least_likeness: f32) -> Option<usize> {
    if samples.len() < LEAST_SAMPLES {
        return None;
    }
    let longest = LONGEST.min(samples.len() / 2);
    let energy = samples[..2 * longest].iter().map(|sample| sample * sample).sum::<f32>() / (2 * longest) as f32;
    if energy < SILENT_ENERGY {
        return Some(longest);
    }
    let coarse: Vec<f32> = samples[..2 * longest].chunks_exact(COARSE).map(|chunk| chunk.iter().sum::<f32>()).collect();
    let width = longest / COARSE;
    let rough = (SHORTEST / COARSE..=longest / COARSE)
        .max_by(|&left, &right| likeness(&coarse, width, left).total_cmp(&likeness(&coarse, width, right)))?;
    let around = (rough * COARSE).saturating_sub(COARSE).max(SHORTEST)..=(rough * COARSE + COARSE).min(longest);
    let (period, found) = around
        .map(|period| (period, likeness(samples, longest, period)))
        .max_by(|left, right| left.1.total_cmp(&right.1))?;
    (found >= least_likeness).then_some(period)
}

/// Normalised correlation of the first `width` samples with those `shift` later, -1..=1.
fn likeness(samples: &[f32], width: usize, shift: usize) -> f32 {
    let width = width.min(samples.len() - shift);
    let (mut product, mut first, mut second) = (0.0, 0.0, 0.0);
    for (&left, &right) in samples[..width].iter().zip(&samples[shift..shift + width]) {
        product += left * right;
        first += left * left;
        second += right * right;
    }
    product / (first * second).sqrt().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(pitch: f32, count: usize) -> Vec<f32> {
        let wave = |index: usize, multiple: f32| {
            (index as f32 * std::f32::consts::TAU * pitch * multiple / 48_000.0).sin() / multiple
        };
        (0..count).map(|index| 0.3 * (wave(index, 1.0) + wave(index, 2.0) + wave(index, 3.0))).collect()
    }

    fn largest_step(samples: &[f32]) -> f32 {
        samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn whole_periods_are_taken_out_and_put_in_without_a_seam() {
        for pitch in [100.0, 150.0, 240.0] {
            let original = voice(pitch, 1_920);
            let period = 48_000.0 / pitch;
            let mut shorter = original.clone();
            let removed = shorten(&mut shorter, 0.9);
            let mut longer = original.clone();
            let added = lengthen(&mut longer, 0.9);
            for change in [removed, added] {
                let periods = change as f32 / period;
                assert!(periods > 0.9 && (periods - periods.round()).abs() < 0.05, "{pitch} Hz: {periods} periods");
            }
            assert_eq!(shorter.len() + removed, original.len());
            assert_eq!(longer.len(), original.len() + added);
            for changed in [&shorter, &longer] {
                assert!(largest_step(changed) < largest_step(&original) * 1.1);
                assert!((changed[0] - original[0]).abs() < 1e-6);
                assert_eq!(changed[changed.len() - 300..], original[original.len() - 300..]);
            }
        }
    }

    #[test]
    fn noise_is_left_alone_and_silence_is_cut_freely() {
        let mut random = 1_u32;
        let mut noise: Vec<f32> = (0..1_920)
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (random >> 8) as f32 / 16_777_216.0 - 0.5
            })
            .collect();
        assert_eq!(shorten(&mut noise, 0.8), 0);
        let mut silence = vec![0.0; 1_920];
        assert_eq!(shorten(&mut silence, 0.8), 720);
        assert_eq!(silence.len(), 1_200);
    }

    #[test]
    fn too_little_sound_is_left_alone() {
        let mut few = voice(200.0, LEAST_SAMPLES - 1);
        assert_eq!(shorten(&mut few, 0.0), 0);
        assert_eq!(lengthen(&mut few, 0.0), 0);
        assert_eq!(lengthen(&mut Vec::new(), 0.0), 0);
    }
}
