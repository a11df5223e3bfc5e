//! How a review changes hands: taken, kept, given back, taken over.

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::id::ReviewId;
use domain::person::Right;
use domain::review::ReviewStatus;
use serde_json::json;
use store::review::{self, ClaimOutcome, Proof};
use store::{TenantTx, tenant, user};

use super::draft::{self, generation, gone};
use super::standing::LeaseLine;
use super::time::spent_on;
use super::{Look, shown};
use crate::form::{Form, Posted};
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

/// Longest reason, in characters; as in the API.
const LONGEST_REASON: usize = 500;
/// The box for a lead's reason, and what the page is told that was typed there.
pub(super) const WHY_OVER: &str = "why-over";

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
    let reason = match reason(&form, "why", "Say why you take it over: it stands in the record") {
        Ok(reason) => reason,
        Err(fault) => {
            let typed = json!({ WHY_OVER: form.raw("why").unwrap_or_default() });
            return shown(&state, &person, id, Look::default(), Some(typed), vec![(WHY_OVER.to_owned(), fault)]).await;
        }
    };
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
        ClaimOutcome::NotOpen(status) => Err(closed(id, status)),
        ClaimOutcome::FourEyes => Err(four_eyes()),
        ClaimOutcome::NotFound => Err(Problem::NotFound),
    }
}

/// `POST /reviews/{id}/keep`: what was typed is kept and the lease renewed, without a script. Whoever wants to look at the evidence otherwise
/// says so in the address, and is led there.
pub async fn keep(
    State(state): State<AppState>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    Posted(person, form): Posted,
) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let look = query.map_or_else(|| Look::of(&form), |query| Look::read(&query));
    let mut tx = state.store.begin(person.tenant()).await?;
    if draft::sent(&mut tx, id, &person.actor(), &form).await?.is_none() {
        let problem = gone(&mut tx, id, &person.actor(), &form).await?;
        tx.commit().await?;
        return Err(problem);
    }
    tx.commit().await?;
    Ok(Redirect::to(&look.address(id)).into_response())
}

/// `POST /reviews/{id}/beat`: the open page says that somebody is there. Answers with the line that shows the time left.
pub async fn beat(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    let renewed = draft::renewed(&mut tx, id, &actor, &form).await?;
    if let Some(lease) = renewed {
        tx.commit().await?;
        return problem::page(&LeaseLine::of(id, Some(lease.until), state.clock.now(), lease.seconds));
    }
    let now = review::standing(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    let names = user::names_of(&mut tx, now.held.iter().map(|(holder, ..)| holder.as_str())).await?;
    let lease_seconds = tenant::policy(&mut tx).await?.lease_seconds;
    tx.commit().await?;
    problem::page(&LeaseLine::now(id, generation(&form), &actor, &now, lease_seconds, &names))
}

/// `POST /reviews/{id}/give-back`. What was typed is kept.
pub async fn give_back(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    spent_on(&mut tx, id, &actor, &form).await?;
    // One that is lost already is given back. Before the draft, as in a beat: the two may come at once and must not wait for each other.
    review::release(&mut tx, id, Proof::Holder(&actor), generation(&form), &actor).await?;
    draft::keep(&mut tx, id, &actor, &form).await?;
    tx.commit().await?;
    Ok(Redirect::to("/").into_response())
}

/// A reason, which is kept for ever; or what is wrong with it.
pub(super) fn reason<'a>(form: &'a Form, input: &str, missing: &str) -> Result<&'a str, String> {
    let reason = form.get(input).ok_or_else(|| missing.to_owned())?;
    if reason.chars().count() > LONGEST_REASON {
        return Err(format!("Say it in at most {LONGEST_REASON} characters"));
    }
    Ok(reason)
}

pub(super) fn parse(id: &str) -> Result<ReviewId, Problem> {
    id.parse().map_err(|_| Problem::NotFound)
}

/// Of who holds it no more: how it came to that, in a sentence or two.
pub(super) fn lost(id: ReviewId, how: &str) -> Problem {
    Problem::Conflict {
        title: "You do not hold this review any more",
        detail: format!("{how} Nothing was changed. What you typed is kept as a draft and is there when you take it again."),
        link: (format!("/reviews/{id}"), "Look at it"),
    }
}

/// Of who sends a decided form again, with something else in it.
pub(super) fn submitted(id: ReviewId) -> Problem {
    Problem::Conflict {
        title: "You have submitted this already",
        detail: "What you submitted first stands, and what you changed since was not taken. A lead can correct a decision afterwards."
            .to_owned(),
        link: (format!("/reviews/{id}"), "See what you submitted"),
    }
}

/// Two answers are two people's.
pub(super) fn four_eyes() -> Problem {
    Problem::Conflict {
        title: "Somebody else answers this one",
        detail:
            "You have answered this claim already. Another person gives the second answer, and another one decides where the two differ. \
                 Nothing was changed."
                .to_owned(),
        link: ("/".to_owned(), "Back to the queue"),
    }
}

pub(super) fn closed(id: ReviewId, status: ReviewStatus) -> Problem {
    ended(id, format!("This review is {}; nothing was changed.", status.as_str()))
}

/// The same for who was at work on it.
pub(super) fn closed_meanwhile(id: ReviewId, status: ReviewStatus) -> Problem {
    ended(id, format!("This review is {}; nothing was changed. What you had written is kept, and stands on its page.", status.as_str()))
}

fn ended(id: ReviewId, detail: String) -> Problem {
    Problem::Conflict { title: "It is settled", detail, link: (format!("/reviews/{id}"), "See how it ended") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_one_sentence_after_the_other() {
        let id = ReviewId::new();
        for problem in [
            lost(id, "Lea took it over."),
            submitted(id),
            four_eyes(),
            closed(id, ReviewStatus::Expired),
            closed_meanwhile(id, ReviewStatus::Decided),
        ] {
            let Problem::Conflict { title, detail, .. } = problem else { panic!("{problem:?}") };
            assert!(!title.contains("  ") && !detail.contains("  ") && detail.ends_with('.'), "{detail}");
        }
    }
}
