//! A caller of the public API that keeps whole answers, so that tests can look at statuses and headers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// No verification of a test takes longer, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(120);

/// An address and a key.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    url: String,
    key: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header as text; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The answer, if its status is that one.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "expected {status}, got {}: {}", self.status, String::from_utf8_lossy(&self.body));
        Ok(self)
    }

    /// The problem document, if it is complete and of that status and code.
    pub fn problem(self, status: u16, code: &str) -> Result<Value> {
        let answer = self.expect(status)?;
        ensure!(answer.header("content-type") == "application/problem+json", "content type {}", answer.header("content-type"));
        let problem = answer.json();
        ensure!(problem["code"] == code && problem["status"] == status, "expected {code}: {problem}");
        let complete = ["type", "title", "instance", "request_id"].iter().all(|name| problem[name].is_string());
        ensure!(complete && problem["retryable"].is_boolean(), "not complete: {problem}");
        ensure!(answer.header("request-id") == problem["request_id"], "two request ids: {problem}");
        Ok(problem)
    }
}

impl Api {
    pub fn new(url: &str, key: &str) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(90)).build().context("make an HTTP client")?;
        Ok(Self { http, url: url.to_owned(), key: key.to_owned() })
    }

    /// A request that is not sent yet, with the key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    pub async fn send(&self, request: RequestBuilder) -> Result<Answer> {
        let response = request.send().await.context("reach the gateway")?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await.context("read an answer")?.to_vec() })
    }

    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Posts JSON under a fresh `Idempotency-Key`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        let key = uuid::Uuid::now_v7().to_string();
        self.send(self.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
    }

    /// Uploads a file; the answer is its evidence.
    pub async fn upload(&self, name: &str, bytes: Vec<u8>) -> Result<Answer> {
        let form = Form::new().part("file", Part::bytes(bytes).file_name(name.to_owned()));
        self.send(self.request(Method::POST, "/v1/evidence").multipart(form)).await
    }

    /// Uploads a file that must be taken, and gives its id.
    pub async fn evidence(&self, name: &str, bytes: Vec<u8>) -> Result<String> {
        let answer = self.upload(name, bytes).await?;
        match (answer.status, answer.json()["id"].as_str()) {
            (200 | 201, Some(id)) => Ok(id.to_owned()),
            _ => bail!("an upload was refused with {}: {}", answer.status, answer.json()),
        }
    }

    /// Uploads a bundled sample file.
    pub async fn sample(&self, name: &str) -> Result<String> {
        let path = samples().join(name);
        self.evidence(name, std::fs::read(&path).with_context(|| format!("read {}", path.display()))?).await
    }

    /// Starts a verification, and gives its id.
    pub async fn start(&self, claim_type: &str, claim: &Value, evidence: &[String]) -> Result<String> {
        let body = json!({ "claim_type": claim_type, "claim": claim, "evidence": evidence });
        let answer = self.post("/v1/verifications", &body).await?.expect(202)?;
        Ok(answer.json()["id"].as_str().context("a verification without an id")?.to_owned())
    }

    /// Follows a verification until it is as wanted.
    pub async fn until(&self, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        let follow = async {
            let mut tag = String::new();
            loop {
                let request = self.request(Method::GET, &format!("/v1/verifications/{id}?wait=10"));
                let request = if tag.is_empty() { request } else { request.header("If-None-Match", &tag) };
                let answer = self.send(request).await?;
                if answer.status == 304 {
                    continue;
                }
                let answer = answer.expect(200)?;
                tag = answer.header("etag").to_owned();
                last = answer.json();
                if wanted(&last) {
                    return Ok(last.clone());
                }
                // One that has ended answers at once, and may still get its last usage entry.
                tokio::task::yield_now().await;
            }
        };
        match tokio::time::timeout(PATIENCE, follow).await {
            Ok(followed) => followed,
            Err(_) => bail!("{id} is not {what} after {} s: status {}", PATIENCE.as_secs(), last["status"]),
        }
    }

    /// Follows a verification to its end.
    pub async fn ended(&self, id: &str) -> Result<Value> {
        self.until(id, "ended", |seen| matches!(seen["status"].as_str(), Some("final" | "canceled" | "expired" | "failed"))).await
    }

    /// The whole timeline of a verification, page by page.
    pub async fn events(&self, id: &str) -> Result<Vec<Value>> {
        let mut path = format!("/v1/verifications/{id}/events?limit=4");
        let mut events = Vec::new();
        loop {
            let page = self.get(&path).await?.expect(200)?.json();
            events.extend(page["data"].as_array().context("a page without data")?.iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/verifications/{id}/events?limit=4&cursor={cursor}"),
                None => return Ok(events),
            }
        }
    }
}

/// The folder of the bundled samples.
pub fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples")
}
