//! A client that repeats every request until it is answered, as ours are told to.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::api::{Answer, Api};

/// An answer that takes longer is taken for lost.
const LOST: Duration = Duration::from_secs(8);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);
/// Nothing is repeated for longer than this.
const PATIENCE: Duration = Duration::from_secs(90);

/// Repeats until the answer is one that repeating would not change.
pub async fn send(api: &Api, what: &str, request: impl Fn() -> RequestBuilder) -> Result<Answer> {
    let tried = async {
        loop {
            match api.send(request().timeout(LOST)).await {
                Ok(answer) if !may_change(&answer) => return answer,
                // The connection broke or the answer says to come back.
                Ok(_) | Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, tried).await.with_context(|| format!("{what} got no answer within {} s", PATIENCE.as_secs()))
}

fn may_change(answer: &Answer) -> bool {
    answer.status == 503 || answer.status == 429 || answer.json()["retryable"] == true
}

/// Uploads a file until it is there.
pub async fn upload(api: &Api, name: &str, bytes: &[u8]) -> Result<String> {
    let answer = send(api, "an upload", || {
        let part = Part::bytes(bytes.to_vec()).file_name(name.to_owned());
        api.request(Method::POST, "/v1/evidence").multipart(Form::new().part("file", part))
    });
    id_of(answer.await?)
}

/// Starts a verification under a key until it is accepted.
pub async fn start(api: &Api, key: &str, claim_type: &str, claim: &Value, evidence: &str) -> Result<String> {
    let body = json!({ "claim_type": claim_type, "claim": claim, "evidence": [evidence] });
    let answer = send(api, "a verification", || api.request(Method::POST, "/v1/verifications").header("Idempotency-Key", key).json(&body));
    id_of(answer.await?)
}

fn id_of(answer: Answer) -> Result<String> {
    match (answer.status, answer.json()["id"].as_str()) {
        (200..=202, Some(id)) => Ok(id.to_owned()),
        (status, _) => bail!("refused with {status}: {}", answer.json()),
    }
}
