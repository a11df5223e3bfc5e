//! `POST /reviews/{id}`: a person's decision. Stored at once; the relay tells the workflow.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::claim::Claim;
use domain::claim_type::{self, ClaimType};
use domain::id::DecisionId;
use domain::judge;
use domain::person::Right;
use domain::review::{Decision, FieldDecision, Part};
use domain::spelling;
use domain::verdict::Verdict;
use domain::verification::Outcome;
use serde_json::Value;
use store::StoreError;
use store::review::{self, DecideOutcome, NewDecision, Proof};
use store::verification::VerificationRow;

use super::actions::{closed_meanwhile, four_eyes, parse, submitted};
use super::draft::{faulty, generation, gone, keep, refused};
use super::time::spent_on;
use super::{Faults, load};
use crate::form::{Form, Posted};
use crate::metric;
use crate::pages::queue;
use crate::problem::Problem;
use crate::state::AppState;

/// Longest note, in characters; as in the API.
pub const LONGEST_NOTE: usize = 2_000;

pub async fn decide(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let actor = person.actor();
    let decision_id: DecisionId = form.require("decision_id")?.parse().map_err(|_| Problem::Csrf)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let item = load(&mut tx, id).await?;
    let (decision, outcome) = match decided(&item.verification, item.review.part, &form)? {
        Ok(decided) => decided,
        Err(faults) => {
            drop(tx);
            return faulty(&state, &person, id, &form, faults).await;
        }
    };
    if item.review.status.is_open() && item.review.lease_holder.as_ref() == Some(&actor) {
        // In a transaction of its own: if this instance dies before the decision is stored, what was typed is there at the next.
        keep(&mut tx, id, &actor, &form).await?;
        tx.commit().await?;
        tx = state.store.begin(person.tenant()).await?;
    }
    let new = NewDecision {
        id: decision_id,
        review_id: id,
        proof: Proof::Holder(&actor),
        generation: generation(&form),
        decision: &decision,
        outcome: &outcome,
        holder: &actor,
    };
    // An id that another review's decision has is of no form of ours.
    let no_form = |error| if matches!(error, StoreError::Conflict { .. }) { Problem::Csrf } else { error.into() };
    spent_on(&mut tx, id, &actor, &form).await?;
    let recorded = review::decide(&mut tx, &new).await.map_err(no_form)?;
    match recorded {
        DecideOutcome::Recorded | DecideOutcome::Answered { .. } | DecideOutcome::AlreadyRecorded => tx.commit().await?,
        DecideOutcome::FourEyes => return refused(tx, id, &actor, &form, four_eyes()).await,
        DecideOutcome::LeaseLost => {
            let problem = gone(&mut tx, id, &actor, &form).await?;
            return refused(tx, id, &actor, &form, problem).await;
        }
        DecideOutcome::NotOpen(_) if review::decision(&mut tx, decision_id).await?.is_some_and(|row| row.review_id == id) => {
            return Err(submitted(id));
        }
        DecideOutcome::NotOpen(status) => return refused(tx, id, &actor, &form, closed_meanwhile(id, status)).await,
        DecideOutcome::NotFound => return Err(Problem::NotFound),
    }
    review::count(&item.review, recorded);
    // A form that is sent twice is one decision.
    if recorded != DecideOutcome::AlreadyRecorded {
        metrics::counter!(metric::DECISIONS, "verdict" => outcome.verdict.as_str()).increment(1);
        tracing::info!(review.id = %id, verification.id = %item.verification.id, "A person decided {id}");
    }
    let to = match form.get("then") {
        Some("next") => queue::next_address(&state, &person).await?,
        _ => format!("/verifications/{}", item.verification.id),
    };
    Ok(Redirect::to(&to).into_response())
}

/// What the form says, and the result that follows from it; or what is wrong with the form.
fn decided(row: &VerificationRow, part: Part, form: &Form) -> Result<Result<(Decision, Outcome), Faults>, Problem> {
    let corrupt = |what: &str| StoreError::Corrupt { what: format!("{what} of {}", row.id), source: None };
    let machine = row.provisional.as_ref().ok_or_else(|| corrupt("the provisional result"))?;
    let claim_type = claim_type::find_version(&row.claim_type, row.claim_type_version).ok_or_else(|| corrupt("the claim type"))?;
    let claim = Claim::reread(&claim_type, &row.claim).map_err(|_| corrupt("the claim"))?;
    let complete = if part == Part::Second { complete(machine, form) } else { Ok(()) };
    Ok(complete.and_then(|()| read(&claim_type, machine, form)).and_then(|decision| {
        judge::apply_decision(machine, &claim_type, &claim, &decision).map(|outcome| (decision.clone(), outcome)).map_err(|error| {
            let place = |pointer: &str| input_of(pointer, &decision);
            error.0.into_iter().map(|fault| (place(&fault.pointer), fault.detail)).collect()
        })
    }))
}

/// A second answer is given without the machine's, so it leaves no field as it is.
fn complete(machine: &Outcome, form: &Form) -> Result<(), Faults> {
    let inputs = machine.checks.iter().map(|check| format!("verdict.{}", check.field)).filter(|input| form.get(input).is_none());
    let faults: Faults = inputs.map(|input| (input, "Choose one: a second answer speaks of every field".to_owned())).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The decision that a form spells. Fields without a chosen verdict keep the machine's check; the whole follows from the checks.
pub fn read(claim_type: &ClaimType, machine: &Outcome, form: &Form) -> Result<Decision, Faults> {
    let mut faults = Faults::new();
    let mut checks = Vec::new();
    let mut together = machine.checks.clone();
    for check in &mut together {
        let field = check.field.clone();
        let input = |what: &str| format!("{what}.{field}");
        let shown = check.found.as_ref().map(spelling::show).unwrap_or_default();
        let line = form.get(&input("found")).filter(|line| *line != shown);
        let emptied = !shown.is_empty() && form.raw(&input("found")).is_some_and(|line| line.trim().is_empty());
        let reason = form.get(&input("reason")).map(str::to_owned);
        let Some(word) = form.get(&input("verdict")) else {
            if line.is_some() || emptied {
                faults.push((input("verdict"), "You corrected the value: say what follows from it".to_owned()));
            }
            continue;
        };
        let Some(verdict) = Verdict::parse(word) else {
            faults.push((input("verdict"), "Choose supported, refuted or insufficient".to_owned()));
            continue;
        };
        if verdict == Verdict::Refuted && reason.is_none() {
            faults.push((input("reason"), "Choose why you refute it".to_owned()));
        }
        if reason.as_ref().is_some_and(|reason| !claim_type.reasons.iter().any(|known| known.code == *reason)) {
            faults.push((input("reason"), "Choose one of the reasons of the list".to_owned()));
        }
        let kind = claim_type.field(&field).map(|spec| spec.kind);
        let currency = check.claimed.get("currency").and_then(|currency| currency.as_str());
        let found = match line.zip(kind).map(|(line, kind)| spelling::read(kind, line, currency)).transpose() {
            Ok(found) => found,
            Err(error) => {
                faults.push((input("found"), error.to_string()));
                None
            }
        };
        let found = if emptied { Some(Value::Null) } else { found };
        check.verdict = verdict;
        checks.push(FieldDecision { field, verdict, found, reason });
    }
    let note = form.get("note").map(str::to_owned);
    if note.as_ref().is_some_and(|note| note.chars().count() > LONGEST_NOTE) {
        faults.push(("note".to_owned(), format!("At most {LONGEST_NOTE} characters")));
    }
    if checks.is_empty() && form.get("agree").is_none() && faults.is_empty() {
        faults.push(("agree".to_owned(), "Decide at least one field, or say that the machine's answer is right".to_owned()));
    }
    if faults.is_empty() { Ok(Decision { verdict: judge::overall(&together), checks, note }) } else { Err(faults) }
}

/// The input that a fault of the decision is about: `/checks/1/found` is the value of the second field that was decided.
pub fn input_of(pointer: &str, decision: &Decision) -> String {
    let mut parts = pointer.split('/').skip(2);
    let field = parts.next().and_then(|index| index.parse().ok()).and_then(|index: usize| decision.checks.get(index));
    match (field, parts.next()) {
        (Some(check), Some(what @ ("found" | "verdict" | "reason"))) => format!("{what}.{}", check.field),
        (Some(check), _) => format!("verdict.{}", check.field),
        (None, _) => "agree".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::check::Check;
    use domain::level::Level;
    use domain::verification::DecidedBy;
    use serde_json::json;

    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Form {
        Form(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn machine() -> Outcome {
        let check = |field: &str, claimed, found, verdict| Check {
            field: field.to_owned(),
            claimed,
            found,
            verdict,
            confidence: 0.7,
            regions: Vec::new(),
            sources: Vec::new(),
            blockers: Vec::new(),
        };
        let total = json!({ "amount": "9.00", "currency": "MYR" });
        Outcome {
            verdict: Verdict::Insufficient,
            confidence: 0.7,
            decided_by: DecidedBy::Rule,
            checks: vec![
                check("merchant", json!("Bunga"), Some(json!("Bunga")), Verdict::Supported),
                check("total", total, None, Verdict::Insufficient),
            ],
            blockers: Vec::new(),
            route: Vec::new(),
            level: Level::L0,
        }
    }

    #[test]
    fn the_whole_follows_from_the_checks() {
        let receipt = claim_type::find("expense_receipt").unwrap();
        for (pairs, verdict, found) in [
            (vec![("verdict.total", "supported")], Verdict::Supported, None),
            (
                vec![("verdict.total", "supported"), ("found.total", "9.00")],
                Verdict::Supported,
                Some(json!({ "amount": "9.00", "currency": "MYR" })),
            ),
            (
                vec![("verdict.total", "refuted"), ("reason.total", "altered"), ("found.total", "8.00 MYR")],
                Verdict::Refuted,
                Some(json!({ "amount": "8.00", "currency": "MYR" })),
            ),
            (vec![("agree", "yes")], Verdict::Insufficient, None),
            (
                vec![("verdict.merchant", "insufficient"), ("found.merchant", " "), ("verdict.total", "supported")],
                Verdict::Insufficient,
                Some(Value::Null),
            ),
            (
                vec![("verdict.merchant", "insufficient"), ("verdict.total", "supported"), ("found.merchant", "Bunga")],
                Verdict::Insufficient,
                None,
            ),
        ] {
            let decision = read(&receipt, &machine(), &form(&pairs)).unwrap();
            assert_eq!(decision.verdict, verdict, "{pairs:?}");
            assert_eq!(decision.checks.iter().find_map(|check| check.found.clone()), found, "{pairs:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_beside_its_input() {
        let receipt = claim_type::find("expense_receipt").unwrap();
        let long = "x".repeat(2_001);
        for (pairs, input) in [
            (vec![], "agree"),
            (vec![("verdict.total", "perhaps")], "verdict.total"),
            (vec![("verdict.total", "refuted")], "reason.total"),
            (vec![("verdict.total", "refuted"), ("reason.total", "whim")], "reason.total"),
            (vec![("found.total", "9.00 MYR")], "verdict.total"),
            (vec![("found.merchant", "")], "verdict.merchant"),
            (vec![("agree", "yes"), ("note", long.as_str())], "note"),
        ] {
            let faults = read(&receipt, &machine(), &form(&pairs)).unwrap_err();
            assert_eq!(faults.iter().map(|(input, _)| input.as_str()).collect::<Vec<_>>(), [input], "{pairs:?}");
        }
    }
}
