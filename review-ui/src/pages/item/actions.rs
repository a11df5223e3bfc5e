//! What can be done with a review beside deciding it: take, keep, give back, put aside, take over, ask for evidence.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use domain::id::ReviewId;
use domain::person::Right;
use domain::queue::SkipTo;
use domain::review::EvidenceRequest;
use serde_json::{Map, Value};
use store::review::{self, ClaimOutcome, DecideOutcome, NewRequest, NewSkip, Proof, RenewOutcome, SkipOutcome};
use store::{TenantTx, tenant, user};

use super::standing::LeaseLine;
use super::time::TIMES;
use crate::form::{Form, Posted};
use crate::pages::arrange;
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

/// Names of inputs that are no part of what a reviewer typed.
const NOT_TYPED: [&str; 10] = ["csrf", "generation", "decision_id", "then", "why", "to", "span", "wanted", "again", TIMES];
/// Longest reason, in characters; as in the API.
const LONGEST_REASON: usize = 500;
/// Longest request for evidence, in characters; as in the API.
const LONGEST_REQUEST: usize = 2_000;

/// `POST /reviews/{id}/take`.
pub async fn take(State(state): State<AppState>, Path(id): Path<String>, Posted(person, _): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let seconds = tenant::policy(&mut tx).await?.lease_seconds;
    let outcome = review::claim(&mut tx, id, &person.actor(), seconds).await?;
    if let ClaimOutcome::Leased(_) = outcome {
        let handed_on = review::get(&mut tx, id).await?.is_some_and(|row| row.escalated_by.is_some());
        if handed_on && !person.may(Right::TakeOver) {
            // Nothing is committed, so nothing was taken.
            return Err(Problem::Conflict {
                title: "This one is for a lead",
                detail: "A reviewer handed it on, so a lead takes it from here.".to_owned(),
                link: ("/".to_owned(), "Back to the queue"),
            });
        }
    }
    taken(tx, id, outcome).await
}

/// `POST /reviews/{id}/take-over`: a lead takes it from whoever has it, and says why.
pub async fn take_over(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::TakeOver)?;
    let id = parse(&id)?;
    let reason = why(&form, "Say why you take it over: it stands in the record.")?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let seconds = tenant::policy(&mut tx).await?.lease_seconds;
    let outcome = review::take_over(&mut tx, id, &person.actor(), reason, seconds).await?;
    taken(tx, id, outcome).await
}

async fn taken(tx: TenantTx, id: ReviewId, outcome: ClaimOutcome) -> Result<Response, Problem> {
    let back = (format!("/reviews/{id}"), "Look at it");
    match outcome {
        // Held by the person already: the page gives it back to them.
        ClaimOutcome::Leased(_) | ClaimOutcome::Held { by_me: true, .. } => {
            tx.commit().await?;
            Ok(Redirect::to(&back.0).into_response())
        }
        ClaimOutcome::Held { until, .. } => Err(Problem::Conflict {
            title: "Somebody else has it",
            detail: format!("It was taken a moment ago, and is theirs until {} unless they go on with it.", words::moment(until)),
            link: ("/".to_owned(), "Back to the queue"),
        }),
        ClaimOutcome::NotOpen(status) => Err(closed(id, status.as_str())),
        ClaimOutcome::FourEyes => Err(four_eyes()),
        ClaimOutcome::NotFound => Err(Problem::NotFound),
    }
}

/// `POST /reviews/{id}/keep`: what was typed is kept and the lease renewed, without a script.
pub async fn keep(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    match renewed(&state, &person, id, &form).await? {
        Some(_) => Ok(Redirect::to(&format!("/reviews/{id}")).into_response()),
        None => Err(lost(id)),
    }
}

/// `POST /reviews/{id}/beat`: the open page says that somebody is there. Answers with the line that shows the time left.
pub async fn beat(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    if let Some(until) = renewed(&state, &person, id, &form).await? {
        return problem::page(&LeaseLine::of(id, Some(until), state.clock.now()));
    }
    let mut tx = state.store.begin(person.tenant()).await?;
    let now = review::standing(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    let names = user::names_of(&mut tx, now.held.iter().map(|(holder, ..)| holder.as_str())).await?;
    problem::page(&LeaseLine::now(id, generation(&form), &person.actor(), &now, &names))
}

/// `POST /reviews/{id}/give-back`. What was typed is kept.
pub async fn give_back(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    keep_draft(&mut tx, id, &actor, &form).await?;
    // One that is lost already is given back.
    review::release(&mut tx, id, Proof::Holder(&actor), generation(&form), &actor).await?;
    tx.commit().await?;
    Ok(Redirect::to("/").into_response())
}

/// `POST /reviews/{id}/skip`: put aside for oneself, for others or for a lead, with a word for whoever comes next. The lease is given back.
pub async fn skip(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let note = why(&form, "Say why you put it aside: whoever comes next reads it.")?;
    let to = form.get("to").and_then(SkipTo::parse);
    let to = to.ok_or_else(|| {
        Problem::Invalid("Say whose it is now: yours for later, somebody else's, or a lead's. Go back and choose.".to_owned())
    })?;
    let seconds = form.get("span").map(arrange::span).transpose()?.unwrap_or_default();
    let actor = person.actor();
    let new = NewSkip { review_id: id, proof: Proof::Holder(&actor), generation: generation(&form), holder: &actor, to, seconds, note };
    let mut tx = state.store.begin(person.tenant()).await?;
    review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    keep_draft(&mut tx, id, &actor, &form).await?;
    let outcome = review::skip(&mut tx, &new).await?;
    tx.commit().await?;
    match outcome {
        SkipOutcome::Skipped { .. } => {
            review::count_skip(id, to);
            Ok(Redirect::to("/").into_response())
        }
        SkipOutcome::Overdue => Err(Problem::Conflict {
            title: "It cannot wait",
            detail: "Its promised time has passed, so it is put aside for no time at all. Leave the time out, or decide it.".to_owned(),
            link: (format!("/reviews/{id}"), "Back to the review"),
        }),
        SkipOutcome::LeaseLost => Err(lost(id)),
        SkipOutcome::NotFound => Err(Problem::NotFound),
    }
}

/// `POST /reviews/{id}/ask`: more evidence is wanted. The review ends, and the verification shows the client what is missing.
pub async fn ask(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let text =
        form.get("wanted").ok_or_else(|| Problem::Invalid("Say what you need to see: whoever sent the claim reads it.".to_owned()))?;
    if text.chars().count() > LONGEST_REQUEST {
        return Err(Problem::Invalid(format!("Say it in at most {LONGEST_REQUEST} characters. Go back and shorten it.")));
    }
    let actor = person.actor();
    let request = EvidenceRequest { text: text.to_owned(), fields: Vec::new() };
    let new = NewRequest { review_id: id, proof: Proof::Holder(&actor), generation: generation(&form), holder: &actor, request: &request };
    let mut tx = state.store.begin(person.tenant()).await?;
    review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    keep_draft(&mut tx, id, &actor, &form).await?;
    match review::ask(&mut tx, &new).await? {
        DecideOutcome::Recorded | DecideOutcome::Answered { .. } | DecideOutcome::AlreadyRecorded => {}
        DecideOutcome::FourEyes => return Err(four_eyes()),
        DecideOutcome::LeaseLost => {
            tx.commit().await?;
            return Err(lost(id));
        }
        DecideOutcome::NotOpen(status) => return Err(closed(id, status.as_str())),
        DecideOutcome::NotFound => return Err(Problem::NotFound),
    }
    let of = review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?.verification_id;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/verifications/{of}")).into_response())
}

/// A reason, which the audit chain keeps for ever.
fn why<'a>(form: &'a Form, missing: &str) -> Result<&'a str, Problem> {
    let reason = form.get("why").ok_or_else(|| Problem::Invalid(missing.to_owned()))?;
    if reason.chars().count() > LONGEST_REASON {
        return Err(Problem::Invalid(format!("Say it in at most {LONGEST_REASON} characters. Go back and shorten it.")));
    }
    Ok(reason)
}

/// Keeps what was typed, and renews the lease if it is still the person's. Until when, or that it is lost.
pub(super) async fn renewed(state: &AppState, person: &Person, id: ReviewId, form: &Form) -> Result<Option<DateTime<Utc>>, Problem> {
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    let seconds = tenant::policy(&mut tx).await?.lease_seconds;
    let outcome = review::renew(&mut tx, id, Proof::Holder(&actor), generation(form), seconds).await?;
    if outcome == RenewOutcome::NotFound {
        return Err(Problem::NotFound);
    }
    keep_draft(&mut tx, id, &actor, form).await?;
    tx.commit().await?;
    Ok(match outcome {
        RenewOutcome::Held { until } => Some(until),
        RenewOutcome::LeaseLost | RenewOutcome::NotFound => None,
    })
}

/// Keeps what was typed, if anything was.
pub(super) async fn keep_draft(tx: &mut TenantTx, id: ReviewId, actor: &str, form: &Form) -> Result<(), Problem> {
    let typed = typed(form);
    // The whole form says by being empty that everything was taken back.
    if form.get("generation").is_some() || typed.as_object().is_some_and(|typed| !typed.is_empty()) {
        review::keep_draft(tx, id, actor, &typed).await?;
    }
    Ok(())
}

/// What a reviewer typed, by the names of the inputs.
pub(super) fn typed(form: &Form) -> Value {
    // A found value that was emptied says something: the evidence shows none.
    let says = |name: &str, value: &str| !value.trim().is_empty() || name.starts_with("found.");
    let typed = form.0.iter().filter(|(name, value)| !NOT_TYPED.contains(&name.as_str()) && says(name, value));
    Value::Object(typed.map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect::<Map<_, _>>())
}

/// Of the lease under which the form was made; 0, which no lease has, when it does not say.
pub(super) fn generation(form: &Form) -> i64 {
    form.get("generation").and_then(|text| text.parse().ok()).unwrap_or_default()
}

pub(super) fn parse(id: &str) -> Result<ReviewId, Problem> {
    id.parse().map_err(|_| Problem::NotFound)
}

pub(super) fn lost(id: ReviewId) -> Problem {
    Problem::Conflict {
        title: "Your lease has run out",
        detail: "It was not renewed in time, or a lead has taken the review over. What you typed is kept as a draft and is there when you take it again.".to_owned(),
        link: (format!("/reviews/{id}"), "Look at it"),
    }
}

/// Two answers are two people's.
pub(super) fn four_eyes() -> Problem {
    Problem::Conflict {
        title: "Somebody else answers this one",
        detail: "You have answered in this round of review. The second answer and the settling of a disagreement are other people's, so that four                  eyes are two people's; nothing was changed."
            .to_owned(),
        link: ("/".to_owned(), "Back to the queue"),
    }
}

pub(super) fn closed(id: ReviewId, status: &str) -> Problem {
    Problem::Conflict {
        title: "It is settled",
        detail: format!("This review is {status}; nothing was changed."),
        link: (format!("/reviews/{id}"), "See how it ended"),
    }
}
