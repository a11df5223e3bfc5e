//! How the installation runs and how the tenant's work stands, for operators: what is alive, what waits, and where to look further.
//!
//! The desk asks no engine. What is shown of roles and queues is what they told the store of themselves, with the time at which they did.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use domain::person::Right;
use store::chore::Chore;
use store::installation::{self, Installation};
use store::instance::InstanceRow;
use store::review::{self, Backlog};
use store::task_queue::TaskQueueRow;
use store::verification::{self, StatusCount};
use store::webhook::{self, DisabledReason, EndpointRow};

use crate::layout::{Layout, Place};
use crate::level::Badge;
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

/// Orders that the relay has not delivered after this long say that the engine does not take them, in seconds.
const OUTBOX_SLOW: f64 = 60.0;
/// A gateway keeps house every hour.
const HOUSEKEEPING_LATE: TimeDelta = TimeDelta::hours(3);
/// A walk over the verifications takes half a minute for each hundred that have not ended.
const PATROL_LATE: TimeDelta = TimeDelta::hours(1);
/// Months of partitions that must be ready; a round of housekeeping makes three.
const MONTHS_NEEDED: i32 = 2;

#[derive(Template)]
#[template(path = "operations.html")]
struct Page {
    layout: Layout,
    temporal: Option<String>,
    standing: Standing,
}

/// The part that is asked for again while the page is open.
#[derive(Template)]
#[template(path = "_operations.html")]
struct Standing {
    stamp: String,
    at: String,
    badge: Badge,
    reviews: Backlog,
    oldest_review: Option<String>,
    webhooks: Webhooks,
    may_manage: bool,
    instances: Vec<Instance>,
    queues: Vec<Queue>,
    /// What, whether it is well, and how it stands.
    background: Vec<(&'static str, bool, String)>,
    statuses: Vec<Status>,
}

/// Addresses of the tenant that are not reached.
struct Webhooks {
    failing: usize,
    off: usize,
}

struct Instance {
    id: String,
    role: String,
    pools: String,
    version: String,
    age: String,
    well: bool,
    state: String,
}

struct Queue {
    pool: String,
    backlog: i64,
    oldest: String,
    pollers: i32,
    fresh: bool,
    seen: String,
}

struct Status {
    word: &'static str,
    title: String,
    count: i64,
    oldest: String,
    ended: bool,
}

/// `GET /operations`; only the numbers when a script asks for them.
pub async fn page(State(state): State<AppState>, person: Person, headers: HeaderMap) -> Result<Response, Problem> {
    person.require(Right::Operate)?;
    let standing = standing(&state, &person).await?;
    let mut response = if headers.contains_key("hx-request") {
        problem::page(&standing)?
    } else {
        let layout = Layout::of(&state, &person, Place::Operations, "Operations").await?;
        problem::page(&Page { layout, temporal: state.temporal_ui.clone(), standing })?
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("HX-Request"));
    Ok(response)
}

async fn standing(state: &AppState, person: &Person) -> Result<Standing, Problem> {
    let mut relay = state.store.begin_relay().await?;
    let known = installation::look(&mut relay).await?;
    drop(relay);
    let mut tx = state.store.begin(person.tenant()).await?;
    let statuses = verification::counts(&mut tx).await?;
    let reviews = review::backlog(&mut tx).await?;
    let endpoints = webhook::list(&mut tx).await?;
    drop(tx);
    Ok(Standing {
        stamp: words::stamp(known.now),
        at: words::moment(known.now),
        badge: Badge::now(),
        oldest_review: reviews.oldest.map(|oldest| words::span(oldest, known.now)),
        reviews,
        webhooks: webhooks(&endpoints),
        may_manage: person.may(Right::Manage),
        instances: known.instances.iter().map(|row| instance(row, known.now)).collect(),
        queues: known.queues.iter().map(|row| queue(row, known.now)).collect(),
        background: background(&known),
        statuses: statuses.into_iter().map(|count| status(count, known.now)).collect(),
    })
}

fn webhooks(endpoints: &[EndpointRow]) -> Webhooks {
    let gave_up = |row: &&EndpointRow| matches!(row.disabled_reason, Some(DisabledReason::Gone | DisabledReason::Failing));
    Webhooks {
        failing: endpoints.iter().filter(|row| row.enabled && row.failing_since.is_some()).count(),
        off: endpoints.iter().filter(gave_up).count(),
    }
}

fn instance(row: &InstanceRow, now: DateTime<Utc>) -> Instance {
    let silent = row.is_silent_at(now);
    Instance {
        // The end of it, which differs between processes that started in the same moment.
        id: row.id.simple().to_string().split_off(20),
        role: words::title(&row.role),
        pools: row.pools.join(", "),
        version: row.version.clone(),
        age: words::span(row.started_at, if silent { row.seen_at } else { now }),
        well: !silent,
        state: if silent { format!("silent for {}", words::span(row.seen_at, now)) } else { "alive".to_owned() },
    }
}

fn queue(row: &TaskQueueRow, now: DateTime<Utc>) -> Queue {
    let stale = row.is_stale_at(now);
    let age = words::span(row.seen_at, now);
    Queue {
        pool: row.pool.clone(),
        backlog: row.backlog,
        oldest: if row.backlog == 0 { "-".to_owned() } else { lasted(row.oldest_seconds) },
        pollers: row.pollers,
        fresh: !stale,
        seen: if stale { format!("not seen for {age}") } else { format!("{age} ago") },
    }
}

fn background(known: &Installation) -> Vec<(&'static str, bool, String)> {
    let ago = |at: DateTime<Utc>| words::span(at, known.now);
    let waits = known.outbox.oldest_seconds.unwrap_or_default();
    let outbox = match known.outbox.count {
        0 => "nothing waits for the engine".to_owned(),
        count => format!("{count} waiting for the engine, the oldest for {}", lasted(waits)),
    };
    let patrol = match known.chore(Chore::Patrol) {
        Some(row) => {
            let well = row.found == 0 && known.now - row.ended_at < PATROL_LATE;
            (well, format!("{} at the last look, {} ago", row.found, ago(row.ended_at)))
        }
        None => (false, "nobody has looked yet".to_owned()),
    };
    let housekeeping = match known.chore(Chore::Housekeeping) {
        Some(row) => (known.now - row.ended_at < HOUSEKEEPING_LATE, format!("ended {} ago", ago(row.ended_at))),
        None => (false, "has not ended yet".to_owned()),
    };
    let months = known.months_ahead;
    let partitions = if months < 0 { "this month's are missing".to_owned() } else { format!("ready for {months} months to come") };
    vec![
        ("Outbox of the installation", waits < OUTBOX_SLOW, outbox),
        ("Verifications without a workflow", patrol.0, patrol.1),
        ("Housekeeping", housekeeping.0, housekeeping.1),
        ("Partitions by month", months >= MONTHS_NEEDED, partitions),
    ]
}

fn status(count: StatusCount, now: DateTime<Utc>) -> Status {
    let ended = count.status.is_terminal();
    Status {
        word: count.status.as_str(),
        title: words::title(count.status.as_str()),
        oldest: if ended { String::new() } else { words::span(count.oldest, now) },
        count: count.count,
        ended,
    }
}

/// So many seconds in words.
fn lasted(seconds: f64) -> String {
    let start = DateTime::UNIX_EPOCH;
    words::span(start, start + TimeDelta::seconds(seconds.clamp(0.0, 1e10) as i64))
}

#[cfg(test)]
mod tests {
    use store::chore::ChoreRow;
    use store::outbox::Depth;

    use super::*;

    fn quiet(now: DateTime<Utc>) -> Installation {
        let chore = |name: &str| ChoreRow { name: name.to_owned(), found: 0, ended_at: now - TimeDelta::minutes(5) };
        Installation {
            now,
            instances: vec![],
            queues: vec![],
            outbox: Depth { count: 0, oldest_seconds: None },
            chores: vec![chore("housekeeping"), chore("patrol")],
            months_ahead: 3,
        }
    }

    fn unwell(known: &Installation) -> Vec<&'static str> {
        background(known).into_iter().filter(|(_, well, _)| !well).map(|(what, _, _)| what).collect()
    }

    #[test]
    fn what_is_late_or_missing_is_marked() {
        let now = Utc::now();
        assert_eq!(unwell(&quiet(now)), [] as [&str; 0]);
        let slow = Installation { outbox: Depth { count: 3, oldest_seconds: Some(60.0) }, ..quiet(now) };
        assert_eq!(unwell(&slow), ["Outbox of the installation"]);
        assert!(background(&slow)[0].2.contains("3 waiting for the engine, the oldest for 1 min"));
        let never = Installation { chores: vec![], months_ahead: -1, ..quiet(now) };
        assert_eq!(unwell(&never), ["Verifications without a workflow", "Housekeeping", "Partitions by month"]);
        let mut late = quiet(now);
        late.chores[0].ended_at = now - HOUSEKEEPING_LATE;
        late.chores[1].found = 1;
        assert_eq!(unwell(&late), ["Verifications without a workflow", "Housekeeping"]);
    }
}
