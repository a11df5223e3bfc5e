//! The seller's address: the run of rows near the top that looks most like one.

use std::sync::LazyLock;

use domain::claim::FieldValue;
use regex::Regex;

use crate::extract::candidate::{Candidate, doubt};
use crate::extract::label::Label;
use crate::extract::row::{Row, Span};

/// Addresses stand under the name.
const HEAD_ROWS: usize = 14;
/// And take no more rows than this.
const MOST_ROWS: usize = 6;

// Five digits (MY, DE, FR, US), US with four more, Singapore's six, the British and Irish forms, `411 06` in Sweden.
static POSTCODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^0-9\-/])(?:[0-9]{5}(?:-[0-9]{4})?|[0-9]{6}|[0-9]{3} [0-9]{2}|[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}|[A-Z][0-9]{2} [A-Z0-9]{4})(?:[^0-9\-]|$)")
        .ok()
});

const STREETS: [&str; 48] = [
    "JALAN",
    "JLN",
    "LOT",
    "TAMAN",
    "TMN",
    "BANDAR",
    "KAWASAN",
    "LORONG",
    "PERSIARAN",
    "KAMPUNG",
    "KG",
    "PUSAT",
    "LEBUH",
    "LEBUHRAYA",
    "BATU",
    "SEKSYEN",
    "SECTION",
    "PERUSAHAAN",
    "PERINDUSTRIAN",
    "INDUSTRI",
    "BLOCK",
    "BLOK",
    "STREET",
    "ROAD",
    "AVENUE",
    "LANE",
    "DRIVE",
    "SQUARE",
    "QUAY",
    "BOULEVARD",
    "PARADE",
    "STRASSE",
    "INDUSTRIESTRASSE",
    "GATAN",
    "HAMNGATAN",
    "PLAZA",
    "MALL",
    "FLOOR",
    "LEVEL",
    "SUITE",
    "UNIT",
    "GROUND",
    "BUILDING",
    "WISMA",
    "MENARA",
    "PARK",
    "HIGHWAY",
    "BOX",
];

const REGIONS: [&str; 26] = [
    "JOHOR",
    "SELANGOR",
    "KUALA",
    "LUMPUR",
    "PENANG",
    "PERAK",
    "MELAKA",
    "SEREMBAN",
    "NEGERI",
    "PAHANG",
    "KEDAH",
    "SABAH",
    "SARAWAK",
    "WILAYAH",
    "BAHRU",
    "JAYA",
    "ALAM",
    "DARUL",
    "EHSAN",
    "MALAYSIA",
    "SINGAPORE",
    "GERMANY",
    "SWEDEN",
    "KINGDOM",
    "DUBLIN",
    "KLANG",
];

const OTHERS: [&str; 45] = [
    "TEL",
    "FAX",
    "PHONE",
    "TELEPHONE",
    "GST",
    "SST",
    "VAT",
    "TAX",
    "INVOICE",
    "RECEIPT",
    "EMAIL",
    "DATE",
    "TIME",
    "CASHIER",
    "ROC",
    "REG",
    "REGISTRATION",
    "BILL",
    "HOTLINE",
    "WWW",
    "COM",
    "SDN",
    "BHD",
    "CUSTOMER",
    "TABLE",
    "ORDER",
    "MEMBER",
    "LICENSEE",
    "CO",
    "TO",
    "TOTAL",
    "COUNTER",
    "GSTID",
    "ENTERPRISE",
    "INV",
    "NUMBER",
    "PREPAY",
    "TAXINVNO",
    "POS",
    "RM",
    "SLIP",
    "SITE",
    "DESCRIPTION",
    "QTY",
    "AMOUNT",
];

/// Candidates: the best run of rows, and what is left of it without its last row.
pub fn candidates(rows: &[Row]) -> Vec<Candidate> {
    let first_page = rows.first().map(|row| row.page);
    let head: Vec<&Row> =
        rows.iter().filter(|row| Some(row.page) == first_page && row.text.chars().any(char::is_alphanumeric)).take(HEAD_ROWS).collect();
    let likeness: Vec<f64> = head.iter().map(|row| weigh(row)).collect();
    let Some((start, end)) = best_run(&likeness) else { return Vec::new() };
    let mut found = Vec::new();
    let ends = if end - start > 2 { vec![end, end - 1] } else { vec![end] };
    for (rank, end) in ends.into_iter().enumerate() {
        let Some(run) = head.get(start..end) else { continue };
        let Some((first, span)) = together(run) else { continue };
        let text = run.iter().filter_map(|row| part(row)).map(|text| trimmed(&text)).collect::<Vec<_>>().join(", ");
        let sum: f64 = likeness.get(start..end).unwrap_or_default().iter().sum();
        let postcode = run.iter().any(|row| has_postcode(row));
        let short = text.chars().count() < 15;
        let weight = -2.2 + 0.55 * sum.min(6.0) + if postcode { 0.9 } else { 0.0 } - if short { 1.0 } else { 0.0 } - 0.8 * rank as f64;
        let doubt = doubt(mean(run)) * 0.5;
        found.push(Candidate::at(first, span, FieldValue::Address(text), weight + doubt));
    }
    found
}

/// How much a row looks like part of an address; negative for rows that are something else.
fn weigh(row: &Row) -> f64 {
    let label = Label::read(&row.text);
    let mut weight = -0.7;
    weight += if has_postcode(row) { 1.6 } else { 0.0 };
    weight += if label.has_any(&STREETS) { 1.5 } else { 0.0 };
    weight += if label.has_any(&REGIONS) { 1.0 } else { 0.0 };
    weight += if label.starts_with(&["NO"]) && row.text.chars().any(|c| c.is_ascii_digit()) { 0.9 } else { 0.0 };
    weight += if row.text.contains(',') { 0.6 } else { 0.0 };
    weight += if starts_with_house_number(&row.text) { 0.6 } else { 0.0 };
    weight -= if label.has_any(&OTHERS) { 2.0 } else { 0.0 };
    weight -= if row.text.contains(':') { 0.8 } else { 0.0 };
    weight -= if row.text.chars().filter(|c| c.is_alphabetic()).count() < 3 { 1.0 } else { 0.0 };
    weight
}

/// `12, ...`, `41 Station Parade`: a short number and then words.
fn starts_with_house_number(text: &str) -> bool {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    (1..=4).contains(&digits) && text.chars().skip(digits).filter(|c| c.is_alphabetic()).count() >= 5
}

/// A postcode with the name of its town; a number alone is something else.
fn has_postcode(row: &Row) -> bool {
    let named = row.text.chars().filter(|c| c.is_alphabetic()).count() >= 4;
    named && POSTCODE.as_ref().is_some_and(|postcode| postcode.is_match(&row.digits) || postcode.is_match(&row.text))
}

/// The run with the greatest sum, as a half-open range.
fn best_run(likeness: &[f64]) -> Option<(usize, usize)> {
    let mut best = None;
    for start in 0..likeness.len() {
        let mut sum = 0.0;
        for end in start + 1..=likeness.len().min(start + MOST_ROWS) {
            sum += likeness[end - 1];
            if sum > 0.0 && best.is_none_or(|(held, _)| sum > held) {
                best = Some((sum, (start, end)));
            }
        }
    }
    best.map(|(_, run)| run)
}

/// The left segment of a row, where an invoice has its address beside other things.
fn part(row: &Row) -> Option<String> {
    let first = row.segments.first()?.clone();
    let long_enough = row.text.get(first.clone()).is_some_and(|text| text.chars().count() >= 6);
    if long_enough { row.text.get(first).map(str::to_owned) } else { Some(row.text.clone()) }
}

fn trimmed(text: &str) -> String {
    text.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '(' | ')' | '#')).to_owned()
}

fn together<'r, 'a>(run: &[&'r Row<'a>]) -> Option<(&'r Row<'a>, Span)> {
    let first = *run.first()?;
    let mut span = first.whole()?;
    for row in &run[1..] {
        let more = row.whole()?;
        span = Span {
            bbox: span.bbox.union(&more.bbox),
            text: format!("{} {}", span.text, more.text),
            confidence: span.confidence.min(more.confidence),
        };
    }
    Some((first, span))
}

fn mean(run: &[&Row]) -> f32 {
    run.iter().map(|row| row.confidence()).sum::<f32>() / run.len().max(1) as f32
}
