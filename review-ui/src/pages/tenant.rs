//! `POST /tenant`: the person works for another of their tenants from now on.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use domain::id::TenantId;
use store::session;
use uuid::Uuid;

use crate::form::Posted;
use crate::problem::Problem;
use crate::state::AppState;

pub async fn change(State(state): State<AppState>, Posted(person, form): Posted) -> Result<Response, Problem> {
    let tenant = Uuid::try_parse(form.require("tenant")?).map_err(|_| Problem::NotFound)?;
    let mut tx = state.store.begin_relay().await?;
    if !session::change_tenant(&mut tx, &person.token, TenantId(tenant)).await? {
        return Err(Problem::NotFound);
    }
    tx.commit().await?;
    Ok(Redirect::to("/").into_response())
}
