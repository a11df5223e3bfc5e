//! A client of the public API, for `assay verify`, `assay demo` and `assay listen`: upload, start, wait, follow.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Longest wait that one request asks the gateway for.
const WAIT_SECONDS: u64 = 30;
/// A gateway that says 503 is asked again for this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Far more than the quarter of an hour after which a gateway ends a stream.
const ENDLESS: Duration = Duration::from_secs(24 * 3_600);

/// A gateway and the key to use there.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    key: String,
}

/// The gateway said no.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{status} {code}: {detail}")]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The problem document's stable word.
    pub code: String,
    pub detail: String,
    /// The whole problem document.
    pub problem: Value,
}

impl Refused {
    /// Whether the same reading request may work later: what went wrong on the other side may be mended there.
    pub fn may_pass(&self) -> bool {
        self.status >= 500 || self.problem.get("retryable").and_then(Value::as_bool).unwrap_or_default()
    }
}

impl Client {
    pub fn new(url: &str, key: &str) -> Result<Self> {
        let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let here = host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let http = reqwest::Client::builder();
        // No proxy leads back to this machine.
        let http = if here { http.no_proxy() } else { http };
        // Longer than any wait that we ask for.
        let http = http
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(WAIT_SECONDS + 60))
            .build()
            .context("make an HTTP client")?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), key: key.to_owned() })
    }

    /// Uploads a file and gives its evidence id.
    pub async fn upload(&self, file: &Path) -> Result<String> {
        let bytes = tokio::fs::read(file).await.with_context(|| format!("read {}", file.display()))?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let evidence: Value = self
            .send(|| {
                let part = Part::bytes(bytes.clone()).file_name(name.clone());
                self.request(Method::POST, "/v1/evidence").multipart(Form::new().part("file", part))
            })
            .await?;
        let id = evidence.get("id").and_then(Value::as_str).context("the answer to an upload has no id")?;
        Ok(id.to_owned())
    }

    /// Every claim type that the gateway has, as it describes them.
    pub async fn claim_types(&self) -> Result<Vec<Value>> {
        let mut list: Value = self.send(|| self.request(Method::GET, "/v1/claim_types")).await?;
        match list.get_mut("data").map(Value::take) {
            Some(Value::Array(types)) => Ok(types),
            _ => bail!("the list of claim types has no data"),
        }
    }

    /// Starts a verification. Repeating it with the same key gives the same verification.
    pub async fn start(&self, idempotency_key: &str, claim_type: &str, claim: &Value, evidence: &[String]) -> Result<Value> {
        let body = json!({ "claim_type": claim_type, "claim": claim, "evidence": evidence });
        self.send(|| self.request(Method::POST, "/v1/verifications").header("Idempotency-Key", idempotency_key).json(&body)).await
    }

    /// Waits for a result, and then from change to change until the verification is as wished.
    pub async fn until(&self, id: &str, wished: impl FnMut(&Value) -> bool) -> Result<Value> {
        self.watch(id, None, wished).await
    }

    /// Looks at once, and then at every change, progress included, until the verification is as wished.
    pub async fn follow(&self, id: &str, wished: impl FnMut(&Value) -> bool) -> Result<Value> {
        self.watch(id, Some(HeaderValue::from_static("\"unseen\"")), wished).await
    }

    async fn watch(&self, id: &str, mut seen: Option<HeaderValue>, mut wished: impl FnMut(&Value) -> bool) -> Result<Value> {
        loop {
            let request = || {
                let request = self.request(Method::GET, &format!("/v1/verifications/{id}?wait={WAIT_SECONDS}"));
                // With the tag of what was seen, the gateway answers at the next change.
                seen.iter().fold(request, |request, tag| request.header(IF_NONE_MATCH, tag.clone()))
            };
            let response = self.respond(request).await?;
            if response.status() == StatusCode::NOT_MODIFIED {
                continue;
            }
            seen = response.headers().get(ETAG).cloned();
            let verification: Value = response.json().await.context("read the gateway's answer")?;
            if wished(&verification) {
                return Ok(verification);
            }
        }
    }

    /// The verification as it stands.
    pub async fn get(&self, id: &str) -> Result<Value> {
        self.send(|| self.request(Method::GET, &format!("/v1/verifications/{id}"))).await
    }

    /// The stream of the tenant's events, after the one with that number. It has no end that we wait for: whoever reads minds the silence.
    pub async fn events(&self, query: &[(&'static str, String)], after: Option<i64>) -> Result<Response> {
        let request = || {
            let request = self.request(Method::GET, "/v1/webhook_events/stream").query(query).timeout(ENDLESS);
            after.iter().fold(request, |request, number| request.header("last-event-id", *number))
        };
        let answered = tokio::time::timeout(PATIENCE * 2, self.respond(request)).await;
        answered.with_context(|| format!("the gateway at {} does not answer", self.url))?
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    /// Sends, and reads the answer.
    async fn send<T: DeserializeOwned>(&self, request: impl Fn() -> RequestBuilder) -> Result<T> {
        self.respond(request).await?.json().await.context("read the gateway's answer")
    }

    /// Sends, and again while the gateway asks for patience. Refusals are errors.
    async fn respond(&self, request: impl Fn() -> RequestBuilder) -> Result<Response> {
        let began = std::time::Instant::now();
        loop {
            let response = request().send().await.with_context(|| format!("reach the gateway at {}", self.url))?;
            let busy = matches!(response.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
            if busy && began.elapsed() < PATIENCE {
                tokio::time::sleep(retry_after(&response)).await;
                continue;
            }
            if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
                return Ok(response);
            }
            return Err(refused(response).await.into());
        }
    }
}

fn retry_after(response: &Response) -> Duration {
    let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1).clamp(1, 30))
}

async fn refused(response: Response) -> Refused {
    let status = response.status().as_u16();
    let problem: Value = response.json().await.unwrap_or(Value::Null);
    let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Refused { status, code: text("code"), detail: text("detail"), problem }
}
