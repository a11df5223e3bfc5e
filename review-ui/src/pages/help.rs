//! Help: how the desk works, every key, and the form in which a person chooses their own.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::user;

use crate::form::{Form, Posted};
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::shortcuts::{ACTS, Act, FIXED, Shortcuts};
use crate::state::AppState;

/// Set after the form was taken.
#[derive(Default, Deserialize)]
pub struct Wish {
    #[serde(default)]
    saved: String,
}

#[derive(Template)]
#[template(path = "help.html")]
struct Page {
    layout: Layout,
    lines: Vec<Line>,
    fixed: &'static [Act],
    off: bool,
    saved: bool,
    faulty: bool,
}

/// What lies over a page when somebody asks for the keys.
#[derive(Template)]
#[template(path = "_keys.html")]
struct Keys {
    lines: Vec<Line>,
    fixed: &'static [Act],
    off: bool,
}

struct Line {
    name: &'static str,
    key: String,
    does: &'static str,
    at: &'static str,
    fault: Option<String>,
}

/// `GET /help`.
pub async fn page(State(state): State<AppState>, person: Person, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    let layout = Layout::of(&state, &person, Place::Help, "Help").await?;
    let shortcuts = &person.shortcuts;
    let lines = lines(|act| shortcuts.key(act.name).to_owned(), &mut BTreeMap::new());
    problem::page(&Page { layout, lines, fixed: &FIXED, off: shortcuts.off, saved: !wish.saved.is_empty(), faulty: false })
}

/// `GET /help/keys`: the list alone, for the pages.
pub async fn keys(person: Person) -> Result<Response, Problem> {
    let shortcuts = &person.shortcuts;
    let lines = lines(|act| shortcuts.key(act.name).to_owned(), &mut BTreeMap::new());
    problem::page(&Keys { lines, fixed: &FIXED, off: shortcuts.off })
}

/// `POST /help`: keeps the keys with the person, so that they are the same at every desk; or goes back to those that everybody begins with.
pub async fn save(State(state): State<AppState>, Posted(person, form): Posted) -> Result<Response, Problem> {
    let chosen = if form.get("reset").is_some() { Ok(Shortcuts::default()) } else { Shortcuts::read(&form) };
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(faults) => return refused(&state, &person, &form, faults).await,
    };
    let mut tx = state.store.begin_relay().await?;
    user::set_desk_keys(&mut tx, person.member.user_id, chosen.kept()).await?;
    tx.commit().await?;
    Ok(Redirect::to("/help?saved=1").into_response())
}

async fn refused(state: &AppState, person: &Person, form: &Form, mut faults: BTreeMap<&'static str, String>) -> Result<Response, Problem> {
    let layout = Layout::of(state, person, Place::Help, "Help").await?;
    let typed = |act: &Act| form.get(&format!("key.{}", act.name)).unwrap_or_default().to_owned();
    let lines = lines(typed, &mut faults);
    let page = Page { layout, lines, fixed: &FIXED, off: form.get("off").is_some(), saved: false, faulty: true };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
}

fn lines(key: impl Fn(&Act) -> String, faults: &mut BTreeMap<&'static str, String>) -> Vec<Line> {
    let line = |act: &Act| Line { name: act.name, key: key(act), does: act.does, at: act.at, fault: faults.remove(act.name) };
    ACTS.iter().map(line).collect()
}
