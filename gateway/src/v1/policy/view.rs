//! A policy as clients see it. Apart from the stored one, so that neither changes by accident of the other.

use chrono::{DateTime, Utc};
use domain::policy::{Amount, Policy};
use serde::Serialize;
use store::policy::PolicyVersion;
use utoipa::ToSchema;

/// When a person decides, and how long they have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Policy)]
pub struct PolicyView {
    /// From 1, one more with every change. A verification names the version that it was accepted under.
    pub version: u32,
    /// `never`, `when_unsure` (insufficient answers that a person could settle), `always`.
    #[schema(example = "when_unsure")]
    pub review: &'static str,
    /// 0 to 100: of the results that the machine decided, so many in a hundred go to a person all the same.
    #[schema(maximum = 100)]
    pub review_sample_percent: u8,
    /// Claims of more than this, or in another currency, go to a person whatever the machine says.
    pub review_above: Option<AmountView>,
    /// Claims of more than this, or in another currency, that go to a person are answered by two, each without seeing the other's answer.
    pub double_review_above: Option<AmountView>,
    /// 0 to 100: of the verifications that go to a person, so many in a hundred are answered by two.
    #[schema(maximum = 100)]
    pub double_review_sample_percent: u8,
    /// Kinds of blockers: reviews opened for one of these are answered by two.
    #[schema(example = json!(["hidden_text_disagrees"]))]
    pub double_review_reasons: Vec<String>,
    /// A review not decided after this is escalated. 60 to 2,592,000 (30 days).
    #[schema(minimum = 60, maximum = 2_592_000)]
    pub review_sla_seconds: u64,
    /// A review not decided after this ends as `insufficient`. More than `review_sla_seconds`, at most 7,776,000 (90 days).
    #[schema(maximum = 7_776_000)]
    pub review_expiry_seconds: u64,
    /// A lease taken at the desk is given back after this long without a sign of life. 60 to 3,600.
    #[schema(minimum = 60, maximum = 3_600)]
    pub lease_seconds: u64,
    /// At the desk nobody is handed a review as the least loaded who has this many assigned. 1 to 1,000; 20 when left out.
    #[schema(minimum = 1, maximum = 1_000)]
    pub review_assignment_cap: u32,
}

/// Money in a policy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyAmount)]
pub struct AmountView {
    /// A decimal string with at most two places, not negative.
    #[schema(example = "500.00")]
    pub amount: String,
    /// A code of ISO 4217.
    #[schema(example = "MYR")]
    pub currency: String,
}

/// One version of the policy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyVersion)]
pub struct VersionView {
    pub version: u32,
    pub created_at: DateTime<Utc>,
    /// Who made it: `key:...`, `user:...`, `operator`.
    pub actor: String,
    pub policy: PolicyView,
}

impl From<Amount> for AmountView {
    fn from(Amount { amount, currency }: Amount) -> Self {
        Self { amount: amount.to_string(), currency }
    }
}

impl From<Policy> for PolicyView {
    fn from(policy: Policy) -> Self {
        Self {
            version: policy.version,
            review: policy.review.as_str(),
            review_sample_percent: policy.review_sample_percent,
            review_above: policy.review_above.map(AmountView::from),
            double_review_above: policy.double_review_above.map(AmountView::from),
            double_review_sample_percent: policy.double_review_sample_percent,
            double_review_reasons: policy.double_review_reasons,
            review_sla_seconds: policy.review_sla_seconds,
            review_expiry_seconds: policy.review_expiry_seconds,
            lease_seconds: policy.lease_seconds,
            review_assignment_cap: policy.review_assignment_cap,
        }
    }
}

impl From<PolicyVersion> for VersionView {
    fn from(PolicyVersion { policy, actor, created_at }: PolicyVersion) -> Self {
        Self { version: policy.version, created_at, actor, policy: policy.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_sent_back() {
        let limited =
            Policy { review_above: Some(Amount { amount: "500.00".parse().unwrap(), currency: "MYR".into() }), ..Policy::default() };
        let double = Policy {
            double_review_above: limited.review_above.clone(),
            double_review_sample_percent: 5,
            double_review_reasons: vec!["ambiguous".to_owned(), "not_found".to_owned()],
            ..limited.clone()
        };
        for policy in [Policy::default(), limited, double] {
            let shown = serde_json::to_value(PolicyView::from(policy.clone())).unwrap();
            assert_eq!(Policy::parse(&shown), Ok(policy));
        }
    }
}
