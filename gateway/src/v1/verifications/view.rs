//! A verification as clients see it. Apart from the stored one, so that neither changes by accident of the other.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::blocker::Blocker;
use domain::check::{Check, Region};
use domain::id::{EvidenceId, ReviewId, VerificationId};
use domain::route::Step;
use domain::usage::Usage;
use domain::verification::Outcome;
use serde::Serialize;
use serde_json::Value;
use store::verification::VerificationRow;
use store::{StoreError, TenantTx, review, usage};
use utoipa::ToSchema;

use axum::http::HeaderValue;

use crate::input::etag;

/// One claim against its evidence.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verification {
    #[schema(value_type = String, example = "ver_0190163d8694739b8a2f1c9e5d4b6a70")]
    pub id: VerificationId,
    /// Where the work stands: `awaiting_evidence`, `queued`, `processing`, `provisional`, `in_review`, `final`, `canceled`, `expired`, `failed`. The set may grow.
    pub status: &'static str,
    /// What the evidence says: `supported`, `refuted`, `insufficient`. Of the final result, or of the provisional one until then.
    pub verdict: Option<&'static str>,
    /// 0 to 1, of the same result.
    pub confidence: Option<f64>,
    pub claim_type: ClaimTypeName,
    /// As it was sent.
    #[schema(value_type = Object)]
    pub claim: Value,
    #[schema(value_type = Vec<String>)]
    pub evidence: Vec<EvidenceId>,
    /// `urgent`, `high`, `normal`, `batch`.
    pub priority: &'static str,
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// Under which version of the policy it was accepted, see `GET /v1/policy/versions`.
    pub policy_version: u32,
    /// How far the work is, while it is under way.
    pub progress: Option<ProgressView>,
    /// The machine's result.
    pub provisional: Option<OutcomeView>,
    /// The settled result. The provisional one stays beside it.
    #[serde(rename = "final")]
    pub final_outcome: Option<OutcomeView>,
    /// The degradation level under which the result was made: `L0` to `L4`.
    pub level: Option<&'static str>,
    /// Which engine did each stage.
    pub route: Vec<StepView>,
    pub cost: Cost,
    /// The review that a person settles or settled it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub review_id: Option<ReviewId>,
    /// What a person wants to see before they decide, while `status` is `awaiting_evidence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence_request: Option<EvidenceRequestView>,
    /// How often a person corrected `final` after it was settled; see `GET .../corrections`.
    pub corrections: u32,
    /// Why it failed or was canceled, as a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// A client asked to cancel it.
    pub cancel_requested: bool,
    /// False for work of a test key.
    pub livemode: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub links: BTreeMap<&'static str, String>,
}

/// Which version of which claim type.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimTypeName {
    #[schema(example = "expense_receipt")]
    pub name: String,
    pub version: u32,
}

/// How far the work is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressView {
    pub stage: String,
    pub blocks_done: u32,
    pub blocks_total: u32,
}

/// A result.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutcomeView {
    /// `supported`, `refuted`, `insufficient`.
    pub verdict: &'static str,
    /// 0 to 1. `route` says whether the number is calibrated.
    pub confidence: f64,
    /// `rule`, `model`, `human`, `expiry`.
    pub decided_by: Value,
    pub checks: Vec<CheckView>,
    /// Why the verification as a whole was not settled by machine.
    pub blockers: Vec<BlockerView>,
    pub route: Vec<StepView>,
    pub level: &'static str,
}

/// The verdict on one field.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckView {
    pub field: String,
    /// As the claim spells it.
    pub claimed: Value,
    /// In the same shape; null when nothing was found.
    pub found: Option<Value>,
    pub verdict: &'static str,
    pub confidence: f64,
    /// Where it shows, best first.
    pub regions: Vec<RegionView>,
    /// Which readings carry it.
    pub sources: Vec<Value>,
    pub blockers: Vec<BlockerView>,
}

/// What a person asked for. `POST /v1/verifications/{id}/evidence` answers it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = EvidenceRequest)]
pub struct EvidenceRequestView {
    /// In the person's words.
    pub text: String,
    /// Fields that the evidence so far does not settle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// A place in the evidence.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegionView {
    #[schema(value_type = String)]
    pub evidence_id: EvidenceId,
    /// From 1.
    pub page: u32,
    /// Left, top, right, bottom in fractions of the page, origin top left.
    pub bbox: [f32; 4],
    /// The words in it, as read.
    pub text: String,
}

/// A machine-readable reason, with numbers or words of its own beside `kind`. The set of kinds grows.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockerView {
    #[schema(example = "low_confidence")]
    pub kind: &'static str,
    /// What the kind carries, as in `score` and `threshold`.
    #[serde(flatten)]
    #[schema(additional_properties)]
    pub members: BTreeMap<String, Value>,
}

/// One stage and who did it.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    pub stage: String,
    /// Engine and version.
    pub engine: String,
    /// Whether its scores are calibrated probabilities.
    pub calibrated: bool,
}

/// What it has used so far.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Cost {
    pub pages: u64,
    pub cpu_seconds: f64,
    pub bytes: u64,
}

/// A verification in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerificationSummary {
    #[schema(value_type = String)]
    pub id: VerificationId,
    pub status: &'static str,
    pub verdict: Option<&'static str>,
    pub confidence: Option<f64>,
    pub claim_type: ClaimTypeName,
    pub priority: &'static str,
    #[schema(value_type = Object)]
    pub metadata: Value,
    pub level: Option<&'static str>,
    pub livemode: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub links: BTreeMap<&'static str, String>,
}

/// A verification with all that hangs on it, and the ETag of that.
pub async fn load(tx: &mut TenantTx, row: VerificationRow) -> Result<(Verification, HeaderValue), StoreError> {
    let usage = usage::list(tx, row.id).await?;
    // Reviews come with the provisional result.
    let review_id = match &row.provisional {
        Some(_) => review::by_verification(tx, row.id).await?.first().map(|review| review.id),
        None => None,
    };
    // The ledger grows without a new version of the row, so it has its part in the tag.
    let tag = etag(&format!("{}.{}", row.version, usage.len()));
    let cost = Cost::of(usage.iter().map(|line| &line.usage));
    Ok((Verification::of(row, cost, review_id), tag))
}

impl Verification {
    /// The row as it is shown.
    pub fn of(row: VerificationRow, cost: Cost, review_id: Option<ReviewId>) -> Self {
        let result = row.final_outcome.as_ref().or(row.provisional.as_ref());
        let at = format!("/v1/verifications/{}", row.id);
        let mut links = BTreeMap::from([("events", format!("{at}/events")), ("self", at)]);
        if row.corrections > 0 {
            links.insert("corrections", format!("/v1/verifications/{}/corrections", row.id));
        }
        if let Some(review_id) = review_id {
            links.insert("review", format!("/v1/reviews/{review_id}"));
        }
        Self {
            id: row.id,
            status: row.status.as_str(),
            verdict: result.map(|outcome| outcome.verdict.as_str()),
            confidence: result.map(|outcome| outcome.confidence),
            level: result.map(|outcome| outcome.level.as_str()),
            route: result.map(|outcome| steps(&outcome.route)).unwrap_or_default(),
            claim_type: ClaimTypeName { name: row.claim_type, version: row.claim_type_version },
            claim: row.claim,
            evidence: row.evidence_ids,
            priority: row.priority.as_str(),
            metadata: row.metadata,
            policy_version: row.policy.version,
            progress: row.progress.map(|progress| ProgressView {
                stage: progress.stage,
                blocks_done: progress.blocks_done,
                blocks_total: progress.blocks_total,
            }),
            provisional: row.provisional.as_ref().map(OutcomeView::of),
            final_outcome: row.final_outcome.as_ref().map(OutcomeView::of),
            cost,
            review_id,
            evidence_request: row.evidence_request.map(|request| EvidenceRequestView { text: request.text, fields: request.fields }),
            corrections: row.corrections,
            failure: row.failure,
            cancel_requested: row.cancel_requested_at.is_some(),
            livemode: row.livemode,
            created_at: row.created_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
            links,
        }
    }
}

impl VerificationSummary {
    /// The row as a list shows it.
    pub fn of(row: VerificationRow) -> Self {
        let result = row.final_outcome.as_ref().or(row.provisional.as_ref());
        Self {
            id: row.id,
            status: row.status.as_str(),
            verdict: result.map(|outcome| outcome.verdict.as_str()),
            confidence: result.map(|outcome| outcome.confidence),
            level: result.map(|outcome| outcome.level.as_str()),
            claim_type: ClaimTypeName { name: row.claim_type, version: row.claim_type_version },
            priority: row.priority.as_str(),
            metadata: row.metadata,
            livemode: row.livemode,
            created_at: row.created_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
            links: BTreeMap::from([("self", format!("/v1/verifications/{}", row.id))]),
        }
    }
}

impl OutcomeView {
    /// A stored result as it is shown.
    pub fn of(outcome: &Outcome) -> Self {
        Self {
            verdict: outcome.verdict.as_str(),
            confidence: outcome.confidence,
            decided_by: serde_json::to_value(outcome.decided_by).unwrap_or_default(),
            checks: outcome.checks.iter().map(CheckView::of).collect(),
            blockers: outcome.blockers.iter().map(BlockerView::of).collect(),
            route: steps(&outcome.route),
            level: outcome.level.as_str(),
        }
    }
}

impl CheckView {
    fn of(check: &Check) -> Self {
        Self {
            field: check.field.clone(),
            claimed: check.claimed.clone(),
            found: check.found.clone(),
            verdict: check.verdict.as_str(),
            confidence: check.confidence,
            regions: check.regions.iter().map(RegionView::of).collect(),
            sources: check.sources.iter().map(|source| serde_json::to_value(source).unwrap_or_default()).collect(),
            blockers: check.blockers.iter().map(BlockerView::of).collect(),
        }
    }
}

impl RegionView {
    fn of(region: &Region) -> Self {
        Self { evidence_id: region.evidence_id, page: region.page, bbox: region.bbox.0, text: region.text.clone() }
    }
}

impl BlockerView {
    /// A stored blocker as it is shown.
    pub fn of(blocker: &Blocker) -> Self {
        let members = match serde_json::to_value(blocker) {
            Ok(Value::Object(object)) => object.into_iter().filter(|(name, _)| name != "kind").collect(),
            _ => BTreeMap::new(),
        };
        Self { kind: blocker.kind(), members }
    }
}

impl Cost {
    /// Adds the ledger up. Several stages handle the same pages and bytes, so those count once, where most of them were handled.
    pub fn of<'a>(lines: impl Iterator<Item = &'a Usage>) -> Self {
        let mut by_stage: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        let mut cpu_seconds = 0.0;
        for line in lines {
            let (pages, bytes) = by_stage.entry(&line.stage).or_default();
            *pages += u64::from(line.pages);
            *bytes += line.bytes;
            cpu_seconds += line.cpu_seconds;
        }
        let most = |pick: fn(&(u64, u64)) -> u64| by_stage.values().map(pick).max().unwrap_or(0);
        Self { pages: most(|(pages, _)| *pages), cpu_seconds, bytes: most(|(_, bytes)| *bytes) }
    }
}

fn steps(route: &[Step]) -> Vec<StepView> {
    route.iter().map(|step| StepView { stage: step.stage.clone(), engine: step.engine.clone(), calibrated: step.calibrated }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_bytes_count_once_and_seconds_add_up() {
        let line = |stage: &str, pages, cpu_seconds, bytes| Usage { stage: stage.into(), pages, cpu_seconds, bytes };
        let lines = [line("intake", 0, 0.0, 900), line("prepare", 3, 0.5, 900), line("read", 2, 1.0, 10), line("read", 1, 1.0, 10)];
        assert_eq!(Cost::of(lines.iter()), Cost { pages: 3, cpu_seconds: 2.5, bytes: 900 });
    }

    #[test]
    fn a_blocker_keeps_its_numbers() {
        let shown = serde_json::to_value(BlockerView::of(&Blocker::LowConfidence { score: 0.25, threshold: 0.5 })).unwrap();
        assert_eq!(shown, serde_json::json!({ "kind": "low_confidence", "score": 0.25, "threshold": 0.5 }));
    }
}
