//! What a tenant wants people to do. The version used is recorded with each verification.

mod door;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::blocker::Blocker;
use crate::claim::{Claim, FieldError, FieldValue};
use crate::id::{Id, VerificationId};
use crate::money::Money;

pub use door::{ASSIGNMENT_CAP, EXPIRY_SECONDS, LEASE_SECONDS, SAMPLE_PERCENT, SLA_SECONDS};

/// Domain separation: no other use of SHA-256 in Assay starts with these bytes.
const SAMPLE_TAG: &[u8] = b"assay.policy.sample.v1";
/// Of its own, so that who is drawn for one sample is not drawn for the other by the same stroke.
const DOUBLE_TAG: &[u8] = b"assay.policy.double.v1";

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

    fn is_exceeded_by(&self, claim: &Claim) -> bool {
        claim.fields.values().any(|value| matches!(value, FieldValue::Money(money) if self.is_below(money)))
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
    /// A claim of more than this that goes to a person is answered by two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub double_review_above: Option<Amount>,
    /// Of a hundred verifications that go to a person, so many are answered by two.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub double_review_sample_percent: u8,
    /// Kinds of blockers, sorted: a review for one of these reasons is answered by two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub double_review_reasons: Vec<String>,
    /// A review not decided after this many seconds is escalated.
    pub review_sla_seconds: u64,
    /// A review not decided after this many seconds ends as `insufficient`.
    pub review_expiry_seconds: u64,
    /// A lease not renewed for this many seconds is given back.
    pub lease_seconds: u64,
    /// Whoever has this many open reviews assigned is not handed another as the least loaded.
    #[serde(default = "usual_cap", skip_serializing_if = "is_usual_cap")]
    pub review_assignment_cap: u32,
}

/// About what one person settles in an hour.
const fn usual_cap() -> u32 {
    20
}

fn is_usual_cap(cap: &u32) -> bool {
    *cap == usual_cap()
}

fn is_zero(percent: &u8) -> bool {
    *percent == 0
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: 1,
            review: ReviewRule::WhenUnsure,
            review_sample_percent: 0,
            review_above: None,
            double_review_above: None,
            double_review_sample_percent: 0,
            double_review_reasons: Vec::new(),
            review_sla_seconds: 4 * 3600,
            review_expiry_seconds: 7 * 24 * 3600,
            lease_seconds: 300,
            review_assignment_cap: usual_cap(),
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
        self.draws(SAMPLE_TAG, self.review_sample_percent, id)
    }

    fn draws(&self, tag: &[u8], percent: u8, id: VerificationId) -> bool {
        let digest = Sha256::new().chain_update(tag).chain_update(id.uuid().as_bytes()).chain_update(self.version.to_be_bytes());
        let [a, b, c, d, ..] = <[u8; 32]>::from(digest.finalize());
        u32::from_be_bytes([a, b, c, d]) % 100 < u32::from(percent)
    }

    /// How many independent answers a review of this verification wants, opened for these reasons: two where the amount, the risk or the
    /// draw says so. Asked only of what goes to a person, so the sample is one of those.
    pub fn answers_wanted(&self, id: VerificationId, claim: &Claim, reasons: &[Blocker]) -> u8 {
        let risky = || reasons.iter().any(|reason| self.double_review_reasons.iter().any(|kind| kind == reason.kind()));
        let large = || self.double_review_above.as_ref().is_some_and(|limit| limit.is_exceeded_by(claim));
        let drawn = || self.draws(DOUBLE_TAG, self.double_review_sample_percent, id);
        if risky() || large() || drawn() { 2 } else { 1 }
    }

    /// Whether the claim is of more than the policy lets the machine decide.
    pub fn is_exceeded_by(&self, claim: &Claim) -> bool {
        self.review_above.as_ref().is_some_and(|limit| limit.is_exceeded_by(claim))
    }

    /// The members in which another policy differs, its version aside.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        // Taken apart, so that a new member asks for its line here.
        let Self {
            version: _,
            review,
            review_sample_percent,
            review_above,
            double_review_above,
            double_review_sample_percent,
            double_review_reasons,
            review_sla_seconds,
            review_expiry_seconds,
            lease_seconds,
            review_assignment_cap,
        } = self;
        let differs = [
            ("review", *review != other.review),
            ("review_sample_percent", *review_sample_percent != other.review_sample_percent),
            ("review_above", *review_above != other.review_above),
            ("double_review_above", *double_review_above != other.double_review_above),
            ("double_review_sample_percent", *double_review_sample_percent != other.double_review_sample_percent),
            ("double_review_reasons", *double_review_reasons != other.double_review_reasons),
            ("review_sla_seconds", *review_sla_seconds != other.review_sla_seconds),
            ("review_expiry_seconds", *review_expiry_seconds != other.review_expiry_seconds),
            ("lease_seconds", *lease_seconds != other.lease_seconds),
            ("review_assignment_cap", *review_assignment_cap != other.review_assignment_cap),
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

    fn doubling(percent: u8) -> Policy {
        Policy { double_review_sample_percent: percent, ..Policy::default() }
    }

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
        let double = Policy {
            double_review_above: Some(Amount { amount: 5.into(), currency: "MYR".into() }),
            double_review_sample_percent: 1,
            double_review_reasons: vec!["not_found".into()],
            ..Policy::default()
        };
        let changed = ["double_review_above", "double_review_sample_percent", "double_review_reasons"];
        assert_eq!(double.differences(&Policy::default()), changed);
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

    #[test]
    fn amount_risk_or_draw_want_two_answers() {
        let limit = || Some(Amount { amount: 100.into(), currency: "MYR".into() });
        let (small, large) = (receipt("100.00", "MYR"), receipt("100.01", "MYR"));
        let id = VerificationId(Uuid::from_u128(7));
        let unsure = [Blocker::NotFound, Blocker::LowConfidence { score: 0.1, threshold: 0.6 }];
        let risky = Policy { double_review_reasons: vec!["low_confidence".into(), "policy_sample".into()], ..Policy::default() };
        let above = Policy { double_review_above: limit(), ..Policy::default() };
        for (policy, claim, reasons, wanted) in [
            (&Policy::default(), &large, &unsure[..], 1),
            (&above, &small, &unsure[..], 1),
            (&above, &large, &unsure[..], 2),
            (&above, &receipt("1.00", "EUR"), &unsure[..], 2),
            (&risky, &small, &unsure[..], 2),
            (&risky, &small, &unsure[..1], 1),
            (&risky, &small, &[Blocker::PolicySample][..], 2),
            (&doubling(100), &small, &[][..], 2),
            (&doubling(0), &small, &[][..], 1),
            // A limit of the other kind says nothing of this one.
            (&Policy { review_above: limit(), review_sample_percent: 100, ..Policy::default() }, &large, &unsure[..], 1),
        ] {
            assert_eq!(policy.answers_wanted(id, claim, reasons), wanted, "{policy:?} {claim:?} {reasons:?}");
        }
    }

    #[test]
    fn the_two_samples_are_drawn_apart() {
        let policy = Policy { review_sample_percent: 50, ..doubling(50) };
        let ids = (0..400_u128).map(|number| VerificationId(Uuid::from_u128(number)));
        let both = ids.filter(|id| policy.samples(*id) && policy.answers_wanted(*id, &receipt("1.00", "MYR"), &[]) == 2).count();
        assert!((60..=140).contains(&both), "a quarter of 400 is in both: {both}");
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
        let claim = receipt("1.00", "MYR");
        let twice = |number: &u128| doubling(10).answers_wanted(VerificationId(Uuid::from_u128(*number)), &claim, &[]) == 2;
        assert_eq!((0..40_u128).filter(twice).collect::<Vec<_>>(), [5, 6, 19, 23, 34]);
    }
}
