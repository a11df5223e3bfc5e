//! Pool `workflow`: the clockwork of a review, driven by the workflow's timers.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use store::Store;
use store::review::{self, ExpireLease};
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use workflows::contract::{EscalateActivity, ExpireLeaseActivity, LeaseRef, LeaseState, ReviewRef};

use crate::failure;
use crate::metric;

/// The database, where reviews and leases are.
#[derive(Clone)]
pub struct ReviewActivities {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl ReviewActivities {
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

/// How long a renewed lease still has; the timer starts again for that long.
fn remaining(state: &ExpireLease, now: DateTime<Utc>) -> Option<u64> {
    match state {
        ExpireLease::Renewed { until } => Some(u64::try_from((*until - now).num_seconds() + 1).unwrap_or_default()),
        ExpireLease::Expired | ExpireLease::Gone => None,
    }
}

#[activities]
impl ReviewActivities {
    #[activity(definition = EscalateActivity)]
    pub async fn escalate(self: Arc<Self>, _ctx: ActivityContext, request: ReviewRef) -> Result<(), ActivityError> {
        let mut tx = self.store.begin(request.work.tenant_id).await.map_err(failure::database)?;
        let escalated = review::escalate_overdue(&mut tx, request.review_id).await.map_err(failure::database)?;
        tx.commit().await.map_err(failure::database)?;
        metrics::counter!(metric::ESCALATED).increment(u64::from(escalated));
        Ok(())
    }

    #[activity(definition = ExpireLeaseActivity)]
    pub async fn expire_lease(self: Arc<Self>, _ctx: ActivityContext, request: LeaseRef) -> Result<LeaseState, ActivityError> {
        let mut tx = self.store.begin(request.work.tenant_id).await.map_err(failure::database)?;
        let state = review::expire_lease(&mut tx, request.review_id, request.generation).await.map_err(failure::database)?;
        tx.commit().await.map_err(failure::database)?;
        Ok(LeaseState { remaining_seconds: remaining(&state, self.clock.now()) })
    }
}
