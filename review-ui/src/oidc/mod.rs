//! Signing in through an organisation's own OpenID provider: the authorization code flow with PKCE. What the pages do with it is in
//! `pages/oidc.rs`; sign-ins under way and people are rows of the store.

mod discovery;
mod http;
mod redeem;
mod refusal;
mod role_map;
mod settings;

use std::sync::Arc;

use domain::clock::Clock;
use openidconnect::core::CoreResponseType;
use openidconnect::{
    AuthenticationFlow, ClientId, CsrfToken, LogoutRequest, Nonce, PkceCodeChallenge, PostLogoutRedirectUrl, RedirectUrl, Scope,
};

pub use openidconnect::ClientSecret;

pub use discovery::{Discovery, DiscoveryError};
pub(crate) use redeem::Claimed;
pub(crate) use refusal::Refusal;
pub use role_map::RoleMap;
pub use settings::{Issuer, Settings, SettingsError};

/// Where the provider sends people back to, for a desk at that public address. The provider must be told exactly this.
pub fn callback(public_url: &str) -> Result<RedirectUrl, url::ParseError> {
    // On its own first: of `https://` and a path behind it the parser would make a host.
    url::Url::parse(public_url)?;
    RedirectUrl::new(format!("{}/signin/oidc/callback", base(public_url)))
}

fn base(public_url: &str) -> &str {
    public_url.trim_end_matches('/')
}

/// The provider, with what is known of it at the moment. Nothing is asked before somebody wants to sign in, so the desk starts without it.
pub struct Provider {
    settings: Settings,
    redirect: RedirectUrl,
    signed_out: PostLogoutRedirectUrl,
    http: http::Http,
    known: discovery::Known,
}

/// The first half of a sign-in.
pub(crate) struct Outset {
    /// Where the browser goes.
    pub url: String,
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

impl Provider {
    /// Fails when the public address is none, or no HTTP client can be made.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let signed_out = format!("{}/signin", base(&settings.public_url));
        Ok(Self {
            redirect: callback(&settings.public_url).map_err(SettingsError::PublicUrl)?,
            signed_out: PostLogoutRedirectUrl::new(signed_out).map_err(SettingsError::PublicUrl)?,
            http: http::Http::new(&settings.issuer).map_err(SettingsError::Client)?,
            known: discovery::Known::default(),
            settings,
        })
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the provider says of itself, asked for when it is not known or an hour old.
    pub async fn discovered(&self) -> Result<Arc<Discovery>, DiscoveryError> {
        self.known.get(&self.settings.issuer, &self.http).await
    }

    /// Prepares a sign-in with everything that the way back is held against.
    pub(crate) async fn set_out(&self) -> Result<Outset, DiscoveryError> {
        let discovery = self.discovered().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = discovery.client(&self.settings, &self.redirect);
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let mut request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random).set_pkce_challenge(challenge);
        // The crate adds `openid` itself.
        for scope in self.settings.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.url();
        Ok(Outset { url: url.into(), state: state.into_secret(), nonce: nonce.secret().clone(), verifier: verifier.into_secret() })
    }

    /// Who comes back with that code. `begun` is the sign-in that the code answers; `issuer` what the address named as its sender, if anything.
    pub(crate) async fn redeem(
        &self,
        code: &str,
        issuer: Option<&str>,
        begun: &store::sign_in::SignIn,
        clock: &dyn Clock,
    ) -> Result<Claimed, Refusal> {
        let discovery = self.discovered().await?;
        // A code of another provider must not be handed to this one, nor the other way round (RFC 9207).
        match issuer {
            Some(issuer) if issuer != self.settings.issuer.as_str() => return Err(Refusal::Untrusted("sender")),
            None if discovery.names_itself() => return Err(Refusal::Untrusted("no_sender")),
            _ => (),
        }
        let response = redeem::exchange(&discovery.client(&self.settings, &self.redirect), &self.http, code, &begun.verifier).await?;
        match redeem::verify(&discovery, &self.settings, &response, &begun.nonce, clock.now()) {
            // The provider may have changed its keys since we asked for them.
            Err(redeem::Doubt::Key) => {
                let newer = self.known.newer(&discovery, &self.settings.issuer, &self.http).await?;
                redeem::verify(&newer, &self.settings, &response, &begun.nonce, clock.now()).map_err(Refusal::from)
            }
            other => other.map_err(Refusal::from),
        }
    }

    /// Where the provider ends its own session, if it offers that. Without the token that it once gave, which is not kept, it may ask the person.
    pub(crate) async fn way_out(&self) -> Option<String> {
        let end = self.discovered().await.ok()?.end_session()?;
        let request = LogoutRequest::from(end)
            .set_client_id(ClientId::new(self.settings.client_id.clone()))
            .set_post_logout_redirect_uri(self.signed_out.clone());
        Some(request.http_get_url().into())
    }
}
