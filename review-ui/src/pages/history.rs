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

use super::verification::{Comment, Step, is_blind, parse};
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
        // Numbers are from 1 and without gaps.
        Self { comments: comments.len() as i64 == comment::SHOWN, steps: steps.first().is_some_and(|first| first.sequence > 1) }
    }
}

#[derive(Template)]
#[template(path = "history.html")]
struct Page {
    layout: Layout,
    title: &'static str,
    id: VerificationId,
    /// Where the fields are that comments are about.
    place: String,
    comments: Vec<Comment>,
    steps: Vec<Step>,
    /// The page of what was earlier.
    earlier: Option<String>,
    /// Whether this is not the end.
    later: bool,
    /// Without the end of it that chooses a page.
    address: String,
}

/// Which of the two is listed.
#[derive(Clone, Copy)]
enum List {
    Comments,
    Steps,
}

/// `GET /verifications/{id}/comments`.
pub async fn comments(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Result<Response, Problem> {
    page(&state, &person, &id, &wish, List::Comments).await
}

/// `GET /verifications/{id}/steps`.
pub async fn steps(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Result<Response, Problem> {
    page(&state, &person, &id, &wish, List::Steps).await
}

async fn page(state: &AppState, person: &Person, id: &str, wish: &Wish, list: List) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let id = parse(id)?;
    let (title, word) = match list {
        List::Comments => ("Comments", "comments"),
        List::Steps => ("What happened", "steps"),
    };
    let layout = Layout::of(state, person, Place::Verifications, title).await?;
    let mut tx = state.store.begin(person.tenant()).await?;
    verification::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    let (comments, steps, later) = match list {
        List::Comments => {
            let before = wish.before.parse::<CommentId>().ok();
            (comment::before(&mut tx, id, &person.actor(), before).await?, Vec::new(), before.is_some())
        }
        List::Steps => {
            let before = wish.before.parse::<i64>().ok();
            let blind = is_blind(&mut tx, id, person).await?;
            let rows = event::before(&mut tx, id, before, STEPS).await?;
            (Vec::new(), rows.into_iter().map(|row| if blind { row.blinded() } else { row }).collect(), before.is_some())
        }
    };
    let actors = comments.iter().map(|row| &row.author).chain(steps.iter().map(|row| &row.actor));
    let names = user::names_of(&mut tx, actors.map(String::as_str)).await?;
    drop(tx);
    let earlier = Earlier::of(&comments, &steps);
    let comment = comments.first().filter(|_| earlier.comments).map(|row| row.id.to_string());
    let first = comment.or_else(|| steps.first().filter(|_| earlier.steps).map(|row| row.sequence.to_string()));
    let address = format!("/verifications/{id}/{word}");
    problem::page(&Page {
        layout,
        title,
        id,
        place: format!("/verifications/{id}"),
        comments: comments.iter().map(|row| Comment::of(row, &names)).collect(),
        steps: Step::all(&steps, &names),
        earlier: first.map(|first| format!("{address}?before={first}")),
        later,
        address,
    })
}
