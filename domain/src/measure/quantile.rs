//! Medians and their like.

/// The value below which that share of them lies, in between two where it falls between them; none without values.
///
/// `share` is 0..=1: .5 for the median. This is the seventh definition of R. J. Hyndman and Y. Fan, "Sample Quantiles in Statistical
/// Packages", The American Statistician 50 (1996), pages 361 to 365, which spreadsheets and PostgreSQL's `percentile_cont` use as well.
pub fn quantile(values: &mut [i64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = (place.floor() as usize).min(last);
    let (_, low, above) = values.select_nth_unstable(below);
    let low = *low as f64;
    let high = above.iter().min().map_or(low, |next| *next as f64);
    Some(low + (high - low) * (place - below as f64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_by_table() {
        for (values, share, found) in [
            (vec![], 0.5, None),
            (vec![7], 0.5, Some(7.0)),
            (vec![7], 0.9, Some(7.0)),
            (vec![3, 1, 2], 0.5, Some(2.0)),
            (vec![4, 1, 3, 2], 0.5, Some(2.5)),
            (vec![10, 20, 30, 40, 50], 0.9, Some(46.0)),
            ((1..=100).rev().collect(), 0.9, Some(90.1)),
            (vec![5, 5, 5, 5, 900], 0.5, Some(5.0)),
            (vec![2, 1], 0.0, Some(1.0)),
            (vec![2, 1], 1.0, Some(2.0)),
            (vec![2, 1], 7.0, Some(2.0)),
        ] {
            let got = quantile(&mut values.clone(), share);
            assert!(
                match (got, found) {
                    (Some(a), Some(b)) => (a - b).abs() < 1e-9,
                    (a, b) => a == b,
                },
                "{values:?} at {share}: {got:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn it_lies_between_the_values_and_rises_with_the_share(
            values in proptest::collection::vec(-1_000_000_i64..1_000_000, 1..200), one in 0.0_f64..=1.0, other in 0.0_f64..=1.0
        ) {
            let (low, high) = (values.iter().min().unwrap(), values.iter().max().unwrap());
            let at = |share| quantile(&mut values.clone(), share).unwrap();
            let (less, more) = (one.min(other), one.max(other));
            prop_assert!(at(less) <= at(more) + 1e-6);
            prop_assert!((*low as f64..=*high as f64).contains(&at(one)));
            let mut sorted = values.clone();
            sorted.sort_unstable();
            if sorted.len() % 2 == 1 {
                prop_assert_eq!(at(0.5), sorted[sorted.len() / 2] as f64);
            }
        }
    }
}
