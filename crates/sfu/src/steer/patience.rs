//! When layers follow the estimate: down once it proves to be right, up after a while, and later each time that was wrong.

use std::time::{Duration, Instant};

use super::allocation::{Demand, allocate};
use crate::member::LayerChoice;

/// A fall of the estimate below what is sent counts once another fall follows, at least this much later. A computer that
/// stalls makes the estimate fall once and rise again although more than it allows is sent; a full network makes it fall
/// again and again.
const FALLS_APART: Duration = Duration::from_millis(150);
/// An estimate that stays below what is sent for so long is believed without falling again: it may be at its least.
const STAYS_LOW: Duration = Duration::from_millis(1_500);
/// After going down, nothing goes up for this long; twice as long each time what went up had to come down soon.
const HOLD: Duration = Duration::from_secs(2);
const LONGEST_HOLD: Duration = Duration::from_secs(60);
/// What stayed up for so long was right.
const PROVEN: Duration = Duration::from_secs(20);
/// With so much more than was too little, in percent of what it cost, nobody waits.
const CLEARLY_ENOUGH: u64 = 120;

/// Layers for the demands, with patience: down only when the estimate proves to be right, up only after a while.
pub(crate) fn settle(now: Instant, choice: &mut LayerChoice, budget: u64, demands: &[Demand]) -> Vec<Option<usize>> {
    let mut chosen = allocate(budget, demands);
    // What they would be without looking at the network.
    let kept = |demand: &Demand| demand.current.map(|current| current.min(demand.wanted));
    let is_cut = |(demand, layer): (&Demand, &Option<usize>)| {
        kept(demand).is_some_and(|kept| layer.is_none_or(|layer| layer < kept))
    };
    if demands.iter().zip(&chosen).any(is_cut) {
        let (since, least) = *choice.over.get_or_insert((now, budget));
        choice.over = Some((since, least.min(budget)));
        let passed = now.saturating_duration_since(since);
        let fell_again = budget < least && passed >= FALLS_APART;
        if !fell_again && passed < STAYS_LOW {
            for (demand, layer) in demands.iter().zip(&mut chosen) {
                if demand.current.is_some() {
                    *layer = kept(demand);
                }
            }
            return chosen;
        }
        let soon = choice.raised_at.take().is_some_and(|at| now.saturating_duration_since(at) < PROVEN);
        // Down by several rungs, one after the other, is one fall: of it the first cost is what was too much.
        let still = choice.hold_until.is_some_and(|until| now < until);
        choice.hold = match (soon, still) {
            (true, _) => (choice.hold * 2).min(LONGEST_HOLD),
            (false, true) => choice.hold,
            (false, false) => HOLD,
        };
        choice.hold_until = Some(now + choice.hold);
        let cost: u64 = demands.iter().filter_map(|demand| Some(demand.cost(kept(demand)?))).sum();
        choice.too_much = if still { cost.max(choice.too_much) } else { cost };
    }
    choice.over = None;
    let enough = budget >= choice.too_much * CLEARLY_ENOUGH / 100;
    if choice.hold_until.is_some_and(|until| now < until) && !enough {
        for (demand, layer) in demands.iter().zip(&mut chosen) {
            if let (Some(kept), Some(layer)) = (kept(demand), layer.as_mut()) {
                *layer = (*layer).min(kept);
            }
        }
    }
    if demands.iter().zip(&chosen).any(|(demand, layer)| kept(demand).is_some() && *layer > kept(demand)) {
        choice.raised_at = Some(now);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steer::allocation::samples::camera;

    const SECOND: Duration = Duration::from_secs(1);

    /// Lets a picture of 0.15, 0.5 and 1.5 Mbit/s follow budgets given once a second; how often its layer changed.
    fn follow(budgets: impl Iterator<Item = u64>) -> (usize, Option<usize>) {
        let (mut now, mut choice) = (Instant::now(), LayerChoice::default());
        let (mut current, mut changes) = (Some(2), 0);
        for budget in budgets {
            now += SECOND;
            let demand = camera(current);
            let chosen = settle(now, &mut choice, budget, &[demand])[0];
            changes += usize::from(chosen != current);
            current = chosen;
        }
        (changes, current)
    }

    #[test]
    fn an_estimate_that_swings_around_a_layers_cost_changes_it_ever_more_rarely() {
        // Too little, and then just enough to try again.
        let swings = (0..300).map(|second| [1_400_000, 1_300_000, 1_200_000, 1_760_000][second / 2 % 4]);
        let (changes, _) = follow(swings);
        assert!((2..=20).contains(&changes), "{changes} changes in 300 seconds");
    }

    #[test]
    fn going_down_by_several_rungs_is_one_fall_and_does_not_forget_the_patience() {
        // Enough to try, then too little for the highest, then for the middle one.
        let swings = (0..300).map(|second| [1_790_000, 1_000_000, 300_000][second / 3 % 3]);
        let (changes, _) = follow(swings);
        assert!((2..=30).contains(&changes), "{changes} changes in 300 seconds");
    }

    #[test]
    fn with_clearly_enough_the_layer_is_back_at_once() {
        let low = [1_400_000, 1_200_000].into_iter();
        assert_eq!(follow(low.clone()).1, Some(1));
        assert_eq!(follow(low.clone().chain([1_790_000])).1, Some(1), "not yet");
        assert_eq!(follow(low.chain([1_810_000])).1, Some(2));
    }

    #[test]
    fn an_estimate_that_stays_low_is_believed_without_falling_again() {
        assert_eq!(follow([1_000_000; 2].into_iter()).1, Some(2), "it may be a computer that stood still");
        assert_eq!(follow([1_000_000; 3].into_iter()).1, Some(1));
    }
}
