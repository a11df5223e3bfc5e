//! What a person's word looks like in a body, be it a decision or a correction.

use domain::review::FieldDecision;
use domain::verdict::Verdict;
use serde_json::Value;
use utoipa::ToSchema;

use crate::input::Fields;
use crate::problem::InvalidField;

/// Longest note and longest reason, in characters.
const LONGEST_TEXT: usize = 2_000;
/// More fields than any claim type has.
const MOST_CHECKS: usize = 200;
const VERDICTS: &str = "supported, refuted or insufficient";

/// A decision on one field.
#[derive(ToSchema)]
#[schema(as = NewFieldDecision)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub(super) struct RequestCheck {
    field: String,
    /// `supported`, `refuted` or `insufficient`.
    verdict: String,
    /// The value that the person read, in the shape of the claim's field; null where the evidence shows none. What was found before stays if
    /// it is left out, which a second answer does with statements only.
    #[schema(value_type = Option<Object>)]
    found: Option<Value>,
    reason: Option<String>,
}

/// The verdict on the whole; a stand-in where it is wrong.
pub(super) fn verdict(fields: &mut Fields<'_>) -> Verdict {
    fields.word("verdict", Verdict::parse, VERDICTS).unwrap_or(Verdict::Insufficient)
}

/// Why, if it is said.
pub(super) fn optional_note(fields: &mut Fields<'_>) -> Option<String> {
    fields.optional_note("note", LONGEST_TEXT)
}

/// Why, where it must be said.
pub(super) fn note(fields: &mut Fields<'_>) -> String {
    fields.note("note", LONGEST_TEXT)
}

/// A person's words on single fields, those that can be read.
pub(super) fn checks(fields: &mut Fields<'_>) -> Vec<FieldDecision> {
    let mut checks = Vec::new();
    for (index, item) in fields.optional_list("checks", MOST_CHECKS).iter().enumerate() {
        match check(&format!("/checks/{index}"), item) {
            Ok(check) => checks.push(check),
            Err(errors) => fields.add(errors),
        }
    }
    checks
}

fn check(prefix: &str, item: &Value) -> Result<FieldDecision, Vec<InvalidField>> {
    let mut fields = Fields::at(prefix, item);
    let field = fields.text("field", 100);
    let verdict = fields.word("verdict", Verdict::parse, VERDICTS);
    let found = fields.said("found").cloned();
    let reason = fields.optional_note("reason", LONGEST_TEXT);
    let errors = fields.into_errors();
    match verdict {
        Some(verdict) if errors.is_empty() => Ok(FieldDecision { field, verdict, found, reason }),
        _ => Err(errors),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn that_nothing_is_found_is_something_said() {
        let body = json!({ "checks": [
            { "field": "total", "verdict": "insufficient", "found": null },
            { "field": "date", "verdict": "insufficient" },
        ] });
        let found: Vec<_> = checks(&mut Fields::of(&body)).into_iter().map(|check| check.found).collect();
        assert_eq!(found, [Some(Value::Null), None]);
    }
}
