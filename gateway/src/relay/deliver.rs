//! One row of the outbox, told to the engine.

use chrono::{DateTime, Utc};
use domain::id::{DecisionId, DeliveryId, ReviewId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::outbox::{OutboxKind, OutboxRow};
use store::webhook::{self, DeliveryStatus};
use store::{StoreError, review, verification};

use super::call;
use crate::engine::{CancelVerification, DecisionDelivery, EngineError, LeaseChange, MoreEvidence, StartDelivery, StartVerification};
use crate::state::AppState;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The engine has it, or it no longer matters.
    Done,
    /// To be tried again.
    Later,
}

impl Delivery {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Later => "later",
        }
    }
}

#[derive(Deserialize)]
struct Decided {
    review_id: ReviewId,
    decision_id: DecisionId,
}

#[derive(Deserialize)]
struct Leased {
    review_id: ReviewId,
    /// Left out of orders from before reviews had parts.
    round_id: Option<ReviewId>,
    generation: i64,
    expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Added {
    /// Left out of orders of the release before.
    round: Option<u32>,
}

#[derive(Deserialize)]
struct Ordered {
    delivery_id: DeliveryId,
    #[serde(default)]
    by_hand: bool,
}

/// Why a row was not told.
enum Failure {
    Engine(EngineError),
    Store(StoreError),
    /// The row's content is not what we write.
    Content(serde_json::Error),
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Tells the engine. Never loses a row: what cannot be told now stays.
pub async fn deliver(state: &AppState, row: &OutboxRow) -> Delivery {
    let kind = row.kind.as_str();
    let id = row.verification_id;
    match tell(state, row).await {
        Ok(delivery) => {
            tracing::info!(verification.id = %id, kind, attempts = row.attempts, outcome = delivery.as_str(), "Relayed {kind} of {id}");
            delivery
        }
        Err(Failure::Engine(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, verification.id = %id, kind, attempts = row.attempts, "The engine did not take {kind} of {id}; runbook TemporalDown.md");
            Delivery::Later
        }
        Err(Failure::Store(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, verification.id = %id, kind, "The store did not give {id}; runbook PostgresDown.md");
            Delivery::Later
        }
        Err(Failure::Content(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, verification.id = %id, kind, "An outbox row cannot be read; runbook StuckVerification.md");
            Delivery::Later
        }
    }
}

async fn tell(state: &AppState, row: &OutboxRow) -> Result<Delivery, Failure> {
    match row.kind {
        // Whether or not the verification is still open: most of it is about endings.
        OutboxKind::Delivery => start_delivery(state, row).await,
        OutboxKind::Start | OutboxKind::Cancel | OutboxKind::Decision | OutboxKind::Lease | OutboxKind::Evidence => {
            tell_verification(state, row).await
        }
    }
}

async fn start_delivery(state: &AppState, row: &OutboxRow) -> Result<Delivery, Failure> {
    let Ordered { delivery_id, by_hand } = content(row)?;
    let mut tx = state.store.begin(row.tenant_id).await?;
    let found = webhook::delivery(&mut tx, delivery_id).await?;
    drop(tx);
    // Arrived or called off meanwhile.
    let Some(delivery) = found.filter(|delivery| delivery.status == DeliveryStatus::Waiting) else { return Ok(Delivery::Done) };
    let start = StartDelivery { tenant_id: row.tenant_id, delivery_id, attempts: delivery.attempts, by_hand };
    call(state, "start_delivery", state.engine.start_delivery(start)).await?;
    Ok(Delivery::Done)
}

async fn tell_verification(state: &AppState, row: &OutboxRow) -> Result<Delivery, Failure> {
    let (tenant_id, verification_id) = (row.tenant_id, row.verification_id);
    let mut tx = state.store.begin(tenant_id).await?;
    let found = verification::get(&mut tx, verification_id).await?;
    // Ended meanwhile, by another way: nobody is left to tell.
    let Some(verification) = found.filter(|verification| !verification.status.is_terminal()) else { return Ok(Delivery::Done) };
    let told = match row.kind {
        OutboxKind::Start => {
            drop(tx);
            call(state, "start", state.engine.start(StartVerification::of(&verification))).await
        }
        OutboxKind::Cancel => {
            drop(tx);
            call(state, "cancel", state.engine.cancel(CancelVerification { tenant_id, verification_id })).await
        }
        OutboxKind::Decision => {
            let Decided { review_id, decision_id } = content(row)?;
            let Some(decision) = review::decision(&mut tx, decision_id).await? else { return Ok(Delivery::Done) };
            drop(tx);
            let delivery = DecisionDelivery { tenant_id, verification_id, review_id, decision_id, verdict: decision.outcome.verdict };
            call(state, "decide", state.engine.decide(delivery)).await.map(|_| ())
        }
        OutboxKind::Lease => {
            let Leased { review_id, round_id, generation, expires_at } = content(row)?;
            // Of a review that is over nobody need be told; another round has another one.
            let open = review::get(&mut tx, review_id).await?.filter(|review| review.status.is_open());
            let Some(review) = open else { return Ok(Delivery::Done) };
            drop(tx);
            let (part, round_id) = (review.part, round_id.unwrap_or(review_id));
            // One that ran out by itself still has to be given back by the workflow's timer.
            let seconds = (expires_at - state.clock.now()).num_seconds().max(1).unsigned_abs();
            let lease = LeaseChange { tenant_id, verification_id, review_id, part, round_id, generation, seconds };
            call(state, "lease", state.engine.lease_changed(lease)).await
        }
        OutboxKind::Evidence => {
            drop(tx);
            let Added { round } = content(row)?;
            // The latest is the one meant, or an order of a later one follows; it may be published by now.
            let round = round.unwrap_or_else(|| StartVerification::of(&verification).round);
            let more = MoreEvidence { round, ..MoreEvidence::of(&verification) };
            call(state, "evidence", state.engine.evidence_added(more)).await
        }
        OutboxKind::Delivery => return start_delivery(state, row).await,
    };
    match told {
        Ok(()) => Ok(Delivery::Done),
        // Any other refusal may be that the engine has not begun to wait; it is final only once the verification has ended.
        Err(EngineError::Rejected { reason }) if reason.contains("already_decided") => Ok(Delivery::Done),
        Err(error) => Err(error.into()),
    }
}

fn content<T: DeserializeOwned>(row: &OutboxRow) -> Result<T, Failure> {
    serde_json::from_value(row.payload.clone()).map_err(Failure::Content)
}

#[cfg(test)]
mod tests {
    use domain::id::VerificationId;
    use domain::verdict::Verdict;
    use serde_json::{Value, json};
    use store::verification;
    use uuid::Uuid;

    use super::*;
    use crate::engine::scripted::Call;
    use crate::testing::{Scene, outcome};

    fn order(scene: &Scene, id: VerificationId, payload: Value) -> OutboxRow {
        let (kind, created_at) = (OutboxKind::Evidence, scene.state.clock.now());
        OutboxRow { id: Uuid::nil(), tenant_id: scene.tenant, verification_id: id, kind, payload, attempts: 1, created_at }
    }

    #[tokio::test]
    async fn evidence_that_the_release_before_ordered_without_a_round_is_told_with_the_latest() {
        let Some(scene) = Scene::start().await else { return };
        let id = scene.processing().await;
        let tell = async |payload: Value| {
            assert_eq!(deliver(&scene.state, &order(&scene, id, payload)).await, Delivery::Done);
            match scene.engine.calls().pop() {
                Some(Call::Evidence(more)) => more.round,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((tell(json!({})).await, tell(json!({ "round": 7 })).await), (0, 7));
        let mut tx = scene.state.store.begin(scene.tenant).await.unwrap();
        verification::publish_provisional(&mut tx, id, 0, &outcome(Verdict::Insufficient), Some(&crate::testing::new_review(1)))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(tell(json!({})).await, 0, "published by now, and still the one that was meant");
    }
}
