//! Whether two people gave the same answer: the verdicts on the whole and on every field, and the values that they read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::decision::parse_found;
use crate::check::Check;
use crate::claim_type::ClaimType;
use crate::compare::{Comparison, compare};
use crate::verification::Outcome;

/// Whether two results are one answer. Words about it (notes, reasons, scores) are each person's own.
pub fn agree(claim_type: Option<&ClaimType>, one: &Outcome, other: &Outcome) -> bool {
    one.verdict == other.verdict && differing_fields(claim_type, one, other).is_empty()
}

/// The fields on which two results differ, in verdict or in value; also those that only one of them speaks of.
pub fn differing_fields(claim_type: Option<&ClaimType>, one: &Outcome, other: &Outcome) -> BTreeSet<String> {
    let check = |outcome: &Outcome, field: &str| outcome.checks.iter().find(|check| check.field == field).cloned();
    let fields: BTreeSet<&String> = one.checks.iter().chain(&other.checks).map(|check| &check.field).collect();
    let differ = |field: &&String| match (check(one, field), check(other, field)) {
        (Some(one), Some(other)) => one.verdict != other.verdict || !same_value(claim_type, &one, &other),
        _ => true,
    };
    fields.into_iter().filter(differ).cloned().collect()
}

/// Whether both read the same, however each spelt it. Near is not the same here: the slack that a reader's slips get is not two people's.
fn same_value(claim_type: Option<&ClaimType>, one: &Check, other: &Check) -> bool {
    let (a, b) = match (&one.found, &other.found) {
        (None, None) => return true,
        (Some(a), Some(b)) => (a, b),
        _ => return false,
    };
    let read = |value: &Value| parse_found(claim_type?, &one.field, value, "").ok();
    match (read(a), read(b)) {
        (Some(a), Some(b)) => a == b || matches!(compare(&a, &b), Comparison::Same { similarity } if similarity >= 1.0),
        // What the machine found need not have a claim's shape.
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::claim_type;
    use crate::level::Level;
    use crate::verdict::Verdict::{self, Insufficient, Refuted, Supported};
    use crate::verification::DecidedBy;

    fn check(field: &str, verdict: Verdict, found: Option<Value>, confidence: f64) -> Check {
        let (claimed, none) = (json!("claimed"), Vec::new);
        Check { field: field.into(), claimed, found, verdict, confidence, regions: none(), sources: vec![], blockers: vec![] }
    }

    fn result(verdict: Verdict, checks: Vec<Check>) -> Outcome {
        let (blockers, route) = (vec![], vec![]);
        Outcome { verdict, confidence: 1.0, decided_by: DecidedBy::Human, checks, blockers, route, level: Level::L0 }
    }

    fn differ(one: &Outcome, other: &Outcome) -> Vec<String> {
        let receipt = claim_type::find("expense_receipt");
        let fields = differing_fields(receipt.as_ref(), one, other);
        assert_eq!(fields, differing_fields(receipt.as_ref(), other, one), "either way round");
        assert_eq!(agree(receipt.as_ref(), one, other), one.verdict == other.verdict && fields.is_empty());
        fields.into_iter().collect()
    }

    #[test]
    fn a_value_is_the_same_however_it_is_spelt_and_no_other_however_near() {
        let money = |amount: &str, currency: &str| Some(json!({ "amount": amount, "currency": currency }));
        let text = |text: &str| Some(json!(text));
        for (field, one, other, same) in [
            ("total", money("9.00", "MYR"), money("9.0", "MYR"), true),
            ("total", money("9.00", "MYR"), money("9.01", "MYR"), false),
            ("total", money("9.00", "MYR"), money("9.00", "EUR"), false),
            ("total", money("9.00", "MYR"), None, false),
            ("total", None, None, true),
            ("date", text("2018-03-30"), text("2018-03-30"), true),
            ("date", text("2018-03-30"), text("2018-03-31"), false),
            ("merchant", text("Kedai Bunga"), text("KEDAI  BUNGA"), true),
            ("merchant", text("Kedai Bunga"), text("Kedai Bungah"), false),
            ("merchant", text("Mydin"), text("Mydin Mohamed"), false),
            // No shape of a claim: then letter by letter.
            ("total", text("nine"), text("nine"), true),
            ("total", text("nine"), text("Nine"), false),
            ("unheard_of", text("a"), text("A"), false),
        ] {
            let (one, other) = (check(field, Refuted, one, 1.0), check(field, Refuted, other, 1.0));
            let differ = differ(&result(Refuted, vec![one.clone()]), &result(Refuted, vec![other.clone()]));
            assert_eq!(differ.is_empty(), same, "{field}: {:?} {:?}", one.found, other.found);
        }
    }

    #[test]
    fn verdicts_count_on_the_whole_and_field_by_field_and_scores_do_not() {
        let of = |merchant, date| result(Insufficient, vec![check("merchant", merchant, None, 1.0), check("date", date, None, 0.3)]);
        assert!(differ(&of(Supported, Insufficient), &of(Supported, Insufficient)).is_empty());
        assert_eq!(differ(&of(Supported, Insufficient), &of(Insufficient, Supported)), ["date", "merchant"]);
        assert_eq!(differ(&of(Supported, Insufficient), &result(Insufficient, vec![check("merchant", Supported, None, 0.9)])), ["date"]);
        assert!(!agree(None, &result(Supported, vec![]), &result(Refuted, vec![])));
        assert!(agree(None, &result(Supported, vec![]), &result(Supported, vec![])));
    }

    proptest! {
        #[test]
        fn who_says_the_same_agrees_and_one_other_word_is_enough_to_differ(
            verdicts in proptest::collection::vec(0_usize..3, 1..6), cents in 0_i64..1_000_000, odd: prop::sample::Index, shuffled: bool
        ) {
            let words = [Supported, Refuted, Insufficient];
            let found = json!({ "amount": rust_decimal::Decimal::new(cents, 2).to_string(), "currency": "MYR" });
            let checks = verdicts.iter().enumerate();
            let checks: Vec<Check> = checks.map(|(at, word)| check(&format!("f{at}"), words[*word], Some(found.clone()), 0.5)).collect();
            let one = result(Insufficient, checks.clone());
            let mut other = one.clone();
            if shuffled {
                other.checks.reverse();
            }
            prop_assert!(differ(&one, &other).is_empty());
            let at = odd.index(checks.len());
            let changed = &mut other.checks[at];
            changed.verdict = if changed.verdict == Supported { Refuted } else { Supported };
            let field = changed.field.clone();
            prop_assert_eq!(differ(&one, &other), [field]);
        }
    }
}
