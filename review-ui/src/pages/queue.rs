//! The queue: what waits, the most pressing first, and the button that takes the next.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use domain::blocker::Blocker;
use domain::claim_type;
use domain::id::ReviewId;
use domain::person::Right;
use domain::review::{Part, ReviewStatus};
use domain::spelling;
use serde::Deserialize;
use store::review::{self, QueueCounts, QueueFilter, QueueItem, Reach};
use store::{tenant, user};

use super::arrange::{Moved, Offer};
use crate::form::Posted;
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

/// Lines on a page. With what a lead arranges them by, more would be heavier than 100 kB.
const PAGE: i64 = 35;
/// Longest name shown in a line, in characters.
const LONGEST_SUBJECT: usize = 120;

/// What the person wants to see; kept in the address, so that it can be sent to somebody.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    #[serde(default)]
    show: String,
    #[serde(default)]
    claim_type: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    after: String,
    /// Set when "next" found nothing.
    #[serde(default)]
    empty: String,
    /// What a lead moved just now.
    #[serde(default)]
    moved: String,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct Page {
    layout: Layout,
    counts: QueueCounts,
    shows: Vec<Choice>,
    claim_types: Vec<Choice>,
    reasons: Vec<Choice>,
    filtered: bool,
    nothing_to_take: bool,
    may_decide: bool,
    /// For who may arrange the queue.
    offer: Option<Offer>,
    moved: Option<String>,
    wish: Wish,
    lines: Vec<Line>,
    /// The same list as it is now, from its beginning.
    first: String,
    more: Option<String>,
}

/// The part of the page that keeps itself up to date.
#[derive(Template)]
#[template(path = "_counts.html")]
pub struct Counts {
    pub counts: QueueCounts,
}

/// One entry of a select box.
pub struct Choice {
    pub value: String,
    pub label: String,
    pub chosen: bool,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>, chosen: &str) -> Self {
        let value = value.into();
        Self { chosen: value == chosen, label: label.into(), value }
    }
}

struct Line {
    id: ReviewId,
    claim_type: String,
    /// The first line of the claim that says which one it is: merchant, number, or nothing.
    subject: String,
    amount: String,
    reasons: Vec<String>,
    /// Which answer of a round that wants several, from the second on.
    part: Option<&'static str>,
    due_stamp: String,
    due: String,
    overdue: bool,
    escalated: bool,
    age: String,
    held_by: Option<String>,
    mine: bool,
    boosted: bool,
    assigned_to: Option<String>,
    aside_until: Option<String>,
}

/// `GET /`.
pub async fn page(State(state): State<AppState>, person: Person, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let layout = Layout::of(&state, &person, Place::Queue, "Queue").await?;
    let actor = person.actor();
    let filter = filter(&wish, &actor)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let counts = review::counts(&mut tx, &actor).await?;
    let mut items = review::queue(&mut tx, &filter).await?;
    let assigned: Vec<String> = items.iter().filter_map(|item| item.assigned_to).map(user::actor).collect();
    let holders = items.iter().filter_map(|item| Some(item.held.as_ref()?.0.as_str()));
    let names = user::names_of(&mut tx, holders.chain(assigned.iter().map(String::as_str))).await?;
    drop(tx);
    let offer = Offer::load(&state, &person).await?;
    let more = (items.len() as i64 > PAGE).then(|| {
        items.truncate(PAGE as usize);
        items.last().map(|item| address(&wish, &after(item)))
    });
    let now = state.clock.now();
    let lines = items.iter().map(|item| line(item, &names, &actor, now)).collect();
    let shows = [
        ("", "All that waits"),
        ("overdue", "Overdue"),
        ("escalated", "Escalated"),
        ("mine", "Held by me"),
        ("assigned", "Assigned to me"),
        ("aside", "Put aside"),
    ];
    let kinds = [
        "low_confidence",
        "not_found",
        "conflicting_values",
        "ambiguous",
        "unreadable_page",
        "wrong_document_type",
        "hidden_text_disagrees",
        "model_unavailable",
        "policy_review",
        "policy_sample",
    ];
    problem::page(&Page {
        layout,
        counts,
        shows: shows.into_iter().map(|(value, label)| Choice::new(value, label, &wish.show)).collect(),
        claim_types: claim_types(&wish.claim_type, "Any claim type"),
        reasons: std::iter::once(Choice::new("", "Any reason", &wish.reason))
            .chain(kinds.into_iter().map(|kind| Choice::new(kind, words::title(kind), &wish.reason)))
            .collect(),
        filtered: !(wish.show.is_empty() && wish.claim_type.is_empty() && wish.reason.is_empty()),
        nothing_to_take: !wish.empty.is_empty(),
        may_decide: person.may(Right::Decide),
        offer,
        moved: Moved::read(&wish.moved).told(),
        lines,
        first: address(&wish, ""),
        more: more.flatten(),
        wish,
    })
}

/// `POST /queue/next`: picks and leases in one statement. One that the person holds already comes first, so that a closed tab costs nothing.
pub async fn next(State(state): State<AppState>, Posted(person, _): Posted) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    Ok(Redirect::to(&next_address(&state, &person).await?).into_response())
}

/// Where the next review is, leased; or the queue, which says that there is none.
pub async fn next_address(state: &AppState, person: &Person) -> Result<String, Problem> {
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    let id = match review::held_by(&mut tx, &actor).await? {
        Some(held) => Some(held),
        None => {
            let seconds = tenant::policy(&mut tx).await?.lease_seconds;
            // What a person handed to a lead is for a lead.
            let reach = if person.may(Right::TakeOver) { Reach::All } else { Reach::Own };
            review::claim_next(&mut tx, &actor, reach, seconds).await?.map(|lease| lease.review_id)
        }
    };
    tx.commit().await?;
    Ok(id.map_or_else(|| "/?empty=1".to_owned(), |id| format!("/reviews/{id}")))
}

/// The claim types to choose from.
pub fn claim_types(chosen: &str, any: &str) -> Vec<Choice> {
    let known = claim_type::built_in().into_iter().map(|known| Choice::new(known.name, known.title, chosen));
    std::iter::once(Choice::new("", any, chosen)).chain(known).collect()
}

fn filter(wish: &Wish, actor: &str) -> Result<QueueFilter, Problem> {
    // PostgreSQL's text knows no NUL.
    let word = |text: &str| (!text.is_empty()).then(|| text.replace('\0', ""));
    let after = match wish.after.as_str() {
        "" => None,
        text => Some(
            read_after(text).ok_or_else(|| Problem::Invalid("This link into the list is broken. Start from its first page.".to_owned()))?,
        ),
    };
    Ok(QueueFilter {
        status: (wish.show == "escalated").then_some(ReviewStatus::Escalated),
        claim_type: word(&wish.claim_type),
        reason: word(&wish.reason),
        holder: (wish.show == "mine").then(|| actor.to_owned()),
        viewer: Some(actor.to_owned()),
        assigned_to: (wish.show == "assigned").then(|| user::person(actor)).flatten(),
        // What is put aside waits for nobody; who looks for what is theirs, or late, sees it all the same.
        aside: match wish.show.as_str() {
            "aside" => Some(true),
            "mine" | "assigned" | "overdue" => None,
            _ => Some(false),
        },
        overdue: wish.show == "overdue",
        after,
        limit: PAGE + 1,
    })
}

fn after(item: &QueueItem) -> String {
    format!("{}~{}", item.place.to_rfc3339_opts(chrono::SecondsFormat::Micros, true), item.id)
}

fn read_after(text: &str) -> Option<(DateTime<Utc>, ReviewId)> {
    let (due_at, id) = text.split_once('~')?;
    Some((DateTime::parse_from_rfc3339(due_at).ok()?.to_utc(), id.parse().ok()?))
}

/// The same list from another place, or from its beginning.
fn address(wish: &Wish, after: &str) -> String {
    let pairs = [("show", wish.show.as_str()), ("claim_type", &wish.claim_type), ("reason", &wish.reason), ("after", after)];
    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { "/".to_owned() } else { format!("/?{query}") }
}

/// What says which claim it is: its merchant, number or the like, or nothing.
pub fn subject(claim: &serde_json::Value) -> String {
    let shown = |field: &str| claim.get(field).map(spelling::show).unwrap_or_default();
    let found = ["merchant", "seller", "number", "statement"].into_iter().map(shown).find(|text| !text.is_empty());
    found.unwrap_or_default().chars().take(LONGEST_SUBJECT).collect()
}

fn line(item: &QueueItem, names: &BTreeMap<String, String>, actor: &str, now: DateTime<Utc>) -> Line {
    let shown = |field: &str| item.claim.get(field).map(spelling::show).unwrap_or_default();
    // A second answer is given without the machine's reasons.
    let blockers: &[Blocker] = if item.part == Part::Second { &[] } else { &item.blockers };
    let mut reasons: Vec<String> = blockers.iter().map(|blocker| words::reason(blocker.kind())).collect();
    reasons.dedup();
    let overdue = item.due_at < now;
    Line {
        id: item.id,
        claim_type: words::title(&item.claim_type),
        subject: subject(&item.claim),
        amount: shown("total"),
        reasons,
        part: (item.part != Part::First).then(|| words::part(item.part)),
        due_stamp: words::stamp(item.due_at),
        due: if overdue { format!("{} late", words::span(item.due_at, now)) } else { format!("in {}", words::span(now, item.due_at)) },
        overdue,
        escalated: item.status == ReviewStatus::Escalated,
        age: words::span(item.created_at, now),
        held_by: item.held.as_ref().map(|(holder, _)| names.get(holder).cloned().unwrap_or_else(|| "another client".to_owned())),
        mine: item.held.as_ref().is_some_and(|(holder, _)| holder == actor),
        boosted: item.boosted,
        assigned_to: item.assigned_to.map(user::actor).map(|to| {
            if to == actor { "you".to_owned() } else { names.get(&to).cloned().unwrap_or_else(|| "somebody who has left".to_owned()) }
        }),
        aside_until: item.aside_until.map(words::moment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_reads_back() {
        let (at, id) = (DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap(), ReviewId::new());
        let text = format!("{}~{id}", at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true));
        assert_eq!(read_after(&text), Some((at, id)));
        for broken in ["", "~", "x~y", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z~rev_1"] {
            assert_eq!(read_after(broken), None, "{broken}");
        }
    }

    #[test]
    fn the_filters_stay_in_the_address() {
        let wish = Wish { show: "mine".to_owned(), reason: "a&b".to_owned(), ..Wish::default() };
        assert_eq!(address(&wish, "x"), "/?show=mine&reason=a%26b&after=x");
        assert_eq!((address(&wish, "").as_str(), address(&Wish::default(), "").as_str()), ("/?show=mine&reason=a%26b", "/"));
    }
}
