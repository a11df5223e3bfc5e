//! Overturning a settled verdict, by a lead who says why. Nothing is edited: the result before stays beside the one that follows.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::check::Check;
use domain::claim::Claim;
use domain::claim_type::{self, ClaimType};
use domain::id::{DecisionId, VerificationId};
use domain::judge;
use domain::person::Right;
use domain::review::Decision;
use domain::spelling;
use domain::verification::Outcome;
use store::verification::{self, CorrectOutcome, CorrectionRow, NewCorrection, VerificationRow};
use store::{StoreError, user};

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
    /// Who corrected it while the form was filled in, and why.
    overtaken: Option<Overtaken>,
    faults: Vec<(String, String)>,
}

struct Overtaken {
    who: String,
    note: String,
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
    /// How it stands now, where that is not what the form was made of or says.
    now: Option<String>,
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
    shown(&state, &person, &settled, &Form::default(), Faults::new(), None).await
}

/// `POST /verifications/{id}/correct`.
pub async fn send(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Correct)?;
    let id = parse(&id)?;
    let settled = Settled::load(&state, &person, id).await?;
    let decision_id: DecisionId = form.require("decision_id")?.parse().map_err(|_| Problem::Csrf)?;
    let seen = seen(&form)?;
    if settled.row.corrections != seen {
        return repeated(&state, &person, &settled, decision_id, &form).await;
    }
    let (decision, outcome) = match corrected(&settled, &form)? {
        Ok(corrected) => corrected,
        Err(faults) => return shown(&state, &person, &settled, &form, faults, None).await,
    };
    let mut tx = state.store.begin(person.tenant()).await?;
    let actor = person.actor();
    let new = NewCorrection { id: decision_id, seen, decision: &decision, outcome: &outcome, actor: &actor };
    // An id that another verification's correction has is of no form of ours.
    let no_form = |error| if matches!(error, StoreError::Conflict { .. }) { Problem::Csrf } else { error.into() };
    match verification::correct(&mut tx, id, &new).await.map_err(no_form)? {
        CorrectOutcome::Corrected => tx.commit().await?,
        CorrectOutcome::AlreadyCorrected => return Ok(done(id)),
        CorrectOutcome::Stale => {
            drop(tx);
            let settled = Settled::load(&state, &person, id).await?;
            return repeated(&state, &person, &settled, decision_id, &form).await;
        }
        CorrectOutcome::NotSettled(_) => return Err(unsettled(id)),
        CorrectOutcome::NotFound => return Err(Problem::NotFound),
    }
    let (from, to) = (settled.outcome.verdict.as_str(), outcome.verdict.as_str());
    metrics::counter!(metric::CORRECTIONS, "from" => from, "to" => to).increment(1);
    tracing::info!(verification.id = %id, from, to, "Verification {id} was corrected");
    Ok(done(id))
}

/// The form is of an older result: it was sent before, or somebody else was first. Then it is shown once more, beside the result as it stands.
async fn repeated(state: &AppState, person: &Person, settled: &Settled, sent: DecisionId, form: &Form) -> Result<Response, Problem> {
    let id = settled.row.id;
    let mut tx = state.store.begin(person.tenant()).await?;
    if verification::correction(&mut tx, id, sent).await?.is_some_and(|row| row.actor == person.actor()) {
        return Ok(done(id));
    }
    let corrections = verification::corrections(&mut tx, id, i64::from(settled.row.corrections)).await?;
    let names = user::names_of(&mut tx, corrections.iter().take(1).map(|row| row.actor.as_str())).await?;
    drop(tx);
    // Those corrections of the verification that came after what the form was made of, the latest first.
    let seen = seen(form)?;
    let since: Vec<CorrectionRow> = corrections.into_iter().filter(|row| row.number > seen).collect();
    // There is none where the form is of another verification, or of none.
    let (Some(last), Some(first)) = (since.first(), since.last()) else { return Err(Problem::Csrf) };
    let who = names.get(&last.actor).cloned().unwrap_or_else(|| "a client of the API".to_owned());
    let overtaken = Overtaken { who, note: last.decision.note.clone().unwrap_or_default() };
    shown(state, person, settled, form, Faults::new(), Some((overtaken, &first.before))).await
}

/// How many corrections there were when the form was made.
fn seen(form: &Form) -> Result<u32, Problem> {
    form.require("seen")?.parse().map_err(|_| Problem::Csrf)
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

/// The form, with what was typed and what is wrong with it, or with the result of which it was made where there is another by now.
async fn shown(
    state: &AppState,
    person: &Person,
    settled: &Settled,
    form: &Form,
    faults: Faults,
    overtaken: Option<(Overtaken, &Outcome)>,
) -> Result<Response, Problem> {
    let layout = Layout::of(state, person, Place::Verifications, "Correct a verdict").await?;
    let status = match (&overtaken, faults.is_empty()) {
        (Some(_), _) => StatusCode::CONFLICT,
        (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, true) => StatusCode::OK,
    };
    let (overtaken, made_of) = overtaken.unzip();
    let Settled { row, outcome, claim_type } = settled;
    let field = |check: &Check| {
        let typed = |what: &str| form.get(&format!("{what}.{}", check.field)).unwrap_or_default().to_owned();
        let found = value(check);
        let before = made_of.and_then(|outcome| outcome.checks.iter().find(|before| before.field == check.field));
        // A value that the lead left as it was follows the result; one that they emptied stays empty.
        let line = form.raw(&format!("found.{}", check.field)).filter(|line| before.is_none_or(|before| line.trim() != value(before)));
        let differs = !typed("verdict").is_empty() || line.is_some_and(|line| line.trim() != found);
        let changed = before.is_some_and(|before| value(before) != found || before.verdict != check.verdict);
        let reads = if found.is_empty() { "nothing was found".to_owned() } else { format!("reads {found}") };
        Field {
            title: claim_type.field(&check.field).map_or_else(|| words::title(&check.field), |spec| spec.title.clone()),
            name: check.field.clone(),
            claimed: spelling::show(&check.claimed),
            verdict: words::verdict(check.verdict),
            now: (made_of.is_some() && (differs || changed)).then(|| format!("{}, {reads}", words::verdict(check.verdict))),
            found: line.map_or(found, str::to_owned),
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
        overtaken,
        faults,
    };
    Ok((status, Html(page.render()?)).into_response())
}

/// What the result says that the evidence shows; empty where it shows nothing.
fn value(check: &Check) -> String {
    check.found.as_ref().map(spelling::show).unwrap_or_default()
}

fn done(id: VerificationId) -> Response {
    Redirect::to(&format!("/verifications/{id}")).into_response()
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
