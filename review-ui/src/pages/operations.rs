//! How the tenant's work stands, for operators: what is under way, what waits, and where to look further.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::person::Right;
use store::review::{self, QueueCounts};
use store::verification::{self, StatusCount};

use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

#[derive(Template)]
#[template(path = "operations.html")]
struct Page {
    layout: Layout,
    statuses: Vec<Line>,
    reviews: QueueCounts,
    oldest_review: Option<String>,
    temporal: Option<String>,
}

struct Line {
    word: &'static str,
    title: String,
    count: i64,
    oldest: String,
    ended: bool,
}

/// `GET /operations`.
pub async fn page(State(state): State<AppState>, person: Person) -> Result<Response, Problem> {
    person.require(Right::Operate)?;
    let layout = Layout::of(&state, &person, Place::Operations, "Operations").await?;
    let now = state.clock.now();
    let mut tx = state.store.begin(person.tenant()).await?;
    let counts = verification::counts(&mut tx).await?;
    let reviews = review::counts(&mut tx, &person.actor()).await?;
    let first = review::queue(&mut tx, &review::QueueFilter { limit: 1, ..Default::default() }).await?;
    drop(tx);
    let line = |count: StatusCount| Line {
        word: count.status.as_str(),
        title: words::title(count.status.as_str()),
        ended: count.status.is_terminal(),
        oldest: if count.status.is_terminal() { String::new() } else { words::span(count.oldest, now) },
        count: count.count,
    };
    problem::page(&Page {
        layout,
        statuses: counts.into_iter().map(line).collect(),
        reviews,
        oldest_review: first.first().map(|item| words::span(item.created_at, now)),
        temporal: state.temporal_ui.clone(),
    })
}
