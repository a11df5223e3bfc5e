//! One call to an address that a tenant chose. The address is judged again here, because a name may lead elsewhere by now.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::webhook::address::{self, Rules};
use domain::webhook::schedule;
use domain::webhook::signature;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use store::webhook::Work;

/// From the first look at the name to the end of the answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// What is read of an answer, in bytes. Nobody looks at it; it is taken so that the other side can finish its sentence.
const ANSWER_BYTES: usize = 4_096;
/// How long the rest of an answer may take, its status being known.
const REST: Duration = Duration::from_secs(1);

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// None where there was no answer.
    pub status: Option<u16>,
    pub retry_after: Option<Duration>,
    pub milliseconds: i32,
    /// Why there was no answer: a stable word.
    pub error: Option<&'static str>,
}

impl Answer {
    /// The word for metrics and logs.
    pub fn outcome(&self) -> &'static str {
        match (self.error, self.status) {
            (Some(error), _) => error,
            (None, Some(200..=299)) => "delivered",
            (None, Some(300..=399)) => "redirect",
            (None, Some(410)) => "gone",
            (None, Some(429 | 502 | 504)) => "slow_down",
            (None, Some(400..=499)) => "client_error",
            (None, _) => "server_error",
        }
    }
}

/// A client that goes nowhere else than the rules allow.
#[derive(Clone)]
pub(super) struct Caller {
    rules: Arc<Rules>,
    client: Client,
    patience: Duration,
}

impl Caller {
    pub fn new(rules: Rules, patience: Duration) -> Result<Self, reqwest::Error> {
        let rules = Arc::new(rules);
        let client = Client::builder()
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            // A proxy would resolve the name by itself.
            .no_proxy()
            .dns_resolver(Arc::new(Guard { rules: Arc::clone(&rules) }))
            // A connection that is kept was judged some time ago.
            .pool_max_idle_per_host(0)
            .http1_only()
            .build()?;
        Ok(Self { rules, client, patience })
    }

    /// Sends the event's bytes, signed for this attempt.
    pub async fn call(&self, work: &Work, at: DateTime<Utc>) -> Answer {
        let began = Instant::now();
        let sent = tokio::time::timeout(self.patience, self.send(work, at)).await.unwrap_or(Err("timeout"));
        let (status, retry_after, error) = match sent {
            Ok((status, retry_after)) => (Some(status), retry_after, None),
            Err(error) => (None, None, Some(error)),
        };
        let milliseconds = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
        Answer { status, retry_after, milliseconds, error }
    }

    async fn send(&self, work: &Work, at: DateTime<Utc>) -> Result<(u16, Option<Duration>), &'static str> {
        // HTTP clients skip their resolver for literals, so these are judged here.
        let target = address::check(&work.url, &self.rules).map_err(|_| "address_refused")?;
        let (id, timestamp) = (work.event_id.to_string(), at.timestamp());
        let signature = signature::header(&work.signers, &id, timestamp, &work.body).map_err(|_| "unsigned")?;
        let request = self
            .client
            .post(target.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(work.body.clone());
        let mut response = request.send().await.map_err(|error| reason(&error))?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|value| schedule::parse_retry_after(value, at));
        // The status stands, however the rest goes.
        let _ = tokio::time::timeout(REST, take(&mut response)).await;
        Ok((response.status().as_u16(), retry_after))
    }
}

async fn take(response: &mut Response) {
    let mut taken = 0;
    while taken < ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => taken += chunk.len(),
            Ok(None) | Err(_) => return,
        }
    }
}

/// Why there was no answer. The words are shown to the tenant and counted.
fn reason(error: &reqwest::Error) -> &'static str {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(lookup) = current.downcast_ref::<LookupError>() {
            return lookup.word();
        }
        cause = current.source();
    }
    match error {
        error if error.is_timeout() => "timeout",
        error if error.is_connect() => "connect",
        _ => "broken",
    }
}

/// Resolves names, and gives out an answer only if every address in it may be connected to.
struct Guard {
    rules: Arc<Rules>,
}

/// Why a name leads nowhere.
#[derive(Debug)]
enum LookupError {
    Unknown,
    Refused,
}

impl LookupError {
    fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "dns",
            Self::Refused => "address_refused",
        }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the name has no address",
            Self::Refused => "the name leads to an address that is not permitted",
        })
    }
}

impl Error for LookupError {}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.rules);
        Box::pin(async move {
            // The port of the address itself is put in later.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| LookupError::Unknown)?;
            let found: Vec<SocketAddr> = found.collect();
            let addresses: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
            if addresses.is_empty() {
                return Err(LookupError::Unknown.into());
            }
            if !address::all_permitted(&addresses, &rules) {
                return Err(LookupError::Refused.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
