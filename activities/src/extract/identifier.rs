//! Numbers with a label: the seller's tax id and the number of the invoice or receipt.

use std::ops::Range;
use std::sync::LazyLock;

use domain::claim::FieldValue;
use regex::Regex;

use crate::extract::candidate::{Candidate, doubt};
use crate::extract::place;
use crate::extract::row::Row;

/// Which number is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    TaxId,
    Number,
}

struct Cue {
    regex: Regex,
    which: Which,
    weight: f64,
}

static CUES: LazyLock<Vec<Cue>> = LazyLock::new(|| {
    const NO: &str = r"(?:NO|N0|NUM|NUMBER|NR|NBR|ID|#)";
    [
        (format!(r"\b(?:GST|SST|VAT|TAX|SERVICE TAX|SALES TAX) ?(?:REG(?:ISTRATION)?|IDENTIFICATION)?[ .]{{0,2}}{NO}\b ?[.:#]*"), Which::TaxId, 1.8),
        (r"\b(?:UST-?ID(?:-?NR)?|UID|USTID|MWST-?NR|TVA|P\. ?IVA|ABN|EIN|TIN|NIF|CIF|GSTIN|STEUERNUMMER|CUKAI)\b[ .:#]*".to_owned(), Which::TaxId, 1.6),
        (r"\((?:GST|SST|VAT)[^)]{0,16}?[ :]".to_owned(), Which::TaxId, 1.2),
        (r"\b(?:CO(?:MPANY)?[. ]{0,2}REG(?:ISTRATION)?|ROC|BRN|REG)[ .]{0,2}(?:NO|N0)?\b ?[.:#]*".to_owned(), Which::TaxId, -1.2),
        (format!(r"\b(?:TAX |SALES )?INV(?:OICE)?[ .\-]{{0,2}}{NO}(?:\b|[.:#]) ?[.:#]*"), Which::Number, 2.0),
        (r"\bINV(?:OICE)?\b ?[#:]+".to_owned(), Which::Number, 1.2),
        (r"\b(?:RECHNUNGS-?(?:NR|NUMMER)|FACTURA|FACTURE N|BELEG-?NR)\b[ .:#°]*".to_owned(), Which::Number, 1.8),
        (format!(r"\b(?:BILL|DOC(?:UMENT)?|RECEIPT|RCPT|SLIP|TICKET|ORDER|REF(?:ERENCE)?|TRANS(?:ACTION)?|CHECK|CHK)[ .\-]{{0,2}}{NO}(?:\b|[.:#]) ?[.:#]*"), Which::Number, 0.3),
        (r"^(?:TAX )?INVOICE ".to_owned(), Which::Number, -0.2),
    ]
    .into_iter()
    .filter_map(|(pattern, which, weight)| Some(Cue { regex: Regex::new(&pattern).ok()?, which, weight }))
    .collect()
});

/// Candidates for one of the numbers.
pub fn candidates(rows: &[Row], which: Which) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        for cue in CUES.iter().filter(|cue| cue.which == which) {
            for hit in cue.regex.find_iter(&row.upper) {
                let Some(candidate) =
                    after(row, hit.range(), which, cue.weight).or_else(|| under(rows, index, hit.range(), which, cue.weight))
                else {
                    continue;
                };
                found.push(candidate);
            }
        }
    }
    // Repeated at the head of later pages.
    let again: Vec<usize> = found.iter().map(|candidate| found.iter().filter(|other| other.value == candidate.value).count()).collect();
    for (candidate, times) in found.iter_mut().zip(again) {
        candidate.weight += 0.4 * (times - 1).min(2) as f64;
    }
    found
}

/// The value in the same row, right behind the label.
fn after(row: &Row, label: Range<usize>, which: Which, weight: f64) -> Option<Candidate> {
    let rest = row.text.get(label.end..)?;
    let start = label.end + rest.len() - rest.trim_start_matches(|c: char| !c.is_alphanumeric()).len();
    // A value further off than a column belongs to another label, unless the row holds just the two.
    let limit = row.segment_at(start)?.end;
    let value = row.text.get(start..limit)?;
    candidate(row, start, value, which, weight)
}

/// The value in the column under the label.
fn under(rows: &[Row], index: usize, label: Range<usize>, which: Which, weight: f64) -> Option<Candidate> {
    let (_, row, span) = place::below(rows, index, label)?;
    let start = row.text.find(&span.text)?;
    candidate(row, start, &span.text, which, weight - 0.5)
}

fn candidate(row: &Row, start: usize, text: &str, which: Which, weight: f64) -> Option<Candidate> {
    let length = match which {
        Which::TaxId => tax_id(text),
        Which::Number => document_number(text),
    }?;
    let printed = text.get(..length)?;
    let value = printed.trim_end_matches(|c: char| !c.is_alphanumeric());
    let digits = value.chars().filter(char::is_ascii_digit).count();
    if digits < if which == Which::TaxId { 6 } else { 2 } || value.len() > 40 {
        return None;
    }
    let span = row.span(start..start + value.len())?;
    let odd = value.chars().any(|c| !c.is_ascii_alphanumeric() && !" -/.#".contains(c));
    let weight = weight + doubt(span.confidence) - if odd { 1.0 } else { 0.0 };
    Some(Candidate::at(row, span, FieldValue::Identifier(value.to_owned()), weight))
}

/// Groups of digits and short capitals, as in `GB 000 4471 82` or `IE 0444718 TA`.
fn tax_id(text: &str) -> Option<usize> {
    let mut end = 0;
    for part in parts(text) {
        let bare = text[part.clone()].trim_matches(|c: char| !c.is_alphanumeric());
        let fits = bare.chars().any(|c| c.is_ascii_digit())
            || (bare.len() <= 2 && !bare.is_empty() && bare.chars().all(|c| c.is_ascii_uppercase()));
        if !fits {
            break;
        }
        let closes = text[part.clone()].ends_with([')', ',', ';']);
        end = part.end;
        if closes {
            break;
        }
    }
    (end > 0).then_some(end)
}

/// One word with digits; letters alone go on only with a dash.
fn document_number(text: &str) -> Option<usize> {
    let first = parts(text).next()?;
    let word = &text[first.clone()];
    if word.chars().any(|c| c.is_ascii_digit()) {
        return Some(first.end);
    }
    // `INV 2018-001`: a prefix of capitals and its number.
    let second = parts(text).nth(1)?;
    let prefix = word.len() <= 4 && word.chars().all(|c| c.is_ascii_uppercase() || c == '-');
    (prefix && text[second.clone()].starts_with(|c: char| c.is_ascii_digit())).then_some(second.end)
}

fn parts(text: &str) -> impl Iterator<Item = Range<usize>> {
    let base = text.as_ptr() as usize;
    text.split(' ').filter(|part| !part.is_empty()).map(move |part| {
        let start = part.as_ptr() as usize - base;
        start..start + part.len()
    })
}
