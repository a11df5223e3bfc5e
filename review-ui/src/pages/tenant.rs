//! For which of their tenants a person works: changing it, and all of them for who belongs to more than the head of a page lists.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::id::{Id, TenantId};
use domain::person::Right;
use serde::Deserialize;
use store::{session, user};
use uuid::Uuid;

use crate::form::Posted;
use crate::layout::{Layout, Place, Tenant};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;

/// Lines on a page.
const PAGE: usize = 200;

/// Where the page begins.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    /// The last name of the page before.
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "tenant.html")]
struct Page {
    layout: Layout,
    lines: Vec<Tenant>,
    more: Option<String>,
}

/// `GET /tenant`.
pub async fn page(State(state): State<AppState>, person: Person, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let layout = Layout::of(&state, &person, Place::Elsewhere, "Organisations").await?;
    let mut tx = state.store.begin_relay().await?;
    // PostgreSQL's text knows no NUL.
    let after = wish.after.replace('\0', "");
    let mut members = user::memberships_after(&mut tx, person.member.user_id, &after, PAGE as i64 + 1).await?;
    drop(tx);
    let more = members.len() > PAGE;
    members.truncate(PAGE);
    let next = |name: &str| format!("/tenant?after={}", form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>());
    let lines = members.iter().map(|member| Tenant {
        id: member.tenant_id.uuid().to_string(),
        name: member.tenant_name.clone(),
        here: member.tenant_id == person.tenant(),
    });
    let lines = lines.collect();
    let more = members.last().filter(|_| more).map(|last| next(&last.tenant_name));
    problem::page(&Page { layout, lines, more })
}

/// `POST /tenant`: the person works for another of their tenants from now on.
pub async fn change(State(state): State<AppState>, Posted(person, form): Posted) -> Result<Response, Problem> {
    let tenant = Uuid::try_parse(form.require("tenant")?).map_err(|_| Problem::NotFound)?;
    let mut tx = state.store.begin_relay().await?;
    if !session::change_tenant(&mut tx, &person.token, TenantId(tenant)).await? {
        return Err(Problem::NotFound);
    }
    tx.commit().await?;
    Ok(Redirect::to("/").into_response())
}
