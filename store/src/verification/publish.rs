//! The machine's result, and the task for a person where policy wants one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::blocker::Blocker;
use domain::id::{ReviewId, VerificationId};
use domain::verification::{Outcome, Status};
use domain::webhook::event::EventType;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::row::to_json;
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};
use crate::webhook::{self, Event};

/// A task for a person, to be opened with the provisional result.
#[derive(Debug, Clone)]
pub struct NewReview {
    /// Why a person is needed.
    pub blockers: Vec<Blocker>,
    /// How many independent answers it wants, by the policy that the verification was accepted under: 1 or 2.
    pub wanted: u8,
    /// When it is escalated.
    pub due_at: DateTime<Utc>,
    /// When it ends as `insufficient`.
    pub expires_at: DateTime<Utc>,
}

/// What publishing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The first part of the round that was opened, if one was; also when an earlier try opened it.
    pub review_id: Option<ReviewId>,
    /// Nothing was changed: a result was there, or the verification had ended.
    pub already: bool,
}

#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = Nullable<BigInt>)]
    sequence: Option<i64>,
    #[diesel(sql_type = Nullable<diesel::sql_types::Uuid>)]
    review_id: Option<uuid::Uuid>,
    #[diesel(sql_type = Text)]
    status: String,
}

/// Publishes the machine's result of a round, once. A second call reports what the first one did. Round 0 is the first; every time that
/// evidence is added another follows.
pub async fn publish_provisional(
    tx: &mut TenantTx,
    id: VerificationId,
    round: u32,
    outcome: &Outcome,
    review: Option<&NewReview>,
) -> Result<Published, StoreError> {
    let tenant = tx.tenant;
    let json = to_json("write a result", outcome)?;
    let digest = digest(&json);
    let status = if review.is_some() { Status::InReview } else { Status::Provisional };
    let blockers = to_json("write blockers", &review.map(|review| &review.blockers))?;
    // One event for the result, one more for the review.
    let steps = if review.is_some() { 2 } else { 1 };
    let moved: Option<Moved> = sql("with old as (
            select id, status, published = $11 and status in ('queued', 'processing') as open
            from verifications where tenant_id = $1 and id = $2 for no key update
        ), changed as (
            update verifications v
            set status = $3, verdict = $4, provisional = $5, published = published + 1, progress = null, updated_at = now(), version = version + 1, sequence = sequence + $6
            from old where v.tenant_id = $1 and v.id = old.id and old.open
            returning v.sequence
        ), opened as (
            insert into reviews (tenant_id, id, verification_id, round, wanted, status, blockers, due_at, expires_at)
            select $1, $7, $2, $11 + 1, $12, 'pending', $8, $9, $10 from changed where $9 is not null
            returning id
        )
        select old.status, changed.sequence, coalesce(
            (select id from opened),
            (select id from reviews where tenant_id = $1 and verification_id = $2 and round = $11 + 1 and part = 1)
        ) as review_id
        from old left join changed on true")
    .uuid(tenant.0)
    .uuid(id.0)
    .text(status.as_str())
    .text(outcome.verdict.as_str())
    .json(json)
    .i64(steps)
    .uuid(ReviewId::new().0)
    .json(blockers)
    .maybe_time(review.map(|review| review.due_at))
    .maybe_time(review.map(|review| review.expires_at))
    .i32(i32::try_from(round).unwrap_or(i32::MAX))
    .i32(review.map_or(1, |review| review.wanted).into())
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("publish a provisional result"))?;
    let moved = moved.ok_or_else(|| StoreError::missing("publish a provisional result", id))?;
    let review_id = moved.review_id.map(ReviewId);
    let Some(sequence) = moved.sequence else {
        tracing::debug!(verification.id = %id, status = moved.status, "A provisional result was published before");
        return Ok(Published { review_id, already: true });
    };
    let data = json!({
        "status": status, "verdict": outcome.verdict, "confidence": outcome.confidence, "level": outcome.level, "outcome_sha256": digest,
    });
    tx.record(Change::step("verification.provisional", "system", id, sequence - steps + 1, data));
    if let Some((review, review_id)) = review.zip(review_id) {
        let kinds: Vec<&str> = review.blockers.iter().map(Blocker::kind).collect();
        let data = json!({ "review_id": review_id, "blockers": kinds, "due_at": review.due_at, "expires_at": review.expires_at });
        tx.record(Change::step("review.opened", "system", id, sequence, data));
    }
    tell(tx, id, sequence, status, outcome, review.and(review_id)).await?;
    tx.notify(id, sequence);
    Ok(Published { review_id, already: false })
}

/// Tells of the result, and of the review that was opened with it, whose event is the last one.
async fn tell(
    tx: &mut TenantTx,
    id: VerificationId,
    sequence: i64,
    status: Status,
    outcome: &Outcome,
    review_id: Option<ReviewId>,
) -> Result<(), StoreError> {
    let mut told = json!({ "status": status, "verdict": outcome.verdict });
    let first = sequence - i64::from(review_id.is_some());
    let mut events = vec![Event { kind: EventType::VerificationProvisional, about: Some((id, first)), data: told.clone() }];
    if let Some(review_id) = review_id {
        told["review_id"] = json!(review_id);
        events.push(Event { kind: EventType::VerificationInReview, about: Some((id, sequence)), data: told });
    }
    webhook::emit(tx, &events).await
}

/// What the audit chain keeps of a result: enough to prove it, nothing that names anybody.
pub(super) fn digest(json: &Value) -> String {
    hex::encode(Sha256::digest(json.to_string()))
}
