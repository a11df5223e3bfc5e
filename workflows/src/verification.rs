//! One verification, from accepted to final: prepare, read, classify, extract, judge, publish, wait for a person if policy says so, finalise.

mod review;
mod steps;

use domain::id::{DecisionId, EvidenceId, ReviewId, VerificationId};
use domain::policy::Policy;
use domain::priority::Priority as Urgency;
use domain::verdict::Verdict;
use domain::verification::Status;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::workflows::select;
use temporalio_workflow::{SyncWorkflowContext, WorkflowCancellationToken, WorkflowContext, WorkflowContextView, WorkflowResult};

use crate::contract::{Ending, Finalise, FinaliseActivity, Finalised, Judged, OpenReview, Work};
use crate::options::DECIDE;
use crate::search;

use review::ReviewState;
use steps::{StageFailed, Steps};

/// What a verification starts with: references and the policy it was accepted under, never values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationInput {
    pub work: Work,
    pub evidence: Vec<EvidenceId>,
    pub priority: Urgency,
    pub policy: Policy,
    /// The round that it begins with: 0, unless an earlier workflow of this verification was lost with its engine.
    #[serde(default, skip_serializing_if = "is_first")]
    pub round: u32,
}

fn is_first(round: &u32) -> bool {
    *round == 0
}

/// More evidence came, for which the machine answers anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceAdded {
    /// All files, those from before first.
    pub evidence: Vec<EvidenceId>,
    /// The round that begins with them; an earlier one is old news.
    pub round: u32,
}

/// Where a verification ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationResult {
    pub status: Status,
    pub verdict: Option<Verdict>,
}

/// A decision that waits in the store to become the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecideReview {
    pub review_id: ReviewId,
    pub decision_id: DecisionId,
}

/// The answer to a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionAccepted {
    pub decision_id: DecisionId,
}

/// Somebody took the review. Renewals stay in the store: the timer asks there when it fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseTaken {
    /// Of which review; a new round has a new one, whose generations begin anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_id: Option<ReviewId>,
    pub generation: i64,
    pub seconds: u64,
    /// Of which later part of that review, where two people answer independently; the first when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<LaterPart>,
}

/// The second answer of a review, or the third that settles a disagreement. The workflow knows the review by its first part, for whom it
/// waits and whose decision it takes; a later part matters to it only while somebody holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaterPart {
    /// 2 or 3. Parts come one after the other, and the generations of each begin anew.
    pub number: u8,
    pub review_id: ReviewId,
}

impl LeaseTaken {
    /// Rises with every lease of a review, whichever part it is of.
    fn place(&self) -> (u8, i64) {
        (self.part.as_ref().map_or(1, |part| part.number), self.generation)
    }
}

/// How far the work is, for operators and for waiting clients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub stage: String,
    pub blocks_done: u32,
    pub blocks_total: u32,
}

/// The id of the workflow that settles a verification.
pub fn workflow_id(verification_id: VerificationId) -> String {
    format!("verification/{verification_id}")
}

#[workflow]
pub struct VerificationWorkflow {
    input: VerificationInput,
    progress: Progress,
    cancel_requested: bool,
    added: Option<EvidenceAdded>,
    review: ReviewState,
}

#[workflow_methods]
impl VerificationWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: VerificationInput) -> Self {
        Self { input, progress: Progress::default(), cancel_requested: false, added: None, review: ReviewState::default() }
    }

    #[run(name = "verification.v1")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<VerificationResult> {
        let mut asked = false;
        loop {
            let finalised = once(ctx, asked).await?;
            if finalised.status.is_terminal() {
                return Ok(VerificationResult { status: finalised.status, verdict: finalised.verdict });
            }
            // It would have expired, but what was asked for came in time: the store says so before the signal does.
            asked = true;
        }
    }

    /// A person's decision. Refused before anything enters history unless this very review waits for one.
    #[update(name = "decide_review")]
    pub fn decide_review(&mut self, _ctx: &mut SyncWorkflowContext<Self>, decision: DecideReview) -> DecisionAccepted {
        DecisionAccepted { decision_id: self.review.decide(decision) }
    }

    #[update_validator(decide_review)]
    fn validate_decision(
        &self,
        _ctx: &WorkflowContextView,
        decision: &DecideReview,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.review.validate(decision).map_err(Into::into)
    }

    #[signal(name = "lease_taken")]
    pub fn lease_taken(&mut self, _ctx: &mut SyncWorkflowContext<Self>, lease: LeaseTaken) {
        self.review.lease(lease);
    }

    #[signal(name = "evidence_added")]
    pub fn evidence_added(&mut self, _ctx: &mut SyncWorkflowContext<Self>, added: EvidenceAdded) {
        let newer = self.added.as_ref().is_none_or(|known| known.round < added.round);
        if newer && added.round > self.input.round {
            self.added = Some(added);
        }
    }

    #[signal(name = "cancel_requested")]
    pub fn cancel(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.cancel_requested = true;
    }

    #[query(name = "progress")]
    pub fn progress(&self, _ctx: &WorkflowContextView) -> Progress {
        self.progress.clone()
    }
}

/// Works until it is settled or called off, and writes the ending down.
async fn once(
    ctx: &mut WorkflowContext<VerificationWorkflow>,
    asked: bool,
) -> Result<Finalised, temporalio_workflow::ActivityExecutionError> {
    // The steps run under a token of their own, so that calling them off leaves the ending free to run.
    let steps = WorkflowCancellationToken::new();
    let mut settled = Box::pin(settle(ctx.clone(), steps.clone(), asked).fuse());
    let ending = select! {
        ending = settled => ending,
        // Also wakes when an operator cancels the run.
        _ = ctx.wait_condition(|state: &VerificationWorkflow| state.cancel_requested) => {
            steps.cancel();
            Ending::Canceled
        }
    };
    // Writing the ending down takes a while, in which a decision must not be accepted that nobody would look at.
    let ending = ctx.state_mut(|state| state.review.settle(ending));
    finalise(ctx, ending).await
}

/// The story of a verification that nobody calls off; from the moment that evidence was asked for, if it had been.
async fn settle(ctx: WorkflowContext<VerificationWorkflow>, token: WorkflowCancellationToken, asked: bool) -> Ending {
    let steps = Steps::new(ctx, token);
    if asked {
        // Fails only when the run is canceled.
        if steps.ctx.wait_condition(|state| state.added.is_some()).await.is_err() {
            return Ending::Canceled;
        }
        steps.begin_round();
    }
    loop {
        let settled = match judged(&steps).await {
            Ok(judged) => published(&steps, judged).await,
            Err(failed) => Err(failed),
        };
        match settled {
            Ok(Settled::Ended(ending)) => return ending,
            Ok(Settled::MoreEvidence) => steps.begin_round(),
            Err(failed) => return failed.into_ending(),
        }
    }
}

/// What came of a round.
enum Settled {
    Ended(Ending),
    /// A person asked for more evidence, and it came.
    MoreEvidence,
}

/// From bytes to the machine's answer.
async fn judged(steps: &Steps) -> Result<Judged, StageFailed> {
    let mut unavailable = Vec::new();
    let documents = steps.prepare_and_read(&mut unavailable).await?;
    let understood = match steps.classify(&documents).await {
        Ok(()) => steps.extract(&documents).await,
        Err(failed) => Err(failed),
    };
    // Without an engine there are no values: the judge says `insufficient`, and why.
    understood.or_else(|failed| failed.engine_only(&mut unavailable))?;
    steps.judge(&documents, unavailable).await
}

/// From the machine's answer to the ending: at once, or after a person.
async fn published(steps: &Steps, judged: Judged) -> Result<Settled, StageFailed> {
    let policy = steps.policy();
    let review =
        judged.review.then_some(OpenReview { sla_seconds: policy.review_sla_seconds, expiry_seconds: policy.review_expiry_seconds });
    let published = steps.publish(review).await?;
    if let Some(decision_id) = published.decided {
        return Ok(Settled::Ended(Ending::Reviewed { decision_id }));
    }
    match published.review_id {
        Some(review_id) => {
            steps.show(Status::InReview, judged.verdict);
            Ok(review::wait(steps, review_id).await)
        }
        None => Ok(Settled::Ended(Ending::Machine)),
    }
}

/// Writes the ending down, whatever was called off before.
async fn finalise(
    ctx: &WorkflowContext<VerificationWorkflow>,
    ending: Ending,
) -> Result<Finalised, temporalio_workflow::ActivityExecutionError> {
    let steps = Steps::new(ctx.clone(), WorkflowCancellationToken::new());
    let work = steps.work();
    let finalised = steps.execute(FinaliseActivity, Finalise { work, ending }, DECIDE, "write the final result".to_owned()).await?;
    steps.show(finalised.status, finalised.verdict.unwrap_or(Verdict::Insufficient));
    Ok(finalised)
}
