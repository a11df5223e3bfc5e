//! `POST /reviews/{id}/time`: the open page says how much time went where. Without scripts nobody does; then the lease tells how long it took.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::id::ReviewId;
use domain::measure;
use domain::person::Right;
use store::{TenantTx, review};

use super::actions::parse;
use super::draft::gone;
use crate::form::{Form, Posted};
use crate::problem::Problem;
use crate::state::AppState;

/// The name of the input that carries a report.
pub const TIMES: &str = "times";

pub async fn spend(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<StatusCode, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let reported = match form.get(TIMES) {
        None => Vec::new(),
        Some(report) => measure::read(report).ok_or_else(|| Problem::Invalid("This is no report of times.".to_owned()))?,
    };
    let mut tx = state.store.begin(person.tenant()).await?;
    review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    if !review::spend(&mut tx, id, &person.actor(), reported).await? {
        return Err(gone(&mut tx, id, &person.actor(), &form).await?);
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds what came along with a decision. Nobody's decision fails for what the page says of its time.
pub async fn spent_on(tx: &mut TenantTx, id: ReviewId, actor: &str, form: &Form) -> Result<(), Problem> {
    if let Some(reported) = form.get(TIMES).and_then(measure::read) {
        review::spend(tx, id, actor, reported).await?;
    }
    Ok(())
}
