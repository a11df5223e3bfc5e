//! The one commit point of a submission: key, verification, evidence links and the order to start, together or not at all.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{EvidenceId, VerificationId};
use domain::policy::Policy;
use domain::priority::Priority;
use domain::verification::Status;
use serde_json::{Value, json};

use super::row::{Raw, VerificationRow, to_json};
use crate::error::{StoreError, failed_to};
use crate::idempotency::{self, Known, StoredResponse};
use crate::outbox;
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

/// A claim and its evidence, checked at the door.
#[derive(Debug, Clone)]
pub struct NewVerification {
    pub id: VerificationId,
    pub claim_type: String,
    pub claim_type_version: u32,
    /// As the client sent it.
    pub claim: Value,
    pub priority: Priority,
    pub metadata: Value,
    pub policy: Policy,
    pub evidence_ids: Vec<EvidenceId>,
    pub livemode: bool,
    pub trace_parent: Option<String>,
}

/// The client's key, and the hash of the request that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    pub fingerprint: [u8; 32],
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made once per request and taken apart at once")]
pub enum SubmitOutcome {
    Accepted(VerificationRow),
    /// The key was used before, for the same request.
    Duplicate {
        verification_id: VerificationId,
        /// What was answered then, once that is known.
        response: Option<StoredResponse>,
    },
    /// The key was used before, for another request.
    FingerprintMismatch,
    /// The first request with this key is being worked on right now.
    InProgress,
}

/// Accepts a verification. The caller has made sure that its evidence is there and ready; a foreign key makes sure again.
///
/// The order to start the workflow is the outbox row whose id is the verification's own.
pub async fn submit(
    tx: &mut TenantTx,
    new: NewVerification,
    key: Option<IdempotencyKey>,
    actor: &str,
) -> Result<SubmitOutcome, StoreError> {
    if let Some(key) = &key {
        match idempotency::look(tx, key).await? {
            Known::Busy => return Ok(SubmitOutcome::InProgress),
            Known::Used(used) => return Ok(duplicate(used, key)),
            Known::Unused => {}
        }
    }
    let Some(row) = insert(tx, &new, key.as_ref()).await? else {
        // Another request committed the key between our look and our lock.
        let Some(key) = &key else { return Err(StoreError::missing("accept a verification", new.id)) };
        return match idempotency::look(tx, key).await? {
            Known::Used(used) => Ok(duplicate(used, key)),
            Known::Busy | Known::Unused => Ok(SubmitOutcome::InProgress),
        };
    };
    let data = json!({ "status": row.status, "claim_type": row.claim_type, "evidence": row.evidence_ids });
    tx.record(Change::step("verification.accepted", actor, row.id, row.sequence, data));
    Ok(SubmitOutcome::Accepted(row))
}

/// What [`submit`] would answer of a key that was used before; `None` for one that is new. For callers who have something costly to do first.
pub async fn sent_before(tx: &mut TenantTx, key: &IdempotencyKey) -> Result<Option<SubmitOutcome>, StoreError> {
    Ok(match idempotency::look(tx, key).await? {
        Known::Used(used) => Some(duplicate(used, key)),
        Known::Busy => Some(SubmitOutcome::InProgress),
        Known::Unused => None,
    })
}

fn duplicate(used: idempotency::Used, key: &IdempotencyKey) -> SubmitOutcome {
    match used.verification_id {
        Some(verification_id) if used.fingerprint == key.fingerprint => {
            SubmitOutcome::Duplicate { verification_id, response: used.response }
        }
        _ => SubmitOutcome::FingerprintMismatch,
    }
}

/// `None` when the key was taken in the meantime.
async fn insert(tx: &mut TenantTx, new: &NewVerification, key: Option<&IdempotencyKey>) -> Result<Option<VerificationRow>, StoreError> {
    let tenant = tx.tenant;
    let policy = to_json("write a policy", &new.policy)?;
    let trace_parent = new.trace_parent.as_ref().map(|text| text.replace('\0', ""));
    let start = json!({
        "claim_type": new.claim_type, "priority": new.priority, "livemode": new.livemode, "trace_parent": trace_parent,
    });
    let raw: Option<Raw> = sql("with taken as (
            insert into idempotency_keys (tenant_id, key, fingerprint, verification_id, expires_at)
            select $1, $2, $3, $4, now() + make_interval(hours => $5) where $2 is not null
            on conflict (tenant_id, key) do nothing
            returning key
        ), accepted as (
            insert into verifications (
                tenant_id, id, status, claim_type, claim_type_version, claim, priority, metadata, policy, evidence_ids, livemode, trace_parent
            )
            select $1, $4, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
            where $2 is null or exists (select from taken)
            returning tenant_id, id, status, verdict, claim_type, claim_type_version, claim, priority, metadata, policy, evidence_ids, livemode,
                trace_parent, progress, provisional, final_outcome, failure, cancel_requested_at, created_at, updated_at, finished_at, version,
                sequence, published, evidence_request, corrections
        ), linked as (
            insert into verification_evidence (tenant_id, verification_id, evidence_id)
            select distinct tenant_id, id, unnest(evidence_ids) from accepted
        ), ordered as (
            insert into outbox (tenant_id, id, verification_id, kind, payload, available_at)
            select tenant_id, id, id, 'start', $16, now() + make_interval(secs => $17) from accepted
        )
        select * from accepted")
    .uuid(tenant.0)
    .maybe_text(key.map(|key| key.key.as_str()))
    .bytes(key.map_or(&[0; 32], |key| &key.fingerprint))
    .uuid(new.id.0)
    .i32(idempotency::RETENTION_HOURS)
    .text(Status::Queued.as_str())
    .text(&new.claim_type)
    .i32(i32::try_from(new.claim_type_version).unwrap_or(i32::MAX))
    .json(new.claim.clone())
    .text(new.priority.as_str())
    .json(new.metadata.clone())
    .json(policy)
    .uuids(new.evidence_ids.iter().map(|id| id.0).collect())
    .bool(new.livemode)
    .maybe_text(trace_parent.as_deref())
    .json(start)
    .f64(outbox::HEAD_START_SECONDS)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("accept a verification"))?;
    raw.map(VerificationRow::try_from).transpose()
}
