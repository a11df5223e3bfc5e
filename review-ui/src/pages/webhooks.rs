//! Addresses at which the tenant wants to be told what happens: what they are, how they are doing, and adding one.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::id::EndpointId;
use domain::person::Right;
use domain::webhook::address::{Rules, Target, check};
use domain::webhook::event::{EventFilter, EventType};
use store::webhook::{self, Created, DisabledReason, EndpointRow, MAX_ENDPOINTS, NewEndpoint};
use uuid::Uuid;

use super::keys::{intent, sent_before};
use super::queue::Choice;
use crate::form::{Form, Posted};
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;
use crate::words;

/// Longest description, in characters; as in the API.
const LONGEST_DESCRIPTION: usize = 500;

#[derive(Template)]
#[template(path = "webhooks.html")]
struct Page {
    layout: Layout,
    lines: Vec<Line>,
    /// The same for every time that this form is sent.
    intent: String,
    inputs: Inputs,
    made: Option<Made>,
    faults: Vec<Fault>,
    full: bool,
}

/// An address that was just added, and its secret, never seen again.
struct Made {
    id: EndpointId,
    secret: String,
}

struct Line {
    id: EndpointId,
    url: String,
    description: String,
    events: String,
    health: Health,
}

/// How an endpoint is doing, in words.
pub(super) struct Health {
    pub on: bool,
    /// `ok`, `warn`, `bad`, or nothing.
    pub tone: &'static str,
    pub icon: &'static str,
    pub word: &'static str,
    /// Why, or since when.
    pub detail: String,
}

impl Health {
    pub fn of(row: &EndpointRow) -> Self {
        let since = |at: Option<DateTime<Utc>>| at.map(words::moment).unwrap_or_default();
        let off = |tone, why: &str| Self {
            on: false,
            tone,
            icon: "lock",
            word: "off",
            detail: format!("{why}, {}", since(row.disabled_at)).trim_end_matches([',', ' ']).to_owned(),
        };
        match (row.enabled, row.disabled_reason, row.failing_since) {
            (false, Some(DisabledReason::Gone), _) => off("bad", "it answered that it is gone (410)"),
            (false, Some(DisabledReason::Failing), _) => off("bad", "nothing but failure for five days"),
            (false, Some(DisabledReason::ByHand) | None, _) => off("", "switched off by hand"),
            (true, _, Some(at)) => {
                Self { on: true, tone: "warn", icon: "warning", word: "failing", detail: format!("since {}", words::moment(at)) }
            }
            (true, _, None) => Self { on: true, tone: "ok", icon: "done", word: "on", detail: String::new() },
        }
    }
}

/// What a form holds, and what is wrong with it.
pub(super) struct Inputs {
    pub url: Input,
    pub description: Input,
    pub events: Vec<Choice>,
}

pub(super) struct Input {
    pub typed: String,
    pub fault: Option<String>,
}

/// One thing wrong with a form, and the input that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub input: &'static str,
    pub text: String,
}

impl Fault {
    /// The label of its input.
    pub fn title(&self) -> &'static str {
        if self.input == "url" { "Address" } else { "What it is for" }
    }
}

/// What a form asks for.
#[derive(Debug)]
pub(super) struct Wish {
    pub target: Target,
    pub description: String,
    pub filter: EventFilter,
}

impl Wish {
    pub fn read(form: &Form, rules: &Rules) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let target = match form.get("url").map(|text| check(text, rules)) {
            Some(Ok(target)) => Some(target),
            Some(Err(refusal)) => {
                faults.push(Fault { input: "url", text: format!("{}.", capital(&refusal.to_string())) });
                None
            }
            None => {
                faults.push(Fault { input: "url", text: "Write the address that is to be told.".to_owned() });
                None
            }
        };
        let description = form.get("description").unwrap_or_default().to_owned();
        if description.chars().count() > LONGEST_DESCRIPTION || description.chars().any(char::is_control) {
            faults.push(Fault { input: "description", text: format!("One line of at most {LONGEST_DESCRIPTION} characters.") });
        }
        let filter = EventFilter::new(chosen(form));
        target.filter(|_| faults.is_empty()).map(|target| Self { target, description, filter }).ok_or(faults)
    }
}

impl Inputs {
    pub fn of(form: &Form, faults: &[Fault]) -> Self {
        let input = |name: &str| Input {
            typed: form.get(name).unwrap_or_default().to_owned(),
            fault: faults.iter().find(|fault| fault.input == name).map(|fault| fault.text.clone()),
        };
        let chosen: Vec<EventType> = chosen(form).collect();
        let choice = |event: EventType| Choice {
            value: event.as_str().to_owned(),
            label: told_of(event).to_owned(),
            chosen: chosen.contains(&event),
        };
        Self { url: input("url"), description: input("description"), events: EventType::ALL.into_iter().map(choice).collect() }
    }
}

fn chosen(form: &Form) -> impl Iterator<Item = EventType> {
    form.0.iter().filter(|(name, _)| name == "event").filter_map(|(_, word)| EventType::parse(word))
}

fn told_of(event: EventType) -> &'static str {
    match event {
        EventType::VerificationProvisional => "the machine has an answer",
        EventType::VerificationInReview => "a person is needed",
        EventType::VerificationAwaitingEvidence => "a person asked for more evidence",
        EventType::VerificationFinal => "a verification has ended",
        EventType::VerificationCorrected => "the final verdict differs from the machine's",
        EventType::ReviewOverdue => "a review is overdue",
        EventType::BudgetThreshold => "a budget reaches a threshold (not sent yet)",
        EventType::LevelChanged => "the service is reduced, or whole again (not sent yet)",
    }
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The kinds that an endpoint hears of, as a person reads them.
pub(super) fn events(filter: &EventFilter) -> String {
    let words = filter.words();
    if words.is_empty() { "all".to_owned() } else { words.join(", ") }
}

/// `GET /webhooks`.
pub async fn page(State(state): State<AppState>, person: Person) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    shown(&state, &person, &Form::default(), Vec::new(), None).await
}

/// `POST /webhooks`. Answers with the page that shows the secret, once. Sent twice, it is one address.
pub async fn create(State(state): State<AppState>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let intent = intent(&form).ok_or(Problem::Csrf)?;
    let wish = match Wish::read(&form, &state.webhooks) {
        Ok(wish) => wish,
        Err(faults) => return shown(&state, &person, &form, faults, None).await,
    };
    let new = NewEndpoint { target: &wish.target, description: &wish.description, filter: wish.filter, full_data: false };
    let mut tx = state.store.begin(person.tenant()).await?;
    match webhook::create_once(&mut tx, EndpointId(intent), &new, &person.actor()).await? {
        None => Err(sent_before("/webhooks", "See the addresses")),
        Some(Created::Endpoint { row, secret }) => {
            tx.commit().await?;
            let made = Made { id: row.id, secret: secret.reveal() };
            shown(&state, &person, &Form::default(), Vec::new(), Some(made)).await
        }
        Some(Created::TooMany) => Err(Problem::Conflict {
            title: "There are as many as there may be",
            detail: format!("An organisation has at most {MAX_ENDPOINTS} addresses. Delete one that is not used any more."),
            link: ("/webhooks".to_owned(), "Back to the addresses"),
        }),
    }
}

async fn shown(state: &AppState, person: &Person, form: &Form, faults: Vec<Fault>, made: Option<Made>) -> Result<Response, Problem> {
    let layout = Layout::of(state, person, Place::Webhooks, "Webhooks").await?;
    let rows = webhook::list(&mut state.store.begin(person.tenant()).await?).await?;
    let full = i64::try_from(rows.len()).is_ok_and(|there| there >= MAX_ENDPOINTS);
    let line = |row: EndpointRow| Line {
        id: row.id,
        health: Health::of(&row),
        events: events(&row.filter),
        url: row.url,
        description: row.description,
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let inputs = Inputs::of(form, &faults);
    let intent = intent(form).unwrap_or_else(Uuid::now_v7).to_string();
    let page = Page { layout, lines: rows.into_iter().map(line).collect(), intent, inputs, made, faults, full };
    Ok((status, Html(page.render()?)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Form {
        Form(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_form_is_read_with_its_boxes() {
        let form =
            form(&[("url", " https://hooks.acme.com/a "), ("event", "review.overdue"), ("event", "verification.final"), ("event", "x")]);
        let wish = Wish::read(&form, &Rules::default()).unwrap();
        assert_eq!((wish.target.url.as_str(), wish.description.as_str()), ("https://hooks.acme.com/a", ""));
        assert_eq!(events(&wish.filter), "verification.final, review.overdue");
        let chosen = Inputs::of(&form, &[]).events.into_iter().filter(|choice| choice.chosen).map(|choice| choice.value);
        assert_eq!(chosen.collect::<Vec<_>>(), ["verification.final", "review.overdue"]);
        assert_eq!(events(&EventFilter::default()), "all");
    }

    #[test]
    fn what_is_refused_is_told_beside_its_input() {
        let long = "x".repeat(LONGEST_DESCRIPTION + 1);
        let form = form(&[("url", "http://10.0.0.1/"), ("description", &long)]);
        let faults = Wish::read(&form, &Rules::default()).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.input).collect::<Vec<_>>(), ["url", "description"]);
        assert_eq!(faults[0].text, "Start the address with https://.");
        let inputs = Inputs::of(&form, &faults);
        assert!(inputs.url.typed == "http://10.0.0.1/" && inputs.url.fault.is_some() && inputs.description.fault.is_some());
        assert_eq!(Wish::read(&Form::default(), &Rules::default()).unwrap_err().len(), 1);
    }
}
