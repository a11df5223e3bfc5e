//! Leases: one reviewer per review at a time, each lease with a token and a number, ended by the workflow's own timer.
//!
//! Every change of hands is one statement on the locked row, judged by the database's clock.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{ReviewId, VerificationId};
use domain::review::ReviewStatus;
use domain::webhook::event::EventType;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::list::get;
use crate::error::{StoreError, failed_to};
use crate::schema::reviews;
use crate::sql::sql;
use crate::tx::{Change, TenantTx};
use crate::webhook::{self, Event};

/// A lease as its holder gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub review_id: ReviewId,
    /// Returned once; the database keeps its hash.
    pub token: String,
    pub generation: i64,
    pub expires_at: DateTime<Utc>,
}

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
    NotFound,
}

/// What renewing or releasing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewOutcome {
    /// The lease holds until then; for a release, until just now.
    Held {
        until: DateTime<Utc>,
    },
    /// It ran out, was given back, or is somebody else's by now.
    LeaseLost,
    NotFound,
}

/// What the workflow's timer found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpireLease {
    /// The lease ended now.
    Expired,
    /// It was renewed: look again then.
    Renewed { until: DateTime<Utc> },
    /// It was over already.
    Gone,
}

/// What a change of hands gives back.
#[derive(QueryableByName)]
#[diesel(table_name = reviews, check_for_backend(diesel::pg::Pg))]
struct Touched {
    id: Uuid,
    verification_id: Uuid,
    lease_generation: i64,
    lease_expires_at: Option<DateTime<Utc>>,
}

/// What an escalation is told with.
#[derive(QueryableByName)]
struct Escalated {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    verdict: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    due_at: DateTime<Utc>,
}

/// What shows that a request comes from who holds the lease.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// The token that came with the lease; for holders that are known by a name that others could use.
    Token(&'a str),
    /// The holder's name, from a session that proved who it is.
    Holder(&'a str),
}

impl Proof<'_> {
    /// What the lease's row must say: the hash of the token, or the holder.
    pub(super) fn columns(&self) -> (Option<[u8; 32]>, Option<&str>) {
        match self {
            Self::Token(token) => (Some(hash(token)), None),
            Self::Holder(holder) => (None, Some(holder)),
        }
    }
}

/// Takes a free review.
pub async fn claim(tx: &mut TenantTx, id: ReviewId, holder: &str, lease_seconds: u64) -> Result<ClaimOutcome, StoreError> {
    let token = new_token();
    let taken = sql("update reviews set lease_holder = $1, lease_token_sha256 = $2, lease_generation = lease_generation + 1,
            lease_expires_at = clock_timestamp() + make_interval(secs => $3), version = version + 1
        where tenant_id = $4 and id = $5 and status in ('pending', 'escalated')
            and (lease_expires_at is null or lease_expires_at <= clock_timestamp())
        returning id, verification_id, lease_generation, lease_expires_at");
    if let Some(lease) = take(tx, taken, Some(id), holder, token, lease_seconds).await? {
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
        order by due_at, id limit 1")
    .uuid(tx.tenant.0)
    .text(holder)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("look for what is held"))?;
    Ok(held.map(|held| ReviewId(held.id)))
}

/// Takes the most pressing free review. `None` when there is none.
pub async fn claim_next(tx: &mut TenantTx, holder: &str, lease_seconds: u64) -> Result<Option<Lease>, StoreError> {
    let token = new_token();
    let taken = sql("update reviews set lease_holder = $1, lease_token_sha256 = $2, lease_generation = lease_generation + 1,
            lease_expires_at = clock_timestamp() + make_interval(secs => $3), version = version + 1
        where tenant_id = $4 and id = (
            select id from reviews
            where tenant_id = $4 and status in ('pending', 'escalated')
                and (lease_expires_at is null or lease_expires_at <= clock_timestamp())
            order by due_at, id limit 1 for update skip locked
        )
        returning id, verification_id, lease_generation, lease_expires_at");
    take(tx, taken, None, holder, token, lease_seconds).await
}

/// Gives the holder of a running lease a new token for it, after a reload; the old token is worth nothing from then on.
pub async fn retake(tx: &mut TenantTx, id: ReviewId, holder: &str, lease_seconds: u64) -> Result<ClaimOutcome, StoreError> {
    let token = new_token();
    let taken = sql("update reviews set lease_token_sha256 = $2, lease_generation = lease_generation + 1,
            lease_expires_at = clock_timestamp() + make_interval(secs => $3), version = version + 1
        where tenant_id = $4 and id = $5 and status in ('pending', 'escalated')
            and lease_holder = $1 and lease_expires_at > clock_timestamp()
        returning id, verification_id, lease_generation, lease_expires_at");
    if let Some(lease) = take(tx, taken, Some(id), holder, token, lease_seconds).await? {
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
    let token = new_token();
    let taken = sql("update reviews set lease_holder = $1, lease_token_sha256 = $2, lease_generation = lease_generation + 1,
            lease_expires_at = clock_timestamp() + make_interval(secs => $3), version = version + 1
        where tenant_id = $4 and id = $5 and status in ('pending', 'escalated')
        returning id, verification_id, lease_generation, lease_expires_at");
    let Some(lease) = take(tx, taken, Some(id), holder, token, lease_seconds).await? else { return refusal(tx, id, holder).await };
    tx.record(Change::of("review.taken_over", holder, id, json!({ "from": before, "reason": reason })));
    Ok(ClaimOutcome::Leased(lease))
}

/// Makes a running lease last longer.
pub async fn renew(
    tx: &mut TenantTx,
    id: ReviewId,
    proof: Proof<'_>,
    generation: i64,
    lease_seconds: u64,
) -> Result<RenewOutcome, StoreError> {
    let (token, holder) = proof.columns();
    let renewed = sql("update reviews set lease_expires_at = clock_timestamp() + make_interval(secs => $1)
        where tenant_id = $2 and id = $3 and ($4::bytea is null or lease_token_sha256 = $4) and ($6::text is null or lease_holder = $6)
            and lease_generation = $5 and status in ('pending', 'escalated') and lease_expires_at > clock_timestamp()
        returning id, verification_id, lease_generation, lease_expires_at")
    .f64(lease_seconds as f64)
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .maybe_bytes(token.as_ref().map(|digest| &digest[..]))
    .i64(generation)
    .maybe_text(holder)
    .get_result::<Touched>(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("renew a lease"))?;
    match renewed {
        Some(row) => Ok(row.lease_expires_at.map_or(RenewOutcome::LeaseLost, |until| RenewOutcome::Held { until })),
        None => Ok(if get(tx, id).await?.is_some() { RenewOutcome::LeaseLost } else { RenewOutcome::NotFound }),
    }
}

/// Gives a running lease back.
pub async fn release(tx: &mut TenantTx, id: ReviewId, proof: Proof<'_>, generation: i64, actor: &str) -> Result<RenewOutcome, StoreError> {
    let (token, holder) = proof.columns();
    let released = sql("update reviews
        set lease_holder = null, lease_token_sha256 = null, lease_expires_at = null, version = version + 1
        where tenant_id = $1 and id = $2 and ($3::bytea is null or lease_token_sha256 = $3) and ($5::text is null or lease_holder = $5)
            and lease_generation = $4 and lease_expires_at > clock_timestamp()
        returning id, verification_id, lease_generation, lease_expires_at")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .maybe_bytes(token.as_ref().map(|digest| &digest[..]))
    .i64(generation)
    .maybe_text(holder)
    .get_result::<Touched>(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("release a lease"))?;
    if released.is_none() {
        return Ok(if get(tx, id).await?.is_some() { RenewOutcome::LeaseLost } else { RenewOutcome::NotFound });
    }
    tx.record(Change::of("review.released", actor, id, json!({ "generation": generation })));
    Ok(RenewOutcome::Held { until: Utc::now() })
}

/// The workflow's timer rang for this lease.
pub async fn expire_lease(tx: &mut TenantTx, id: ReviewId, generation: i64) -> Result<ExpireLease, StoreError> {
    let ended = sql("update reviews
        set lease_holder = null, lease_token_sha256 = null, lease_expires_at = null, version = version + 1
        where tenant_id = $1 and id = $2 and lease_generation = $3 and lease_expires_at <= clock_timestamp()
        returning id, verification_id, lease_generation, lease_expires_at")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .i64(generation)
    .get_result::<Touched>(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("end a lease"))?;
    if ended.is_some() {
        tx.record(Change::of("review.lease_expired", "system", id, json!({ "generation": generation })));
        return Ok(ExpireLease::Expired);
    }
    let row = get(tx, id).await?.filter(|row| row.lease_generation == generation);
    Ok(row.and_then(|row| row.lease_expires_at).map_or(ExpireLease::Gone, |until| ExpireLease::Renewed { until }))
}

/// Marks an open review as one for a lead, once. False when it is not open or was escalated before.
pub async fn escalate(tx: &mut TenantTx, id: ReviewId, actor: &str, reason: &str) -> Result<bool, StoreError> {
    let changed = sql("with changed as (
            update reviews set status = 'escalated', escalated_at = now(), version = version + 1
            where tenant_id = $1 and id = $2 and status = 'pending' returning verification_id, due_at
        )
        select v.id, v.sequence, v.status, v.verdict, changed.due_at from changed join verifications v on v.tenant_id = $1 and v.id = changed.verification_id")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .get_result::<Escalated>(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("escalate a review"))?;
    let Some(row) = changed else { return Ok(false) };
    tx.record(Change::of("review.escalated", actor, id, json!({ "reason": reason })));
    // A person who escalates knows of it; that the SLA has passed is news.
    if actor == "system" {
        let data = json!({ "status": row.status, "verdict": row.verdict, "review_id": id, "due_at": row.due_at });
        let about = Some((VerificationId(row.id), row.sequence));
        webhook::emit(tx, &[Event { kind: EventType::ReviewOverdue, about, data }]).await?;
    }
    Ok(true)
}

/// Ends an open review that nobody decided, once. False when it is not open: then there is a decision, or it was closed.
pub async fn expire(tx: &mut TenantTx, id: ReviewId) -> Result<bool, StoreError> {
    let changed = sql("update reviews set status = 'expired', lease_holder = null, lease_token_sha256 = null, lease_expires_at = null,
            version = version + 1
        where tenant_id = $1 and id = $2 and status in ('pending', 'escalated') returning id, verification_id, lease_generation, lease_expires_at")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .get_result::<Touched>(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("expire a review"))?;
    if changed.is_none() {
        return Ok(false);
    }
    tx.record(Change::of("review.expired", "system", id, json!({})));
    Ok(true)
}

async fn take(
    tx: &mut TenantTx,
    statement: crate::sql::Sql<'_>,
    id: Option<ReviewId>,
    holder: &str,
    token: String,
    lease_seconds: u64,
) -> Result<Option<Lease>, StoreError> {
    let tenant = tx.tenant;
    let digest = hash(&token);
    let mut statement = statement.text(holder).bytes(&digest).f64(lease_seconds as f64).uuid(tenant.0);
    if let Some(id) = id {
        statement = statement.uuid(id.0);
    }
    let touched: Option<Touched> = statement.get_result(tx.connection()?).await.optional().map_err(failed_to("lease a review"))?;
    let Some(row) = touched else { return Ok(None) };
    let review_id = ReviewId(row.id);
    let expires_at = row.lease_expires_at.unwrap_or_default();
    let generation = row.lease_generation;
    let payload = json!({ "review_id": review_id, "generation": generation, "expires_at": expires_at });
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
    Ok(Some(Lease { review_id, token, generation, expires_at }))
}

/// Says why a review was not to be had.
async fn refusal(tx: &mut TenantTx, id: ReviewId, holder: &str) -> Result<ClaimOutcome, StoreError> {
    let Some(row) = get(tx, id).await? else { return Ok(ClaimOutcome::NotFound) };
    if !row.status.is_open() {
        return Ok(ClaimOutcome::NotOpen(row.status));
    }
    let by_me = row.lease_holder.as_deref() == Some(holder);
    // Freed since we asked: held until just now, so that the caller simply asks again.
    Ok(ClaimOutcome::Held { by_me, until: row.lease_expires_at.unwrap_or_else(Utc::now) })
}

fn new_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

pub(super) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
