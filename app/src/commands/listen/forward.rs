//! Hands an event to a receiver on the developer's machine, in the bytes and with the signature that a webhook endpoint would get.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::Utc;
use domain::webhook::signature::{self, Secret, Signer};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde::Serialize;

/// From connecting to the end of the answer, as for a webhook.
const PATIENCE: Duration = Duration::from_secs(15);
/// Waits before another try where nobody answered: long enough for a receiver that its developer starts anew.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// Where events go, and what signs them.
pub struct Forwarder {
    http: Client,
    url: Url,
    signers: [Signer; 1],
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forwarded {
    /// None where nobody answered.
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Of the last try.
    pub milliseconds: u128,
    pub tries: u32,
}

/// Reads where to forward to; `localhost:3000/hook` will do. Any host is fine: it is the developer's own machine that calls.
pub fn target(text: &str) -> Result<Url> {
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&whole).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.with_context(|| format!("`{text}` is no address to forward to; it is like http://localhost:3000/hook"))
}

impl Forwarder {
    pub fn new(url: Url, secret: Secret) -> Result<Self> {
        let http = Client::builder()
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            // As webhooks, which take no detour.
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .context("make an HTTP client")?;
        Ok(Self { http, url, signers: [Signer::Hmac(secret)] })
    }

    /// Sends an event, and again where nobody answers. What the receiver answers, whatever it is, stands.
    pub async fn forward(&self, event_id: &str, body: &str) -> Result<Forwarded> {
        let mut pauses = PAUSES.into_iter();
        let mut tries = 0;
        loop {
            tries += 1;
            let began = Instant::now();
            let sent = self.send(event_id, body).await?;
            let milliseconds = began.elapsed().as_millis();
            let error = match sent {
                Ok(status) => return Ok(Forwarded { status: Some(status), error: None, milliseconds, tries }),
                Err(error) => error,
            };
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Ok(Forwarded { status: None, error: Some(reason(&error)), milliseconds, tries }),
            }
        }
    }

    /// One try, with a time and a signature of its own.
    async fn send(&self, event_id: &str, body: &str) -> Result<Result<u16, reqwest::Error>> {
        let timestamp = Utc::now().timestamp();
        let signature = signature::header(&self.signers, event_id, timestamp, body.as_bytes()).context("sign an event")?;
        let request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", event_id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body.to_owned());
        Ok(request.send().await.map(|response| response.status().as_u16()))
    }
}

/// The last link of the chain says the most, as in `Connection refused (os error 111)`.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Reads a secret that was given, or makes one.
pub fn secret(given: Option<&str>) -> Result<Secret> {
    let secret = match given {
        Some(text) => Secret::parse(text)?,
        None => Secret::new(rand::random::<[u8; 32]>().to_vec())?,
    };
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_any_address_that_http_reaches() {
        for (text, url) in [
            ("http://localhost:3000/hook", "http://localhost:3000/hook"),
            ("localhost:3000/hook", "http://localhost:3000/hook"),
            ("192.168.1.7:8080", "http://192.168.1.7:8080/"),
            ("https://dev.example/a?b=c", "https://dev.example/a?b=c"),
        ] {
            assert_eq!(target(text).unwrap().as_str(), url);
        }
        for text in ["", "ftp://localhost/", "http://", "file:///etc/passwd", "localhost:port"] {
            assert!(target(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_is_the_given_one_or_a_fresh_one() {
        let given = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        assert_eq!(secret(Some(given)).unwrap().reveal(), given);
        assert_ne!(secret(None).unwrap().reveal(), secret(None).unwrap().reveal());
        assert!(secret(Some("short")).is_err());
    }
}
