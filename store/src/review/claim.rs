//! Taking a review: by its id, as the next of the queue, again after a reload, or from somebody else.
//!
//! Every change of hands is one statement on the locked row, judged by the database's clock.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{ReviewId, UserId};
use domain::review::{Part, ReviewStatus};
use serde_json::json;
use uuid::Uuid;

use super::lease::{Lease, hash};
use super::list::get;
use super::queue::place;
use super::round::{has_answered, other_eyes};
use super::row::read_part;
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};
use crate::user;

/// What claiming did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    Leased(Lease),
    /// Somebody holds it, or the claimer does: then [`retake`] gives a new token.
    Held {
        by_me: bool,
        until: DateTime<Utc>,
    },
    NotOpen(ReviewStatus),
    /// The claimer answered in the round before, so somebody else answers this part.
    FourEyes,
    NotFound,
}

/// Which reviews somebody draws as their next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All, those for a lead included.
    All,
    /// Not what a person handed to a lead. What is merely overdue is everybody's, first of all.
    Own,
}

/// What a lease is taken of.
enum Of<'a> {
    This(ReviewId),
    /// And why it is taken from them.
    Somebodys(ReviewId, &'a str),
    /// As which person, if it is one.
    Next(Reach, Option<UserId>),
}

/// What taking a lease gives back.
#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    verification_id: Uuid,
    #[diesel(sql_type = BigInt)]
    lease_generation: i64,
    #[diesel(sql_type = Timestamptz)]
    lease_expires_at: DateTime<Utc>,
    #[diesel(sql_type = SmallInt)]
    part: i16,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    round_id: Uuid,
}

/// SQL: a lease of the review `r` begins, for `$1` with the token `$2` and so many seconds as `$3` says. Whoever takes what was put aside goes on
/// with it.
macro_rules! leased {
    () => {
        "update reviews r set lease_holder = $1, lease_token_sha256 = $2, lease_generation = lease_generation + 1,
            lease_expires_at = clock_timestamp() + make_interval(secs => $3), snoozed_until = null, version = version + 1 "
    };
}

/// SQL: what [`Taken`] reads.
macro_rules! taken {
    () => {
        " returning r.id, r.verification_id, r.lease_generation, r.lease_expires_at, r.part, (
            select f.id from reviews f
            where f.tenant_id = r.tenant_id and f.verification_id = r.verification_id and f.round = r.round and f.part = 1
        ) as round_id"
    };
}

/// Takes a free review.
pub async fn claim(tx: &mut TenantTx, id: ReviewId, holder: &str, lease_seconds: u64) -> Result<ClaimOutcome, StoreError> {
    let taken = sql(concat!(
        leased!(),
        "where r.tenant_id = $4 and r.id = $5 and r.status in ('pending', 'escalated')
            and (r.lease_expires_at is null or r.lease_expires_at <= clock_timestamp()) and ",
        other_eyes!("$1"),
        taken!()
    ));
    if let Some(lease) = take(tx, taken, Of::This(id), holder, lease_seconds).await? {
        return Ok(ClaimOutcome::Leased(lease));
    }
    refusal(tx, id, holder).await
}

/// The most pressing review that the holder has. Until the transaction ends no other request of theirs gets past this, so that two clicks
/// at once do not take two.
pub async fn held_by(tx: &mut TenantTx, holder: &str) -> Result<Option<ReviewId>, StoreError> {
    #[derive(QueryableByName)]
    struct Held {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: Uuid,
    }
    sql("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .text(&format!("assay.holder {} {holder}", tx.tenant.0))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("wait for a holder"))?;
    // In a statement of its own, whose snapshot is younger than the wait.
    let held: Option<Held> = sql("select id from reviews
        where tenant_id = $1 and status in ('pending', 'escalated') and lease_holder = $2 and lease_expires_at > clock_timestamp()
        order by least(boosted_at, due_at), id limit 1")
    .uuid(tx.tenant.0)
    .text(holder)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("look for what is held"))?;
    Ok(held.map(|held| ReviewId(held.id)))
}

/// SQL: the first review that the holder `$1` may take as their next and of which this holds too, locked. Never what they escalated
/// themselves, for they gave that away, and nothing that is put aside.
macro_rules! first_free {
    ($($which:expr),+) => {
        concat!(
            "(select r.id from reviews r
            where r.tenant_id = $4 and r.status in ('pending', 'escalated') and ($5 or r.escalated_by is null)
                and r.escalated_by is distinct from $1 and (r.snoozed_until is null or r.snoozed_until <= clock_timestamp())
                and (r.lease_expires_at is null or r.lease_expires_at <= clock_timestamp()) and ",
            $($which,)+
            " and ",
            other_eyes!("$1"),
            " order by ",
            place!("r"),
            ", r.id limit 1 for update skip locked)"
        )
    };
}

/// SQL: the holder put the review `r` aside since it was assigned last: an assignment is news.
macro_rules! skipped {
    () => {
        "exists (select from skips s where s.tenant_id = r.tenant_id and s.review_id = r.id and s.actor = $1
            and s.skipped_at >= coalesce(r.assigned_at, s.skipped_at))"
    };
}

/// Takes the most pressing free review that the holder may answer: what is assigned to them, then what is nobody's in particular or late,
/// and last what they kept for later themselves. `None` when there is none.
pub async fn claim_next(tx: &mut TenantTx, holder: &str, reach: Reach, lease_seconds: u64) -> Result<Option<Lease>, StoreError> {
    let taken = sql(concat!(
        leased!(),
        "where r.tenant_id = $4 and r.id = coalesce(",
        first_free!("r.assigned_to = $6 and not ", skipped!()),
        ", ",
        first_free!("(r.assigned_to is null or r.due_at < clock_timestamp()) and not ", skipped!()),
        ", ",
        first_free!("r.assigned_to = $6"),
        ")",
        taken!()
    ));
    take(tx, taken, Of::Next(reach, user::person(holder)), holder, lease_seconds).await
}

/// Gives the holder of a running lease a new token for it, after a reload; the old token is worth nothing from then on.
pub async fn retake(tx: &mut TenantTx, id: ReviewId, holder: &str, lease_seconds: u64) -> Result<ClaimOutcome, StoreError> {
    let taken = sql(concat!(
        leased!(),
        "where r.tenant_id = $4 and r.id = $5 and r.status in ('pending', 'escalated')
            and r.lease_holder = $1 and r.lease_expires_at > clock_timestamp() and ",
        other_eyes!("$1"),
        taken!()
    ));
    if let Some(lease) = take(tx, taken, Of::This(id), holder, lease_seconds).await? {
        return Ok(ClaimOutcome::Leased(lease));
    }
    refusal(tx, id, holder).await
}

#[derive(QueryableByName)]
struct Holding {
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    holder: Option<String>,
}

/// Takes an open review from whoever holds it, for a lead who says why. The loser's next request finds the lease lost.
pub async fn take_over(
    tx: &mut TenantTx,
    id: ReviewId,
    holder: &str,
    reason: &str,
    lease_seconds: u64,
) -> Result<ClaimOutcome, StoreError> {
    // Locked first, so that the one who is named is the one who loses it.
    let before: Option<Holding> = sql("select case when lease_expires_at > clock_timestamp() then lease_holder end as holder
        from reviews where tenant_id = $1 and id = $2 for update")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("lock a review"))?;
    let before = before.and_then(|row| row.holder);
    // Why it was taken over is for the page of who lost it; the lease's number says of which change of hands it speaks. In one statement, so that
    // the two are of the same change.
    let taken = sql(concat!(
        leased!(),
        ", taken_over_generation = lease_generation + 1, taken_over_reason = $6
        where r.tenant_id = $4 and r.id = $5 and r.status in ('pending', 'escalated') and ",
        other_eyes!("$1"),
        taken!()
    ));
    let Some(lease) = take(tx, taken, Of::Somebodys(id, reason), holder, lease_seconds).await? else {
        return refusal(tx, id, holder).await;
    };
    tx.record(Change::of("review.taken_over", holder, id, json!({ "from": before, "reason": reason })));
    Ok(ClaimOutcome::Leased(lease))
}

async fn take(
    tx: &mut TenantTx,
    statement: crate::sql::Sql<'_>,
    of: Of<'_>,
    holder: &str,
    lease_seconds: u64,
) -> Result<Option<Lease>, StoreError> {
    let tenant = tx.tenant;
    let token = new_token();
    let digest = hash(&token);
    let statement = statement.text(holder).bytes(&digest).f64(lease_seconds as f64).uuid(tenant.0);
    let statement = match of {
        Of::This(id) => statement.uuid(id.0),
        Of::Somebodys(id, reason) => statement.uuid(id.0).text(reason),
        Of::Next(reach, person) => statement.bool(reach == Reach::All).maybe_uuid(person.map(|id| id.0)),
    };
    let taken: Option<Taken> = statement.get_result(tx.connection()?).await.optional().map_err(failed_to("lease a review"))?;
    let Some(row) = taken else { return Ok(None) };
    let (review_id, round_id) = (ReviewId(row.id), ReviewId(row.round_id));
    let (generation, expires_at) = (row.lease_generation, row.lease_expires_at);
    let part = read_part(review_id, row.part)?;
    let payload = json!({
        "review_id": review_id, "round_id": round_id, "part": part.number(), "generation": generation, "expires_at": expires_at,
    });
    sql("insert into outbox (tenant_id, id, verification_id, kind, payload) values ($1, $2, $3, 'lease', $4)")
        .uuid(tenant.0)
        .uuid(Uuid::now_v7())
        .uuid(row.verification_id)
        .json(payload)
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("order the end of a lease"))?;
    let data = json!({ "generation": generation, "expires_at": expires_at });
    tx.record(Change::of("review.leased", holder, review_id, data));
    Ok(Some(Lease { review_id, part, round_id, token, generation, expires_at }))
}

/// Says why a review was not to be had.
async fn refusal(tx: &mut TenantTx, id: ReviewId, holder: &str) -> Result<ClaimOutcome, StoreError> {
    let Some(row) = get(tx, id).await? else { return Ok(ClaimOutcome::NotFound) };
    if !row.status.is_open() {
        return Ok(ClaimOutcome::NotOpen(row.status));
    }
    if row.part != Part::First && has_answered(tx, &row, holder).await? {
        return Ok(ClaimOutcome::FourEyes);
    }
    let by_me = row.lease_holder.as_deref() == Some(holder);
    // Freed since we asked: held until just now, so that the caller simply asks again.
    Ok(ClaimOutcome::Held { by_me, until: row.lease_expires_at.unwrap_or_else(Utc::now) })
}

fn new_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}
