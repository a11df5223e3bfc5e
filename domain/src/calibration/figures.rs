//! Figures over decided cases: how far scores are from the truth, whether they rank, and how much they let through at a precision.

use std::collections::BTreeMap;

use super::Case;
use super::resample::folds_of;
use crate::measure;

/// Equal bins of the calibration error.
const BINS: usize = 10;

/// Scores of one tenth of the range.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// Sum of the cases' weights.
    pub weight: f64,
    /// Their mean score, 0..=1.
    pub score: f64,
    /// The share of them that is right, 0..=1.
    pub right: f64,
}

/// The share that is right; what was not decided counts as not right.
pub fn right_rate(cases: &[Case]) -> f64 {
    share(weight_of(cases.iter().filter(|case| case.right)), weight_of(cases))
}

/// The share that is right within each group, averaged over groups, so that an issuer with many documents counts once.
pub fn right_rate_by_group(cases: &[Case]) -> f64 {
    let mut groups = BTreeMap::<usize, Vec<Case>>::new();
    for case in cases {
        groups.entry(case.group).or_default().push(*case);
    }
    groups.values().map(|group| right_rate(group)).sum::<f64>() / groups.len().max(1) as f64
}

/// The decided cases by tenths of the score, 1 itself in the last.
pub fn bins(cases: &[Case]) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for (score, right, weight) in decided(cases) {
        let bin = &mut bins[((score * BINS as f64) as usize).min(BINS - 1)];
        bin.weight += weight;
        bin.score += weight * score;
        bin.right += if right { weight } else { 0.0 };
    }
    for bin in &mut bins {
        (bin.score, bin.right) = (share(bin.score, bin.weight), share(bin.right, bin.weight));
    }
    bins
}

/// Expected calibration error, 0..=1: the mean distance between score and share of right ones in ten equal bins, each bin by its weight
/// (M. P. Naeini, G. F. Cooper and M. Hauskrecht, AAAI 2015). Only decided cases count.
pub fn calibration_error(cases: &[Case]) -> f64 {
    let bins = bins(cases);
    share(bins.iter().map(|bin| bin.weight * (bin.score - bin.right).abs()).sum(), bins.iter().map(|bin| bin.weight).sum())
}

/// The mean squared distance between score and truth, 0..=1 (G. W. Brier, 1950). Only decided cases count.
pub fn brier(cases: &[Case]) -> f64 {
    let squares: f64 = decided(cases).map(|(score, right, weight)| weight * (score - f64::from(u8::from(right))).powi(2)).sum();
    share(squares, decided(cases).map(|one| one.2).sum())
}

/// The chance that a right case scores higher than a wrong one, a tie counting half; `None` without both. Only decided cases count.
pub fn auroc(cases: &[Case]) -> Option<f64> {
    measure::area(&decided(cases).collect::<Vec<_>>())
}

/// Area under the curve of risk over coverage, 0..=1, lower is better: the share of wrong ones among the surest, averaged over how many of
/// the surest are taken (Y. Geifman and R. El-Yaniv, "Selective Classification for Deep Neural Networks", NIPS 2017). Equal scores cannot be
/// taken one by one, so each of them counts with the risk of all down to theirs. Only decided cases count.
pub fn aurc(cases: &[Case]) -> f64 {
    let sorted = surest_first(cases);
    let (mut taken, mut wrong, mut area) = (0.0, 0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let weight: f64 = tied.iter().map(|one| one.2).sum();
        taken += weight;
        wrong += tied.iter().filter(|one| !one.1).map(|one| one.2).sum::<f64>();
        area += weight * share(wrong, taken);
    }
    share(area, taken)
}

/// The largest share of all cases, undecided ones included, that can be decided, the surest first, with at least this precision. Equal scores
/// go together.
pub fn coverage_at(cases: &[Case], precision: f64) -> f64 {
    threshold_for(cases, precision).map_or(0.0, |(_, covered)| share(covered, weight_of(cases)))
}

/// The lowest score from which decisions have at least this precision, and their weight.
pub fn threshold_for(cases: &[Case], precision: f64) -> Option<(f64, f64)> {
    let sorted = surest_first(cases);
    let (mut taken, mut right, mut best) = (0.0, 0.0, None);
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        taken += tied.iter().map(|one| one.2).sum::<f64>();
        right += tied.iter().filter(|one| one.1).map(|one| one.2).sum::<f64>();
        // Sums of weights carry errors of rounding.
        if taken > 0.0 && right >= precision * taken - 1e-9 {
            best = tied.first().map(|one| (one.0, taken));
        }
    }
    best
}

/// Thresholds chosen on some groups and tried on the others, fold by fold: coverage, and precision among the decided.
pub fn held_out(cases: &[Case], folds: usize, precision: f64) -> (f64, Option<f64>) {
    let groups: Vec<usize> = cases.iter().map(|case| case.group).collect();
    let fold_of = folds_of(&groups, folds);
    let (mut covered, mut right) = (0.0, 0.0);
    for fold in 0..folds {
        let (trying, choosing): (Vec<_>, Vec<_>) = cases.iter().zip(&fold_of).partition(|(_, of)| **of == fold);
        let choosing: Vec<Case> = choosing.into_iter().map(|(case, _)| *case).collect();
        let Some((threshold, _)) = threshold_for(&choosing, precision) else { continue };
        for (case, _) in trying.into_iter().filter(|(case, _)| case.score.is_some_and(|score| score >= threshold)) {
            covered += case.weight;
            right += if case.right { case.weight } else { 0.0 };
        }
    }
    (share(covered, weight_of(cases)), (covered > 0.0).then(|| share(right, covered)))
}

fn decided(cases: &[Case]) -> impl Iterator<Item = (f64, bool, f64)> {
    cases.iter().filter_map(|case| Some((case.score?, case.right, case.weight)))
}

fn surest_first(cases: &[Case]) -> Vec<(f64, bool, f64)> {
    let mut sorted: Vec<_> = decided(cases).collect();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    sorted
}

fn weight_of<'a>(cases: impl IntoIterator<Item = &'a Case>) -> f64 {
    cases.into_iter().map(|case| case.weight).sum()
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
