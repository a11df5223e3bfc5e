//! A claim: named values, checked once against their claim type at the door.

mod door;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::claim_type::{ClaimType, FieldKind, FieldSpec};
use crate::money::Money;

/// A value of a field, typed by the field's kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum FieldValue {
    Money(Money),
    /// A day of the calendar. `alternative` is the other reading where day and month can be swapped.
    Date {
        date: NaiveDate,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alternative: Option<NaiveDate>,
    },
    Name(String),
    Identifier(String),
    Address(String),
    Quantity {
        amount: Decimal,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
    },
    Text(String),
    Statement(String),
    Photo(String),
}

impl FieldValue {
    /// The value as the API spells it, in the shape of a claim's field.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Money(money) => serde_json::json!({ "amount": money.amount.to_string(), "currency": money.currency }),
            Self::Date { date, .. } => Value::String(date.format("%Y-%m-%d").to_string()),
            Self::Quantity { amount, unit } => serde_json::json!({ "amount": amount.to_string(), "unit": unit }),
            Self::Name(text)
            | Self::Identifier(text)
            | Self::Address(text)
            | Self::Text(text)
            | Self::Statement(text)
            | Self::Photo(text) => Value::String(text.clone()),
        }
    }
}

/// One thing wrong with a claim, at a place in the claim object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON Pointer relative to the claim object, as in `/total/amount`.
    pub pointer: String,
    /// Stable word: `missing`, `unknown_field`, `not_money`, `not_a_date`, `not_text`, `too_long`, `empty`, `not_a_currency`, `not_a_number`, `out_of_range`, `not_an_object`.
    pub code: String,
    pub detail: String,
}

/// A claim that fits its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub claim_type: String,
    pub version: u32,
    pub fields: BTreeMap<String, FieldValue>,
}

/// The longest text that a field takes, in characters. Longer ones are documents, not claims.
pub const LONGEST_TEXT: usize = 2_000;

impl Claim {
    /// Holds a raw JSON claim against its type and reports everything wrong with it together.
    pub fn parse(claim_type: &ClaimType, raw: &Value) -> Result<Self, Vec<FieldError>> {
        Self::read(claim_type, raw, door::faults)
    }

    /// Reads a claim that was taken before. Only its shape counts: the door may have become narrower since, and what was accepted stays so.
    pub fn reread(claim_type: &ClaimType, raw: &Value) -> Result<Self, Vec<FieldError>> {
        Self::read(claim_type, raw, |_, _, _, _| Vec::new())
    }

    fn read(
        claim_type: &ClaimType,
        raw: &Value,
        faults: impl Fn(&str, &FieldSpec, &Value, Option<&FieldValue>) -> Vec<FieldError>,
    ) -> Result<Self, Vec<FieldError>> {
        let Some(object) = raw.as_object() else {
            return Err(vec![error("", "not_an_object", "expected an object with one member per field")]);
        };
        let mut errors = Vec::new();
        let mut fields = BTreeMap::new();
        for name in object.keys() {
            if claim_type.field(name).is_none() {
                errors.push(error(&pointer(name), "unknown_field", "this claim type has no such field"));
            }
        }
        for spec in &claim_type.fields {
            match object.get(&spec.name) {
                None | Some(Value::Null) if spec.required => errors.push(error(&pointer(&spec.name), "missing", "this field is required")),
                None | Some(Value::Null) => {}
                Some(value) => {
                    let read = parse_value(spec, value).map_err(|mut found| errors.append(&mut found)).ok();
                    errors.append(&mut faults(&pointer(&spec.name), spec, value, read.as_ref()));
                    fields.extend(read.map(|read| (spec.name.clone(), read)));
                }
            }
        }
        if errors.is_empty() { Ok(Self { claim_type: claim_type.name.clone(), version: claim_type.version, fields }) } else { Err(errors) }
    }
}

fn parse_value(spec: &FieldSpec, value: &Value) -> Result<FieldValue, Vec<FieldError>> {
    let at = pointer(&spec.name);
    match spec.kind {
        FieldKind::Money => money(&at, value),
        FieldKind::Quantity => quantity(&at, value),
        FieldKind::Date => value
            .as_str()
            .and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
            .map(|date| FieldValue::Date { date, alternative: None })
            .ok_or_else(|| vec![not_a_date(&at)]),
        FieldKind::Identifier if spec.name == "currency" => {
            let text = text(&at, value)?;
            if is_code(&text) { Ok(FieldValue::Identifier(text)) } else { Err(vec![not_a_currency(&at)]) }
        }
        FieldKind::Name => text(&at, value).map(FieldValue::Name),
        FieldKind::Identifier => text(&at, value).map(FieldValue::Identifier),
        FieldKind::Address => text(&at, value).map(FieldValue::Address),
        FieldKind::Text => text(&at, value).map(FieldValue::Text),
        FieldKind::Statement => text(&at, value).map(FieldValue::Statement),
        FieldKind::Photo => text(&at, value).map(FieldValue::Photo),
    }
}

fn money(at: &str, value: &Value) -> Result<FieldValue, Vec<FieldError>> {
    let Some(object) = value.as_object() else {
        return Err(vec![error(at, "not_money", "expected an object like {\"amount\": \"9.00\", \"currency\": \"MYR\"}")]);
    };
    let mut errors = Vec::new();
    let amount = object.get("amount").and_then(Value::as_str).and_then(decimal).filter(|amount| amount.scale() <= 2);
    if amount.is_none() {
        errors.push(error(&format!("{at}/amount"), "not_money", "expected a decimal string with at most 2 places"));
    }
    let currency = object.get("currency").and_then(Value::as_str).filter(|text| is_code(text));
    if currency.is_none() {
        errors.push(not_a_currency(&format!("{at}/currency")));
    }
    for name in object.keys().filter(|name| !matches!(name.as_str(), "amount" | "currency")) {
        errors.push(error(&format!("{at}{}", pointer(name)), "unknown_field", "money has an amount and a currency"));
    }
    match (amount, currency) {
        (Some(amount), Some(currency)) if errors.is_empty() => Ok(FieldValue::Money(Money { amount, currency: Some(currency.to_owned()) })),
        _ => Err(errors),
    }
}

fn quantity(at: &str, value: &Value) -> Result<FieldValue, Vec<FieldError>> {
    let wrong = || vec![error(at, "not_a_number", "expected an object like {\"amount\": \"2.5\", \"unit\": \"kg\"}")];
    let object = value.as_object().ok_or_else(wrong)?;
    let amount = object.get("amount").and_then(Value::as_str).and_then(decimal).ok_or_else(wrong)?;
    let unit = match object.get("unit") {
        None | Some(Value::Null) => None,
        Some(unit) => Some(text(&format!("{at}/unit"), unit)?),
    };
    Ok(FieldValue::Quantity { amount, unit })
}

fn text(at: &str, value: &Value) -> Result<String, Vec<FieldError>> {
    let Some(text) = value.as_str() else {
        return Err(vec![error(at, "not_text", "expected a string")]);
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(vec![error(at, "empty", "expected at least one letter or digit")]);
    }
    if text.chars().count() > LONGEST_TEXT {
        return Err(vec![error(at, "too_long", "expected at most 2,000 characters")]);
    }
    if text.contains('\0') {
        // PostgreSQL's text and jsonb hold no NUL.
        return Err(vec![error(at, "not_text", "expected text without NUL characters")]);
    }
    Ok(text.to_owned())
}

/// Plain decimals only: an optional sign, digits, an optional point. No exponent, no grouping, at most 18 digits.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty()
        && digits.len() <= 19
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// The shape of a currency: three capital letters.
fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

pub(crate) fn not_a_currency(at: &str) -> FieldError {
    error(at, "not_a_currency", "expected a currency's code of ISO 4217, like MYR")
}

fn not_a_date(at: &str) -> FieldError {
    error(at, "not_a_date", "expected a date like 2018-03-30, of the years 1900 to 2200")
}

pub(crate) fn pointer(name: &str) -> String {
    // RFC 6901: `~` and `/` are escaped.
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

pub(crate) fn error(pointer: &str, code: &str, detail: &str) -> FieldError {
    FieldError { pointer: pointer.to_owned(), code: code.to_owned(), detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::claim_type;

    fn receipt() -> ClaimType {
        claim_type::find("expense_receipt").unwrap()
    }

    #[test]
    fn a_whole_claim_is_read() {
        let raw = json!({ "merchant": "Kedai Kopi", "date": "2018-03-30", "total": { "amount": "9.00", "currency": "MYR" }, "category": "meals" });
        let claim = Claim::parse(&receipt(), &raw).unwrap();
        assert_eq!(claim.fields.len(), 4);
        assert_eq!(claim.fields["total"].to_json(), raw["total"]);
    }

    #[test]
    fn everything_wrong_is_reported_together() {
        let raw = json!({ "date": "30/03/2018", "total": { "amount": 9, "currency": "ringgit" }, "colour": "red", "address": "" });
        let errors = Claim::parse(&receipt(), &raw).unwrap_err();
        let mut found: Vec<(&str, &str)> = errors.iter().map(|error| (error.pointer.as_str(), error.code.as_str())).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("/address", "empty"),
                ("/colour", "unknown_field"),
                ("/date", "not_a_date"),
                ("/merchant", "missing"),
                ("/total/amount", "not_money"),
                ("/total/currency", "not_a_currency"),
            ]
        );
    }

    #[test]
    fn odd_amounts_are_refused() {
        for amount in ["1e3", "1,000.00", " 9", "9.001", "", "-", ".", "NaN", "99999999999999999999"] {
            let raw = json!({ "merchant": "M", "date": "2018-03-30", "total": { "amount": amount, "currency": "MYR" } });
            assert!(Claim::parse(&receipt(), &raw).is_err(), "{amount}");
        }
    }
}
