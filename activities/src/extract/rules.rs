//! The extractor of rules: candidates by pattern, weighed by the words and the layout around them. Nothing in it is learnt.

use domain::claim_type::{ClaimType, FieldKind, FieldSpec};
use domain::document::{Finding, Findings};

use crate::extract::candidate::{Candidate, findings};
use crate::extract::day::Days;
use crate::extract::row::{Row, rows};
use crate::extract::sum::{Sum, Sums};
use crate::extract::{Document, Extractor, address, currency, day, identifier, merchant, party};

/// Rules over words and layout.
#[derive(Debug, Clone, Copy, Default)]
pub struct RulesExtractor;

impl Extractor for RulesExtractor {
    fn name(&self) -> &str {
        "rules:extract@1"
    }

    fn calibrated(&self) -> bool {
        false
    }

    fn extract(&self, claim_type: &ClaimType, document: &Document) -> Findings {
        let rows = rows(document.pages);
        let read = Read { days: Days::read(&rows, is_american(&rows)), sums: Sums::read(&rows), rows: &rows };
        let mut all = Findings::new();
        for spec in claim_type.fields.iter().filter(|spec| spec.checked) {
            if let Some(candidates) = read.candidates(spec) {
                all.insert(spec.name.clone(), found(document, candidates));
            }
        }
        all
    }
}

/// What several fields need, made once.
struct Read<'a> {
    rows: &'a [Row<'a>],
    days: Days<'a>,
    sums: Sums<'a>,
}

impl Read<'_> {
    /// Candidates for a field by its name and kind; `None` where no rule knows it.
    fn candidates(&self, spec: &FieldSpec) -> Option<Vec<Candidate>> {
        Some(match (spec.kind, spec.name.as_str()) {
            (FieldKind::Money, "total" | "amount") => self.sums.candidates(Sum::Total),
            (FieldKind::Money, "subtotal" | "net") => self.sums.candidates(Sum::Subtotal),
            (FieldKind::Money, "tax" | "vat" | "gst") => self.sums.candidates(Sum::Tax),
            (FieldKind::Date, "date" | "issue_date" | "invoice_date") => self.days.candidates(day::Which::Issue),
            (FieldKind::Date, "due_date") => self.days.candidates(day::Which::Due),
            (FieldKind::Name, "merchant" | "seller" | "vendor" | "supplier") => merchant::candidates(self.rows, &party::buyers(self.rows)),
            (FieldKind::Name, "buyer" | "customer") => party::buyers(self.rows),
            (FieldKind::Address, "address" | "seller_address") => address::candidates(self.rows),
            (FieldKind::Identifier, "currency") => currency::candidates(self.rows, &self.sums),
            (FieldKind::Identifier, "tax_id") => identifier::candidates(self.rows, identifier::Which::TaxId),
            (FieldKind::Identifier, "number" | "invoice_number") => identifier::candidates(self.rows, identifier::Which::Number),
            _ => return None,
        })
    }
}

fn found(document: &Document, candidates: Vec<Candidate>) -> Vec<Finding> {
    findings(document.evidence_id, candidates)
}

/// Dollars and sales tax: where the month is written first.
fn is_american(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.upper.contains("USD") || row.upper.contains("SALES TAX"))
}

#[cfg(test)]
mod tests {
    use domain::block::{BBox, PageWords, Source, Word};
    use domain::claim::FieldValue;
    use domain::claim_type;
    use domain::document::DocumentKind;
    use domain::id::EvidenceId;
    use proptest::prelude::*;

    use super::*;
    use crate::extract::testing::{numbered_page, page};

    fn extract(claim_type: &str, pages: &[PageWords]) -> Findings {
        let claim_type = claim_type::find(claim_type).unwrap();
        RulesExtractor.extract(&claim_type, &Document { evidence_id: EvidenceId::new(), kind: DocumentKind::Receipt, pages })
    }

    /// The best value of a field as the API spells it, if its score is one to decide on.
    fn best(findings: &Findings, field: &str) -> Option<String> {
        let first = findings[field].first().filter(|finding| finding.score >= 0.6)?;
        Some(match &first.value {
            FieldValue::Money(money) => format!("{} {}", money.amount, money.currency.as_deref().unwrap_or("-")),
            value => value.to_json().as_str().unwrap_or_default().to_owned(),
        })
    }

    const TILL: [&str; 20] = [
        "PETAL & ROOT SDN BHD",
        "(998877-X)",
        "NO. 4, JALAN MELATI 2, TAMAN ANGSANA",
        "81200 JOHOR BAHRU, JOHOR",
        "TEL: 07-555 0101",
        "GST ID: 000123450000",
        "TAX INVOICE",
        "BILL NO: B-1007          DATE: 07/11/2017 18:02",
        "2 X FERN          8.00          16.00",
        "1 X POT          4.53          4.53",
        "TOTAL QTY          3",
        "TOTAL SALES (EXCLUDING GST):          20.53",
        "TOTAL GST:          1.23",
        "TOTAL SALES (INCLUSIVE OF GST):          21.76",
        "ROUNDING:          -0.01",
        "TOTAL:          RM 21.75",
        "CASH:          RM 50.00",
        "CHANGE:          RM 28.25",
        "GST SUMMARY          SR 6%          20.53          1.23",
        "THANK YOU",
    ];

    #[test]
    fn a_till_receipt_gives_its_fields() {
        let found = extract("expense_receipt", &[page(&TILL)]);
        assert_eq!(best(&found, "merchant").as_deref(), Some("PETAL & ROOT SDN BHD"));
        assert_eq!(best(&found, "date").as_deref(), Some("2017-11-07"));
        assert_eq!(best(&found, "total").as_deref(), Some("21.75 MYR"));
        assert_eq!(best(&found, "currency").as_deref(), Some("MYR"));
        assert_eq!(best(&found, "address").as_deref(), Some("NO. 4, JALAN MELATI 2, TAMAN ANGSANA, 81200 JOHOR BAHRU, JOHOR"));
        assert_eq!(best(&found, "tax_id").as_deref(), Some("000123450000"));
        assert!(!found.contains_key("category"), "a field that is not checked is not looked for");
        let date = &found["date"][0];
        assert_eq!(date.region.text, "07/11/2017");
        assert!(matches!(date.value, FieldValue::Date { alternative: Some(_), .. }), "7 November could be 11 July");
    }

    #[test]
    fn the_total_is_what_was_paid() {
        let cases: [(&[&str], &str); 9] = [
            (&["SUBTOTAL          10.00", "TAX          0.60", "TOTAL          10.60"], "10.60 -"),
            (&["TOTAL          10.00", "CASH          20.00", "CHANGE          10.00"], "10.00 -"),
            (&["Total (Excl GST)          10.00", "Total (Incl GST)          10.60", "Total includes GST 6%          0.60"], "10.60 -"),
            (&["ITEM ONE          99.00", "DISCOUNT          9.00", "NET TOTAL          90.00", "VISA          90.00"], "90.00 -"),
            (&["TEA          2,50", "SUMME EUR          2,50"], "2.50 EUR"),
            (
                &["TOTAL          33.92", "ROUNDING ADJUSTMENT          -0.02", "TOTAL ROUNDED          33.90", "CASH          50.00"],
                "33.90 -",
            ),
            (&["T0TAL          RM12.4O", "CASH          RM20.00", "CHANGE          RM7.60"], "12.40 MYR"),
            (&["Amount due          $1,250.00"], "1250.00 USD"),
            (&["TOTAL", "RM 9.00"], "9.00 MYR"),
        ];
        for (lines, expected) in cases {
            let all: Vec<&str> =
                ["CORNER STORE", "12 HIGH STREET", "DATE 01/02/2020", "ITEM          1.00"].iter().chain(lines).copied().collect();
            let found = extract("expense_receipt", &[page(&all)]);
            let best = found["total"].first().map(|finding| finding.value.clone());
            let Some(FieldValue::Money(money)) = best else { panic!("{lines:?}") };
            assert_eq!(format!("{} {}", money.amount, money.currency.as_deref().unwrap_or("-")), expected, "{lines:?}");
        }
    }

    #[test]
    fn an_invoice_of_many_pages_gives_head_and_sums() {
        let head = [
            "Alder Tools Ltd                    INVOICE",
            "9 Mill Lane, Bridgeford BR1 2CD          Invoice number          AT-2024/017",
            "VAT No. GB 123 4567 89          Invoice date          3 May 2024",
            "Bill to                    Due date          2 June 2024",
            "Northgate Joinery Ltd",
            "Item          Qty          Price          Amount GBP",
        ];
        let mut pages = vec![numbered_page(1, &head)];
        for number in 2..40 {
            let lines: Vec<String> = (0..45).map(|line| format!("Screw M{line}          2          1.50          3.00")).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            pages.push(numbered_page(number, &lines));
        }
        pages.push(numbered_page(
            40,
            &["Subtotal          GBP 5,130.00", "VAT 20%          GBP 1,026.00", "Total due          GBP 6,156.00"],
        ));
        let found = extract("invoice", &pages);
        for (field, expected) in [
            ("number", "AT-2024/017"),
            ("issue_date", "2024-05-03"),
            ("due_date", "2024-06-02"),
            ("seller", "Alder Tools Ltd"),
            ("buyer", "Northgate Joinery Ltd"),
            ("subtotal", "5130.00 GBP"),
            ("tax", "1026.00 GBP"),
            ("total", "6156.00 GBP"),
            ("currency", "GBP"),
        ] {
            assert_eq!(best(&found, field).as_deref(), Some(expected), "{field}: {:?}", found[field]);
        }
        assert_eq!(found["total"][0].region.page, 40);
    }

    #[test]
    fn a_field_that_is_not_there_has_an_empty_list_and_an_unknown_one_none() {
        let found = extract("expense_receipt", &[page(&["nothing of the kind"])]);
        assert!(found["date"].is_empty() && found["total"].is_empty() && found["tax_id"].is_empty());
        assert!(extract("statement", &[page(&TILL)]).is_empty());
    }

    #[test]
    fn doubtful_words_lower_the_score() {
        let sure = extract("expense_receipt", &[page(&TILL)])["total"][0].score;
        let mut doubtful = page(&TILL);
        for word in doubtful.words.iter_mut().filter(|word| word.text == "21.75") {
            word.confidence = 0.2;
        }
        assert!(extract("expense_receipt", &[doubtful])["total"][0].score < sure);
    }

    fn words() -> impl Strategy<Value = Vec<Word>> {
        let text = prop_oneof![
            "[ -~]{1,12}",
            "\\PC{1,6}",
            "[0-9OSIl]{1,4}[/.,:-][0-9O]{1,4}[/.,-]?[0-9]{0,4}",
            Just("TOTAL".to_owned()),
            Just("Bill".to_owned()),
            Just("to".to_owned()),
            Just("RM".to_owned()),
            Just("€".to_owned()),
            Just("GST No.".to_owned()),
        ];
        let edge = prop_oneof![0.0f32..1.0, Just(f32::NAN), -1.0f32..2.0];
        let word = (text, [edge.clone(), edge.clone(), edge.clone(), edge], 0.0f32..1.0).prop_map(|(text, bbox, confidence)| Word {
            text,
            bbox: BBox(bbox),
            confidence,
        });
        prop::collection::vec(word, 0..60)
    }

    proptest! {
        #[test]
        fn any_words_are_answered_the_same_way_twice(words in words(), aspect in prop_oneof![0.1f32..3.0, Just(0.0), Just(f32::INFINITY)]) {
            let pages = [PageWords { page: 1, aspect, source: Source::Ocr, words }];
            let evidence_id = EvidenceId::new();
            for claim_type in claim_type::built_in() {
                let document = Document { evidence_id, kind: DocumentKind::Other, pages: &pages };
                let first = RulesExtractor.extract(&claim_type, &document);
                prop_assert!(first.values().all(|found| found.len() <= 5 && found.iter().all(|finding| (0.0..=1.0).contains(&finding.score))));
                prop_assert!(first.values().all(|found| found.windows(2).all(|pair| pair[0].score >= pair[1].score)));
                let second = RulesExtractor.extract(&claim_type, &document);
                prop_assert_eq!(format!("{first:?}"), format!("{second:?}"));
            }
        }
    }
}
