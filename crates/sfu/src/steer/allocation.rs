//! Which quality each of a receiver's pictures gets. Pure arithmetic over what is shown and what the network carries.

use super::ladder::Rung;

/// One picture that wants bandwidth, in order of importance.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Demand {
    /// Pictures of the same class grow together; a lower class is served first.
    pub(crate) class: u32,
    /// What it can be had in, lowest first.
    pub(crate) ladder: Vec<Rung>,
    /// The rung that fits the tile.
    pub(crate) wanted: usize,
    /// The rung chosen last time.
    pub(crate) current: Option<usize>,
}

impl Demand {
    /// What a rung costs, bits per second; nothing where there is none.
    pub(crate) fn cost(&self, rung: usize) -> u64 {
        self.ladder.get(rung).map_or(0, |rung| rung.cost)
    }
}

/// A rung above the current one must fit with this much to spare, so that choices do not swing.
const UPGRADE_MARGIN_PERCENT: u64 = 115;

/// Chooses a rung for each demand so that the sum stays within `budget` (bits per second). A picture whose lowest rung
/// does not fit gets nothing: it would only make the voices late.
pub(crate) fn allocate(budget: u64, demands: &[Demand]) -> Vec<Option<usize>> {
    let mut chosen: Vec<Option<usize>> = vec![None; demands.len()];
    let mut spent = 0_u64;
    for (index, demand) in demands.iter().enumerate().filter(|(_, demand)| !demand.ladder.is_empty()) {
        if spent + charge(demand, 0) <= budget {
            chosen[index] = Some(0);
            spent += demand.cost(0);
        }
    }
    let mut classes: Vec<u32> = demands.iter().map(|demand| demand.class).collect();
    classes.dedup();
    for class in classes {
        for (index, rung) in steps(class, demands) {
            let (demand, Some(before)) = (&demands[index], chosen[index]) else { continue };
            // A rung that did not fit does not keep a higher one from being tried: rungs are not nested, and one of
            // another stream may cost less.
            let others = spent - demand.cost(before);
            if others + charge(demand, rung) <= budget {
                chosen[index] = Some(rung);
                spent = others + demand.cost(rung);
            }
        }
    }
    chosen
}

/// The rungs that pictures of a class may climb, each with whose it is: the smaller picture first, then the one that moves
/// less, so that all are about as good at any time, however many rungs each has.
fn steps(class: u32, demands: &[Demand]) -> Vec<(usize, usize)> {
    let mut steps = Vec::new();
    for (index, demand) in demands.iter().enumerate().filter(|(_, demand)| demand.class == class) {
        for (rung, shown) in demand.ladder.iter().enumerate().take(demand.wanted + 1).skip(1) {
            steps.push((shown.height, shown.pictures, index, rung));
        }
    }
    steps.sort_by_key(|(height, pictures, ..)| (*height, *pictures));
    steps.into_iter().map(|(.., index, rung)| (index, rung)).collect()
}

fn charge(demand: &Demand, rung: usize) -> u64 {
    let cost = demand.cost(rung);
    if demand.current.is_some_and(|current| rung <= current) { cost } else { cost * UPGRADE_MARGIN_PERCENT / 100 }
}

/// Demands for tests.
#[cfg(test)]
pub(super) mod samples {
    use confab_rtp::codec::Layer;

    use super::{Demand, Rung};

    /// One rung, in a stream of its own: lines, percent of the pictures, bits per second.
    fn rung((stream, (height, pictures, cost)): (usize, (u32, u32, u64))) -> Rung {
        let layer = Layer { stream: stream as u8, spatial: 0, temporal: 0 };
        Rung { layer, limit: layer, height, pictures, cost }
    }

    pub(in super::super) fn demand(rungs: &[(u32, u32, u64)], current: Option<usize>) -> Demand {
        let ladder: Vec<Rung> = rungs.iter().copied().enumerate().map(rung).collect();
        Demand { class: 1, wanted: ladder.len() - 1, ladder, current }
    }

    /// Three streams of 0.15, 0.5 and 1.5 Mbit/s.
    pub(in super::super) fn camera(current: Option<usize>) -> Demand {
        demand(&[(180, 100, 150_000), (360, 100, 500_000), (720, 100, 1_500_000)], current)
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{camera, demand};
    use super::*;

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

    /// A third of the cost is spared with half the pictures.
    fn layered(current: Option<usize>) -> Demand {
        let rungs = [(360, 50, 340_000), (360, 100, 500_000), (720, 50, 1_000_000), (720, 100, 1_500_000)];
        demand(&rungs, current)
    }

    #[test]
    fn half_of_the_pictures_give_way_before_the_size() {
        for (budget, rung) in [(1_500_000, 3), (1_499_000, 2), (999_000, 1), (499_000, 0)] {
            assert_eq!(allocate(budget, &[layered(Some(3))]), [Some(rung)], "{budget}");
        }
    }

    #[test]
    fn pictures_of_one_class_grow_alike_however_many_rungs_each_has() {
        // Both in 360 lines before either gets 720, and the plain one's 720 lines do not wait for four steps of the other.
        assert_eq!(allocate(1_200_000, &[layered(None), camera(None)]), [Some(1), Some(1)]);
        assert_eq!(allocate(1_200_000, &[camera(None), layered(None)]), [Some(1), Some(1)]);
        assert_eq!(allocate(1_800_000, &[layered(None), camera(None)]), [Some(2), Some(1)]);
    }

    #[test]
    fn a_rung_that_does_not_fit_is_passed_over_for_a_higher_one_that_does() {
        let odd = demand(&[(180, 100, 150_000), (360, 50, 700_000), (360, 100, 600_000)], None);
        assert_eq!(allocate(699_000, &[odd]), [Some(2)]);
    }
}
