//! The date of issue and the due date: every date of the document with the words beside it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::claim::FieldValue;

use crate::extract::calendar::{Day, days};
use crate::extract::candidate::{Candidate, doubt};
use crate::extract::label::Label;
use crate::extract::row::{Row, Span};

/// Which date is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Issue,
    Due,
}

#[derive(Debug)]
struct Entry {
    day: Day,
    span: Span,
    row: usize,
    cues: Cues,
    timed: bool,
}

/// What the words beside a date say.
#[derive(Debug, Clone, Copy, Default)]
struct Cues {
    date: bool,
    issue: bool,
    due: bool,
    other: bool,
}

impl Cues {
    fn read(label: &Label) -> Self {
        Self {
            date: label.has_any(&["DATE", "TARIKH", "DATUM", "FECHA", "DT", "DATE/TIME"]),
            issue: label.has_any(&[
                "INVOICE",
                "INV",
                "BILL",
                "RECEIPT",
                "ISSUE",
                "ISSUED",
                "ORDER",
                "TRANSACTION",
                "TRANS",
                "TRX",
                "SALES",
                "PAID",
                "RECHNUNGSDATUM",
                "ENTRY",
            ]),
            due: label.has("DUE") || label.has_phrase(&["PAY", "BY"]) || label.has_any(&["PAYABLE", "FAELLIG", "MATURITY"]),
            other: label.has_any(&[
                "EXPIRY",
                "EXPIRES",
                "EXPIRE",
                "EXP",
                "VALID",
                "UNTIL",
                "SINCE",
                "BIRTH",
                "DELIVERY",
                "FROM",
                "EFFECTIVE",
                "PERIOD",
                "PRINTED",
                "MFG",
                "BEST",
                "UPDATED",
                "JOINED",
                "RETURN",
                "BEFORE",
            ]),
        }
    }
}

/// All dates of a document; made once, asked for each.
#[derive(Debug)]
pub struct Days<'a> {
    rows: &'a [Row<'a>],
    entries: Vec<Entry>,
    times: BTreeMap<NaiveDate, usize>,
    month_first: bool,
}

impl<'a> Days<'a> {
    /// Reads the dates of the rows. `month_first` says that the document comes from where the month is written first.
    pub fn read(rows: &'a [Row<'a>], month_first: bool) -> Self {
        let mut entries = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            for day in days(row) {
                let Some(span) = row.span(day.range.clone()) else { continue };
                let cues = cues_of(rows, index, row, &day);
                let timed = has_time(row, &day);
                entries.push(Entry { day, span, row: index, cues, timed });
            }
        }
        // One date that can only be read month first tells how the others are meant.
        let month_first = month_first || entries.iter().any(|entry| entry.day.month_first);
        let mut times = BTreeMap::new();
        for entry in &entries {
            *times.entry(entry.day.date).or_default() += 1;
        }
        Self { rows, entries, times, month_first }
    }

    /// Candidates for one of the dates.
    pub fn candidates(&self, which: Which) -> Vec<Candidate> {
        self.entries
            .iter()
            .filter_map(|entry| {
                let weight = match which {
                    Which::Issue => self.issue(entry),
                    Which::Due => self.due(entry)?,
                };
                let row = self.rows.get(entry.row)?;
                let weight = weight + doubt(entry.span.confidence) - 3.0 * (1.0 - entry.day.plainness);
                Some(Candidate::at(row, entry.span.clone(), self.value(&entry.day), weight))
            })
            .collect()
    }

    fn value(&self, day: &Day) -> FieldValue {
        match day.alternative {
            Some(alternative) if self.month_first => FieldValue::Date { date: alternative, alternative: Some(day.date) },
            alternative => FieldValue::Date { date: day.date, alternative },
        }
    }

    fn issue(&self, entry: &Entry) -> f64 {
        let mut weight = 0.6;
        weight += if entry.cues.date { 1.2 } else { 0.0 };
        weight += if entry.cues.issue { 0.5 } else { 0.0 };
        weight += if entry.timed { 0.8 } else { 0.0 };
        weight -= if entry.cues.due { 3.0 } else { 0.0 };
        weight -= if entry.cues.other { 2.0 } else { 0.0 };
        weight += if self.entries.first().is_some_and(|first| first.row == entry.row) { 0.4 } else { 0.0 };
        weight + 0.7 * (self.times(entry.day.date).saturating_sub(1)).min(2) as f64
    }

    fn due(&self, entry: &Entry) -> Option<f64> {
        entry.cues.due.then_some(if entry.cues.date { 1.8 } else { 1.2 })
    }

    fn times(&self, date: NaiveDate) -> usize {
        self.times.get(&date).copied().unwrap_or_default()
    }
}

/// The words to the left in the row; where none stand there, the segment above.
fn cues_of(rows: &[Row], index: usize, row: &Row, day: &Day) -> Cues {
    let left = Label::read(row.text.get(..day.range.start).unwrap_or_default());
    let mut cues = Cues::read(&left);
    if !(cues.date || cues.due || cues.other)
        && let Some(above) = crate::extract::place::above(rows, index, row, day.range.clone())
    {
        cues = Cues::read(&Label::read(&above.text));
    }
    cues
}

/// A time of day in the same row, which tills print beside their date.
fn has_time(row: &Row, day: &Day) -> bool {
    let after = row.digits.get(day.range.end..).unwrap_or_default();
    let bytes = after.as_bytes();
    bytes.windows(5).any(|window| {
        window[0].is_ascii_digit()
            && window[1].is_ascii_digit()
            && window[2] == b':'
            && window[3].is_ascii_digit()
            && window[4].is_ascii_digit()
    }) || bytes
        .windows(4)
        .any(|window| window[0].is_ascii_digit() && window[1] == b':' && window[2].is_ascii_digit() && window[3].is_ascii_digit())
}
