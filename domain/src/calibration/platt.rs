//! Platt scaling: a logistic curve through what was observed, with two numbers to fit.

/// A curve `1 / (1 + exp(-(slope * log-odds + offset)))` over the log-odds of the score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    /// Not negative: a higher score is never less.
    pub slope: f64,
    /// Log-odds of being right at a score of one half.
    pub offset: f64,
}

/// Scores are taken for no closer to 0 and 1 than this, so that their log-odds are finite.
const EDGE: f64 = 1e-4;
/// Newton's method is at its end well before.
const MOST_STEPS: usize = 100;
/// A gradient this small, over weights that sum to hundreds, moves no digit that is kept.
const SMALL: f64 = 1e-9;
/// Keeps the second derivatives invertible where all scores are equal.
const RIDGE: f64 = 1e-9;

impl Curve {
    /// The probability for a score.
    pub fn at(&self, score: f64) -> f64 {
        logistic(self.slope * log_odds(score) + self.offset)
    }
}

/// The most likely curve for (score, right, weight).
///
/// J. C. Platt, "Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized Likelihood Methods" (1999): outcomes are
/// not taken for 1 and 0 but for (n₊+1)/(n₊+2) and 1/(n₋+2), so that few cases, or cases of one sort, give no certainty. Fitted by Newton's
/// method with halved steps, after H.-T. Lin, C.-J. Lin and R. C. Weng, "A note on Platt's probabilistic outputs for support vector
/// machines", Machine Learning 68 (2007), pages 267 to 276. Ours are scores that were squeezed into 0..=1 already, so the log-odds stand
/// where Platt has the machine's margin. Where a higher score is observed to be right less often, the curve is flat.
pub fn fit(observed: &[(f64, bool, f64)]) -> Curve {
    let of = |sort: bool| observed.iter().filter(|one| one.1 == sort).map(|one| one.2).sum::<f64>();
    let (right, wrong) = (of(true), of(false));
    let targets: Vec<(f64, f64, f64)> = observed
        .iter()
        .map(|(score, is_right, weight)| {
            (log_odds(*score), if *is_right { (right + 1.0) / (right + 2.0) } else { 1.0 / (wrong + 2.0) }, *weight)
        })
        .collect();
    let flat = Curve { slope: 0.0, offset: ((right + 1.0) / (wrong + 1.0)).ln() };
    let curve = climb(&targets, flat);
    if curve.slope > 0.0 { curve } else { level(&targets, flat) }
}

fn climb(targets: &[(f64, f64, f64)], mut curve: Curve) -> Curve {
    let mut loss = loss_of(targets, curve);
    for _ in 0..MOST_STEPS {
        let (mut g_slope, mut g_offset, mut h_slope, mut h_both, mut h_offset) = (0.0, 0.0, RIDGE, 0.0, RIDGE);
        for (x, target, weight) in targets {
            let p = logistic(curve.slope * x + curve.offset);
            let (gap, bend) = (weight * (p - target), weight * p * (1.0 - p));
            g_slope += gap * x;
            g_offset += gap;
            h_slope += bend * x * x;
            h_both += bend * x;
            h_offset += bend;
        }
        if g_slope.abs().max(g_offset.abs()) < SMALL {
            break;
        }
        let determinant = h_slope * h_offset - h_both * h_both;
        let step = ((h_offset * g_slope - h_both * g_offset) / determinant, (h_slope * g_offset - h_both * g_slope) / determinant);
        let halved = (0..30).map(|halvings| 0.5_f64.powi(halvings)).find_map(|share| {
            let next = Curve { slope: curve.slope - share * step.0, offset: curve.offset - share * step.1 };
            let next_loss = loss_of(targets, next);
            (next_loss < loss).then_some((next, next_loss))
        });
        let Some((next, next_loss)) = halved else { break };
        (curve, loss) = (next, next_loss);
    }
    curve
}

/// The flat curve: the mean of the targets.
fn level(targets: &[(f64, f64, f64)], otherwise: Curve) -> Curve {
    let weight: f64 = targets.iter().map(|one| one.2).sum();
    let mean = targets.iter().map(|one| one.1 * one.2).sum::<f64>() / weight;
    if mean > 0.0 && mean < 1.0 { Curve { slope: 0.0, offset: (mean / (1.0 - mean)).ln() } } else { otherwise }
}

/// Cross-entropy, in a form that does not overflow.
fn loss_of(targets: &[(f64, f64, f64)], curve: Curve) -> f64 {
    let one = |(x, target, weight): &(f64, f64, f64)| {
        let z = curve.slope * x + curve.offset;
        weight * (z.max(0.0) - z * target + (-z.abs()).exp().ln_1p())
    };
    targets.iter().map(one).sum()
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn log_odds(score: f64) -> f64 {
    let score = score.clamp(EDGE, 1.0 - EDGE);
    (score / (1.0 - score)).ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_calibrated_already_is_left_as_it_is() {
        // At every score as large a share is right as the score says.
        let observed: Vec<_> = (1..20)
            .flat_map(|twentieth| {
                let score = f64::from(twentieth) / 20.0;
                [(score, true, 1e4 * score), (score, false, 1e4 * (1.0 - score))]
            })
            .collect();
        let curve = fit(&observed);
        assert!((curve.slope - 1.0).abs() < 1e-3 && curve.offset.abs() < 1e-3, "{curve:?}");
    }

    #[test]
    fn few_cases_and_cases_of_one_sort_give_no_certainty() {
        for (observed, at, expected) in [
            // (3 + 1) / (3 + 2)
            (vec![(0.9, true, 3.0)], 0.9, 0.8),
            (vec![(0.9, false, 3.0)], 0.9, 0.2),
            (vec![(0.5, true, 1.0), (0.5, false, 1.0)], 0.5, 0.5),
            (vec![], 0.7, 0.5),
            // The wrong way round: flat.
            (vec![(0.9, false, 5.0), (0.1, true, 5.0)], 0.9, 0.5),
        ] {
            let curve = fit(&observed);
            assert!((curve.at(at) - expected).abs() < 1e-3, "{observed:?}: {curve:?}");
        }
    }

    proptest! {
        #[test]
        fn no_neighbour_is_likelier(cases in proptest::collection::vec((0.0_f64..=1.0, any::<bool>(), 0.1_f64..3.0), 1..60)) {
            let curve = fit(&cases);
            prop_assert!(curve.slope >= 0.0 && curve.slope.is_finite() && curve.offset.is_finite(), "{curve:?}");
            let of = |sort: bool| cases.iter().filter(|one| one.1 == sort).map(|one| one.2).sum::<f64>();
            let (right, wrong) = (of(true), of(false));
            let targets: Vec<_> = cases
                .iter()
                .map(|one| (log_odds(one.0), if one.1 { (right + 1.0) / (right + 2.0) } else { 1.0 / (wrong + 2.0) }, one.2))
                .collect();
            let loss = loss_of(&targets, curve);
            for (slope, offset) in [(0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01)] {
                let other = Curve { slope: (curve.slope + slope).max(0.0), offset: curve.offset + offset };
                prop_assert!(loss_of(&targets, other) >= loss - 1e-7, "{curve:?} and {other:?}");
            }
        }
    }
}
