//! One review: the evidence beside the claim, why a person is needed, and the form that settles it.

mod actions;
mod decide;
mod view;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use domain::id::ReviewId;
use domain::person::Right;
use serde::Deserialize;
use serde_json::Value;
use store::evidence::EvidenceRow;
use store::review::ReviewRow;
use store::verification::VerificationRow;
use store::{TenantTx, evidence, review, tenant, verification};

use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;

pub use actions::{ask, beat, escalate, give_back, keep, take, take_over};
pub use decide::decide;

/// Which page of the evidence is looked at.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub struct Look {
    /// Which file, from 1.
    #[serde(default)]
    file: usize,
    /// Which page of it, from 1.
    #[serde(default)]
    page: u32,
}

/// A review with everything that its page shows.
pub struct Item {
    pub review: ReviewRow,
    pub verification: VerificationRow,
    pub evidence: Vec<EvidenceRow>,
}

/// Loads a review of the person's tenant.
pub async fn load(tx: &mut TenantTx, id: ReviewId) -> Result<Item, Problem> {
    let review = review::get(tx, id).await?.ok_or(Problem::NotFound)?;
    let verification = verification::get(tx, review.verification_id).await?.ok_or(Problem::NotFound)?;
    let evidence = evidence::get_many(tx, &verification.evidence_ids).await?;
    Ok(Item { review, verification, evidence })
}

/// `GET /reviews/{id}`. The holder gets the same lease back and what they had typed; looking renews it.
pub async fn page(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    Query(look): Query<Look>,
) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let id: ReviewId = id.parse().map_err(|_| Problem::NotFound)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let row = review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    if row.lease_holder.as_deref() == Some(&person.actor()) {
        let seconds = tenant::policy(&mut tx).await?.lease_seconds;
        review::renew(&mut tx, id, review::Proof::Holder(&person.actor()), row.lease_generation, seconds).await?;
        tx.commit().await?;
    }
    shown(&state, &person, id, look, None, Vec::new()).await
}

/// What is wrong with a form: the field's name in the form, and a sentence.
pub type Faults = Vec<(String, String)>;

/// The page, with what was typed and what is wrong with it.
pub async fn shown(
    state: &AppState,
    person: &Person,
    id: ReviewId,
    look: Look,
    typed: Option<Value>,
    faults: Faults,
) -> Result<Response, Problem> {
    let layout = Layout::of(state, person, Place::Queue, "Review").await?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let item = load(&mut tx, id).await?;
    let typed = match typed {
        Some(typed) => Some(typed),
        None => review::draft(&mut tx, id, &person.actor()).await?,
    };
    let around = view::Around::load(&mut tx, &item).await?;
    drop(tx);
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = view::page(state, person, layout, &item, &around, look, typed.unwrap_or(Value::Null), faults);
    Ok((status, Html(askama::Template::render(&page)?)).into_response())
}
