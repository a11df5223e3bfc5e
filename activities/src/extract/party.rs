//! The buyer: the name beside or under `Bill to` and its like.

use std::sync::LazyLock;

use domain::claim::FieldValue;
use regex::Regex;

use crate::extract::candidate::{Candidate, doubt};
use crate::extract::firm;
use crate::extract::place;
use crate::extract::row::Row;

static LABELS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\b(?:(?:BILL(?:ED)?|INVOICED?|SOLD|SHIP|CHARGE) TO(?: ADDRESS)?|CUSTOMER(?: NAME)?|BUYER|CLIENT|RECHNUNG AN|KUNDE|ATTENTION|ATTN)\b ?:*",
    )
    .ok()
});

/// Candidates for the buyer's name.
pub fn buyers(rows: &[Row]) -> Vec<Candidate> {
    let Some(labels) = LABELS.as_ref() else { return Vec::new() };
    let mut found = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        for hit in labels.find_iter(&row.upper) {
            let weak = ["SHIP", "CUST", "ATT", "CLIENT"].iter().any(|word| hit.as_str().starts_with(word));
            let weight = if weak { 0.2 } else { 1.6 };
            let beside = row.segment_at(hit.start()).and_then(|segment| beside(row, hit.end()..segment.end, weight));
            let under =
                || place::below(rows, index, hit.range()).and_then(|(_, lower, span)| name(lower, &span.text.clone(), span, weight));
            found.extend(beside.or_else(under));
        }
    }
    found
}

fn beside(row: &Row, range: std::ops::Range<usize>, weight: f64) -> Option<Candidate> {
    let text = row.text.get(range.clone())?.to_owned();
    let span = row.span(range)?;
    name(row, &text, span, weight)
}

fn name(row: &Row, text: &str, span: crate::extract::row::Span, weight: f64) -> Option<Candidate> {
    let name = firm::clean(text)?;
    let (letters, digits) = (name.chars().filter(|c| c.is_alphabetic()).count(), name.chars().filter(char::is_ascii_digit).count());
    if letters < 3 || digits > letters {
        return None;
    }
    let weight = weight + doubt(span.confidence) * 0.5;
    Some(Candidate::at(row, span, FieldValue::Name(name), weight))
}
