//! Pool `workflow`: from values to a verdict, provisional and final.

use domain::id::{DecisionId, ReviewId};
use domain::verdict::Verdict;
use domain::verification::Status;
use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

use super::{DocumentRef, Work};

/// The files, and the stages that gave up on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judge {
    pub work: Work,
    pub documents: Vec<DocumentRef>,
    /// Stages whose engine was not to be had; each becomes the blocker `model_unavailable`.
    pub unavailable: Vec<String>,
    /// 0, and one more for every time that evidence was added.
    #[serde(default, skip_serializing_if = "is_first")]
    pub round: u32,
}

fn is_first(round: &u32) -> bool {
    *round == 0
}

/// The machine's answer in stable words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    pub verdict: Verdict,
    /// Whether the tenant's policy sends it to a person.
    pub review: bool,
    /// Kinds of blockers met, without their values.
    pub blockers: Vec<String>,
}

/// Asks to publish the judged result, and to open a review with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    pub work: Work,
    pub review: Option<OpenReview>,
    /// As in [`Judge`].
    #[serde(default, skip_serializing_if = "is_first")]
    pub round: u32,
}

/// The deadlines of a review, from the policy that the verification was accepted under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenReview {
    pub sla_seconds: u64,
    pub expiry_seconds: u64,
}

/// The review opened, if one was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    pub review_id: Option<ReviewId>,
    /// What a person decided already, before this workflow began: an earlier one was lost with its engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<DecisionId>,
}

/// How a verification ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ending {
    /// The machine's result stands.
    Machine,
    /// A person decided.
    Reviewed { decision_id: DecisionId },
    /// Nobody decided in time.
    Expired,
    /// The client, or an operator, called it off.
    Canceled,
    /// A stage failed for good; the type of the failure.
    Failed { stage: String, failure: String },
}

/// Asks to end a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finalise {
    pub work: Work,
    pub ending: Ending,
}

/// Where the verification ended. The first ending wins; a later one is told what the first was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finalised {
    pub status: Status,
    pub verdict: Option<Verdict>,
}

pub struct DecideContract;

#[activity_definitions]
impl DecideContract {
    /// Holds the claim against what was found. Never guesses.
    #[activity(name = "judge.claim")]
    pub async fn judge(request: Judge) -> Judged {
        unimplemented!()
    }

    /// Makes the machine's result visible and opens the review, in one transaction.
    #[activity(name = "publish.provisional")]
    pub async fn publish(request: Publish) -> Published {
        unimplemented!()
    }

    /// Writes the final result, once.
    #[activity(name = "finalise.verification")]
    pub async fn finalise(request: Finalise) -> Finalised {
        unimplemented!()
    }
}

pub use decide_contract::{Finalise as FinaliseActivity, Judge as JudgeActivity, Publish as PublishActivity};
