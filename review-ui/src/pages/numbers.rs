//! `GET /me/numbers`: a person's own figures, which they see before anybody else does.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::claim_type;
use domain::measure::{EVIDENCE, FEWEST, OVERALL, Work};
use domain::person::Right;
use store::figures::{self, MOST_ANSWERS, PlaceRow};
use store::review;

use super::measured::{Machine, Shown, SpanLink, Wish, duration, spans};
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

#[derive(Template)]
#[template(path = "numbers.html")]
struct Page {
    layout: Layout,
    spans: Vec<SpanLink>,
    all: Shown,
    nothing: bool,
    types: Vec<(String, Shown)>,
    places: Vec<Line>,
    machine: Machine,
    cut: bool,
    /// How often they put a review aside.
    skipped: u64,
}

/// Where time went.
struct Line {
    place: String,
    reviews: i64,
    /// For each review.
    active: String,
    open: String,
}

pub async fn page(State(state): State<AppState>, person: Person, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let span = wish.span();
    let since = span.since(state.clock.now());
    let layout = Layout::of(&state, &person, Place::Me, "My numbers").await?;
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    let rows = figures::of_person(&mut tx, &actor, since).await?;
    let places = figures::of_places(&mut tx, &actor, since).await?;
    let machine = figures::of_machine(&mut tx, since).await?;
    let skipped = review::skips(&mut tx, since).await?.get(&actor).copied().unwrap_or_default();
    drop(tx);
    let all = rows.iter().fold(Work::default(), |sum, row| sum.with(&row.work));
    problem::page(&Page {
        layout,
        spans: spans(span),
        skipped,
        nothing: all.answers == 0,
        cut: all.answers >= MOST_ANSWERS.unsigned_abs(),
        all: Shown::own(&all.figures()),
        types: rows.into_iter().map(|row| (title(&row.claim_type), Shown::own(&row.work.figures()))).collect(),
        places: places.iter().filter(|place| place.reviews >= FEWEST as i64).map(line).collect(),
        machine: Machine::of(&machine),
    })
}

fn title(name: &str) -> String {
    claim_type::find(name).map_or_else(|| words::title(name), |known| known.title)
}

fn line(row: &PlaceRow) -> Line {
    let each = |ms: i64| duration(ms as f64 / row.reviews.max(1) as f64);
    let place = match row.place.as_str() {
        OVERALL => "On the whole".to_owned(),
        EVIDENCE => "The evidence".to_owned(),
        field => words::title(field),
    };
    Line { place, reviews: row.reviews, active: each(row.active), open: each(row.open) }
}
