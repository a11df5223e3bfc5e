//! What the world outside does to a running verification.

use anyhow::{Result, ensure};
use domain::id::DecisionId;
use workflows::verification::VerificationResult;

use super::Scenario;
use crate::scripted::{Engine, Run};

/// Longer than any lease or review of a scenario needs.
const LONG: u64 = 300;

/// What happens from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// Nothing.
    Leave,
    /// A person decides.
    Decide,
    /// Somebody takes the review, renews it once and goes away; another takes it and decides.
    GoAwayThenDecide,
    /// Somebody takes the review and goes away, and meanwhile the relay tells of a lease of a round before.
    GoAwayUnderLateNews,
    /// Two people answer one after the other, and agree: one decision comes of it.
    TwoAgree,
    /// Two people differ; the second goes away once in between, late news of the first's lease come after, and a third settles it.
    TwoDiffer,
    /// One answers; the second takes their part and never comes back.
    SecondGoesAway,
    /// A person asks for more evidence; it comes, twice told, and a person decides.
    AddThenDecide,
    /// What was asked for comes when the review has just expired, as far as the workflow knows.
    ExpireThenAddThenDecide,
    /// The client calls it off while the held activity works.
    CancelDuring(&'static str),
    /// The client calls it off while a person is awaited.
    CancelInReview,
}

impl Scenario {
    /// Starts the scenario for a worker on that queue. With `paced`, every activity waits to be released.
    pub async fn begin(&self, engine: &Engine, queue: &str, paced: bool) -> Result<Run> {
        engine.verify(queue, self.script.clone(), &self.policy, paced).await
    }

    /// Does what the world does, and waits for the end.
    pub async fn play(&self, run: &Run) -> Result<VerificationResult> {
        match self.drive {
            Drive::Leave => {}
            Drive::Decide => {
                run.timers(1).await?;
                decide(run).await?;
            }
            Drive::GoAwayThenDecide => {
                run.timers(1).await?;
                run.lease(1, 1).await?;
                // The first lease's timer, one more after its renewal, and the review's own again.
                run.timers(4).await?;
                run.lease(2, LONG).await?;
                run.timers(5).await?;
                decide(run).await?;
            }
            Drive::GoAwayUnderLateNews => {
                run.timers(1).await?;
                run.lease(1, 2).await?;
                run.timers(2).await?;
                run.lease_of_before(9, LONG).await?;
                // The lease's timer goes on, and the review's own follows when it has rung.
                run.timers(4).await?;
                decide(run).await?;
            }
            Drive::TwoAgree => {
                run.timers(1).await?;
                run.lease_part(1, 1, LONG).await?;
                run.timers(2).await?;
                run.lease_part(2, 1, LONG).await?;
                run.timers(3).await?;
                decide(run).await?;
            }
            Drive::TwoDiffer => {
                run.timers(1).await?;
                run.lease_part(1, 1, LONG).await?;
                run.timers(2).await?;
                run.lease_part(2, 1, 1).await?;
                // The second's lease runs out and the review's own timer follows.
                run.timers(4).await?;
                run.lease_part(2, 2, LONG).await?;
                run.timers(5).await?;
                // The relay tells of an older lease late: it moves nothing.
                run.lease_part(1, 2, 1).await?;
                run.lease_part(3, 1, LONG).await?;
                run.timers(6).await?;
                decide(run).await?;
            }
            Drive::SecondGoesAway => {
                run.timers(1).await?;
                run.lease_part(1, 1, LONG).await?;
                run.timers(2).await?;
                run.lease_part(2, 1, 1).await?;
            }
            Drive::AddThenDecide => {
                run.timers(1).await?;
                run.add_evidence(1).await?;
                // The review's timer again, now of the second round.
                run.timers(2).await?;
                run.add_evidence(1).await?;
                decide(run).await?;
            }
            Drive::ExpireThenAddThenDecide => {
                run.play.began("finalise.verification").await;
                run.add_evidence(1).await?;
                run.timers(2).await?;
                decide(run).await?;
            }
            Drive::CancelDuring(activity) => {
                run.play.began(activity).await;
                run.cancel().await?;
            }
            Drive::CancelInReview => {
                run.timers(1).await?;
                run.cancel().await?;
            }
        }
        run.result().await
    }

    /// Holds what happened against what must have happened.
    pub fn check(&self, run: &Run, result: &VerificationResult) -> Result<()> {
        ensure!(*result == self.result(), "{}: ended as {result:?}", self.name);
        ensure!(run.play.effects() == self.effects, "{}: effects {:#?}", self.name, run.play.effects());
        Ok(())
    }
}

async fn decide(run: &Run) -> Result<()> {
    let decision_id = DecisionId::new();
    let accepted = run.decide(decision_id, &decision_id.to_string()).await?;
    ensure!(accepted == decision_id, "another decision was taken");
    Ok(())
}
