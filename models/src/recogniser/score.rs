//! How well texts were read: character errors, whole lines, and which symbols are taken for which. Holds counts only, never a text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Sums over lines; sums of parts can be added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    pub lines: usize,
    /// Lines read without any error.
    pub exact: usize,
    /// Symbols of the labels.
    pub symbols: usize,
    /// Symbols to insert, delete or replace until the reading is the label.
    pub edits: usize,
}

impl Score {
    pub fn add(&mut self, label: &str, reading: &str) {
        let (label, reading): (Vec<char>, Vec<char>) = (label.chars().collect(), reading.chars().collect());
        self.lines += 1;
        self.exact += usize::from(label == reading);
        self.symbols += label.len();
        self.edits += align(&label, &reading).iter().filter(|(one, other)| one != other).count();
    }

    /// Edits per symbol of the labels. One where there are no symbols.
    pub fn character_error(&self) -> f64 {
        if self.symbols == 0 { 1.0 } else { self.edits as f64 / self.symbols as f64 }
    }

    /// Share of lines without any error. Zero where there are no lines.
    pub fn whole_lines(&self) -> f64 {
        if self.lines == 0 { 0.0 } else { self.exact as f64 / self.lines as f64 }
    }
}

/// How often a label's symbol was read as another. None stands for nothing: a symbol left out, or one that is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confusions {
    counts: BTreeMap<(Option<char>, Option<char>), usize>,
}

impl Confusions {
    pub fn add(&mut self, label: &str, reading: &str) {
        let (label, reading): (Vec<char>, Vec<char>) = (label.chars().collect(), reading.chars().collect());
        for pair in align(&label, &reading) {
            if pair.0 != pair.1 {
                *self.counts.entry(pair).or_default() += 1;
            }
        }
    }

    /// (label, reading, count), the most frequent first.
    pub fn most_frequent(&self) -> Vec<(Option<char>, Option<char>, usize)> {
        let mut all: Vec<_> = self.counts.iter().map(|(&(label, reading), &count)| (label, reading, count)).collect();
        all.sort_by_key(|&(_, _, count)| std::cmp::Reverse(count));
        all
    }
}

/// The cheapest way from one text to the other (Levenshtein), as pairs of symbols or nothing.
fn align(label: &[char], reading: &[char]) -> Vec<(Option<char>, Option<char>)> {
    let width = reading.len() + 1;
    let mut costs = vec![0_usize; (label.len() + 1) * width];
    for row in 0..=label.len() {
        for column in 0..width {
            let by_row = row.checked_sub(1).map(|above| costs[above * width + column] + 1);
            let by_column = column.checked_sub(1).map(|before| costs[row * width + before] + 1);
            let by_both =
                (row > 0 && column > 0).then(|| costs[(row - 1) * width + column - 1] + usize::from(label[row - 1] != reading[column - 1]));
            costs[row * width + column] = [by_row, by_column, by_both].into_iter().flatten().min().unwrap_or(0);
        }
    }
    let (mut row, mut column) = (label.len(), reading.len());
    let mut pairs = Vec::with_capacity(row.max(column));
    while row > 0 || column > 0 {
        let cost = costs[row * width + column];
        let replaces =
            row > 0 && column > 0 && costs[(row - 1) * width + column - 1] + usize::from(label[row - 1] != reading[column - 1]) == cost;
        let removes = row > 0 && costs[(row - 1) * width + column] + 1 == cost;
        let pair = if replaces {
            (Some(label[row - 1]), Some(reading[column - 1]))
        } else if removes {
            (Some(label[row - 1]), None)
        } else {
            (None, Some(reading[column - 1]))
        };
        row -= usize::from(pair.0.is_some());
        column -= usize::from(pair.1.is_some());
        pairs.push(pair);
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_and_confusions_are_counted_by_the_cheapest_alignment() {
        let pairs = [("ABC", "ABC"), ("TOTAL 10", "T0TAL 10"), ("AB", "ABB"), ("ABC", ""), ("", "")];
        let (mut score, mut confusions) = (Score::default(), Confusions::default());
        for (label, reading) in pairs {
            score.add(label, reading);
            confusions.add(label, reading);
        }
        assert_eq!(score, Score { lines: 5, exact: 2, symbols: 16, edits: 5 });
        assert!((score.character_error() - 5.0 / 16.0).abs() < 1e-9 && (score.whole_lines() - 0.4).abs() < 1e-9);
        let all = confusions.most_frequent();
        assert_eq!(all.iter().map(|(_, _, count)| count).sum::<usize>(), 5);
        assert!(all.contains(&(Some('O'), Some('0'), 1)) && all.contains(&(None, Some('B'), 1)) && all.contains(&(Some('C'), None, 1)));
        assert_eq!(Score::default().character_error(), 1.0);
    }
}
