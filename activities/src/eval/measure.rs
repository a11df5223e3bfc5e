//! Figures over answers with scores: coverage at a precision, calibration error, ranking, and intervals that resample issuers.

/// One field of one document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// The issuer, as a number.
    pub group: usize,
    /// Score of the best finding; `None` when nothing was found.
    pub score: Option<f64>,
    /// Whether the best finding is the labelled value.
    pub right: bool,
}

/// Equal bins of the calibration error.
const BINS: usize = 10;

/// The share that is right; nothing found counts as not right.
pub fn right_rate(answers: &[Answer]) -> f64 {
    share(answers.iter().filter(|answer| answer.right).count(), answers.len())
}

/// The largest share of all documents that can be answered, best scores first, with at least this precision. Equal scores go together.
pub fn coverage_at(answers: &[Answer], precision: f64) -> f64 {
    threshold_for(answers, precision).map_or(0.0, |(_, answered)| share(answered, answers.len()))
}

/// The lowest score from which answers have at least this precision, and how many there are.
pub fn threshold_for(answers: &[Answer], precision: f64) -> Option<(f64, usize)> {
    let scored = by_score(answers);
    let mut best = None;
    let mut right = 0;
    for (index, (score, is_right)) in scored.iter().enumerate() {
        right += usize::from(*is_right);
        let last_of_equals = scored.get(index + 1).is_none_or(|(next, _)| next < score);
        if last_of_equals && right as f64 >= precision * (index + 1) as f64 {
            best = Some((*score, index + 1));
        }
    }
    best
}

/// Expected calibration error of the answers that were found: how far scores are from the share that is right, in ten equal bins.
pub fn calibration_error(answers: &[Answer]) -> f64 {
    let scored = by_score(answers);
    let mut bins = [(0usize, 0.0, 0usize); BINS];
    for (score, right) in &scored {
        let bin = ((score * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += 1;
        bins[bin].1 += score;
        bins[bin].2 += usize::from(*right);
    }
    bins.iter().map(|(_, scores, right)| (scores - *right as f64).abs()).sum::<f64>() / scored.len().max(1) as f64
}

/// The chance that a right answer scores higher than a wrong one; `None` without both.
pub fn auroc(answers: &[Answer]) -> Option<f64> {
    let scored = by_score(answers);
    let (right, wrong): (Vec<_>, Vec<_>) = scored.iter().partition(|(_, right)| *right);
    let pairs = right.len() * wrong.len();
    let wins: f64 = right
        .iter()
        .map(|(r, _)| {
            wrong
                .iter()
                .map(|(w, _)| {
                    if r > w {
                        1.0
                    } else if r == w {
                        0.5
                    } else {
                        0.0
                    }
                })
                .sum::<f64>()
        })
        .sum();
    (pairs > 0).then(|| wins / pairs as f64)
}

/// The share that is right within each issuer, averaged over issuers, so that a chain with many receipts counts once.
pub fn right_rate_by_group(answers: &[Answer]) -> f64 {
    let groups = grouped(answers);
    groups.iter().map(|group| right_rate(group)).sum::<f64>() / groups.len().max(1) as f64
}

/// Thresholds chosen on some issuers and tried on the others, fold by fold: coverage, and precision among the answered.
pub fn held_out(answers: &[Answer], folds: usize, precision: f64) -> (f64, Option<f64>) {
    let fold_of = folds_of(answers, folds);
    let (mut answered, mut right) = (0, 0);
    for fold in 0..folds {
        let (trying, choosing): (Vec<_>, Vec<_>) = answers.iter().zip(&fold_of).partition(|(_, of)| **of == fold);
        let choosing: Vec<Answer> = choosing.into_iter().map(|(answer, _)| *answer).collect();
        let Some((threshold, _)) = threshold_for(&choosing, precision) else { continue };
        for (answer, _) in trying.into_iter().filter(|(answer, _)| answer.score.is_some_and(|score| score >= threshold)) {
            answered += 1;
            right += usize::from(answer.right);
        }
    }
    (share(answered, answers.len()), (answered > 0).then(|| share(right, answered)))
}

/// 95 % interval of a figure: issuers are drawn with replacement, each with all its documents.
pub fn interval(answers: &[Answer], seed: u64, rounds: usize, figure: impl Fn(&[Answer]) -> f64) -> [f64; 2] {
    let groups = grouped(answers);
    if groups.is_empty() || rounds == 0 {
        return [0.0, 0.0];
    }
    let mut chance = Chance(seed);
    let mut figures: Vec<f64> = (0..rounds)
        .map(|_| {
            let drawn: Vec<Answer> = (0..groups.len()).flat_map(|_| groups[chance.below(groups.len())].iter().copied()).collect();
            figure(&drawn)
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    let at = |share: f64| figures[((figures.len() - 1) as f64 * share).round() as usize];
    [at(0.025), at(0.975)]
}

/// Scores of what was found, highest first.
fn by_score(answers: &[Answer]) -> Vec<(f64, bool)> {
    let mut scored: Vec<(f64, bool)> = answers.iter().filter_map(|answer| Some((answer.score?, answer.right))).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored
}

fn grouped(answers: &[Answer]) -> Vec<Vec<Answer>> {
    let mut groups = std::collections::BTreeMap::<usize, Vec<Answer>>::new();
    for answer in answers {
        groups.entry(answer.group).or_default().push(*answer);
    }
    groups.into_values().collect()
}

/// The fold of each answer: the largest issuers first, each into the smallest fold.
fn folds_of(answers: &[Answer], folds: usize) -> Vec<usize> {
    let mut sizes = std::collections::BTreeMap::<usize, usize>::new();
    for answer in answers {
        *sizes.entry(answer.group).or_default() += 1;
    }
    let mut by_size: Vec<(usize, usize)> = sizes.into_iter().collect();
    by_size.sort_by_key(|(group, size)| (std::cmp::Reverse(*size), *group));
    let mut filled = vec![0; folds.max(1)];
    let mut fold_of = std::collections::BTreeMap::new();
    for (group, size) in by_size {
        let smallest = (0..filled.len()).min_by_key(|fold| filled[*fold]).unwrap_or_default();
        filled[smallest] += size;
        fold_of.insert(group, smallest);
    }
    answers.iter().map(|answer| fold_of.get(&answer.group).copied().unwrap_or_default()).collect()
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// SplitMix64: small, seeded, the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(of: &[(usize, f64, bool)]) -> Vec<Answer> {
        of.iter().map(|(group, score, right)| Answer { group: *group, score: Some(*score), right: *right }).collect()
    }

    #[test]
    fn coverage_counts_until_the_precision_breaks() {
        let all = answers(&[(0, 0.9, true), (1, 0.8, true), (2, 0.7, false), (3, 0.6, true)]);
        assert_eq!(coverage_at(&all, 0.99), 0.5);
        assert_eq!(coverage_at(&all, 0.75), 1.0);
        let tied = answers(&[(0, 0.9, true), (1, 0.9, false)]);
        assert_eq!(coverage_at(&tied, 0.99), 0.0, "equal scores cannot be told apart");
        assert_eq!(coverage_at(&[], 0.99), 0.0);
    }

    #[test]
    fn calibration_error_is_the_gap_per_bin() {
        let all = answers(&[(0, 1.0, true), (1, 1.0, false), (2, 0.05, false)]);
        assert!((calibration_error(&all) - (1.0 + 0.05) / 3.0).abs() < 1e-9);
        assert_eq!(calibration_error(&[]), 0.0);
    }

    #[test]
    fn ranking_is_half_by_chance_and_one_when_perfect() {
        assert_eq!(auroc(&answers(&[(0, 0.9, true), (1, 0.1, false)])), Some(1.0));
        assert_eq!(auroc(&answers(&[(0, 0.5, true), (1, 0.5, false)])), Some(0.5));
        assert_eq!(auroc(&answers(&[(0, 0.5, true)])), None);
    }

    #[test]
    fn intervals_hold_the_figure_and_repeat_with_the_seed() {
        let all: Vec<Answer> = (0..60).map(|i| Answer { group: i / 3, score: Some(0.5), right: i % 4 != 0 }).collect();
        let first = interval(&all, 7, 400, right_rate);
        assert!(first[0] <= right_rate(&all) && right_rate(&all) <= first[1]);
        assert_eq!(first, interval(&all, 7, 400, right_rate));
        assert_ne!(first, [right_rate(&all), right_rate(&all)]);
    }

    #[test]
    fn no_issuer_is_in_two_folds() {
        let all: Vec<Answer> = (0..50).map(|i| Answer { group: i % 9, score: None, right: false }).collect();
        let folds = folds_of(&all, 5);
        for (answer, fold) in all.iter().zip(&folds) {
            assert!(all.iter().zip(&folds).all(|(other, of)| other.group != answer.group || of == fold));
        }
        assert!((0..5).all(|fold| folds.contains(&fold)));
    }
}
