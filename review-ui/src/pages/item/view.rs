//! What a review's page shows, in the order in which a person reads it.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use domain::blocker::Blocker;
use domain::check::Check;
use domain::claim_type::{self, ClaimType};
use domain::id::{DecisionId, ReviewId, VerificationId};
use domain::person::Right;
use domain::review::ReviewStatus;
use domain::verdict::Verdict;
use serde_json::Value;
use store::comment::{self, CommentRow};
use store::event::{self, EventRow};
use store::review::{self, Answer};
use store::{StoreError, TenantTx, tenant, user};

use super::actions::WHY_OVER;
use super::answers::Answers;
use super::aside::{SPAN, TO, WHY};
use super::ask::WANTED;
use super::card::{CheckCard, cards, only_typed};
use super::said::{ABOUT, COMMENT};
use super::standing::{LeaseLine, StandingLine};
use super::viewer::Viewer;
use super::{Faults, Item};
use crate::layout::Layout;
use crate::pages::arrange::{Offer, SPANS};
use crate::pages::history::{Earlier, STEPS};
use crate::pages::queue::Choice;
use crate::pages::verification::{Comment, Step};
use crate::person::Person;
use crate::state::AppState;
use crate::words;

/// What stands around the form: who said what, and what happened.
pub struct Around {
    comments: Vec<CommentRow>,
    events: Vec<EventRow>,
    names: BTreeMap<String, String>,
    /// What was answered in the round, as far as this person may see it.
    answers: Vec<Answer>,
    /// Four eyes keep the person from it.
    barred: bool,
    /// How long a lease lasts.
    lease_seconds: u64,
}

impl Around {
    pub async fn load(tx: &mut TenantTx, item: &Item, person: &Person) -> Result<Self, StoreError> {
        let (id, actor) = (item.verification.id, person.actor());
        let double = item.review.wanted > 1;
        let comments = comment::list(tx, id, &actor).await?;
        let events = event::before(tx, id, None, STEPS).await?;
        let events = events.into_iter().map(|step| if item.blind { step.blinded() } else { step }).collect::<Vec<_>>();
        let answered = double || item.review.status == ReviewStatus::Decided;
        let answers = if answered { review::answers(tx, &item.review, &actor).await? } else { Vec::new() };
        let actors = comments.iter().map(|row| &row.author).chain(events.iter().map(|row| &row.actor));
        let actors = actors.chain(answers.iter().map(|answer| &answer.holder)).chain(&item.review.lease_holder);
        let assigned = item.review.assigned_to.map(user::actor);
        let actors = actors.chain(&assigned);
        let names = user::names_of(tx, actors.map(String::as_str)).await?;
        let barred = double && review::is_barred(tx, item.review.id, &actor).await?;
        let lease_seconds = tenant::policy(tx).await?.lease_seconds;
        Ok(Self { comments, events, names, answers, barred, lease_seconds })
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
    boosted: bool,
    assigned_to: Option<String>,
    aside_until: Option<String>,
    /// What a lead moved just now.
    moved: Option<String>,
    /// For who may arrange the queue.
    offer: Option<Offer>,
    aside: Aside,
    /// What the holder needs to see, and has to say to colleagues, as far as they have typed it.
    wanted: String,
    comment: String,
    about: String,
    /// Why a lead takes it over, if that could not be taken as it was typed.
    why_over: String,
    /// What the person had written to a review that they do not hold.
    written: Vec<(&'static str, String)>,
    /// Which answer of a round that wants two.
    part: Option<&'static str>,
    /// The second answer: the machine's is not shown.
    blind: bool,
    answers: Option<Answers>,
    settled: Option<String>,
    held_by: Option<String>,
    mine: bool,
    may_take_over: bool,
    generation: i64,
    lease: LeaseLine,
    /// For who does not hold it.
    standing: StandingLine,
    reasons_to_look: Vec<Reason>,
    viewer: Viewer,
    checks: Vec<CheckCard>,
    /// How many fields lie behind the filter, because the machine supports them and nobody said anything of them.
    tucked: usize,
    reason_codes: Vec<(String, String)>,
    note: String,
    agree: bool,
    faults: Vec<Fault>,
    restored: bool,
    comments: Vec<Comment>,
    steps: Vec<Step>,
    earlier: Earlier,
}

struct Reason {
    text: String,
    /// The field that it is about.
    field: Option<String>,
}

struct Fault {
    input: String,
    /// The field whose input it is.
    of: Option<String>,
    text: String,
}

/// How the holder puts it aside, as far as they have said.
struct Aside {
    to: String,
    why: String,
    spans: Vec<Choice>,
}

impl Page {
    /// What is wrong with this input.
    fn fault(&self, input: &str) -> Option<&str> {
        self.faults.iter().find(|fault| fault.input == input).map(|fault| fault.text.as_str())
    }

    /// Something is wrong with one of these.
    fn faulty(&self, inputs: &[&str]) -> bool {
        inputs.iter().any(|input| self.fault(input).is_some())
    }
}

/// Puts the page together.
#[expect(clippy::too_many_arguments, reason = "one call, whose arguments are the page's sources")]
pub fn page(
    state: &AppState,
    person: &Person,
    layout: Layout,
    item: &Item,
    around: &Around,
    offer: Option<Offer>,
    viewer: Viewer,
    typed: Value,
    faults: Faults,
) -> Page {
    let now = state.clock.now();
    let (review, verification) = (&item.review, &item.verification);
    let actor = person.actor();
    let held = review.lease_holder.as_ref().zip(review.lease_expires_at).filter(|(_, until)| *until > now);
    let mine = item.is_held_by(&actor, now);
    let claim_type = claim_type::find_version(&verification.claim_type, verification.claim_type_version);
    let checks = item.checks();
    let typed = only_typed(typed, checks);
    let text = |name: &str| typed.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let checks_shown = cards(item, claim_type.as_ref(), &viewer, &typed, &faults);
    let span = text(SPAN);
    let tucked = if viewer.look.all_fields { 0 } else { checks_shown.iter().filter(|check| check.folded).count() };
    let overdue = review.due_at < now;
    let unfaulted = faults.is_empty();
    let fault = |(input, text): (String, String)| Fault { of: of_field(&input, claim_type.as_ref()), input, text };
    let faults = faults.into_iter().map(fault).collect();
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
        boosted: review.boosted_at.is_some() && review.status.is_open(),
        assigned_to: review
            .assigned_to
            .filter(|_| review.status.is_open())
            .map(user::actor)
            .map(|to| if to == actor { "you".to_owned() } else { name(&around.names, &to) }),
        aside_until: review.snoozed_until.filter(|until| *until > now && review.status.is_open()).map(words::moment),
        moved: viewer.look.moved.told(),
        offer: offer.filter(|_| review.status.is_open()),
        aside: Aside {
            to: text(TO),
            why: text(WHY),
            spans: SPANS.iter().map(|(seconds, words)| Choice::new(seconds.to_string(), *words, &span)).collect(),
        },
        wanted: text(WANTED),
        comment: text(COMMENT),
        about: text(ABOUT),
        why_over: text(WHY_OVER),
        written: if mine { Vec::new() } else { written(&typed) },
        part: (review.wanted > 1).then(|| words::part(review.part)),
        blind: item.blind,
        answers: Answers::of(&around.answers, item, &around.names),
        settled: (!review.status.is_open()).then(|| settled(review.status, verification.status.is_terminal())),
        held_by: held.filter(|_| !mine).map(|(holder, _)| name(&around.names, holder)),
        mine,
        may_take_over: person.may(Right::TakeOver) && review.status.is_open() && !around.barred,
        generation: review.lease_generation,
        lease: LeaseLine::of(review.id, held.filter(|_| mine).map(|(_, until)| until), now, around.lease_seconds),
        standing: StandingLine::of(
            review.id,
            person,
            review.status,
            review.escalated_by.is_some(),
            held.map(|(holder, _)| holder.as_str()),
            around.barred,
            &around.names,
        ),
        reasons_to_look: reasons(&review.blockers, checks),
        tucked,
        checks: checks_shown,
        viewer,
        reason_codes: claim_type
            .map(|known| known.reasons.into_iter().map(|reason| (reason.code, reason.title)).collect())
            .unwrap_or_default(),
        note: text("note"),
        agree: !text("agree").is_empty(),
        restored: unfaulted && typed.as_object().is_some_and(|typed| !typed.is_empty()),
        faults,
        comments: around.comments.iter().map(|row| Comment::of(row, &around.names)).collect(),
        earlier: Earlier::of(&around.comments, &around.events),
        steps: Step::all(&around.events, &around.names),
    }
}

/// The title of the field to which an input like `verdict.total` belongs.
fn of_field(input: &str, claim_type: Option<&ClaimType>) -> Option<String> {
    let (_, field) = input.split_once('.')?;
    Some(claim_type.and_then(|known| known.field(field)).map_or_else(|| words::title(field), |spec| spec.title.clone()))
}

fn due(due_at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if due_at < now { format!("{} late", words::span(due_at, now)) } else { format!("due in {}", words::span(now, due_at)) }
}

/// What stood in the boxes for writing: nobody has to lose it because the review is not theirs any more.
fn written(typed: &Value) -> Vec<(&'static str, String)> {
    let boxes = [("note", "Note"), (WANTED, "What you wanted to see"), (WHY, "Why you put it aside"), (COMMENT, "Comment")];
    let text = |input: &str| typed.get(input).and_then(Value::as_str).map(str::to_owned);
    boxes.into_iter().filter_map(|(input, title)| Some((title, text(input)?))).collect()
}

fn settled(status: ReviewStatus, ended: bool) -> String {
    match (status, ended) {
        (ReviewStatus::Decided, false) => "Decided and recorded; the workflow is told as soon as it answers.".to_owned(),
        (ReviewStatus::Decided, true) => "Decided.".to_owned(),
        (ReviewStatus::Asked, _) => "More evidence was asked for; a new review follows when it comes.".to_owned(),
        (status, _) => format!("This review is {}.", status.as_str()),
    }
}

pub(super) fn name(names: &BTreeMap<String, String>, actor: &str) -> String {
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
