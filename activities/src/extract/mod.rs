//! Extract: what a document says for each field of a claim type, with scores and places. Never sees the claim's own values.

mod address;
pub(crate) mod amount;
mod arithmetic;
mod both;
mod calendar;
mod candidate;
mod currency;
mod day;
pub(crate) mod entry;
mod firm;
mod identifier;
pub(crate) mod label;
mod merchant;
mod party;
mod place;
pub(crate) mod row;
mod rules;
mod sum;
#[cfg(test)]
pub(crate) mod testing;

use domain::block::PageWords;
use domain::claim_type::ClaimType;
use domain::document::{DocumentKind, Findings};
use domain::id::EvidenceId;

pub use both::{BothReadings, first_readings};
pub use rules::RulesExtractor;

/// One file of evidence, read and classified.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    pub evidence_id: EvidenceId,
    pub kind: DocumentKind,
    /// In the order of the file. A page that was read twice is there twice, told apart by its source.
    pub pages: &'a [PageWords],
}

/// Reads the fields of a claim type from a document. The rules here and trained models stand behind the same trait.
pub trait Extractor: Send + Sync {
    /// Engine and version, for the route.
    fn name(&self) -> &str;
    /// Whether the scores are calibrated probabilities.
    fn calibrated(&self) -> bool;
    /// Findings for each field that this engine knows how to look for: best first, empty when looked for in vain.
    /// A field that it cannot look for is absent.
    fn extract(&self, claim_type: &ClaimType, document: &Document) -> Findings;
}

/// The findings of several documents as one: each field's lists together, best first.
pub fn merge(parts: impl IntoIterator<Item = Findings>) -> Findings {
    let mut all = Findings::new();
    for (field, found) in parts.into_iter().flatten() {
        all.entry(field).or_default().extend(found);
    }
    for found in all.values_mut() {
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
    }
    all
}
