//! The durable engine as the gateway sees it: told to start, cancel and decide, asked whether it is there. Temporal is one side, a script the other.

#[cfg(test)]
pub mod scripted;
pub mod temporal;

use async_trait::async_trait;
use domain::id::{DecisionId, DeliveryId, EvidenceId, ReviewId, TenantId, VerificationId};
use domain::policy::Policy;
use domain::priority::Priority;
use domain::review::Part;
use domain::verdict::Verdict;

/// What the gateway asks of the engine. Every call may be repeated: the ids make the second a no-op.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Starts the workflow `verification/<id>`. One that runs or has ended already is a success.
    async fn start(&self, start: StartVerification) -> Result<(), EngineError>;

    /// Asks the workflow to end as canceled. `NotFound` when none runs: it has ended, or was never started.
    async fn cancel(&self, cancel: CancelVerification) -> Result<(), EngineError>;

    /// Delivers a decision as an update whose id is the decision's.
    async fn decide(&self, decision: DecisionDelivery) -> Result<Delivered, EngineError>;

    /// Tells the workflow that a reviewer took the review, so that its timer can give it back.
    async fn lease_changed(&self, lease: LeaseChange) -> Result<(), EngineError>;

    /// Tells the workflow that evidence was added, for which the machine answers anew.
    async fn evidence_added(&self, more: MoreEvidence) -> Result<(), EngineError>;

    /// Starts the workflow `delivery/<id>`, once at a time. One that runs already is a success, and is told if a person wants it at once.
    async fn start_delivery(&self, start: StartDelivery) -> Result<(), EngineError>;

    /// Whether a workflow works on the verification. `NotFound` when there never was one, or it ended so long ago that it was forgotten.
    async fn working(&self, id: VerificationId) -> Result<Working, EngineError>;

    /// How much waits for each pool of workers, and how many workers poll for it.
    async fn queues(&self) -> Result<Vec<Queue>, EngineError>;

    /// Whether the engine answers.
    async fn ping(&self) -> Result<(), EngineError>;
}

/// Starts the work on an accepted verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartVerification {
    pub tenant_id: TenantId,
    pub verification_id: VerificationId,
    pub claim_type: String,
    pub evidence: Vec<EvidenceId>,
    pub priority: Priority,
    /// The tenant's policy when the verification was accepted.
    pub policy: Policy,
    /// W3C `traceparent` of the request that brought it.
    pub trace_parent: Option<String>,
    /// The round to begin with: 0, unless an earlier workflow was lost with its engine after evidence had been added.
    pub round: u32,
}

/// Ends the work on a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelVerification {
    pub tenant_id: TenantId,
    pub verification_id: VerificationId,
}

/// A decision that is stored and must reach its workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionDelivery {
    pub tenant_id: TenantId,
    pub verification_id: VerificationId,
    /// The first part of the round that it settles.
    pub review_id: ReviewId,
    pub decision_id: DecisionId,
    pub verdict: Verdict,
}

/// The engine has recorded the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// The decision that stands: ours, or the one that came first.
    pub decision_id: DecisionId,
}

/// A review was leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseChange {
    pub tenant_id: TenantId,
    pub verification_id: VerificationId,
    /// The part of a round that was leased.
    pub review_id: ReviewId,
    pub part: Part,
    /// The first part of that round, by which the workflow knows it.
    pub round_id: ReviewId,
    /// Grows with each lease of the part.
    pub generation: i64,
    /// How long the lease lasts unless renewed.
    pub seconds: u64,
}

/// Evidence was added to a verification that waited for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoreEvidence {
    pub tenant_id: TenantId,
    pub verification_id: VerificationId,
    /// All files, those from before first.
    pub evidence: Vec<EvidenceId>,
    /// The round that begins with them.
    pub round: u32,
}

/// A webhook is to be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartDelivery {
    pub tenant_id: TenantId,
    pub delivery_id: DeliveryId,
    /// Made so far.
    pub attempts: u32,
    /// A person wants an attempt at once.
    pub by_hand: bool,
}

/// The work that waits for one pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Queue {
    /// The pool's word, as in `assay worker --pool ocr`.
    pub pool: &'static str,
    pub backlog: i64,
    /// Age of the oldest task.
    pub oldest_seconds: f64,
    /// Workers that asked for work a moment ago.
    pub pollers: usize,
}

/// Where the work on a verification stands in the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Working {
    /// A workflow is open.
    Yes,
    /// It ended, however it did.
    Ended,
}

/// Why the engine did not do it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It did not answer, or asked to come back later.
    #[error("the engine is not available")]
    Unavailable {
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The workflow, or the server, refused. `reason` is a stable word: `not_pending`, `already_decided`, or what the server said.
    #[error("the engine refused: {reason}")]
    Rejected { reason: String },
    /// No such workflow, or it has ended.
    #[error("the engine knows no such workflow")]
    NotFound,
}

impl EngineError {
    /// Wraps the cause of an outage.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: source.into() }
    }

    /// The word for metrics.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Rejected { .. } => "rejected",
            Self::NotFound => "not_found",
        }
    }
}
