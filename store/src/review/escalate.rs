//! Escalation: a review is handed to a lead by a person, or marked because its promised time has passed, and then it is still everybody's.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{ReviewId, VerificationId};
use domain::webhook::event::EventType;
use serde_json::json;
use uuid::Uuid;

use super::round::{Id, hold};
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};
use crate::webhook::{self, Event};

/// Why a person escalated, in the audit chain: their own words are a comment, which the chain does not keep.
pub(super) const HANDED_ON: &str = "handed to a lead";
/// Who escalates when the promised time has passed.
const CLOCK: &str = "system";
/// And why.
const LATE: &str = "the SLA has passed";

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

/// Marks an open review as overdue, or, by a person, as one for a lead; each once. False when it is not open or was so marked before.
pub async fn escalate(tx: &mut TenantTx, id: ReviewId, actor: &str, reason: &str) -> Result<bool, StoreError> {
    let Some(row) = mark(tx, id, actor, reason).await? else { return Ok(false) };
    // A person who escalates knows of it; that the SLA has passed is news.
    if actor == CLOCK {
        tell(tx, id, row).await?;
    }
    Ok(true)
}

/// Marks a part that opens after the promised time of its round: the engine's timer rings once, and may have rung for the part before. Webhooks
/// are told unless they were `told` of the round then; an engine that was away tells them no more, for it finds nothing pending.
pub(super) async fn escalate_late(tx: &mut TenantTx, id: ReviewId, told: bool) -> Result<(), StoreError> {
    match mark(tx, id, CLOCK, LATE).await? {
        Some(row) if !told => tell(tx, id, row).await,
        _ => Ok(()),
    }
}

async fn mark(tx: &mut TenantTx, id: ReviewId, actor: &str, reason: &str) -> Result<Option<Escalated>, StoreError> {
    let changed = sql("with changed as (
            update reviews set status = 'escalated', escalated_at = now(), escalated_by = nullif($3, 'system'), version = version + 1
            where tenant_id = $1 and id = $2
                -- What the clock escalated, a person can still hand to a lead.
                and (status = 'pending' or status = 'escalated' and escalated_by is null and $3 <> 'system')
            returning verification_id, due_at
        )
        select v.id, v.sequence, v.status, v.verdict, changed.due_at from changed join verifications v on v.tenant_id = $1 and v.id = changed.verification_id")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .text(actor)
    .get_result::<Escalated>(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("escalate a review"))?;
    if changed.is_some() {
        tx.record(Change::of("review.escalated", actor, id, json!({ "reason": reason })));
    }
    Ok(changed)
}

async fn tell(tx: &mut TenantTx, id: ReviewId, row: Escalated) -> Result<(), StoreError> {
    let data = json!({ "status": row.status, "verdict": row.verdict, "review_id": id, "due_at": row.due_at });
    let about = Some((VerificationId(row.id), row.sequence));
    webhook::emit(tx, &[Event { kind: EventType::ReviewOverdue, about, data }]).await
}

/// The promised time of a round has passed: escalates the part that is open, whichever it is. The round is named by its first part.
pub async fn escalate_overdue(tx: &mut TenantTx, round: ReviewId) -> Result<bool, StoreError> {
    // Held against a decision that closes one part and opens the next, for neither of the two would be found pending in between.
    if hold(tx, round).await?.is_none() {
        return Ok(false);
    }
    let open: Option<Id> = sql("select r.id from reviews first join reviews r
            on r.tenant_id = first.tenant_id and r.verification_id = first.verification_id and r.round = first.round
        where first.tenant_id = $1 and first.id = $2 and r.status = 'pending'")
    .uuid(tx.tenant.0)
    .uuid(round.0)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("look for the open part of a round"))?;
    match open {
        Some(open) => escalate(tx, ReviewId(open.id), CLOCK, LATE).await,
        None => Ok(false),
    }
}
