//! Proves that every verification that has not ended has a workflow, and says which have none.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use domain::id::VerificationId;
use store::StoreError;
use store::chore::{self, Chore};
use store::verification::{self, Unfinished};

use crate::engine::{EngineError, StartVerification, Working};
use crate::metrics::Metric;
use crate::relay::call;
use crate::state::AppState;

/// Between two looks; each takes one page.
const EVERY: Duration = Duration::from_secs(30);
/// Whoever was touched since is surely being worked on: start, retry and recovery take less. In seconds.
const QUIET_SECONDS: i64 = 120;
/// Verifications per look.
const PAGE: i64 = 100;

/// Walks over all of them, a page at a time, round and round.
#[derive(Default)]
pub struct Patrol {
    looked: Option<Instant>,
    after: Option<(DateTime<Utc>, VerificationId)>,
    /// Found since the round began.
    orphans: u32,
}

impl Patrol {
    /// Looks at the next page when it is time.
    pub async fn due(&mut self, state: &AppState) {
        if self.looked.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        if let Err(error) = self.page(state).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "Unfinished verifications could not be listed; runbook PostgresDown.md"
            );
        }
    }

    async fn page(&mut self, state: &AppState) -> Result<(), StoreError> {
        let quiet_since = state.clock.now() - TimeDelta::seconds(QUIET_SECONDS);
        let mut tx = state.store.begin_relay().await?;
        let page = verification::unfinished(&mut tx, self.after, quiet_since, PAGE).await?;
        drop(tx);
        for one in &page {
            match call(state, "working", state.engine.working(one.id)).await {
                Ok(Working::Yes) => {}
                Ok(Working::Ended) => {
                    self.orphans += 1;
                    tracing::error!(
                        tenant.id = %one.tenant_id,
                        verification.id = %one.id,
                        status = one.status.as_str(),
                        "The workflow of {} ended without its verification; runbook StuckVerification.md",
                        one.id
                    );
                }
                Err(EngineError::NotFound) => {
                    if !start_again(state, one).await? {
                        self.orphans += 1;
                    }
                }
                // Without the engine nothing can be said of this page or the next.
                Err(_) => return Ok(()),
            }
        }
        self.after = page.last().filter(|_| page.len() as i64 == PAGE).map(|one| (one.updated_at, one.id));
        if self.after.is_none() {
            let orphans = std::mem::take(&mut self.orphans);
            metrics::gauge!(Metric::VerificationsOrphaned.as_str()).set(f64::from(orphans));
            let mut tx = state.store.begin_relay().await?;
            chore::ended(&mut tx, Chore::Patrol, orphans).await?;
            tx.commit_soon().await?;
        }
        Ok(())
    }
}

/// The engine has never heard of it, or has lost its memory: what it did before is in the store, so it may begin anew.
async fn start_again(state: &AppState, one: &Unfinished) -> Result<bool, StoreError> {
    let mut tx = state.store.begin(one.tenant_id).await?;
    let Some(row) = verification::get(&mut tx, one.id).await?.filter(|row| !row.status.is_terminal()) else { return Ok(true) };
    drop(tx);
    tracing::warn!(verification.id = %one.id, "No workflow is known for {}; it is started again", one.id);
    Ok(call(state, "start", state.engine.start(StartVerification::of(&row))).await.is_ok())
}
