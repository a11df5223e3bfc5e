//! Decisions as they are kept, and the one that counts.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{DecisionId, ReviewId, VerificationId};
use domain::review::Decision;
use domain::verification::Outcome;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::schema::decisions;
use crate::sql::sql;
use crate::tx::TenantTx;

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

/// The decision that settles a verification, if one was recorded. Answers that wait for another person's do not count.
pub async fn settled(tx: &mut TenantTx, id: VerificationId) -> Result<Option<DecisionId>, StoreError> {
    let decision: Option<Uuid> = decisions::table
        .filter(decisions::tenant_id.eq(tx.tenant.0))
        .filter(decisions::verification_id.eq(id.0))
        .filter(decisions::settles)
        .order(decisions::created_at.desc())
        .select(decisions::id)
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("look for a decision"))?;
    Ok(decision.map(DecisionId))
}

/// As [`settled`], for who is about to end the verification: none is recorded from now until the transaction ends.
pub async fn recorded(tx: &mut TenantTx, id: VerificationId) -> Result<Option<DecisionId>, StoreError> {
    sql("select 1 from verifications where tenant_id = $1 and id = $2 for no key update")
        .uuid(tx.tenant.0)
        .uuid(id.0)
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("lock a verification"))?;
    // In a statement of its own, whose snapshot is younger than the wait for the lock.
    settled(tx, id).await
}

pub(super) fn from_json<T: DeserializeOwned>(id: DecisionId, value: Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|error| StoreError::corrupt(format!("the content of {id}"), error))
}
