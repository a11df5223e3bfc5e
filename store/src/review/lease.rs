//! Leases: one reviewer per review at a time, each lease with a token and a number, ended by the workflow's own timer.
//!
//! Every change of hands is one statement on the locked row, judged by the database's clock.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::ReviewId;
use domain::review::Part;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::list::get;
use crate::error::{StoreError, failed_to};
use crate::schema::reviews;
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

/// A lease as its holder gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub review_id: ReviewId,
    /// Which answer of its round it wants.
    pub part: Part,
    /// The first part of the round, by which the engine knows it.
    pub round_id: ReviewId,
    /// Returned once; the database keeps its hash.
    pub token: String,
    pub generation: i64,
    pub expires_at: DateTime<Utc>,
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
    lease_expires_at: Option<DateTime<Utc>>,
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
        returning lease_expires_at")
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
        returning lease_expires_at")
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
        returning lease_expires_at")
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

/// Ends an open review that nobody decided, once. False when it is not open: then there is a decision, or it was closed.
pub async fn expire(tx: &mut TenantTx, id: ReviewId) -> Result<bool, StoreError> {
    let changed = sql("update reviews set status = 'expired', lease_holder = null, lease_token_sha256 = null, lease_expires_at = null,
            version = version + 1
        where tenant_id = $1 and id = $2 and status in ('pending', 'escalated') returning lease_expires_at")
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

pub(super) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
