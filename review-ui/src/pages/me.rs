//! `GET /me`: what a person left unfinished, what they decided lately, and what others made of it.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::id::{DecisionId, ReviewId, VerificationId};
use domain::person::Right;
use serde::Deserialize;
use store::review::{self, QueueFilter, QueueItem};
use store::work::{self, AnswerRow, DraftRow, OpenComment, Overturned};

use super::queue::subject;
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

/// Answers on a page.
const PAGE: i64 = 20;
/// Lines of each of the other lists; who has more works some of them off first.
const MOST: i64 = 50;
/// Of a comment, so many characters; its page has the rest.
const LONGEST_COMMENT: usize = 240;

/// From where the list of answers goes on.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    #[serde(default)]
    before: String,
}

#[derive(Template)]
#[template(path = "me.html")]
struct Page {
    layout: Layout,
    held: Vec<Open>,
    /// Theirs to answer, and not held.
    assigned: Vec<Open>,
    drafts: Vec<Open>,
    overturned: Vec<Given>,
    comments: Vec<Said>,
    answers: Vec<Given>,
    /// It is not the first page of answers.
    further: bool,
    more: Option<String>,
    most: i64,
}

/// A review that can be gone on with.
struct Open {
    id: ReviewId,
    claim_type: String,
    subject: String,
    /// When it is due, or since when the draft waits.
    stamp: String,
    when: String,
    late: bool,
}

/// An answer.
struct Given {
    verification: VerificationId,
    claim_type: String,
    subject: String,
    /// Nothing before the round is settled.
    verdict: &'static str,
    stamp: String,
    when: String,
    /// What became of it.
    became: &'static str,
    /// What counts instead, where it does not stand.
    stands: &'static str,
}

struct Said {
    verification: VerificationId,
    claim_type: String,
    field: Option<String>,
    body: String,
    stamp: String,
    when: String,
}

pub async fn page(State(state): State<AppState>, person: Person, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let before = match wish.before.as_str() {
        "" => None,
        text => {
            let broken = || Problem::Invalid("This link into the list is broken. Start from its first page.".to_owned());
            Some(read_before(text).ok_or_else(broken)?)
        }
    };
    let layout = Layout::of(&state, &person, Place::Me, "My work").await?;
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    let filter = QueueFilter { holder: Some(actor.clone()), limit: MOST, ..QueueFilter::default() };
    let held = review::queue(&mut tx, &filter).await?;
    let filter =
        QueueFilter { assigned_to: Some(person.member.user_id), viewer: Some(actor.clone()), limit: MOST, ..QueueFilter::default() };
    let mut assigned = review::queue(&mut tx, &filter).await?;
    assigned.retain(|item| !held.iter().any(|held| held.id == item.id));
    let drafts = work::drafts(&mut tx, &actor, MOST).await?;
    let overturned = work::overturned(&mut tx, &actor, MOST).await?;
    let comments = work::open_comments(&mut tx, &actor, MOST).await?;
    let mut answers = work::answers(&mut tx, &actor, before, PAGE + 1).await?;
    drop(tx);
    let more = (answers.len() as i64 > PAGE).then(|| {
        answers.truncate(PAGE as usize);
        answers.last().map(after)
    });
    let now = state.clock.now();
    problem::page(&Page {
        layout,
        held: held.iter().map(|item| waiting(item, now)).collect(),
        assigned: assigned.iter().map(|item| waiting(item, now)).collect(),
        drafts: drafts.iter().map(|row| draft(row, now)).collect(),
        overturned: overturned.iter().map(given).collect(),
        comments: comments.into_iter().map(said).collect(),
        answers: answers.iter().map(given).collect(),
        further: before.is_some(),
        more: more.flatten(),
        most: MOST,
    })
}

fn waiting(item: &QueueItem, now: DateTime<Utc>) -> Open {
    let late = item.due_at < now;
    let when = match item.aside_until {
        _ if late => format!("{} late", words::span(item.due_at, now)),
        Some(until) => format!("aside until {}", words::moment(until)),
        None => format!("due in {}", words::span(now, item.due_at)),
    };
    let claim_type = words::title(&item.claim_type);
    Open { id: item.id, claim_type, subject: subject(&item.claim), stamp: words::stamp(item.due_at), when, late }
}

fn draft(row: &DraftRow, now: DateTime<Utc>) -> Open {
    Open {
        id: row.review_id,
        claim_type: words::title(&row.claim_type),
        subject: subject(&row.claim),
        stamp: words::stamp(row.updated_at),
        when: format!("typed {} ago", words::span(row.updated_at, now)),
        late: false,
    }
}

fn given(row: &AnswerRow) -> Given {
    let became = match (row.settled, row.overturned) {
        (false, _) => "another person answers too",
        (true, None) => "stands",
        (true, Some(Overturned::Adjudication)) => "a third person decided otherwise",
        (true, Some(Overturned::Correction)) => "corrected later",
    };
    Given {
        verification: row.verification_id,
        claim_type: words::title(&row.claim_type),
        subject: subject(&row.claim),
        verdict: row.verdict.map(words::verdict).unwrap_or_default(),
        stamp: words::stamp(row.decided_at),
        when: words::moment(row.decided_at),
        became,
        stands: row.overturned.and(row.stands).map(words::verdict).unwrap_or_default(),
    }
}

fn said(row: OpenComment) -> Said {
    let cut = row.body.chars().nth(LONGEST_COMMENT).is_some();
    let body: String = row.body.chars().take(LONGEST_COMMENT).collect();
    Said {
        verification: row.verification_id,
        claim_type: words::title(&row.claim_type),
        field: row.field.as_deref().map(words::title),
        body: if cut { body + "…" } else { body },
        stamp: words::stamp(row.created_at),
        when: words::moment(row.created_at),
    }
}

fn after(row: &AnswerRow) -> String {
    let at = row.decided_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    format!("/me?before={at}~{}#decided", row.id)
}

fn read_before(text: &str) -> Option<(DateTime<Utc>, DecisionId)> {
    let (at, id) = text.split_once('~')?;
    Some((DateTime::parse_from_rfc3339(at).ok()?.to_utc(), id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_reads_back() {
        let (at, id) = (DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap(), DecisionId::new());
        let text = format!("{}~{id}", at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true));
        assert_eq!(read_before(&text), Some((at, id)));
        for broken in ["~", "x~y", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z~dec_1", "\0", "9999999999999~"] {
            assert_eq!(read_before(broken), None, "{broken}");
        }
    }
}
