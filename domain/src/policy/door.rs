//! A policy at the door: what somebody wants, read strictly, with every fault at its place.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{Amount, Policy, ReviewRule};
use crate::blocker::Blocker;
use crate::claim::{self, FieldError};
use crate::money::is_currency;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 3600;

/// A promise is kept by people, so it is a minute at least; what takes longer than a month is none.
pub const SLA_SECONDS: RangeInclusive<u64> = MINUTE..=30 * DAY;
/// Beyond the promise, and at most a quarter of a year: clients wait for an ending.
pub const EXPIRY_SECONDS: RangeInclusive<u64> = MINUTE..=90 * DAY;
/// Below a minute an open page could renew too late; above an hour a closed laptop holds the task for the morning.
pub const LEASE_SECONDS: RangeInclusive<u64> = MINUTE..=3600;
pub const SAMPLE_PERCENT: RangeInclusive<u64> = 0..=100;
pub const ASSIGNMENT_CAP: RangeInclusive<u64> = 1..=1_000;

/// A version that a client sends along, as it got it.
const VERSION: RangeInclusive<u64> = 1..=u32::MAX as u64;

pub(super) fn parse(raw: &Value) -> Result<Policy, Vec<FieldError>> {
    let Some(object) = raw.as_object() else { return Err(vec![claim::error("", "not_an_object", "expected an object")]) };
    let mut door = Door { object, faults: Vec::new() };
    let version = door.number("version", VERSION, Some(1));
    let review = door.rule("review");
    let percent = door.number("review_sample_percent", SAMPLE_PERCENT, Some(0));
    let review_above = door.amount("review_above");
    let double_review_above = door.amount("double_review_above");
    let double_percent = door.number("double_review_sample_percent", SAMPLE_PERCENT, Some(0));
    let double_review_reasons = door.reasons("double_review_reasons");
    let sla = door.number("review_sla_seconds", SLA_SECONDS, None);
    let expiry = door.number("review_expiry_seconds", EXPIRY_SECONDS, None);
    let lease = door.number("lease_seconds", LEASE_SECONDS, None);
    let cap = door.number("review_assignment_cap", ASSIGNMENT_CAP, Some(super::usual_cap().into()));
    if let (Some(sla), Some(expiry)) = (sla, expiry)
        && expiry <= sla
    {
        door.wrong("review_expiry_seconds", "too_short", "expected more than review_sla_seconds");
    }
    let known = [
        "version",
        "review",
        "review_sample_percent",
        "review_above",
        "double_review_above",
        "double_review_sample_percent",
        "double_review_reasons",
        "review_sla_seconds",
        "review_expiry_seconds",
        "lease_seconds",
        "review_assignment_cap",
    ];
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        door.wrong(name, "unknown_member", "a policy has no such member");
    }
    let faults = door.faults;
    let times = sla.zip(expiry).zip(lease);
    match (version, review, percent, double_percent, times, cap) {
        (Some(version), Some(review), Some(percent), Some(double_percent), Some(times), Some(cap)) if faults.is_empty() => {
            let ((review_sla_seconds, review_expiry_seconds), lease_seconds) = times;
            Ok(Policy {
                version: u32::try_from(version).unwrap_or(u32::MAX),
                review,
                review_sample_percent: u8::try_from(percent).unwrap_or(u8::MAX),
                review_above,
                double_review_above,
                double_review_sample_percent: u8::try_from(double_percent).unwrap_or(u8::MAX),
                double_review_reasons,
                review_sla_seconds,
                review_expiry_seconds,
                lease_seconds,
                review_assignment_cap: u32::try_from(cap).unwrap_or(u32::MAX),
            })
        }
        _ => Err(faults),
    }
}

/// Reads members and notes what is wrong with them.
struct Door<'a> {
    object: &'a Map<String, Value>,
    faults: Vec<FieldError>,
}

impl<'a> Door<'a> {
    fn wrong(&mut self, name: &str, code: &str, detail: &str) {
        self.faults.push(claim::error(&claim::pointer(name), code, detail));
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A whole number; without a usual one it must be there.
    fn number(&mut self, name: &str, range: RangeInclusive<u64>, usual: Option<u64>) -> Option<u64> {
        let Some(value) = self.value(name) else {
            if usual.is_none() {
                self.wrong(name, "missing", "this member is required");
            }
            return usual;
        };
        let number = value.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            // Looked at as a float: below zero and beyond 64 bits there are whole numbers too.
            let bounds = *range.start() as f64..=*range.end() as f64;
            let beyond = value.as_f64().is_some_and(|number| number.fract() == 0.0 && !bounds.contains(&number));
            let code = if beyond { "out_of_range" } else { "not_a_number" };
            self.wrong(name, code, &format!("expected a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    fn rule(&mut self, name: &str) -> Option<ReviewRule> {
        let Some(value) = self.value(name) else {
            self.wrong(name, "missing", "this member is required");
            return None;
        };
        let rule = value.as_str().and_then(ReviewRule::parse);
        if rule.is_none() {
            self.wrong(name, "unknown_word", "expected `never`, `when_unsure` or `always`");
        }
        rule
    }

    /// Kinds of blockers, sorted and each once; none when left out.
    fn reasons(&mut self, name: &str) -> Vec<String> {
        let Some(value) = self.value(name) else { return Vec::new() };
        let Some(kinds) = value.as_array().filter(|kinds| kinds.len() <= Blocker::REASONS.len()) else {
            self.wrong(name, "not_a_list", "expected a list of kinds of blockers, each once");
            return Vec::new();
        };
        let mut known = Vec::new();
        for (index, kind) in kinds.iter().enumerate() {
            match kind.as_str().filter(|kind| Blocker::REASONS.contains(kind)) {
                Some(kind) => known.push(kind.to_owned()),
                None => {
                    let at = format!("{}/{index}", claim::pointer(name));
                    let detail = format!("expected one of {}", Blocker::REASONS.join(", "));
                    self.faults.push(claim::error(&at, "unknown_word", &detail));
                }
            }
        }
        known.sort_unstable();
        known.dedup();
        known
    }

    fn amount(&mut self, name: &str) -> Option<Amount> {
        let value = self.value(name)?;
        let Some(parts) = value.as_object() else {
            self.wrong(name, "not_money", "expected an object like {\"amount\": \"500.00\", \"currency\": \"MYR\"}, or null");
            return None;
        };
        let at = claim::pointer(name);
        let read = parts.get("amount").and_then(Value::as_str).and_then(claim::decimal);
        let amount = read.filter(|amount| amount.scale() <= 2 && !amount.is_sign_negative());
        if amount.is_none() {
            let detail = "expected a decimal string with at most 2 places, not negative";
            self.faults.push(claim::error(&format!("{at}/amount"), "not_money", detail));
        }
        let currency = parts.get("currency").and_then(Value::as_str).filter(|code| is_currency(code));
        if currency.is_none() {
            self.faults.push(claim::not_a_currency(&format!("{at}/currency")));
        }
        for other in parts.keys().filter(|other| !matches!(other.as_str(), "amount" | "currency")) {
            let place = format!("{at}{}", claim::pointer(other));
            self.faults.push(claim::error(&place, "unknown_member", "money has an amount and a currency"));
        }
        amount.zip(currency).map(|(amount, currency)| Amount { amount, currency: currency.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn usual() -> Value {
        serde_json::to_value(Policy::default()).unwrap()
    }

    fn with(name: &str, value: Value) -> Value {
        let mut policy = usual();
        policy[name] = value;
        policy
    }

    fn faults(raw: &Value) -> Vec<(String, String)> {
        Policy::parse(raw).err().unwrap_or_default().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    fn fault(raw: &Value) -> (String, String) {
        let mut found = faults(raw);
        assert_eq!(found.len(), 1, "{raw}: {found:?}");
        found.remove(0)
    }

    #[test]
    fn what_may_be_left_out_has_its_usual_value() {
        let raw = json!({ "review": "when_unsure", "review_sla_seconds": 14_400, "review_expiry_seconds": 604_800, "lease_seconds": 300 });
        assert_eq!(Policy::parse(&raw), Ok(Policy::default()));
        assert_eq!(Policy::parse(&with("review_above", Value::Null)), Ok(Policy::default()));
    }

    #[test]
    fn everything_wrong_is_told_together_and_in_place() {
        let raw = json!({
            "version": 0, "review": "sometimes", "review_sample_percent": 101, "review_above": { "amount": "-1", "currency": "QQQ", "x/y": 1 },
            "review_sla_seconds": 59, "lease_seconds": "300", "colour": "red"
        });
        let found = faults(&raw);
        let found: Vec<(&str, &str)> = found.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
        assert_eq!(
            found,
            [
                ("/version", "out_of_range"),
                ("/review", "unknown_word"),
                ("/review_sample_percent", "out_of_range"),
                ("/review_above/amount", "not_money"),
                ("/review_above/currency", "not_a_currency"),
                ("/review_above/x~1y", "unknown_member"),
                ("/review_sla_seconds", "out_of_range"),
                ("/review_expiry_seconds", "missing"),
                ("/lease_seconds", "not_a_number"),
                ("/colour", "unknown_member"),
            ]
        );
        for raw in [json!([1]), json!(null), json!("x")] {
            assert_eq!(fault(&raw), (String::new(), "not_an_object".into()), "{raw}");
        }
    }

    #[test]
    fn reasons_for_two_answers_are_kinds_of_blockers() {
        let raw = with("double_review_reasons", json!(["not_found", "ambiguous", "not_found"]));
        assert_eq!(Policy::parse(&raw).unwrap().double_review_reasons, ["ambiguous", "not_found"], "sorted, and each once");
        assert_eq!(Policy::parse(&with("double_review_reasons", json!([]))), Ok(Policy::default()));
        assert_eq!(Policy::parse(&with("double_review_reasons", json!(Blocker::REASONS))).unwrap().double_review_reasons.len(), 12);
        for (odd, pointer, code) in [
            (json!("not_found"), "/double_review_reasons", "not_a_list"),
            (json!(vec!["not_found"; 13]), "/double_review_reasons", "not_a_list"),
            (json!(["not_found", "review_expired"]), "/double_review_reasons/1", "unknown_word"),
            (json!([7]), "/double_review_reasons/0", "unknown_word"),
            (json!(["Not found"]), "/double_review_reasons/0", "unknown_word"),
        ] {
            assert_eq!(fault(&with("double_review_reasons", odd.clone())), (pointer.into(), code.into()), "{odd}");
        }
        for (name, odd) in
            [("double_review_sample_percent", json!(101)), ("review_assignment_cap", json!(0)), ("double_review_above", json!("5 MYR"))]
        {
            assert_eq!(fault(&with(name, odd)).0, format!("/{name}"));
        }
    }

    #[test]
    fn bounds_are_inside() {
        let taken = [("review_sla_seconds", 60), ("review_expiry_seconds", 90 * DAY), ("lease_seconds", 60), ("lease_seconds", 3600)];
        for (name, value) in taken {
            assert!(Policy::parse(&with(name, json!(value))).is_ok(), "{name} {value}");
        }
        let refused =
            [("review_sla_seconds", 30 * DAY + 1), ("review_expiry_seconds", 90 * DAY + 1), ("lease_seconds", 59), ("lease_seconds", 3601)];
        for (name, value) in refused {
            assert_eq!(fault(&with(name, json!(value))), (format!("/{name}"), "out_of_range".into()), "{value}");
        }
        let odd = [json!(300.5), json!(300.0), json!(true), json!([]), json!("300")].map(|odd| (odd, "not_a_number"));
        let beyond = [json!(-300), json!(u64::MAX), json!(1e30)].map(|beyond| (beyond, "out_of_range"));
        for (number, code) in odd.into_iter().chain(beyond) {
            assert_eq!(fault(&with("lease_seconds", number.clone())), ("/lease_seconds".into(), code.into()), "{number}");
        }
    }

    #[test]
    fn a_review_expires_after_its_promise() {
        for seconds in [14_400, 14_399] {
            assert_eq!(fault(&with("review_expiry_seconds", json!(seconds))), ("/review_expiry_seconds".into(), "too_short".into()));
        }
        assert!(Policy::parse(&with("review_expiry_seconds", json!(14_401))).is_ok());
    }

    #[test]
    fn a_limit_is_money() {
        for odd in [json!("500"), json!(500), json!([])] {
            assert_eq!(fault(&with("review_above", odd)), ("/review_above".into(), "not_money".into()));
        }
        for amount in [json!("1e3"), json!("9.001"), json!(9), json!("-0.01"), json!("99999999999999999999")] {
            let raw = with("review_above", json!({ "amount": amount, "currency": "MYR" }));
            assert_eq!(fault(&raw), ("/review_above/amount".into(), "not_money".into()), "{amount}");
        }
    }

    proptest! {
        #[test]
        fn what_was_taken_is_taken_again(
            rule in 0_usize..3, percent in 0_u8..=100, cents in proptest::option::of(0_i64..10_000_000),
            sla in SLA_SECONDS, later in 1_u64..60 * DAY, lease in LEASE_SECONDS, version in 1_u32..,
            double in 0_u8..=100, cap in 1_u32..=1_000, reasons in proptest::sample::subsequence(Blocker::REASONS.to_vec(), 0..=12)
        ) {
            let mut double_review_reasons: Vec<String> = reasons.into_iter().map(str::to_owned).collect();
            double_review_reasons.sort_unstable();
            let limit = cents.map(|cents| Amount { amount: rust_decimal::Decimal::new(cents, 2), currency: "EUR".to_owned() });
            let policy = Policy {
                version,
                review: ReviewRule::ALL[rule],
                review_sample_percent: percent,
                review_above: limit.clone(),
                double_review_above: limit,
                double_review_sample_percent: double,
                double_review_reasons,
                review_sla_seconds: sla,
                review_expiry_seconds: sla + later,
                lease_seconds: lease,
                review_assignment_cap: cap,
            };
            let raw = serde_json::to_value(&policy).unwrap();
            prop_assert_eq!(Policy::parse(&raw), Ok(policy.clone()));
            prop_assert_eq!(serde_json::from_value::<Policy>(raw).unwrap(), policy);
        }
    }
}
