//! Figures as people read them: the same words for a person's own page and for the team's.

use domain::measure::{Advice, ENOUGH_TO_ADVISE, FEWEST, Figures, MachineTally, Ranking, Span, advise, share};
use serde::Deserialize;
use store::figures::MachineRow;

use crate::words;

/// Which span; kept in the address. Anything unheard of is a week.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    #[serde(default)]
    span: String,
}

impl Wish {
    pub fn span(&self) -> Span {
        Span::parse(&self.span).unwrap_or_default()
    }
}

/// One entry of the choice of spans.
pub struct SpanLink {
    pub word: &'static str,
    pub label: &'static str,
    pub here: bool,
}

/// The spans to choose from.
pub fn spans(chosen: Span) -> Vec<SpanLink> {
    let label = |span| match span {
        Span::Today => "Today",
        Span::Week => "7 days",
        Span::Month => "30 days",
    };
    Span::ALL.into_iter().map(|span| SpanLink { word: span.as_str(), label: label(span), here: span == chosen }).collect()
}

/// What a figure says that too few stand behind.
const TOO_FEW: &str = "too few to say";

/// A figure, and whether it says anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    pub text: String,
    pub says: bool,
    /// What nine of ten stay below, for those that have it.
    pub most: Option<String>,
}

impl Figure {
    fn of(text: Option<String>) -> Self {
        Self { says: text.is_some(), text: text.unwrap_or_else(|| TOO_FEW.to_owned()), most: None }
    }

    fn times(times: Option<(f64, f64)>) -> Self {
        Self { most: times.map(|(_, most)| duration(most)), ..Self::of(times.map(|(median, _)| duration(median))) }
    }
}

/// The figures of some work, in words.
pub struct Shown {
    pub answers: String,
    pub per_hour: Figure,
    pub active: Figure,
    pub held: Figure,
    pub waited: Figure,
    pub timely: Figure,
    pub overturned: Figure,
    pub agreement: Figure,
    pub kappa: Figure,
}

impl Shown {
    /// For the person themselves, who counts their own decisions anyway.
    pub fn own(figures: &Figures) -> Self {
        let kappa = match (figures.agreement, figures.kappa) {
            // Everybody always said the same word.
            (Some(_), None) => Figure { text: "nothing to tell apart".to_owned(), says: false, most: None },
            (_, kappa) => Figure::of(kappa.map(|kappa| format!("{kappa:.2}"))),
        };
        Self {
            answers: figures.answers.to_string(),
            per_hour: Figure::of(figures.per_hour.map(|many| format!("{many:.1}"))),
            active: Figure::times(figures.active),
            held: Figure::times(figures.held),
            waited: Figure::times(figures.waited),
            timely: Figure::of(figures.timely.map(words::percent)),
            overturned: Figure::of(figures.overturned.map(words::percent)),
            agreement: Figure::of(figures.agreement.map(words::percent)),
            kappa,
        }
    }

    /// For others.
    pub fn to_others(figures: &Figures) -> Self {
        let few = figures.answers < FEWEST as u64;
        Self { answers: if few { format!("fewer than {FEWEST}") } else { figures.answers.to_string() }, ..Self::own(figures) }
    }
}

/// Milliseconds, in the units that say enough: `8 s`, `3 min 20 s`, `5 h 10 min`, `3 d 4 h`.
pub fn duration(ms: f64) -> String {
    let seconds = (ms / 1_000.0).round().max(0.0) as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..172_800 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// What people made of the machine's answers, and what to do.
pub struct Machine {
    pub reviewed: Overturned,
    pub sampled: Overturned,
    /// Area under the curve with its interval.
    pub area: Option<String>,
    pub advice: String,
    /// Something is to be done.
    pub care: bool,
}

/// How often a person gave another verdict.
pub struct Overturned {
    pub decided: String,
    pub rate: Figure,
}

impl Overturned {
    fn of(tally: &MachineTally) -> Self {
        let decided = tally.decided();
        Self {
            decided: if decided < FEWEST as u64 { format!("fewer than {FEWEST}") } else { decided.to_string() },
            rate: Figure::of(share(tally.overturned(), decided).map(words::percent)),
        }
    }
}

impl Machine {
    pub fn of(row: &MachineRow) -> Self {
        let all = row.reviewed.with(&row.sampled);
        let advice = advise(&all, &row.sampled);
        let ranking = (advice != Advice::TooFew).then(|| Ranking::of(&all.cases)).flatten();
        let text = match advice {
            Advice::TooFew => format!("Nothing can be advised before {ENOUGH_TO_ADVISE} reviews were decided."),
            Advice::Ranks => "The scores rank: where the machine is surer, people agree with it more often.".to_owned(),
            Advice::ReviewAll => {
                "The scores do not rank, so a threshold would cut at random. Let people review all: the machine is wrong too often.".to_owned()
            }
            Advice::Sample => {
                "The scores do not rank, so a threshold would cut at random. The machine is seldom wrong: let people review a random sample."
                    .to_owned()
            }
        };
        Self {
            reviewed: Overturned::of(&row.reviewed),
            sampled: Overturned::of(&row.sampled),
            area: ranking.map(|found| format!("{:.2} ({:.2} to {:.2})", found.area, found.interval.0, found.interval.1)),
            advice: text,
            care: matches!(advice, Advice::ReviewAll | Advice::Sample),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_the_units_that_say_enough() {
        for (ms, text) in [
            (-5.0, "0 s"),
            (499.0, "0 s"),
            (59_499.0, "59 s"),
            (200_000.0, "3 min 20 s"),
            (3_600_000.0, "1 h 0 min"),
            (90_000_000.0, "25 h 0 min"),
            (273_600_000.0, "3 d 4 h"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn a_span_that_is_none_is_a_week() {
        for (word, span) in [("today", Span::Today), ("30d", Span::Month), ("", Span::Week), ("-1d", Span::Week), ("<b>", Span::Week)] {
            assert_eq!(Wish { span: word.to_owned() }.span(), span);
        }
    }

    #[test]
    fn few_are_hidden_from_others_and_not_from_oneself() {
        let few = Figures { answers: 3, ..Figures::default() };
        assert_eq!((Shown::own(&few).answers.as_str(), Shown::to_others(&few).answers.as_str()), ("3", "fewer than 5"));
        assert_eq!(Shown::own(&few).timely, Figure { text: TOO_FEW.to_owned(), says: false, most: None });
        let always = Figures { answers: 9, agreement: Some(1.0), ..Figures::default() };
        assert_eq!(
            (Shown::own(&always).agreement.text, Shown::own(&always).kappa.text),
            ("100 %".to_owned(), "nothing to tell apart".to_owned())
        );
    }

    #[test]
    fn no_threshold_is_recommended_where_scores_do_not_rank() {
        let row = |reviewed: &[(f64, bool, u64)]| MachineRow {
            reviewed: MachineTally { cases: reviewed.to_vec() },
            sampled: MachineTally::default(),
        };
        let shown = Machine::of(&row(&[(0.5, true, 30), (0.5, false, 30)]));
        assert!(shown.care && shown.advice.contains("review all"), "{}", shown.advice);
        assert_eq!(shown.area.as_deref(), Some("0.50 (0.35 to 0.65)"));
        assert_eq!((shown.reviewed.rate.text.as_str(), shown.sampled.decided.as_str()), ("50 %", "fewer than 5"));
        let shown = Machine::of(&row(&[(0.5, true, 4), (0.5, false, 3)]));
        assert!(!shown.care && shown.area.is_none(), "{}", shown.advice);
        let shown = Machine::of(&row(&[(0.9, true, 90), (0.5, false, 90)]));
        assert!(!shown.care && shown.advice.contains("The scores rank"), "{}", shown.advice);
    }
}
