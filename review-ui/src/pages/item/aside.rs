//! `POST /reviews/{id}/skip`: put aside for oneself, for others or for a lead, with a word for whoever comes next. The lease is given back.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::person::Right;
use domain::queue::SkipTo;
use store::review::{self, NewSkip, Proof, SkipOutcome};

use super::Faults;
use super::actions::{parse, reason};
use super::draft::{faulty, generation, gone, keep, refused};
use super::time::spent_on;
use crate::form::{Form, Posted};
use crate::pages::arrange;
use crate::problem::Problem;
use crate::state::AppState;

/// The inputs: whose it is then, not before when, and why.
pub const TO: &str = "to";
pub const SPAN: &str = "span";
pub const WHY: &str = "why";
/// The id of the last one's box; the page has another part of that name.
pub const WHY_BOX: &str = "why-aside";

/// What the form says.
struct Wish<'a> {
    to: SkipTo,
    seconds: u32,
    note: &'a str,
}

pub async fn skip(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let Wish { to, seconds, note } = match read(&form)? {
        Ok(wish) => wish,
        Err(faults) => return faulty(&state, &person, id, &form, faults).await,
    };
    let actor = person.actor();
    let new = NewSkip { review_id: id, proof: Proof::Holder(&actor), generation: generation(&form), holder: &actor, to, seconds, note };
    let mut tx = state.store.begin(person.tenant()).await?;
    review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    spent_on(&mut tx, id, &actor, &form).await?;
    match review::skip(&mut tx, &new).await? {
        SkipOutcome::Skipped { .. } => {}
        SkipOutcome::Overdue => {
            drop(tx);
            let late = "Its promised time has passed, so it cannot wait: leave the time out, or decide it".to_owned();
            return faulty(&state, &person, id, &form, vec![(SPAN.to_owned(), late)]).await;
        }
        SkipOutcome::LeaseLost => {
            let problem = gone(&mut tx, id, &actor, &form).await?;
            return refused(tx, id, &actor, &form, problem).await;
        }
        SkipOutcome::NotFound => return Err(Problem::NotFound),
    }
    // Whoever takes it again has not put it aside again.
    keep(&mut tx, id, &actor, &form.without(&[TO, SPAN, WHY])).await?;
    tx.commit().await?;
    review::count_skip(id, to);
    Ok(Redirect::to("/").into_response())
}

fn read(form: &Form) -> Result<Result<Wish<'_>, Faults>, Problem> {
    let mut faults = Faults::new();
    let mut fault = |input: &str, text: String| faults.push((input.to_owned(), text));
    let to = form.get(TO).and_then(SkipTo::parse);
    if to.is_none() {
        fault(TO, "Say whose it is now: yours for later, somebody else's, or a lead's".to_owned());
    }
    let seconds = match form.get(SPAN).map(arrange::span).transpose() {
        Ok(seconds) => seconds.unwrap_or_default(),
        Err(Problem::Invalid(text)) => {
            fault(SPAN, text);
            0
        }
        Err(problem) => return Err(problem),
    };
    let note = reason(form, WHY, "Say why you put it aside: whoever comes next reads it");
    if let Err(text) = &note {
        fault(WHY_BOX, text.clone());
    }
    Ok(match (to, note) {
        (Some(to), Ok(note)) if faults.is_empty() => Ok(Wish { to, seconds, note }),
        _ => Err(faults),
    })
}
