//! The end of a verification: exactly one, and nothing is left waiting behind it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Json, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::{DecisionId, VerificationId};
use domain::verification::{Outcome, Status};
use domain::webhook::event::EventType;
use serde_json::json;

use super::publish::digest;
use super::row::{read_status, to_json};
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};
use crate::webhook::{self, Event};

/// How a verification ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Finalise {
    /// The provisional result stands.
    Machine,
    /// A person decided.
    Reviewed { decision_id: DecisionId, outcome: Outcome },
    /// Nobody decided in time.
    Expired { outcome: Outcome },
    /// The client no longer wants it. `reason` is a stable word.
    Canceled { reason: String },
    /// We could not do it. `kind` is a stable word.
    Failed { kind: String },
}

/// What finalising did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinaliseOutcome {
    Done,
    /// It had ended before, with this status.
    AlreadyTerminal(Status),
    /// It does not expire: the evidence that was waited for came in time, and the machine is to answer anew.
    GoesOn(Status),
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    verdict: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    sequence: Option<i64>,
    /// The provisional result, where it becomes the final one.
    #[diesel(sql_type = Nullable<Json>)]
    stands: Option<serde_json::Value>,
}

/// Ends a verification, once. Closes its open review and takes back what the engine was still to be told.
pub async fn finalise(tx: &mut TenantTx, id: VerificationId, how: &Finalise) -> Result<FinaliseOutcome, StoreError> {
    let tenant = tx.tenant;
    let (status, outcome, failure) = match how {
        Finalise::Machine => (Status::Final, None, None),
        Finalise::Reviewed { outcome, .. } => (Status::Final, Some(outcome), None),
        Finalise::Expired { outcome } => (Status::Expired, Some(outcome), None),
        Finalise::Canceled { reason } => (Status::Canceled, None, Some(reason)),
        Finalise::Failed { kind } => (Status::Failed, None, Some(kind)),
    };
    let stands = *how == Finalise::Machine;
    let json = outcome.map(|outcome| to_json("write a result", outcome)).transpose()?;
    let outcome_sha256 = json.as_ref().map(digest);
    let review_status = if status == Status::Expired { "expired" } else { "canceled" };
    let ended: Option<Ended> = sql("with old as (
            select id, status, verdict, provisional, finished_at is null and (not $3 or provisional is not null)
                and not ($4 = 'expired' and status in ('queued', 'processing')) as open
            from verifications where tenant_id = $1 and id = $2 for no key update
        ), changed as (
            update verifications v
            set status = $4, final_outcome = case when $3 then v.provisional else $5 end, verdict = coalesce($6, v.verdict), failure = $7,
                progress = null, evidence_request = null, updated_at = now(), finished_at = now(), version = version + 1,
                sequence = sequence + case when $6 <> v.verdict then 2 else 1 end
            from old where v.tenant_id = $1 and v.id = old.id and old.open
            returning v.sequence
        ), closed as (
            update reviews set status = $8, lease_holder = null, lease_token_sha256 = null, lease_expires_at = null, version = version + 1
            where tenant_id = $1 and verification_id = $2 and status in ('pending', 'escalated') and exists (select from changed)
        ), untold as (
            delete from outbox where tenant_id = $1 and verification_id = $2 and kind <> 'delivery' and exists (select from changed)
        )
        select old.status, old.verdict, changed.sequence, case when $3 then old.provisional end as stands
        from old left join changed on true")
    .uuid(tenant.0)
    .uuid(id.0)
    .bool(stands)
    .text(status.as_str())
    .maybe_json(json)
    .maybe_text(outcome.map(|outcome| outcome.verdict.as_str()))
    .maybe_text(failure.map(String::as_str))
    .text(review_status)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("finalise a verification"))?;
    let ended = ended.ok_or_else(|| StoreError::missing("finalise", id))?;
    let Some(sequence) = ended.sequence else {
        let before = read_status(id, &ended.status)?;
        if before.is_terminal() {
            return Ok(FinaliseOutcome::AlreadyTerminal(before));
        }
        if status == Status::Expired {
            return Ok(FinaliseOutcome::GoesOn(before));
        }
        return Err(StoreError::missing("finalise as the machine said", format!("a provisional result of {id}")));
    };
    let verdict = outcome.map(|outcome| outcome.verdict.as_str()).or(ended.verdict.as_deref());
    let corrected = outcome.is_some() && ended.verdict.is_some() && ended.verdict.as_deref() != verdict;
    let (kind, mut data) = match status {
        Status::Expired => ("verification.expired", json!({})),
        Status::Canceled => ("verification.canceled", json!({ "reason": failure })),
        Status::Failed => ("verification.failed", json!({ "failure": failure })),
        _ => ("verification.final", json!({})),
    };
    data["status"] = json!(status);
    data["verdict"] = json!(verdict);
    data["outcome_sha256"] = json!(outcome_sha256.or_else(|| ended.stands.as_ref().map(digest)));
    if let Finalise::Reviewed { decision_id, .. } = how {
        data["decision_id"] = json!(decision_id);
    }
    tx.record(Change::step(kind, "system", id, sequence - i64::from(corrected), data));
    if corrected {
        let data = json!({ "from": ended.verdict, "to": verdict });
        tx.record(Change::step("verification.corrected", "system", id, sequence, data));
    }
    let told = json!({ "status": status, "verdict": verdict });
    let mut events =
        vec![Event { kind: EventType::VerificationFinal, about: Some((id, sequence - i64::from(corrected))), data: told.clone() }];
    if corrected {
        let mut told = told;
        told["from"] = json!(ended.verdict);
        events.push(Event { kind: EventType::VerificationCorrected, about: Some((id, sequence)), data: told });
    }
    webhook::emit(tx, &events).await?;
    tx.notify(id, sequence);
    Ok(FinaliseOutcome::Done)
}
