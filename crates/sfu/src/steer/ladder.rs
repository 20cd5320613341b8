//! The qualities a track can be had in, as rungs: its simulcast streams, and the layers inside each.
//!
//! ```text
//!  three streams with three temporal layers:        180    180    180    360    360    720    720   lines
//!  a camera's rungs, lowest first                    1/4    1/2     1     1/2     1     1/2     1   of the pictures
//! ```
//!
//! Larger pictures stand above smaller ones, and among pictures of one size the smoother ones. So what gives way first to
//! a thin line is every second picture, and then the size. A screen goes down to the rarest pictures before it gets
//! smaller, because text that cannot be read is worth nothing however often it comes. A camera stops at half the
//! pictures, since less looks broken while a smaller one at the full rate looks only smaller; its smallest picture alone
//! goes further down, before it is off.

use std::time::{Duration, Instant};

use confab_protocol::SourceKind;
use confab_rtp::codec::Layer;

use crate::ingress::stream::{LayerStream, Track};

/// What a rung cost is remembered for so long after its stream stopped. Forgotten sooner, and a layer that is dearer than
/// others of its size is taken up again and again; later, and one that became cheap is not.
const REMEMBERED: Duration = Duration::from_secs(60);

/// A camera with less than this share of its pictures, percent, looks broken. Half of them is meant, and counting is not
/// exact.
const SMOOTH: u32 = 40;

/// One quality of a track.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rung {
    /// The highest layers of it.
    pub(crate) layer: Layer,
    /// What the layer filter is told: the same, but open upwards where there is nothing above, so that a layer that
    /// appears is not cut off before anybody knows it.
    pub(crate) limit: Layer,
    /// Lines of the picture.
    pub(crate) height: u32,
    /// Share of the sender's pictures, percent.
    pub(crate) pictures: u32,
    /// Bits per second.
    pub(crate) cost: u64,
}

impl Rung {
    fn is_size_of(&self, other: &Self) -> bool {
        (self.layer.stream, self.layer.spatial) == (other.layer.stream, other.layer.spatial)
    }
}

/// A track's rungs, lowest first; at least one for each of its streams.
pub(crate) fn ladder(now: Instant, track: &Track) -> Vec<Rung> {
    let streams = (0..).zip(&track.layers).zip(track.layer_heights());
    let mut rungs = streams.flat_map(|((number, stream), height)| rungs_of(now, number, stream, height)).collect();
    leave_out_choppy(track.source, &mut rungs);
    rungs
}

/// Takes out the rungs that a source rather gets smaller than stands on.
fn leave_out_choppy(source: SourceKind, rungs: &mut Vec<Rung>) {
    let Some(smallest) = rungs.first().copied() else { return };
    if source != SourceKind::Screen {
        rungs.retain(|rung| rung.pictures >= SMOOTH || rung.is_size_of(&smallest));
    }
}

fn rungs_of(now: Instant, number: u8, stream: &LayerStream, height: u32) -> impl Iterator<Item = Rung> {
    let is_known = stream.was_live(now, REMEMBERED);
    let highest = if is_known { stream.inner.highest() } else { (0, 0) };
    let layers = (0..=highest.0).flat_map(move |spatial| (0..=highest.1).map(move |temporal| (spatial, temporal)));
    layers.filter_map(move |(spatial, temporal)| {
        let is_whole = (spatial, temporal) == highest;
        let height = stream.inner.height(spatial, height);
        let measured = match stream.inner.bits_per_second(spatial, temporal) {
            0 if is_whole => stream.rate.bits_per_second(),
            measured => measured,
        };
        let cost = match measured {
            0 if !is_whole => return None,
            _ if measured == 0 || !is_known => expected_cost(height),
            _ => measured,
        };
        let open = |layer, highest| if layer == highest { 7 } else { layer };
        Some(Rung {
            layer: Layer { stream: number, spatial, temporal },
            limit: Layer { stream: number, spatial: open(spatial, highest.0), temporal: open(temporal, highest.1) },
            height,
            pictures: stream.inner.percent_of_pictures(temporal),
            cost,
        })
    })
}

/// The rung of what a filter was told before, as the ladder is now: the highest of that stream which is not above it.
pub(crate) fn place_on(ladder: &[Rung], target: Layer) -> Option<usize> {
    let of_stream = |rung: &&Rung| rung.layer.stream == target.stream;
    let spatial = ladder.iter().filter(of_stream).map(|rung| rung.layer.spatial).max()?.min(target.spatial);
    let is_within = |rung: &Rung| rung.layer.spatial <= spatial && rung.layer.temporal <= target.temporal;
    let highest = ladder.iter().rposition(|rung| of_stream(&rung) && is_within(rung));
    highest.or_else(|| ladder.iter().position(|rung| of_stream(&rung)))
}

/// The rung that fits a tile of `tile_height` device pixels: the smallest picture that fills it, with all its pictures.
pub(crate) fn rung_for_height(tile_height: u32, ladder: &[Rung]) -> usize {
    let last = ladder.len().saturating_sub(1);
    let Some(first) = ladder.iter().position(|rung| tile_height <= rung.height) else { return last };
    ladder.iter().rposition(|rung| rung.is_size_of(&ladder[first])).unwrap_or(last)
}

/// What a picture of this height costs before it was measured, bits per second.
fn expected_cost(height: u32) -> u64 {
    // 720 lines at 1.5 Mbit/s, others by area; small pictures need more for each pixel.
    (u64::from(height) * u64::from(height) * 29 / 10).clamp(120_000, 6_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes, each with these shares of the pictures; each size is a stream of its own, or all are layers of one.
    fn rungs(heights: &[u32], shares: &[u32], is_svc: bool) -> Vec<Rung> {
        let mut rungs = Vec::new();
        for (size, height) in (0..).zip(heights) {
            for (temporal, pictures) in (0..).zip(shares) {
                let (stream, spatial) = if is_svc { (0, size) } else { (size, 0) };
                let layer = Layer { stream, spatial, temporal };
                rungs.push(Rung { layer, limit: layer, height: *height, pictures: *pictures, cost: 1 });
            }
        }
        rungs
    }

    #[test]
    fn the_rung_follows_the_height_of_the_tile_and_has_all_pictures() {
        let plain = rungs(&[180, 360, 720], &[100], false);
        for (tile, rung) in [(90, 0), (180, 0), (181, 1), (700, 2), (2_000, 2)] {
            assert_eq!(rung_for_height(tile, &plain), rung, "{tile} lines");
        }
        assert_eq!(rung_for_height(2_000, &rungs(&[720], &[100], false)), 0);
        for is_svc in [true, false] {
            let layered = rungs(&[180, 360, 720], &[50, 100], is_svc);
            for (tile, rung) in [(90, 1), (181, 3), (2_000, 5)] {
                assert_eq!(rung_for_height(tile, &layered), rung, "{tile} lines");
            }
        }
    }

    #[test]
    fn only_its_smallest_picture_lets_a_camera_stutter_while_a_screen_always_may() {
        for is_svc in [true, false] {
            let mut camera = rungs(&[180, 360, 720], &[25, 50, 100], is_svc);
            let mut screen = camera.clone();
            leave_out_choppy(SourceKind::Camera, &mut camera);
            let shown: Vec<(u32, u32)> = camera.iter().map(|rung| (rung.height, rung.pictures)).collect();
            let small = [(180, 25), (180, 50), (180, 100)];
            assert_eq!(shown, [&small[..], &[(360, 50), (360, 100), (720, 50), (720, 100)]].concat());
            leave_out_choppy(SourceKind::Screen, &mut screen);
            assert_eq!(screen.len(), 9);
        }
    }

    #[test]
    fn a_target_is_found_again_when_layers_came_or_went() {
        let ladder = rungs(&[180, 360, 720], &[50, 100], true);
        let at = |spatial, temporal| place_on(&ladder, Layer { stream: 0, spatial, temporal });
        assert_eq!((at(0, 0), at(0, 7), at(1, 0), at(7, 7)), (Some(0), Some(1), Some(2), Some(5)));
        let fewer = rungs(&[180, 360], &[100], true);
        let at = |spatial, temporal| place_on(&fewer, Layer { stream: 0, spatial, temporal });
        assert_eq!((at(1, 1), at(2, 0), at(0, 1)), (Some(1), Some(1), Some(0)));
        assert_eq!(place_on(&fewer, Layer::whole(1)), None);
    }

    #[test]
    fn a_camera_whose_streams_have_none_of_some_rung_falls_to_one_it_has() {
        let mut ladder = rungs(&[180, 360], &[25, 50, 100], false);
        leave_out_choppy(SourceKind::Camera, &mut ladder);
        assert_eq!(place_on(&ladder, Layer { stream: 1, spatial: 7, temporal: 0 }), Some(3));
    }
}
