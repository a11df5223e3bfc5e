//! Who has the review, as its page says it from moment to moment: the same lines for the page, the beat and the stream.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use domain::id::ReviewId;
use domain::person::Right;
use domain::review::ReviewStatus;
use store::review::{self, Standing};
use store::{TenantTx, tenant, user};

use super::view::name;
use crate::person::Person;
use crate::problem::Problem;
use crate::words;

/// Seconds between two signs of life of an open page. A lease of a minute, which is the shortest, is renewed in time.
const SHORTEST_BEAT: i64 = 10;
const LONGEST_BEAT: i64 = 60;
/// Seconds before its end at which a long lease warns. A page that is open renews a lease before two thirds of it are over, so one that is
/// shorter than three times this warns in its last third: else it would always warn.
const EARLIEST_WARNING: i64 = 120;

/// The line above the form of who holds the review, or held it.
#[derive(Template)]
#[template(path = "_lease.html")]
pub struct LeaseLine {
    /// Seconds that are left; none when it is lost.
    left: Option<i64>,
    /// With so many left the page warns.
    warn: i64,
    until: String,
    /// The same, as a clock shows it.
    clock: String,
    id: ReviewId,
    /// What became of it, for who lost it.
    lost: String,
    /// The lead's words, where one took it over.
    reason: Option<String>,
    /// Nothing can be done with it any more.
    over: bool,
}

impl LeaseLine {
    /// Of a lease that runs until then, or of none. A lease lasts so many seconds from the last sign of life.
    pub fn of(id: ReviewId, until: Option<DateTime<Utc>>, now: DateTime<Utc>, lease_seconds: u64) -> Self {
        Self {
            left: until.map(|until| (until - now).num_seconds().max(0)),
            warn: i64::try_from(lease_seconds / 3).map_or(EARLIEST_WARNING, |third| third.min(EARLIEST_WARNING)),
            until: until.map(words::stamp).unwrap_or_default(),
            clock: until.map(|until| until.format("%H:%M UTC").to_string()).unwrap_or_default(),
            id,
            lost: String::new(),
            reason: None,
            over: false,
        }
    }

    /// Seconds between two signs of life of the open page: three of them fit into the lease, so that one may be lost on the way.
    pub fn beat(&self) -> i64 {
        self.left.map_or(LONGEST_BEAT, |left| (left / 3).clamp(SHORTEST_BEAT, LONGEST_BEAT))
    }

    /// For the page that was made for the lease with this number, as things stand.
    pub fn now(id: ReviewId, generation: i64, actor: &str, now: &Standing, lease_seconds: u64, names: &BTreeMap<String, String>) -> Self {
        let none = |lost: String| Self { lost, ..Self::of(id, None, now.at, lease_seconds) };
        if !now.status.is_open() {
            return Self { over: true, ..none(ended(now.status).to_owned()) };
        }
        match &now.held {
            Some((holder, number, until)) if holder == actor && *number == generation => Self::of(id, Some(*until), now.at, lease_seconds),
            held => {
                let taken = held.as_ref().is_some_and(|(holder, ..)| holder != actor);
                Self { reason: now.taken_over.clone().filter(|_| taken), ..none(whose(actor, now, names)) }
            }
        }
    }
}

/// What became of a lease that is not the person's any more, in a sentence.
fn whose(actor: &str, now: &Standing, names: &BTreeMap<String, String>) -> String {
    match &now.held {
        Some((holder, ..)) if holder == actor => "You took it again in another window.".to_owned(),
        Some((holder, ..)) if now.taken_over.is_some() => format!("{} took it over.", name(names, holder)),
        Some((holder, ..)) => format!("{} has it now.", name(names, holder)),
        None => "It was given back, or not renewed in time.".to_owned(),
    }
}

/// The same for who sends the form of the lease with this number, with the words of who took it over.
pub fn how_lost(generation: i64, actor: &str, now: &Standing, names: &BTreeMap<String, String>) -> String {
    match (&now.held, &now.taken_over) {
        (Some((holder, number, _)), _) if holder == actor && *number == generation => "It was not renewed in time.".to_owned(),
        (Some((holder, ..)), Some(reason)) if holder != actor => format!("{} They said: “{reason}”.", whose(actor, now, names)),
        _ => whose(actor, now, names),
    }
}

/// The line of a page whose person does not hold the review.
#[derive(Template)]
#[template(path = "_standing.html")]
pub struct StandingLine {
    csrf: String,
    id: ReviewId,
    may_take: bool,
    /// Why the person cannot take it, though nobody has it.
    barred: Option<&'static str>,
    /// How it ended.
    ended: Option<&'static str>,
    /// Who has it.
    held_by: Option<String>,
    /// The person themselves has it, since this page was made.
    held_here: bool,
}

impl StandingLine {
    pub fn of(
        id: ReviewId,
        person: &Person,
        status: ReviewStatus,
        for_lead: bool,
        holder: Option<&str>,
        four_eyes: bool,
        names: &BTreeMap<String, String>,
    ) -> Self {
        let actor = person.actor();
        Self {
            csrf: person.csrf.clone(),
            id,
            may_take: person.may(Right::Decide),
            barred: if four_eyes {
                Some("You have answered in this round, so another person takes it.")
            } else {
                (for_lead && !person.may(Right::TakeOver)).then_some("A lead takes it.")
            },
            ended: (!status.is_open()).then(|| ended(status)),
            held_here: holder == Some(&actor),
            held_by: holder.filter(|holder| *holder != actor).map(|holder| name(names, holder)),
        }
    }
}

/// What is told of an open page's review.
pub struct Told {
    pub html: String,
    /// Seconds that are left of the page's own lease; none when the page has none, or lost it.
    pub left: Option<i64>,
    /// The page had the lease, and has it no more.
    pub lost: bool,
    /// When to look again even if nobody says so.
    pub until: Option<DateTime<Utc>>,
    /// What this depends on, time apart: what is told again must differ in it.
    pub key: String,
    pub at: DateTime<Utc>,
}

/// How things stand for a page that was made for the lease with this number; 0 for a page without one. None when there is no such review.
pub async fn told(tx: &mut TenantTx, person: &Person, id: ReviewId, generation: i64) -> Result<Option<Told>, Problem> {
    let Some(now) = review::standing(tx, id).await? else { return Ok(None) };
    let names = user::names_of(tx, now.held.iter().map(|(holder, ..)| holder.as_str())).await?;
    let barred = now.status.is_open() && review::is_barred(tx, id, &person.actor()).await?;
    let holder = now.held.as_ref().map(|(holder, ..)| holder.as_str());
    let (html, left, lost) = if generation > 0 {
        let lease_seconds = tenant::policy(tx).await?.lease_seconds;
        let line = LeaseLine::now(id, generation, &person.actor(), &now, lease_seconds, &names);
        (line.render()?, line.left, line.left.is_none())
    } else {
        (StandingLine::of(id, person, now.status, now.for_lead, holder, barred, &names).render()?, None, false)
    };
    let key = format!("{} {:?}", now.status.as_str(), now.held.as_ref().map(|(holder, number, _)| (holder, number)));
    Ok(Some(Told { html, left, lost, until: now.held.as_ref().map(|(_, _, until)| *until), key, at: now.at }))
}

fn ended(status: ReviewStatus) -> &'static str {
    match status {
        ReviewStatus::Pending | ReviewStatus::Escalated => "It is open.",
        ReviewStatus::Decided => "It was decided meanwhile.",
        ReviewStatus::Asked => "More evidence was asked for meanwhile.",
        ReviewStatus::Expired => "Its time ran out meanwhile.",
        ReviewStatus::Canceled => "It was called off meanwhile.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(held: Option<(&str, i64)>, status: ReviewStatus, taken_over: Option<&str>) -> Standing {
        let at = Utc::now();
        let until = at + chrono::Duration::seconds(300);
        let held = held.map(|(holder, number)| (holder.to_owned(), number, until));
        Standing { status, for_lead: false, held, taken_over: taken_over.map(str::to_owned), at }
    }

    #[test]
    fn who_lost_it_reads_what_became_of_it() {
        let names = BTreeMap::from([("user:lea".to_owned(), "Lea <Lead>".to_owned())]);
        let open = ReviewStatus::Pending;
        for (standing, words) in [
            (now(Some(("user:ann", 3)), open, None), "Yours for 5 min"),
            (now(Some(("user:ann", 4)), open, None), "You took it again in another window."),
            (now(Some(("user:lea", 4)), open, Some("<b>away</b>")), "Lea &#60;Lead&#62; took it over. “&#60;b&#62;away&#60;/b&#62;”"),
            (now(Some(("key:x", 4)), open, None), "a client of the API has it now."),
            (now(None, open, None), "It was given back, or not renewed in time."),
            (now(None, ReviewStatus::Decided, None), "It was decided meanwhile."),
            (now(None, ReviewStatus::Canceled, None), "It was called off meanwhile."),
        ] {
            let line = LeaseLine::now(ReviewId::new(), 3, "user:ann", &standing, 300, &names);
            let text = line.render().unwrap();
            assert!(text.contains(words), "{words}: {text}");
            assert_eq!(text.contains("kept as a draft"), line.left.is_none(), "{text}");
        }
    }

    #[test]
    fn a_lease_warns_at_its_end_and_never_while_it_is_renewed_in_time() {
        let now = Utc::now();
        let line = |seconds: u64, left: i64| LeaseLine::of(ReviewId::new(), Some(now + chrono::Duration::seconds(left)), now, seconds);
        for (seconds, warn) in [(60, 20), (90, 30), (300, 100), (360, 120), (3_600, 120)] {
            let whole = i64::try_from(seconds).unwrap();
            let fresh = line(seconds, whole);
            assert_eq!(fresh.warn, warn, "{seconds}");
            // One sign of life comes just before the next is due.
            for (left, warns) in [(whole, false), (whole - fresh.beat() + 1, false), (warn + 1, false), (warn, true), (0, true)] {
                let text = line(seconds, left).render().unwrap();
                assert_eq!(text.contains("Press keep to go on."), warns, "{left} of {seconds}: {text}");
                assert!(text.contains(&format!("data-warn=\"{warn}\"")), "{text}");
            }
        }
    }
}
