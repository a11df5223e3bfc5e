//! Ending a verification that nobody wants any more, without a result: first whether they are sure, then the wish.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::claim_type;
use domain::id::VerificationId;
use domain::person::Right;
use store::verification::{self, CancelOutcome};

use super::queue::subject;
use super::verification::parse;
use crate::form::Posted;
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

#[derive(Template)]
#[template(path = "cancel.html")]
struct Ask {
    layout: Layout,
    id: VerificationId,
    claim_type: String,
    subject: String,
    status: String,
    created: String,
}

/// `GET /verifications/{id}/cancel`. Where there is nothing to cancel any more the verification itself says why.
pub async fn ask(State(state): State<AppState>, person: Person, Path(id): Path<String>) -> Result<Response, Problem> {
    person.require(Right::Cancel)?;
    let id = parse(&id)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let row = verification::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    drop(tx);
    if row.status.is_terminal() || row.cancel_requested_at.is_some() {
        return Ok(back(id));
    }
    let layout = Layout::of(&state, &person, Place::Verifications, "Cancel a verification").await?;
    problem::page(&Ask {
        layout,
        id,
        claim_type: claim_type::find(&row.claim_type).map_or_else(|| words::title(&row.claim_type), |known| known.title),
        subject: subject(&row.claim),
        status: words::status(row.status),
        created: words::moment(row.created_at),
    })
}

/// `POST /verifications/{id}/cancel`. Asked for twice, it is asked for once.
pub async fn send(State(state): State<AppState>, Path(id): Path<String>, Posted(person, _): Posted) -> Result<Response, Problem> {
    person.require(Right::Cancel)?;
    let id = parse(&id)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    match verification::request_cancel(&mut tx, id, &person.actor()).await? {
        CancelOutcome::NotFound => return Err(Problem::NotFound),
        _ => tx.commit().await?,
    }
    Ok(back(id))
}

fn back(id: VerificationId) -> Response {
    Redirect::to(&format!("/verifications/{id}")).into_response()
}
