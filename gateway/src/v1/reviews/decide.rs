//! `POST /v1/reviews/{id}/decide`: a person's word, kept at once and delivered to the workflow as an update.

use axum::extract::State;
use axum::http::StatusCode;
use domain::claim::Claim;
use domain::claim_type;
use domain::id::{DecisionId, ReviewId, VerificationId};
use domain::judge;
use domain::review::{Decision, FieldDecision, Part};
use domain::verdict::Verdict;
use domain::verification::Outcome;
use serde::Serialize;
use serde_json::Value;
use store::review::{self, DecideOutcome, NewDecision, Proof};
use store::verification::VerificationRow;
use store::{StoreError, verification};
use utoipa::ToSchema;

use super::error::Error;
use super::lease::{holder, proof};
use crate::answer::Answer;
use crate::auth::{Allowed, Caller, ReviewsWrite};
use crate::engine::{DecisionDelivery, EngineError};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, JsonBody};
use crate::metrics::Metric;
use crate::problem::{Document, InvalidField};
use crate::relay;
use crate::state::AppState;
use crate::v1::verifications::view::OutcomeView;

/// Longest note and longest reason, in characters.
pub(in crate::v1) const LONGEST_TEXT: usize = 2_000;
/// More fields than any claim type has.
const MOST_CHECKS: usize = 200;
pub(in crate::v1) const VERDICTS: &str = "supported, refuted or insufficient";

/// A decision.
#[derive(ToSchema)]
#[schema(as = NewDecision)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Request {
    /// As claiming the review returned it.
    token: String,
    generation: i64,
    /// The reviewer who claimed it, if one was named then.
    reviewer: Option<String>,
    /// On the whole: `supported`, `refuted` or `insufficient`. Must follow from the checks.
    verdict: String,
    /// Fields left out keep the machine's check. The second answer of a round leaves none out: it is given without seeing the machine's.
    checks: Option<Vec<RequestCheck>>,
    note: Option<String>,
}

/// A decision on one field.
#[derive(ToSchema)]
#[schema(as = NewFieldDecision)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub(in crate::v1) struct RequestCheck {
    field: String,
    /// `supported`, `refuted` or `insufficient`.
    verdict: String,
    /// The value that the person read, in the shape of the claim's field.
    #[schema(value_type = Option<Object>)]
    found: Option<Value>,
    reason: Option<String>,
}

/// What became of a decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordedDecision)]
pub struct Recorded {
    #[schema(value_type = String)]
    pub id: DecisionId,
    #[schema(value_type = String)]
    pub review_id: ReviewId,
    #[schema(value_type = String)]
    pub verification_id: VerificationId,
    /// `delivered` to the workflow, `recorded` to be delivered as soon as the engine is back, or `kept` until another person has answered.
    pub delivery: &'static str,
    /// The result that follows from it.
    pub outcome: OutcomeView,
}

/// Decide a review.
#[utoipa::path(
    post, path = "/v1/reviews/{id}/decide", operation_id = "decide_review", tag = "reviews",
    params(
        ("id" = String, Path, description = "A review"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request"),
    ),
    request_body = Request,
    responses(
        (status = 200, description = "Recorded, and the workflow goes on; or `kept`, and another person answers", body = Recorded),
        (status = 202, description = "Recorded; the engine is away and gets it later", body = Recorded),
        (status = 404, description = "No such review", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`lease_lost`, `not_pending`, `already_decided` or `four_eyes`", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The decision does not hold together", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<ReviewsWrite>,
    Id(review_id): Id<ReviewId>,
    repeat: Idempotency,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    let Submitted { holder, token, generation, decision } = Submitted::parse(&caller, &body)?;
    let key = repeat.of_json_by(&body, &caller);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    let review = review::get(&mut tx, review_id).await?.ok_or(Error::NotFound)?;
    let row = verification::get(&mut tx, review.verification_id).await?.ok_or(Error::NotFound)?;
    let outcome = outcome(&row, &decision, review.part)?;
    let id = DecisionId::new();
    let new =
        NewDecision { id, review_id, proof: Proof::Token(&token), generation, decision: &decision, outcome: &outcome, holder: &holder };
    let decided = review::decide(&mut tx, &new).await?;
    match decided {
        DecideOutcome::Recorded | DecideOutcome::Answered { .. } | DecideOutcome::AlreadyRecorded => {}
        DecideOutcome::FourEyes => return Err(Error::FourEyes),
        DecideOutcome::LeaseLost => return Err(Error::LeaseLost),
        DecideOutcome::NotOpen(domain::review::ReviewStatus::Decided) => return Err(Error::AlreadyDecided),
        DecideOutcome::NotOpen(status) => return Err(Error::NotPending(status)),
        DecideOutcome::NotFound => return Err(Error::NotFound),
    }
    let recorded = |status, delivery| {
        let outcome = OutcomeView::of(&outcome);
        Answer::json(status, &Recorded { id, review_id, verification_id: row.id, delivery, outcome })
    };
    let settles = !matches!(decided, DecideOutcome::Answered { .. });
    let answer = if settles { recorded(StatusCode::ACCEPTED, "recorded")? } else { recorded(StatusCode::OK, "kept")? };
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    let round_id = review::round_id(&mut tx, &review).await?;
    tx.commit().await?;
    review::count(&review, decided);
    if !settles {
        count(decided, &outcome, "kept");
        return Ok(answer);
    }

    // Stored, so nothing is lost; the outbox row delivers it again, which the update's id makes a no-op.
    let delivery = DecisionDelivery {
        tenant_id: caller.tenant,
        verification_id: row.id,
        review_id: round_id,
        decision_id: id,
        verdict: outcome.verdict,
    };
    let delivered = relay::call(&state, "decide", state.engine.decide(delivery)).await;
    let word = if delivered.is_ok() { "delivered" } else { "recorded" };
    count(decided, &outcome, word);
    match delivered {
        Ok(_) => {
            let better = recorded(StatusCode::OK, "delivered")?;
            if let Err(error) = idempotency::replace(&state, caller.tenant, key.as_ref(), &better).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "The answer to {id} was not kept; a repeat gets the first one");
            }
            Ok(better)
        }
        Err(error) => {
            log(&error, row.id);
            state.relay_bell.notify_one();
            Ok(answer)
        }
    }
}

/// A decision that was there already was counted when it came.
fn count(decided: DecideOutcome, outcome: &Outcome, delivery: &'static str) {
    if decided == DecideOutcome::AlreadyRecorded {
        return;
    }
    metrics::counter!(Metric::DecisionsTotal.as_str(), "verdict" => outcome.verdict.as_str(), "delivery" => delivery).increment(1);
}

fn log(error: &EngineError, id: VerificationId) {
    tracing::warn!(error = error as &dyn std::error::Error, verification.id = %id, "The decision on {id} is recorded and delivered later; runbook TemporalDown.md");
}

/// What the body says, checked as far as the body alone allows.
struct Submitted {
    holder: String,
    token: String,
    generation: i64,
    decision: Decision,
}

impl Submitted {
    fn parse(caller: &Caller, body: &Value) -> Result<Self, Error> {
        let mut fields = Fields::of(body);
        let holder = holder(caller, &mut fields);
        let (token, generation) = proof(&mut fields);
        let verdict = fields.word("verdict", Verdict::parse, VERDICTS);
        let note = fields.optional_note("note", LONGEST_TEXT);
        let checks = checks(&mut fields);
        fields.finish()?;
        let verdict = verdict.unwrap_or(Verdict::Insufficient);
        Ok(Self { holder, token, generation, decision: Decision { verdict, checks, note } })
    }
}

/// A person's words on single fields, those that can be read.
pub(in crate::v1) fn checks(fields: &mut Fields<'_>) -> Vec<FieldDecision> {
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
    let found = fields.value("found").cloned();
    let reason = fields.optional_note("reason", LONGEST_TEXT);
    let errors = fields.into_errors();
    match verdict {
        Some(verdict) if errors.is_empty() => Ok(FieldDecision { field, verdict, found, reason }),
        _ => Err(errors),
    }
}

/// The result that follows from the decision, or why it does not hold together.
fn outcome(row: &VerificationRow, decision: &Decision, part: Part) -> Result<Outcome, Error> {
    let corrupt = |what: &str| Error::Store(StoreError::Corrupt { what: format!("{what} of {}", row.id), source: None });
    let machine = row.provisional.as_ref().ok_or_else(|| corrupt("the provisional result"))?;
    if part == Part::Second {
        // Blind: who was not shown the machine's checks cannot leave any of them as it is.
        let missing = |field| InvalidField::at("/checks", "missing_field", format!("a second answer speaks of every field: add `{field}`"));
        let errors: Vec<InvalidField> = decision.leaves_out(machine).into_iter().map(missing).collect();
        if !errors.is_empty() {
            return Err(Error::InvalidDecision(errors));
        }
    }
    let claim_type = claim_type::find_version(&row.claim_type, row.claim_type_version).ok_or_else(|| corrupt("the claim type"))?;
    let claim = Claim::reread(&claim_type, &row.claim).map_err(|_| corrupt("the claim"))?;
    judge::apply_decision(machine, &claim_type, &claim, decision).map_err(|error| {
        let faults = error.0.into_iter().map(|fault| InvalidField::of_claim("", fault));
        Error::InvalidDecision(faults.collect())
    })
}
