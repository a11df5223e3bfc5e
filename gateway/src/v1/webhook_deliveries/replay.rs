//! `POST /v1/webhook_endpoints/{id}/replay`: sends what an endpoint missed.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::id::EndpointId;
use serde::Serialize;
use serde_json::Value;
use store::webhook::{self, REPLAY_LIMIT};
use utoipa::ToSchema;

use super::error::Error;
use crate::answer::Answer;
use crate::auth::{Allowed, WebhooksWrite};
use crate::idempotency::{self, Entry, Idempotency};
use crate::input::{Fields, Id, JsonBody};
use crate::problem::{Document, Problem};
use crate::state::AppState;

/// Longer than any time is spelt.
const LONGEST_TIME: usize = 50;

/// Which time to go back to.
#[derive(ToSchema)]
#[schema(as = WebhookReplay)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Request {
    /// Events of this time or later.
    from: DateTime<Utc>,
    /// Events before this time.
    to: DateTime<Utc>,
}

/// How much is sent again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookReplayed)]
pub struct Replayed {
    pub deliveries: usize,
    /// There may be more: ask again, with a fresh `Idempotency-Key`.
    pub has_more: bool,
}

/// Replay what an endpoint missed: what is `dead` or `canceled`, oldest first, at most 1,000 at a time.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/replay", operation_id = "replay_webhook_deliveries", tag = "webhooks",
    params(
        ("id" = String, Path, description = "A webhook endpoint"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same value when repeating a request"),
    ),
    request_body = Request,
    responses(
        (status = 202, description = "So many are on their way again", body = Replayed),
        (status = 404, description = "No such endpoint", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "`endpoint_off`", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The body is not valid", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<WebhooksWrite>,
    Id(id): Id<EndpointId>,
    repeat: Idempotency,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    let (from, to) = span(&body)?;
    let key = repeat.of_json(&body);
    let mut tx = state.store.begin(caller.tenant).await?;
    if let Entry::Replay(answer) = idempotency::enter(&mut tx, key.as_ref()).await? {
        return Ok(answer);
    }
    let Some(deliveries) = webhook::replay(&mut tx, id, from, to, &caller.actor()).await? else {
        return Err(if webhook::get(&mut tx, id).await?.is_some() { Error::EndpointOff } else { Error::NotFound });
    };
    let has_more = i64::try_from(deliveries).is_ok_and(|deliveries| deliveries >= REPLAY_LIMIT);
    let answer = Answer::json(StatusCode::ACCEPTED, &Replayed { deliveries, has_more })?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    tx.commit().await?;
    state.relay_bell.notify_one();
    Ok(answer)
}

fn span(body: &Value) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
    let mut fields = Fields::of(body);
    let (from, to) = (time(&mut fields, "from"), time(&mut fields, "to"));
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        fields.wrong("to", "not_later", "expected a time after `from`");
    }
    fields.finish()?;
    Ok((from.unwrap_or_default(), to.unwrap_or_default()))
}

fn time(fields: &mut Fields<'_>, name: &'static str) -> Option<DateTime<Utc>> {
    let text = fields.text(name, LONGEST_TIME);
    let time = DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc());
    if time.is_none() && !text.is_empty() {
        fields.wrong(name, "not_a_time", "expected a time like 2026-11-20T10:00:00Z");
    }
    time
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_span_has_two_ends_in_order() {
        let (from, to) = span(&json!({ "from": "2026-11-20T10:00:00Z", "to": "2026-11-20T12:00:00+01:00" })).unwrap();
        assert_eq!((to - from).num_minutes(), 60);
        let faults = |body: Value| {
            let faults = span(&body).unwrap_err().errors.into_iter();
            faults.map(|fault| (fault.pointer.unwrap_or_default(), fault.code)).collect::<Vec<_>>()
        };
        let at = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
        assert_eq!(faults(json!({})), [at("/from", "missing"), at("/to", "missing")]);
        assert_eq!(faults(json!({ "from": "yesterday", "to": 7 })), [at("/from", "not_a_time"), at("/to", "not_text")]);
        let same = "2026-11-20T10:00:00Z";
        assert_eq!(faults(json!({ "from": same, "to": same })), [at("/to", "not_later")]);
    }
}
