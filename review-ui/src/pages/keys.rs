//! The tenant's API keys: made here, shown once, revoked here.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::id::KeyId;
use domain::person::Right;
use domain::scope;
use store::api_key::{self, ApiKeyRow, KeyGrant};

use crate::form::Posted;
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;
use crate::words;

/// Longest name of a key, in characters.
const LONGEST_NAME: usize = 100;

#[derive(Template)]
#[template(path = "keys.html")]
struct Page {
    layout: Layout,
    keys: Vec<Line>,
    scopes: Vec<&'static str>,
    /// A key that was just made; never seen again.
    secret: Option<String>,
    fault: Option<&'static str>,
}

struct Line {
    id: KeyId,
    name: String,
    prefix: String,
    mode: &'static str,
    scopes: String,
    created: String,
    state: &'static str,
    usable: bool,
}

/// `GET /keys`.
pub async fn page(State(state): State<AppState>, person: Person) -> Result<Response, Problem> {
    shown(&state, &person, None, None).await
}

async fn shown(state: &AppState, person: &Person, secret: Option<String>, fault: Option<&'static str>) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let layout = Layout::of(state, person, Place::Keys, "API keys").await?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let tenant = person.tenant();
    let keys = api_key::list(&mut tx, tenant).await?;
    drop(tx);
    let now = state.clock.now();
    let line = |row: ApiKeyRow| {
        let state = match (row.revoked_at, row.is_valid_at(now)) {
            (Some(_), _) => "revoked",
            (None, true) => "in use",
            (None, false) => "expired",
        };
        Line {
            id: row.id,
            usable: row.is_valid_at(now),
            mode: if row.livemode { "live" } else { "test" },
            created: words::moment(row.created_at),
            scopes: row.scopes.join(", "),
            name: row.name,
            prefix: row.prefix,
            state,
        }
    };
    let scopes = scope::ALL.to_vec();
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Page { layout, keys: keys.into_iter().map(line).collect(), scopes, secret, fault };
    Ok((status, Html(page.render()?)).into_response())
}

/// `POST /keys`. Answers with the page that shows the secret, once; loading it again makes no second key, it asks first.
pub async fn create(State(state): State<AppState>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let name = form.get("name").filter(|name| name.chars().count() <= LONGEST_NAME);
    let asked = form.0.iter().filter(|(name, word)| name == "scope" && scope::ALL.contains(&word.as_str()));
    let scopes: Vec<String> = asked.map(|(_, word)| word.clone()).collect();
    let (Some(name), false) = (name, scopes.is_empty()) else {
        return shown(&state, &person, None, Some("Give the key a name of at most 100 characters and at least one right.")).await;
    };
    let key = api_key::generate(form.get("mode") != Some("test"));
    let grant = KeyGrant { name: name.to_owned(), scopes, expires_at: None };
    let mut tx = state.store.begin(person.tenant()).await?;
    api_key::create(&mut tx, person.tenant(), &key, &grant, &person.actor()).await?;
    tx.commit().await?;
    shown(&state, &person, Some(key.plain_text), None).await
}

/// `POST /keys/{id}/revoke`.
pub async fn revoke(State(state): State<AppState>, Path(id): Path<String>, Posted(person, _): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let id: KeyId = id.parse().map_err(|_| Problem::NotFound)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let known = api_key::list(&mut tx, person.tenant()).await?;
    known.iter().find(|key| key.id == id).ok_or(Problem::NotFound)?;
    api_key::revoke(&mut tx, id, &person.actor()).await?;
    tx.commit().await?;
    Ok(Redirect::to("/keys").into_response())
}
