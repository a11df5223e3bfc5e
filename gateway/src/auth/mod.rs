//! Who calls: an API key in `Authorization: Bearer`, the tenant behind it, and what it may do.

mod cache;
mod scope;

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use domain::id::{KeyId, TenantId};
use store::api_key::{self, ApiKeyRow};

use crate::metrics::Metric;
use crate::problem::{Code, Problem};
use crate::state::AppState;

pub use cache::KeyCache;
pub use scope::{
    AnyScope, EvidenceRead, EvidenceWrite, PolicyRead, PolicyWrite, RequiredScope, ReviewsCorrect, ReviewsRead, ReviewsWrite,
    VerificationsRead, VerificationsWrite, WebhooksRead, WebhooksWrite,
};

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    pub tenant: TenantId,
    pub key_id: KeyId,
    pub livemode: bool,
}

impl Caller {
    /// How the caller stands in events and audit links.
    pub fn actor(&self) -> String {
        format!("key:{}", self.key_id)
    }
}

/// A caller whose key has the scope `S`. As the first argument of a handler it refuses before anything is read.
pub struct Allowed<S> {
    caller: Caller,
    scope: PhantomData<S>,
}

impl<S> Deref for Allowed<S> {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<S: RequiredScope> FromRequestParts<AppState> for Allowed<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let key = authenticate(&parts.headers, state).await?;
        if let Some(scope) = S::NAME.filter(|scope| !key.scopes.iter().any(|one| one == scope)) {
            return Err(Problem::new(Code::MissingScope).detail(format!("the key lacks the scope `{scope}`")));
        }
        tracing::Span::current().record("tenant.id", tracing::field::display(key.tenant_id));
        let caller = Caller { tenant: key.tenant_id, key_id: key.id, livemode: key.livemode };
        Ok(Self { caller, scope: PhantomData })
    }
}

async fn authenticate(headers: &HeaderMap, state: &AppState) -> Result<ApiKeyRow, Problem> {
    let Some(presented) = bearer(headers) else { return Err(refused("missing")) };
    // A typo ends here, without a query.
    if api_key::parse(presented).is_none() {
        return Err(refused("malformed"));
    }
    let key = match state.keys.find(presented) {
        Some(key) => key,
        None => {
            let mut tx = state.store.begin_relay().await?;
            let Some(key) = api_key::lookup(&mut tx, presented).await? else { return Err(refused("unknown")) };
            state.keys.remember(presented, &key);
            key
        }
    };
    if !key.is_valid_at(state.clock.now()) {
        return Err(refused("expired"));
    }
    Ok(key)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let (scheme, key) = line.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// The caller is not told which of the reasons it was.
fn refused(reason: &'static str) -> Problem {
    metrics::counter!(Metric::AuthRefusedTotal.as_str(), "reason" => reason).increment(1);
    let challenge = if reason == "missing" { "Bearer realm=\"assay\"" } else { "Bearer realm=\"assay\", error=\"invalid_token\"" };
    Problem::new(Code::Unauthenticated).header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}
