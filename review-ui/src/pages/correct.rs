//! Overturning a settled verdict, by a lead who says why. Nothing is edited: the result before stays beside the one that follows.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::claim::Claim;
use domain::claim_type::{self, ClaimType};
use domain::id::{DecisionId, VerificationId};
use domain::judge;
use domain::person::Right;
use domain::review::Decision;
use domain::spelling;
use domain::verification::Outcome;
use store::StoreError;
use store::verification::{self, CorrectOutcome, NewCorrection, VerificationRow};

use super::item::{Faults, LONGEST_NOTE, input_of, read};
use crate::form::{Form, Posted};
use crate::layout::{Layout, Place};
use crate::metric;
use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;
use crate::words;

#[derive(Template)]
#[template(path = "correct.html")]
struct Page {
    layout: Layout,
    id: VerificationId,
    decision_id: DecisionId,
    seen: u32,
    claim_type: String,
    verdict: &'static str,
    longest_note: usize,
    fields: Vec<Field>,
    reason_codes: Vec<(String, String)>,
    note: String,
    faults: Vec<(String, String)>,
}

struct Field {
    name: String,
    title: String,
    claimed: String,
    verdict: &'static str,
    /// What was typed, or what the result says.
    found: String,
    chosen: String,
    reason: String,
}

impl Page {
    /// What is wrong with this input.
    fn fault(&self, what: &str, field: &str) -> Option<&str> {
        let input = if field.is_empty() { what.to_owned() } else { format!("{what}.{field}") };
        self.faults.iter().find(|(name, _)| *name == input).map(|(_, text)| text.as_str())
    }
}

/// What is corrected: the row, its settled result and the claim type.
struct Settled {
    row: VerificationRow,
    outcome: Outcome,
    claim_type: ClaimType,
}

impl Settled {
    async fn load(state: &AppState, person: &Person, id: VerificationId) -> Result<Self, Problem> {
        let mut tx = state.store.begin(person.tenant()).await?;
        let row = verification::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
        let outcome = row.final_outcome.clone().ok_or_else(|| unsettled(id))?;
        let unknown = || StoreError::Corrupt { what: format!("the claim type of {id}"), source: None };
        let claim_type = claim_type::find_version(&row.claim_type, row.claim_type_version).ok_or_else(unknown)?;
        Ok(Self { row, outcome, claim_type })
    }
}

/// `GET /verifications/{id}/correct`.
pub async fn page(State(state): State<AppState>, person: Person, Path(id): Path<String>) -> Result<Response, Problem> {
    person.require(Right::Correct)?;
    let settled = Settled::load(&state, &person, parse(&id)?).await?;
    shown(&state, &person, &settled, &Form::default(), Faults::new()).await
}

/// `POST /verifications/{id}/correct`.
pub async fn send(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Correct)?;
    let id = parse(&id)?;
    let settled = Settled::load(&state, &person, id).await?;
    let decision_id: DecisionId = form.require("decision_id")?.parse().map_err(|_| Problem::Csrf)?;
    let seen: u32 = form.require("seen")?.parse().map_err(|_| Problem::Csrf)?;
    if settled.row.corrections != seen {
        return repeated(&state, &person, id, decision_id).await;
    }
    let (decision, outcome) = match corrected(&settled, &form)? {
        Ok(corrected) => corrected,
        Err(faults) => return shown(&state, &person, &settled, &form, faults).await,
    };
    let mut tx = state.store.begin(person.tenant()).await?;
    let actor = person.actor();
    let new = NewCorrection { id: decision_id, seen, decision: &decision, outcome: &outcome, actor: &actor };
    // An id that another verification's correction has is of no form of ours.
    let no_form = |error| if matches!(error, StoreError::Conflict { .. }) { Problem::Csrf } else { error.into() };
    match verification::correct(&mut tx, id, &new).await.map_err(no_form)? {
        CorrectOutcome::Corrected => tx.commit().await?,
        CorrectOutcome::AlreadyCorrected => return Ok(done(id)),
        CorrectOutcome::Stale => return Err(overtaken(id)),
        CorrectOutcome::NotSettled(_) => return Err(unsettled(id)),
        CorrectOutcome::NotFound => return Err(Problem::NotFound),
    }
    let (from, to) = (settled.outcome.verdict.as_str(), outcome.verdict.as_str());
    metrics::counter!(metric::CORRECTIONS, "from" => from, "to" => to).increment(1);
    tracing::info!(verification.id = %id, from, to, "Verification {id} was corrected");
    Ok(done(id))
}

/// The form is of an older result: it was sent before, or somebody else was first.
async fn repeated(state: &AppState, person: &Person, id: VerificationId, decision_id: DecisionId) -> Result<Response, Problem> {
    let mut tx = state.store.begin(person.tenant()).await?;
    let sent = verification::correction(&mut tx, id, decision_id).await?;
    if sent.is_some_and(|row| row.actor == person.actor()) { Ok(done(id)) } else { Err(overtaken(id)) }
}

/// What the form says, and the result that follows from it; or what is wrong with the form.
fn corrected(settled: &Settled, form: &Form) -> Result<Result<(Decision, Outcome), Faults>, Problem> {
    let Settled { row, outcome, claim_type } = settled;
    let unreadable = |_| StoreError::Corrupt { what: format!("the claim of {}", row.id), source: None };
    let claim = Claim::reread(claim_type, &row.claim).map_err(unreadable)?;
    let decision = match read(claim_type, outcome, form) {
        Ok(decision) => decision,
        Err(faults) => return Ok(Err(faults.into_iter().map(in_place).collect())),
    };
    if decision.note.is_none() {
        return Ok(Err(vec![("note".to_owned(), "Say why; it stands beside the result".to_owned())]));
    }
    let faults = |error: judge::DecisionError| {
        let place = |pointer: &str| in_place((input_of(pointer, &decision), String::new())).0;
        error.0.into_iter().map(|fault| (place(&fault.pointer), fault.detail)).collect()
    };
    Ok(judge::correct(outcome, claim_type, &claim, &decision).map_err(faults).map(|outcome| (decision.clone(), outcome)))
}

/// A review's form may agree with the machine as a whole; here something must be another than it is.
fn in_place((input, text): (String, String)) -> (String, String) {
    if input == "agree" {
        ("corrections".to_owned(), "Correct at least one field: leave the others as they are".to_owned())
    } else {
        (input, text)
    }
}

async fn shown(state: &AppState, person: &Person, settled: &Settled, form: &Form, faults: Faults) -> Result<Response, Problem> {
    let layout = Layout::of(state, person, Place::Verifications, "Correct a verdict").await?;
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let Settled { row, outcome, claim_type } = settled;
    let field = |check: &domain::check::Check| {
        let typed = |what: &str| form.get(&format!("{what}.{}", check.field)).unwrap_or_default().to_owned();
        let found = check.found.as_ref().map(spelling::show).unwrap_or_default();
        Field {
            title: claim_type.field(&check.field).map_or_else(|| words::title(&check.field), |spec| spec.title.clone()),
            name: check.field.clone(),
            claimed: spelling::show(&check.claimed),
            verdict: words::verdict(check.verdict),
            found: Some(typed("found")).filter(|typed| !typed.is_empty()).unwrap_or(found),
            chosen: typed("verdict"),
            reason: typed("reason"),
        }
    };
    let page = Page {
        layout,
        id: row.id,
        decision_id: DecisionId::new(),
        seen: row.corrections,
        claim_type: claim_type.title.clone(),
        verdict: words::verdict(outcome.verdict),
        longest_note: LONGEST_NOTE,
        fields: outcome.checks.iter().map(field).collect(),
        reason_codes: claim_type.reasons.iter().map(|reason| (reason.code.clone(), reason.title.clone())).collect(),
        note: form.get("note").unwrap_or_default().to_owned(),
        faults,
    };
    Ok((status, Html(page.render()?)).into_response())
}

fn done(id: VerificationId) -> Response {
    Redirect::to(&format!("/verifications/{id}")).into_response()
}

fn overtaken(id: VerificationId) -> Problem {
    Problem::Conflict {
        title: "Somebody corrected it since",
        detail: "Nothing of yours was stored. Look at the result as it is now, and decide whether it still wants correcting.".to_owned(),
        link: (format!("/verifications/{id}"), "To the verification"),
    }
}

fn unsettled(id: VerificationId) -> Problem {
    Problem::Conflict {
        title: "There is nothing to correct",
        detail: "Only a verification that ended with a verdict can be corrected. While it is in review, decide the review.".to_owned(),
        link: (format!("/verifications/{id}"), "To the verification"),
    }
}

fn parse(id: &str) -> Result<VerificationId, Problem> {
    id.parse().map_err(|_| Problem::NotFound)
}
