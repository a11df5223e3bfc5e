//! `POST /v1/verifications/{id}/evidence`: what a person asked for. The same verification goes on, and the machine answers anew.

use axum::extract::State;
use axum::http::StatusCode;
use domain::id::{EvidenceId, VerificationId};
use domain::verification::Status;
use serde_json::Value;
use store::verification::{self, AddOutcome, VerificationRow};
use store::{StoreError, evidence};
use utoipa::ToSchema;

use super::create::{self, check_evidence, evidence_ids};
use super::view::{self, Verification};
use crate::answer::Answer;
use crate::auth::{Allowed, VerificationsWrite};
use crate::engine::MoreEvidence;
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, JsonBody};
use crate::problem::{Code, Document, Problem, answers_with_problem};
use crate::relay;
use crate::state::AppState;

/// More evidence.
#[derive(ToSchema)]
#[schema(as = MoreEvidence)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Request {
    /// Ids of uploaded files, behind those that are there.
    #[schema(value_type = Vec<String>)]
    evidence: Vec<EvidenceId>,
}

/// Why it was not added.
#[derive(Debug)]
pub enum Error {
    NotFound,
    /// Nobody asked for more; its status.
    NotAwaiting(Status),
    Evidence(create::Error),
    Request(Problem),
    Store(StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(Code::NotFound),
            Error::NotAwaiting(status) => Self::new(Code::NotAwaitingEvidence).detail(format!("its status is `{}`", status.as_str())),
            Error::Evidence(error) => error.into(),
            Error::Request(problem) => problem,
            Error::Store(error) => error.into(),
        }
    }
}
answers_with_problem!(Error);

/// Add evidence that was asked for.
#[utoipa::path(
    post, path = "/v1/verifications/{id}/evidence", operation_id = "add_evidence", tag = "verifications",
    params(
        ("id" = String, Path, description = "A verification whose `status` is `awaiting_evidence`"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request"),
    ),
    request_body = Request,
    responses(
        (status = 202, description = "Added; the machine answers anew, and a review may follow", body = Verification),
        (status = 404, description = "No such verification, or `unknown_evidence`", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`not_awaiting_evidence`, or `evidence_not_ready`", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The body is not valid", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<VerificationsWrite>,
    Id(id): Id<VerificationId>,
    repeat: Idempotency,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    let ids = parse(&body, state.limits.evidence_per_verification)?;
    let key = repeat.of_json(&body);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    // Told first: of another tenant's verification nothing else is known either.
    verification::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let files = evidence::get_many(&mut tx, &ids).await?;
    check_evidence(&ids, &files).map_err(Error::Evidence)?;
    match verification::add_evidence(&mut tx, id, &ids, &caller.actor()).await? {
        AddOutcome::Added => {}
        AddOutcome::NothingNew => {
            let errors = vec![crate::problem::InvalidField::at("/evidence", "nothing_new", "all of these files are there already")];
            return Err(Error::Request(Problem::new(Code::InvalidBody).errors(errors)));
        }
        AddOutcome::NotAwaiting(status) => return Err(Error::NotAwaiting(status)),
        AddOutcome::NotFound => return Err(Error::NotFound),
    }
    let row = verification::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let more = MoreEvidence::of(&row);
    let (shown, _) = view::load(&mut tx, row).await?;
    let answer = Answer::json(StatusCode::ACCEPTED, &shown)?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    // The outbox row tells the engine if we cannot.
    relay::try_now(&state, "evidence", state.engine.evidence_added(more)).await;
    Ok(answer)
}

fn parse(body: &Value, most: usize) -> Result<Vec<EvidenceId>, Error> {
    let mut fields = Fields::of(body);
    let ids = evidence_ids(&mut fields, most);
    fields.finish()?;
    Ok(ids)
}

impl MoreEvidence {
    /// What the workflow is told once evidence was added to a verification.
    pub fn of(row: &VerificationRow) -> Self {
        Self { tenant_id: row.tenant_id, verification_id: row.id, evidence: row.evidence_ids.clone(), round: row.published }
    }
}
