//! The tenant's API keys: made here, shown once, revoked here once somebody was asked.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::id::KeyId;
use domain::person::Right;
use domain::scope;
use serde::Deserialize;
use store::api_key::{self, ApiKeyRow, KeyGrant};
use uuid::Uuid;

use super::queue::Choice;
use crate::form::{Form, Posted};
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

/// Longest name of a key, in characters.
const LONGEST_NAME: usize = 100;

#[derive(Template)]
#[template(path = "keys.html")]
struct Page {
    layout: Layout,
    keys: Vec<Line>,
    /// The same for every time that this form is sent.
    intent: String,
    name: String,
    scopes: Vec<Choice>,
    name_fault: Option<&'static str>,
    scope_fault: Option<&'static str>,
    /// A key that was just made; never seen again.
    secret: Option<String>,
    /// The name of a key that was just revoked.
    revoked: Option<String>,
}

struct Line {
    id: KeyId,
    name: String,
    prefix: String,
    mode: &'static str,
    scopes: String,
    created: String,
    stamp: String,
    state: &'static str,
    usable: bool,
}

/// How the page comes to be shown.
#[derive(Default)]
struct Shown {
    form: Form,
    name_fault: Option<&'static str>,
    scope_fault: Option<&'static str>,
    secret: Option<String>,
    revoked: Option<KeyId>,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub struct Look {
    #[serde(default)]
    revoked: String,
}

/// `GET /keys`.
pub async fn page(State(state): State<AppState>, person: Person, Query(look): Query<Look>) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    shown(&state, &person, Shown { revoked: look.revoked.parse().ok(), ..Shown::default() }).await
}

async fn shown(state: &AppState, person: &Person, shown: Shown) -> Result<Response, Problem> {
    let layout = Layout::of(state, person, Place::Keys, "API keys").await?;
    let keys = list(state, person).await?;
    let revoked = shown.revoked.and_then(|id| keys.iter().find(|key| key.id == id && key.revoked_at.is_some()));
    let now = state.clock.now();
    let line = |row: &ApiKeyRow| {
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
            stamp: words::stamp(row.created_at),
            scopes: rights(&row.scopes),
            name: row.name.clone(),
            prefix: row.prefix.clone(),
            state,
        }
    };
    let chosen: Vec<String> = chosen(&shown.form).collect();
    let choice = |scope: &str| Choice { value: scope.to_owned(), label: scope.to_owned(), chosen: chosen.iter().any(|word| word == scope) };
    let faulty = shown.name_fault.is_some() || shown.scope_fault.is_some();
    let status = if faulty { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Page {
        layout,
        revoked: revoked.map(|key| key.name.clone()),
        keys: keys.iter().map(line).collect(),
        intent: intent(&shown.form).unwrap_or_else(Uuid::now_v7).to_string(),
        name: shown.form.get("name").unwrap_or_default().to_owned(),
        scopes: scope::ALL.into_iter().map(choice).collect(),
        name_fault: shown.name_fault,
        scope_fault: shown.scope_fault,
        secret: shown.secret,
    };
    Ok((status, Html(page.render()?)).into_response())
}

async fn list(state: &AppState, person: &Person) -> Result<Vec<ApiKeyRow>, Problem> {
    let mut tx = state.store.begin(person.tenant()).await?;
    Ok(api_key::list(&mut tx, person.tenant()).await?)
}

/// What a key may do, by what it is done to: `evidence: read, write; policy: read`.
fn rights(scopes: &[String]) -> String {
    if scope::ALL.iter().all(|scope| scopes.iter().any(|own| own == scope)) {
        return "everything".to_owned();
    }
    let mut things: Vec<(&str, Vec<&str>)> = Vec::new();
    for (thing, act) in scopes.iter().filter_map(|scope| scope.split_once(':')) {
        match things.iter_mut().find(|(known, _)| *known == thing) {
            Some((_, acts)) => acts.push(act),
            None => things.push((thing, vec![act])),
        }
    }
    things.iter().map(|(thing, acts)| format!("{thing}: {}", acts.join(", "))).collect::<Vec<_>>().join("; ")
}

fn chosen(form: &Form) -> impl Iterator<Item = String> {
    form.0.iter().filter(|(name, word)| name == "scope" && scope::ALL.contains(&word.as_str())).map(|(_, word)| word.clone())
}

/// The id that the form drew for what it makes.
pub(super) fn intent(form: &Form) -> Option<Uuid> {
    form.get("intent").and_then(|text| Uuid::try_parse(text).ok())
}

/// What a form is told that comes a second time, as it does when the page that showed the secret is loaded again.
pub(super) fn sent_before(link: &str, link_text: &'static str) -> Problem {
    Problem::Conflict {
        title: "This form was sent before",
        detail:
            "What it asked for was made then, and its secret was shown then; nothing was made now. If the secret is lost, make another."
                .to_owned(),
        link: (link.to_owned(), link_text),
    }
}

/// `POST /keys`. Answers with the page that shows the secret, once. Sent twice, it is one key.
pub async fn create(State(state): State<AppState>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let intent = intent(&form).ok_or(Problem::Csrf)?;
    let name = form.get("name").filter(|name| name.chars().count() <= LONGEST_NAME);
    let scopes: Vec<String> = chosen(&form).collect();
    let (Some(name), false) = (name, scopes.is_empty()) else {
        let name_fault = name.is_none().then_some("Give the key a name of at most 100 characters.");
        let scope_fault = scopes.is_empty().then_some("Tick at least one right.");
        return shown(&state, &person, Shown { form, name_fault, scope_fault, ..Shown::default() }).await;
    };
    let key = api_key::generate(form.get("mode") != Some("test"));
    let grant = KeyGrant { name: name.to_owned(), scopes, expires_at: None };
    let mut tx = state.store.begin(person.tenant()).await?;
    if !api_key::create_once(&mut tx, person.tenant(), KeyId(intent), &key, &grant, &person.actor()).await? {
        return Err(sent_before("/keys", "See the keys"));
    }
    tx.commit().await?;
    shown(&state, &person, Shown { secret: Some(key.plain_text), ..Shown::default() }).await
}

#[derive(Template)]
#[template(path = "key_revoke.html")]
struct Ask {
    layout: Layout,
    id: KeyId,
    name: String,
    prefix: String,
    mode: &'static str,
    scopes: String,
    created: String,
}

/// `GET /keys/{id}/revoke`: whether they are sure, with what follows.
pub async fn ask(State(state): State<AppState>, person: Person, Path(id): Path<String>) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let row = known(&state, &person, &id).await?;
    if row.revoked_at.is_some() {
        return Ok(revoked(row.id));
    }
    let layout = Layout::of(&state, &person, Place::Keys, "Revoke a key").await?;
    problem::page(&Ask {
        layout,
        id: row.id,
        mode: if row.livemode { "live" } else { "test" },
        created: words::moment(row.created_at),
        scopes: rights(&row.scopes),
        name: row.name,
        prefix: row.prefix,
    })
}

/// `POST /keys/{id}/revoke`.
pub async fn revoke(State(state): State<AppState>, Path(id): Path<String>, Posted(person, _): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let id = known(&state, &person, &id).await?.id;
    let mut tx = state.store.begin(person.tenant()).await?;
    api_key::revoke(&mut tx, id, &person.actor()).await?;
    tx.commit().await?;
    Ok(revoked(id))
}

async fn known(state: &AppState, person: &Person, id: &str) -> Result<ApiKeyRow, Problem> {
    let id: KeyId = id.parse().map_err(|_| Problem::NotFound)?;
    list(state, person).await?.into_iter().find(|key| key.id == id).ok_or(Problem::NotFound)
}

fn revoked(id: KeyId) -> Response {
    Redirect::to(&format!("/keys?revoked={id}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_told_by_what_they_are_about() {
        let own = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        assert_eq!(rights(&own(&scope::ALL)), "everything");
        let some = own(&["evidence:read", "policy:read", "evidence:write"]);
        assert_eq!(rights(&some), "evidence: read, write; policy: read");
        assert_eq!(rights(&own(&["verifications:read"])), "verifications: read");
    }
}
