//! `GET /queue/ahead`: the images that whoever takes the next review will see first. Nothing is leased by it, and nothing is promised.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::person::Right;
use serde_json::json;
use store::review::{self, QueueFilter};

use super::{item, opening};
use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;

/// How far down the queue is looked for one that nobody has: with more reviewers than this it may be missed, which costs a moment.
const LOOKED_AT: i64 = 10;

pub async fn ahead(State(state): State<AppState>, person: Person) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let filter = QueueFilter { viewer: Some(person.actor()), limit: LOOKED_AT, ..QueueFilter::default() };
    let free = review::queue(&mut tx, &filter).await?.into_iter().find(|waiting| waiting.held.is_none());
    let next = match free {
        Some(free) => Some(item::load_for(&mut tx, free.id, &person).await?),
        None => None,
    };
    drop(tx);
    let picture = next.as_ref().and_then(|next| item::first_picture(&state, next));
    // The image itself is fetched ahead too, and says nothing new.
    if let Some(next) = next.as_ref().filter(|_| picture.is_some()) {
        opening::ahead(&state, &person, next.review.id, next.verification.id).await?;
    }
    let images: Vec<String> = picture.map(|picture| picture.medium).into_iter().collect();
    Ok(([(header::CONTENT_TYPE, "application/json")], json!({ "images": images }).to_string()).into_response())
}
