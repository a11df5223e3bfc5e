//! `POST /v1/verifications/{id}/cancel`: the wish is kept at once, and the workflow ends when it hears of it.

use axum::extract::State;
use axum::http::StatusCode;
use domain::id::VerificationId;
use domain::verification::Status;
use store::StoreError;
use store::verification::{self, CancelOutcome};

use super::view::{self, Verification};
use crate::answer::Answer;
use crate::auth::{Allowed, VerificationsWrite};
use crate::engine::CancelVerification;
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, OptionalJsonBody};
use crate::problem::{Code, Document, Problem, answers_with_problem};
use crate::relay;
use crate::state::AppState;

/// Why it was not canceled.
#[derive(Debug)]
pub enum Error {
    NotFound,
    /// It had ended, with this status.
    AlreadyTerminal(Status),
    Request(Problem),
    Store(StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::AlreadyTerminal(status) => Self::new(Code::AlreadyTerminal).detail(format!("its status is `{}`", status.as_str())),
            Error::Request(problem) => problem,
            Error::Store(error) => error.into(),
        }
    }
}
answers_with_problem!(Error);

/// Cancel a verification.
#[utoipa::path(
    post, path = "/v1/verifications/{id}/cancel", operation_id = "cancel_verification", tag = "verifications",
    params(
        ("id" = String, Path, description = "A verification"),
        ("Idempotency-Key" = Option<String>, Header, description = "Optional: asking twice is harmless"),
    ),
    responses(
        (status = 202, description = "The wish is kept; the verification ends as `canceled` unless it ended otherwise first", body = Verification),
        (status = 404, description = "No such verification", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "It has ended", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<VerificationsWrite>,
    Id(id): Id<VerificationId>,
    repeat: Idempotency,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Answer, Error> {
    Fields::of(&body).finish()?;
    let key = repeat.of_json(&body);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    match verification::request_cancel(&mut tx, id, &caller.actor()).await? {
        CancelOutcome::Requested => {}
        CancelOutcome::AlreadyTerminal(status) => return Err(Error::AlreadyTerminal(status)),
        CancelOutcome::NotFound => return Err(Error::NotFound),
    }
    let row = verification::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let (shown, _) = view::load(&mut tx, row).await?;
    let answer = Answer::json(StatusCode::ACCEPTED, &shown)?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    // The outbox row tells the engine if we cannot.
    relay::try_now(&state, "cancel", state.engine.cancel(CancelVerification { tenant_id: caller.tenant, verification_id: id })).await;
    Ok(answer)
}
