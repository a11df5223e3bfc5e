//! People who work at the desk, and what each may do there.

use serde::{Deserialize, Serialize};

/// What a person is for a tenant. A person may be several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Settles reviews.
    Reviewer,
    /// Also takes reviews over, decides what a reviewer handed on, arranges the queue, and corrects what was settled.
    Lead,
    /// Sees how everything runs, and manages keys and webhooks.
    Operator,
    /// Sees everything and changes nothing.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Reviewer, Self::Lead, Self::Operator, Self::Auditor];

    /// The stable word for SQL and the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reviewer => "reviewer",
            Self::Lead => "lead",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Take reviews and decide them.
    Decide,
    /// Take a review from whoever holds it.
    TakeOver,
    /// Say what is urgent, whose a review is to answer, and what waits.
    Arrange,
    /// Overturn what was settled.
    Correct,
    /// End a verification that nobody wants any more, without a verdict.
    Cancel,
    /// Start verifications and look at them.
    Submit,
    /// Look at verifications.
    Read,
    /// Make and revoke keys, manage webhooks.
    Manage,
    /// See queues, workers and levels.
    Operate,
    /// See the figures of everybody who settles reviews, by name.
    Oversee,
}

impl Right {
    /// Whether any of these roles has it.
    pub fn of(self, roles: &[Role]) -> bool {
        let enough: &[Role] = match self {
            Self::Decide => &[Role::Reviewer, Role::Lead],
            Self::TakeOver | Self::Arrange | Self::Correct => &[Role::Lead],
            Self::Cancel => &[Role::Lead, Role::Operator],
            Self::Submit => &[Role::Reviewer, Role::Lead, Role::Operator],
            Self::Read => &Role::ALL,
            Self::Manage => &[Role::Operator],
            Self::Operate => &[Role::Operator, Role::Auditor, Role::Lead],
            Self::Oversee => &[Role::Lead, Role::Auditor],
        };
        roles.iter().any(|role| enough.contains(role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_reads_back_what_it_prints() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Lead"), None);
    }

    #[test]
    fn an_auditor_changes_nothing_and_nobody_without_a_role_sees_anything() {
        let rights = [
            Right::Decide,
            Right::TakeOver,
            Right::Arrange,
            Right::Correct,
            Right::Cancel,
            Right::Submit,
            Right::Read,
            Right::Manage,
            Right::Operate,
            Right::Oversee,
        ];
        let of = |roles: &[Role]| rights.into_iter().filter(|right| right.of(roles)).collect::<Vec<_>>();
        assert_eq!(of(&[]), []);
        assert_eq!(of(&[Role::Auditor]), [Right::Read, Right::Operate, Right::Oversee]);
        assert_eq!(of(&[Role::Reviewer]), [Right::Decide, Right::Submit, Right::Read]);
        let both = [Right::Decide, Right::Cancel, Right::Submit, Right::Read, Right::Manage, Right::Operate];
        assert_eq!(of(&[Role::Reviewer, Role::Operator]), both);
        assert!([Right::TakeOver, Right::Arrange, Right::Correct, Right::Cancel].into_iter().all(|right| right.of(&[Role::Lead])));
    }
}
