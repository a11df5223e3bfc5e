//! What a review's page shows, in the order in which a person reads it.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use domain::blocker::Blocker;
use domain::check::Check;
use domain::claim_type::{self, ClaimType};
use domain::id::{DecisionId, EvidenceId, ReviewId, VerificationId};
use domain::person::Right;
use domain::review::ReviewStatus;
use domain::spelling;
use domain::verdict::Verdict;
use serde_json::Value;
use store::comment::{self, CommentRow};
use store::event::{self, EventRow};
use store::{StoreError, TenantTx, user};

use super::actions::LeaseLine;
use super::{Faults, Item, Look};
use crate::layout::Layout;
use crate::pages::evidence::Picture;
use crate::pages::verification::{Comment, Step};
use crate::person::Person;
use crate::state::AppState;
use crate::words;

/// Steps of the timeline that a page shows.
const STEPS: i64 = 200;
/// Pages of a file that the page links to; a longer file is reached by number.
const LINKS: u32 = 12;

/// What stands around the form: who said what, and what happened.
pub struct Around {
    comments: Vec<CommentRow>,
    events: Vec<EventRow>,
    names: BTreeMap<String, String>,
}

impl Around {
    pub async fn load(tx: &mut TenantTx, item: &Item) -> Result<Self, StoreError> {
        let id = item.verification.id;
        Ok(Self { comments: comment::list(tx, id).await?, events: event::list(tx, id, 0, STEPS).await?, names: user::names(tx).await? })
    }
}

#[derive(Template)]
#[template(path = "item.html")]
pub struct Page {
    layout: Layout,
    id: ReviewId,
    verification_id: VerificationId,
    decision_id: DecisionId,
    claim_type: String,
    due: String,
    due_stamp: String,
    overdue: bool,
    escalated: bool,
    settled: Option<String>,
    held_by: Option<String>,
    mine: bool,
    may_decide: bool,
    may_take_over: bool,
    generation: i64,
    lease: LeaseLine,
    reasons_to_look: Vec<Reason>,
    files: Vec<File>,
    picture: Option<Picture>,
    places: Vec<Spot>,
    checks: Vec<CheckCard>,
    reason_codes: Vec<(String, String)>,
    note: String,
    agree: bool,
    faults: Vec<Fault>,
    restored: bool,
    comments: Vec<Comment>,
    steps: Vec<Step>,
}

struct Reason {
    text: String,
    /// The field that it is about.
    field: Option<String>,
}

struct File {
    name: String,
    /// Which, from 1.
    number: usize,
    pages: Vec<PageLink>,
    pages_total: i32,
    content: String,
}

struct PageLink {
    number: u32,
    here: bool,
    /// Fields show on it.
    marked: bool,
}

/// A place in the evidence that carries a reading.
struct Spot {
    field: String,
    title: String,
    /// `page 2, upper right`.
    place: String,
    text: String,
    /// On the page that is looked at: left, top, width, height in 0..1.
    here: Option<[f32; 4]>,
    state: &'static str,
    link: String,
}

struct CheckCard {
    field: String,
    title: String,
    claimed: String,
    found: String,
    /// What the input holds: what was typed, or what was found.
    typed_found: String,
    verdict: &'static str,
    score: String,
    threshold: String,
    below: bool,
    sources: Vec<&'static str>,
    blockers: Vec<String>,
    differs: bool,
    chosen: String,
    reason: String,
    needs_a_person: bool,
    /// Nothing is wanted here: shown as one line, and opened by who sees it differently.
    folded: bool,
    fault_verdict: Option<String>,
    fault_found: Option<String>,
    fault_reason: Option<String>,
}

struct Fault {
    input: String,
    text: String,
}

/// Puts the page together.
#[expect(clippy::too_many_arguments, reason = "one call, whose arguments are the page's sources")]
pub fn page(
    state: &AppState,
    person: &Person,
    layout: Layout,
    item: &Item,
    around: &Around,
    look: Look,
    typed: Value,
    faults: Faults,
) -> Page {
    let now = state.clock.now();
    let (review, verification) = (&item.review, &item.verification);
    let actor = person.actor();
    let held = review.lease_holder.as_ref().zip(review.lease_expires_at).filter(|(_, until)| *until > now);
    let mine = review.status.is_open() && held.is_some_and(|(holder, _)| *holder == actor);
    let claim_type = claim_type::find_version(&verification.claim_type, verification.claim_type_version);
    let outcome = verification.final_outcome.as_ref().or(verification.provisional.as_ref());
    let checks: &[Check] = outcome.map(|outcome| &outcome.checks[..]).unwrap_or_default();
    let typed = only_typed(typed, checks);
    let looked = looked_at(item, checks, look);
    let spots = checks.iter().flat_map(|check| spots(check, item, claim_type.as_ref(), looked)).collect();
    let text = |name: &str| typed.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let cards = checks.iter().map(|check| card(check, claim_type.as_ref(), &typed, &faults)).collect();
    let overdue = review.due_at < now;
    Page {
        layout,
        id: review.id,
        verification_id: verification.id,
        decision_id: DecisionId::new(),
        claim_type: claim_type.as_ref().map_or_else(|| words::title(&verification.claim_type), |known| known.title.clone()),
        due: due(review.due_at, now),
        due_stamp: words::stamp(review.due_at),
        overdue,
        escalated: review.status == ReviewStatus::Escalated,
        settled: (!review.status.is_open()).then(|| settled(review.status, verification.status.is_terminal())),
        held_by: held.filter(|_| !mine).map(|(holder, _)| name(&around.names, holder)),
        mine,
        may_decide: person.may(Right::Decide) && review.status.is_open(),
        may_take_over: person.may(Right::TakeOver) && review.status.is_open(),
        generation: review.lease_generation,
        lease: LeaseLine::of(review.id, held.filter(|_| mine).map(|(_, until)| until), now),
        reasons_to_look: reasons(&review.blockers, checks),
        files: files(item, checks, looked),
        picture: looked.map(|(file, page)| Picture::of(&item.evidence[file], page, state)),
        places: spots,
        checks: cards,
        reason_codes: claim_type
            .map(|known| known.reasons.into_iter().map(|reason| (reason.code, reason.title)).collect())
            .unwrap_or_default(),
        note: text("note"),
        agree: !text("agree").is_empty(),
        restored: faults.is_empty() && typed.as_object().is_some_and(|typed| !typed.is_empty()),
        faults: faults.into_iter().map(|(input, text)| Fault { input, text }).collect(),
        comments: around.comments.iter().map(|row| Comment::of(row, &around.names)).collect(),
        steps: around.events.iter().rev().map(|row| Step::of(row, &around.names)).collect(),
    }
}

/// Without the values that were in the form before anybody typed: those that the machine found.
fn only_typed(mut typed: Value, checks: &[Check]) -> Value {
    if let Some(inputs) = typed.as_object_mut() {
        for check in checks {
            let found = check.found.as_ref().map(spelling::show);
            let input = format!("found.{}", check.field);
            if inputs.get(&input).and_then(Value::as_str) == found.as_deref() {
                inputs.remove(&input);
            }
        }
    }
    typed
}

fn due(due_at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if due_at < now { format!("{} late", words::span(due_at, now)) } else { format!("due in {}", words::span(now, due_at)) }
}

fn settled(status: ReviewStatus, ended: bool) -> String {
    match (status, ended) {
        (ReviewStatus::Decided, false) => "Decided and recorded; the workflow is told as soon as it answers.".to_owned(),
        (ReviewStatus::Decided, true) => "Decided.".to_owned(),
        (ReviewStatus::Asked, _) => "More evidence was asked for; a new review follows when it comes.".to_owned(),
        (status, _) => format!("This review is {}.", status.as_str()),
    }
}

fn name(names: &BTreeMap<String, String>, actor: &str) -> String {
    names.get(actor).cloned().unwrap_or_else(|| "a client of the API".to_owned())
}

/// Why a person is needed, each linked to its field: reasons of single fields first, for they are what is worked on.
fn reasons(of_review: &[Blocker], checks: &[Check]) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    let mut told: Vec<&Blocker> = Vec::new();
    for check in checks.iter().filter(|check| check.verdict == Verdict::Insufficient) {
        for blocker in &check.blockers {
            told.push(blocker);
            let text = format!("{}: {}", words::title(&check.field), words::blocker(blocker));
            reasons.push(Reason { text, field: Some(check.field.clone()) });
        }
    }
    let rest = of_review.iter().filter(|blocker| !told.contains(blocker));
    reasons.extend(rest.map(|blocker| Reason { text: words::blocker(blocker), field: None }));
    reasons
}

/// The file, from 0, and the page that are looked at: as asked for, else where the first doubtful field shows, else the first page.
fn looked_at(item: &Item, checks: &[Check], look: Look) -> Option<(usize, u32)> {
    let pages = |file: usize| item.evidence.get(file).and_then(|row| row.pages).map_or(0, i32::unsigned_abs);
    let asked = look.file.checked_sub(1).filter(|file| look.page >= 1 && look.page <= pages(*file)).map(|file| (file, look.page));
    let place = |check: &Check| check.regions.first().and_then(|region| Some((file_of(item, region.evidence_id)?, region.page)));
    let doubtful = checks.iter().filter(|check| check.verdict != Verdict::Supported).find_map(place);
    let first = (0..item.evidence.len()).find(|file| pages(*file) > 0).map(|file| (file, 1));
    asked.or(doubtful).or_else(|| checks.iter().find_map(place)).or(first)
}

fn file_of(item: &Item, id: EvidenceId) -> Option<usize> {
    item.evidence.iter().position(|row| row.id == id)
}

fn files(item: &Item, checks: &[Check], looked: Option<(usize, u32)>) -> Vec<File> {
    let file = |(index, row): (usize, &store::evidence::EvidenceRow)| {
        let total = row.pages.map_or(0, i32::unsigned_abs);
        let here = looked.filter(|(file, _)| *file == index).map(|(_, page)| page);
        let marked =
            |page: u32| checks.iter().flat_map(|check| &check.regions).any(|region| region.evidence_id == row.id && region.page == page);
        // Around the page that is looked at, and wherever something shows.
        let near =
            |page: u32| total <= LINKS || page == 1 || page == total || here.is_some_and(|here| page.abs_diff(here) <= 2) || marked(page);
        let pages =
            (1..=total).filter(|page| near(*page)).map(|page| PageLink { number: page, here: here == Some(page), marked: marked(page) });
        File {
            name: row.filename.clone().unwrap_or_else(|| format!("File {}", index + 1)),
            number: index + 1,
            pages: pages.collect(),
            pages_total: row.pages.unwrap_or(0),
            content: format!("/evidence/{}/content", row.id),
        }
    };
    item.evidence.iter().enumerate().map(file).collect()
}

fn spots(check: &Check, item: &Item, claim_type: Option<&ClaimType>, looked: Option<(usize, u32)>) -> Vec<Spot> {
    let spec = claim_type.and_then(|known| known.field(&check.field));
    let state = match spec {
        Some(spec) if check.confidence >= spec.threshold => "confirmed",
        Some(_) => "below",
        None => "open",
    };
    let title = spec.map_or_else(|| words::title(&check.field), |spec| spec.title.clone());
    let spot = |region: &domain::check::Region| {
        let file = file_of(item, region.evidence_id)?;
        let [left, top, right, bottom] = region.bbox.0;
        let (x, y) = (f64::from(left + right) / 2.0, f64::from(top + bottom) / 2.0);
        Some(Spot {
            field: check.field.clone(),
            title: title.clone(),
            place: format!("page {}, {}", region.page, words::place(x, y)),
            text: region.text.clone(),
            here: (looked == Some((file, region.page))).then_some(around(left, top, right, bottom)),
            state,
            link: format!("/reviews/{}?file={}&page={}#place-{}", item.review.id, file + 1, region.page, check.field),
        })
    };
    check.regions.iter().filter_map(spot).collect()
}

/// The box as it is drawn, left, top, width and height: a little larger than the words, so that its line crosses none of them.
fn around(left: f32, top: f32, right: f32, bottom: f32) -> [f32; 4] {
    let margin = ((bottom - top) * 0.25).clamp(0.002, 0.01);
    let (left, top) = ((left - margin).max(0.0), (top - margin).max(0.0));
    [left, top, (right + margin).min(1.0) - left, (bottom + margin).min(1.0) - top]
}

fn card(check: &Check, claim_type: Option<&ClaimType>, typed: &Value, faults: &Faults) -> CheckCard {
    let spec = claim_type.and_then(|known| known.field(&check.field));
    let typed = |what: &str| typed.get(format!("{what}.{}", check.field)).and_then(Value::as_str).map(str::to_owned);
    let fault = |what: &str| {
        let input = format!("{what}.{}", check.field);
        faults.iter().find(|(name, _)| *name == input).map(|(_, text)| text.clone())
    };
    let (claimed, found) = (spelling::show(&check.claimed), check.found.as_ref().map(spelling::show).unwrap_or_default());
    let threshold = spec.map(|spec| spec.threshold);
    CheckCard {
        field: check.field.clone(),
        title: spec.map_or_else(|| words::title(&check.field), |spec| spec.title.clone()),
        // Another spelling of the same is no difference.
        differs: !found.is_empty() && found != claimed && check.verdict != Verdict::Supported,
        typed_found: typed("found").unwrap_or_else(|| found.clone()),
        claimed,
        found,
        verdict: words::verdict(check.verdict),
        score: words::percent(check.confidence),
        threshold: threshold.map(words::percent).unwrap_or_default(),
        below: threshold.is_some_and(|threshold| check.confidence < threshold),
        sources: check.sources.iter().map(words::source).collect(),
        blockers: check.blockers.iter().map(words::blocker).collect(),
        // A suggestion of the machine is shown, never chosen.
        chosen: typed("verdict").unwrap_or_default(),
        reason: typed("reason").unwrap_or_default(),
        needs_a_person: check.verdict != Verdict::Supported,
        folded: check.verdict == Verdict::Supported
            && ["verdict", "found", "reason"].into_iter().all(|what| typed(what).is_none() && fault(what).is_none()),
        fault_verdict: fault("verdict"),
        fault_found: fault("found"),
        fault_reason: fault("reason"),
    }
}
