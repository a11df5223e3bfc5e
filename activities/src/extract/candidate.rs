//! Candidates for a field and their order: plain weights in, scores between 0 and 1 out.

use domain::block::Source;
use domain::check::Region;
use domain::claim::FieldValue;
use domain::document::Finding;
use domain::id::EvidenceId;

use crate::extract::row::{Row, Span};

/// A field's list of findings ends here; a person reads no more, and the judge needs the best and its rivals.
const MOST_FINDINGS: usize = 5;

/// A value that may be the field's.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub value: FieldValue,
    /// Sum of the weights for and against, 0 meaning even odds.
    pub weight: f64,
    pub page: u32,
    pub source: Source,
    pub span: Span,
}

impl Candidate {
    /// A candidate at a place in a row.
    pub fn at(row: &Row, span: Span, value: FieldValue, weight: f64) -> Self {
        Self { value, weight, page: row.page, source: row.source, span }
    }
}

/// Weights of words that the reader was unsure of: nothing above 0.9, up to two against at 0.
pub fn doubt(confidence: f32) -> f64 {
    -2.0 * f64::from((0.9 - confidence).clamp(0.0, 0.9)) / 0.9
}

/// Findings, best first: equal values are one finding, and a strong rival takes from the score of the best.
pub fn findings(evidence_id: EvidenceId, mut candidates: Vec<Candidate>) -> Vec<Finding> {
    // Stable, so that of equal ones the first on the page wins.
    candidates.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let mut distinct: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if distinct.len() == MOST_FINDINGS {
            break;
        }
        if !distinct.iter().any(|held| same(&held.value, &candidate.value)) {
            distinct.push(candidate);
        }
    }
    let values: Vec<FieldValue> = distinct.iter().map(|candidate| candidate.value.clone()).collect();
    let odds: Vec<f64> = distinct.iter().map(|candidate| squash(candidate.weight)).collect();
    let mut found: Vec<Finding> = distinct
        .into_iter()
        .enumerate()
        .map(|(index, candidate)| {
            let rival = odds
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index && !holds(&values[index], &values[*other]))
                .map(|(_, odds)| *odds)
                .fold(0.0, f64::max);
            Finding {
                value: candidate.value,
                score: odds[index] * (1.0 - rival / 2.0),
                region: Region { evidence_id, page: candidate.page, bbox: candidate.span.bbox, text: candidate.span.text },
                source: candidate.source,
            }
        })
        .collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found
}

fn squash(weight: f64) -> f64 {
    1.0 / (1.0 + (-weight).exp())
}

/// The same value, whatever was seen beside it.
pub fn same(a: &FieldValue, b: &FieldValue) -> bool {
    match (a, b) {
        (FieldValue::Money(a), FieldValue::Money(b)) => a.amount == b.amount,
        (FieldValue::Date { date: a, .. }, FieldValue::Date { date: b, .. }) => a == b,
        (FieldValue::Name(a), FieldValue::Name(b))
        | (FieldValue::Identifier(a), FieldValue::Identifier(b))
        | (FieldValue::Address(a), FieldValue::Address(b)) => letters(a) == letters(b),
        (a, b) => a == b,
    }
}

/// A name that is part of another is a shorter reading of it, not a rival.
fn holds(a: &FieldValue, b: &FieldValue) -> bool {
    match (a, b) {
        (FieldValue::Name(a), FieldValue::Name(b)) | (FieldValue::Address(a), FieldValue::Address(b)) => {
            let (a, b) = (letters(a), letters(b));
            let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
            // A slip of the reader in one of them changes nothing.
            let slips = short.chars().zip(long.chars()).filter(|(x, y)| x != y).count();
            long.contains(&short) || slips * 8 <= short.chars().count()
        }
        _ => false,
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}
