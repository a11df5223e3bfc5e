//! `GET /v1/verifications/{id}/corrections`: what people made of a settled verdict, and what stood before.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::id::{DecisionId, VerificationId};
use serde::Serialize;
use store::verification::{self, CorrectionRow};
use utoipa::ToSchema;

use super::view::OutcomeView;
use crate::answer::Answer;
use crate::auth::{Allowed, VerificationsRead};
use crate::input::Id;
use crate::problem::Document;
use crate::state::AppState;
use crate::v1::read_error::ReadError;

/// More than any verdict is worth; the older ones stand in the audit trail.
const MOST: i64 = 100;

/// A settled result that another took the place of.
#[derive(Debug, Serialize, ToSchema)]
pub struct Correction {
    #[schema(value_type = String)]
    pub id: DecisionId,
    /// From 1.
    pub number: u32,
    pub at: DateTime<Utc>,
    /// Who did it: `key:<id>`, with the reviewer that the client named, or `user:<id>` of a person at the desk.
    pub actor: String,
    pub note: Option<String>,
    /// What stood before.
    pub before: OutcomeView,
    /// What counts since.
    pub after: OutcomeView,
}

/// Corrections, the latest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CorrectionList)]
pub struct List {
    /// The latest hundred at most.
    pub data: Vec<Correction>,
}

impl Correction {
    /// The row as it is shown.
    pub fn of(row: CorrectionRow) -> Self {
        Self {
            id: row.id,
            number: row.number,
            at: row.created_at,
            actor: row.actor,
            note: row.decision.note,
            before: OutcomeView::of(&row.before),
            after: OutcomeView::of(&row.outcome),
        }
    }
}

/// The corrections of a verification, the latest first.
#[utoipa::path(
    get, path = "/v1/verifications/{id}/corrections", operation_id = "list_corrections", tag = "verifications",
    params(("id" = String, Path, description = "A verification")),
    responses(
        (status = 200, description = "Empty while nobody corrected it", body = List),
        (status = 404, description = "No such verification", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<VerificationsRead>,
    Id(id): Id<VerificationId>,
) -> Result<Answer, ReadError> {
    let mut tx = state.store.begin(caller.tenant).await?;
    verification::get(&mut tx, id).await?.ok_or(ReadError::NotFound)?;
    let rows = verification::corrections(&mut tx, id, MOST).await?;
    Ok(Answer::json(StatusCode::OK, &List { data: rows.into_iter().map(Correction::of).collect() })?)
}
