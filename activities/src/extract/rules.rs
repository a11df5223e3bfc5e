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
