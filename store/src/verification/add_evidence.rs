//! More evidence for a verification that a person asked it for: the machine answers anew, and a new round of review may follow.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::{EvidenceId, VerificationId};
use domain::verification::Status;
use serde_json::json;
use uuid::Uuid;

use super::row::read_status;
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

/// What adding did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddOutcome {
    Added,
    /// All of it is there already, so nothing new was said.
    NothingNew,
    /// Nobody asked for more.
    NotAwaiting(Status),
    NotFound,
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Array<diesel::sql_types::Uuid>)]
    evidence_ids: Vec<Uuid>,
    #[diesel(sql_type = Integer)]
    published: i32,
}

#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = Nullable<BigInt>)]
    sequence: Option<i64>,
}

/// Adds files behind those that are there, and orders the machine to answer anew. The caller has made sure that they are there and ready;
/// a foreign key makes sure again.
pub async fn add_evidence(tx: &mut TenantTx, id: VerificationId, more: &[EvidenceId], actor: &str) -> Result<AddOutcome, StoreError> {
    let tenant = tx.tenant;
    let locked: Option<Locked> =
        sql("select status, evidence_ids, published from verifications where tenant_id = $1 and id = $2 for no key update")
            .uuid(tenant.0)
            .uuid(id.0)
            .get_result(tx.connection()?)
            .await
            .optional()
            .map_err(failed_to("lock a verification"))?;
    let Some(locked) = locked else { return Ok(AddOutcome::NotFound) };
    let status = read_status(id, &locked.status)?;
    if status != Status::AwaitingEvidence {
        return Ok(AddOutcome::NotAwaiting(status));
    }
    let mut new: Vec<Uuid> = Vec::new();
    for evidence in more {
        if !locked.evidence_ids.contains(&evidence.0) && !new.contains(&evidence.0) {
            new.push(evidence.0);
        }
    }
    if new.is_empty() {
        return Ok(AddOutcome::NothingNew);
    }
    let moved: Moved = sql("with linked as (
            insert into verification_evidence (tenant_id, verification_id, evidence_id) select $1, $2, unnest($3)
        ), ordered as (
            insert into outbox (tenant_id, id, verification_id, kind, payload) values ($1, $4, $2, 'evidence', $5)
        )
        update verifications
        set status = 'queued', evidence_ids = evidence_ids || $3, evidence_request = null, progress = null, updated_at = now(), version = version + 1,
            sequence = sequence + 1
        where tenant_id = $1 and id = $2 returning sequence")
    .uuid(tenant.0)
    .uuid(id.0)
    .uuids(new.clone())
    .uuid(Uuid::now_v7())
    // The round that begins now: by the time that this is told another may have been published.
    .json(json!({ "round": locked.published }))
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("add evidence"))?;
    let sequence = moved.sequence.unwrap_or_default();
    let new: Vec<EvidenceId> = new.into_iter().map(EvidenceId).collect();
    tx.record(Change::step("verification.evidence_added", actor, id, sequence, json!({ "status": Status::Queued, "evidence": new })));
    tx.notify(id, sequence);
    Ok(AddOutcome::Added)
}
