//! Currencies: their symbols and codes beside an amount, and the currency that a document is in.

use std::collections::BTreeMap;

use domain::claim::FieldValue;

use crate::extract::candidate::{Candidate, doubt};
use crate::extract::label::Label;
use crate::extract::row::{Row, Span};
use crate::extract::sum::Sums;

/// What is printed, and the code of ISO 4217. Longer spellings first, since `US$` ends in `$`.
const SPELLINGS: [(&str, &str); 38] = [
    ("US$", "USD"),
    ("S$", "SGD"),
    ("A$", "AUD"),
    ("C$", "CAD"),
    ("HK$", "HKD"),
    ("NZ$", "NZD"),
    ("R$", "BRL"),
    ("$", "USD"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("₹", "INR"),
    ("₩", "KRW"),
    ("฿", "THB"),
    ("zł", "PLN"),
    ("RM", "MYR"),
    ("MYR", "MYR"),
    ("USD", "USD"),
    ("EUR", "EUR"),
    ("GBP", "GBP"),
    ("SGD", "SGD"),
    ("AUD", "AUD"),
    ("CAD", "CAD"),
    ("NZD", "NZD"),
    ("HKD", "HKD"),
    ("JPY", "JPY"),
    ("CNY", "CNY"),
    ("INR", "INR"),
    ("IDR", "IDR"),
    ("THB", "THB"),
    ("CHF", "CHF"),
    ("SEK", "SEK"),
    ("NOK", "NOK"),
    ("DKK", "DKK"),
    ("PLN", "PLN"),
    ("CZK", "CZK"),
    ("BRL", "BRL"),
    ("ZAR", "ZAR"),
];

/// The currency whose spelling ends this text, and how many bytes before the end it starts.
pub fn at_end(text: &str) -> Option<(&'static str, usize)> {
    let trimmed = text.trim_end_matches([' ', '.', ':']).trim_end_matches('-').trim_end();
    if text.len() - trimmed.len() > 3 {
        return None;
    }
    SPELLINGS.iter().find_map(|(spelling, code)| {
        let head = trimmed.len().checked_sub(spelling.len()).filter(|&at| trimmed.is_char_boundary(at))?;
        let hit = trimmed[head..].eq_ignore_ascii_case(spelling) && !spelling_goes_on(spelling, trimmed[..head].chars().next_back());
        hit.then_some((*code, text.len() - head))
    })
}

/// The currency whose spelling starts this text, and how many bytes it takes.
pub fn at_start(text: &str) -> Option<(&'static str, usize)> {
    let trimmed = text.trim_start_matches(' ');
    let skipped = text.len() - trimmed.len();
    if skipped > 1 {
        return None;
    }
    // `12.00 $14.00`: the symbol belongs to the number on its right.
    let own = |length: usize| !trimmed[length..].trim_start_matches(' ').starts_with(|c: char| c.is_ascii_digit());
    SPELLINGS.iter().filter(|(_, code)| *code != "MYR").find_map(|(spelling, code)| {
        let head = trimmed.get(..spelling.len())?;
        let hit = head.eq_ignore_ascii_case(spelling)
            && !spelling_goes_on(spelling, trimmed[spelling.len()..].chars().next())
            && own(spelling.len());
        hit.then_some((*code, skipped + spelling.len()))
    })
}

/// The currency whose code this word is, as in `TOTAL (MYR)` or `Amount RM`.
pub fn of_word(word: &str) -> Option<&'static str> {
    let bare = word.trim_matches(|c: char| c.is_ascii_punctuation() && c != '$');
    SPELLINGS.iter().find(|(spelling, _)| *spelling == bare).map(|(_, code)| *code)
}

/// Letters must not run on: `FARM 9.00` has no currency.
fn spelling_goes_on(spelling: &str, neighbour: Option<char>) -> bool {
    spelling.starts_with(|c: char| c.is_alphabetic()) && neighbour.is_some_and(|c| c.is_alphabetic())
}

/// Words that tell the country of a seller who prints no currency, and the money of that country.
const COUNTRIES: [(&str, &str); 16] = [
    ("MALAYSIA", "MYR"),
    ("SDN", "MYR"),
    ("BHD", "MYR"),
    ("JALAN", "MYR"),
    ("SELANGOR", "MYR"),
    ("JOHOR", "MYR"),
    ("GMBH", "EUR"),
    ("GERMANY", "EUR"),
    ("DUBLIN", "EUR"),
    ("IRELAND", "EUR"),
    ("FRANCE", "EUR"),
    ("LONDON", "GBP"),
    ("ENGLAND", "GBP"),
    ("KINGDOM", "GBP"),
    ("SINGAPORE", "SGD"),
    ("AUSTRALIA", "AUD"),
];

/// Candidates for the document's currency: beside amounts, as a word of its own, or by the seller's country.
pub fn candidates(rows: &[Row], sums: &Sums) -> Vec<Candidate> {
    let mut seen: BTreeMap<&'static str, (f64, &Row, Span)> = BTreeMap::new();
    let mut note = |code: &'static str, weight: f64, row, span: Span| {
        let held = seen.entry(code).or_insert((-1.4, row, span));
        // Ten signs say no more than five; a second kind of sign still does.
        held.0 = (held.0 + weight).min(held.0.max(2.6));
    };
    for (code, row, span) in sums.currencies() {
        note(code, 1.3 + 0.5 * doubt(span.confidence), row, span.clone());
    }
    for row in rows {
        for word in &row.words {
            let code = of_word(&word.text);
            if let Some(code) = code {
                note(code, 1.6, row, Span { bbox: word.bbox, text: word.text.clone(), confidence: word.confidence });
            }
        }
    }
    for row in rows {
        let label = Label::read(&row.text);
        for (_, code) in COUNTRIES.iter().filter(|(word, _)| label.has(word)) {
            if let Some(span) = row.whole() {
                note(code, 0.7, row, span);
            }
        }
    }
    seen.into_iter().map(|(code, (weight, row, span))| Candidate::at(row, span, FieldValue::Identifier(code.to_owned()), weight)).collect()
}
