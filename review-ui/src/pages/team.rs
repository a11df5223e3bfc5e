//! `GET /team`: the figures of everybody who settles reviews, by name, for leads and auditors.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::measure::Work;
use domain::person::Right;
use store::figures::{self, MOST_ANSWERS, WorkRow};
use store::{review, user};

use super::measured::{Machine, Shown, SpanLink, Wish, spans};
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;

/// People on the page, those with most answers.
const MOST_PEOPLE: usize = 200;

#[derive(Template)]
#[template(path = "team.html")]
struct Page {
    layout: Layout,
    spans: Vec<SpanLink>,
    people: Vec<(String, Shown)>,
    all: Shown,
    left_out: usize,
    /// Who put reviews aside, and how many, the most first.
    skipped: Vec<(String, u64)>,
    machine: Machine,
    cut: bool,
}

pub async fn page(State(state): State<AppState>, person: Person, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    person.require(Right::Oversee)?;
    let span = wish.span();
    let since = span.since(state.clock.now());
    let layout = Layout::of(&state, &person, Place::Team, "Team").await?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let rows = figures::of_team(&mut tx, since).await?;
    let skips = review::skips(&mut tx, since).await?;
    let names = user::names_of(&mut tx, rows.iter().map(|row| &row.actor).chain(skips.keys()).map(String::as_str)).await?;
    let machine = figures::of_machine(&mut tx, since).await?;
    drop(tx);
    let all = rows.iter().fold(Work::default(), |sum, row| sum.with(&row.work));
    let mut people = by_person(&rows, &names);
    let left_out = people.len().saturating_sub(MOST_PEOPLE);
    people.truncate(MOST_PEOPLE);
    problem::page(&Page {
        layout,
        spans: spans(span),
        cut: all.answers >= MOST_ANSWERS.unsigned_abs(),
        all: Shown::to_others(&all.figures()),
        people: people.into_iter().map(|(name, work)| (name, Shown::to_others(&work.figures()))).collect(),
        left_out,
        skipped: by_skips(&skips, &names),
        machine: Machine::of(&machine),
    })
}

/// Everybody's work, who answered most first. Programs count together: what they call their holders is theirs.
fn by_person(rows: &[WorkRow], names: &BTreeMap<String, String>) -> Vec<(String, Work)> {
    let mut people: BTreeMap<&str, Work> = BTreeMap::new();
    for row in rows {
        let who = if user::is_person(&row.actor) { row.actor.as_str() } else { "" };
        let work = people.entry(who).or_default();
        *work = std::mem::take(work).with(&row.work);
    }
    let name = |who: &str| match names.get(who) {
        Some(name) => name.clone(),
        None if who.is_empty() => "Clients of the API".to_owned(),
        None => "Somebody who left".to_owned(),
    };
    let mut people: Vec<(String, Work)> = people.into_iter().map(|(who, work)| (name(who), work)).collect();
    people.sort_by(|(one, a), (other, b)| b.answers.cmp(&a.answers).then_with(|| one.cmp(other)));
    people
}

fn by_skips(skips: &BTreeMap<String, u64>, names: &BTreeMap<String, String>) -> Vec<(String, u64)> {
    let mut people: Vec<(String, u64)> = skips.iter().filter_map(|(who, many)| names.get(who).map(|name| (name.clone(), *many))).collect();
    people.sort_by(|(one, a), (other, b)| b.cmp(a).then_with(|| one.cmp(other)));
    people.truncate(MOST_PEOPLE);
    people
}

#[cfg(test)]
mod tests {
    use domain::id::UserId;

    use super::*;

    #[test]
    fn everybody_has_a_line_and_programs_share_one() {
        let (ann, gone) = (user::actor(UserId::new()), user::actor(UserId::new()));
        let row = |actor: &str, claim_type: &str, answers| WorkRow {
            actor: actor.to_owned(),
            claim_type: claim_type.to_owned(),
            work: Work { answers, ..Work::default() },
        };
        let rows = [row(&ann, "a", 2), row(&ann, "b", 5), row(&gone, "a", 1), row("robot", "a", 6), row("another", "a", 3)];
        let names = BTreeMap::from([(ann, "Ann".to_owned())]);
        let people: Vec<_> = by_person(&rows, &names).into_iter().map(|(name, work)| (name, work.answers)).collect();
        let people: Vec<_> = people.iter().map(|(name, answers)| (name.as_str(), *answers)).collect();
        assert_eq!(people, [("Clients of the API", 9), ("Ann", 7), ("Somebody who left", 1)]);
    }
}
