//! What to do about the machine's answers, judged by what people made of them.

use super::ranking::Ranking;

/// Decided reviews below which nothing is advised.
pub const ENOUGH_TO_ADVISE: u64 = 50;

/// Of a hundred answers that people looked at, overturned ones from which on a sample is not enough. A round number, to be argued about:
/// what a wrong answer costs is the organisation's to know.
const TOO_OFTEN_PERCENT: u64 = 5;

/// What people made of the machine's answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MachineTally {
    /// Score of the machine's answer, whether the person's verdict was the same, and how many there are like this.
    pub cases: Vec<(f64, bool, u64)>,
}

impl MachineTally {
    /// How many were looked at.
    pub fn decided(&self) -> u64 {
        self.cases.iter().map(|case| case.2).sum()
    }

    /// Both together.
    #[must_use]
    pub fn with(&self, more: &Self) -> Self {
        Self { cases: [&self.cases[..], &more.cases].concat() }
    }

    /// In how many a person gave another verdict.
    pub fn overturned(&self) -> u64 {
        self.cases.iter().filter(|case| !case.1).map(|case| case.2).sum()
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Nobody can tell yet.
    TooFew,
    /// The scores say where the machine is wrong; they may be used to choose what people look at.
    Ranks,
    /// They do not, and the machine is wrong too often: people look at everything.
    ReviewAll,
    /// They do not, and it is seldom wrong: a random sample shows whether it stays so.
    Sample,
}

/// What to do, going by all answers that people looked at, and by those among them that were drawn at random. Never a threshold where the
/// scores do not rank: it would cut at random and look as if it did not.
///
/// How often the machine is wrong is judged by the random ones alone once there are enough: people see the others because they are doubtful.
pub fn advise(all: &MachineTally, sampled: &MachineTally) -> Advice {
    if all.decided() < ENOUGH_TO_ADVISE {
        return Advice::TooFew;
    }
    if Ranking::of(&all.cases).is_some_and(|ranking| ranking.ranks()) {
        return Advice::Ranks;
    }
    let judged = if sampled.decided() >= ENOUGH_TO_ADVISE { sampled } else { all };
    if judged.overturned() * 100 >= TOO_OFTEN_PERCENT * judged.decided() { Advice::ReviewAll } else { Advice::Sample }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_by_table() {
        for (cases, advice) in [
            (vec![], Advice::TooFew),
            (vec![(0.9, true, 25), (0.1, false, 24)], Advice::TooFew),
            (vec![(0.9, true, 25), (0.1, false, 25)], Advice::Ranks),
            // The wrong way round, at random, and all the same score.
            (vec![(0.1, true, 25), (0.9, false, 25)], Advice::ReviewAll),
            (vec![(0.1, true, 25), (0.9, true, 25), (0.1, false, 25), (0.9, false, 25)], Advice::ReviewAll),
            (vec![(0.5, true, 90), (0.5, false, 10)], Advice::ReviewAll),
            (vec![(0.5, true, 95), (0.5, false, 5)], Advice::ReviewAll),
            (vec![(0.5, true, 96), (0.5, false, 4)], Advice::Sample),
            // Always right, or always wrong: no ranking to be had.
            (vec![(0.2, true, 30), (0.9, true, 30)], Advice::Sample),
            (vec![(0.2, false, 30), (0.9, false, 30)], Advice::ReviewAll),
            // .7 of the pairs are in order: with few cases that may be chance, with many it is not.
            (vec![(0.9, true, 21), (0.1, true, 9), (0.9, false, 9), (0.1, false, 21)], Advice::ReviewAll),
            (vec![(0.9, true, 210), (0.1, true, 90), (0.9, false, 90), (0.1, false, 210)], Advice::Ranks),
        ] {
            let tally = MachineTally { cases };
            assert_eq!(advise(&tally, &MachineTally::default()), advice, "{tally:?}: {:?}", Ranking::of(&tally.cases));
        }
    }
    #[test]
    fn enough_random_ones_are_judged_alone() {
        let doubtful = [(0.5, false, 100)];
        for (sampled, advice) in [
            (vec![(0.5, true, 49)], Advice::ReviewAll),
            (vec![(0.5, true, 50)], Advice::Sample),
            (vec![(0.5, false, 3), (0.5, true, 47)], Advice::ReviewAll),
        ] {
            let all = MachineTally { cases: [&doubtful[..], &sampled].concat() };
            assert_eq!(advise(&all, &MachineTally { cases: sampled }), advice);
        }
    }
}
