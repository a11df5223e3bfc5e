//! A verification as it is stored.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use domain::id::{EvidenceId, TenantId, VerificationId};
use domain::policy::Policy;
use domain::priority::Priority;
use domain::review::EvidenceRequest;
use domain::verdict::Verdict;
use domain::verification::{Outcome, Status};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::schema::verifications;

/// How far the work is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub stage: String,
    pub blocks_done: u32,
    pub blocks_total: u32,
}

/// A verification.
#[derive(Debug, Clone, PartialEq)]
pub struct VerificationRow {
    pub id: VerificationId,
    pub tenant_id: TenantId,
    pub status: Status,
    /// Of the final result, or of the provisional one until then.
    pub verdict: Option<Verdict>,
    pub claim_type: String,
    pub claim_type_version: u32,
    /// As the client sent it.
    pub claim: Value,
    pub priority: Priority,
    pub metadata: Value,
    /// The tenant's policy when the verification was accepted.
    pub policy: Policy,
    pub evidence_ids: Vec<EvidenceId>,
    pub livemode: bool,
    pub trace_parent: Option<String>,
    pub progress: Option<Progress>,
    pub provisional: Option<Outcome>,
    pub final_outcome: Option<Outcome>,
    /// Why it failed or was canceled, as a stable word.
    pub failure: Option<String>,
    pub cancel_requested_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Rises with every change of the row.
    pub version: i64,
    /// Number of the last event.
    pub sequence: i64,
    /// How many results of the machine were published: one, and one more for every time that evidence was added.
    pub published: u32,
    /// What a person asked for, until it came.
    pub evidence_request: Option<EvidenceRequest>,
    /// How often a person corrected the result after it was settled.
    pub corrections: u32,
}

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = verifications, check_for_backend(diesel::pg::Pg))]
pub(super) struct Raw {
    tenant_id: Uuid,
    id: Uuid,
    status: String,
    verdict: Option<String>,
    claim_type: String,
    claim_type_version: i32,
    claim: Value,
    priority: String,
    metadata: Value,
    policy: Value,
    evidence_ids: Vec<Uuid>,
    livemode: bool,
    trace_parent: Option<String>,
    progress: Option<Value>,
    provisional: Option<Value>,
    final_outcome: Option<Value>,
    failure: Option<String>,
    cancel_requested_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    version: i64,
    sequence: i64,
    published: i32,
    evidence_request: Option<Value>,
    corrections: i32,
}

impl TryFrom<Raw> for VerificationRow {
    type Error = StoreError;
    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        let id = VerificationId(raw.id);
        Ok(Self {
            id,
            tenant_id: TenantId(raw.tenant_id),
            status: read_status(id, &raw.status)?,
            verdict: raw.verdict.map(|word| Verdict::parse(&word).ok_or_else(|| unreadable(id, "verdict"))).transpose()?,
            claim_type: raw.claim_type,
            claim_type_version: u32::try_from(raw.claim_type_version).map_err(|_| unreadable(id, "claim type's version"))?,
            claim: raw.claim,
            priority: Priority::parse(&raw.priority).ok_or_else(|| unreadable(id, "priority"))?,
            metadata: raw.metadata,
            policy: from_json(id, "policy", raw.policy)?,
            evidence_ids: raw.evidence_ids.into_iter().map(EvidenceId).collect(),
            livemode: raw.livemode,
            trace_parent: raw.trace_parent,
            progress: raw.progress.map(|value| from_json(id, "progress", value)).transpose()?,
            provisional: raw.provisional.map(|value| from_json(id, "provisional result", value)).transpose()?,
            final_outcome: raw.final_outcome.map(|value| from_json(id, "final result", value)).transpose()?,
            failure: raw.failure,
            cancel_requested_at: raw.cancel_requested_at,
            created_at: raw.created_at,
            updated_at: raw.updated_at,
            finished_at: raw.finished_at,
            version: raw.version,
            sequence: raw.sequence,
            published: raw.published.unsigned_abs(),
            evidence_request: raw.evidence_request.map(|value| from_json(id, "request for evidence", value)).transpose()?,
            corrections: raw.corrections.unsigned_abs(),
        })
    }
}

pub(super) fn read_status(id: VerificationId, word: &str) -> Result<Status, StoreError> {
    Status::parse(word).ok_or_else(|| unreadable(id, "status"))
}

pub(super) fn to_json(what: &'static str, value: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::Query { doing: what, source: error.into() })
}

fn from_json<T: DeserializeOwned>(id: VerificationId, what: &str, value: Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|error| StoreError::corrupt(format!("the {what} of {id}"), error))
}

fn unreadable(id: VerificationId, what: &str) -> StoreError {
    StoreError::Corrupt { what: format!("the {what} of {id}"), source: None }
}
