//! Which layer each of a receiver's pictures gets. Pure arithmetic over what is shown and what the network carries.

/// One picture that wants bandwidth, in order of importance.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Demand {
    /// Pictures of the same class grow together; a lower class is served first.
    pub(crate) class: u32,
    /// Cost of each layer, lowest first, bits per second.
    pub(crate) costs: Vec<u64>,
    /// The layer that fits the tile.
    pub(crate) wanted: usize,
    /// The layer chosen last time.
    pub(crate) current: Option<usize>,
}

/// A layer above the current one must fit with this much to spare, so that choices do not swing.
const UPGRADE_MARGIN_PERCENT: u64 = 115;

/// Chooses a layer for each demand so that the sum stays within `budget` (bits per second). A picture whose lowest layer
/// does not fit gets nothing: it would only make the voices late.
pub(crate) fn allocate(budget: u64, demands: &[Demand]) -> Vec<Option<usize>> {
    let mut chosen: Vec<Option<usize>> = vec![None; demands.len()];
    let mut spent = 0_u64;
    for (index, demand) in demands.iter().enumerate() {
        let Some(&cost) = demand.costs.first() else { continue };
        if spent + charge(demand, 0, cost) <= budget {
            chosen[index] = Some(0);
            spent += cost;
        }
    }
    let mut classes: Vec<u32> = demands.iter().map(|demand| demand.class).collect();
    classes.dedup();
    for class in classes {
        let highest = demands.iter().map(|demand| demand.wanted).max().unwrap_or(0);
        for layer in 1..=highest {
            for (index, demand) in demands.iter().enumerate() {
                let Some(&cost) = demand.costs.get(layer) else { continue };
                if demand.class != class || layer > demand.wanted || chosen[index].is_none() {
                    continue;
                }
                // A layer that did not fit does not keep a higher one from being tried: layers are not nested.
                let before = chosen[index].map_or(0, |layer| demand.costs[layer]);
                if spent - before + charge(demand, layer, cost) <= budget {
                    chosen[index] = Some(layer);
                    spent = spent - before + cost;
                }
            }
        }
    }
    chosen
}

fn charge(demand: &Demand, layer: usize, cost: u64) -> u64 {
    if demand.current.is_some_and(|current| layer <= current) { cost } else { cost * UPGRADE_MARGIN_PERCENT / 100 }
}

/// The layer that fits a tile of `tile_height` device pixels, of layers with the given heights, lowest first.
pub(crate) fn layer_for_height(tile_height: u32, layer_heights: &[u32]) -> usize {
    let last = layer_heights.len().saturating_sub(1);
    layer_heights.iter().position(|height| tile_height <= *height).unwrap_or(last)
}

/// What a layer of this height costs before it was measured, bits per second.
pub(crate) fn expected_cost(height: u32) -> u64 {
    // 720 lines at 1.5 Mbit/s, others by area; small pictures need more for each pixel.
    (u64::from(height) * u64::from(height) * 29 / 10).clamp(120_000, 6_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(current: Option<usize>) -> Demand {
        Demand { class: 1, costs: vec![150_000, 500_000, 1_500_000], wanted: 2, current }
    }

    #[test]
    fn the_layer_follows_the_height_of_the_tile() {
        let heights = [180, 360, 720];
        assert_eq!(layer_for_height(90, &heights), 0);
        assert_eq!(layer_for_height(180, &heights), 0);
        assert_eq!(layer_for_height(181, &heights), 1);
        assert_eq!(layer_for_height(700, &heights), 2);
        assert_eq!(layer_for_height(2_000, &heights), 2);
        assert_eq!(layer_for_height(2_000, &[720]), 0);
    }

    #[test]
    fn with_plenty_everybody_gets_what_is_wanted() {
        let demands = [camera(None), camera(None), Demand { wanted: 0, ..camera(None) }];
        assert_eq!(allocate(10_000_000, &demands), [Some(2), Some(2), Some(0)]);
    }

    #[test]
    fn equal_pictures_grow_together_and_the_sum_stays_within_the_budget() {
        let demands = [camera(None), camera(None), camera(None)];
        assert_eq!(allocate(1_700_000, &demands), [Some(1), Some(1), Some(1)]);
        assert_eq!(allocate(1_250_000, &demands), [Some(1), Some(1), Some(0)]);
        assert_eq!(allocate(330_000, &demands), [Some(0), Some(0), None]);
    }

    #[test]
    fn a_screen_is_served_before_cameras() {
        let screen = Demand { class: 0, ..camera(None) };
        assert_eq!(allocate(1_900_000, &[screen, camera(None)]), [Some(2), Some(0)]);
    }

    #[test]
    fn a_picture_that_does_not_fit_is_off_and_needs_room_to_spare_to_come_back() {
        assert_eq!(allocate(149_000, &[camera(Some(2)), camera(Some(2))]), [None, None]);
        assert_eq!(allocate(160_000, &[camera(Some(0))]), [Some(0)]);
        assert_eq!(allocate(160_000, &[camera(None)]), [None]);
        assert_eq!(allocate(180_000, &[camera(None)]), [Some(0)]);
    }

    #[test]
    fn going_up_needs_room_to_spare_and_staying_does_not() {
        let budget = 1_600_000;
        assert_eq!(allocate(budget, &[camera(Some(1))]), [Some(1)]);
        assert_eq!(allocate(budget, &[camera(Some(2))]), [Some(2)]);
    }
}
