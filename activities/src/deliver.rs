//! Pool `export`: tells a client what happened, one attempt at a time, and notes how it went.

mod call;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::clock::Clock;
use domain::webhook::address::Rules;
use domain::webhook::schedule::{self, Next, Outcome};
use store::webhook::{self, DeliveryStatus, DisabledReason, NewAttempt, Work};
use store::{Store, StoreError, TenantTx};
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use workflows::contract::{Deliver, DeliverActivity, DeliveryEnd, DeliveryStep, NextStep};

use crate::failure;
use crate::metric;
use call::{Answer, Caller};

/// An endpoint that failed for this long without one success is switched off.
const FAILING: TimeDelta = TimeDelta::days(5);
/// How long an overloaded endpoint is left alone at least and, without a `Retry-After` of its own, at most.
const SHORTEST_HOLD: Duration = Duration::from_secs(60);
const LONGEST_HOLD: Duration = Duration::from_secs(3_600);
/// Deliveries that an endpoint held off come back within this time of each other, not all at once.
const SPREAD: Duration = Duration::from_secs(30);

/// The database, and the way out.
#[derive(Clone)]
pub struct DeliverActivities {
    store: Store,
    clock: Arc<dyn Clock>,
    caller: Caller,
}

impl DeliverActivities {
    /// `rules` say where tenants may send us. Fails when the machine has no usable TLS.
    pub fn new(store: Store, clock: Arc<dyn Clock>, rules: Rules) -> Result<Self, reqwest::Error> {
        Ok(Self { store, clock, caller: Caller::new(rules, call::PATIENCE)? })
    }

    /// With less patience, for tests.
    #[doc(hidden)]
    pub fn impatient(store: Store, clock: Arc<dyn Clock>, rules: Rules, patience: Duration) -> Result<Self, reqwest::Error> {
        Ok(Self { store, clock, caller: Caller::new(rules, patience)? })
    }
}

#[activities]
impl DeliverActivities {
    #[activity(definition = DeliverActivity)]
    pub async fn deliver(self: Arc<Self>, _ctx: ActivityContext, request: Deliver) -> Result<DeliveryStep, ActivityError> {
        let mut tx = self.store.begin(request.tenant_id).await.map_err(failure::database)?;
        let work = load(&mut tx, &request, self.clock.now()).await?;
        if let Some(step) = self.without_attempt(&mut tx, &request, &work).await.map_err(failure::database)? {
            tx.commit().await.map_err(failure::database)?;
            return Ok(step);
        }
        // No connection is kept while a stranger takes its time.
        drop(tx);
        let at = self.clock.now();
        let answer = self.caller.call(&work, at).await;

        let mut tx = self.store.begin(request.tenant_id).await.map_err(failure::database)?;
        let attempt = NewAttempt {
            delivery_id: request.delivery_id,
            number: request.number,
            at,
            status: answer.status,
            milliseconds: answer.milliseconds,
            error: answer.error,
        };
        if !webhook::record_attempt(&mut tx, &attempt).await.map_err(failure::database)? {
            // Another attempt of this activity was quicker: what it noted stands.
            let work = load(&mut tx, &request, self.clock.now()).await?;
            return Ok(standing(&work, self.clock.now()));
        }
        let next = self.after(&mut tx, &request, &work, &answer, at).await.map_err(failure::database)?;
        tx.commit().await.map_err(failure::database)?;
        told(&request, &work, &answer, next);
        Ok(DeliveryStep { attempts: request.number, next })
    }
}

impl DeliverActivities {
    /// What there is to say without calling anybody, if there is.
    async fn without_attempt(&self, tx: &mut TenantTx, request: &Deliver, work: &Work) -> Result<Option<DeliveryStep>, StoreError> {
        let now = self.clock.now();
        // The completion of an earlier try was lost: its attempt is not made twice.
        let made = work.attempts >= request.number;
        if work.status != DeliveryStatus::Waiting || made {
            return Ok(Some(standing(work, now)));
        }
        if !work.enabled {
            webhook::finish(tx, work.delivery_id, DeliveryStatus::Canceled).await?;
            return Ok(Some(ended(work.attempts, DeliveryEnd::Disabled)));
        }
        let Some(held) = work.held_until.filter(|until| *until > now && !request.by_hand) else { return Ok(None) };
        let until = held + SPREAD.mul_f64(rand::random::<f64>());
        webhook::wait_until(tx, work.delivery_id, until).await?;
        Ok(Some(DeliveryStep { attempts: work.attempts, next: wait(until, now) }))
    }

    /// Notes what the attempt means for the delivery and its endpoint.
    async fn after(
        &self,
        tx: &mut TenantTx,
        request: &Deliver,
        work: &Work,
        answer: &Answer,
        at: DateTime<Utc>,
    ) -> Result<NextStep, StoreError> {
        let (delivery, endpoint) = (work.delivery_id, work.endpoint_id);
        let outcome = schedule::judge(answer.status, answer.retry_after);
        let of_this_round = request.number.saturating_sub(work.attempts_before);
        let next = schedule::next(of_this_round, &outcome, rand::random());
        let now = self.clock.now();
        let since = work.failing_since.unwrap_or(at);
        match next {
            Next::Done => {
                webhook::finish(tx, delivery, DeliveryStatus::Delivered).await?;
                webhook::endpoint_answered(tx, endpoint).await?;
                return Ok(NextStep::Ended { how: DeliveryEnd::Delivered });
            }
            Next::Disable => {
                webhook::finish(tx, delivery, DeliveryStatus::Dead).await?;
                disable(tx, work, DisabledReason::Gone).await?;
                return Ok(NextStep::Ended { how: DeliveryEnd::Disabled });
            }
            Next::After(_) | Next::DeadLetter => {}
        }
        let hold_until = matches!(outcome, Outcome::SlowDown { .. }).then(|| now + hold(&outcome, now - since));
        webhook::endpoint_failed(tx, endpoint, at, hold_until).await?;
        let step = match next {
            Next::After(pause) => {
                let until = (now + pause).max(hold_until.unwrap_or(now));
                webhook::wait_until(tx, delivery, until).await?;
                wait(until, now)
            }
            _ => {
                webhook::finish(tx, delivery, DeliveryStatus::Dead).await?;
                NextStep::Ended { how: DeliveryEnd::DeadLetter }
            }
        };
        if now - since >= FAILING {
            disable(tx, work, DisabledReason::Failing).await?;
            return Ok(NextStep::Ended { how: DeliveryEnd::Disabled });
        }
        Ok(step)
    }
}

async fn load(tx: &mut TenantTx, request: &Deliver, now: DateTime<Utc>) -> Result<Work, ActivityError> {
    let found = webhook::load(tx, request.delivery_id, now).await.map_err(failure::database)?;
    found.ok_or_else(|| failure::missing(request.delivery_id))
}

async fn disable(tx: &mut TenantTx, work: &Work, reason: DisabledReason) -> Result<(), StoreError> {
    if webhook::disable_endpoint(tx, work.endpoint_id, reason).await? {
        let (id, reason) = (work.endpoint_id, reason.as_str());
        metrics::counter!(metric::WEBHOOK_ENDPOINTS_DISABLED, "reason" => reason).increment(1);
        tracing::warn!(endpoint.id = %id, reason, "Webhook endpoint {id} is switched off: {reason} (runbook WebhookFailing)");
    }
    Ok(())
}

/// What the row says.
fn standing(work: &Work, now: DateTime<Utc>) -> DeliveryStep {
    match work.status {
        DeliveryStatus::Waiting => DeliveryStep { attempts: work.attempts, next: wait(work.next_at.unwrap_or(now), now) },
        DeliveryStatus::Delivered => ended(work.attempts, DeliveryEnd::Delivered),
        DeliveryStatus::Dead => ended(work.attempts, DeliveryEnd::DeadLetter),
        DeliveryStatus::Canceled => ended(work.attempts, DeliveryEnd::Canceled),
    }
}

fn ended(attempts: u32, how: DeliveryEnd) -> DeliveryStep {
    DeliveryStep { attempts, next: NextStep::Ended { how } }
}

/// At least a second, so that two clocks that disagree cannot make a busy loop.
fn wait(until: DateTime<Utc>, now: DateTime<Utc>) -> NextStep {
    let rest = (until - now).to_std().unwrap_or_default();
    NextStep::Wait { seconds: rest.as_millis().div_ceil(1_000).clamp(1, u128::from(u64::MAX)) as u64 }
}

/// As long as it asks for; else as long as it has been failing, so that each hold doubles the time since the first.
fn hold(outcome: &Outcome, failing: TimeDelta) -> Duration {
    let asked = match outcome {
        Outcome::SlowDown { retry_after } => retry_after.unwrap_or_default().min(schedule::LONGEST_RETRY_AFTER),
        _ => Duration::ZERO,
    };
    failing.to_std().unwrap_or_default().clamp(SHORTEST_HOLD, LONGEST_HOLD).max(asked)
}

/// Ids and numbers only: an address often is a password.
fn told(request: &Deliver, work: &Work, answer: &Answer, next: NextStep) {
    let (id, number, outcome) = (request.delivery_id, request.number, answer.outcome());
    metrics::counter!(metric::WEBHOOK_ATTEMPTS, "outcome" => outcome).increment(1);
    let ended = match next {
        NextStep::Ended { .. } => "yes",
        NextStep::Wait { .. } => "no",
    };
    tracing::info!(
        tenant.id = %request.tenant_id,
        delivery.id = %id,
        endpoint.id = %work.endpoint_id,
        attempt = number,
        status = answer.status,
        outcome,
        ended,
        milliseconds = answer.milliseconds,
        "Attempt {number} of delivery {id}: {outcome}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overloaded_endpoint_is_left_alone_ever_longer() {
        let none = Outcome::SlowDown { retry_after: None };
        for (failing, expected) in [(0, 60), (59, 60), (600, 600), (86_400, 3_600), (-5, 60)] {
            assert_eq!(hold(&none, TimeDelta::seconds(failing)).as_secs(), expected, "{failing}");
        }
        for (asked, expected) in [(1, 60), (7_200, 7_200), (u64::MAX, 86_400)] {
            let asked = Outcome::SlowDown { retry_after: Some(Duration::from_secs(asked)) };
            assert_eq!(hold(&asked, TimeDelta::zero()).as_secs(), expected);
        }
    }

    #[test]
    fn a_wait_is_whole_seconds_and_never_none() {
        let now = DateTime::UNIX_EPOCH;
        for (milliseconds, expected) in [(-9_000, 1), (0, 1), (1, 1), (1_000, 1), (1_001, 2), (300_000, 300)] {
            assert_eq!(wait(now + TimeDelta::milliseconds(milliseconds), now), NextStep::Wait { seconds: expected });
        }
    }
}
