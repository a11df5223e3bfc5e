//! Chance that repeats: folds and bootstrap samples that never tear a group apart.

use std::collections::BTreeMap;

use super::Case;

/// SplitMix64 (G. L. Steele, D. Lea and C. H. Flood, 2014): small, seeded, the same on every machine.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The same seed gives the same sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `end`, `end` left out; 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }

    /// One of them, if there are any.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

/// The fold of each item by its group: the largest groups first, each into the smallest fold. No group is in two folds.
pub fn folds_of(groups: &[usize], folds: usize) -> Vec<usize> {
    let mut sizes = BTreeMap::<usize, usize>::new();
    for group in groups {
        *sizes.entry(*group).or_default() += 1;
    }
    let mut by_size: Vec<(usize, usize)> = sizes.into_iter().collect();
    by_size.sort_by_key(|(group, size)| (std::cmp::Reverse(*size), *group));
    let mut filled = vec![0; folds.max(1)];
    let mut fold_of = BTreeMap::new();
    for (group, size) in by_size {
        let smallest = (0..filled.len()).min_by_key(|fold| filled[*fold]).unwrap_or_default();
        filled[smallest] += size;
        fold_of.insert(group, smallest);
    }
    groups.iter().map(|group| fold_of.get(group).copied().unwrap_or_default()).collect()
}

/// 95 % percentile interval of a figure (B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13): groups are
/// drawn with replacement, each with all its cases.
pub fn interval(cases: &[Case], seed: u64, rounds: usize, figure: impl Fn(&[Case]) -> f64) -> [f64; 2] {
    let mut groups = BTreeMap::<usize, Vec<Case>>::new();
    for case in cases {
        groups.entry(case.group).or_default().push(*case);
    }
    let groups: Vec<Vec<Case>> = groups.into_values().collect();
    rounds_of(groups.len(), seed, rounds, |drawn| {
        let cases: Vec<Case> = drawn.iter().flat_map(|index| groups[*index].iter().copied()).collect();
        figure(&cases)
    })
}

/// The same for a share of a whole, given as (group, part, whole): quick, since each group is two sums.
pub fn rate_interval(counts: &[(usize, f64, f64)], seed: u64, rounds: usize) -> [f64; 2] {
    let mut groups = BTreeMap::<usize, (f64, f64)>::new();
    for (group, part, whole) in counts {
        let sums = groups.entry(*group).or_default();
        *sums = (sums.0 + part, sums.1 + whole);
    }
    let groups: Vec<(f64, f64)> = groups.into_values().collect();
    rounds_of(groups.len(), seed, rounds, |drawn| {
        let (part, whole) = drawn.iter().fold((0.0, 0.0), |sums, index| (sums.0 + groups[*index].0, sums.1 + groups[*index].1));
        if whole > 0.0 { part / whole } else { 0.0 }
    })
}

fn rounds_of(groups: usize, seed: u64, rounds: usize, figure: impl Fn(&[usize]) -> f64) -> [f64; 2] {
    if groups == 0 || rounds == 0 {
        return [0.0, 0.0];
    }
    let mut chance = Chance::new(seed);
    let mut figures: Vec<f64> = (0..rounds)
        .map(|_| {
            let drawn: Vec<usize> = (0..groups).map(|_| chance.below(groups)).collect();
            figure(&drawn)
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    let at = |share: f64| figures[((figures.len() - 1) as f64 * share).round() as usize];
    [at(0.025), at(0.975)]
}
