//! One verification as it stands: the result field by field, where it shows, what people said, and every step so far.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::claim_type;
use domain::id::{CommentId, ReviewId, VerificationId};
use domain::person::Right;
use domain::review::Part;
use domain::spelling;
use domain::verdict::Verdict;
use domain::verification::{Outcome, Status};
use serde_json::Value;
use store::comment::{self, CommentRow};
use store::event::{self, EventRow};
use store::evidence::EvidenceRow;
use store::verification::{self, CorrectionRow, VerificationRow};
use store::{StoreError, TenantTx, evidence, review, user};

use super::history::{Earlier, STEPS};
use crate::form::Posted;
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

/// Corrections shown.
const CORRECTIONS: i64 = 20;
/// Longest comment, in characters.
pub const LONGEST_COMMENT: usize = 4_000;

#[derive(Template)]
#[template(path = "verification.html")]
struct Page {
    layout: Layout,
    id: VerificationId,
    claim_type: String,
    status: String,
    verdict: &'static str,
    confidence: String,
    decided_by: &'static str,
    /// How it stands, in a sentence that is said when it changes.
    news: String,
    /// The page looks again by itself after so many seconds; not once there is nothing to wait for, nor while it waits for files to be chosen.
    pace: Option<u32>,
    may_cancel: bool,
    /// Somebody wants it canceled, and it has not ended yet.
    canceling: bool,
    /// It ended without a result: what the machine had made of it counts for nothing.
    void: bool,
    may_correct: bool,
    corrections: Vec<Past>,
    recorded: bool,
    /// People have answered, and another is to.
    answered: bool,
    /// The person who looks is giving the second answer: the machine's is not shown to them.
    blind: bool,
    /// What a person asked for.
    wanted: Option<String>,
    may_add: bool,
    progress: Option<(String, u32, u32)>,
    failure: Option<(String, bool)>,
    checks: Vec<Line>,
    /// What a comment can be about, beside the whole.
    fields: Vec<About>,
    /// The machine's own answer, where a person gave another.
    machine: Option<Machine>,
    blockers: Vec<String>,
    route: Vec<String>,
    files: Vec<(String, String, String)>,
    review: Option<ReviewId>,
    created: String,
    finished: Option<String>,
    policy: String,
    temporal: Option<String>,
    comments: Vec<Comment>,
    steps: Vec<Step>,
    earlier: Earlier,
}

/// A result that a correction took the place of.
struct Past {
    verdict: &'static str,
    who: String,
    note: String,
    at: String,
    stamp: String,
}

impl Past {
    fn of(row: &CorrectionRow, names: &BTreeMap<String, String>) -> Self {
        Self {
            verdict: words::verdict(row.before.verdict),
            who: author(&row.actor, names),
            note: row.decision.note.clone().unwrap_or_default(),
            at: words::moment(row.created_at),
            stamp: words::stamp(row.created_at),
        }
    }
}

struct Machine {
    verdict: &'static str,
    score: String,
}

struct Line {
    field: String,
    title: String,
    claimed: String,
    found: String,
    differs: bool,
    verdict: &'static str,
    score: String,
    places: Vec<String>,
    blockers: Vec<String>,
}

/// A field of the claim that is talked about.
pub struct About {
    /// Its line on the page is `check-<field>`.
    pub field: String,
    pub title: String,
}

/// What somebody said.
pub struct Comment {
    pub id: CommentId,
    pub author: String,
    pub about: Option<About>,
    pub body: String,
    pub at: String,
    pub stamp: String,
    pub resolved: bool,
}

impl Comment {
    pub fn of(row: &CommentRow, names: &BTreeMap<String, String>) -> Self {
        Self {
            id: row.id,
            author: author(&row.author, names),
            about: row.field.as_ref().map(|field| About { field: field.clone(), title: words::title(field) }),
            body: row.body.clone(),
            at: words::moment(row.created_at),
            stamp: words::stamp(row.created_at),
            resolved: row.resolved_at.is_some(),
        }
    }
}

/// One step of the timeline.
pub struct Step {
    pub what: String,
    /// What it made of what was before.
    pub changes: Vec<String>,
    pub who: String,
    pub at: String,
    pub stamp: String,
}

impl Step {
    /// The steps in their order, the oldest first.
    pub fn all(rows: &[EventRow], names: &BTreeMap<String, String>) -> Vec<Self> {
        let mut before = BTreeMap::new();
        let step = |row: &EventRow| Self {
            what: words::title(&row.kind.replace(['.', '_'], " ")),
            changes: changes(&row.data, &mut before),
            who: author(&row.actor, names),
            at: words::moment(row.at),
            stamp: words::stamp(row.at),
        };
        rows.iter().map(step).collect()
    }
}

/// Status and verdict as a step leaves them, with what they were before as far as the steps before it say so.
fn changes(data: &Value, before: &mut BTreeMap<&'static str, String>) -> Vec<String> {
    let told = |member: &str| data.get(member)?.as_str().map(|word| word.replace('_', " "));
    // A correction says itself what it takes the place of: a person may have said the new verdict before it counted.
    if let Some(from) = told("from") {
        before.insert("verdict", from);
    }
    // What was called off, or could not be done, has none, whatever the machine had said.
    let void = matches!(told("status").as_deref(), Some("canceled" | "failed"));
    let after = [("status", told("status")), ("verdict", told("verdict").or_else(|| told("to")).filter(|_| !void))];
    let change = |(member, after): (&'static str, Option<String>)| {
        let after = after?;
        Some(match before.insert(member, after.clone()) {
            Some(before) if before != after => format!("{member}: {before} → {after}"),
            _ => format!("{member}: {after}"),
        })
    };
    after.into_iter().filter_map(change).collect()
}

fn author(actor: &str, names: &BTreeMap<String, String>) -> String {
    let known = names.get(actor).cloned();
    known.unwrap_or_else(|| if actor == "system" { "Assay".to_owned() } else { "a client of the API".to_owned() })
}

/// Whether the person may still give the second answer of a verification, which is given without the machine's.
pub async fn is_blind(tx: &mut TenantTx, id: VerificationId, person: &Person) -> Result<bool, StoreError> {
    Ok(person.may(Right::Decide) && !review::blind(tx, &[id], &person.actor()).await?.is_empty())
}

/// `GET /verifications/{id}`.
pub async fn page(State(state): State<AppState>, person: Person, Path(id): Path<String>) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let id = parse(&id)?;
    let layout = Layout::of(&state, &person, Place::Verifications, "Verification").await?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let row = verification::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    let files = evidence::get_many(&mut tx, &row.evidence_ids).await?;
    let reviews = review::by_verification(&mut tx, id).await?;
    let recorded = review::settled(&mut tx, id).await?.is_some();
    let comments = comment::list(&mut tx, id, &person.actor()).await?;
    let blind = is_blind(&mut tx, id, &person).await?;
    let steps = event::before(&mut tx, id, None, STEPS).await?;
    let steps: Vec<EventRow> = steps.into_iter().map(|step| if blind { step.blinded() } else { step }).collect();
    let corrections = match row.corrections {
        0 => Vec::new(),
        _ => verification::corrections(&mut tx, id, CORRECTIONS).await?,
    };
    let actors =
        comments.iter().map(|row| &row.author).chain(steps.iter().map(|row| &row.actor)).chain(corrections.iter().map(|row| &row.actor));
    let names = user::names_of(&mut tx, actors.map(String::as_str)).await?;
    drop(tx);
    let answered = reviews.first().is_some_and(|review| review.status.is_open() && review.part != Part::First);
    let outcome = row.final_outcome.as_ref().or(row.provisional.as_ref()).filter(|_| !blind);
    let ended = row.status.is_terminal();
    let void = is_void(&row);
    let overruled = row.final_outcome.as_ref().zip(row.provisional.as_ref()).filter(|(last, first)| last.verdict != first.verdict);
    problem::page(&Page {
        id,
        claim_type: claim_type::find(&row.claim_type).map_or_else(|| words::title(&row.claim_type), |known| known.title),
        status: words::status(row.status),
        verdict: row.verdict.filter(|_| !blind && !void).map(words::verdict).unwrap_or_default(),
        confidence: outcome.map(|outcome| words::percent(outcome.confidence)).unwrap_or_default(),
        decided_by: outcome.map(|outcome| words::decided_by(outcome.decided_by)).unwrap_or_default(),
        news: if ended { format!("It has ended: {}.", words::status(row.status)) } else { format!("It is {}.", words::status(row.status)) },
        pace: pace(&row, recorded),
        may_cancel: !ended && row.cancel_requested_at.is_none() && person.may(Right::Cancel),
        canceling: !ended && row.cancel_requested_at.is_some(),
        void,
        may_correct: row.final_outcome.is_some() && person.may(Right::Correct),
        corrections: corrections.iter().map(|row| Past::of(row, &names)).collect(),
        recorded: recorded && !ended,
        answered,
        blind,
        wanted: row.evidence_request.as_ref().map(|request| request.text.clone()),
        may_add: person.may(Right::Submit),
        progress: progress(&row),
        failure: failure(&row),
        checks: outcome.map(|outcome| lines(&row, outcome, &files)).unwrap_or_default(),
        fields: fields(&row),
        machine: overruled.map(|(_, first)| Machine { verdict: words::verdict(first.verdict), score: words::percent(first.confidence) }),
        blockers: outcome.map(|outcome| outcome.blockers.iter().map(words::blocker).collect()).unwrap_or_default(),
        route: outcome.map(route).unwrap_or_default(),
        files: files.iter().map(file).collect(),
        review: reviews.first().map(|review| review.id),
        created: words::moment(row.created_at),
        finished: row.finished_at.map(words::moment),
        policy: format!("version {}", row.policy.version),
        temporal: state.temporal_ui.as_ref().map(|ui| format!("{ui}/verification%2F{id}")),
        comments: comments.iter().map(|row| Comment::of(row, &names)).collect(),
        earlier: Earlier::of(&comments, &steps),
        steps: Step::all(&steps, &names),
        layout,
    })
}

/// Whether it ended without a result of its own.
pub fn is_void(row: &VerificationRow) -> bool {
    row.status.is_terminal() && row.final_outcome.is_none()
}

/// Why there is no result, in a sentence, and whether somebody wanted it so.
fn failure(row: &VerificationRow) -> Option<(String, bool)> {
    let why = row.failure.as_deref()?.replace('_', " ");
    Some(match row.status {
        Status::Canceled => ("It was canceled, so it has no result.".to_owned(), true),
        _ => (format!("It ended without a verdict: {why}."), false),
    })
}

/// Seconds until the page looks again: soon while the machine is at work or hears of what a person did, seldom while people have it.
fn pace(row: &VerificationRow, recorded: bool) -> Option<u32> {
    let soon = recorded || row.cancel_requested_at.is_some();
    match row.status {
        Status::Queued | Status::Processing | Status::Provisional => Some(2),
        Status::InReview => Some(if soon { 2 } else { 10 }),
        // Somebody may be choosing files.
        Status::AwaitingEvidence => row.evidence_request.is_none().then_some(10),
        Status::Final | Status::Canceled | Status::Expired | Status::Failed => None,
    }
}

/// The fields that were claimed and are checked, in the order of their kind of claim.
fn fields(row: &VerificationRow) -> Vec<About> {
    let known = claim_type::find_version(&row.claim_type, row.claim_type_version).map(|known| known.fields).unwrap_or_default();
    let claimed = known.into_iter().filter(|field| field.checked && row.claim.get(&field.name).is_some());
    claimed.map(|field| About { field: field.name, title: field.title }).collect()
}

fn progress(row: &VerificationRow) -> Option<(String, u32, u32)> {
    let waiting = matches!(row.status, Status::Queued | Status::Processing);
    let progress = row.progress.as_ref().filter(|_| waiting);
    progress.map(|progress| (words::title(&progress.stage), progress.blocks_done, progress.blocks_total))
}

fn lines(row: &VerificationRow, outcome: &Outcome, files: &[EvidenceRow]) -> Vec<Line> {
    let claim_type = claim_type::find_version(&row.claim_type, row.claim_type_version);
    let line = |check: &domain::check::Check| {
        let (claimed, found) = (spelling::show(&check.claimed), check.found.as_ref().map(spelling::show).unwrap_or_default());
        let spec = claim_type.as_ref().and_then(|known| known.field(&check.field));
        let place = |region: &domain::check::Region| {
            let file = files.iter().position(|file| file.id == region.evidence_id).map_or(0, |index| index + 1);
            let [left, top, right, bottom] = region.bbox.0.map(f64::from);
            format!("file {file}, page {}, {}: “{}”", region.page, words::place((left + right) / 2.0, (top + bottom) / 2.0), region.text)
        };
        Line {
            field: check.field.clone(),
            title: spec.map_or_else(|| words::title(&check.field), |spec| spec.title.clone()),
            // Another spelling of the same is no difference.
            differs: !found.is_empty() && found != claimed && check.verdict != Verdict::Supported,
            claimed,
            found,
            verdict: words::verdict(check.verdict),
            score: words::percent(check.confidence),
            places: check.regions.iter().map(place).collect(),
            blockers: check.blockers.iter().map(words::blocker).collect(),
        }
    };
    outcome.checks.iter().map(line).collect()
}

fn route(outcome: &Outcome) -> Vec<String> {
    let step = |step: &domain::route::Step| {
        let calibrated = if step.calibrated { "" } else { " (its scores are no probabilities yet)" };
        format!("{}: {}{calibrated}", words::title(&step.stage), step.engine)
    };
    outcome.route.iter().map(step).collect()
}

fn file(row: &EvidenceRow) -> (String, String, String) {
    let name = row.filename.clone().unwrap_or_else(|| row.id.to_string());
    let pages = row.pages.map_or_else(String::new, |pages| format!("{pages} {}, ", if pages == 1 { "page" } else { "pages" }));
    (name, format!("{pages}{} kB, {}", row.size / 1_000, row.media_type.as_str()), format!("/evidence/{}/content", row.id))
}

/// `POST /verifications/{id}/comments`.
pub async fn comment(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Submit)?;
    let id = parse(&id)?;
    let body = form.get("body").ok_or_else(|| Problem::Invalid("The comment is empty.".to_owned()))?;
    if body.chars().count() > LONGEST_COMMENT {
        return Err(Problem::Invalid(format!("A comment has at most {LONGEST_COMMENT} characters. Go back and shorten it.")));
    }
    let mut tx = state.store.begin(person.tenant()).await?;
    let row = verification::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    let field = form.get("field").filter(|field| row.claim.get(field).is_some());
    comment::add(&mut tx, id, field, &person.actor(), body).await?;
    tx.commit().await?;
    Ok(back(&form, id))
}

/// `POST /verifications/{id}/comments/{comment}/resolve`.
pub async fn resolve(
    State(state): State<AppState>,
    Path((id, comment_id)): Path<(String, String)>,
    Posted(person, form): Posted,
) -> Result<Response, Problem> {
    person.require(Right::Submit)?;
    let id = parse(&id)?;
    let comment_id: CommentId = comment_id.parse().map_err(|_| Problem::NotFound)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    verification::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    comment::resolve(&mut tx, id, comment_id, &person.actor()).await?;
    tx.commit().await?;
    Ok(back(&form, id))
}

/// To the review that the comment was made on, or to the verification.
fn back(form: &crate::form::Form, id: VerificationId) -> Response {
    let review = form.get("review").and_then(|text| text.parse::<ReviewId>().ok());
    let to = review.map_or_else(|| format!("/verifications/{id}#comments"), |review| format!("/reviews/{review}#comments"));
    Redirect::to(&to).into_response()
}

pub(super) fn parse(id: &str) -> Result<VerificationId, Problem> {
    id.parse().map_err(|_| Problem::NotFound)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_says_what_was_before_as_far_as_the_steps_say() {
        let mut before = BTreeMap::new();
        for (data, told) in [
            (json!({ "status": "in_review", "verdict": "supported" }), vec!["status: in review", "verdict: supported"]),
            (json!({ "review_id": "rev_1" }), vec![]),
            (json!({ "verdict": "refuted", "status": 7 }), vec!["verdict: supported → refuted"]),
            (json!({ "status": "final", "verdict": "refuted" }), vec!["status: in review → final", "verdict: refuted"]),
            // The correction of the machine that this was.
            (json!({ "from": "supported", "to": "refuted" }), vec!["verdict: supported → refuted"]),
            (json!({ "from": "refuted", "to": "insufficient" }), vec!["verdict: refuted → insufficient"]),
            (json!(null), vec![]),
        ] {
            assert_eq!(changes(&data, &mut before), told, "{data}");
        }
    }
}
