//! Judging and deciding by tables: what is supported, refuted, insufficient, and why.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::block::{BBox, Source};
use crate::calibration::{Calibrator, Shape};
use crate::check::Region;
use crate::claim::FieldValue;
use crate::claim_type;
use crate::compare::Comparison;
use crate::document::Finding;
use crate::level::Level;
use crate::money::Money;
use crate::policy::Amount;
use crate::review::{Decision, FieldDecision};
use crate::verification::Outcome;

const FILE: EvidenceId = EvidenceId(uuid::Uuid::nil());

fn finding(value: FieldValue, score: f64) -> Finding {
    let region = Region { evidence_id: FILE, page: 1, bbox: BBox([0.1, 0.1, 0.2, 0.2]), text: "as read".to_owned() };
    Finding { value, score, region, source: Source::Ocr }
}

fn total(amount: &str, score: f64) -> Finding {
    finding(FieldValue::Money(Money { amount: amount.parse().unwrap(), currency: None }), score)
}

fn claim() -> Claim {
    let raw = json!({ "merchant": "Kedai Kopi", "date": "2018-03-30", "total": { "amount": "9.00", "currency": "MYR" } });
    Claim::parse(&claim_type::find("expense_receipt").unwrap(), &raw).unwrap()
}

fn findings(totals: Vec<Finding>) -> Findings {
    let claim = claim();
    BTreeMap::from([
        ("merchant".to_owned(), vec![finding(claim.fields["merchant"].clone(), 0.9)]),
        ("date".to_owned(), vec![finding(claim.fields["date"].clone(), 0.8)]),
        ("total".to_owned(), totals),
    ])
}

fn answer(findings: &Findings, kind: DocumentKind, reading: EvidenceReading) -> Judgement {
    let (claim_type, claim) = (claim_type::find("expense_receipt").unwrap(), claim());
    let classifications = [Classification { evidence_id: FILE, kind, score: 0.9 }];
    judge(&JudgeInput {
        claim_type: &claim_type,
        claim: &claim,
        classifications: &classifications,
        findings,
        reading: &[reading],
        calibration: None,
    })
}

fn read() -> EvidenceReading {
    EvidenceReading { evidence_id: FILE, pages_total: 1, blank_pages: Vec::new(), blockers: Vec::new() }
}

fn judged(totals: Vec<Finding>) -> Judgement {
    answer(&findings(totals), DocumentKind::Receipt, read())
}

fn total_check(judgement: &Judgement) -> (Verdict, Vec<&'static str>) {
    let check = judgement.checks.iter().find(|check| check.field == "total").unwrap();
    (check.verdict, check.blockers.iter().map(Blocker::kind).collect())
}

#[test]
fn a_field_is_settled_by_its_credible_findings() {
    use Verdict::{Insufficient, Refuted, Supported};
    for (totals, verdict, blockers) in [
        (vec![total("9.00", 0.9)], Supported, vec![]),
        (vec![total("9.00", 0.9), total("10.00", 0.85)], Insufficient, vec!["conflicting_values"]),
        (vec![total("9.00", 0.95), total("10.00", 0.65)], Supported, vec![]),
        (vec![total("10.00", 0.9)], Refuted, vec![]),
        (vec![total("10.00", 0.9), total("9.00", 0.85)], Insufficient, vec!["conflicting_values"]),
        (vec![total("10.00", 0.9), total("9.00", 0.3)], Refuted, vec![]),
        (vec![total("9.00", 0.4)], Insufficient, vec!["low_confidence"]),
        (vec![total("10.00", 0.4)], Insufficient, vec!["low_confidence"]),
        (vec![], Insufficient, vec!["not_found"]),
    ] {
        let judgement = judged(totals.clone());
        assert_eq!(total_check(&judgement), (verdict, blockers), "{totals:?}");
        assert_eq!(judgement.verdict, verdict, "merchant and date are supported, so the total decides");
    }
}

/// Supports from .3 on and refutes from .8 on, at a threshold of .6.
fn calibration() -> Fields {
    let of =
        |knots: [(f64, f64); 2]| Calibrator { shape: Shape::Isotonic { knots: knots.to_vec() }, lowest: 0.1, highest: 0.95, cases: 100.0 };
    let (supported, refuted) = (Some(of([(0.0, 0.3), (0.3, 0.6)])), Some(of([(0.7, 0.5), (0.8, 0.6)])));
    Fields::from([("total".to_owned(), FieldCalibration { supported, refuted })])
}

#[test]
fn the_threshold_is_of_the_probability_where_there_is_one() {
    use Verdict::{Insufficient, Refuted, Supported};
    let (claim_type, claim, calibration) = (claim_type::find("expense_receipt").unwrap(), claim(), calibration());
    for (totals, verdict, confidence, blockers) in [
        (vec![total("9.00", 0.3)], Supported, 0.6, vec![]),
        (vec![total("9.00", 0.2)], Insufficient, 0.5, vec![Blocker::LowConfidence { score: 0.5, threshold: 0.6 }]),
        (vec![total("10.00", 0.8)], Refuted, 0.6, vec![]),
        (vec![total("10.00", 0.7)], Insufficient, 0.5, vec![Blocker::LowConfidence { score: 0.5, threshold: 0.6 }]),
        // However likely the calibration calls it, a reading that its extractor does not believe refutes nothing.
        (vec![total("19.00", 0.1)], Insufficient, 0.1, vec![Blocker::LowConfidence { score: 0.1, threshold: 0.6 }]),
        // Who comes close is told by the scores: the rival is believed less, so it stands in nobody's way.
        (vec![total("9.00", 0.75), total("10.00", 0.7)], Supported, 0.6, vec![]),
        // Here it is believed more.
        (
            vec![total("10.00", 0.85), total("9.00", 0.7)],
            Insufficient,
            0.6,
            vec![Blocker::ConflictingValues {
                values: vec![r#"{"amount":"10.00","currency":null}"#.into(), r#"{"amount":"9.00","currency":null}"#.into()],
            }],
        ),
        (vec![], Insufficient, 0.0, vec![Blocker::NotFound]),
    ] {
        let findings = findings(totals.clone());
        let (classifications, reading) = ([], [read()]);
        let input = JudgeInput {
            claim_type: &claim_type,
            claim: &claim,
            classifications: &classifications,
            findings: &findings,
            reading: &reading,
            calibration: Some(&calibration),
        };
        let judgement = judge(&input);
        let check = judgement.checks.iter().find(|check| check.field == "total").unwrap();
        assert_eq!((check.verdict, (check.confidence * 1e6).round() / 1e6), (verdict, confidence), "{totals:?}");
        let rounded: Vec<Blocker> = check
            .blockers
            .iter()
            .map(|blocker| match blocker {
                Blocker::LowConfidence { score, threshold } => {
                    Blocker::LowConfidence { score: (score * 1e6).round() / 1e6, threshold: *threshold }
                }
                other => other.clone(),
            })
            .collect();
        assert_eq!(rounded, blockers, "{totals:?}");
        assert!(!input.is_calibrated(), "merchant and date are not");
        assert_eq!(judgement.checks[0].confidence, 0.9, "the merchant keeps its score");
    }
}

#[test]
fn another_kind_of_document_settles_nothing() {
    let judgement = answer(&findings(vec![total("9.00", 0.9)]), DocumentKind::Contract, read());
    assert_eq!(judgement.verdict, Verdict::Insufficient);
    assert_eq!(total_check(&judgement), (Verdict::Insufficient, vec!["wrong_document_type"]));
}

#[test]
fn a_file_that_cannot_be_read_is_the_reason_of_every_check() {
    let reading = EvidenceReading { pages_total: 0, blockers: vec![Blocker::EncryptedEvidence], ..read() };
    let judgement = answer(&Findings::new(), DocumentKind::Blank, reading);
    assert!(judgement.checks.iter().all(|check| check.blockers == [Blocker::EncryptedEvidence]));
    assert_eq!(review(&Policy::default(), &judgement), None, "nobody can read it either");
}

fn review(policy: &Policy, judgement: &Judgement) -> Option<Cause> {
    needs_review(policy, VerificationId(uuid::Uuid::nil()), &claim(), judgement)
}

#[test]
fn the_policy_says_what_a_person_sees() {
    let limit = Some(Amount { amount: "8.99".parse().unwrap(), currency: "MYR".to_owned() });
    let of = |review, review_sample_percent, review_above| Policy { review, review_sample_percent, review_above, ..Policy::default() };
    let (decided, unsure) = (judged(vec![total("9.00", 0.9)]), judged(vec![total("9.00", 0.4)]));
    for (policy, on_decided, on_unsure) in [
        (of(ReviewRule::Never, 0, None), None, None),
        (of(ReviewRule::WhenUnsure, 0, None), None, Some(Cause::Rule)),
        (of(ReviewRule::Always, 100, limit.clone()), Some(Cause::Rule), Some(Cause::Rule)),
        (of(ReviewRule::WhenUnsure, 100, None), Some(Cause::Sample), Some(Cause::Rule)),
        (of(ReviewRule::Never, 100, None), Some(Cause::Sample), None),
        (of(ReviewRule::WhenUnsure, 100, limit.clone()), Some(Cause::Limit), Some(Cause::Rule)),
        (of(ReviewRule::Never, 0, limit), Some(Cause::Limit), Some(Cause::Limit)),
    ] {
        assert_eq!((review(&policy, &decided), review(&policy, &unsure)), (on_decided, on_unsure), "{policy:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn about_the_share_that_was_asked_for_is_drawn(percent in 0_u8..=100, seed: u128) {
        let (policy, decided, claim) = (Policy { review_sample_percent: percent, ..Policy::default() }, judged(vec![total("9.00", 0.9)]), claim());
        let ids = (0..2_000_u128).map(|number| VerificationId(uuid::Uuid::from_u128(seed.wrapping_add(number))));
        let drawn = ids.filter(|id| needs_review(&policy, *id, &claim, &decided) == Some(Cause::Sample)).count() as f64;
        let share = f64::from(percent) / 100.0;
        prop_assert!((drawn - 2_000.0 * share).abs() <= 5.0 * (2_000.0 * share * (1.0 - share)).sqrt(), "{drawn} at {percent} %");
    }
}

#[test]
fn a_statement_waits_for_a_model() {
    let claim_type = claim_type::find("statement").unwrap();
    let claim = Claim::parse(&claim_type, &json!({ "statement": "The shop was open." })).unwrap();
    let judgement = judge(&JudgeInput {
        claim_type: &claim_type,
        claim: &claim,
        classifications: &[],
        findings: &Findings::new(),
        reading: &[read()],
        calibration: None,
    });
    assert_eq!(judgement.checks[0].blockers, [Blocker::ModelUnavailable { model: "entailment".to_owned() }]);
}

fn machine(totals: Vec<Finding>) -> Outcome {
    let judgement = judged(totals);
    Outcome {
        verdict: judgement.verdict,
        confidence: judgement.confidence,
        decided_by: judgement.decided_by,
        checks: judgement.checks,
        blockers: judgement.blockers,
        route: Vec::new(),
        level: Level::L0,
    }
}

fn decide(verdict: Verdict, checks: Vec<FieldDecision>) -> Result<Outcome, Vec<(String, String)>> {
    let claim_type = claim_type::find("expense_receipt").unwrap();
    let decision = Decision { verdict, checks, note: None };
    apply_decision(&machine(vec![]), &claim_type, &claim(), &decision)
        .map_err(|error| error.0.into_iter().map(|error| (error.pointer, error.code)).collect())
}

fn word(field: &str, verdict: Verdict, found: Option<Value>) -> FieldDecision {
    FieldDecision { field: field.to_owned(), verdict, found, reason: None }
}

#[test]
fn a_person_settles_what_the_machine_could_not() {
    let outcome =
        decide(Verdict::Supported, vec![word("total", Verdict::Supported, Some(json!({ "amount": "9.00", "currency": "MYR" })))]).unwrap();
    assert_eq!((outcome.verdict, outcome.decided_by), (Verdict::Supported, DecidedBy::Human));
    let outcome =
        decide(Verdict::Refuted, vec![word("total", Verdict::Refuted, Some(json!({ "amount": "19.00", "currency": "MYR" })))]).unwrap();
    assert_eq!(outcome.checks[2].found, Some(json!({ "amount": "19.00", "currency": "MYR" })));
}

#[test]
fn a_decision_that_contradicts_itself_is_refused_with_every_fault() {
    let faults = decide(
        Verdict::Supported,
        vec![
            word("total", Verdict::Supported, Some(json!({ "amount": "19.00", "currency": "MYR" }))),
            word("total", Verdict::Refuted, None),
            word("colour", Verdict::Refuted, None),
            word("date", Verdict::Supported, Some(json!("30/03/2018"))),
        ],
    )
    .unwrap_err();
    let faults: Vec<(&str, &str)> = faults.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
    assert_eq!(
        faults,
        [
            ("/checks/0/verdict", "verdict_contradicts_value"),
            ("/checks/1/field", "duplicate_field"),
            ("/checks/2/field", "unknown_field"),
            ("/checks/3/found", "not_a_date"),
        ]
    );
    assert_eq!(decide(Verdict::Supported, vec![]).unwrap_err(), [("/verdict".to_owned(), "verdict_contradicts_checks".to_owned())]);
}

#[test]
fn who_sees_no_value_says_so_and_supports_nothing_with_it() {
    let nothing = |verdict| vec![word("merchant", verdict, Some(Value::Null))];
    let outcome = decide(Verdict::Insufficient, nothing(Verdict::Insufficient)).unwrap();
    assert_eq!(outcome.checks[0].found, None);
    let faults = decide(Verdict::Insufficient, nothing(Verdict::Supported)).unwrap_err();
    assert!(faults.contains(&("/checks/0/verdict".to_owned(), "verdict_contradicts_value".to_owned())), "{faults:?}");
    // It is told from a value that was left alone, also after it was kept.
    let kept = serde_json::to_value(word("merchant", Verdict::Refuted, Some(Value::Null))).unwrap();
    assert_eq!(serde_json::from_value::<FieldDecision>(kept).unwrap().found, Some(Value::Null));
    assert_eq!(serde_json::from_value::<FieldDecision>(json!({ "field": "merchant", "verdict": "refuted" })).unwrap().found, None);
}

#[test]
fn a_second_answer_leaves_nothing_as_the_machine_has_it() {
    let blind = |claim_type: &str, machine: &Outcome, claim: &Claim, verdict, checks| {
        let decision = Decision { verdict, checks, note: None };
        apply_blind(machine, &claim_type::find(claim_type).unwrap(), claim, &decision)
            .map_err(|error| error.0.into_iter().map(|error| (error.pointer, error.code)).collect::<Vec<_>>())
    };
    let fault = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    let value = json!({ "amount": "9.00", "currency": "MYR" });
    let words = |merchant, total| {
        let date = word("date", Verdict::Supported, Some(json!("2018-03-30")));
        vec![date, word("merchant", Verdict::Insufficient, merchant), word("total", Verdict::Supported, total)]
    };
    let receipt = |checks| blind("expense_receipt", &machine(vec![total("9.00", 0.9)]), &claim(), Verdict::Insufficient, checks);
    assert_eq!(receipt(vec![]).unwrap_err(), [(); 3].map(|()| fault("/checks", "missing_field")));
    let faults = receipt(words(None, None)).unwrap_err();
    assert_eq!(faults, [fault("/checks/1/found", "missing_value"), fault("/checks/2/found", "missing_value")]);
    let said = receipt(words(Some(Value::Null), Some(value.clone()))).unwrap();
    assert_eq!(said.checks.iter().map(|check| check.found.clone()).collect::<Vec<_>>(), [None, Some(json!("2018-03-30")), Some(value)]);
    // It holds together like any other.
    assert!(
        receipt(words(Some(Value::Null), Some(Value::Null)))
            .unwrap_err()
            .contains(&fault("/checks/2/verdict", "verdict_contradicts_value"))
    );

    let statement = Claim::parse(&claim_type::find("statement").unwrap(), &json!({ "statement": "The shop was open." })).unwrap();
    let mut machine = machine(vec![]);
    machine.checks.truncate(1);
    machine.checks[0].field = "statement".to_owned();
    let words = vec![word("statement", Verdict::Supported, None)];
    assert!(blind("statement", &machine, &statement, Verdict::Supported, words).is_ok(), "there is no value to be found");
}

#[test]
fn a_value_that_a_person_read_is_compared_before_anything_is_decided() {
    let claim_type = claim_type::find("expense_receipt").unwrap();
    let again = |field: &str, found: Value| compare_again(&claim_type, &claim(), field, &found);
    assert!(matches!(again("total", json!({ "amount": "9", "currency": "MYR" })), Ok(Some(Comparison::Same { .. }))));
    assert!(matches!(again("total", json!({ "amount": "9.80", "currency": "MYR" })), Ok(Some(Comparison::Different { .. }))));
    assert_eq!(again("category", json!("Travel")), Ok(None), "the claim says nothing of it");
    let faults = again("date", json!("30/03/2018")).unwrap_err();
    assert_eq!(faults.iter().map(|fault| fault.code.as_str()).collect::<Vec<_>>(), ["not_a_date"]);
}

#[test]
fn an_expired_review_is_insufficient() {
    let outcome = expired(&machine(vec![total("9.00", 0.9)]));
    assert_eq!((outcome.verdict, outcome.decided_by), (Verdict::Insufficient, DecidedBy::Expiry));
    assert!(outcome.blockers.contains(&Blocker::ReviewExpired));
}

proptest! {
    #[test]
    fn support_and_refutation_always_show_their_place(amounts in proptest::collection::vec((0_i64..3, 0.0_f64..=1.0), 0..5)) {
        let totals: Vec<Finding> = amounts.iter().map(|(amount, score)| total(&format!("{}.00", amount + 8), *score)).collect();
        let judgement = judged(totals);
        for check in &judgement.checks {
            if check.verdict == Verdict::Insufficient {
                prop_assert!(!check.blockers.is_empty());
            } else {
                prop_assert!(!check.regions.is_empty());
            }
            prop_assert!((0.0..=1.0).contains(&check.confidence));
        }
        let all = judgement.checks.iter().all(|check| check.verdict == Verdict::Supported);
        prop_assert_eq!(judgement.verdict == Verdict::Supported, all);
    }
}
