//! Why nobody came in through the provider, with what the person is told and under which word it is counted.

use axum::http::StatusCode;

use super::discovery::DiscoveryError;

/// Why a sign-in came to nothing. Words inside are stable, for logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Nobody began it in this browser, it took too long, or it was used.
    #[error("the sign-in is out of date")]
    Stale,
    /// The person, or the provider for them, said no.
    #[error("the provider let nobody in")]
    Denied,
    #[error("the provider does not answer")]
    Away,
    /// The provider, or what it was told of us, is not set up as it should be.
    #[error("the provider answered with an error: {0}")]
    Broken(&'static str),
    /// The answer may not be the provider's, or not for us.
    #[error("the provider's answer is not to be trusted: {0}")]
    Untrusted(&'static str),
    #[error("none of the person's groups has a role")]
    NoRole,
    #[error("the person is disabled")]
    Disabled,
}

impl Refusal {
    /// What an error in the provider's own answer means (RFC 6749, section 4.1.2.1; OpenID Connect Core 1.0, section 3.1.2.6).
    pub fn of_answer(error: &str) -> Self {
        match error {
            "access_denied" | "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => Self::Denied,
            "server_error" | "temporarily_unavailable" => Self::Away,
            "unauthorized_client" => Self::Broken("unauthorized_client"),
            "invalid_scope" => Self::Broken("invalid_scope"),
            "invalid_request" => Self::Broken("invalid_request"),
            "unsupported_response_type" => Self::Broken("unsupported_response_type"),
            // Anybody can write anything there, so it is not repeated.
            _ => Self::Broken("other"),
        }
    }

    pub fn status(self) -> StatusCode {
        match self {
            Self::Stale => StatusCode::BAD_REQUEST,
            Self::Denied | Self::NoRole | Self::Disabled => StatusCode::FORBIDDEN,
            Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken(_) | Self::Untrusted(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// The label of the metric.
    pub fn outcome(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Denied => "denied",
            Self::Away => "provider_away",
            Self::Broken(_) => "provider_error",
            Self::Untrusted(_) => "untrusted",
            Self::NoRole => "no_role",
            Self::Disabled => "disabled",
        }
    }

    /// What the person reads: a title, and what to do.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Stale => (
                "This sign-in is out of date",
                "It was begun in another browser or window, took longer than ten minutes, or was used already. Begin again.",
            ),
            Self::Denied => (
                "You were not let in",
                "Your organisation's sign-in ended without letting you in. Begin again, or ask whoever looks after it.",
            ),
            Self::Away => (
                "Your organisation's sign-in does not answer",
                "Try again in a minute. Who has an account of this desk with a password can sign in with that.",
            ),
            Self::Broken(_) => (
                "Your organisation's sign-in does not work",
                "It refused to deal with this desk. Ask an operator; what went wrong has been written down.",
            ),
            Self::Untrusted(_) => (
                "This sign-in cannot be trusted",
                "The answer did not prove that it came from your organisation for this desk. Begin again, and tell an operator if it stays so.",
            ),
            Self::NoRole => {
                ("You have no role here", "Your organisation knows you, but none of your groups has a role at this desk. Ask an operator.")
            }
            Self::Disabled => ("Your account is disabled", "An operator of this desk has disabled it. Ask them if you need it."),
        }
    }
}

impl From<DiscoveryError> for Refusal {
    fn from(error: DiscoveryError) -> Self {
        tracing::warn!(error = &error as &dyn std::error::Error, "Nothing is known of the sign-in provider; `assay doctor` asks it too");
        match error {
            DiscoveryError::Away(_) => Self::Away,
            DiscoveryError::Unusable(_) => Self::Broken("discovery"),
        }
    }
}
