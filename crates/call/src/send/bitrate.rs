//! Shares out what the path carries among what is sent.
//!
//! Order of serving: voice; then every watched picture's lowest layer, so that nobody's picture goes away first; then
//! the screen, because text must be read; then the camera's larger layers from small to large. The full layer gets
//! what is left. A layer that would get less than its minimum is switched off and leaves its share to the one below.

use confab_protocol::{Layer, SourceKind};

/// Reserved for the voice: 32 kbit/s Opus, headers of 50 packets a second, repairs.
pub const VOICE_BPS: u64 = 64_000;

/// Part of the estimate that is shared out; the rest is headers of the video packets and repairs.
const USABLE: f64 = 0.92;

/// What one layer may and must have, bits per second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// Below this it is not worth sending.
    pub minimum: u64,
    /// What it gets before anything of lower rank.
    pub wanted: u64,
    /// What it can use when there is plenty.
    pub maximum: u64,
}

/// One layer that somebody watches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stream {
    /// Camera or screen.
    pub source: SourceKind,
    /// `None` for a single stream.
    pub layer: Option<Layer>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// The rates a layer of this size is worth. At 1280x720: 150k, 500k and 1500k for quarter, half and full.
pub fn range(stream: &Stream) -> Range {
    let pixels = u64::from(stream.width) * u64::from(stream.height);
    if stream.source == SourceKind::Screen {
        // 1 Mbit/s at 720p and 2.25 Mbit/s at 1080p keep scrolling text legible.
        let wanted = (pixels * 1_000_000 / 921_600).clamp(300_000, 4_000_000);
        return Range { minimum: 100_000, wanted, maximum: wanted * 3 / 2 };
    }
    match stream.layer {
        Some(Layer::Quarter) => {
            let wanted = (pixels * 150_000 / 57_600).clamp(60_000, 300_000);
            Range { minimum: 40_000, wanted, maximum: wanted }
        }
        Some(Layer::Half) => {
            let wanted = (pixels * 500_000 / 230_400).clamp(120_000, 1_000_000);
            Range { minimum: wanted / 3, wanted, maximum: wanted }
        }
        Some(Layer::Full) | None => {
            let wanted = (pixels * 1_500_000 / 921_600).clamp(200_000, 3_500_000);
            Range { minimum: wanted / 5, wanted, maximum: wanted }
        }
    }
}

/// Shares `estimate_bps` out. The answer has the order of `streams`; 0 switches a layer off.
pub fn split(estimate_bps: u64, streams: &[Stream]) -> Vec<u64> {
    let mut left = ((estimate_bps as f64 * USABLE) as u64).saturating_sub(VOICE_BPS);
    let mut shares = vec![0; streams.len()];
    let mut order: Vec<usize> = (0..streams.len()).collect();
    order.sort_by_key(|index| rank(&streams[*index]));
    for (place, index) in order.iter().enumerate() {
        let range = range(&streams[*index]);
        // The very first stream is kept alive on whatever there is, as long as it is a picture at all.
        let minimum = if place == 0 { range.minimum.min(30_000) } else { range.minimum };
        if left < minimum {
            break;
        }
        shares[*index] = range.wanted.min(left);
        left -= shares[*index];
    }
    for index in order {
        if shares[index] > 0 {
            let more = (range(&streams[index]).maximum - shares[index].min(range(&streams[index]).maximum)).min(left);
            shares[index] += more;
            left -= more;
        }
    }
    shares
}

/// Lower is served first.
fn rank(stream: &Stream) -> u8 {
    match (stream.source, stream.layer) {
        (SourceKind::Camera, Some(Layer::Quarter)) => 0,
        (SourceKind::Screen, _) => 1,
        (_, Some(Layer::Half)) => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(layer: Layer) -> Stream {
        let divisor = layer.divisor();
        Stream { source: SourceKind::Camera, layer: Some(layer), width: 1280 / divisor, height: 720 / divisor }
    }

    const SCREEN: Stream = Stream { source: SourceKind::Screen, layer: None, width: 1920, height: 1080 };

    fn all_layers() -> [Stream; 3] {
        Layer::ALL.map(camera)
    }

    #[test]
    fn with_plenty_the_layers_of_720p_get_150_500_and_1500_kbit() {
        assert_eq!(split(10_000_000, &all_layers()), [150_000, 500_000, 1_500_000]);
    }

    #[test]
    fn the_full_layer_alone_gets_what_is_left_after_the_voice() {
        let share = split(1_000_000, &[camera(Layer::Full)])[0];
        assert_eq!(share, 920_000 - VOICE_BPS);
    }

    #[test]
    fn a_narrow_path_switches_the_large_layers_off_first() {
        let shares = split(500_000, &all_layers());
        assert_eq!(shares[0], 150_000);
        assert!(shares[1] > 0);
        assert_eq!(shares[2], 0);
        let shares = split(200_000, &all_layers());
        assert!(shares[0] > 0);
        assert_eq!(&shares[1..], [0, 0]);
    }

    #[test]
    fn the_voice_comes_before_every_picture() {
        assert_eq!(split(VOICE_BPS, &all_layers()), [0, 0, 0]);
        assert_eq!(split(0, &all_layers()), [0, 0, 0]);
    }

    #[test]
    fn the_shares_never_exceed_what_the_path_carries() {
        let streams = [camera(Layer::Quarter), camera(Layer::Half), camera(Layer::Full), SCREEN];
        for estimate in (0..12_000_000).step_by(17_000) {
            let sum: u64 = split(estimate, &streams).iter().sum();
            assert!(sum + VOICE_BPS <= estimate.max(VOICE_BPS), "{sum} of {estimate}");
        }
    }

    #[test]
    fn a_shared_screen_stays_legible_before_the_camera_gets_sharp() {
        let streams = [camera(Layer::Quarter), camera(Layer::Full), SCREEN];
        let shares = split(2_500_000, &streams);
        assert_eq!(shares[0], 150_000);
        assert!(shares[2] > 2_000_000);
        assert_eq!(shares[1], 0);
    }

    #[test]
    fn nothing_watched_needs_nothing() {
        assert!(split(5_000_000, &[]).is_empty());
    }

    #[test]
    fn more_bandwidth_never_makes_a_layer_worse() {
        let streams = all_layers();
        let mut before = vec![0; 3];
        for estimate in (0..5_000_000).step_by(10_000) {
            let shares = split(estimate, &streams);
            assert!(shares.iter().zip(&before).all(|(now, before)| now >= before), "at {estimate}");
            before = shares;
        }
    }
}
