//! A person's work over some time, and the figures that are made of it.

use super::kappa::Pairs;
use super::quantile::quantile;
use super::{FEWEST, share};

/// What is counted of answers that were given: those of one person, or one claim type, or any that belong together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Work {
    /// Answers given.
    pub answers: u64,
    /// Of them, those given before the promised time.
    pub timely: u64,
    /// Of them, those whose round was settled since.
    pub settled: u64,
    /// Of the settled ones, those that do not stand: corrected, or decided otherwise by a third person.
    pub overturned: u64,
    /// Milliseconds, of each answer that it is known of: active at it.
    pub active: Vec<i64>,
    /// Milliseconds from getting the review to answering it.
    pub held: Vec<i64>,
    /// Milliseconds from the opening of the review until somebody took it.
    pub waited: Vec<i64>,
    /// What they said and what another said who answered the same independently.
    pub pairs: Pairs,
}

/// What can be said of some work. What too few answers stand behind is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    pub answers: u64,
    /// Answers per hour of being active.
    pub per_hour: Option<f64>,
    /// Median, and what nine of ten stay below; milliseconds each.
    pub active: Option<(f64, f64)>,
    pub held: Option<(f64, f64)>,
    pub waited: Option<(f64, f64)>,
    /// Shares of one.
    pub timely: Option<f64>,
    pub overturned: Option<f64>,
    /// With other readers.
    pub agreement: Option<f64>,
    /// The same beyond chance; also left out where everybody always says the same word.
    pub kappa: Option<f64>,
}

impl Work {
    /// Both together.
    #[must_use]
    pub fn with(mut self, more: &Self) -> Self {
        self.answers += more.answers;
        self.timely += more.timely;
        self.settled += more.settled;
        self.overturned += more.overturned;
        self.active.extend(&more.active);
        self.held.extend(&more.held);
        self.waited.extend(&more.waited);
        self.pairs = self.pairs.with(&more.pairs);
        self
    }

    /// What can be said of it.
    pub fn figures(mut self) -> Figures {
        let enough = self.active.len() >= FEWEST;
        let hours = self.active.iter().map(|ms| *ms as f64).sum::<f64>() / 3_600_000.0;
        let per_hour = (enough && hours > 0.0).then(|| self.active.len() as f64 / hours);
        let pairs = Some(self.pairs).filter(|pairs| pairs.total() >= FEWEST as u64);
        Figures {
            answers: self.answers,
            per_hour,
            active: middle(&mut self.active),
            held: middle(&mut self.held),
            waited: middle(&mut self.waited),
            timely: share(self.timely, self.answers),
            overturned: share(self.overturned, self.settled),
            agreement: pairs.and_then(|pairs| pairs.agreement()),
            kappa: pairs.and_then(|pairs| pairs.kappa()),
        }
    }
}

/// Median and ninth tenth, where there are enough.
fn middle(values: &mut [i64]) -> Option<(f64, f64)> {
    (values.len() >= FEWEST).then(|| Some((quantile(values, 0.5)?, quantile(values, 0.9)?))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict::{Refuted, Supported};

    fn work(answers: u64, active: &[i64]) -> Work {
        let mut pairs = Pairs::default();
        pairs.add(Supported, Supported, 3);
        pairs.add(Supported, Refuted, 1);
        pairs.add(Refuted, Refuted, 1);
        Work {
            answers,
            timely: answers - 1,
            settled: answers,
            overturned: 1,
            active: active.to_vec(),
            held: vec![],
            waited: vec![1; 4],
            pairs,
        }
    }

    #[test]
    fn figures_by_hand() {
        let figures = work(6, &[60_000, 60_000, 60_000, 120_000, 300_000]).figures();
        assert_eq!(figures.answers, 6);
        // Five of them in ten minutes; of the sixth nothing is known.
        assert_eq!(figures.per_hour, Some(30.0));
        assert_eq!(figures.active, Some((60_000.0, 228_000.0)));
        assert_eq!((figures.held, figures.waited), (None, None));
        assert_eq!((figures.timely, figures.overturned), (Some(5.0 / 6.0), Some(1.0 / 6.0)));
        assert_eq!(figures.agreement, Some(0.8));
        assert!((figures.kappa.unwrap() - (0.8 - 0.56) / 0.44).abs() < 1e-9);
    }

    #[test]
    fn too_few_say_nothing_and_together_they_may() {
        let few = Work { pairs: Pairs::default(), ..work(4, &[1_000, 2_000, 3_000, 4_000]) };
        let said = few.clone().figures();
        assert_eq!(said, Figures { answers: 4, ..Figures::default() });
        let both = few.clone().with(&few).figures();
        assert_eq!((both.answers, both.timely, both.overturned), (8, Some(0.75), Some(0.25)));
        assert_eq!((both.active, both.waited), (Some((2_500.0, 4_000.0)), Some((1.0, 1.0))));
        assert_eq!(both.agreement, None);
    }

    #[test]
    fn nothing_active_is_no_speed() {
        assert_eq!(work(5, &[0; 5]).figures().per_hour, None);
        assert_eq!(Work::default().figures(), Figures::default());
    }
}
