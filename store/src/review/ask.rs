//! A person asks for more evidence instead of deciding: the review ends, and the verification shows what is wanted.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use domain::id::ReviewId;
use domain::review::EvidenceRequest;
use domain::verification::Status;
use domain::webhook::event::EventType;
use serde_json::json;

use super::decide::{DecideOutcome, Lock, lock};
use super::lease::Proof;
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};
use crate::webhook::{self, Event};

/// What is asked for, by whom.
#[derive(Debug, Clone)]
pub struct NewRequest<'a> {
    pub review_id: ReviewId,
    /// Of the lease under which it is asked.
    pub proof: Proof<'a>,
    pub generation: i64,
    pub holder: &'a str,
    pub request: &'a EvidenceRequest,
}

/// Ends the review as asked, and makes the verification wait for evidence. What is asked for is kept with the verification; the audit chain
/// and the timeline say that it was asked, and for which fields; the caller has made sure that they are fields of the claim. Webhooks are told
/// that evidence is awaited, and none of the words.
pub async fn ask(tx: &mut TenantTx, new: &NewRequest<'_>) -> Result<DecideOutcome, StoreError> {
    #[derive(QueryableByName)]
    struct Stepped {
        #[diesel(sql_type = BigInt)]
        sequence: i64,
    }
    let (verification_id, round) = match lock(tx, new.review_id, new.proof, new.generation, new.holder).await? {
        Lock::Held(open) => (open.verification_id, open.round),
        Lock::Closed(status) => return Ok(DecideOutcome::NotOpen(status)),
        Lock::Lost => return Ok(DecideOutcome::LeaseLost),
        Lock::NotFound => return Ok(DecideOutcome::NotFound),
    };
    let request =
        serde_json::to_value(new.request).map_err(|error| StoreError::Query { doing: "write a request", source: error.into() })?;
    let tenant = tx.tenant;
    let stepped: Stepped = sql("with closed as (
            update reviews set status = 'asked', decided_at = now(), version = version + 1,
                lease_holder = null, lease_token_sha256 = null, lease_expires_at = null
            where tenant_id = $1 and id = $2
        )
        update verifications
        set status = 'awaiting_evidence', evidence_request = $4, updated_at = now(), version = version + 1, sequence = sequence + 1
        where tenant_id = $1 and id = $3 returning sequence")
    .uuid(tenant.0)
    .uuid(new.review_id.0)
    .uuid(verification_id.0)
    .json(request)
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("ask for evidence"))?;
    let data = json!({ "status": Status::AwaitingEvidence, "review_id": new.review_id, "fields": new.request.fields });
    tx.record(Change::step("verification.awaiting_evidence", new.holder, verification_id, stepped.sequence, data));
    let told = json!({ "status": Status::AwaitingEvidence, "review_id": new.review_id, "round": round });
    let about = Some((verification_id, stepped.sequence));
    webhook::emit(tx, &[Event { kind: EventType::VerificationAwaitingEvidence, about, data: told }]).await?;
    tx.notify(verification_id, stepped.sequence);
    Ok(DecideOutcome::Recorded)
}
