//! How near a received picture is to the one that was sent.

use crate::video_frame::I420Frame;

/// What [`psnr_y`] says about equal pictures, where the ratio has no bound.
pub const IDENTICAL_DB: f64 = 100.0;

/// Peak signal-to-noise ratio of the luma planes in dB (higher is nearer; 40 is hard to tell apart by eye). `None` when
/// the sizes differ.
pub fn psnr_y(reference: &I420Frame, received: &I420Frame) -> Option<f64> {
    let same = (reference.width(), reference.height()) == (received.width(), received.height());
    same.then(|| psnr(reference.y(), received.y()))
}

fn psnr(reference: &[u8], received: &[u8]) -> f64 {
    // Sums of short runs fit 32 bits, which lets the compiler use wide registers.
    let squares: u64 = reference
        .chunks(4096)
        .zip(received.chunks(4096))
        .map(|(left, right)| {
            let run: u32 = left.iter().zip(right).map(|(&left, &right)| u32::from(left.abs_diff(right)).pow(2)).sum();
            u64::from(run)
        })
        .sum();
    if squares == 0 {
        return IDENTICAL_DB;
    }
    let mean = squares as f64 / reference.len() as f64;
    (10.0 * (255.0 * 255.0 / mean).log10()).min(IDENTICAL_DB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_follows_the_mean_square_error() {
        let reference = I420Frame::new(64, 64);
        let mut received = reference.clone();
        assert_eq!(psnr_y(&reference, &received), Some(IDENTICAL_DB));
        received.planes_mut()[0].fill(16 + 5);
        let ratio = psnr_y(&reference, &received).unwrap();
        assert!((ratio - 34.151).abs() < 0.001, "{ratio}");
        received.planes_mut()[0].fill(255);
        assert!(psnr_y(&reference, &received).unwrap() < 1.0);
    }

    #[test]
    fn pictures_of_different_sizes_are_not_compared() {
        assert_eq!(psnr_y(&I420Frame::new(64, 64), &I420Frame::new(64, 32)), None);
    }
}
