//! What the door refuses although it has the shape of a value: what no evidence can show, so that a claim of it is a slip or a trick.

use chrono::Datelike;
use serde_json::Value;

use super::{FieldError, FieldValue, error, is_code, not_a_currency, not_a_date};
use crate::claim_type::{FieldKind, FieldSpec};
use crate::money::is_currency;

/// Years that a claim may name. Evidence is read from 1990 on; what lies this far outside was typed wrongly.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2200;

/// Letters by their class in Unicode that show nothing: the fillers of Hangul.
const FILLERS: [char; 4] = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];

/// Everything wrong with what stands at `at` and was sent as `raw`, beside its shape; `value` is there when that is right.
pub(super) fn faults(at: &str, spec: &FieldSpec, raw: &Value, value: Option<&FieldValue>) -> Vec<FieldError> {
    if spec.kind == FieldKind::Money {
        // Told together with an amount that is wrong.
        let code = raw.get("currency").and_then(Value::as_str).filter(|code| is_code(code) && !is_currency(code));
        return code.map(|_| not_a_currency(&format!("{at}/currency"))).into_iter().collect();
    }
    let Some(value) = value else { return Vec::new() };
    let fault = match value {
        FieldValue::Money(_) => None,
        FieldValue::Date { date, .. } => {
            // A day has one spelling: `+2018-03-30` and `2018-3-30` are others.
            let spelt = raw.as_str().is_some_and(|text| text == date.to_string());
            (!spelt || !YEARS.contains(&date.year())).then(|| not_a_date(at))
        }
        FieldValue::Identifier(code) if spec.name == "currency" => (!is_currency(code)).then(|| not_a_currency(at)),
        FieldValue::Name(text) | FieldValue::Identifier(text) => one_line(at, text).or_else(|| wordless(at, text)),
        FieldValue::Address(text) | FieldValue::Text(text) | FieldValue::Statement(text) | FieldValue::Photo(text) => {
            lines(at, text).or_else(|| wordless(at, text))
        }
        // A unit may be a sign, as in `%`.
        FieldValue::Quantity { unit, .. } => unit.as_deref().and_then(|unit| one_line(&format!("{at}/unit"), unit)),
    };
    fault.into_iter().collect()
}

/// Signs and blanks alone compare with nothing.
fn wordless(at: &str, text: &str) -> Option<FieldError> {
    let word = text.chars().any(|c| c.is_alphanumeric() && !FILLERS.contains(&c));
    (!word).then(|| error(at, "empty", "expected at least one letter or digit"))
}

fn one_line(at: &str, text: &str) -> Option<FieldError> {
    text.chars().any(char::is_control).then(|| error(at, "not_text", "expected one line of text without control characters"))
}

fn lines(at: &str, text: &str) -> Option<FieldError> {
    let odd = text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'));
    odd.then(|| error(at, "not_text", "expected text without control characters other than tabs and line breaks"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Claim;
    use super::*;
    use crate::claim_type;

    /// The faults of a receipt with this one field changed, at the door and when it is read again.
    fn faults_of(field: &str, value: Value) -> (Vec<(String, String)>, bool) {
        let receipt = claim_type::find("expense_receipt").unwrap();
        let mut raw = json!({ "merchant": "M", "date": "2018-03-30", "total": { "amount": "9.00", "currency": "MYR" } });
        raw[field] = value;
        let found = Claim::parse(&receipt, &raw).err().unwrap_or_default();
        (found.into_iter().map(|fault| (fault.pointer, fault.code)).collect(), Claim::reread(&receipt, &raw).is_ok())
    }

    fn fault(field: &str, value: Value) -> (String, String) {
        let (mut found, readable) = faults_of(field, value.clone());
        assert_eq!(found.len(), 1, "{field} {value}: {found:?}");
        assert!(readable, "{field} {value} could not be read again");
        found.remove(0)
    }

    #[test]
    fn days_that_no_document_bears_are_refused() {
        for day in ["+99999-01-01", "-0001-01-01", "0000-01-01", "0018-03-30", "1899-12-31", "2201-01-01", "+2018-03-30", "2018-3-30"] {
            assert_eq!(fault("date", json!(day)), ("/date".into(), "not_a_date".into()), "{day}");
        }
        for day in ["1900-01-01", "2018-03-30", "2200-12-31"] {
            assert!(faults_of("date", json!(day)).0.is_empty(), "{day}");
        }
    }

    #[test]
    fn a_currency_is_one_of_the_world() {
        assert_eq!(fault("total", json!({ "amount": "9.00", "currency": "QQQ" })), ("/total/currency".into(), "not_a_currency".into()));
        assert_eq!(fault("currency", json!("XXX")), ("/currency".into(), "not_a_currency".into()));
        assert!(faults_of("currency", json!("EUR")).0.is_empty());
        let both = faults_of("total", json!({ "amount": "abc", "currency": "QQQ" })).0;
        assert_eq!(both, [("/total/amount".into(), "not_money".into()), ("/total/currency".into(), "not_a_currency".into())]);
    }

    #[test]
    fn signs_alone_are_no_text() {
        for text in ["***", "\u{200b}\u{feff}", "\u{3164}", "-", "\u{1f600}"] {
            assert_eq!(fault("merchant", json!(text)), ("/merchant".into(), "empty".into()), "{text:?}");
            assert_eq!(fault("category", json!(text)), ("/category".into(), "empty".into()), "{text:?}");
        }
        for text in ["7", "\u{5496}\u{5561}", "\u{0e01}\u{0e34}\u{0e19}", "A\u{200d}B"] {
            assert!(faults_of("merchant", json!(text)).0.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_refused_and_lines_only_kept_where_there_are_some() {
        for (field, text) in [("merchant", "A\u{7}B"), ("merchant", "A\nB"), ("tax_id", "1\t2"), ("address", "A\u{1b}[31mB")] {
            assert_eq!(fault(field, json!(text)), (format!("/{field}"), "not_text".into()), "{text:?}");
        }
        for (field, text) in [("address", "1 Jalan\r\nJohor"), ("category", "meals\tand more"), ("merchant", " M \n")] {
            assert!(faults_of(field, json!(text)).0.is_empty(), "{text:?}");
        }
    }
}
