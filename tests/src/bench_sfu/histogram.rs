//! Shares of a histogram and of single values.

/// Adds what was added between two readings of cumulative buckets (upper end, count).
pub(super) fn add_between(sum: &mut Vec<(f64, f64)>, before: &[(f64, f64)], after: &[(f64, f64)]) {
    let of = |buckets: &[(f64, f64)], end: f64| {
        buckets.iter().find(|(known, _)| known.total_cmp(&end).is_eq()).map_or(0.0, |(_, count)| *count)
    };
    *sum = after.iter().map(|(end, count)| (*end, of(sum, *end) + count - of(before, *end))).collect();
}

/// The value below which this share of cumulative buckets lies; values are taken to be spread evenly inside a bucket.
/// `None` of nothing.
pub(super) fn quantile_of(buckets: &[(f64, f64)], share: f64) -> Option<f64> {
    let total = buckets.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
    let wanted = total * share;
    let (mut begin, mut below) = (0.0, 0.0);
    for (end, count) in buckets.iter().copied() {
        if count >= wanted {
            // The last bucket has no end: all that is known is where it begins.
            let reaches = if end.is_finite() && count > below { (wanted - below) / (count - below) } else { 0.0 };
            return Some(if end.is_finite() { begin + (end - begin) * reaches } else { begin });
        }
        (begin, below) = (end, count);
    }
    Some(begin)
}

/// The value below which this share of all lies; not a number when there are none.
pub(super) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_added_counts() {
        let before = [(1.0, 100.0), (2.0, 100.0), (f64::INFINITY, 100.0)];
        let after = [(1.0, 100.0), (2.0, 150.0), (f64::INFINITY, 200.0)];
        let mut sum = Vec::new();
        add_between(&mut sum, &before, &after);
        assert_eq!(quantile_of(&sum, 0.25), Some(1.5));
        assert_eq!(quantile_of(&sum, 0.9), Some(2.0), "the last bucket is open");
        add_between(&mut sum, &after, &after);
        assert_eq!(quantile_of(&sum, 0.25), Some(1.5), "nothing more");
        add_between(&mut sum, &[], &before);
        assert_eq!(quantile_of(&sum, 0.5), Some(1.0), "as many were below");
        assert_eq!(quantile_of(&[], 0.5), None);
    }

    #[test]
    fn shares_of_single_values() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((quantile(&values, 0.5), quantile(&values, 0.99), quantile(&values, 1.0)), (50.0, 99.0, 100.0));
        assert!(quantile(&[], 0.5).is_nan());
    }
}
