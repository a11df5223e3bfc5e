//! What a key may do, as types that handlers name.

use domain::scope;

/// A scope that an endpoint asks for; `None` where any valid key will do.
pub trait RequiredScope: Send + Sync + 'static {
    const NAME: Option<&'static str>;
}

macro_rules! scopes {
    ($( $name:ident = $word:path; )*) => {
        $(
            #[doc = concat!("The key must have `", stringify!($word), "`.")]
            pub struct $name;
            impl RequiredScope for $name {
                const NAME: Option<&'static str> = Some($word);
            }
        )*
    };
}

scopes! {
    EvidenceRead = scope::EVIDENCE_READ;
    EvidenceWrite = scope::EVIDENCE_WRITE;
    VerificationsRead = scope::VERIFICATIONS_READ;
    VerificationsWrite = scope::VERIFICATIONS_WRITE;
    ReviewsRead = scope::REVIEWS_READ;
    ReviewsWrite = scope::REVIEWS_WRITE;
    ReviewsCorrect = scope::REVIEWS_CORRECT;
    PolicyRead = scope::POLICY_READ;
    PolicyWrite = scope::POLICY_WRITE;
    WebhooksRead = scope::WEBHOOKS_READ;
    WebhooksWrite = scope::WEBHOOKS_WRITE;
}

/// Any valid key.
pub struct AnyScope;

impl RequiredScope for AnyScope {
    const NAME: Option<&'static str> = None;
}
