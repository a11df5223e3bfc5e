//! `POST /reviews/{id}/comments` and `/reviews/{id}/comments/{comment}/resolve`: what a holder says to colleagues in the midst of a review.
//! Both are buttons of the decision's form, so that they keep what was typed of it.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::id::{CommentId, ReviewId};
use domain::person::Right;
use store::{comment as comments, review};

use super::actions::parse;
use super::draft::{faulty, sent};
use super::{Look, load};
use crate::form::{Form, Posted};
use crate::pages::verification::LONGEST_COMMENT;
use crate::problem::Problem;
use crate::state::AppState;

/// The inputs: what is said, and of which field.
pub const COMMENT: &str = "comment";
pub const ABOUT: &str = "field";

pub async fn comment(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    person.require(Right::Submit)?;
    let id = parse(&id)?;
    let fault = match form.get(COMMENT) {
        None => Some("The comment is empty".to_owned()),
        Some(body) if body.chars().count() > LONGEST_COMMENT => Some(format!("At most {LONGEST_COMMENT} characters")),
        Some(_) => None,
    };
    if let Some(fault) = fault {
        return faulty(&state, &person, id, &form, vec![(COMMENT.to_owned(), fault)]).await;
    }
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    let item = load(&mut tx, id).await?;
    let about = form.get(ABOUT).filter(|field| item.verification.claim.get(field).is_some());
    // Whoever lost the review may still say something of it.
    sent(&mut tx, id, &actor, &form.without(&[COMMENT, ABOUT])).await?;
    comments::add(&mut tx, item.verification.id, about, &actor, form.get(COMMENT).unwrap_or_default()).await?;
    tx.commit().await?;
    Ok(back(id, &form))
}

pub async fn resolve(
    State(state): State<AppState>,
    Path((id, comment)): Path<(String, String)>,
    Posted(person, form): Posted,
) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    person.require(Right::Submit)?;
    let id = parse(&id)?;
    let comment: CommentId = comment.parse().map_err(|_| Problem::NotFound)?;
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    let of = review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?.verification_id;
    sent(&mut tx, id, &actor, &form).await?;
    comments::resolve(&mut tx, of, comment, &actor).await?;
    tx.commit().await?;
    Ok(back(id, &form))
}

fn back(id: ReviewId, form: &Form) -> Response {
    Redirect::to(&Look::of(form).way(id).to("comments").to_string()).into_response()
}
