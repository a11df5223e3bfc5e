//! What an operator says about the provider.

use openidconnect::{ClientSecret, IssuerUrl};
use url::{Host, Url};

use super::role_map::RoleMap;

/// How the desk is known to the provider, and what its groups mean here.
#[derive(Debug, Clone)]
pub struct Settings {
    pub issuer: Issuer,
    pub client_id: String,
    /// None for a public client, whom PKCE alone protects. Not shown by `Debug`.
    pub client_secret: Option<ClientSecret>,
    /// The claim of the ID token that holds the groups: a list of texts, or one.
    pub groups_claim: String,
    pub roles: RoleMap,
    pub scopes: Vec<String>,
    /// What the button on the sign-in page says.
    pub label: String,
    /// Where people reach the desk.
    pub public_url: String,
}

/// Why a provider cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("the desk's public address cannot be used")]
    PublicUrl(#[source] url::ParseError),
    #[error("no HTTP client for the provider could be made")]
    Client(#[source] reqwest::Error),
}

/// The name of a provider, which is also where it is found. Letter by letter as in its tokens: `https://a` and `https://a/` are two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer(IssuerUrl);

impl Issuer {
    /// Takes an https address, or an http one of this machine, without query and fragment. Or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let issuer = IssuerUrl::new(text.to_owned()).map_err(|_| "is no address")?;
        if issuer.url().query().is_some() || issuer.url().fragment().is_some() {
            return Err("has a part behind `?` or `#`, which an issuer has not");
        }
        if issuer.url().host().is_none() || !is_safe(issuer.url(), true) {
            return Err("is not https, which everything but this machine's own addresses must be");
        }
        Ok(Self(issuer))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn url(&self) -> &IssuerUrl {
        &self.0
    }

    /// Whether it is found on this machine.
    pub(super) fn is_local(&self) -> bool {
        is_loopback(self.0.url())
    }
}

/// Whether secrets may go there: over TLS, or where `local` is allowed to a service of this machine.
pub(super) fn is_safe(url: &Url, local: bool) -> bool {
    url.scheme() == "https" || local && url.scheme() == "http" && is_loopback(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_or_of_this_machine() {
        for text in
            ["https://id.example.com", "https://id.example.com/realms/a", "http://127.0.0.1:9000", "http://localhost/x", "http://[::1]:1"]
        {
            assert_eq!(Issuer::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "id.example.com",
            "http://id.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "https://a?x",
            "https://a#x",
            "ftp://localhost",
        ] {
            assert!(Issuer::parse(text).is_err(), "{text}");
        }
        assert_ne!(Issuer::parse("https://a"), Issuer::parse("https://a/"));
    }
}
