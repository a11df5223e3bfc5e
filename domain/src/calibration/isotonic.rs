//! Isotonic regression: the non-decreasing steps that are nearest to what was observed.

/// Neighbouring scores with one mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// Weighted mean of the scores in it.
    pub at: f64,
    /// Weighted mean of the outcomes in it.
    pub mean: f64,
    /// Sum of their weights, above 0.
    pub weight: f64,
}

/// The best non-decreasing fit by weighted least squares to (score, outcome, weight), lowest scores first.
///
/// Pool adjacent violators: M. Ayer, H. D. Brunk, G. M. Ewing, W. T. Reid and E. Silverman, "An Empirical Distribution Function for Sampling
/// with Incomplete Information", Annals of Mathematical Statistics 26 (1955), pages 641 to 647. Equal scores are one observation from the
/// start: a function can give them only one value. Observations without weight say nothing and are left out.
pub fn pool(observed: &[(f64, f64, f64)]) -> Vec<Block> {
    let mut sorted: Vec<_> = observed.iter().filter(|(_, _, weight)| *weight > 0.0).collect();
    sorted.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
    let mut blocks: Vec<Block> = Vec::new();
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let weight: f64 = tied.iter().map(|one| one.2).sum();
        let mean = tied.iter().map(|one| one.1 * one.2).sum::<f64>() / weight;
        blocks.push(Block { at: tied.first().map_or(0.0, |one| one.0), mean, weight });
        while let [.., before, last] = blocks.as_slice()
            && before.mean >= last.mean
        {
            let both = joined(before, last);
            blocks.truncate(blocks.len() - 2);
            blocks.push(both);
        }
    }
    blocks
}

fn joined(a: &Block, b: &Block) -> Block {
    let weight = a.weight + b.weight;
    let mean = |x: f64, y: f64| (x * a.weight + y * b.weight) / weight;
    Block { at: mean(a.at, b.at), mean: mean(a.mean, b.mean), weight }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn means(observed: &[(f64, f64, f64)]) -> Vec<(f64, f64)> {
        pool(observed).iter().map(|block| (block.mean, block.weight)).collect()
    }

    #[test]
    fn violators_are_pooled_by_table() {
        for (observed, expected) in [
            (vec![], vec![]),
            (vec![(0.5, 1.0, 2.0)], vec![(1.0, 2.0)]),
            (vec![(0.1, 0.0, 1.0), (0.9, 1.0, 1.0)], vec![(0.0, 1.0), (1.0, 1.0)]),
            (vec![(0.1, 1.0, 1.0), (0.9, 0.0, 1.0)], vec![(0.5, 2.0)]),
            // The second pooling reaches back over the first.
            (vec![(0.1, 0.5, 1.0), (0.2, 1.0, 1.0), (0.3, 0.0, 1.0), (0.4, 0.0, 1.0)], vec![(0.375, 4.0)]),
            // Equal scores are one observation, and weights count.
            (vec![(0.2, 0.0, 3.0), (0.2, 1.0, 1.0), (0.8, 1.0, 1.0)], vec![(0.25, 4.0), (1.0, 1.0)]),
            (vec![(0.2, 1.0, 0.0), (0.8, 0.0, 1.0)], vec![(0.0, 1.0)]),
        ] {
            assert_eq!(means(&observed), expected, "{observed:?}");
        }
    }

    /// The smallest squared error of any non-decreasing step function, by trying every way to cut the sorted scores into runs.
    fn least_error(sorted: &[(f64, f64, f64)]) -> f64 {
        let cuts = sorted.len().saturating_sub(1);
        (0..1_u32 << cuts)
            .filter_map(|pattern| {
                let (mut error, mut begin, mut before) = (0.0, 0, f64::NEG_INFINITY);
                for end in 1..=sorted.len() {
                    if end < sorted.len() && pattern & (1 << (end - 1)) == 0 {
                        continue;
                    }
                    let run = &sorted[begin..end];
                    let weight: f64 = run.iter().map(|one| one.2).sum();
                    let mean = run.iter().map(|one| one.1 * one.2).sum::<f64>() / weight;
                    if mean < before {
                        return None;
                    }
                    error += run.iter().map(|one| one.2 * (one.1 - mean).powi(2)).sum::<f64>();
                    (begin, before) = (end, mean);
                }
                Some(error)
            })
            .fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn no_other_steps_are_nearer(outcomes in proptest::collection::vec((0_u8..=4, 1_u8..4), 1..9)) {
            let observed: Vec<_> =
                outcomes.iter().enumerate().map(|(at, (y, w))| (at as f64, f64::from(*y) / 4.0, f64::from(*w))).collect();
            let blocks = pool(&observed);
            prop_assert!(blocks.windows(2).all(|pair| pair[0].mean < pair[1].mean && pair[0].at < pair[1].at));
            let total: f64 = observed.iter().map(|one| one.2).sum();
            prop_assert!((blocks.iter().map(|block| block.weight).sum::<f64>() - total).abs() < 1e-9);
            // The blocks lie in the order of the scores, so the weights tell which observations each holds.
            let (mut error, mut next) = (0.0, observed.iter());
            for block in &blocks {
                let mut left = block.weight;
                while left > 1e-9 {
                    let one = next.next().unwrap();
                    left -= one.2;
                    error += one.2 * (one.1 - block.mean).powi(2);
                }
            }
            prop_assert!((error - least_error(&observed)).abs() < 1e-9, "{error} and {}", least_error(&observed));
        }
    }
}
