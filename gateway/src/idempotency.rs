//! `Idempotency-Key`: one request, however often it is sent. The key, its answer and the change itself are one commit.
//!
//! Before the commit nothing happened, so refusals and failures are not kept; after it every repeat gets the kept answer.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::id::TenantId;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::idempotency::{self, Begin};
use store::verification::IdempotencyKey;
use store::{StoreError, TenantTx};

use crate::answer::Answer;
use crate::auth::Caller;
use crate::metrics::Metric;
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// The longest key, in characters.
const LONGEST: usize = 255;

/// The key that came with a request, if one did, and what it is a key to.
#[derive(Debug, Clone)]
pub struct Idempotency {
    key: Option<String>,
    method: String,
    path: String,
}

/// What a key means for the request at hand.
pub enum Entry {
    /// Do it, and keep the answer with `keep` before the commit.
    Fresh,
    /// It was done: this is the answer.
    Replay(Answer),
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let invalid = || Problem::new(Code::InvalidIdempotencyKey);
        let mut lines = parts.headers.get_all("idempotency-key").iter();
        let key = match (lines.next(), lines.next()) {
            (None, _) => None,
            (Some(line), None) => Some(line.to_str().ok().and_then(read).ok_or_else(invalid)?),
            (Some(_), Some(_)) => return Err(invalid().detail("more than one header line")),
        };
        Ok(Self { key, method: parts.method.to_string(), path: parts.uri.path().to_owned() })
    }
}

impl Idempotency {
    /// Refuses a request without a key.
    pub fn required(self) -> Result<Self, Problem> {
        if self.key.is_some() { Ok(self) } else { Err(Problem::new(Code::IdempotencyKeyMissing)) }
    }

    /// The key with the fingerprint of a JSON body.
    pub fn of_json(&self, body: &Value) -> Option<IdempotencyKey> {
        let mut canonical = String::new();
        write_canonical(body, &mut canonical);
        self.of_content(canonical.as_bytes())
    }

    /// The key with the fingerprint of a JSON body from this caller only: what the answer holds, such as a lease, is nobody else's.
    pub fn of_json_by(&self, body: &Value, caller: &Caller) -> Option<IdempotencyKey> {
        let mut canonical = format!("{} ", caller.key_id);
        write_canonical(body, &mut canonical);
        self.of_content(canonical.as_bytes())
    }

    /// The key with the fingerprint of anything that stands for the content of the request.
    pub fn of_content(&self, content: &[u8]) -> Option<IdempotencyKey> {
        let mut hasher = Sha256::new();
        for part in [self.method.as_bytes(), self.path.as_bytes(), content] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Some(IdempotencyKey { key: self.key.clone()?, fingerprint: hasher.finalize().into() })
    }
}

/// Takes the key inside the transaction of the change.
pub async fn enter(tx: &mut TenantTx, key: Option<&IdempotencyKey>) -> Result<Entry, Problem> {
    let Some(key) = key else { return Ok(Entry::Fresh) };
    match idempotency::begin(tx, key).await? {
        Begin::Fresh => Ok(Entry::Fresh),
        Begin::Replay(Some(stored)) => Ok(Entry::Replay(replay(stored))),
        // The key belongs to a change whose answer is still on its way.
        Begin::Replay(None) | Begin::Busy => Err(Problem::new(Code::IdempotencyInProgress)),
        Begin::Mismatch => Err(Problem::new(Code::IdempotencyKeyReused)),
    }
}

/// Keeps the answer, inside the transaction of the change.
pub async fn keep(tx: &mut TenantTx, key: Option<&IdempotencyKey>, answer: &Answer) -> Result<(), StoreError> {
    match key {
        Some(key) => idempotency::store_response(tx, &key.key, &answer.stored()).await,
        None => Ok(()),
    }
}

/// Replaces the kept answer by a better one before that is sent.
pub async fn replace(state: &AppState, tenant: TenantId, key: Option<&IdempotencyKey>, answer: &Answer) -> Result<(), StoreError> {
    let Some(key) = key else { return Ok(()) };
    let mut tx = state.store.begin(tenant).await?;
    idempotency::store_response(&mut tx, &key.key, &answer.stored()).await?;
    tx.commit().await
}

/// A kept answer, counted and marked.
pub fn replay(stored: store::idempotency::StoredResponse) -> Answer {
    metrics::counter!(Metric::IdempotentReplaysTotal.as_str()).increment(1);
    Answer::replayed(stored)
}

/// A Structured-Field String or the bare text that many clients send.
fn read(line: &str) -> Option<String> {
    let line = line.trim();
    let bare = line.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(line);
    let printable = bare.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    (!bare.is_empty() && bare.len() <= LONGEST && printable).then(|| bare.to_owned())
}

/// JSON with sorted members and no white space: the same for the same request, however its client orders it.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in members {
                write_canonical(&Value::from(name.as_str()), out);
                out.push(':');
                write_canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_read_bare_or_quoted() {
        assert_eq!(read("8e03"), Some("8e03".to_owned()));
        assert_eq!(read("\"8e03\""), Some("8e03".to_owned()));
        assert_eq!(read("\"\""), None);
        assert_eq!(read(""), None);
        assert_eq!(read("\u{e9}"), None);
        assert!(read(&"x".repeat(255)).is_some());
        assert_eq!(read(&"x".repeat(256)), None);
    }

    #[test]
    fn the_fingerprint_sees_content_and_not_order() {
        let request = |path: &str| Idempotency { key: Some("k".into()), method: "POST".into(), path: path.into() };
        let fingerprint = |path: &str, body: Value| request(path).of_json(&body).unwrap().fingerprint;
        let first = fingerprint("/a", serde_json::from_str(r#"{"x":[1,{"b":2,"a":1}],"y":null}"#).unwrap());
        assert_eq!(first, fingerprint("/a", serde_json::from_str(r#"{"y":null, "x":[1,{"a":1,"b":2}]}"#).unwrap()));
        assert_ne!(first, fingerprint("/b", json!({"x":[1,{"b":2,"a":1}],"y":null})));
        assert_ne!(first, fingerprint("/a", json!({"x":[1,{"b":2,"a":"1"}],"y":null})));
        assert_ne!(first, fingerprint("/a", json!({"x":[{"b":2,"a":1},1],"y":null})));
    }
}
