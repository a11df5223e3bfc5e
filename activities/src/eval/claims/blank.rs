//! A document whose value of a field is gone: the words that show it are taken from the page, and the rest is understood again.

use std::collections::BTreeMap;

use domain::block::{BBox, PageWords};
use domain::claim_type::ClaimType;
use domain::document::{Classification, Findings};

use crate::eval::gold::Item;
use crate::extract::{Document, Extractor};

/// A value stands on a page a few times; after so many it is left.
const PLACES: usize = 8;

/// By field: the findings once every place that gives the labelled value is blank.
pub fn without_values(
    extractor: &dyn Extractor,
    claim_type: &ClaimType,
    item: &Item,
    classification: &Classification,
    findings: &Findings,
    pages: &[PageWords],
) -> BTreeMap<String, Findings> {
    let extract = |pages: &[PageWords]| {
        extractor.extract(claim_type, &Document { evidence_id: classification.evidence_id, kind: classification.kind, pages })
    };
    let blanked = |field: &String| {
        let gold = item.gold.get(field)?;
        let (mut pages, mut found) = (pages.to_vec(), findings.clone());
        for _ in 0..PLACES {
            let places: Vec<(u32, BBox)> = found
                .get(field)
                .into_iter()
                .flatten()
                .filter(|finding| gold.is(&finding.value))
                .map(|finding| (finding.region.page, finding.region.bbox))
                .collect();
            if places.is_empty() {
                break;
            }
            for page in &mut pages {
                page.words.retain(|word| !places.iter().any(|(number, place)| *number == page.page && holds(place, &word.bbox)));
            }
            found = extract(&pages);
        }
        Some((field.clone(), found))
    };
    item.gold.keys().filter(|field| *field != "currency").filter_map(blanked).collect()
}

/// Whether the middle of the word lies in the place.
fn holds(place: &BBox, word: &BBox) -> bool {
    let (x, y) = ((word.left() + word.right()) / 2.0, (word.top() + word.bottom()) / 2.0);
    (place.left()..=place.right()).contains(&x) && (place.top()..=place.bottom()).contains(&y)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use domain::claim_type;
    use domain::document::DocumentKind;
    use domain::id::EvidenceId;

    use super::*;
    use crate::eval::gold::Gold;
    use crate::extract::RulesExtractor;
    use crate::extract::testing::page;

    #[test]
    fn a_blanked_value_is_found_no_more_wherever_it_stood() {
        let pages = [page(&[
            "PETAL & ROOT SDN BHD",
            "FERN          9.00",
            "TOTAL          RM 9.00",
            "CASH          RM 10.00",
            "TOTAL PAID          RM 9.00",
        ])];
        let claim_type = claim_type::find("expense_receipt").unwrap();
        let classification = Classification { evidence_id: EvidenceId::new(), kind: DocumentKind::Receipt, score: 0.9 };
        let document = Document { evidence_id: classification.evidence_id, kind: classification.kind, pages: &pages };
        let findings = RulesExtractor.extract(&claim_type, &document);
        let gold = Gold::Amount("9.00".parse().unwrap());
        assert!(findings["total"].iter().any(|finding| gold.is(&finding.value)));
        let item = Item { file: PathBuf::new(), group: 0, gold: BTreeMap::from([("total".to_owned(), gold.clone())]) };
        let blanked = without_values(&RulesExtractor, &claim_type, &item, &classification, &findings, &pages);
        assert!(blanked["total"]["total"].iter().all(|finding| !gold.is(&finding.value)));
        assert_eq!(blanked["total"]["merchant"][0].value, findings["merchant"][0].value, "the rest is where it was");
    }
}
