//! One address that is told what happens: its last deliveries, and all that can be done with it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use domain::id::{DeliveryId, EndpointId, VerificationId};
use domain::person::Right;
use domain::webhook::event::EventType;
use store::TenantTx;
use store::webhook::{
    self, DeliveryFilter, DeliveryRow, DeliveryStatus, EndpointChange, EndpointRow, RetryOutcome, RotateOutcome, UpdateOutcome,
};

use super::webhooks::{Fault, Health, Inputs, Wish, events};
use crate::form::{Form, Posted};
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;
use crate::words;

/// Deliveries that the page shows; the API has all.
const DELIVERIES: i64 = 25;

#[derive(Template)]
#[template(path = "webhook.html")]
struct Page {
    layout: Layout,
    id: EndpointId,
    url: String,
    description: String,
    events: String,
    health: Health,
    /// It asked to be left alone until then.
    held: Option<String>,
    created: String,
    version: i64,
    inputs: Inputs,
    faults: Vec<Fault>,
    /// Somebody else changed it while the form was filled in.
    overtaken: bool,
    rotated: Option<Rotated>,
    deliveries: Vec<Line>,
    more: bool,
}

/// A new secret, never seen again.
struct Rotated {
    secret: String,
    old_until: String,
}

struct Line {
    id: DeliveryId,
    event: String,
    verification: Option<VerificationId>,
    status: &'static str,
    tone: &'static str,
    icon: &'static str,
    attempts: u32,
    answer: String,
    next: Option<(String, String)>,
    created: String,
    created_stamp: String,
    /// What the button says.
    again: &'static str,
}

/// `GET /webhooks/{id}`.
pub async fn page(State(state): State<AppState>, person: Person, Path(id): Path<String>) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    shown(&state, &person, parse(&id)?, Shown::default()).await
}

/// `POST /webhooks/{id}`: another address, description or choice of events.
pub async fn change(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let id = parse(&id)?;
    let wish = match Wish::read(&form, &state.webhooks) {
        Ok(wish) => wish,
        Err(faults) => return shown(&state, &person, id, Shown { form: Some(form), faults, ..Shown::default() }).await,
    };
    let change = EndpointChange {
        target: Some(&wish.target),
        description: Some(&wish.description),
        filter: Some(wish.filter),
        ..EndpointChange::default()
    };
    let mut tx = state.store.begin(person.tenant()).await?;
    match webhook::update(&mut tx, id, seen(&form), &change, &person.actor()).await? {
        UpdateOutcome::Updated(_) => {
            tx.commit().await?;
            Ok(back(id))
        }
        UpdateOutcome::Stale(_) => {
            drop(tx);
            shown(&state, &person, id, Shown { form: Some(form), overtaken: true, ..Shown::default() }).await
        }
        UpdateOutcome::NotFound => Err(Problem::NotFound),
    }
}

/// `POST /webhooks/{id}/test`.
pub async fn test(State(state): State<AppState>, Path(id): Path<String>, Posted(person, _): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let id = parse(&id)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    if webhook::emit_test(&mut tx, id, EventType::VerificationFinal, &person.actor()).await?.is_none() {
        get(&mut tx, id).await?;
        return Err(off(id));
    }
    tx.commit().await?;
    Ok(back(id))
}

/// `POST /webhooks/{id}/rotate`. Answers with the page that shows the new secret, once. A form that was made before the last change rotates
/// nothing: loading that page again sends one.
pub async fn rotate(State(state): State<AppState>, Path(id): Path<String>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let id = parse(&id)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    if get(&mut tx, id).await?.version != seen(&form) {
        return Err(Problem::Conflict {
            title: "It was changed since",
            detail: "The form was made before the last change, or sent before. No new secret was made now, and none is shown again. If the last \
                one is lost, rotate once more."
                .to_owned(),
            link: (address(id), "Back to the address"),
        });
    }
    match webhook::rotate(&mut tx, id, state.clock.now(), &person.actor()).await? {
        RotateOutcome::Rotated { secret, old_until } => {
            tx.commit().await?;
            let rotated = Rotated { secret: secret.reveal(), old_until: words::moment(old_until) };
            shown(&state, &person, id, Shown { rotated: Some(rotated), ..Shown::default() }).await
        }
        RotateOutcome::TooOften { until } => Err(Problem::Conflict {
            title: "It was rotated too often",
            detail: format!("Five secrets sign already. The oldest of them ends on {}; rotate again then.", words::moment(until)),
            link: (address(id), "Back to the address"),
        }),
        RotateOutcome::NotFound => Err(Problem::NotFound),
    }
}

/// `POST /webhooks/{id}/on`.
pub async fn on(State(state): State<AppState>, Path(id): Path<String>, Posted(person, _): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let id = parse(&id)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    webhook::enable(&mut tx, id, &person.actor()).await?;
    get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(back(id))
}

/// `POST /webhooks/{id}/off`.
pub async fn off_by_hand(State(state): State<AppState>, Path(id): Path<String>, Posted(person, _): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let id = parse(&id)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    webhook::disable(&mut tx, id, &person.actor()).await?;
    get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(back(id))
}

/// `POST /webhooks/{id}/delete`.
pub async fn delete(State(state): State<AppState>, Path(id): Path<String>, Posted(person, _): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    if !webhook::delete(&mut tx, parse(&id)?, &person.actor()).await? {
        return Err(Problem::NotFound);
    }
    tx.commit().await?;
    Ok(Redirect::to("/webhooks").into_response())
}

/// `POST /webhooks/{id}/deliveries/{delivery}/retry`.
pub async fn retry(
    State(state): State<AppState>,
    Path((id, delivery)): Path<(String, String)>,
    Posted(person, _): Posted,
) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let id = parse(&id)?;
    let delivery: DeliveryId = delivery.parse().map_err(|_| Problem::NotFound)?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let row = webhook::delivery(&mut tx, delivery).await?;
    row.filter(|row| row.endpoint_id == id).ok_or(Problem::NotFound)?;
    match webhook::retry(&mut tx, delivery, &person.actor()).await? {
        RetryOutcome::Ordered => tx.commit().await?,
        RetryOutcome::EndpointOff => return Err(off(id)),
        RetryOutcome::NotFound => return Err(Problem::NotFound),
    }
    Ok(back(id))
}

fn parse(id: &str) -> Result<EndpointId, Problem> {
    id.parse().map_err(|_| Problem::NotFound)
}

async fn get(tx: &mut TenantTx, id: EndpointId) -> Result<EndpointRow, Problem> {
    webhook::get(tx, id).await?.ok_or(Problem::NotFound)
}

fn address(id: EndpointId) -> String {
    format!("/webhooks/{id}")
}

fn back(id: EndpointId) -> Response {
    Redirect::to(&address(id)).into_response()
}

fn off(id: EndpointId) -> Problem {
    Problem::Conflict {
        title: "It is switched off",
        detail: "Nothing is sent to an address that is off. Switch it on first.".to_owned(),
        link: (address(id), "Back to the address"),
    }
}

/// The version that the form was made of; 0, which no endpoint has, when it does not say.
fn seen(form: &Form) -> i64 {
    form.get("version").and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// How the page comes to be shown.
#[derive(Default)]
struct Shown {
    /// What was typed; the endpoint as it is where nothing was.
    form: Option<Form>,
    faults: Vec<Fault>,
    overtaken: bool,
    rotated: Option<Rotated>,
}

async fn shown(state: &AppState, person: &Person, id: EndpointId, shown: Shown) -> Result<Response, Problem> {
    let layout = Layout::of(state, person, Place::Webhooks, "Webhook").await?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let row = get(&mut tx, id).await?;
    // One more than shown tells whether there is more.
    let filter = DeliveryFilter { endpoint_id: Some(id), limit: DELIVERIES + 1, ..DeliveryFilter::default() };
    let deliveries = webhook::deliveries(&mut tx, &filter).await?;
    drop(tx);
    let now = state.clock.now();
    let status = match (shown.overtaken, shown.faults.is_empty()) {
        (true, _) => StatusCode::CONFLICT,
        (false, false) => StatusCode::UNPROCESSABLE_ENTITY,
        (false, true) => StatusCode::OK,
    };
    // What the person has not seen is not to be replaced by accident, so what they saw stays the form's version until they are told.
    let version = shown.form.as_ref().filter(|_| !shown.overtaken).map_or(row.version, seen);
    let form = shown.form.unwrap_or_else(|| spelt(&row));
    let page = Page {
        layout,
        id,
        health: Health::of(&row),
        events: events(&row.filter),
        held: row.held_until.filter(|until| *until > now).map(words::moment),
        created: words::moment(row.created_at),
        version,
        inputs: Inputs::of(&form, &shown.faults),
        faults: shown.faults,
        overtaken: shown.overtaken,
        rotated: shown.rotated,
        more: deliveries.len() as i64 > DELIVERIES,
        deliveries: deliveries.into_iter().take(DELIVERIES as usize).map(|row| line(row, now)).collect(),
        url: row.url,
        description: row.description,
    };
    Ok((status, Html(page.render()?)).into_response())
}

/// The form as the endpoint fills it in.
fn spelt(row: &EndpointRow) -> Form {
    let fixed = [("url", row.url.as_str()), ("description", row.description.as_str())];
    let chosen = row.filter.words().into_iter().map(|word| ("event", word));
    Form(fixed.into_iter().chain(chosen).map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn line(row: DeliveryRow, now: DateTime<Utc>) -> Line {
    let (status, tone, icon) = match row.status {
        DeliveryStatus::Waiting => ("waiting", "", "clock"),
        DeliveryStatus::Delivered => ("delivered", "ok", "done"),
        DeliveryStatus::Dead => ("given up", "bad", "warning"),
        DeliveryStatus::Canceled => ("called off", "", "lock"),
    };
    let next = |at: DateTime<Utc>| {
        (words::stamp(at), if at <= now { "now".to_owned() } else { format!("{}, in {}", words::moment(at), words::span(now, at)) })
    };
    Line {
        id: row.id,
        verification: row.verification_id,
        status,
        tone,
        icon,
        attempts: row.attempts,
        answer: answer(row.last_status, row.last_error.as_deref()),
        next: row.next_at.map(next),
        created: words::moment(row.created_at),
        created_stamp: words::stamp(row.created_at),
        again: match row.status {
            DeliveryStatus::Waiting => "Try now",
            DeliveryStatus::Delivered | DeliveryStatus::Dead | DeliveryStatus::Canceled => "Send again",
        },
        event: row.event,
    }
}

/// What came of the last attempt.
fn answer(status: Option<u16>, error: Option<&str>) -> String {
    match (status, error) {
        (Some(status), _) => status.to_string(),
        (None, None) => String::new(),
        (None, Some("dns")) => "the name is not known".to_owned(),
        (None, Some("connect")) => "no connection".to_owned(),
        (None, Some("timeout")) => "no answer in time".to_owned(),
        (None, Some("address_refused")) => "it leads to a private or reserved address".to_owned(),
        (None, Some("broken")) => "the connection broke".to_owned(),
        (None, Some(other)) => other.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use domain::webhook::address::Rules;
    use domain::webhook::event::EventFilter;

    use super::*;

    #[test]
    fn a_form_as_it_was_filled_in_spells_the_same_endpoint() {
        let at = DateTime::UNIX_EPOCH;
        let filter = EventFilter::new([EventType::ReviewOverdue]);
        let row = EndpointRow {
            id: EndpointId::new(),
            url: "https://hooks.acme.com/a".to_owned(),
            description: "orders".to_owned(),
            filter: filter.clone(),
            enabled: true,
            disabled_at: None,
            disabled_reason: None,
            failing_since: None,
            held_until: None,
            full_data: false,
            created_at: at,
            updated_at: at,
            version: 3,
        };
        let wish = Wish::read(&spelt(&row), &Rules::default()).unwrap();
        assert_eq!((wish.target.url.as_str(), wish.description, wish.filter), ("https://hooks.acme.com/a", "orders".to_owned(), filter));
        assert_eq!((Health::of(&row).word, Health::of(&row).detail.as_str()), ("on", ""));
        let failing = EndpointRow { failing_since: Some(at), ..row.clone() };
        assert_eq!((Health::of(&failing).word, Health::of(&failing).detail.as_str()), ("failing", "since 1970-01-01 00:00 UTC"));
        let off = EndpointRow { enabled: false, disabled_at: Some(at), disabled_reason: Some(webhook::DisabledReason::Gone), ..row };
        let health = Health::of(&off);
        assert_eq!((health.on, health.detail.as_str()), (false, "it answered that it is gone (410), 1970-01-01 00:00 UTC"));
    }

    #[test]
    fn answers_are_told_in_words() {
        assert_eq!(answer(Some(503), None), "503");
        assert_eq!(answer(None, Some("dns")), "the name is not known");
        assert_eq!((answer(None, Some("new_word")), answer(None, None)), ("new word".to_owned(), String::new()));
    }
}
