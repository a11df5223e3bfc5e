//! What the provider says of itself: endpoints, abilities, keys. Asked for when needed, kept for an hour, and once more when a key is unknown.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreGrantType, CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, Client, ClientId, EmptyExtraTokenFields, EndSessionUrl, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IdTokenFields, LogoutProviderMetadata, ProviderMetadata, RedirectUrl, StandardErrorResponse, StandardTokenResponse,
    TokenUrl,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::http::{Http, HttpError};
use super::redeem::AllClaims;
use super::settings::{Issuer, Settings, is_safe};

/// A key that the provider took back is trusted no longer than this.
const KEPT: Duration = Duration::from_secs(3_600);

/// What the crate does not know of a provider's metadata.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Abilities {
    /// RFC 9207: its way back always says who sends it.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Abilities {}

type Metadata = ProviderMetadata<
    LogoutProviderMetadata<Abilities>,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Fields = IdTokenFields<AllClaims, EmptyExtraTokenFields, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
pub(super) type TokenResponse = StandardTokenResponse<Fields, CoreTokenType>;

/// The desk as the provider knows it.
pub(super) type RelyingParty = Client<
    AllClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    TokenResponse,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointMaybeSet,
>;

/// Why nothing is known of the provider.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DiscoveryError {
    #[error("the provider does not answer: {0}")]
    Away(String),
    #[error("what the provider says of itself cannot be used: {0}")]
    Unusable(String),
}

/// What the provider says of itself, held against what we need of it.
#[derive(Debug)]
pub struct Discovery {
    metadata: Metadata,
    token: TokenUrl,
}

impl Discovery {
    async fn ask(issuer: &Issuer, http: &Http) -> Result<Self, DiscoveryError> {
        let metadata = Metadata::discover_async(issuer.url().clone(), http).await.map_err(read_failure)?;
        let unusable = |what: &str| DiscoveryError::Unusable(what.to_owned());
        let token = metadata.token_endpoint().cloned().ok_or_else(|| unusable("it names no token endpoint"))?;
        let end = metadata.additional_metadata().end_session_endpoint.as_ref();
        let places = [metadata.authorization_endpoint().url(), token.url(), metadata.jwks_uri().url()];
        let safe = |url: &url::Url| is_safe(url, issuer.is_local());
        if !places.into_iter().all(safe) || !end.is_none_or(|end| safe(end.url())) {
            return Err(unusable("one of its endpoints is not https"));
        }
        Ok(Self { metadata, token })
    }

    pub(super) fn client(&self, settings: &Settings, redirect: &RedirectUrl) -> RelyingParty {
        let id = ClientId::new(settings.client_id.clone());
        let methods = self.metadata.token_endpoint_auth_methods_supported().map(Vec::as_slice).unwrap_or_default();
        let in_body =
            methods.contains(&CoreClientAuthMethod::ClientSecretPost) && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic);
        Client::from_provider_metadata(self.metadata.clone(), id, settings.client_secret.clone())
            .set_token_uri(self.token.clone())
            .set_auth_type(if in_body { AuthType::RequestBody } else { AuthType::BasicAuth })
            .set_redirect_uri(redirect.clone())
    }

    /// Its public keys.
    pub(super) fn keys(&self) -> &CoreJsonWebKeySet {
        self.metadata.jwks()
    }

    /// How many keys it has that we can use.
    pub fn key_count(&self) -> usize {
        self.keys().keys().len()
    }

    /// Whether it also ends sessions of its own.
    pub fn ends_sessions(&self) -> bool {
        self.end_session().is_some()
    }

    pub(super) fn end_session(&self) -> Option<EndSessionUrl> {
        self.metadata.additional_metadata().end_session_endpoint.clone()
    }

    /// Whether each of its answers says who sends it.
    pub(super) fn names_itself(&self) -> bool {
        self.metadata.additional_metadata().additional_metadata.authorization_response_iss_parameter_supported
    }
}

/// What is known at the moment. Whoever finds nothing asks; whoever comes meanwhile gets that answer, good or bad.
#[derive(Default)]
pub(super) struct Known {
    latest: Mutex<Latest>,
}

#[derive(Default)]
struct Latest {
    found: Option<(Arc<Discovery>, Instant)>,
    failed: Option<(DiscoveryError, Instant)>,
}

impl Known {
    pub async fn get(&self, issuer: &Issuer, http: &Http) -> Result<Arc<Discovery>, DiscoveryError> {
        self.find(issuer, http, |_| true).await
    }

    /// Something else than what proved too old.
    pub async fn newer(&self, old: &Arc<Discovery>, issuer: &Issuer, http: &Http) -> Result<Arc<Discovery>, DiscoveryError> {
        self.find(issuer, http, |found| !Arc::ptr_eq(found, old)).await
    }

    async fn find(&self, issuer: &Issuer, http: &Http, fits: impl Fn(&Arc<Discovery>) -> bool) -> Result<Arc<Discovery>, DiscoveryError> {
        let came = Instant::now();
        let mut latest = self.latest.lock().await;
        if let Some((found, at)) = &latest.found
            && at.elapsed() < KEPT
            && fits(found)
        {
            return Ok(Arc::clone(found));
        }
        // A crowd that waited here while a provider was silent does not wait for it again, one after the other.
        if let Some((error, at)) = &latest.failed
            && *at > came
        {
            return Err(error.clone());
        }
        match Discovery::ask(issuer, http).await {
            Ok(found) => {
                let found = Arc::new(found);
                *latest = Latest { found: Some((Arc::clone(&found), Instant::now())), failed: None };
                Ok(found)
            }
            Err(error) => {
                latest.failed = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }
}

fn read_failure(error: openidconnect::DiscoveryError<HttpError>) -> DiscoveryError {
    use openidconnect::DiscoveryError as Failure;
    match error {
        Failure::Request(error @ HttpError::Request(_)) => DiscoveryError::Away(chain(&error)),
        Failure::Response(status, ..) if status.is_server_error() => DiscoveryError::Away(format!("it answers {status}")),
        // The body says nothing to an operator that the status does not.
        Failure::Response(status, ..) => DiscoveryError::Unusable(format!("it answers {status} where its metadata or keys should be")),
        other => DiscoveryError::Unusable(chain(&other)),
    }
}

fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
