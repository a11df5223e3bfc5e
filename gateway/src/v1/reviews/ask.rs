//! `POST /v1/reviews/{id}/ask`: a person wants to see more before they decide.

use axum::extract::State;
use axum::http::StatusCode;
use domain::id::ReviewId;
use domain::review::{EvidenceRequest, ReviewStatus};
use serde_json::Value;
use store::review::{self, DecideOutcome, NewRequest};
use store::verification;
use utoipa::ToSchema;

use super::error::Error;
use super::lease::proof;
use super::view::Review;
use crate::answer::Answer;
use crate::auth::{Allowed, ReviewsWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, JsonBody};
use crate::problem::{Code, Document, InvalidField, Problem};
use crate::state::AppState;
use crate::v1::reviewer::holder;

/// Longest request, in characters.
const LONGEST_TEXT: usize = 2_000;
/// More fields than any claim type has.
const MOST_FIELDS: usize = 200;

/// What is wanted.
#[derive(ToSchema)]
#[schema(as = NewEvidenceRequest)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Request {
    /// As claiming the review returned it.
    token: String,
    generation: i64,
    /// The reviewer who claimed it, if one was named then.
    reviewer: Option<String>,
    /// For whoever sent the claim.
    #[schema(max_length = 2000)]
    text: String,
    /// Fields of the claim that the evidence so far does not settle.
    fields: Option<Vec<String>>,
}

/// Ask for more evidence.
///
/// The review ends as `asked`, and the verification waits as `awaiting_evidence` until evidence is added or the review would have expired.
#[utoipa::path(
    post, path = "/v1/reviews/{id}/ask", operation_id = "ask_for_evidence", tag = "reviews",
    params(
        ("id" = String, Path, description = "A review"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request"),
    ),
    request_body = Request,
    responses(
        (status = 200, description = "Asked", body = Review),
        (status = 404, description = "No such review", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`lease_lost` or `not_pending`", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The body is not valid", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<ReviewsWrite>,
    Id(id): Id<ReviewId>,
    repeat: Idempotency,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    let mut fields = Fields::of(&body);
    let holder = holder(&caller, &mut fields);
    let (token, generation) = proof(&mut fields);
    let text = fields.text("text", LONGEST_TEXT);
    let mut about = Vec::new();
    for (index, item) in fields.optional_list("fields", MOST_FIELDS).iter().enumerate() {
        match item.as_str() {
            Some(field) => about.push(field.to_owned()),
            None => fields.add(vec![InvalidField::at(format!("/fields/{index}"), "not_a_text", "expected the name of a field")]),
        }
    }
    fields.finish()?;
    let key = repeat.of_json_by(&body, &caller);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    let review = review::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let claim = verification::get(&mut tx, review.verification_id).await?.ok_or(Error::NotFound)?.claim;
    let faults = unknown(&claim, &about);
    if !faults.is_empty() {
        return Err(Problem::new(Code::InvalidBody).errors(faults).into());
    }
    let request = EvidenceRequest { text, fields: about };
    let new = NewRequest { review_id: id, proof: review::Proof::Token(&token), generation, holder: &holder, request: &request };
    match review::ask(&mut tx, &new).await? {
        DecideOutcome::Recorded | DecideOutcome::Answered { .. } | DecideOutcome::AlreadyRecorded => {}
        DecideOutcome::LeaseLost => return Err(Error::LeaseLost),
        DecideOutcome::NotOpen(ReviewStatus::Decided) => return Err(Error::AlreadyDecided),
        DecideOutcome::NotOpen(status) => return Err(Error::NotPending(status)),
        DecideOutcome::FourEyes => return Err(Error::FourEyes),
        DecideOutcome::NotFound => return Err(Error::NotFound),
    }
    let row = review::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let answer = Answer::json(StatusCode::OK, &Review::of(row, state.clock.now()))?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Names that are no field of the claim. They stand in the audit chain, so nothing but what the claim itself says gets there.
fn unknown(claim: &Value, fields: &[String]) -> Vec<InvalidField> {
    let unknown = fields.iter().enumerate().filter(|(_, field)| claim.get(field.as_str()).is_none());
    let fault = |index| InvalidField::at(format!("/fields/{index}"), "unknown_field", "the claim has no field of this name");
    unknown.map(|(index, _)| fault(index)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_the_claim_does_not_have_are_refused_by_their_place() {
        let claim = json!({ "total": "9.00", "date": "2018-03-30" });
        let asked = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            unknown(&claim, &fields).into_iter().filter_map(|fault| fault.pointer).collect::<Vec<_>>()
        };
        assert_eq!(asked(&["date", "total"]), [] as [&str; 0]);
        assert_eq!(asked(&["total", "ann@example.com", "/total", ""]), ["/fields/1", "/fields/2", "/fields/3"]);
    }
}
