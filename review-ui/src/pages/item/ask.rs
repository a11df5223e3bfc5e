//! `POST /reviews/{id}/ask`: more evidence is wanted. The review ends, and the verification shows the client what is missing.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::person::Right;
use domain::review::EvidenceRequest;
use store::review::{self, DecideOutcome, NewRequest, Proof};

use super::actions::{closed_meanwhile, four_eyes, parse};
use super::draft::{faulty, generation, gone, keep, refused};
use super::time::spent_on;
use crate::form::Posted;
use crate::problem::Problem;
use crate::state::AppState;

/// The input with what is wanted.
pub const WANTED: &str = "wanted";
/// Longest request for evidence, in characters; as in the API.
const LONGEST_REQUEST: usize = 2_000;

pub async fn ask(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let fault = match form.get(WANTED) {
        None => Some("Say what you need to see: whoever sent the claim reads it".to_owned()),
        Some(text) if text.chars().count() > LONGEST_REQUEST => Some(format!("Say it in at most {LONGEST_REQUEST} characters")),
        Some(_) => None,
    };
    if let Some(fault) = fault {
        return faulty(&state, &person, id, &form, vec![(WANTED.to_owned(), fault)]).await;
    }
    let actor = person.actor();
    let request = EvidenceRequest { text: form.get(WANTED).unwrap_or_default().to_owned(), fields: Vec::new() };
    let new = NewRequest { review_id: id, proof: Proof::Holder(&actor), generation: generation(&form), holder: &actor, request: &request };
    let mut tx = state.store.begin(person.tenant()).await?;
    let of = review::get(&mut tx, id).await?.ok_or(Problem::NotFound)?.verification_id;
    spent_on(&mut tx, id, &actor, &form).await?;
    match review::ask(&mut tx, &new).await? {
        DecideOutcome::Recorded | DecideOutcome::Answered { .. } | DecideOutcome::AlreadyRecorded => {}
        DecideOutcome::FourEyes => return refused(tx, id, &actor, &form, four_eyes()).await,
        DecideOutcome::LeaseLost => {
            let problem = gone(&mut tx, id, &actor, &form).await?;
            return refused(tx, id, &actor, &form, problem).await;
        }
        DecideOutcome::NotOpen(status) => return refused(tx, id, &actor, &form, closed_meanwhile(id, status)).await,
        DecideOutcome::NotFound => return Err(Problem::NotFound),
    }
    keep(&mut tx, id, &actor, &form.without(&[WANTED])).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/verifications/{of}")).into_response())
}
