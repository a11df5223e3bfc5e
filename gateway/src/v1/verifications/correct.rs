//! `POST /v1/verifications/{id}/corrections`: a person overturns a verdict that was settled. The one before is kept beside it.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use domain::claim::Claim;
use domain::id::{DecisionId, VerificationId};
use domain::review::Decision;
use domain::verification::{Outcome, Status};
use domain::{claim_type, judge};
use serde_json::Value;
use store::StoreError;
use store::verification::{self, CorrectOutcome, NewCorrection, VerificationRow};
use utoipa::ToSchema;

use super::corrections::Correction;
use super::view;
use crate::answer::Answer;
use crate::auth::{Allowed, Caller, ReviewsCorrect};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, JsonBody, precondition};
use crate::metrics::Metric;
use crate::problem::{Code, Document, InvalidField, Problem, answers_with_problem};
use crate::state::AppState;
use crate::v1::decision::{self, RequestCheck};
use crate::v1::reviewer::holder;

/// What is right instead.
#[derive(ToSchema)]
#[schema(as = NewCorrection)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Request {
    /// On the whole: `supported`, `refuted` or `insufficient`. Must follow from the checks.
    verdict: String,
    /// Fields left out keep the check that they have.
    checks: Option<Vec<RequestCheck>>,
    /// Why. Whoever asks for the corrections can read it.
    note: String,
    /// The person behind the key, as the client names them: an opaque id, not a person's name.
    #[schema(max_length = 100)]
    reviewer: Option<String>,
}

/// Why it stays as it is.
#[derive(Debug)]
pub enum Error {
    NotFound,
    /// It has no settled result.
    NotSettled(Status),
    /// Somebody corrected it since; the tag is of how it is now.
    Stale(HeaderValue),
    InvalidDecision(Vec<InvalidField>),
    Request(Problem),
    Store(StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::NotSettled(status) => Self::new(Code::NotSettled).detail(format!("its status is `{}`", status.as_str())),
            Error::Stale(current) => precondition::stale(&current),
            Error::InvalidDecision(errors) => Self::new(Code::InvalidDecision).errors(errors),
            Error::Request(problem) => problem,
            Error::Store(error) => error.into(),
        }
    }
}
answers_with_problem!(Error);

/// Correct a settled verdict. `verification.corrected` tells of it.
#[utoipa::path(
    post, path = "/v1/verifications/{id}/corrections", operation_id = "correct_verification", tag = "verifications",
    params(
        ("id" = String, Path, description = "A verification whose status is `final` or `expired`; it is `final` from then on"),
        ("If-Match" = String, Header, description = "The ETag of the verification that was looked at"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request"),
    ),
    request_body = Request,
    responses(
        (status = 201, description = "It counts", body = Correction),
        (status = 404, description = "No such verification", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`not_settled`: it has not ended, or ended without a verdict", body = Document, content_type = "application/problem+json"),
        (status = 412, description = "`precondition_failed`: it changed since; `ETag` is of how it is now", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The correction does not hold together, or corrects nothing", body = Document, content_type = "application/problem+json"),
        (status = 428, description = "`precondition_required`: `If-Match` is missing", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<ReviewsCorrect>,
    Id(id): Id<VerificationId>,
    headers: HeaderMap,
    repeat: Idempotency,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    precondition::required(&headers)?;
    let (actor, decision) = parse(&caller, &body)?;
    let key = repeat.of_json_by(&body, &caller);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    let row = verification::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let settled = row.final_outcome.clone().ok_or(Error::NotSettled(row.status))?;
    let (_, tag) = view::load(&mut tx, row.clone()).await?;
    precondition::holds(&headers, &tag)?;
    let (outcome, seen) = (outcome(&row, &settled, &decision)?, row.corrections);
    let decision_id = DecisionId::new();
    let new = NewCorrection { id: decision_id, seen, decision: &decision, outcome: &outcome, actor: &actor };
    match verification::correct(&mut tx, id, &new).await? {
        CorrectOutcome::Corrected | CorrectOutcome::AlreadyCorrected => {}
        CorrectOutcome::Stale => {
            let row = verification::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
            return Err(Error::Stale(view::load(&mut tx, row).await?.1));
        }
        CorrectOutcome::NotSettled(status) => return Err(Error::NotSettled(status)),
        CorrectOutcome::NotFound => return Err(Error::NotFound),
    }
    let row = verification::correction(&mut tx, id, decision_id).await?.ok_or(Error::NotFound)?;
    let at = format!("/v1/verifications/{id}/corrections");
    let answer = Answer::json(StatusCode::CREATED, &Correction::of(row))?.header(header::LOCATION, at);
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    let (from, to) = (settled.verdict.as_str(), outcome.verdict.as_str());
    metrics::counter!(Metric::CorrectionsTotal.as_str(), "from" => from, "to" => to).increment(1);
    tracing::info!(verification.id = %id, from, to, "Verification {id} was corrected");
    Ok(answer)
}

fn parse(caller: &Caller, body: &Value) -> Result<(String, Decision), Error> {
    let mut fields = Fields::of(body);
    let actor = holder(caller, &mut fields);
    let verdict = decision::verdict(&mut fields);
    let note = decision::note(&mut fields);
    let checks = decision::checks(&mut fields);
    fields.finish()?;
    Ok((actor, Decision { verdict, checks, note: Some(note) }))
}

fn outcome(row: &VerificationRow, settled: &Outcome, decision: &Decision) -> Result<Outcome, Error> {
    let corrupt = |what: &str| Error::Store(StoreError::Corrupt { what: format!("{what} of {}", row.id), source: None });
    let claim_type = claim_type::find_version(&row.claim_type, row.claim_type_version).ok_or_else(|| corrupt("the claim type"))?;
    let claim = Claim::reread(&claim_type, &row.claim).map_err(|_| corrupt("the claim"))?;
    judge::correct(settled, &claim_type, &claim, decision).map_err(|error| {
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

    #[tokio::test]
    async fn who_may_decide_may_not_overturn() {
        let Some(scene) = Scene::start().await else { return };
        let (id, _) = scene.in_review(1).await;
        let words = json!({ "verdict": "refuted", "note": "?", "checks": [{ "field": "total", "verdict": "refuted" }] });
        let path = format!("/v1/verifications/{id}/corrections");
        let others: Vec<&str> = scope::ALL.into_iter().filter(|scope| *scope != scope::REVIEWS_CORRECT).collect();
        let refused = scene.post(&scene.key(&others).await, &path, &words).await;
        assert_eq!((refused.status, &refused.body["code"]), (StatusCode::FORBIDDEN, &json!("missing_scope")));
        assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.contains("reviews:correct")), "{refused:?}");
        let allowed = scene.post(&scene.key(&[scope::REVIEWS_CORRECT]).await, &path, &words).await;
        assert_eq!((allowed.status, &allowed.body["code"]), (StatusCode::CONFLICT, &json!("not_settled")), "asked for what it is now");
    }
}
