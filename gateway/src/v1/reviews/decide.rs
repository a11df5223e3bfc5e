//! `POST /v1/reviews/{id}/decide`: a person's word, kept at once and delivered to the workflow as an update.

use axum::extract::State;
use axum::http::StatusCode;
use domain::claim::Claim;
use domain::claim_type;
use domain::id::{DecisionId, ReviewId, VerificationId};
use domain::judge;
use domain::review::{Decision, Part};
use domain::verification::Outcome;
use serde::Serialize;
use serde_json::Value;
use store::review::{self, DecideOutcome, NewDecision, Proof};
use store::verification::VerificationRow;
use store::{StoreError, verification};
use utoipa::ToSchema;

use super::error::Error;
use super::lease::proof;
use crate::answer::Answer;
use crate::auth::{Allowed, Caller, ReviewsWrite};
use crate::engine::{DecisionDelivery, EngineError};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, JsonBody};
use crate::metrics::Metric;
use crate::problem::{Document, InvalidField};
use crate::relay;
use crate::state::AppState;
use crate::v1::decision::{self, RequestCheck};
use crate::v1::reviewer::holder;
use crate::v1::verifications::view::OutcomeView;

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
    /// Fields left out keep the machine's check. The second answer of a round leaves out no field and no `found`: it is given without seeing
    /// the machine's.
    checks: Option<Vec<RequestCheck>>,
    note: Option<String>,
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
        let verdict = decision::verdict(&mut fields);
        let note = decision::optional_note(&mut fields);
        let checks = decision::checks(&mut fields);
        fields.finish()?;
        Ok(Self { holder, token, generation, decision: Decision { verdict, checks, note } })
    }
}

/// The result that follows from the decision, or why it does not hold together.
fn outcome(row: &VerificationRow, decision: &Decision, part: Part) -> Result<Outcome, Error> {
    let corrupt = |what: &str| Error::Store(StoreError::Corrupt { what: format!("{what} of {}", row.id), source: None });
    let machine = row.provisional.as_ref().ok_or_else(|| corrupt("the provisional result"))?;
    let claim_type = claim_type::find_version(&row.claim_type, row.claim_type_version).ok_or_else(|| corrupt("the claim type"))?;
    let claim = Claim::reread(&claim_type, &row.claim).map_err(|_| corrupt("the claim"))?;
    let judged = match part {
        Part::First | Part::Adjudication => judge::apply_decision(machine, &claim_type, &claim, decision),
        Part::Second => judge::apply_blind(machine, &claim_type, &claim, decision),
    };
    judged.map_err(|error| {
        let faults = error.0.into_iter().map(|fault| InvalidField::of_claim("", fault));
        Error::InvalidDecision(faults.collect())
    })
}

#[cfg(test)]
mod tests {
    use domain::scope;
    use serde_json::json;

    use super::*;
    use crate::testing::Scene;

    /// A lease of the round's open part for this reviewer.
    async fn next(scene: &Scene, key: &str, reviewer: &str) -> Value {
        scene.post(key, "/v1/reviews:next", &json!({ "reviewer": reviewer })).await.body
    }

    #[tokio::test]
    async fn a_second_answer_says_what_was_found_of_every_field_and_nothing_of_the_machines_stands_for_it() {
        let Some(scene) = Scene::start().await else { return };
        let key = scene.key(&[scope::REVIEWS_WRITE]).await;
        scene.in_review(2).await;
        let said = |lease: &Value, reviewer: &str, checks: Value| {
            json!({
                "token": lease["token"], "generation": lease["generation"], "reviewer": reviewer,
                "verdict": "insufficient", "checks": checks,
            })
        };
        let lease = next(&scene, &key, "ann").await;
        let decide = |lease: &Value| format!("/v1/reviews/{}/decide", lease["review_id"].as_str().unwrap_or_default());
        assert_eq!(scene.post(&key, &decide(&lease), &said(&lease, "ann", json!([]))).await.status, StatusCode::OK, "the first need not");

        let lease = next(&scene, &key, "bob").await;
        let word = |field: &str| json!({ "field": field, "verdict": "insufficient" });
        let refused = scene.post(&key, &decide(&lease), &said(&lease, "bob", json!([word("date"), word("total")]))).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            refused.faults(),
            [("/checks", "missing_field"), ("/checks/0/found", "missing_value"), ("/checks/1/found", "missing_value")]
        );
        let words = ["merchant", "date", "total"].map(|field| json!({ "field": field, "verdict": "insufficient", "found": null }));
        let answered = scene.post(&key, &decide(&lease), &said(&lease, "bob", json!(words))).await;
        assert_eq!(answered.status, StatusCode::OK, "{answered:?}");
        let found: Vec<&Value> = answered.body["outcome"]["checks"].as_array().unwrap().iter().map(|check| &check["found"]).collect();
        assert_eq!(found, [&Value::Null; 3], "the machine had read all three");
    }
}
