//! Machine words as people read them.

use chrono::{DateTime, Utc};
use domain::block::Source;
use domain::blocker::Blocker;
use domain::review::Part;
use domain::verdict::Verdict;
use domain::verification::Status;

/// What stopped the machine, in a sentence.
pub fn blocker(blocker: &Blocker) -> String {
    match blocker {
        Blocker::LowConfidence { score, threshold } => format!("Read with {}, and {} is needed", percent(*score), percent(*threshold)),
        Blocker::NotFound => "The evidence shows no value".to_owned(),
        Blocker::ConflictingValues { values } => format!("The evidence shows several values: {}", values.join(", ")),
        Blocker::Ambiguous { reason } => format!("Close to the claim, yet not the same: {}", reason.replace('_', " ")),
        Blocker::UnreadablePage { page } => format!("Page {page} could not be read"),
        Blocker::UnreadableEvidence { reason } => format!("The file could not be read: {}", reason.replace('_', " ")),
        Blocker::EncryptedEvidence => "The file needs a password".to_owned(),
        Blocker::WrongDocumentType { expected, found } => format!("It looks like {found}, and {expected} is needed"),
        Blocker::HiddenTextDisagrees { page } => format!("The text hidden in page {page} says something else than the page shows"),
        Blocker::ModelUnavailable { model } => format!("The engine for {model} was not to be had"),
        Blocker::PolicyReview => "Your organisation's policy asks for a person".to_owned(),
        Blocker::PolicySample => "The machine decided; this one was drawn to be looked at all the same".to_owned(),
        Blocker::ReviewExpired => "Nobody decided in time".to_owned(),
    }
}

/// A kind of blocker in two or three words, for labels.
pub fn reason(kind: &str) -> String {
    kind.replace('_', " ")
}

/// A field's name as a title.
pub fn title(word: &str) -> String {
    let spaced = word.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Where a reading comes from.
pub fn source(source: &Source) -> &'static str {
    match source {
        Source::Ocr => "read from the picture",
        Source::TextLayer => "the file's own text",
    }
}

pub fn verdict(verdict: Verdict) -> &'static str {
    verdict.as_str()
}

pub fn status(status: Status) -> String {
    status.as_str().replace('_', " ")
}

/// A share of one as whole percent.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A time as a machine reads it, for `<time datetime>`.
pub fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// A time as a person reads it.
pub fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// How long from `from` until `until`, in the largest unit that says enough: `3 min`, `2 h`, `4 d`.
pub fn span(from: DateTime<Utc>, until: DateTime<Utc>) -> String {
    let seconds = (until - from).num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Where on a page a box lies: `upper left`, `middle`, `lower right`.
pub fn place(x: f64, y: f64) -> String {
    let third = |share: f64, words: [&'static str; 3]| words[((share * 3.0) as usize).min(2)];
    let (row, column) = (third(y, ["upper", "", "lower"]), third(x, ["left", "", "right"]));
    match (row, column) {
        ("", "") => "middle".to_owned(),
        ("", column) => format!("middle {column}"),
        (row, "") => format!("{row} middle"),
        (row, column) => format!("{row} {column}"),
    }
}

/// Which answer of a round.
pub fn part(part: Part) -> &'static str {
    match part {
        Part::First => "first answer",
        Part::Second => "second answer",
        Part::Adjudication => "adjudication",
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    #[test]
    fn spans_take_the_largest_unit_that_says_enough() {
        let now = Utc::now();
        for (seconds, words) in [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7_199, "1 h"), (172_799, "47 h"), (172_800, "2 d")] {
            assert_eq!(span(now, now + Duration::seconds(seconds)), words);
        }
    }

    #[test]
    fn places_are_told_in_words() {
        for (x, y, words) in [
            (0.1, 0.1, "upper left"),
            (0.5, 0.5, "middle"),
            (0.99, 0.9, "lower right"),
            (0.5, 0.0, "upper middle"),
            (1.0, 0.5, "middle right"),
        ] {
            assert_eq!(place(x, y), words);
        }
    }

    #[test]
    fn titles_begin_with_a_capital() {
        assert_eq!((title("tax_id").as_str(), title("").as_str()), ("Tax id", ""));
    }
}
