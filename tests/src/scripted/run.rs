//! One verification's workflow, as the world outside sees and steers it.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use domain::id::{DecisionId, ReviewId};
use futures::TryStreamExt;
use temporalio_client::errors::WorkflowUpdateError;
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowExecuteUpdateOptions, WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle,
    WorkflowSignalOptions,
};
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use workflows::verification::{DecideReview, EvidenceAdded, LaterPart, LeaseTaken, VerificationResult, VerificationWorkflow};

use super::play::Play;

/// A started workflow and its script.
pub struct Run {
    pub handle: WorkflowHandle<Client, VerificationWorkflow>,
    pub play: Arc<Play>,
}

impl Run {
    /// Waits for the end.
    pub async fn result(&self) -> Result<VerificationResult> {
        let result = self.handle.get_result(WorkflowGetResultOptions::default()).await.context("wait for a workflow's result");
        self.play.close();
        result
    }

    /// Sends a decision, under an update id.
    pub async fn decide(&self, decision_id: DecisionId, update_id: &str) -> Result<DecisionId, Refused> {
        let decision = DecideReview { review_id: self.play.review_id, decision_id };
        let options = WorkflowExecuteUpdateOptions::builder().update_id(update_id.to_owned()).build();
        match self.handle.execute_update(VerificationWorkflow::decide_review, decision, options).await {
            Ok(accepted) => Ok(accepted.decision_id),
            Err(WorkflowUpdateError::Failed(failure)) => Err(Refused(failure.message.clone())),
            Err(error) => Err(Refused(error.to_string())),
        }
    }

    /// A client calls it off.
    pub async fn cancel(&self) -> Result<()> {
        self.handle.signal(VerificationWorkflow::cancel, (), WorkflowSignalOptions::default()).await.context("signal a cancel")
    }

    /// An operator cancels the workflow itself.
    pub async fn cancel_by_operator(&self) -> Result<()> {
        self.handle.cancel(WorkflowCancelOptions::default()).await.context("cancel a workflow")
    }

    /// Somebody takes the review.
    pub async fn lease(&self, generation: i64, seconds: u64) -> Result<()> {
        let taken = LeaseTaken { review_id: None, generation, seconds, part: None };
        self.handle.signal(VerificationWorkflow::lease_taken, taken, WorkflowSignalOptions::default()).await.context("signal a lease")
    }

    /// The relay tells late of a lease of another review, of a round before.
    pub async fn lease_of_before(&self, generation: i64, seconds: u64) -> Result<()> {
        let taken = LeaseTaken { review_id: Some(ReviewId::new()), generation, seconds, part: None };
        self.handle.signal(VerificationWorkflow::lease_taken, taken, WorkflowSignalOptions::default()).await.context("signal a lease")
    }

    /// Somebody takes a part of the review, from 1, as the gateway tells it.
    pub async fn lease_part(&self, number: u8, generation: i64, seconds: u64) -> Result<()> {
        let later = usize::from(number).checked_sub(2).and_then(|index| self.play.later_parts.get(index));
        let part = later.map(|review_id| LaterPart { number, review_id: *review_id });
        let taken = LeaseTaken { review_id: Some(self.play.review_id), generation, seconds, part };
        self.handle.signal(VerificationWorkflow::lease_taken, taken, WorkflowSignalOptions::default()).await.context("signal a lease")
    }

    /// What was asked for comes.
    pub async fn add_evidence(&self, round: u32) -> Result<()> {
        let added = EvidenceAdded { evidence: self.play.evidence.clone(), round };
        self.handle.signal(VerificationWorkflow::evidence_added, added, WorkflowSignalOptions::default()).await.context("signal evidence")
    }

    /// Waits until the review has set that many timers: then it waits for a person, and knows all that was signaled before.
    pub async fn timers(&self, count: usize) -> Result<()> {
        let options = WorkflowFetchHistoryOptions::builder().wait_new_event(true).build();
        let mut history = self.handle.fetch_history(options);
        let mut seen = 0;
        while let Some(event) = history.try_next().await? {
            seen += usize::from(event.event_type() == EventType::TimerStarted);
            if seen == count {
                return Ok(());
            }
        }
        bail!("the workflow ended with {seen} timers, not {count}")
    }

    /// All events so far.
    pub async fn events(&self) -> Result<Vec<HistoryEvent>> {
        self.handle.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await.context("fetch a history")
    }

    /// How many events of a type there are so far.
    pub async fn count(&self, event_type: EventType) -> Result<usize> {
        Ok(self.events().await?.iter().filter(|event| event.event_type() == event_type).count())
    }
}

/// Why a decision was not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the decision was refused: {0}")]
pub struct Refused(pub String);
