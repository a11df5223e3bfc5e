//! Pool `workflow`: writes the final result, once.

use std::sync::Arc;

use domain::id::{DecisionId, VerificationId};
use domain::judge;
use store::review;
use store::verification::{self, Finalise as How, FinaliseOutcome};
use store::{Store, TenantTx};
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use workflows::contract::{Ending, Finalise, FinaliseActivity, Finalised};

use crate::failure;
use crate::meter::Meter;
use crate::metric;

/// The database, where endings are written.
#[derive(Clone)]
pub struct FinaliseActivities {
    store: Store,
}

impl FinaliseActivities {
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[activities]
impl FinaliseActivities {
    #[activity(definition = FinaliseActivity)]
    pub async fn finalise(self: Arc<Self>, _ctx: ActivityContext, request: Finalise) -> Result<Finalised, ActivityError> {
        let meter = Meter::start();
        let id = request.work.verification_id;
        let mut tx = self.store.begin(request.work.tenant_id).await.map_err(failure::until_written)?;
        let how = how(&mut tx, &request).await?;
        let outcome = verification::finalise(&mut tx, id, &how).await.map_err(failure::until_written)?;
        let row = verification::get(&mut tx, id).await.map_err(failure::until_written)?.ok_or_else(|| failure::missing(id))?;
        if outcome == FinaliseOutcome::Done {
            tx.commit().await.map_err(failure::until_written)?;
            let verdict = row.verdict.map_or("none", domain::verdict::Verdict::as_str);
            metrics::counter!(metric::ENDED, "status" => row.status.as_str(), "verdict" => verdict).increment(1);
            tracing::info!(tenant.id = %request.work.tenant_id, verification.id = %id, status = row.status.as_str(), verdict, "Verification {id} ended as {}", row.status.as_str());
        }
        if let Ending::Failed { stage, failure } = &request.ending {
            tracing::error!(verification.id = %id, stage, failure, "Stage {stage} of verification {id} failed for good (runbook StuckVerification)");
        }
        meter.finish("finalise");
        Ok(Finalised { status: row.status, verdict: row.verdict })
    }
}

async fn reviewed(tx: &mut TenantTx, decision_id: DecisionId) -> Result<How, ActivityError> {
    let decision = review::decision(tx, decision_id).await.map_err(failure::until_written)?.ok_or_else(|| failure::missing(decision_id))?;
    Ok(How::Reviewed { decision_id, outcome: decision.outcome })
}

async fn expired(tx: &mut TenantTx, id: VerificationId) -> Result<How, ActivityError> {
    let row = verification::get(tx, id).await.map_err(failure::until_written)?.ok_or_else(|| failure::missing(id))?;
    let machine = row.provisional.ok_or_else(|| failure::missing("the provisional result"))?;
    Ok(How::Expired { outcome: judge::expired(&machine) })
}

async fn how(tx: &mut TenantTx, request: &Finalise) -> Result<How, ActivityError> {
    let id = request.work.verification_id;
    Ok(match &request.ending {
        Ending::Machine => How::Machine,
        Ending::Reviewed { decision_id } => reviewed(tx, *decision_id).await?,
        Ending::Expired | Ending::Canceled | Ending::Failed { .. } => {
            match review::recorded(tx, id).await.map_err(failure::until_written)? {
                // Recorded in time, so it counts, even if the workflow has not heard of it yet.
                Some(decision_id) => reviewed(tx, decision_id).await?,
                None => undecided(tx, request).await?,
            }
        }
    })
}

async fn undecided(tx: &mut TenantTx, request: &Finalise) -> Result<How, ActivityError> {
    Ok(match &request.ending {
        Ending::Canceled => How::Canceled { reason: "requested".to_owned() },
        Ending::Failed { stage, failure } => How::Failed { kind: format!("{stage}: {failure}") },
        _ => expired(tx, request.work.verification_id).await?,
    })
}
