//! Ids: a prefix that says what is named, and a time-sortable UUID (version 7) behind it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id like {prefix}_0190163d8694739b8a2f1c9e5d4b6a70")]
pub struct ParseIdError {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

/// What every id can do; implemented by the macro below.
pub trait Id: Copy + fmt::Display + FromStr<Err = ParseIdError> {
    /// The text before the underscore.
    const PREFIX: &'static str;
    /// The UUID behind the prefix, as the database stores it.
    fn uuid(self) -> Uuid;
}

fn parse(text: &str, prefix: &'static str) -> Result<Uuid, ParseIdError> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        // Only the one spelling that we print: 32 lower-case hexadecimal digits.
        .filter(|rest| rest.len() == 32 && !rest.bytes().any(|byte| byte.is_ascii_uppercase()))
        .and_then(|rest| Uuid::try_parse(rest).ok())
        .ok_or(ParseIdError { prefix })
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, sortable by the time of its making.
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse(text, $prefix).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A customer.
    TenantId, "ten"
);
id!(
    /// One uploaded file.
    EvidenceId, "evd"
);
id!(
    /// One claim against its evidence.
    VerificationId, "ver"
);
id!(
    /// A task for a person.
    ReviewId, "rev"
);
id!(
    /// What a person decided on a review, sent once however often it is posted.
    DecisionId, "dec"
);
id!(
    /// An API key.
    KeyId, "key"
);
id!(
    /// A person who signs in to the desk.
    UserId, "usr"
);
id!(
    /// What somebody said about a verification.
    CommentId, "com"
);
id!(
    /// An address that a tenant wants to be told at.
    EndpointId, "whk"
);
id!(
    /// Something that endpoints are told. It is the `webhook-id` of every attempt, so it must never hold a full stop.
    EventId, "evt"
);
id!(
    /// One event on its way to one endpoint.
    DeliveryId, "dlv"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = VerificationId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().starts_with("ver_"));
    }

    #[test]
    fn another_kind_or_spelling_is_refused() {
        let id = EvidenceId::new().to_string();
        for text in [id.replace("evd", "ver").to_uppercase(), id.to_uppercase(), id.replace('_', ""), id[..20].to_owned(), String::new()] {
            assert!(text.parse::<EvidenceId>().is_err(), "{text}");
        }
    }
}
