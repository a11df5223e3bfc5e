//! Waiting for a person: the decision, the SLA, the expiry, and the lease that is given back when its holder goes away.

use std::time::{Duration, SystemTime};

use domain::id::{DecisionId, ReviewId};
use temporalio_workflow::workflows::select;
use temporalio_workflow::{TimerOptions, WorkflowCancellationToken};

use super::steps::Steps;
use super::{DecideReview, LeaseTaken, Settled};
use crate::contract::{Ending, EscalateActivity, ExpireLeaseActivity, LeaseRef, ReviewRef};
use crate::options::DECIDE;

/// Patch: news of an older review do not end the lease that runs.
const KEEP_LEASE: &str = "keep-lease";

/// What the workflow knows of its review.
#[derive(Debug, Default)]
pub(super) struct ReviewState {
    open: Option<ReviewId>,
    decision: Option<DecideReview>,
    lease: Option<LeaseTaken>,
    /// Counts leases taken, so that the wait notices a new one.
    leases: u64,
}

impl ReviewState {
    /// Why a decision is refused, in stable words that the gateway turns into problem documents.
    pub(super) fn validate(&self, decision: &DecideReview) -> Result<(), &'static str> {
        match (&self.decision, self.open) {
            (Some(first), _) if first.decision_id == decision.decision_id => Ok(()),
            (Some(_), _) => Err("already_decided"),
            (None, Some(open)) if open == decision.review_id => Ok(()),
            (None, _) => Err("not_pending"),
        }
    }

    /// Takes the first decision; a repeat is told the first.
    pub(super) fn decide(&mut self, decision: DecideReview) -> DecisionId {
        self.decision.get_or_insert(decision).decision_id
    }

    /// Ends the wait for a person: no decision is taken any more, and one that was taken is the ending, whatever came after it.
    pub(super) fn settle(&mut self, ending: Ending) -> Ending {
        self.open = None;
        match &self.decision {
            Some(taken) => Ending::Reviewed { decision_id: taken.decision_id },
            None => ending,
        }
    }

    pub(super) fn lease(&mut self, lease: LeaseTaken) {
        let newer = self.lease.as_ref().is_none_or(|held| held.review_id != lease.review_id || held.place() < lease.place());
        if newer {
            self.lease = Some(lease);
            self.leases += 1;
        }
    }
}

/// What the wait woke for.
enum Woken {
    Decided,
    EvidenceAdded,
    LeaseTaken,
    Timer,
    Canceled,
}

/// What the next timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Expiry,
    Sla,
    Lease,
}

/// A lease whose end is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Running {
    /// The part that it is of.
    review_id: ReviewId,
    generation: i64,
    ends: SystemTime,
}

/// Waits until a person decides, or asks for evidence and gets it, or the review expires.
pub(super) async fn wait(steps: &Steps, review_id: ReviewId) -> Settled {
    let policy = steps.policy();
    let opened = now(steps);
    let expiry = opened + Duration::from_secs(policy.review_expiry_seconds);
    let mut sla = Some(opened + Duration::from_secs(policy.review_sla_seconds));
    let mut lease: Option<Running> = None;
    steps.ctx.state_mut(|state| state.review.open = Some(review_id));
    let mut seen = 0;
    loop {
        let (due, at) = next(expiry, sla, lease);
        let remaining = at.duration_since(now(steps)).unwrap_or_default();
        match wake(steps, seen, remaining, due).await {
            Woken::Decided => {
                let decision_id = steps.ctx.state(|state| state.review.decision.as_ref().map(|decision| decision.decision_id));
                if let Some(decision_id) = decision_id {
                    return Settled::Ended(Ending::Reviewed { decision_id });
                }
            }
            Woken::EvidenceAdded => return Settled::MoreEvidence,
            Woken::LeaseTaken => {
                let taken = steps.ctx.state(|state| state.review.lease.clone());
                let taken = taken.filter(|taken| taken.review_id.is_none_or(|of| of == review_id));
                seen = steps.ctx.state(|state| state.review.leases);
                lease = match taken {
                    Some(taken) => Some(running(review_id, &taken, now(steps))),
                    // Late news of an older review leave this one's lease as it is. Workflows of before forgot it, and have no timer for it
                    // in their histories.
                    None => lease.filter(|_| steps.ctx.patched(KEEP_LEASE)),
                };
            }
            Woken::Canceled => return Settled::Ended(Ending::Canceled),
            Woken::Timer => match due {
                Due::Expiry => return Settled::Ended(Ending::Expired),
                Due::Sla => {
                    sla = None;
                    let request = ReviewRef { work: steps.work(), review_id };
                    // A person can still decide a review that could not be escalated.
                    let _ = steps.run("review", EscalateActivity, request, DECIDE, format!("escalate {review_id}")).await;
                }
                Due::Lease => lease = give_back(steps, lease).await,
            },
        }
    }
}

/// Frees the lease, unless its holder renewed it in the meantime: then the timer starts again for the rest.
/// The store lets the next reviewer take one that ran out, whether or not this succeeded.
async fn give_back(steps: &Steps, lease: Option<Running>) -> Option<Running> {
    let Running { review_id, generation, .. } = lease?;
    let request = LeaseRef { work: steps.work(), review_id, generation };
    let state = steps.run("review", ExpireLeaseActivity, request, DECIDE, format!("give back lease {generation} of {review_id}")).await;
    // At least a second, so that two clocks that disagree cannot make a busy loop.
    let remaining = state.ok()?.remaining_seconds;
    remaining.map(|seconds| Running { review_id, generation, ends: now(steps) + Duration::from_secs(seconds.max(1)) })
}

/// The lease of that review, or of its later part.
fn running(review_id: ReviewId, taken: &LeaseTaken, now: SystemTime) -> Running {
    let review_id = taken.part.as_ref().map_or(review_id, |part| part.review_id);
    Running { review_id, generation: taken.generation, ends: now + Duration::from_secs(taken.seconds) }
}

/// The earliest deadline; on a tie the one that ends more.
fn next(expiry: SystemTime, sla: Option<SystemTime>, lease: Option<Running>) -> (Due, SystemTime) {
    let candidates = [Some((Due::Expiry, expiry)), sla.map(|at| (Due::Sla, at)), lease.map(|lease| (Due::Lease, lease.ends))];
    candidates.into_iter().flatten().min_by_key(|(due, at)| (*at, *due)).unwrap_or((Due::Expiry, expiry))
}

async fn wake(steps: &Steps, leases_seen: u64, remaining: Duration, due: Due) -> Woken {
    let timer_token: WorkflowCancellationToken = steps.token.child_token();
    let timer =
        TimerOptions::builder(remaining).cancellation_token(timer_token.clone()).summary(format!("review {due:?}").to_lowercase()).build();
    let woken = select! {
        // A wait fails only when the run is canceled.
        waited = steps.ctx.wait_condition(|state| state.review.decision.is_some()) => if waited.is_ok() { Woken::Decided } else { Woken::Canceled },
        _ = steps.ctx.wait_condition(|state| state.added.is_some()) => Woken::EvidenceAdded,
        _ = steps.ctx.wait_condition(|state| state.review.leases > leases_seen) => Woken::LeaseTaken,
        _ = steps.ctx.timer(timer) => Woken::Timer,
    };
    // A timer that lost would live on in the server.
    timer_token.cancel();
    woken
}

/// The workflow's own time, the same on every replay.
fn now(steps: &Steps) -> SystemTime {
    steps.ctx.workflow_time().unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::LaterPart;

    fn decision(review_id: ReviewId) -> DecideReview {
        DecideReview { review_id, decision_id: DecisionId::new() }
    }

    #[test]
    fn only_the_open_review_takes_a_decision_and_only_one() {
        let review_id = ReviewId::new();
        let mut state = ReviewState::default();
        let first = decision(review_id);
        assert_eq!(state.validate(&first), Err("not_pending"));
        state.open = Some(review_id);
        assert_eq!(state.validate(&decision(ReviewId::new())), Err("not_pending"));
        assert_eq!(state.validate(&first), Ok(()));
        assert_eq!(state.decide(first.clone()), first.decision_id);
        assert_eq!(state.validate(&first), Ok(()), "a repeat of the same decision is the same decision");
        assert_eq!(state.validate(&decision(review_id)), Err("already_decided"));
    }

    #[test]
    fn a_settled_review_takes_no_decision() {
        let review_id = ReviewId::new();
        let mut state = ReviewState { open: Some(review_id), ..ReviewState::default() };
        assert_eq!(state.settle(Ending::Expired), Ending::Expired);
        assert_eq!(state.validate(&decision(review_id)), Err("not_pending"));
    }

    #[test]
    fn a_decision_that_was_taken_is_the_ending() {
        let review_id = ReviewId::new();
        let taken = decision(review_id);
        for later in [Ending::Canceled, Ending::Expired, Ending::Failed { stage: "review".to_owned(), failure: "Timeout".to_owned() }] {
            let mut state = ReviewState { open: Some(review_id), decision: Some(taken.clone()), ..ReviewState::default() };
            assert_eq!(state.settle(later), Ending::Reviewed { decision_id: taken.decision_id });
            assert_eq!(state.validate(&taken), Ok(()), "a repeat is still told that it counts");
            assert_eq!(state.validate(&decision(review_id)), Err("already_decided"));
        }
    }

    #[test]
    fn an_older_lease_does_not_replace_a_newer_one() {
        let mut state = ReviewState::default();
        let taken = |generation, seconds| LeaseTaken { review_id: None, generation, seconds, part: None };
        state.lease(taken(2, 5));
        state.lease(taken(1, 9));
        assert_eq!(state.lease, Some(taken(2, 5)));
        assert_eq!(state.leases, 1);
    }

    #[test]
    fn a_later_part_is_newer_whatever_the_generation_and_is_the_one_that_is_given_back() {
        let (round, second, third) = (ReviewId::new(), ReviewId::new(), ReviewId::new());
        let later = |number, review_id| Some(LaterPart { number, review_id });
        let taken = |part, generation| LeaseTaken { review_id: Some(round), generation, seconds: 5, part };
        let mut state = ReviewState::default();
        for (lease, newer) in [
            (taken(None, 4), true),
            (taken(later(2, second), 1), true),
            (taken(None, 5), false),
            (taken(later(2, second), 1), false),
            (taken(later(2, second), 2), true),
            (taken(later(3, third), 1), true),
            (taken(later(2, second), 9), false),
            // Another round, from its beginning.
            (LeaseTaken { review_id: Some(ReviewId::new()), ..taken(None, 1) }, true),
        ] {
            let before = state.leases;
            state.lease(lease.clone());
            assert_eq!(state.leases > before, newer, "{lease:?}");
            assert!(!newer || state.lease.as_ref() == Some(&lease), "{lease:?}");
        }
        let start = SystemTime::UNIX_EPOCH;
        assert_eq!(
            running(round, &taken(None, 3), start),
            Running { review_id: round, generation: 3, ends: start + Duration::from_secs(5) }
        );
        assert_eq!(running(round, &taken(later(2, second), 3), start).review_id, second);
    }

    #[test]
    fn the_earliest_deadline_is_next() {
        let start = SystemTime::UNIX_EPOCH;
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(next(at(10), Some(at(5)), None).0, Due::Sla);
        let lease = |seconds| Some(Running { review_id: ReviewId::new(), generation: 1, ends: at(seconds) });
        assert_eq!(next(at(10), None, lease(3)).0, Due::Lease);
        assert_eq!(next(at(10), Some(at(10)), lease(10)).0, Due::Expiry);
    }
}
