//! From the code that a person brings back to who they are: the token is fetched, and everything in it checked before anything is believed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{CoreErrorResponseType, CoreGenderClaim, CoreIdTokenVerifier, CoreJwsSigningAlgorithm};
use openidconnect::{
    AdditionalClaims, AuthorizationCode, ClaimsVerificationError, ClientId, IdTokenClaims, Nonce, PkceCodeVerifier, RequestTokenError,
    SignatureVerificationError, StandardErrorResponse, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::discovery::{Discovery, RelyingParty, TokenResponse};
use super::http::{Http, HttpError};
use super::refusal::Refusal;
use super::settings::Settings;

/// Signatures that only the holder of a private key can make. `none` and those with a shared secret are not among them, whatever a token says.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// By how much the provider's clock may differ from ours.
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// Letters of a subject at most, as OpenID Connect Core 1.0 says (section 2).
const LONGEST_SUBJECT: usize = 255;
/// Letters kept of what is only shown.
const LONGEST_LABEL: usize = 200;

/// Claims beyond the standard ones, of which the one with the groups is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AllClaims(BTreeMap<String, Value>);

impl AdditionalClaims for AllClaims {}

/// Who the provider says somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub subject: String,
    /// Empty when it is not told.
    pub email: String,
    /// Never empty.
    pub name: String,
    pub groups: Vec<String>,
}

/// Why a token is not believed.
pub(super) enum Doubt {
    /// None of the keys that we know made its signature; there may be newer ones.
    Key,
    /// Nothing would help. A stable word for logs.
    Token(&'static str),
}

impl From<Doubt> for Refusal {
    fn from(doubt: Doubt) -> Self {
        match doubt {
            Doubt::Key => Self::Untrusted("signature"),
            Doubt::Token(word) => Self::Untrusted(word),
        }
    }
}

/// Gives the code back to the provider, with the proof that it was us who asked for it. Errors keep nothing of the answer, which names people.
pub(super) async fn exchange(client: &RelyingParty, http: &Http, code: &str, verifier: &str) -> Result<TokenResponse, Refusal> {
    let request =
        client.exchange_code(AuthorizationCode::new(code.to_owned())).set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
    request.request_async(http).await.map_err(|error| read_failure(&error))
}

fn read_failure(error: &RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>) -> Refusal {
    match error {
        RequestTokenError::Request(HttpError::Request(_)) => Refusal::Away,
        RequestTokenError::Request(HttpError::TooLarge) => Refusal::Broken("token_too_large"),
        // Used before, too old, or not for us.
        RequestTokenError::ServerResponse(answer) if *answer.error() == CoreErrorResponseType::InvalidGrant => Refusal::Stale,
        RequestTokenError::ServerResponse(answer) => match answer.error() {
            CoreErrorResponseType::InvalidClient => Refusal::Broken("invalid_client"),
            CoreErrorResponseType::UnauthorizedClient => Refusal::Broken("unauthorized_client"),
            CoreErrorResponseType::InvalidRequest => Refusal::Broken("invalid_request"),
            _ => Refusal::Broken("token_refused"),
        },
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Refusal::Broken("token_unreadable"),
    }
}

/// Holds the ID token against signature, issuer, audience, time and nonce.
pub(super) fn verify(
    discovery: &Discovery,
    settings: &Settings,
    response: &TokenResponse,
    nonce: &str,
    now: DateTime<Utc>,
) -> Result<Claimed, Doubt> {
    let token = response.id_token().ok_or(Doubt::Token("no_id_token"))?;
    let id = ClientId::new(settings.client_id.clone());
    // As for a public client even where there is a secret, so that the secret never becomes a key that signs.
    let verifier = CoreIdTokenVerifier::new_public_client(id.clone(), settings.issuer.url().clone(), discovery.keys().clone())
        .set_allowed_algs(SIGNATURES)
        .set_time_fn(move || now - SKEW);
    let claims = token.claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(|error| doubt(&error))?;
    if claims.authorized_party().is_some_and(|party| *party != id) {
        return Err(Doubt::Token("authorized_party"));
    }
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT || subject.contains('\0') {
        return Err(Doubt::Token("subject"));
    }
    let email = label(claims.email().map(|email| email.as_str()));
    let name = name(claims).or_else(|| (!email.is_empty()).then(|| email.clone())).unwrap_or_else(|| "Nameless".to_owned());
    Ok(Claimed { subject: subject.to_owned(), email, name, groups: groups(claims.additional_claims(), &settings.groups_claim) })
}

fn doubt(error: &ClaimsVerificationError) -> Doubt {
    match error {
        ClaimsVerificationError::Expired(_) => Doubt::Token("expired"),
        ClaimsVerificationError::InvalidAudience(_) => Doubt::Token("audience"),
        ClaimsVerificationError::InvalidIssuer(_) => Doubt::Token("issuer"),
        ClaimsVerificationError::InvalidNonce(_) => Doubt::Token("nonce"),
        // A provider that numbers no keys shows by a wrong signature that it has another.
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_),
        ) => Doubt::Key,
        ClaimsVerificationError::SignatureVerification(_) => Doubt::Token("algorithm"),
        _ => Doubt::Token("token"),
    }
}

fn name(claims: &IdTokenClaims<AllClaims, CoreGenderClaim>) -> Option<String> {
    let full = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str());
    let short = claims.preferred_username().map(|name| name.as_str());
    [full, short].into_iter().map(label).find(|name| !name.is_empty())
}

/// As it is shown: one line, not too long.
fn label(text: Option<&str>) -> String {
    let text = text.unwrap_or_default().replace(char::is_control, " ");
    text.trim().chars().take(LONGEST_LABEL).collect()
}

fn groups(claims: &AllClaims, claim: &str) -> Vec<String> {
    match claims.0.get(claim) {
        Some(Value::String(group)) => vec![group.clone()],
        Some(Value::Array(groups)) => groups.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
