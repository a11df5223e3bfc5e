//! What figures of reviews are made of: sums over the answers of a span, for one person, for everybody, and for the machine.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Text};
use diesel_async::RunQueryDsl;
use domain::measure::{MachineTally, Pairs, Work};
use domain::verdict::Verdict;

use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::TenantTx;

/// Figures are made of no more answers than this, the latest, so that what a page costs has a bound.
pub const MOST_ANSWERS: i64 = 20_000;
/// Of one person's reviews, those whose time is looked at place by place.
const MOST_TIMES: i64 = 2_000;

/// The work of one person on one claim type.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkRow {
    /// As audit links name people.
    pub actor: String,
    pub claim_type: String,
    pub work: Work,
}

/// What people made of the machine's answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MachineRow {
    /// Of those that it left to people, or that policy sends to them.
    pub reviewed: MachineTally,
    /// Of those that it had decided, and that were drawn to be looked at all the same.
    pub sampled: MachineTally,
}

/// The time of one person at one place of the page.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct PlaceRow {
    /// A field, or one of the other places of [`domain::measure`].
    #[diesel(sql_type = Text)]
    pub place: String,
    /// In how many reviews they were there.
    #[diesel(sql_type = BigInt)]
    pub reviews: i64,
    /// Milliseconds in all.
    #[diesel(sql_type = BigInt)]
    pub active: i64,
    #[diesel(sql_type = BigInt)]
    pub open: i64,
}

#[derive(QueryableByName)]
struct RawWork {
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Text)]
    claim_type: String,
    #[diesel(sql_type = BigInt)]
    answers: i64,
    #[diesel(sql_type = BigInt)]
    timely: i64,
    #[diesel(sql_type = BigInt)]
    settled: i64,
    #[diesel(sql_type = BigInt)]
    overturned: i64,
    #[diesel(sql_type = Array<BigInt>)]
    active: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    held: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    waited: Vec<i64>,
    /// By own verdict and the other's, in the order of [`WORDS`]: nine counts.
    #[diesel(sql_type = Array<BigInt>)]
    pairs: Vec<i64>,
}

/// The order in which the statement counts pairs.
const WORDS: [Verdict; 3] = [Verdict::Supported, Verdict::Refuted, Verdict::Insufficient];

/// SQL: the sums of the answers that this finds. Of a round that is not settled nothing counts but that somebody worked on it.
macro_rules! sums {
    ($of:literal) => {
        concat!(
            "with latest as (
                select actor, claim_type, verdict, peer_verdict, settled, overturned, timely, active_ms, held_ms, waited_ms from measures
                where tenant_id = $1 and decided_at >= $2 ",
            $of,
            " order by decided_at desc limit $3
            )
            select actor, claim_type, count(*) as answers, count(*) filter (where timely) as timely,
                count(*) filter (where settled) as settled, count(*) filter (where settled and overturned is not null) as overturned,
                coalesce(array_agg(active_ms) filter (where active_ms is not null), '{}') as active,
                coalesce(array_agg(held_ms) filter (where held_ms is not null), '{}') as held,
                coalesce(array_agg(waited_ms) filter (where waited_ms is not null), '{}') as waited,
                array[
                    count(*) filter (where settled and verdict = 'supported' and peer_verdict = 'supported'),
                    count(*) filter (where settled and verdict = 'supported' and peer_verdict = 'refuted'),
                    count(*) filter (where settled and verdict = 'supported' and peer_verdict = 'insufficient'),
                    count(*) filter (where settled and verdict = 'refuted' and peer_verdict = 'supported'),
                    count(*) filter (where settled and verdict = 'refuted' and peer_verdict = 'refuted'),
                    count(*) filter (where settled and verdict = 'refuted' and peer_verdict = 'insufficient'),
                    count(*) filter (where settled and verdict = 'insufficient' and peer_verdict = 'supported'),
                    count(*) filter (where settled and verdict = 'insufficient' and peer_verdict = 'refuted'),
                    count(*) filter (where settled and verdict = 'insufficient' and peer_verdict = 'insufficient')
                ] as pairs
            from latest group by actor, claim_type order by actor, claim_type"
        )
    };
}

/// The work of one person since then, by claim type.
pub async fn of_person(tx: &mut TenantTx, actor: &str, since: DateTime<Utc>) -> Result<Vec<WorkRow>, StoreError> {
    let rows: Vec<RawWork> = sql(sums!("and actor = $4"))
        .uuid(tx.tenant.0)
        .maybe_time(Some(since))
        .i64(MOST_ANSWERS)
        .text(actor)
        .get_results(tx.connection()?)
        .await
        .map_err(failed_to("sum up a person's work"))?;
    Ok(rows.into_iter().map(work).collect())
}

/// The work of everybody since then, by person and claim type.
pub async fn of_team(tx: &mut TenantTx, since: DateTime<Utc>) -> Result<Vec<WorkRow>, StoreError> {
    let rows: Vec<RawWork> = sql(sums!(""))
        .uuid(tx.tenant.0)
        .maybe_time(Some(since))
        .i64(MOST_ANSWERS)
        .get_results(tx.connection()?)
        .await
        .map_err(failed_to("sum up the work of all"))?;
    Ok(rows.into_iter().map(work).collect())
}

fn work(raw: RawWork) -> WorkRow {
    let mut pairs = Pairs::default();
    let words = WORDS.into_iter().flat_map(|one| WORDS.into_iter().map(move |other| (one, other)));
    for ((one, other), count) in words.zip(&raw.pairs) {
        pairs.add(one, other, count.unsigned_abs());
    }
    let work = Work {
        answers: raw.answers.unsigned_abs(),
        timely: raw.timely.unsigned_abs(),
        settled: raw.settled.unsigned_abs(),
        overturned: raw.overturned.unsigned_abs(),
        active: raw.active,
        held: raw.held,
        waited: raw.waited,
        pairs,
    };
    WorkRow { actor: raw.actor, claim_type: raw.claim_type, work }
}

/// What people made of the machine's answers since then. Scores are told apart to the hundredth, as people
/// read them; that bounds what is read.
pub async fn of_machine(tx: &mut TenantTx, since: DateTime<Utc>) -> Result<MachineRow, StoreError> {
    #[derive(QueryableByName)]
    struct Raw {
        #[diesel(sql_type = Bool)]
        sampled: bool,
        #[diesel(sql_type = Double)]
        score: f64,
        #[diesel(sql_type = Bool)]
        agreed: bool,
        #[diesel(sql_type = BigInt)]
        many: i64,
    }
    let rows: Vec<Raw> = sql("with latest as (
            select sampled, round(machine_score * 100) as score, verdict = machine_verdict as agreed from measures
            where tenant_id = $1 and decided_at >= $2 and settles order by decided_at desc limit $3
        )
        select sampled, score / 100 as score, agreed, count(*) as many from latest group by sampled, score, agreed")
    .uuid(tx.tenant.0)
    .maybe_time(Some(since))
    .i64(MOST_ANSWERS)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("sum up what people made of the machine's answers"))?;
    let mut machine = MachineRow::default();
    for row in rows {
        let tally = if row.sampled { &mut machine.sampled } else { &mut machine.reviewed };
        tally.cases.push((row.score, row.agreed, row.many.unsigned_abs()));
    }
    Ok(machine)
}

/// Where one person's time went since then, the most of it first; of their latest reviews.
pub async fn of_places(tx: &mut TenantTx, actor: &str, since: DateTime<Utc>) -> Result<Vec<PlaceRow>, StoreError> {
    sql("with latest as (
            select review_id from measures where tenant_id = $1 and actor = $2 and decided_at >= $3 order by decided_at desc limit $4
        )
        select p.key as place, count(*) as reviews, sum((p.value ->> 0)::bigint)::bigint as active, sum((p.value ->> 1)::bigint)::bigint as open
        from latest join review_times t on t.tenant_id = $1 and t.review_id = latest.review_id and t.actor = $2, json_each(t.places) p
        group by p.key order by 4 desc, 1")
    .uuid(tx.tenant.0)
    .text(actor)
    .maybe_time(Some(since))
    .i64(MOST_TIMES)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("sum up where time went"))
}
