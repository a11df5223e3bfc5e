//! Tries of an engine: how many are left, and what is done when none is.
//!
//! Only what the engine did counts. A store that is away, a queue that is full and a worker that is told to stop cost no try. An attempt
//! that began and never came back is one that may have ended its worker: after a number of those the work itself is to blame.

use std::error::Error;
use std::time::Duration;

use domain::failure::ENGINE_FAILED;
use store::stage::Fence;
use store::tries::{self, Tries};
use temporalio_common::ActivityError;
use temporalio_sdk::activities::ActivityContext;
use workflows::contract::Work;

use crate::failure;
use crate::stage::{Stages, fence};

/// Failures after which an engine counts as not to be had for this piece of work.
pub(crate) const FAILURES: i32 = 3;
/// Attempts in a row that may be lost. The first is not counted, so that work which goes well costs no write; one worker more may be lost.
pub(crate) const LOST: i32 = 3;

/// Why an attempt came to nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The engine failed, which uses up a try.
    Engine(Box<dyn Error + Send + Sync>),
    /// The engine was too slow on a machine that may be busy; uses up a try, and the next one comes later.
    Slow(Box<dyn Error + Send + Sync>),
    /// Anything else.
    Other(ActivityError),
}

impl From<ActivityError> for Trouble {
    fn from(error: ActivityError) -> Self {
        Self::Other(error)
    }
}

/// A machine that was too busy is given this long.
const BREATH: Duration = Duration::from_secs(20);

/// One attempt at a piece of work.
pub(crate) struct Try<'a> {
    stages: &'a Stages,
    work: Work,
    of: Fence,
    before: Tries,
    entered: bool,
}

impl<'a> Try<'a> {
    /// Looks up what earlier attempts came to. The first attempt has none, and asks nobody.
    pub async fn new(stages: &'a Stages, ctx: &ActivityContext, work: Work) -> Result<Self, ActivityError> {
        let of = fence(ctx);
        let before = if of.attempt > 1 {
            let mut tx = stages.store.begin(work.tenant_id).await.map_err(failure::database)?;
            tries::get(&mut tx, &of).await.map_err(failure::database)?
        } else {
            Tries::default()
        };
        Ok(Self { stages, work, of, before, entered: false })
    }

    /// Whether an earlier attempt may have ended its worker, so that this one had better have a worker to itself.
    pub fn suspect(&self) -> bool {
        self.before.lost > 0
    }

    /// Whether so many were lost that it is the work's own doing.
    pub fn poison(&self) -> bool {
        self.before.lost >= LOST
    }

    /// Whether the engine has one try left.
    pub fn last(&self) -> bool {
        self.before.failed + 1 >= FAILURES
    }

    /// Enters that the work begins, from the second attempt on, so that a worker which ends with it is noticed.
    pub async fn enter(&mut self) -> Result<(), ActivityError> {
        if self.of.attempt > 1 {
            let mut tx = self.stages.store.begin(self.work.tenant_id).await.map_err(failure::database)?;
            tries::begin(&mut tx, &self.of).await.map_err(failure::database)?;
            tx.commit().await.map_err(failure::database)?;
            self.entered = true;
        }
        Ok(())
    }

    /// Enters how it ended, and says whether an engine that failed is tried again, up to this many times.
    pub async fn end<T>(self, outcome: Result<T, Trouble>, most: i32) -> Result<T, ActivityError> {
        let failed = matches!(outcome, Err(Trouble::Engine(_) | Trouble::Slow(_)));
        // What cannot be written down costs no try: it is better to try once too often than to give up too early.
        let known = self.write(outcome.is_ok(), failed).await.unwrap_or(self.before);
        match outcome {
            Ok(done) => Ok(done),
            Err(Trouble::Other(error)) => Err(error),
            Err(Trouble::Engine(cause) | Trouble::Slow(cause)) if known.failed >= most => Err(failure::reject(ENGINE_FAILED, cause)),
            Err(Trouble::Engine(cause)) => Err(failure::retry(ENGINE_FAILED, cause)),
            Err(Trouble::Slow(cause)) => Err(failure::retry_after(BREATH, ENGINE_FAILED, cause)),
        }
    }

    async fn write(&self, succeeded: bool, failed: bool) -> Result<Tries, store::StoreError> {
        let nothing_known = !self.entered && self.before == Tries::default();
        if !failed && nothing_known {
            return Ok(self.before);
        }
        let mut tx = self.stages.store.begin(self.work.tenant_id).await?;
        let known = if succeeded {
            tries::forget(&mut tx, &self.of).await?;
            self.before
        } else {
            if self.entered {
                tries::came_back(&mut tx, &self.of).await?;
            }
            if failed { tries::fail(&mut tx, &self.of).await? } else { self.before }
        };
        tx.commit().await?;
        Ok(known)
    }
}
