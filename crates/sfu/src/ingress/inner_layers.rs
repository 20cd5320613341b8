//! The layers inside one stream: spatial ones (SVC) and temporal ones. Which of them are sent, what a receiver of some of
//! them gets in a second, and how large and how smooth a picture that is.

use std::time::Instant;

use confab_protocol::Layer;
use confab_rtp::codec::PacketFacts;
use confab_rtp::codec::dependency_descriptor::Indication;

use super::stream::RateMeter;

/// Layers of either kind that are told apart; browsers send three. What is above counts as the highest of these.
const LAYERS: usize = 4;

/// A layer that was in none of so many pictures is not sent any more. The rarest of three temporal layers is in every
/// fourth; counted in pictures, because a screen that stands still is sent once a second or not at all.
const GONE_AFTER: u64 = 32;

/// The share of each temporal layer is that among about so many pictures.
const COUNTED: u32 = 64;

/// What layers cost is a mean of about three seconds. Less, and two of them that cost about the same change places with
/// every keyframe; more, and a sender that takes more than before stands in the queue.
const STEADY: u64 = 5;

/// Heights are kept in parts of this.
const WHOLE: u32 = 1_024;

/// What is known of the layers inside one stream.
#[derive(Default)]
pub(crate) struct InnerLayers {
    /// Pictures so far.
    pictures: u64,
    /// How many pictures there were when each layer came last.
    spatial: [Option<u64>; LAYERS],
    temporal: [Option<u64>; LAYERS],
    /// The highest layers that ever came.
    most: (usize, usize),
    /// Pictures of each temporal layer, of those that are counted.
    shares: [u32; LAYERS],
    /// Height of each spatial layer, as a part of the whole picture's; 0 where it was not told.
    heights: [u32; LAYERS],
    /// What a receiver gets that is sent all layers up to these, by spatial and temporal layer.
    rates: [[RateMeter<STEADY>; LAYERS]; LAYERS],
}

impl InnerLayers {
    /// Notes a packet of so many payload bytes.
    pub(crate) fn note(&mut self, now: Instant, facts: &PacketFacts, bytes: usize) {
        let (spatial, temporal) = (place(facts.spatial), place(facts.temporal));
        self.spatial[spatial] = Some(self.pictures);
        self.temporal[temporal] = Some(self.pictures);
        self.most = (self.most.0.max(spatial), self.most.1.max(temporal));
        if facts.picture_end {
            self.pictures += 1;
            self.shares[temporal] += 1;
            if self.shares.iter().sum::<u32>() >= COUNTED {
                self.shares = self.shares.map(|share| share / 2);
            }
        }
        let Some(descriptor) = &facts.descriptor else {
            // As the layer filter does: without a descriptor whoever gets a layer gets all below it.
            for rates in &mut self.rates[spatial..=self.most.0] {
                rates[temporal..=self.most.1].iter_mut().for_each(|rate| rate.add(now, bytes));
            }
            return;
        };
        // Not all lower layers are part of a quality: in K-SVC only keyframes build on them.
        for (at, target) in descriptor.targets().iter().enumerate() {
            let (spatial, temporal) = (usize::from(target.spatial), usize::from(target.temporal));
            let is_told_apart = spatial < LAYERS && temporal < LAYERS;
            if is_told_apart && descriptor.indications.of(at) != Indication::NotPresent {
                self.rates[spatial][temporal].add(now, bytes);
            }
        }
        if let (Some((_, height)), Some((_, full))) = (descriptor.resolution, descriptor.largest_resolution) {
            self.heights[spatial] = (u64::from(height) * u64::from(WHOLE) / u64::from(full.max(1))) as u32;
        }
    }

    /// Somebody else measured the whole stream: its parts are taken to have kept their shares.
    pub(crate) fn assume(&mut self, bits_per_second: u64) {
        let (spatial, temporal) = self.highest();
        let before = self.bits_per_second(spatial, temporal);
        for rate in self.rates.iter_mut().flatten() {
            let share = u128::from(rate.bits_per_second()) * u128::from(bits_per_second);
            if let Some(scaled) = share.checked_div(u128::from(before)) {
                rate.assume(u64::try_from(scaled).unwrap_or(u64::MAX));
            }
        }
    }

    /// What comes from now on is measured anew, and until then things are as they were.
    pub(crate) fn assume_again(&mut self) {
        for rate in self.rates.iter_mut().flatten() {
            rate.assume(rate.bits_per_second());
        }
    }

    /// The highest spatial and temporal layer that is being sent.
    pub(crate) fn highest(&self) -> (u8, u8) {
        let is_sent = |seen: &Option<u64>| seen.is_some_and(|at| self.pictures - at <= GONE_AFTER);
        let highest = |seen: &[Option<u64>]| seen.iter().rposition(is_sent).unwrap_or(0) as u8;
        (highest(&self.spatial), highest(&self.temporal))
    }

    /// What a receiver of all up to these layers gets, bits per second; 0 until it was measured.
    pub(crate) fn bits_per_second(&self, spatial: u8, temporal: u8) -> u64 {
        self.rates[place(spatial)][place(temporal)].bits_per_second()
    }

    /// How many of the sender's pictures are of temporal layers up to this one, percent.
    pub(crate) fn percent_of_pictures(&self, temporal: u8) -> u32 {
        let all = self.shares.iter().sum::<u32>();
        if all == 0 {
            return 100;
        }
        self.shares[..=place(temporal)].iter().sum::<u32>() * 100 / all
    }

    /// Height of a spatial layer's picture, pixels, where the whole stream's is `whole`.
    pub(crate) fn height(&self, spatial: u8, whole: u32) -> u32 {
        match self.heights[place(spatial)] {
            // Each layer has twice the size of the one below, unless it was said.
            0 => whole >> self.below_the_highest(spatial),
            part => (u64::from(whole) * u64::from(part) / u64::from(WHOLE)) as u32,
        }
    }

    /// What a spatial layer is called towards receivers; `None` in a stream without any.
    pub(crate) fn name(&self, spatial: u8) -> Option<Layer> {
        if self.most.0 == 0 {
            return None;
        }
        Some(match self.below_the_highest(spatial) {
            0 => Layer::Full,
            1 => Layer::Half,
            _ => Layer::Quarter,
        })
    }

    fn below_the_highest(&self, spatial: u8) -> usize {
        self.most.0.saturating_sub(place(spatial))
    }
}

fn place(layer: u8) -> usize {
    usize::from(layer).min(LAYERS - 1)
}
