//! Two readings of the same pages, each understood by itself, and what they say together.
//!
//! Values are compared, not letters: two readers that slip differently in a line may still agree on its amount.

use domain::block::{PageWords, Source};
use domain::claim_type::{ClaimType, FieldKind};
use domain::document::{Finding, Findings};

use crate::extract::candidate::same;
use crate::extract::{Document, Extractor};

/// How far the score of a value that both readings give rises towards certainty.
const AGREED: f64 = 0.5;
/// How much a value loses to a rival that the other reading gives as surely.
const CONTRADICTED: f64 = 0.5;

/// An extractor that looks at each reading of a document by itself.
pub struct BothReadings<E> {
    inner: E,
}

impl<E: Extractor> BothReadings<E> {
    pub fn new(inner: E) -> Self {
        Self { inner }
    }
}

impl<E: Extractor> Extractor for BothReadings<E> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn calibrated(&self) -> bool {
        self.inner.calibrated()
    }

    fn extract(&self, claim_type: &ClaimType, document: &Document) -> Findings {
        if document.pages.iter().all(|page| page.source != Source::Recogniser) {
            return self.inner.extract(claim_type, document);
        }
        let of = |pages: Vec<PageWords>| self.inner.extract(claim_type, &Document { pages: &pages, ..*document });
        let first = of(first_readings(document.pages));
        let mut second = of(second_readings(document.pages));
        let mut united = Findings::new();
        for (field, found) in first {
            let kind = claim_type.field(&field).map(|spec| spec.kind);
            let other = second.remove(&field).unwrap_or_default();
            united.insert(field, unite(kind, found, other));
        }
        united.extend(second);
        united
    }
}

/// Every page once, as it was read first.
pub fn first_readings(pages: &[PageWords]) -> Vec<PageWords> {
    pages.iter().filter(|page| page.source != Source::Recogniser).cloned().collect()
}

/// Every page once, as our own recogniser reads it, and else as it was read first.
fn second_readings(pages: &[PageWords]) -> Vec<PageWords> {
    let anew = |page: &PageWords| pages.iter().find(|other| other.source == Source::Recogniser && other.page == page.page);
    pages.iter().filter(|page| page.source != Source::Recogniser).map(|page| anew(page).unwrap_or(page).clone()).collect()
}

/// A field's findings in both readings, best first. Findings of the same value stay side by side, so that each reading's place can be shown.
fn unite(kind: Option<FieldKind>, first: Vec<Finding>, second: Vec<Finding>) -> Vec<Finding> {
    // Whoever finds nothing in large or decorative letters says nothing against who does.
    let rivals = !matches!(kind, Some(FieldKind::Name | FieldKind::Address));
    let judged = |found: &[Finding], others: &[Finding]| -> Vec<Finding> {
        found
            .iter()
            .map(|finding| {
                let agreeing = others.iter().find(|other| same(&finding.value, &other.value));
                let rival = others.iter().filter(|_| rivals && agreeing.is_none()).map(|other| other.score).fold(0.0, f64::max);
                let score = match agreeing {
                    Some(other) => {
                        let surer = finding.score.max(other.score);
                        surer + (1.0 - surer) * AGREED * finding.score.min(other.score)
                    }
                    None => finding.score * (1.0 - rival * CONTRADICTED),
                };
                Finding { score, ..finding.clone() }
            })
            .collect()
    };
    let mut all = judged(&first, &second);
    all.extend(judged(&second, &first));
    // Stable: of equal scores the first reading's comes first.
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    all
}

#[cfg(test)]
mod tests {
    use domain::block::BBox;
    use domain::check::Region;
    use domain::claim::FieldValue;
    use domain::id::EvidenceId;

    use super::*;

    fn finding(text: &str, score: f64, source: Source) -> Finding {
        let region = Region { evidence_id: EvidenceId::new(), page: 1, bbox: BBox([0.0, 0.0, 0.1, 0.1]), text: text.to_owned() };
        Finding { value: FieldValue::Identifier(text.to_owned()), score, region, source }
    }

    fn united(first: &[(&str, f64)], second: &[(&str, f64)]) -> Vec<(String, f64, Source)> {
        let of = |found: &[(&str, f64)], source| found.iter().map(|(text, score)| finding(text, *score, source)).collect();
        let all = unite(Some(FieldKind::Identifier), of(first, Source::Ocr), of(second, Source::Recogniser));
        all.into_iter().map(|finding| (finding.region.text, finding.score, finding.source)).collect()
    }

    #[test]
    fn what_both_say_is_surer_and_keeps_both_places() {
        let all = united(&[("A1", 0.6)], &[("A1", 0.8)]);
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|(_, score, _)| *score > 0.8 && *score < 1.0), "{all:?}");
        assert_eq!(all[0].2, Source::Ocr);
    }

    #[test]
    fn what_the_other_contradicts_is_less_sure() {
        let all = united(&[("A1", 0.8)], &[("B2", 0.8)]);
        assert!(all.iter().all(|(_, score, _)| *score < 0.8), "{all:?}");
        let all = united(&[("A1", 0.8)], &[("B2", 0.1)]);
        assert!(all[0].0 == "A1" && all[0].1 > 0.7, "a weak voice changes little: {all:?}");
    }

    #[test]
    fn who_finds_nothing_changes_nothing() {
        assert_eq!(united(&[("A1", 0.8)], &[]), [("A1".to_owned(), 0.8, Source::Ocr)]);
        assert_eq!(united(&[], &[("A1", 0.8)]), [("A1".to_owned(), 0.8, Source::Recogniser)]);
    }
}
