//! `POST /reviews/{id}/again`: a value that the reviewer read is held against the claim before anything is submitted.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::check::Check;
use domain::claim::Claim;
use domain::claim_type::ClaimType;
use domain::compare::Comparison;
use domain::judge;
use domain::person::Right;
use domain::spelling;
use serde_json::Value;

use super::actions::parse;
use super::draft::{gone, renewed};
use super::{Item, Look, load};
use crate::difference::{self, Piece};
use crate::form::Posted;
use crate::problem::{self, Problem};
use crate::state::AppState;

/// How a value stands to the claimed one.
#[derive(Debug, PartialEq)]
pub struct Again {
    /// The style's word for it: `ok`, `bad` or `warn`.
    pub tone: &'static str,
    pub icon: &'static str,
    pub text: String,
    /// Where they differ.
    pub claimed: Vec<Piece>,
    pub found: Vec<Piece>,
}

impl Again {
    fn plain(tone: &'static str, icon: &'static str, text: String) -> Self {
        Self { tone, icon, text, claimed: Vec::new(), found: Vec::new() }
    }
}

#[derive(Template)]
#[template(path = "_again.html")]
struct Fragment {
    again: Option<Again>,
}

/// Without a script what was typed is kept as a draft, and the page that is shown next says how it compares.
pub async fn again(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Posted(person, form): Posted,
) -> Result<Response, Problem> {
    person.require(Right::Decide)?;
    let id = parse(&id)?;
    let field = form.require("again")?.to_owned();
    let mut tx = state.store.begin(person.tenant()).await?;
    let held = renewed(&mut tx, id, &person.actor(), &form).await?.is_some();
    let item = load(&mut tx, id).await?;
    let problem = if held { None } else { Some(gone(&mut tx, id, &person.actor(), &form).await?) };
    tx.commit().await?;
    let check = item.checks().iter().find(|check| check.field == field).ok_or(Problem::NotFound)?;
    if headers.contains_key("hx-request") {
        let line = form.raw(&format!("found.{field}")).unwrap_or_default();
        let again = compared(&item, item.claim_type().as_ref(), check, line);
        let mut response = problem::page(&Fragment { again })?;
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("HX-Request"));
        return Ok(response);
    }
    if let Some(problem) = problem {
        return Err(problem);
    }
    // A field that was looked for is one of the claim's, so it may stand in an address.
    let way = Look::of(&form).way_to_again(id, &field).to(&format!("check-{field}"));
    Ok(Redirect::to(&way.to_string()).into_response())
}

/// How the line that was typed compares. None where the claim says nothing of the field.
pub fn compared(item: &Item, claim_type: Option<&ClaimType>, check: &Check, line: &str) -> Option<Again> {
    let claim_type = claim_type?;
    let line = line.trim();
    if line.is_empty() {
        return Some(Again::plain("warn", "info", "No value: the evidence shows none, so it cannot support the claim.".to_owned()));
    }
    let claim = Claim::reread(claim_type, &item.verification.claim).ok()?;
    let kind = claim_type.field(&check.field)?.kind;
    let unreadable = |detail: &str| Again::plain("bad", "warning", format!("It cannot be compared: {detail}."));
    let found = match spelling::read(kind, line, check.claimed.get("currency").and_then(Value::as_str)) {
        Ok(found) => found,
        Err(error) => return Some(unreadable(&error.to_string())),
    };
    let comparison = match judge::compare_again(claim_type, &claim, &check.field, &found) {
        Ok(comparison) => comparison?,
        Err(faults) => return Some(unreadable(faults.first().map_or("it is no such value", |fault| fault.detail.as_str()))),
    };
    let (claimed, found) = (spelling::show(&check.claimed), spelling::show(&found));
    let apart = || difference::pieces(&claimed, &found);
    Some(match comparison {
        Comparison::Same { .. } => Again::plain("ok", "supported", format!("“{found}” is what is claimed, so it can support the claim.")),
        Comparison::Different { .. } => {
            let (claimed, pieces) = apart();
            let text = "This is another value than the claimed one, so it can refute the claim.".to_owned();
            Again { tone: "bad", icon: "refuted", text, claimed, found: pieces }
        }
        Comparison::Unclear { reason, .. } => {
            let (claimed, pieces) = apart();
            let text = format!("Close to the claimed value, yet not the same: {}. The verdict is yours.", reason.replace('_', " "));
            Again { tone: "warn", icon: "insufficient", text, claimed, found: pieces }
        }
    })
}
