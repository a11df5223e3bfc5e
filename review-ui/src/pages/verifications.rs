//! All verifications of the tenant, newest first, with filters in the address.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::DateTime;
use domain::id::VerificationId;
use domain::person::Right;
use domain::spelling;
use domain::verdict::Verdict;
use domain::verification::Status;
use serde::Deserialize;
use store::review;
use store::verification::{self, ListFilter, VerificationRow};

use crate::layout::{Layout, Place};
use crate::pages::queue::{Choice, claim_types, subject};
use crate::pages::verification::is_void;
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

/// Lines on a page.
const PAGE: i64 = 50;

#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    #[serde(default)]
    status: String,
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    claim_type: String,
    /// An id, to go to it.
    #[serde(default)]
    id: String,
    #[serde(default)]
    before: String,
}

#[derive(Template)]
#[template(path = "verifications.html")]
struct Page {
    layout: Layout,
    statuses: Vec<Choice>,
    verdicts: Vec<Choice>,
    claim_types: Vec<Choice>,
    id: String,
    unknown_id: bool,
    filtered: bool,
    lines: Vec<Line>,
    more: Option<String>,
}

struct Line {
    id: VerificationId,
    claim_type: String,
    subject: String,
    amount: String,
    status: String,
    verdict: &'static str,
    confidence: String,
    decided_by: &'static str,
    created: String,
    created_stamp: String,
}

/// `GET /verifications`.
pub async fn page(State(state): State<AppState>, person: Person, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    if let Ok(id) = wish.id.trim().parse::<VerificationId>()
        && verification::get(&mut tx, id).await?.is_some()
    {
        return Ok(Redirect::to(&format!("/verifications/{id}")).into_response());
    }
    let filter = ListFilter {
        status: Status::parse(&wish.status),
        verdict: Verdict::parse(&wish.verdict),
        claim_type: (!wish.claim_type.is_empty()).then(|| wish.claim_type.replace('\0', "")),
        before: read_before(&wish.before),
        limit: PAGE + 1,
        ..ListFilter::default()
    };
    let mut rows = verification::list(&mut tx, &filter).await?;
    let ids: Vec<VerificationId> = rows.iter().map(|row| row.id).collect();
    let blind = if person.may(Right::Decide) { review::blind(&mut tx, &ids, &person.actor()).await? } else { BTreeSet::new() };
    drop(tx);
    let more = (rows.len() as i64 > PAGE).then(|| {
        rows.truncate(PAGE as usize);
        rows.last().map(|row| address(&wish, row))
    });
    let all = |any: &str| Choice::new("", any, "");
    let chosen = |any: &str, value: &str, words: Vec<&'static str>| -> Vec<Choice> {
        std::iter::once(all(any)).chain(words.into_iter().map(|word| Choice::new(word, words::title(word), value))).collect()
    };
    problem::page(&Page {
        layout: Layout::of(&state, &person, Place::Verifications, "Verifications").await?,
        statuses: chosen("Any status", &wish.status, Status::ALL.map(Status::as_str).to_vec()),
        verdicts: chosen(
            "Any verdict",
            &wish.verdict,
            [Verdict::Supported, Verdict::Refuted, Verdict::Insufficient].map(Verdict::as_str).to_vec(),
        ),
        claim_types: claim_types(&wish.claim_type, "Any claim type"),
        unknown_id: !wish.id.trim().is_empty(),
        filtered: filter.status.is_some() || filter.verdict.is_some() || filter.claim_type.is_some(),
        id: wish.id.clone(),
        // Whoever asks for a verdict would learn it from what they are shown.
        lines: rows
            .iter()
            .filter(|row| filter.verdict.is_none() || !blind.contains(&row.id))
            .map(|row| line(row, blind.contains(&row.id)))
            .collect(),
        more: more.flatten(),
    })
}

/// The machine's answer is left out where the person may still answer without it, and where it came to nothing.
fn line(row: &VerificationRow, blind: bool) -> Line {
    let shown = |field: &str| row.claim.get(field).map(spelling::show).unwrap_or_default();
    let told = !blind && !is_void(row);
    let outcome = row.final_outcome.as_ref().or(row.provisional.as_ref()).filter(|_| told);
    Line {
        id: row.id,
        claim_type: words::title(&row.claim_type),
        subject: subject(&row.claim),
        amount: shown("total"),
        status: words::status(row.status),
        verdict: row.verdict.filter(|_| told).map(words::verdict).unwrap_or_default(),
        confidence: outcome.map(|outcome| words::percent(outcome.confidence)).unwrap_or_default(),
        decided_by: outcome.map(|outcome| words::decided_by(outcome.decided_by)).unwrap_or_default(),
        created: words::moment(row.created_at),
        created_stamp: words::stamp(row.created_at),
    }
}

fn read_before(text: &str) -> Option<(DateTime<chrono::Utc>, VerificationId)> {
    let (at, id) = text.split_once('~')?;
    Some((DateTime::parse_from_rfc3339(at).ok()?.to_utc(), id.parse().ok()?))
}

fn address(wish: &Wish, last: &VerificationRow) -> String {
    let before = format!("{}~{}", last.created_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true), last.id);
    let mut query = form_urlencoded::Serializer::for_suffix("/verifications?".to_owned(), 15);
    for (name, value) in
        [("status", wish.status.as_str()), ("verdict", &wish.verdict), ("claim_type", &wish.claim_type), ("before", &before)]
    {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    query.finish()
}
