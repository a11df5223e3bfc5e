//! What was typed on a review's page. Every form of the page that is sent keeps it, whatever becomes of the form, and it is there when the
//! page is opened again.

use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::id::ReviewId;
use serde_json::{Map, Value};
use store::review::{self, Proof, RenewOutcome};
use store::{TenantTx, tenant, user};

use super::actions::{closed_meanwhile, lost};
use super::look::{FIND, LOOK, PAGE};
use super::standing::how_lost;
use super::time::{TIMES, spent_on};
use super::{Faults, Look, shown};
use crate::form::Form;
use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;

/// The page has nothing new to keep. What another window sent meanwhile, or this one while it was left, stays.
const IDLE: &str = "idle";
/// Names of inputs that are no part of what a reviewer typed.
const NOT_TYPED: [&str; 10] = ["csrf", "generation", "decision_id", "then", "again", LOOK, FIND, PAGE, IDLE, TIMES];

/// A lease that was renewed just now.
pub struct Running {
    pub until: DateTime<Utc>,
    /// How long one lasts from the last sign of life.
    pub seconds: u64,
}

/// Keeps what was typed, and renews the lease if it is still the person's. None where it is lost.
pub async fn renewed(tx: &mut TenantTx, id: ReviewId, actor: &str, form: &Form) -> Result<Option<Running>, Problem> {
    let seconds = tenant::policy(tx).await?.lease_seconds;
    let outcome = review::renew(tx, id, Proof::Holder(actor), generation(form), seconds).await?;
    if outcome == RenewOutcome::NotFound {
        return Err(Problem::NotFound);
    }
    keep(tx, id, actor, form).await?;
    Ok(match outcome {
        RenewOutcome::Held { until } => Some(Running { until, seconds }),
        RenewOutcome::LeaseLost | RenewOutcome::NotFound => None,
    })
}

/// The same for a form that ends the page, so that it brings along what is not reported yet of the time spent.
pub async fn sent(tx: &mut TenantTx, id: ReviewId, actor: &str, form: &Form) -> Result<Option<Running>, Problem> {
    spent_on(tx, id, actor, form).await?;
    renewed(tx, id, actor, form).await
}

/// The page once more, with what is wrong beside what was typed. Whoever reads that has time to mend it: the lease begins anew.
pub async fn faulty(state: &AppState, person: &Person, id: ReviewId, form: &Form, faults: Faults) -> Result<Response, Problem> {
    let mut tx = state.store.begin(person.tenant()).await?;
    let held = sent(&mut tx, id, &person.actor(), form).await?.is_some();
    if !held {
        let problem = gone(&mut tx, id, &person.actor(), form).await?;
        tx.commit().await?;
        return Err(problem);
    }
    tx.commit().await?;
    shown(state, person, id, Look::of(form), Some(typed(form)), faults).await
}

/// Nothing is done, and what was typed is kept.
pub async fn refused(mut tx: TenantTx, id: ReviewId, actor: &str, form: &Form, problem: Problem) -> Result<Response, Problem> {
    keep(&mut tx, id, actor, form).await?;
    tx.commit().await?;
    Err(problem)
}

/// Why who made the form has the review no more.
pub async fn gone(tx: &mut TenantTx, id: ReviewId, actor: &str, form: &Form) -> Result<Problem, Problem> {
    let now = review::standing(tx, id).await?.ok_or(Problem::NotFound)?;
    if !now.status.is_open() {
        return Ok(closed_meanwhile(id, now.status));
    }
    let names = user::names_of(tx, now.held.iter().map(|(holder, ..)| holder.as_str())).await?;
    Ok(lost(id, &how_lost(generation(form), actor, &now, &names)))
}

/// Keeps what was typed, if anything was.
pub async fn keep(tx: &mut TenantTx, id: ReviewId, actor: &str, form: &Form) -> Result<(), Problem> {
    if form.raw(IDLE).is_some() {
        return Ok(());
    }
    let typed = typed(form);
    // The whole form says by being empty that everything was taken back.
    if form.get("generation").is_some() || typed.as_object().is_some_and(|typed| !typed.is_empty()) {
        review::keep_draft(tx, id, actor, &typed).await?;
    }
    Ok(())
}

/// What a reviewer typed, by the names of the inputs.
pub fn typed(form: &Form) -> Value {
    // A found value that was emptied says something: the evidence shows none.
    let says = |name: &str, value: &str| !value.trim().is_empty() || name.starts_with("found.");
    let typed = form.0.iter().filter(|(name, value)| !NOT_TYPED.contains(&name.as_str()) && says(name, value));
    Value::Object(typed.map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect::<Map<_, _>>())
}

/// Of the lease under which the form was made; 0, which no lease has, when it does not say.
pub fn generation(form: &Form) -> i64 {
    form.get("generation").and_then(|text| text.parse().ok()).unwrap_or_default()
}
