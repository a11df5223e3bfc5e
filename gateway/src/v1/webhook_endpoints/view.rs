//! An endpoint as clients see it.

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use chrono::{DateTime, Utc};
use domain::id::EndpointId;
use domain::webhook::signature::Secret;
use serde::Serialize;
use store::webhook::EndpointRow;
use utoipa::ToSchema;

use super::precondition::tag;
use crate::answer::Answer;
use crate::problem::Problem;

/// An address that is told what happens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct EndpointView {
    #[schema(value_type = String, example = "whk_0190163d8694739b8a2f1c9e5d4b6a70")]
    pub id: EndpointId,
    /// In its normal form.
    #[schema(example = "https://hooks.your-company.com/assay")]
    pub url: String,
    pub description: String,
    /// The kinds of events that it is told of; all when empty, later kinds included.
    pub events: Vec<&'static str>,
    pub enabled: bool,
    /// Why it is off: `by_hand`, `gone` (it answered 410), `failing` (nothing but failure for five days). The set may grow.
    pub disabled_reason: Option<&'static str>,
    pub disabled_at: Option<DateTime<Utc>>,
    /// Since when every attempt has failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// It asked to be left alone until then, or seems overloaded.
    pub held_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub links: BTreeMap<&'static str, String>,
}

/// An endpoint with its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewWebhookEndpointSecret)]
pub struct Made {
    #[serde(flatten)]
    pub endpoint: EndpointView,
    /// What messages are signed with. Shown only here: a repeat with the same `Idempotency-Key` comes without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: Option<String>,
}

impl EndpointView {
    pub fn of(row: EndpointRow) -> Self {
        let links = BTreeMap::from([
            ("self", format!("/v1/webhook_endpoints/{}", row.id)),
            ("deliveries", format!("/v1/webhook_deliveries?endpoint={}", row.id)),
        ]);
        Self {
            id: row.id,
            events: row.filter.words(),
            url: row.url,
            description: row.description,
            enabled: row.enabled,
            disabled_reason: row.disabled_reason.map(|reason| reason.as_str()),
            disabled_at: row.disabled_at,
            failing_since: row.failing_since,
            held_until: row.held_until,
            created_at: row.created_at,
            updated_at: row.updated_at,
            links,
        }
    }
}

/// The endpoint as it is now, with its `ETag`.
pub fn shown(row: EndpointRow) -> Result<Answer, Problem> {
    let tag = tag(&row);
    Ok(Answer::json(StatusCode::OK, &EndpointView::of(row))?.header(header::ETAG, tag))
}

/// An answer that shows a secret, and the one to be kept for repeats, which does not: nothing keeps a secret in clear but the endpoint itself.
pub struct Once {
    pub shown: Answer,
    pub kept: Answer,
}

impl Once {
    /// `body` with the secret and without.
    pub fn of<B: Serialize>(status: StatusCode, secret: &Secret, body: impl Fn(Option<String>) -> B) -> Result<Self, Problem> {
        let shown = Answer::json(status, &body(Some(secret.reveal())))?.header(header::CACHE_CONTROL, "no-store");
        Ok(Self { shown, kept: Answer::json(status, &body(None))? })
    }

    /// Adds a header to both.
    pub fn header(self, name: HeaderName, value: impl TryInto<HeaderValue> + Clone) -> Self {
        Self { shown: self.shown.header(name.clone(), value.clone()), kept: self.kept.header(name, value) }
    }
}
