//! Machine words as people read them.

use chrono::{DateTime, Utc};
use domain::block::Source;
use domain::blocker::Blocker;
use domain::review::Part;
use domain::spelling;
use domain::verdict::Verdict;
use domain::verification::{DecidedBy, Status};
use serde_json::Value;

/// What stopped the machine, in a sentence.
pub fn blocker(blocker: &Blocker) -> String {
    match blocker {
        Blocker::LowConfidence { score, threshold } => format!("Read with {}, and {} is needed", percent(*score), percent(*threshold)),
        Blocker::NotFound => "The evidence shows no value".to_owned(),
        Blocker::ConflictingValues { values } => {
            let values: Vec<String> = values.iter().map(|value| conflicting(value)).collect();
            format!("The evidence shows several values: {}", values.join(", "))
        }
        Blocker::Ambiguous { reason } => format!("Close to the claim, yet not the same: {}", reason.replace('_', " ")),
        Blocker::UnreadablePage { page } => format!("Page {page} could not be read"),
        Blocker::UnreadableEvidence { reason } => format!("The file could not be read: {}", reason.replace('_', " ")),
        Blocker::EncryptedEvidence => "The file needs a password".to_owned(),
        Blocker::WrongDocumentType { expected, found } => {
            let expected: Vec<String> = expected.split(" or ").map(with_article).collect();
            format!("It looks like {}, and {} is needed", with_article(found), expected.join(" or "))
        }
        Blocker::HiddenTextDisagrees { page } => format!("The text hidden in page {page} says something else than the page shows"),
        Blocker::ModelUnavailable { model } => format!("The engine for {model} was not to be had"),
        Blocker::PolicyReview => "Your organisation's policy asks for a person".to_owned(),
        Blocker::PolicySample => "The machine decided; this one was drawn to be looked at all the same".to_owned(),
        Blocker::ReviewExpired => "Nobody decided in time".to_owned(),
    }
}

/// One of several values as people write it. Money and quantities come as the API spells them.
fn conflicting(value: &str) -> String {
    let parts = serde_json::from_str(value).ok().filter(Value::is_object);
    parts.as_ref().map_or_else(|| value.to_owned(), spelling::show)
}

fn with_article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

/// Who settled it.
pub fn decided_by(decided_by: DecidedBy) -> &'static str {
    match decided_by {
        DecidedBy::Rule | DecidedBy::Model => "the machine",
        DecidedBy::Human => "a person",
        DecidedBy::Expiry => "nobody in time",
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
        Source::Recogniser => "read by our own recogniser",
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

/// How long from `from` until `until`, as exactly as it matters: `3 min`, `3 h 59 min`, `47 h`, `4 d`.
pub fn span(from: DateTime<Utc>, until: DateTime<Utc>) -> String {
    let seconds = (until - from).num_seconds().max(0);
    let (hours, minutes) = (seconds / 3_600, seconds % 3_600 / 60);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min"),
        3_600..86_400 if minutes > 0 => format!("{hours} h {minutes} min"),
        3_600..172_800 => format!("{hours} h"),
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
        Part::Adjudication => "third answer",
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    #[test]
    fn spans_are_told_as_exactly_as_it_matters() {
        let now = Utc::now();
        for (seconds, words) in [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_600, "1 h"),
            (3_659, "1 h"),
            (14_399, "3 h 59 min"),
            (86_399, "23 h 59 min"),
            (90_000, "25 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(span(now, now + Duration::seconds(seconds)), words);
        }
    }

    #[test]
    fn blockers_are_told_as_people_write() {
        let several = |values: &[&str]| Blocker::ConflictingValues { values: values.iter().map(|value| (*value).to_owned()).collect() };
        let wrong = |expected: &str, found: &str| Blocker::WrongDocumentType { expected: expected.to_owned(), found: found.to_owned() };
        for (known, words) in [
            (
                several(&["{\"amount\":\"9.00\",\"currency\":\"MYR\"}", "{\"amount\":\"2.5\",\"unit\":null}", "123", "{A-1}"]),
                "The evidence shows several values: 9.00 MYR, 2.5, 123, {A-1}",
            ),
            (wrong("invoice or receipt", "contract"), "It looks like a contract, and an invoice or a receipt is needed"),
            (wrong("receipt", "invoice"), "It looks like an invoice, and a receipt is needed"),
        ] {
            assert_eq!(blocker(&known), words);
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
