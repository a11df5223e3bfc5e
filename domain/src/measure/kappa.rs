//! How often two people who answered independently said the same, and how much of that is more than chance.

use crate::verdict::Verdict;

/// Pairs of independent answers to the same question, counted by what each of the two said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pairs([[u64; 3]; 3]);

impl Pairs {
    /// Counts pairs in which one said this and the other that.
    pub fn add(&mut self, one: Verdict, other: Verdict, pairs: u64) {
        self.0[place(one)][place(other)] += pairs;
    }

    /// Both together.
    #[must_use]
    pub fn with(mut self, more: &Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().flatten().zip(more.0.iter().flatten()) {
            *mine += theirs;
        }
        self
    }

    /// How many pairs there are.
    pub fn total(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// The share of pairs that said the same, 0..=1; none without pairs.
    pub fn agreement(&self) -> Option<f64> {
        let total = self.total();
        let same: u64 = (0..3).map(|word| self.0[word][word]).sum();
        (total > 0).then(|| same as f64 / total as f64)
    }

    /// Cohen's kappa, at most 1: `(observed - expected) / (1 - expected)`, where `expected` is how often two people would say the same who
    /// each use the words as often as these do, but blindly. 0 is no better than that, below 0 worse.
    ///
    /// None without pairs, and where both always said one and the same word: chance would have done as well, so nothing can be told.
    ///
    /// J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20 (1960), pages 37 to 46.
    pub fn kappa(&self) -> Option<f64> {
        let total = self.total() as f64;
        let observed = self.agreement()?;
        let expected: f64 = (0..3)
            .map(|word| {
                let ones: u64 = self.0[word].iter().sum();
                let others: u64 = self.0.iter().map(|row| row[word]).sum();
                (ones as f64 / total) * (others as f64 / total)
            })
            .sum();
        (expected < 1.0).then(|| (observed - expected) / (1.0 - expected))
    }
}

fn place(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Supported => 0,
        Verdict::Refuted => 1,
        Verdict::Insufficient => 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn agreement_beyond_chance_by_table() {
        for (table, agreement, kappa) in [
            ([[0, 0, 0], [0, 0, 0], [0, 0, 0]], None, None),
            // Always the same one word: no way to tell from chance.
            ([[7, 0, 0], [0, 0, 0], [0, 0, 0]], Some(1.0), None),
            ([[5, 0, 0], [0, 5, 0], [0, 0, 5]], Some(1.0), Some(1.0)),
            // 50 applications judged yes or no by two people: 0.7 observed, 0.5 expected.
            ([[20, 5, 0], [10, 15, 0], [0, 0, 0]], Some(0.7), Some(0.4)),
            // The same agreement with other habits: 0.6 observed, 0.54 and 0.46 expected.
            ([[45, 15, 0], [25, 15, 0], [0, 0, 0]], Some(0.6), Some(0.06 / 0.46)),
            ([[25, 35, 0], [5, 35, 0], [0, 0, 0]], Some(0.6), Some(0.14 / 0.54)),
            // Each says all words equally often and without looking.
            ([[4, 4, 4], [4, 4, 4], [4, 4, 4]], Some(1.0 / 3.0), Some(0.0)),
            // Never the same.
            ([[0, 5, 0], [5, 0, 0], [0, 0, 0]], Some(0.0), Some(-1.0)),
            // Three words: .44 + .2 + .06 observed; .5 × .6 + .3 × .3 + .2 × .1 expected.
            ([[44, 5, 1], [7, 20, 3], [9, 5, 6]], Some(0.7), Some((0.7 - 0.41) / (1.0 - 0.41))),
        ] {
            let pairs = Pairs(table);
            let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-12,
                (a, b) => a == b,
            };
            assert!(close(pairs.agreement(), agreement), "{table:?}: {:?}", pairs.agreement());
            assert!(close(pairs.kappa(), kappa), "{table:?}: {:?}", pairs.kappa());
        }
    }

    fn any_pairs() -> impl Strategy<Value = [[u64; 3]; 3]> {
        proptest::array::uniform3(proptest::array::uniform3(0_u64..1_000))
    }

    proptest! {
        #[test]
        fn kappa_stays_in_its_bounds_and_does_not_ask_who_is_who(table in any_pairs()) {
            let pairs = Pairs(table);
            let mut turned = Pairs::default();
            let words = [Verdict::Supported, Verdict::Refuted, Verdict::Insufficient];
            for (row, one) in words.into_iter().enumerate() {
                for (column, other) in words.into_iter().enumerate() {
                    turned.add(other, one, table[row][column]);
                }
            }
            prop_assert_eq!(pairs.agreement(), turned.agreement());
            if let (Some(kappa), Some(same)) = (pairs.kappa(), turned.kappa()) {
                prop_assert!((kappa - same).abs() < 1e-9);
                prop_assert!((-1.0 - 1e-9..=1.0 + 1e-9).contains(&kappa), "{}", kappa);
                // Chance can only take away from what was observed.
                prop_assert!(kappa <= pairs.agreement().unwrap() + 1e-9);
            }
        }

        #[test]
        fn it_is_the_same_for_ten_times_as_many(table in any_pairs()) {
            let mut ten = Pairs::default();
            for _ in 0..10 {
                ten = ten.with(&Pairs(table));
            }
            prop_assert_eq!(ten.total(), 10 * Pairs(table).total());
            match (ten.kappa(), Pairs(table).kappa()) {
                (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-9),
                (a, b) => prop_assert_eq!(a, b),
            }
        }

        #[test]
        fn who_never_differs_agrees_wholly(counts in proptest::array::uniform3(1_u64..1_000)) {
            let mut pairs = Pairs::default();
            for (word, count) in [Verdict::Supported, Verdict::Refuted, Verdict::Insufficient].into_iter().zip(counts) {
                pairs.add(word, word, count);
            }
            prop_assert_eq!(pairs.agreement(), Some(1.0));
            prop_assert!((pairs.kappa().unwrap() - 1.0).abs() < 1e-9);
        }
    }
}
