//! Values as people type and read them: one line of text for every shape that a field's value has.

use serde_json::{Value, json};

use crate::claim_type::FieldKind;

/// An amount without its currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("add the currency, as in `9.00 MYR`")]
pub struct NoCurrency;

/// The line for a value of a claim or of a finding: `9.00 MYR`, `2.5 kg`, or the text itself.
pub fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(parts) => {
            let part = |name: &str| parts.get(name).and_then(Value::as_str).unwrap_or_default();
            let unit = if part("currency").is_empty() { part("unit") } else { part("currency") };
            format!("{} {unit}", part("amount")).trim().to_owned()
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The value that a line spells, in the shape that a claim has. Whether the field takes it is for the claim type to say.
///
/// `currency` stands in where an amount comes without one.
pub fn read(kind: FieldKind, line: &str, currency: Option<&str>) -> Result<Value, NoCurrency> {
    let line = line.trim();
    let parts = || line.rsplit_once(' ').map_or((line, None), |(amount, unit)| (amount.trim(), Some(unit)));
    Ok(match kind {
        FieldKind::Money => {
            let (amount, own) = parts();
            json!({ "amount": amount, "currency": own.or(currency).ok_or(NoCurrency)? })
        }
        FieldKind::Quantity => {
            let (amount, unit) = parts();
            json!({ "amount": amount, "unit": unit })
        }
        FieldKind::Date
        | FieldKind::Name
        | FieldKind::Identifier
        | FieldKind::Address
        | FieldKind::Text
        | FieldKind::Statement
        | FieldKind::Photo => Value::String(line.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_reads_back() {
        for (kind, value, line) in [
            (FieldKind::Money, json!({ "amount": "9.00", "currency": "MYR" }), "9.00 MYR"),
            (FieldKind::Quantity, json!({ "amount": "2.5", "unit": "kg" }), "2.5 kg"),
            (FieldKind::Date, json!("2018-03-30"), "2018-03-30"),
            (FieldKind::Name, json!("Kedai Bunga Raya"), "Kedai Bunga Raya"),
        ] {
            assert_eq!(show(&value), line);
            assert_eq!(read(kind, line, None), Ok(value));
        }
        assert_eq!(show(&json!({ "amount": "3", "unit": null })), "3");
        assert_eq!(read(FieldKind::Quantity, "3", None), Ok(json!({ "amount": "3", "unit": null })));
    }

    #[test]
    fn an_amount_needs_a_currency_from_somewhere() {
        assert_eq!(read(FieldKind::Money, "9.00", None), Err(NoCurrency));
        assert_eq!(read(FieldKind::Money, " 9.00 ", Some("MYR")), Ok(json!({ "amount": "9.00", "currency": "MYR" })));
        assert_eq!(read(FieldKind::Money, "1 250,00 EUR", None), Ok(json!({ "amount": "1 250,00", "currency": "EUR" })));
    }
}
