//! Which of a camera's formats to use.

use super::VideoFormat;

/// How a camera's bytes are encoded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum PixelFormat {
    /// 4:2:0, a plane of luma and one of interleaved chroma: half the bytes of RGB, nearly our own format.
    Nv12,
    /// 4:2:2, interleaved.
    Yuyv,
    /// A JPEG per frame: costs a decode (about 5 ms for 720p) and quality.
    Mjpeg,
}

/// One size, rate and encoding that a camera offers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Offer {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    pub pixels: PixelFormat,
}

/// The usable offers, best first: fast enough before all, then nearest in size (larger rather than smaller, for
/// shrinking looks better than growing), then raw before JPEG, then the rate nearest to the wanted one. So JPEG is
/// taken only where no raw format of that size is fast enough.
pub(crate) fn best_first(offers: &[Offer], wanted: VideoFormat) -> Vec<Offer> {
    let mut usable: Vec<Offer> =
        offers.iter().copied().filter(|offer| offer.width >= 16 && offer.height >= 16 && offer.fps > 0).collect();
    usable.sort_by_key(|offer| {
        let missing_rate = wanted.fps.saturating_sub(offer.fps);
        (missing_rate, size_distance(*offer, wanted), offer.pixels, offer.fps.abs_diff(wanted.fps))
    });
    usable.dedup();
    usable
}

/// How far a size is from the wanted one, in thousandths; being smaller counts twice.
fn size_distance(offer: Offer, wanted: VideoFormat) -> u64 {
    let side = |have: u32, want: u32| {
        let difference = u64::from(have.abs_diff(want)) * 1000 / u64::from(want.max(1));
        if have < want { 2 * difference } else { difference }
    };
    side(offer.width, wanted.width) + side(offer.height, wanted.height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(pixels: PixelFormat, width: u32, height: u32, fps: u32) -> Offer {
        Offer { width, height, fps, pixels }
    }

    fn best(offers: &[Offer]) -> Offer {
        best_first(offers, VideoFormat::HD)[0]
    }

    #[test]
    fn raw_is_preferred_when_it_is_fast_enough() {
        let offers = [
            offer(PixelFormat::Mjpeg, 1280, 720, 30),
            offer(PixelFormat::Yuyv, 1280, 720, 30),
            offer(PixelFormat::Nv12, 1280, 720, 15),
        ];
        assert_eq!(best(&offers), offers[1]);
    }

    #[test]
    fn jpeg_is_taken_where_raw_is_too_slow_at_that_size() {
        // What nearly every USB 2 camera offers.
        let offers = [
            offer(PixelFormat::Yuyv, 640, 480, 30),
            offer(PixelFormat::Yuyv, 1280, 720, 10),
            offer(PixelFormat::Mjpeg, 1280, 720, 30),
            offer(PixelFormat::Mjpeg, 1920, 1080, 30),
        ];
        assert_eq!(best(&offers), offers[2]);
    }

    #[test]
    fn a_larger_picture_is_preferred_to_a_smaller_one() {
        let offers = [offer(PixelFormat::Yuyv, 640, 480, 30), offer(PixelFormat::Yuyv, 1920, 1080, 30)];
        assert_eq!(best(&offers), offers[1]);
    }

    #[test]
    fn a_slow_camera_is_better_than_none() {
        let offers = [offer(PixelFormat::Yuyv, 1280, 720, 5), offer(PixelFormat::Yuyv, 640, 480, 15)];
        assert_eq!(best(&offers), offers[1]);
        assert!(best_first(&[], VideoFormat::HD).is_empty());
    }

    #[test]
    fn a_rate_far_above_the_wanted_one_is_not_taken_for_its_own_sake() {
        let offers = [offer(PixelFormat::Yuyv, 1280, 720, 60), offer(PixelFormat::Yuyv, 1280, 720, 30)];
        assert_eq!(best(&offers), offers[1]);
    }
}
