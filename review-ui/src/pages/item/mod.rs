//! One review: the evidence beside the claim, why a person is needed, and the form that settles it.

mod actions;
mod again;
mod answers;
mod aside;
mod ask;
mod card;
mod decide;
mod draft;
mod found;
mod look;
mod said;
mod standing;
mod time;
mod view;
mod viewer;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use domain::check::Check;
use domain::claim_type::{self, ClaimType};
use domain::id::ReviewId;
use domain::person::Right;
use domain::review::Part;
use domain::verdict::Verdict;
use domain::verification::Outcome;
use serde_json::Value;
use store::evidence::EvidenceRow;
use store::review::ReviewRow;
use store::verification::VerificationRow;
use store::{TenantTx, evidence, review, tenant, verification};

use crate::layout::{Layout, Place};
use crate::pages::arrange::Offer;
use crate::pages::evidence::Picture;
use crate::pages::opening;
use crate::pages::verification::is_blind;
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;

pub use actions::{beat, give_back, keep, take, take_over};
pub use again::again;
pub use aside::skip;
pub use ask::ask;
pub use decide::{LONGEST_NOTE, decide, input_of, read};
pub use said::{comment, resolve};
pub use standing::told;
pub use time::spend;

pub use self::look::Look;
use self::viewer::{Readings, Viewer};

/// A review with everything that its page shows.
pub struct Item {
    pub review: ReviewRow,
    pub verification: VerificationRow,
    pub evidence: Vec<EvidenceRow>,
    /// Whoever looks gives the second answer: what the machine made of it was taken out.
    pub blind: bool,
}

impl Item {
    /// Whether this person holds it now.
    pub fn is_held_by(&self, actor: &str, now: DateTime<Utc>) -> bool {
        let review = &self.review;
        let running = review.lease_expires_at.is_some_and(|until| until > now);
        review.status.is_open() && running && review.lease_holder.as_deref() == Some(actor)
    }

    /// What the machine made of it, whatever people said since.
    pub fn machine(&self) -> Option<&Outcome> {
        self.verification.provisional.as_ref()
    }

    /// What the machine said of each field.
    pub fn checks(&self) -> &[Check] {
        self.machine().map(|outcome| &outcome.checks[..]).unwrap_or_default()
    }

    /// As it is for whoever gives the second answer: without the machine's verdicts, its scores and its reasons. What it read, and where,
    /// stays. Done to the rows themselves, so that no template can show what is not there.
    fn blinded(mut self) -> Self {
        self.blind = true;
        self.review.blockers.clear();
        if let Some(outcome) = &mut self.verification.provisional {
            (outcome.verdict, outcome.confidence) = (Verdict::Insufficient, 0.0);
            outcome.blockers.clear();
            for check in &mut outcome.checks {
                (check.verdict, check.confidence) = (Verdict::Insufficient, 0.0);
                check.blockers.clear();
            }
        }
        self
    }

    /// The claim type under which it was accepted.
    pub fn claim_type(&self) -> Option<ClaimType> {
        claim_type::find_version(&self.verification.claim_type, self.verification.claim_type_version)
    }
}

/// Loads a review of the person's tenant.
pub async fn load(tx: &mut TenantTx, id: ReviewId) -> Result<Item, Problem> {
    let review = review::get(tx, id).await?.ok_or(Problem::NotFound)?;
    let verification = verification::get(tx, review.verification_id).await?.ok_or(Problem::NotFound)?;
    let evidence = evidence::get_many(tx, &verification.evidence_ids).await?;
    Ok(Item { review, verification, evidence, blind: false })
}

/// Loads a review as this person may see it.
pub async fn load_for(tx: &mut TenantTx, id: ReviewId, person: &Person) -> Result<Item, Problem> {
    let item = load(tx, id).await?;
    let second = item.review.part == Part::Second && item.review.status.is_open();
    let blind = second || item.review.wanted > 1 && is_blind(tx, item.verification.id, person).await?;
    Ok(if blind { item.blinded() } else { item })
}

/// `GET /reviews/{id}`. The holder gets the same lease back and what they had typed; looking renews it.
pub async fn page(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    Query(look): Query<Look>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let id: ReviewId = id.parse().map_err(|_| Problem::NotFound)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let row = review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    let holds = row.lease_holder.as_deref() == Some(&person.actor());
    if holds {
        let seconds = tenant::policy(&mut tx).await?.lease_seconds;
        review::renew(&mut tx, id, review::Proof::Holder(&person.actor()), row.lease_generation, seconds).await?;
    }
    let opened = opening::viewed(&mut tx, &person, &headers, id, row.verification_id).await?;
    if holds || opened {
        tx.commit().await?;
    }
    // The script changes the page that is looked at and leaves the form alone.
    if headers.get("hx-target").is_some_and(|target| target == "evidence") {
        return evidence_only(&state, &person, id, look).await;
    }
    shown(&state, &person, id, look, None, Vec::new()).await
}

/// `GET /reviews/{id}/after`: the open review after this one in the queue, for who looks through them; the queue itself at its end.
pub async fn after(State(state): State<AppState>, person: Person, Path(id): Path<String>) -> Result<Response, Problem> {
    beside(&state, &person, &id, true).await
}

/// `GET /reviews/{id}/before`.
pub async fn before(State(state): State<AppState>, person: Person, Path(id): Path<String>) -> Result<Response, Problem> {
    beside(&state, &person, &id, false).await
}

async fn beside(state: &AppState, person: &Person, id: &str, after: bool) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let id: ReviewId = id.parse().map_err(|_| Problem::NotFound)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    let found =
        if after { review::after(&mut tx, id, &person.actor()).await? } else { review::before(&mut tx, id, &person.actor()).await? };
    Ok(Redirect::to(&found.map_or_else(|| "/".to_owned(), |id| format!("/reviews/{id}"))).into_response())
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
    let item = load_for(&mut tx, id, person).await?;
    let typed = match typed {
        Some(typed) => Some(typed),
        None => review::draft(&mut tx, id, &person.actor()).await?,
    };
    let around = view::Around::load(&mut tx, &item, person).await?;
    let readings = Readings::locate(&mut tx, state, &item, item.checks(), &look).await?;
    drop(tx);
    let mine = item.is_held_by(&person.actor(), state.clock.now());
    let viewer = Viewer::load(state, &item, readings, look, mine).await?;
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let offer = Offer::load(state, person).await?;
    let page = view::page(state, person, layout, &item, &around, offer, viewer, typed.unwrap_or(Value::Null), faults);
    Ok((status, Html(page.render()?)).into_response())
}

#[derive(Template)]
#[template(path = "_evidence.html")]
struct Evidence {
    /// The key that shows and hides boxes.
    boxes_key: String,
    viewer: Viewer,
}

/// The evidence half of the page, by itself.
async fn evidence_only(state: &AppState, person: &Person, id: ReviewId, look: Look) -> Result<Response, Problem> {
    let mut tx = state.store.begin(person.tenant()).await?;
    let item = load_for(&mut tx, id, person).await?;
    let readings = Readings::locate(&mut tx, state, &item, item.checks(), &look).await?;
    drop(tx);
    let mine = item.is_held_by(&person.actor(), state.clock.now());
    let viewer = Viewer::load(state, &item, readings, look, mine).await?;
    let mut response = problem::page(&Evidence { boxes_key: person.shortcuts.hint("boxes").to_owned(), viewer })?;
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("HX-Target"));
    Ok(response)
}

/// The page that is shown first to whoever opens the review.
pub fn first_picture(state: &AppState, item: &Item) -> Option<Picture> {
    let (file, page) = viewer::looked_at(item, item.checks(), &Look::default())?;
    Some(Picture::of(&item.evidence[file], page, state))
}
