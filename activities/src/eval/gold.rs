//! The labelled folders: which documents there are, what is right for each field, and which documents share an issuer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use domain::claim::FieldValue;
use domain::document::DocumentKind;
use models::recogniser::data::same_issuer;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::eval::{Error, alike};

/// From this likeness on, a name or an address that went through a reader counts as the labelled one.
const ALIKE: f64 = 0.9;

/// What kind of folder it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Receipts,
    Invoices,
    Forms,
    Contracts,
}

impl Shape {
    /// Stable word for the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipts => "receipts",
            Self::Invoices => "invoices",
            Self::Forms => "forms",
            Self::Contracts => "contracts",
        }
    }

    /// The claim type whose fields are extracted; forms and contracts are only classified.
    pub fn claim_type(self) -> &'static str {
        match self {
            Self::Receipts => "expense_receipt",
            Self::Invoices => "invoice",
            Self::Forms | Self::Contracts => "",
        }
    }

    /// Kinds that the classifier may give.
    pub fn kinds(self) -> &'static [DocumentKind] {
        match self {
            Self::Receipts | Self::Invoices => &[DocumentKind::Receipt, DocumentKind::Invoice],
            Self::Forms => &[DocumentKind::Form],
            Self::Contracts => &[DocumentKind::Contract],
        }
    }
}

/// What is right for a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Gold {
    Date(NaiveDate),
    /// Held against the absolute amount, to the cent.
    Amount(Decimal),
    Name(String),
    Address(String),
    Identifier(String),
}

impl Gold {
    /// Whether a value is the labelled one.
    pub fn is(&self, value: &FieldValue) -> bool {
        match (self, value) {
            (Self::Date(gold), FieldValue::Date { date, .. }) => gold == date,
            (Self::Amount(gold), FieldValue::Money(money)) => gold.abs() == money.amount.abs(),
            (Self::Name(gold), FieldValue::Name(text)) | (Self::Address(gold), FieldValue::Address(text)) => {
                alike::ratio(gold, text) >= ALIKE
            }
            (Self::Identifier(gold), FieldValue::Identifier(text)) => folded(gold) == folded(text),
            _ => false,
        }
    }
}

/// One labelled document.
#[derive(Debug, Clone)]
pub struct Item {
    pub file: PathBuf,
    /// Documents of one issuer have the same number.
    pub group: usize,
    pub gold: BTreeMap<String, Gold>,
}

/// A labelled folder.
#[derive(Debug)]
pub struct Set {
    pub shape: Shape,
    /// In the order of the file names.
    pub items: Vec<Item>,
}

/// Reads a folder of documents with a JSON file beside each.
pub fn load(folder: &Path) -> Result<Set, Error> {
    let failed = |source| Error::Folder { folder: folder.to_owned(), source };
    let mut labels: Vec<PathBuf> = std::fs::read_dir(folder).map_err(failed)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    labels.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    labels.sort();
    let mut groups = BTreeMap::new();
    let mut items = Vec::new();
    let mut shape = None;
    for path in labels {
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        let Ok(label) = serde_json::from_str::<Value>(&text) else { continue };
        let Some(file) = ["jpg", "png", "pdf"].iter().map(|extension| path.with_extension(extension)).find(|file| file.exists()) else {
            continue;
        };
        let Some((found, group, gold)) = read(&label) else { continue };
        if *shape.get_or_insert(found) != found {
            continue;
        }
        let next = groups.len();
        items.push(Item { file, group: *groups.entry(group).or_insert(next), gold });
    }
    match shape {
        Some(shape) if !items.is_empty() => Ok(Set { shape, items }),
        _ => Err(Error::NothingLabelled { folder: folder.to_owned() }),
    }
}

fn read(label: &Value) -> Option<(Shape, String, BTreeMap<String, Gold>)> {
    let text = |key: &str| label.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(group) = text("issuer_group") {
        return Some((Shape::Receipts, same_issuer(&group).to_owned(), receipt(label)));
    }
    if let Some(number) = text("registration_number") {
        return Some((Shape::Forms, number, BTreeMap::new()));
    }
    if label.get("party").is_some() || label.get("jurisdiction").is_some() {
        return Some((Shape::Contracts, label.get("party").map(Value::to_string).unwrap_or_default(), BTreeMap::new()));
    }
    let invoice = label.as_array().and_then(|list| list.first())?;
    let issuer = invoice.get("issuer").and_then(Value::as_str)?;
    Some((Shape::Invoices, issuer.to_owned(), self::invoice(invoice)))
}

fn receipt(label: &Value) -> BTreeMap<String, Gold> {
    let text = |key: &str| label.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut gold = BTreeMap::new();
    gold.extend(text("company").map(|company| ("merchant".to_owned(), Gold::Name(company.to_owned()))));
    gold.extend(text("address").map(|address| ("address".to_owned(), Gold::Address(address.to_owned()))));
    gold.extend(text("date").and_then(date).map(|date| ("date".to_owned(), Gold::Date(date))));
    gold.extend(text("total").and_then(amount).map(|amount| ("total".to_owned(), Gold::Amount(amount))));
    // All of these receipts are from Malaysia, most print no currency.
    gold.insert("currency".to_owned(), Gold::Identifier("MYR".to_owned()));
    gold
}

fn invoice(label: &Value) -> BTreeMap<String, Gold> {
    let text = |key: &str| label.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let number = |key: &str| label.get(key).filter(|value| value.is_number()).and_then(|value| value.to_string().parse::<Decimal>().ok());
    let mut gold = BTreeMap::new();
    gold.extend(text("date").and_then(date).map(|date| ("issue_date".to_owned(), Gold::Date(date))));
    gold.extend(number("amount").map(|amount| ("total".to_owned(), Gold::Amount(amount))));
    gold.extend(number("amount_untaxed").map(|amount| ("subtotal".to_owned(), Gold::Amount(amount))));
    gold.extend(text("invoice_number").map(|number| ("number".to_owned(), Gold::Identifier(number.to_owned()))));
    gold.extend(text("issuer").map(|issuer| ("seller".to_owned(), Gold::Name(issuer.to_owned()))));
    gold.extend(text("currency").map(|currency| ("currency".to_owned(), Gold::Identifier(currency.to_owned()))));
    gold
}

/// Labels are as printed: day first unless that is no date, four digits of the year where the text has them.
fn date(text: &str) -> Option<NaiveDate> {
    const LONG: [&str; 9] = ["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d", "%Y/%m/%d", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%m/%d/%Y"];
    const SHORT: [&str; 6] = ["%d/%m/%y", "%d-%m-%y", "%d.%m.%y", "%d %b %y", "%d-%b-%y", "%m/%d/%y"];
    let text = text.trim_matches(|c: char| !c.is_alphanumeric());
    let long = text.split(|c: char| !c.is_ascii_digit()).any(|part| part.len() == 4);
    let formats: &[&str] = if long { &LONG } else { &SHORT };
    formats.iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok())
}

fn amount(text: &str) -> Option<Decimal> {
    text.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect::<String>().parse().ok()
}

fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_printed() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d);
        for (text, expected) in [
            ("25/12/2018", day(2018, 12, 25)),
            ("05-04-17", day(2017, 4, 5)),
            ("(03/02/2018)", day(2018, 2, 3)),
            ("2018-03-30", day(2018, 3, 30)),
            ("30 MAR 2018", day(2018, 3, 30)),
            ("12/30/2018", day(2018, 12, 30)),
            ("none", None),
        ] {
            assert_eq!(date(text), expected, "{text}");
        }
        assert_eq!(amount("RM 1,234.50"), "1234.50".parse().ok());
    }

    #[test]
    fn groups_of_one_issuer_are_merged() {
        assert_eq!(same_issuer("MRD.I.Y."), same_issuer("MR.D.I.Y"));
        assert_ne!(same_issuer("ABC"), same_issuer("DEF"));
    }

    #[test]
    fn a_folder_without_labels_is_an_error() {
        let folder = std::env::temp_dir().join(format!("assay-eval-gold-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert!(matches!(load(&folder), Err(Error::NothingLabelled { .. })));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(matches!(load(&folder), Err(Error::Folder { .. })));
    }
}
