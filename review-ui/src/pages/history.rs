//! All that was said and all that happened with one verification, page by page from the end: for what does not fit beside its result.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::id::{CommentId, VerificationId};
use domain::person::Right;
use serde::Deserialize;
use store::comment::{self, CommentRow};
use store::event::{self, EventRow};
use store::{user, verification};

use super::verification::{Comment, Step, parse};
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;

/// Steps on a page.
pub const STEPS: i64 = 200;

/// Where the page ends.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    /// The first step, or the first comment, of the page before.
    #[serde(default)]
    before: String,
}

/// Whether there is more than a page beside the result shows.
#[derive(Debug, Clone, Copy)]
pub struct Earlier {
    pub comments: bool,
    pub steps: bool,
}

impl Earlier {
    pub fn of(comments: &[CommentRow], steps: &[EventRow]) -> Self {
        Self { comments: comments.len() as i64 == comment::SHOWN, steps: steps.first().is_some_and(|first| first.sequence > 1) }
    }
}

#[derive(Template)]
#[template(path = "history.html")]
struct Page {
    layout: Layout,
    title: &'static str,
    id: VerificationId,
    comments: Vec<Comment>,
    steps: Vec<Step>,
    /// The page of what was earlier.
    earlier: Option<String>,
    /// Whether this is not the end.
    later: bool,
    /// Without the end of it that chooses a page.
    address: String,
}

/// `GET /verifications/{id}/steps`.
pub async fn steps(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let id = parse(&id)?;
    let before = wish.before.parse::<i64>().ok();
    let layout = Layout::of(&state, &person, Place::Verifications, "What happened").await?;
    let mut tx = state.store.begin(person.tenant()).await?;
    verification::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    let rows = event::before(&mut tx, id, before, STEPS).await?;
    let names = user::names_of(&mut tx, rows.iter().map(|row| row.actor.as_str())).await?;
    drop(tx);
    let address = format!("/verifications/{id}/steps");
    // Numbers are from 1 and without gaps.
    let earlier = rows.first().filter(|first| first.sequence > 1).map(|first| format!("{address}?before={}", first.sequence));
    problem::page(&Page {
        layout,
        title: "What happened",
        id,
        comments: Vec::new(),
        steps: rows.iter().map(|row| Step::of(row, &names)).collect(),
        earlier,
        later: before.is_some(),
        address,
    })
}

/// `GET /verifications/{id}/comments`.
pub async fn comments(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let id = parse(&id)?;
    let before = wish.before.parse::<CommentId>().ok();
    let layout = Layout::of(&state, &person, Place::Verifications, "Comments").await?;
    let mut tx = state.store.begin(person.tenant()).await?;
    verification::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    let rows = comment::before(&mut tx, id, &person.actor(), before).await?;
    let names = user::names_of(&mut tx, rows.iter().map(|row| row.author.as_str())).await?;
    drop(tx);
    let address = format!("/verifications/{id}/comments");
    let full = rows.len() as i64 == comment::SHOWN;
    problem::page(&Page {
        layout,
        title: "Comments",
        id,
        earlier: rows.first().filter(|_| full).map(|first| format!("{address}?before={}", first.id)),
        comments: rows.iter().map(|row| Comment::of(row, &names)).collect(),
        steps: Vec::new(),
        later: before.is_some(),
        address,
    })
}
