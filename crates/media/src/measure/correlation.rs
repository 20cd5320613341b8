//! Finding a known sound in what was received: how alike they are and how far apart in time.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

/// The coarse search works on every eighth sample (6 kHz), where speech has most of its energy.
const DECIMATION: usize = 8;

/// Two sounds are compared only where they overlap by this part of the shorter one.
const LEAST_OVERLAP: f64 = 0.5;

/// How one stretch of a reference was found again; see [`windowed`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowMatch {
    /// First sample of the stretch in the reference.
    pub start: usize,
    /// Normalised correlation, -1..=1.
    pub correlation: f64,
    /// How many samples later it came in the received sound.
    pub lag: i64,
}

/// The greatest normalised correlation (-1..=1) of two sounds over all shifts up to `max_lag` samples either way, and
/// the shift: `received[i + lag]` goes with `reference[i]`. `(0.0, 0)` when either is empty or silent.
pub fn best(reference: &[f32], received: &[f32], max_lag: usize) -> (f64, i64) {
    let coarse_reference = decimate(reference);
    let coarse_received = decimate(received);
    let Some(coarse) = coarse_lag(&coarse_reference, &coarse_received, max_lag / DECIMATION + 1) else {
        return (0.0, 0);
    };
    let centre = coarse * DECIMATION as i64;
    let reach = DECIMATION as i64 * 3 / 2;
    (centre - reach..=centre + reach)
        .filter(|lag| lag.unsigned_abs() as usize <= max_lag)
        .map(|lag| (correlation_at(reference, received, lag), lag))
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .unwrap_or((0.0, 0))
}

/// Compares stretch by stretch, each with its own shift, because a receiver may stretch and shorten time by a few
/// milliseconds while it plays. Each stretch of `window` samples is searched within `drift` samples of the shift that
/// fits the whole best (which is searched up to `max_lag`). Stretches in which the reference is nearly silent (under
/// -50 dBFS) are left out, as are those beyond the end of the received sound.
pub fn windowed(reference: &[f32], received: &[f32], window: usize, max_lag: usize, drift: usize) -> Vec<WindowMatch> {
    let (_, whole) = best(reference, received, max_lag);
    let mut matches = Vec::new();
    for (index, stretch) in reference.chunks_exact(window.max(1)).enumerate() {
        let start = index * window;
        let energy: f64 = stretch.iter().map(|&sample| f64::from(sample).powi(2)).sum();
        if energy / (window as f64) < 1e-5 {
            continue;
        }
        let first = start as i64 + whole - drift as i64;
        let last = first + (window + 2 * drift) as i64;
        if first < 0 || last > received.len() as i64 {
            continue;
        }
        let around = &received[first as usize..last as usize];
        // Within `around` the stretch begins `drift` samples late when nothing drifted.
        let (correlation, lag) = best_inside(stretch, around);
        matches.push(WindowMatch { start, correlation, lag: lag as i64 + first - start as i64 });
    }
    matches
}

/// The median correlation of [`windowed`] matches, 0 when there are none.
pub fn median(matches: &[WindowMatch]) -> f64 {
    let mut values: Vec<f64> = matches.iter().map(|found| found.correlation).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Where in `sound` the whole `stretch` fits best.
fn best_inside(stretch: &[f32], sound: &[f32]) -> (f64, usize) {
    let (coarse_stretch, coarse_sound) = (decimate(stretch), decimate(sound));
    let room = coarse_sound.len().saturating_sub(coarse_stretch.len());
    let coarse = (0..=room)
        .map(|lag| (correlation_at(&coarse_stretch, &coarse_sound, lag as i64), lag))
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map_or(0, |found| found.1);
    let centre = coarse * DECIMATION;
    let last = sound.len() - stretch.len();
    (centre.saturating_sub(DECIMATION * 3 / 2)..=(centre + DECIMATION * 3 / 2).min(last))
        .map(|lag| (correlation_at(stretch, sound, lag as i64), lag))
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .unwrap_or((0.0, 0))
}

fn coarse_lag(reference: &[f32], received: &[f32], max_lag: usize) -> Option<i64> {
    let shorter = reference.len().min(received.len());
    if shorter == 0 {
        return None;
    }
    let products = cross_correlation(reference, received);
    let (energy_reference, energy_received) = (running_energy(reference), running_energy(received));
    let least = ((shorter as f64 * LEAST_OVERLAP) as usize).max(1);
    let mut found: Option<(f64, i64)> = None;
    for lag in -(max_lag as i64)..=max_lag as i64 {
        let Some((from, to)) = overlap(reference.len(), received.len(), lag).filter(|(from, to)| to - from >= least)
        else {
            continue;
        };
        let shifted = |index: usize| (index as i64 + lag) as usize;
        let energy = (energy_reference[to] - energy_reference[from])
            * (energy_received[shifted(to)] - energy_received[shifted(from)]);
        if energy <= 1e-18 {
            continue;
        }
        let index = lag.rem_euclid(products.len() as i64) as usize;
        let value = products[index] / energy.sqrt();
        if found.is_none_or(|(best, _)| value > best) {
            found = Some((value, lag));
        }
    }
    found.map(|(_, lag)| lag)
}

/// The part of the reference that has a counterpart at this lag.
fn overlap(reference: usize, received: usize, lag: i64) -> Option<(usize, usize)> {
    let from = (-lag).max(0) as usize;
    let to = (received as i64 - lag).clamp(0, reference as i64) as usize;
    (from < to).then_some((from, to))
}

/// Normalised correlation of the overlapping parts at one lag.
fn correlation_at(reference: &[f32], received: &[f32], lag: i64) -> f64 {
    let Some((from, to)) = overlap(reference.len(), received.len(), lag) else { return 0.0 };
    let left = &reference[from..to];
    let right = &received[(from as i64 + lag) as usize..(to as i64 + lag) as usize];
    let (mut product, mut left_energy, mut right_energy) = (0.0_f64, 0.0_f64, 0.0_f64);
    // Runs are summed in single precision, which vectorises; the totals in double.
    for (left, right) in left.chunks(256).zip(right.chunks(256)) {
        let mut sums = [0.0_f32; 3];
        for (&left, &right) in left.iter().zip(right) {
            sums[0] += left * right;
            sums[1] += left * left;
            sums[2] += right * right;
        }
        product += f64::from(sums[0]);
        left_energy += f64::from(sums[1]);
        right_energy += f64::from(sums[2]);
    }
    let energy = left_energy * right_energy;
    if energy <= 1e-18 { 0.0 } else { product / energy.sqrt() }
}

/// Sums of squares up to each index.
fn running_energy(samples: &[f32]) -> Vec<f64> {
    let mut total = 0.0;
    let mut sums = vec![0.0];
    sums.extend(samples.iter().map(|&sample| {
        total += f64::from(sample).powi(2);
        total
    }));
    sums
}

/// `sum(reference[i] * received[i + lag])` for each lag, negative lags counted from the end.
fn cross_correlation(reference: &[f32], received: &[f32]) -> Vec<f64> {
    let size = (reference.len() + received.len()).next_power_of_two();
    let mut planner = FftPlanner::<f32>::new();
    let forward = planner.plan_fft_forward(size);
    let transform = |samples: &[f32]| {
        let mut buffer: Vec<Complex<f32>> = samples.iter().map(|&sample| Complex::new(sample, 0.0)).collect();
        buffer.resize(size, Complex::default());
        forward.process(&mut buffer);
        buffer
    };
    let mut product: Vec<Complex<f32>> =
        transform(reference).iter().zip(&transform(received)).map(|(left, right)| left.conj() * right).collect();
    planner.plan_fft_inverse(size).process(&mut product);
    product.into_iter().map(|value| f64::from(value.re) / size as f64).collect()
}

/// Every eighth sample of a low-passed copy.
fn decimate(samples: &[f32]) -> Vec<f32> {
    samples.chunks_exact(DECIMATION).map(|chunk| chunk.iter().sum::<f32>() / DECIMATION as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::TestSpeech;

    #[test]
    fn a_delayed_copy_is_found_to_the_sample() {
        let speech = TestSpeech::samples(1, 96_000);
        for delay in [0_usize, 1, 1234, 24_000] {
            let mut received = vec![0.0; delay];
            received.extend_from_slice(&speech);
            let (correlation, lag) = best(&speech, &received, 48_000);
            assert_eq!(lag, delay as i64);
            assert!(correlation > 0.999, "{correlation}");
            let (_, back) = best(&received, &speech, 48_000);
            assert_eq!(back, -(delay as i64));
        }
    }

    #[test]
    fn another_voice_does_not_correlate() {
        let (correlation, _) = best(&TestSpeech::samples(1, 96_000), &TestSpeech::samples(2, 96_000), 24_000);
        assert!(correlation < 0.4, "{correlation}");
    }

    #[test]
    fn silence_and_nothing_give_zero() {
        let speech = TestSpeech::samples(1, 48_000);
        assert_eq!(best(&[], &speech, 100), (0.0, 0));
        assert_eq!(best(&speech, &vec![0.0; 48_000], 100), (0.0, 0));
        assert!(windowed(&speech, &[], 4800, 100, 50).is_empty());
    }

    #[test]
    fn a_skip_in_the_middle_is_followed_window_by_window() {
        let speech = TestSpeech::samples(5, 20 * 48_000);
        // 10 ms are missing from the middle on, as after a jitter buffer that caught up.
        let mut received = vec![0.0; 4_000];
        received.extend_from_slice(&speech[..480_000]);
        received.extend_from_slice(&speech[480_480..]);
        let matches = windowed(&speech, &received, 48_000, 24_000, 960);
        assert!(matches.len() >= 15, "{}", matches.len());
        assert!(median(&matches) > 0.99);
        assert!(matches.iter().any(|found| found.lag == 4_000));
        assert!(matches.iter().any(|found| found.lag == 3_520));
    }

    #[test]
    fn twenty_seconds_are_searched_quickly() {
        let speech = TestSpeech::samples(6, 20 * 48_000);
        let start = std::time::Instant::now();
        let (_, lag) = best(&speech, &speech[7_000..], 96_000);
        assert_eq!(lag, -7_000);
        assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
    }
}
