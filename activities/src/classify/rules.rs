//! The classifier of rules: what the words say a document is, and how its lines look. Nothing in it is learnt.

use std::collections::BTreeSet;

use domain::block::PageWords;
use domain::document::DocumentKind;

use crate::classify::Classifier;
use crate::extract::label::Label;
use crate::extract::row::{Row, rows};

/// Pages beyond these repeat what the first ones say; the last page has the totals.
const FIRST_PAGES: usize = 2;
/// Fewer words than this with letters or digits are no text, only specks.
const FEWEST_WORDS: usize = 3;

/// Rules over words and layout.
#[derive(Debug, Clone, Copy, Default)]
pub struct RulesClassifier;

impl Classifier for RulesClassifier {
    fn name(&self) -> &str {
        "rules:classify@1"
    }

    fn calibrated(&self) -> bool {
        false
    }

    fn classify(&self, pages: &[PageWords]) -> (DocumentKind, f64) {
        let told =
            |page: &&PageWords| page.words.iter().filter(|word| word.text.chars().filter(|c| c.is_alphanumeric()).count() > 1).count();
        if pages.iter().map(|page| told(&page)).sum::<usize>() < FEWEST_WORDS {
            return (DocumentKind::Blank, 0.95);
        }
        let mut rows_read = rows(&pages[..pages.len().min(FIRST_PAGES)]);
        if pages.len() > FIRST_PAGES {
            rows_read.extend(rows(&pages[pages.len() - 1..]));
        }
        best(&weights(&Look::read(&rows_read)))
    }
}

/// What the rules look at, counted once.
#[derive(Debug, Default)]
struct Look {
    rows: f64,
    /// Rows that end in an amount, as a share of all.
    amounts: f64,
    /// Rows that run over most of the page with many words and no number, as a share of all.
    prose: f64,
    title_invoice: bool,
    title_receipt: bool,
    receipt_words: f64,
    invoice_words: f64,
    contract_words: f64,
    form_words: f64,
    letter_words: f64,
    /// Whether TOTAL or the like stands there.
    total: bool,
}

impl Look {
    fn read(rows: &[Row]) -> Self {
        let mut look = Self { rows: rows.len() as f64, ..Self::default() };
        let head = rows.len().div_ceil(3).max(6);
        let mut found = Found::default();
        for (index, row) in rows.iter().enumerate() {
            let label = Label::read(&row.text);
            let short = label.len() <= 5;
            let ends_in_amount = crate::extract::amount::amounts(row).last().is_some_and(|amount| row.text.len() - amount.range.end < 5);
            look.amounts += f64::from(u8::from(ends_in_amount));
            let digits = row.text.chars().filter(char::is_ascii_digit).count();
            look.prose += f64::from(u8::from(label.len() >= 8 && digits * 8 < row.text.len() && row.segments.len() <= 2));
            look.total |=
                label.has_any(&["TOTAL", "SUBTOTAL", "TOTAAL", "TOTALE", "SUMME", "GESAMTBETRAG"]) || label.has_phrase(&["AMOUNT", "DUE"]);
            look.title_invoice |=
                index < head && short && label.has_any(&["INVOICE", "RECHNUNG", "FACTURE", "FACTUUR", "FACTURA", "FATTURA"]);
            look.title_receipt |= short && label.has("RECEIPT") && !label.has_any(&["THIS", "KEEP", "WITH"]);
            found.note(&label);
        }
        look.amounts /= look.rows.max(1.0);
        look.prose /= look.rows.max(1.0);
        look.receipt_words = found.count(&RECEIPT);
        look.invoice_words = found.count(&INVOICE);
        look.contract_words = found.count(&CONTRACT);
        look.form_words = found.count(&FORM);
        look.letter_words = found.count(&LETTER);
        look
    }
}

const RECEIPT: [&[&str]; 21] = [
    &["CASHIER"],
    &["CASH"],
    &["CHANGE"],
    &["THANK", "YOU"],
    &["ROUNDING"],
    &["TABLE"],
    &["TENDERED"],
    &["SERVED", "BY"],
    &["TILL"],
    &["POS"],
    &["CARD", "ENDING"],
    &["VISA"],
    &["PLEASE", "COME", "AGAIN"],
    &["GOODS", "SOLD"],
    &["TAX", "INVOICE"],
    &["PAID", "BY"],
    &["CUSTOMER", "COPY"],
    &["TERMINAL"],
    &["RECEIPT"],
    &["COUNTER"],
    &["TUNAI"],
];
const INVOICE: [&[&str]; 20] = [
    &["BILL", "TO"],
    &["INVOICE", "TO"],
    &["DUE", "DATE"],
    &["INVOICE", "DATE"],
    &["INVOICE", "NUMBER"],
    &["INVOICE", "NO"],
    &["TERMS"],
    &["UNIT", "PRICE"],
    &["PURCHASE", "ORDER"],
    &["BANK", "TRANSFER"],
    &["AMOUNT", "DUE"],
    &["TOTAL", "DUE"],
    &["PAYMENT", "WITHIN"],
    &["IBAN"],
    &["RECHNUNG"],
    &["RECHNUNGSNR"],
    &["FACTURE"],
    &["FACTUUR"],
    &["FACTURA"],
    &["FATTURA"],
];
const CONTRACT: [&[&str]; 15] = [
    &["AGREEMENT"],
    &["HEREBY"],
    &["HEREINAFTER"],
    &["PARTIES"],
    &["WHEREAS"],
    &["WITNESS", "WHEREOF"],
    &["GOVERNING", "LAW"],
    &["CONFIDENTIAL", "INFORMATION"],
    &["TERMINATION"],
    &["SHALL", "NOT"],
    &["SHALL"],
    &["HEREOF"],
    &["HERETO"],
    &["EFFECTIVE", "DATE"],
    &["CLAUSE"],
];
const FORM: [&[&str]; 12] = [
    &["REGISTRATION", "STATEMENT"],
    &["FORM"],
    &["PURSUANT", "TO"],
    &["REGISTRANT"],
    &["APPLICANT"],
    &["OMB", "NO"],
    &["CHECK", "ONE"],
    &["FILL", "IN"],
    &["YES", "NO"],
    &["DEPARTMENT", "OF"],
    &["INSTRUCTIONS"],
    &["ITEM", "NO"],
];
const LETTER: [&[&str]; 10] = [
    &["DEAR"],
    &["SINCERELY"],
    &["YOURS"],
    &["REGARDS"],
    &["FAITHFULLY"],
    &["WRITING", "TO"],
    &["LOOK", "FORWARD"],
    &["KIND", "REGARDS"],
    &["TO", "WHOM"],
    &["ENCLOSED"],
];

/// The phrases that were met.
#[derive(Debug, Default)]
struct Found(BTreeSet<&'static [&'static str]>);

impl Found {
    fn note(&mut self, label: &Label) {
        for phrase in RECEIPT.iter().chain(&INVOICE).chain(&CONTRACT).chain(&FORM).chain(&LETTER) {
            if label.has_phrase(phrase) {
                self.0.insert(phrase);
            }
        }
    }

    fn count(&self, phrases: &[&'static [&'static str]]) -> f64 {
        phrases.iter().filter(|phrase| self.0.contains(*phrase)).count() as f64
    }
}

fn weights(look: &Look) -> [(DocumentKind, f64); 6] {
    let yes = |held: bool, weight: f64| if held { weight } else { 0.0 };
    // Tills print short rows; a page full of prose is no receipt, however many amounts it names.
    let money = yes(look.total, 1.0) + (3.0 * look.amounts).min(1.5);
    [
        (
            DocumentKind::Receipt,
            -1.6 + 0.7 * look.receipt_words.min(5.0) + money + yes(look.title_receipt, 1.0)
                - 0.5 * look.invoice_words.min(6.0)
                - 4.0 * look.prose
                - 0.8 * look.letter_words,
        ),
        (
            DocumentKind::Invoice,
            -2.2 + 1.0 * look.invoice_words.min(5.0) + money + yes(look.title_invoice, 1.6)
                - 0.5 * look.receipt_words.min(5.0)
                - 3.0 * look.prose
                - 0.8 * look.letter_words,
        ),
        (DocumentKind::Contract, -2.6 + 0.8 * look.contract_words.min(7.0) + 3.0 * look.prose - yes(look.total, 1.0)),
        (DocumentKind::Form, -2.2 + 1.1 * look.form_words.min(5.0) - yes(look.total, 0.5)),
        (
            DocumentKind::Letter,
            -2.4 + 1.8 * look.letter_words.min(3.0) + 1.5 * look.prose - 0.3 * look.contract_words - yes(look.total, 0.5),
        ),
        (DocumentKind::Other, 0.0),
    ]
}

/// The heaviest kind; the score is its share of all by softmax.
fn best(weights: &[(DocumentKind, f64)]) -> (DocumentKind, f64) {
    let whole: f64 = weights.iter().map(|(_, weight)| weight.exp()).sum();
    weights.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or((DocumentKind::Other, 0.0), |(kind, weight)| (*kind, weight.exp() / whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::page;

    fn kind(lines: &[&str]) -> DocumentKind {
        RulesClassifier.classify(&[page(lines)]).0
    }

    #[test]
    fn kinds_are_told_by_words_and_layout() {
        assert_eq!(
            kind(&["CORNER SHOP", "2 TEA          4.00", "TOTAL          4.00", "CASH          5.00", "CHANGE          1.00", "THANK YOU"]),
            DocumentKind::Receipt
        );
        assert_eq!(
            kind(&[
                "Tin Works Ltd          INVOICE",
                "Invoice number          T-1",
                "Due date          2024-01-31",
                "Bill to",
                "Somebody AB",
                "Sheet          2          10.00",
                "Total          20.00"
            ]),
            DocumentKind::Invoice
        );
        assert_eq!(
            kind(&[
                "NON-DISCLOSURE AGREEMENT",
                "This agreement is made by and between the parties named below and shall",
                "take effect on the effective date. The parties hereby agree that confidential",
                "information shall not be disclosed to anyone before termination of it.",
            ]),
            DocumentKind::Contract
        );
        assert_eq!(
            kind(&[
                "Dear Ms Example,",
                "I am writing to thank you for the visit that we made to your works last week.",
                "We look forward to the next one.",
                "Yours sincerely"
            ]),
            DocumentKind::Letter
        );
        assert_eq!(
            kind(&["REGISTRATION STATEMENT", "Pursuant to the act", "Name of registrant", "Form 7, OMB No. 11"]),
            DocumentKind::Form
        );
        assert_eq!(kind(&["a sunset over the harbour at nine"]), DocumentKind::Other);
        assert_eq!(kind(&[]), DocumentKind::Blank);
        assert_eq!(kind(&[". - ;"]), DocumentKind::Blank);
    }

    #[test]
    fn no_pages_are_blank() {
        assert_eq!(RulesClassifier.classify(&[]).0, DocumentKind::Blank);
    }
}
