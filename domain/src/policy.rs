//! What a tenant wants people to do. The version used is recorded with each verification.

mod door;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::claim::{Claim, FieldError, FieldValue};
use crate::id::{Id, VerificationId};
use crate::money::Money;

pub use door::{EXPIRY_SECONDS, LEASE_SECONDS, SAMPLE_PERCENT, SLA_SECONDS};

/// Domain separation: no other use of SHA-256 in Assay starts with these bytes.
const SAMPLE_TAG: &[u8] = b"assay.policy.sample.v1";

/// When a verification goes to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewRule {
    /// The machine's answer is final, `insufficient` included.
    Never,
    /// Insufficient answers that a person could settle.
    #[default]
    WhenUnsure,
    Always,
}

impl ReviewRule {
    pub const ALL: [Self; 3] = [Self::Never, Self::WhenUnsure, Self::Always];

    /// The stable word that JSON carries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::WhenUnsure => "when_unsure",
            Self::Always => "always",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == word)
    }
}

/// An amount above which a person decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Exact decimal, written as a string in JSON; not negative.
    pub amount: Decimal,
    /// Three upper-case letters of ISO 4217.
    pub currency: String,
}

impl Amount {
    /// Whether this much is above it. What cannot be compared, because its currency is another, counts as above: a limit that another
    /// currency gets around would be none.
    fn is_below(&self, money: &Money) -> bool {
        money.currency.as_deref() != Some(self.currency.as_str()) || money.amount.abs() > self.amount
    }
}

/// A tenant's policy document. Rows and histories hold it, so a new member has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// From 1, one more with every change.
    pub version: u32,
    pub review: ReviewRule,
    /// Of a hundred results that the machine decided by itself, so many go to a person all the same.
    #[serde(default)]
    pub review_sample_percent: u8,
    /// A claim of more than this goes to a person, whatever the machine says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_above: Option<Amount>,
    /// A review not decided after this many seconds is escalated.
    pub review_sla_seconds: u64,
    /// A review not decided after this many seconds ends as `insufficient`.
    pub review_expiry_seconds: u64,
    /// A lease not renewed for this many seconds is given back.
    pub lease_seconds: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: 1,
            review: ReviewRule::WhenUnsure,
            review_sample_percent: 0,
            review_above: None,
            review_sla_seconds: 4 * 3600,
            review_expiry_seconds: 7 * 24 * 3600,
            lease_seconds: 300,
        }
    }
}

impl Policy {
    /// Reads a policy that somebody wants, and reports everything wrong with it together, by JSON Pointer.
    ///
    /// Stricter than reading one that was kept: members that do not exist are refused, and so are times that no team could work with.
    pub fn parse(raw: &Value) -> Result<Self, Vec<FieldError>> {
        door::parse(raw)
    }

    /// Whether this verification was drawn for the sample. The draw is a hash, so it is the same however often it is made, and anybody who
    /// knows id and policy can make it again; a new version of the policy draws anew.
    pub fn samples(&self, id: VerificationId) -> bool {
        let digest = Sha256::new().chain_update(SAMPLE_TAG).chain_update(id.uuid().as_bytes()).chain_update(self.version.to_be_bytes());
        let [a, b, c, d, ..] = <[u8; 32]>::from(digest.finalize());
        u32::from_be_bytes([a, b, c, d]) % 100 < u32::from(self.review_sample_percent)
    }

    /// Whether the claim is of more than the policy lets the machine decide.
    pub fn is_exceeded_by(&self, claim: &Claim) -> bool {
        let Some(limit) = &self.review_above else { return false };
        claim.fields.values().any(|value| matches!(value, FieldValue::Money(money) if limit.is_below(money)))
    }

    /// The members in which another policy differs, its version aside.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        // Taken apart, so that a new member asks for its line here.
        let Self { version: _, review, review_sample_percent, review_above, review_sla_seconds, review_expiry_seconds, lease_seconds } =
            self;
        let differs = [
            ("review", *review != other.review),
            ("review_sample_percent", *review_sample_percent != other.review_sample_percent),
            ("review_above", *review_above != other.review_above),
            ("review_sla_seconds", *review_sla_seconds != other.review_sla_seconds),
            ("review_expiry_seconds", *review_expiry_seconds != other.review_expiry_seconds),
            ("lease_seconds", *lease_seconds != other.lease_seconds),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::claim_type;

    fn sampling(percent: u8) -> Policy {
        Policy { review_sample_percent: percent, ..Policy::default() }
    }

    fn receipt(amount: &str, currency: &str) -> Claim {
        let raw = json!({ "merchant": "M", "date": "2018-03-30", "total": { "amount": amount, "currency": currency } });
        Claim::parse(&claim_type::find("expense_receipt").unwrap(), &raw).unwrap()
    }

    #[test]
    fn a_policy_of_before_is_read() {
        let kept = json!({ "version": 3, "review": "always", "review_sla_seconds": 1, "review_expiry_seconds": 2, "lease_seconds": 3 });
        let policy: Policy = serde_json::from_value(kept).unwrap();
        assert_eq!((policy.version, policy.review_sample_percent, policy.review_above), (3, 0, None));
    }

    #[test]
    fn words_read_back() {
        for rule in ReviewRule::ALL {
            assert_eq!(ReviewRule::parse(rule.as_str()), Some(rule));
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
        }
    }

    #[test]
    fn differences_are_named() {
        let other = Policy {
            version: 2,
            lease_seconds: 60,
            review_above: Some(Amount { amount: 5.into(), currency: "MYR".into() }),
            ..sampling(1)
        };
        assert_eq!(Policy::default().differences(&other), ["review_sample_percent", "review_above", "lease_seconds"]);
        assert!(other.differences(&Policy { version: 9, ..other.clone() }).is_empty());
    }

    #[test]
    fn more_than_the_limit_is_above_it_and_so_is_what_cannot_be_compared() {
        let policy = Policy { review_above: Some(Amount { amount: 100.into(), currency: "MYR".into() }), ..Policy::default() };
        for (amount, currency, above) in
            [("99.99", "MYR", false), ("100.00", "MYR", false), ("100.01", "MYR", true), ("-100.01", "MYR", true), ("1.00", "EUR", true)]
        {
            assert_eq!(policy.is_exceeded_by(&receipt(amount, currency)), above, "{amount} {currency}");
        }
        assert!(!Policy::default().is_exceeded_by(&receipt("99999999.00", "MYR")), "no limit");
        let statement = Claim::parse(&claim_type::find("statement").unwrap(), &json!({ "statement": "The shop was open." })).unwrap();
        assert!(!policy.is_exceeded_by(&statement), "no money in it");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Of 5,000 ids, within five standard deviations of the share asked for.
        #[test]
        fn the_sample_has_the_size_that_was_asked_for(percent in 0_u8..=100, version in 1_u32.., seed: u128) {
            let policy = Policy { version, ..sampling(percent) };
            let ids = (0..5_000_u128).map(|number| VerificationId(Uuid::from_u128(seed.wrapping_add(number))));
            let drawn = ids.filter(|id| policy.samples(*id)).count() as f64;
            let share = f64::from(percent) / 100.0;
            let deviation = (5_000.0 * share * (1.0 - share)).sqrt();
            prop_assert!((drawn - 5_000.0 * share).abs() <= 5.0 * deviation, "{drawn} at {percent} %");
        }

        /// Who raises the share keeps what was drawn, and every draw can be repeated.
        #[test]
        fn a_draw_is_the_same_every_time(percent in 0_u8..100, more in 1_u8..=100, id: u128) {
            let id = VerificationId(Uuid::from_u128(id));
            let larger = sampling(percent.saturating_add(more).min(100));
            prop_assert_eq!(sampling(percent).samples(id), sampling(percent).samples(id));
            prop_assert!(!sampling(percent).samples(id) || larger.samples(id));
            prop_assert!(sampling(100).samples(id) && !sampling(0).samples(id));
        }
    }

    #[test]
    fn the_draw_never_changes() {
        // Pinned: what was drawn for an audit must be drawn again by every later release.
        let drawn = |version| {
            (0..40_u128)
                .filter(|number| Policy { version, ..sampling(10) }.samples(VerificationId(Uuid::from_u128(*number))))
                .collect::<Vec<_>>()
        };
        assert_eq!((drawn(1), drawn(2)), (vec![5, 6, 7, 32], vec![5, 18, 23, 31, 39]));
    }
}
