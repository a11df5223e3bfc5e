//! A person's decision: stored once, whatever the engine is doing, and delivered by the outbox.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_async::RunQueryDsl;
use domain::id::{DecisionId, ReviewId, VerificationId};
use domain::review::{Decision, ReviewStatus};
use domain::verification::Outcome;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::lease::Proof;
use crate::error::{StoreError, failed_to};
use crate::schema::decisions;
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

/// A decision about to be stored. Its form was checked against the review before.
#[derive(Debug, Clone)]
pub struct NewDecision<'a> {
    pub id: DecisionId,
    pub review_id: ReviewId,
    /// Of the lease under which it was made.
    pub proof: Proof<'a>,
    pub generation: i64,
    pub decision: &'a Decision,
    /// The result that follows from it.
    pub outcome: &'a Outcome,
    pub holder: &'a str,
}

/// A stored decision.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRow {
    pub id: DecisionId,
    pub review_id: ReviewId,
    pub verification_id: VerificationId,
    pub holder: String,
    pub decision: Decision,
    pub outcome: Outcome,
    pub created_at: DateTime<Utc>,
}

/// What deciding did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecideOutcome {
    Recorded,
    /// This very decision was stored before.
    AlreadyRecorded,
    /// The lease ran out or is somebody else's by now.
    LeaseLost,
    NotOpen(ReviewStatus),
    NotFound,
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    verification_id: Uuid,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Bool)]
    leased: bool,
}

/// A review that was locked for whoever holds it.
pub(super) enum Lock {
    Held(VerificationId),
    Closed(ReviewStatus),
    Lost,
    NotFound,
}

/// Locks the row first: a second decision waits here, and then sees what the first one did.
pub(super) async fn lock(tx: &mut TenantTx, id: ReviewId, proof: Proof<'_>, generation: i64, who: &str) -> Result<Lock, StoreError> {
    let tenant = tx.tenant;
    let (token, holder) = proof.columns();
    let locked: Option<Locked> = sql("select verification_id, status,
            coalesce(($1::bytea is null or lease_token_sha256 = $1) and ($6::text is null or lease_holder = $6)
                and lease_generation = $2 and lease_holder = $3 and lease_expires_at > clock_timestamp(), false) as leased
        from reviews where tenant_id = $4 and id = $5 for update")
    .maybe_bytes(token.as_ref().map(|digest| &digest[..]))
    .i64(generation)
    .text(who)
    .uuid(tenant.0)
    .uuid(id.0)
    .maybe_text(holder)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("lock a review"))?;
    let Some(locked) = locked else { return Ok(Lock::NotFound) };
    let status =
        ReviewStatus::parse(&locked.status).ok_or_else(|| StoreError::Corrupt { what: format!("the status of {id}"), source: None })?;
    Ok(match (status.is_open(), locked.leased) {
        (false, _) => Lock::Closed(status),
        (true, false) => Lock::Lost,
        (true, true) => Lock::Held(VerificationId(locked.verification_id)),
    })
}

/// Stores a decision, closes its review and orders the delivery to the workflow.
pub async fn decide(tx: &mut TenantTx, new: &NewDecision<'_>) -> Result<DecideOutcome, StoreError> {
    match lock(tx, new.review_id, new.proof, new.generation, new.holder).await? {
        Lock::Held(verification_id) => {
            record(tx, new, verification_id).await?;
            Ok(DecideOutcome::Recorded)
        }
        Lock::Closed(status) => {
            // In a statement of its own, whose snapshot is younger than the wait for the lock.
            let recorded = decision(tx, new.id).await?.is_some_and(|row| row.review_id == new.review_id);
            Ok(if recorded { DecideOutcome::AlreadyRecorded } else { DecideOutcome::NotOpen(status) })
        }
        Lock::Lost => Ok(DecideOutcome::LeaseLost),
        Lock::NotFound => Ok(DecideOutcome::NotFound),
    }
}

async fn record(tx: &mut TenantTx, new: &NewDecision<'_>, verification_id: VerificationId) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Stepped {
        #[diesel(sql_type = BigInt)]
        sequence: i64,
    }
    let tenant = tx.tenant;
    let decision = to_json(new.decision)?;
    let digest = hex::encode(Sha256::digest(decision.to_string()));
    let stepped: Stepped = sql("with decided as (
            insert into decisions (tenant_id, id, review_id, verification_id, holder, lease_generation, decision, outcome)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
        ), closed as (
            update reviews set status = 'decided', decided_at = now(), version = version + 1,
                lease_holder = null, lease_token_sha256 = null, lease_expires_at = null
            where tenant_id = $1 and id = $3
        ), ordered as (
            insert into outbox (tenant_id, id, verification_id, kind, payload) values ($1, $9, $4, 'decision', $10)
        )
        update verifications set sequence = sequence + 1, version = version + 1, updated_at = now()
        where tenant_id = $1 and id = $4 returning sequence")
    .uuid(tenant.0)
    .uuid(new.id.0)
    .uuid(new.review_id.0)
    .uuid(verification_id.0)
    .text(new.holder)
    .i64(new.generation)
    .json(decision)
    .json(to_json(new.outcome)?)
    .uuid(Uuid::now_v7())
    .json(json!({ "review_id": new.review_id, "decision_id": new.id }))
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("store a decision"))?;
    let data = json!({
        "review_id": new.review_id, "decision_id": new.id, "verdict": new.decision.verdict, "decision_sha256": digest,
    });
    tx.record(Change::step("review.decided", new.holder, verification_id, stepped.sequence, data));
    tx.notify(verification_id, stepped.sequence);
    Ok(())
}

/// One decision.
pub async fn decision(tx: &mut TenantTx, id: DecisionId) -> Result<Option<DecisionRow>, StoreError> {
    type Raw = (Uuid, Uuid, String, Value, Value, DateTime<Utc>);
    let raw: Option<Raw> = decisions::table
        .filter(decisions::tenant_id.eq(tx.tenant.0))
        .filter(decisions::id.eq(id.0))
        .select((
            decisions::review_id,
            decisions::verification_id,
            decisions::holder,
            decisions::decision,
            decisions::outcome,
            decisions::created_at,
        ))
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("read a decision"))?;
    raw.map(|(review_id, verification_id, holder, decision, outcome, created_at)| {
        Ok(DecisionRow {
            id,
            review_id: ReviewId(review_id),
            verification_id: VerificationId(verification_id),
            holder,
            decision: from_json(id, decision)?,
            outcome: from_json(id, outcome)?,
            created_at,
        })
    })
    .transpose()
}

/// The decision that was recorded on a verification's review, if one was. Holds the reviews until the transaction ends, so that none is
/// recorded meanwhile.
pub async fn recorded(tx: &mut TenantTx, id: VerificationId) -> Result<Option<DecisionId>, StoreError> {
    let tenant = tx.tenant;
    sql("select 1 from reviews where tenant_id = $1 and verification_id = $2 for update")
        .uuid(tenant.0)
        .uuid(id.0)
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("lock the reviews of a verification"))?;
    let decision: Option<Uuid> = decisions::table
        .filter(decisions::tenant_id.eq(tenant.0))
        .filter(decisions::verification_id.eq(id.0))
        .order(decisions::created_at.desc())
        .select(decisions::id)
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("look for a decision"))?;
    Ok(decision.map(DecisionId))
}

fn to_json(value: &impl serde::Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::Query { doing: "write a decision", source: error.into() })
}

fn from_json<T: DeserializeOwned>(id: DecisionId, value: Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|error| StoreError::corrupt(format!("the content of {id}"), error))
}
