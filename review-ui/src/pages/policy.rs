//! The tenant's policy as a form, and its versions below. Saving replaces the version that the form was made of, or asks again.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::blocker::Blocker;
use domain::claim::FieldError;
use domain::claim_type::FieldKind;
use domain::person::Right;
use domain::policy::{Amount, Policy, ReviewRule};
use domain::spelling;
use serde::Deserialize;
use serde_json::{Value, json};
use store::policy::{self, ChangeOutcome, PolicyVersion};
use store::{tenant, user};

use super::queue::Choice;
use crate::form::{Form, Posted};
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;
use crate::words;

/// Versions that the page shows; the API has all.
const VERSIONS: usize = 50;

/// The boxes of one list, which share their name.
const REASONS: &str = "double_review_reasons";

/// Members that are times, as the form names them, with the sentence that says what may be typed.
const TIMES: [(&str, &str); 3] = [
    ("review_sla_seconds", "A review that waits longer is escalated. From 1 minute to 30 days."),
    ("review_expiry_seconds", "A review that waits longer ends as insufficient. Longer than the promised time, at most 90 days."),
    ("lease_seconds", "A review is given back after this long without a sign of life. From 1 minute to 1 hour."),
];
/// Every member but the version, in the order of the page.
const MEMBERS: [&str; 10] = [
    "review",
    "review_sample_percent",
    "review_above",
    "double_review_sample_percent",
    "double_review_above",
    "double_review_reasons",
    "review_sla_seconds",
    "review_expiry_seconds",
    "lease_seconds",
    "review_assignment_cap",
];
const UNITS: [(&str, u64); 4] = [("seconds", 1), ("minutes", 60), ("hours", 3_600), ("days", 86_400)];

#[derive(Template)]
#[template(path = "policy.html")]
struct Page {
    layout: Layout,
    /// The others see what counts, and no form.
    may_manage: bool,
    facts: Vec<(&'static str, String)>,
    /// The version that the form replaces.
    version: u32,
    saved: bool,
    /// Who changed it while the form was filled in, and when.
    overtaken: Option<String>,
    faults: Vec<Fault>,
    rule: Input,
    rules: Vec<Choice>,
    sample: Input,
    above: Input,
    double_sample: Input,
    double_above: Input,
    double_reasons: Input,
    reasons: Vec<Choice>,
    times: Vec<Time>,
    cap: Input,
    versions: Vec<Line>,
}

struct Fault {
    input: String,
    title: &'static str,
    text: String,
}

struct Input {
    typed: String,
    fault: Option<String>,
    /// What counts now, where the form says something else.
    now: Option<String>,
}

struct Time {
    name: &'static str,
    title: &'static str,
    hint: &'static str,
    input: Input,
    units: Vec<Choice>,
}

struct Line {
    version: u32,
    stamp: String,
    made: String,
    who: String,
    changes: Vec<String>,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub struct Look {
    #[serde(default)]
    saved: String,
}

/// `GET /policy`.
pub async fn page(State(state): State<AppState>, person: Person, Query(look): Query<Look>) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    shown(&state, &person, Shown { saved: !look.saved.is_empty(), ..Shown::default() }).await
}

/// `POST /policy`.
pub async fn save(State(state): State<AppState>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Manage)?;
    let wanted = match Policy::parse(&wanted(&form)) {
        Ok(wanted) => wanted,
        Err(faults) => return shown(&state, &person, Shown { form: Some(form), faults, ..Shown::default() }).await,
    };
    let mut tx = state.store.begin(person.tenant()).await?;
    match policy::change(&mut tx, seen(&form), wanted.clone(), &person.actor()).await? {
        ChangeOutcome::Changed(policy) => {
            tx.commit().await?;
            tracing::info!(version = policy.version, "A person changed the policy");
            Ok(Redirect::to("/policy?saved=1").into_response())
        }
        ChangeOutcome::Unchanged(_) => Ok(Redirect::to("/policy").into_response()),
        ChangeOutcome::Stale { current } => {
            drop(tx);
            shown(&state, &person, Shown { form: Some(form), overtaken: Some((wanted, current)), ..Shown::default() }).await
        }
    }
}

/// The version that the form was made of; 0, which no policy has, when it does not say.
fn seen(form: &Form) -> u32 {
    form.get("version").and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// How the page comes to be shown.
#[derive(Default)]
struct Shown {
    /// What was typed; the policy as it is where nothing was.
    form: Option<Form>,
    faults: Vec<FieldError>,
    /// What was typed, and what somebody else saved meanwhile.
    overtaken: Option<(Policy, Policy)>,
    saved: bool,
}

async fn shown(state: &AppState, person: &Person, shown: Shown) -> Result<Response, Problem> {
    let layout = Layout::of(state, person, Place::Policy, "Policy").await?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let current = tenant::policy(&mut tx).await?;
    let versions = policy::history(&mut tx, None, VERSIONS as i64 + 1).await?;
    let names = user::names_of(&mut tx, versions.iter().map(|version| version.actor.as_str())).await?;
    drop(tx);
    let versions = history(&versions, &names);
    let status = match (&shown.overtaken, shown.faults.is_empty()) {
        (Some(_), _) => StatusCode::CONFLICT,
        (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, true) => StatusCode::OK,
    };
    let page = Page { may_manage: person.may(Right::Manage), ..fill(layout, &current, versions, shown) };
    Ok((status, Html(page.render()?)).into_response())
}

fn fill(layout: Layout, current: &Policy, versions: Vec<Line>, shown: Shown) -> Page {
    let form = shown.form.unwrap_or_else(|| spelt(current));
    let differs = shown.overtaken.as_ref().map(|(wanted, now)| wanted.differences(now)).unwrap_or_default();
    // What the person has not seen is not to be replaced by accident, so what they saw stays the form's version until they are told.
    let version = if shown.overtaken.is_some() { current.version } else { seen(&form) };
    let input = |name: &str| Input {
        typed: form.get(name).unwrap_or_default().to_owned(),
        fault: shown.faults.iter().find(|fault| member(fault) == name).map(sentence),
        now: differs.contains(&name).then(|| value(current, name)),
    };
    let time = |(name, hint): (&'static str, &'static str)| {
        let chosen = form.get(&unit(name)).unwrap_or("minutes");
        Time {
            name,
            title: title(name),
            hint,
            input: input(name),
            units: UNITS.iter().map(|(word, _)| Choice::new(*word, *word, chosen)).collect(),
        }
    };
    let rule = input("review");
    let fault = |fault: &FieldError| Fault { input: member(fault).to_owned(), title: title(member(fault)), text: sentence(fault) };
    let overtaken =
        shown.overtaken.is_some().then(|| versions.first().map(|line| format!("{} by {}", line.made, line.who)).unwrap_or_default());
    Page {
        layout,
        may_manage: false,
        facts: MEMBERS.into_iter().map(|member| (title(member), value(current, member))).collect(),
        version,
        saved: shown.saved,
        overtaken,
        faults: told(&shown.faults).map(fault).collect(),
        rules: ReviewRule::ALL.into_iter().map(|known| Choice::new(known.as_str(), rule_label(known), &rule.typed)).collect(),
        rule,
        sample: input("review_sample_percent"),
        above: input("review_above"),
        double_sample: input("double_review_sample_percent"),
        double_above: input("double_review_above"),
        double_reasons: input(REASONS),
        reasons: Blocker::REASONS.into_iter().map(|kind| reason(kind, &form)).collect(),
        times: TIMES.into_iter().map(time).collect(),
        cap: input("review_assignment_cap"),
        versions,
    }
}

/// The policy that the form spells, for the domain to judge: what cannot be read stands in it as it was typed.
fn wanted(form: &Form) -> Value {
    let text = |name: &str| form.get(name).unwrap_or_default();
    let whole = |text: &str| text.parse::<u64>().ok();
    let time = |name: &str| {
        let factor = UNITS.iter().find(|(word, _)| *word == text(&unit(name))).map(|(_, seconds)| *seconds);
        let seconds = whole(text(name)).zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
        seconds.map_or_else(|| json!(form.get(name)), Value::from)
    };
    let money = |name: &str| form.get(name).map(|line| spelling::read(FieldKind::Money, line, None).unwrap_or_else(|_| json!(line)));
    let number = |name: &str| whole(text(name)).map_or_else(|| json!(form.get(name)), Value::from);
    json!({
        "review": form.get("review"),
        "review_sample_percent": number("review_sample_percent"),
        "review_above": money("review_above"),
        "double_review_sample_percent": number("double_review_sample_percent"),
        "double_review_above": money("double_review_above"),
        "double_review_reasons": chosen(form).collect::<Vec<_>>(),
        "review_sla_seconds": time("review_sla_seconds"),
        "review_expiry_seconds": time("review_expiry_seconds"),
        "lease_seconds": time("lease_seconds"),
        "review_assignment_cap": number("review_assignment_cap"),
    })
}

/// The form as the policy fills it in.
fn spelt(policy: &Policy) -> Form {
    let mut pairs = vec![
        ("version".to_owned(), policy.version.to_string()),
        ("review".to_owned(), policy.review.as_str().to_owned()),
        ("review_sample_percent".to_owned(), policy.review_sample_percent.to_string()),
        ("review_above".to_owned(), money(policy.review_above.as_ref()).unwrap_or_default()),
        ("double_review_sample_percent".to_owned(), policy.double_review_sample_percent.to_string()),
        ("double_review_above".to_owned(), money(policy.double_review_above.as_ref()).unwrap_or_default()),
        ("review_assignment_cap".to_owned(), policy.review_assignment_cap.to_string()),
    ];
    pairs.extend(policy.double_review_reasons.iter().map(|kind| (REASONS.to_owned(), kind.clone())));
    let times = [policy.review_sla_seconds, policy.review_expiry_seconds, policy.lease_seconds];
    for ((name, _), seconds) in TIMES.into_iter().zip(times) {
        let (number, word) = in_units(seconds);
        pairs.extend([(name.to_owned(), number.to_string()), (unit(name), word.to_owned())]);
    }
    Form(pairs)
}

/// The kinds of blockers whose boxes are ticked.
fn chosen(form: &Form) -> impl Iterator<Item = &str> {
    form.0.iter().filter(|(name, _)| name == REASONS).map(|(_, kind)| kind.as_str())
}

fn reason(kind: &str, form: &Form) -> Choice {
    Choice { value: kind.to_owned(), label: words::reason(kind), chosen: chosen(form).any(|ticked| ticked == kind) }
}

fn money(limit: Option<&Amount>) -> Option<String> {
    limit.map(|limit| format!("{} {}", limit.amount, limit.currency))
}

/// The name of the select box beside a time.
fn unit(name: &str) -> String {
    format!("{name}_unit")
}

/// A time in the largest unit that says it exactly.
fn in_units(seconds: u64) -> (u64, &'static str) {
    let exact = UNITS.into_iter().rev().find(|(_, factor)| seconds > 0 && seconds.is_multiple_of(*factor));
    exact.map_or((seconds, "seconds"), |(word, factor)| (seconds / factor, word))
}

fn time_in_words(seconds: u64) -> String {
    match in_units(seconds) {
        (1, word) => format!("1 {}", word.trim_end_matches('s')),
        (number, word) => format!("{number} {word}"),
    }
}

/// The first fault of each input: its sentence says all that the input wants.
fn told(faults: &[FieldError]) -> impl Iterator<Item = &FieldError> {
    faults
        .iter()
        .enumerate()
        .filter(|(at, fault)| !faults[..*at].iter().any(|before| member(before) == member(fault)))
        .map(|(_, fault)| fault)
}

/// The member that a fault is about, which is the name of its input.
fn member(fault: &FieldError) -> &str {
    fault.pointer.split('/').nth(1).unwrap_or_default()
}

fn title(member: &str) -> &'static str {
    match member {
        "review" => "A person decides",
        "review_sample_percent" => "Sample",
        "review_above" => "Limit",
        "double_review_sample_percent" => "Sample for two answers",
        "double_review_above" => "Limit for two answers",
        "double_review_reasons" => "Reasons for two answers",
        "review_sla_seconds" => "Promised time",
        "review_expiry_seconds" => "Given up after",
        "lease_seconds" => "Lease",
        "review_assignment_cap" => "Assigned at most",
        _ => "Policy",
    }
}

/// What is wrong, in the units of the form.
fn sentence(fault: &FieldError) -> String {
    let sentence = match (member(fault), fault.code.as_str()) {
        ("review", _) => "Choose one of the three.",
        ("review_sample_percent" | "double_review_sample_percent", _) => "A whole number from 0 to 100.",
        ("double_review_reasons", _) => "Choose among those that are listed.",
        ("review_above" | "double_review_above", _) => "Amount and currency, as in 500.00 MYR, with at most two decimals.",
        ("review_sla_seconds", _) => "From 1 minute to 30 days, in whole numbers.",
        ("review_expiry_seconds", "too_short") => "Longer than the promised time.",
        ("review_expiry_seconds", _) => "Longer than the promised time, at most 90 days, in whole numbers.",
        ("lease_seconds", _) => "From 1 minute to 1 hour, in whole numbers.",
        ("review_assignment_cap", _) => "A whole number from 1 to 1,000.",
        _ => return fault.detail.clone(),
    };
    sentence.to_owned()
}

fn rule_label(rule: ReviewRule) -> &'static str {
    match rule {
        ReviewRule::Never => "never",
        ReviewRule::WhenUnsure => "when the machine is unsure",
        ReviewRule::Always => "always",
    }
}

/// A member as a person reads it.
fn value(policy: &Policy, member: &str) -> String {
    match member {
        "review" => rule_label(policy.review).to_owned(),
        "review_sample_percent" => format!("{} %", policy.review_sample_percent),
        "review_above" => money(policy.review_above.as_ref()).unwrap_or_else(|| "none".to_owned()),
        "double_review_sample_percent" => format!("{} %", policy.double_review_sample_percent),
        "double_review_above" => money(policy.double_review_above.as_ref()).unwrap_or_else(|| "none".to_owned()),
        "double_review_reasons" if policy.double_review_reasons.is_empty() => "none".to_owned(),
        "double_review_reasons" => policy.double_review_reasons.iter().map(|kind| words::reason(kind)).collect::<Vec<_>>().join(", "),
        "review_sla_seconds" => time_in_words(policy.review_sla_seconds),
        "review_expiry_seconds" => time_in_words(policy.review_expiry_seconds),
        "lease_seconds" => time_in_words(policy.lease_seconds),
        "review_assignment_cap" => policy.review_assignment_cap.to_string(),
        _ => String::new(),
    }
}

/// The newest versions, each with what it changed. One more than is shown tells what the last of them changed.
fn history(versions: &[PolicyVersion], names: &BTreeMap<String, String>) -> Vec<Line> {
    let line = |(index, version): (usize, &PolicyVersion)| {
        let change = |older: &PolicyVersion| {
            let changed = older.policy.differences(&version.policy).into_iter();
            changed.map(|name| format!("{}: {} → {}", title(name), value(&older.policy, name), value(&version.policy, name))).collect()
        };
        Line {
            version: version.policy.version,
            stamp: words::stamp(version.created_at),
            made: words::moment(version.created_at),
            who: who(&version.actor, names),
            changes: versions.get(index + 1).map(change).unwrap_or_default(),
        }
    };
    versions.iter().enumerate().take(VERSIONS).map(line).collect()
}

fn who(actor: &str, names: &BTreeMap<String, String>) -> String {
    let kind = |known: &str| if known == "key" { "an API key" } else { "an operator" };
    names.get(actor).cloned().unwrap_or_else(|| match actor.split(':').next() {
        Some("user") => "somebody who has left".to_owned(),
        known => kind(known.unwrap_or_default()).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let limit = Amount { amount: "500.00".parse().unwrap(), currency: "MYR".to_owned() };
        Policy {
            version: 4,
            review: ReviewRule::Always,
            review_sample_percent: 7,
            review_above: Some(limit.clone()),
            double_review_above: Some(limit),
            double_review_sample_percent: 3,
            double_review_reasons: vec!["ambiguous".to_owned(), "not_found".to_owned()],
            lease_seconds: 90,
            review_assignment_cap: 5,
            ..Policy::default()
        }
    }

    #[test]
    fn a_form_as_it_was_filled_in_spells_the_same_policy() {
        for policy in [Policy::default(), policy()] {
            let form = spelt(&policy);
            assert_eq!(Policy::parse(&wanted(&form)), Ok(Policy { version: 1, ..policy.clone() }));
            assert_eq!(seen(&form), policy.version);
        }
        let form = spelt(&policy());
        assert_eq!((form.get("lease_seconds"), form.get("lease_seconds_unit")), (Some("90"), Some("seconds")));
        assert_eq!((form.get("review_expiry_seconds"), form.get("review_expiry_seconds_unit")), (Some("7"), Some("days")));
    }

    #[test]
    fn what_cannot_be_read_is_told_beside_its_input() {
        let typed = [
            ("review", "sometimes"),
            ("review_sample_percent", "5.5"),
            ("review_above", "500"),
            ("double_review_above", "5 of them"),
            ("double_review_sample_percent", "many"),
            ("double_review_reasons", "whim"),
            ("review_sla_seconds", "999999999999999999999"),
            ("review_sla_seconds_unit", "days"),
            ("review_expiry_seconds", "7"),
            ("review_expiry_seconds_unit", "years"),
        ];
        let form = Form(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        let faults = Policy::parse(&wanted(&form)).unwrap_err();
        let inputs: Vec<&str> = told(&faults).map(member).collect();
        assert_eq!(
            inputs,
            [
                "review",
                "review_sample_percent",
                "review_above",
                "double_review_above",
                "double_review_sample_percent",
                "double_review_reasons",
                "review_sla_seconds",
                "review_expiry_seconds",
                "lease_seconds"
            ]
        );
        assert!(faults.iter().all(|fault| title(member(fault)) != "Policy" && !sentence(fault).contains("_seconds")));
    }

    #[test]
    fn every_member_has_a_title_of_its_own_and_a_value() {
        let mut titles: Vec<&str> = MEMBERS.into_iter().map(title).collect();
        assert!(MEMBERS.into_iter().all(|member| !value(&policy(), member).is_empty()));
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), MEMBERS.len());
        let known = serde_json::to_value(policy()).unwrap();
        assert_eq!(known.as_object().unwrap().len(), MEMBERS.len() + 1, "all but the version");
    }

    #[test]
    fn times_are_told_in_the_largest_unit_that_is_exact() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "90 seconds"),
            (60, "1 minute"),
            (14_400, "4 hours"),
            (86_400, "1 day"),
            (172_800, "2 days"),
        ] {
            assert_eq!(time_in_words(seconds), words);
        }
    }

    #[test]
    fn every_version_says_what_it_changed() {
        let at = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let version = |policy: Policy, actor: &str| PolicyVersion { policy, actor: actor.to_owned(), created_at: at };
        let names = BTreeMap::from([("user:usr_a".to_owned(), "Ann".to_owned())]);
        let lines = history(&[version(policy(), "user:usr_a"), version(Policy::default(), "operator")], &names);
        assert_eq!(lines[0].changes[0], "A person decides: when the machine is unsure → always");
        assert_eq!(lines[0].changes[2], "Limit: none → 500.00 MYR");
        assert_eq!((lines[0].who.as_str(), lines[1].who.as_str(), lines[1].changes.len()), ("Ann", "an operator", 0));
        assert_eq!((who("key:key_1", &names), who("user:usr_b", &names)), ("an API key".to_owned(), "somebody who has left".to_owned()));
    }
}
