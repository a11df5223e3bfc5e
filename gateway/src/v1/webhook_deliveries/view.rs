//! A delivery as clients see it.

use std::collections::BTreeMap;

use axum::http::{StatusCode, header};
use chrono::{DateTime, Utc};
use domain::id::{DeliveryId, EndpointId, EventId, VerificationId};
use serde::Serialize;
use serde_json::Value;
use store::webhook::{AttemptRow, DeliveryRow};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::problem::Problem;

/// One event on its way to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryView {
    #[schema(value_type = String, example = "dlv_0190163d8694739b8a2f1c9e5d4b6a70")]
    pub id: DeliveryId,
    #[schema(value_type = String)]
    pub endpoint_id: EndpointId,
    /// What `webhook-id` says: the same for every attempt and for every endpoint.
    #[schema(value_type = String)]
    pub event_id: EventId,
    /// The kind of the event.
    #[serde(rename = "type")]
    #[schema(example = "verification.final")]
    pub kind: String,
    #[schema(value_type = Option<String>)]
    pub verification_id: Option<VerificationId>,
    /// `waiting`, `delivered`, `dead` (tried for the last time, or the endpoint answered 410), `canceled` (the endpoint was switched off or deleted).
    pub status: &'static str,
    pub attempt_count: u32,
    /// When the next attempt comes, while it waits.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// The HTTP status of the last attempt, if that was answered.
    pub last_status_code: Option<u16>,
    /// Why the last attempt was not answered: `dns`, `connect`, `timeout`, `address_refused`, `unsigned`, `broken`. The set may grow.
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub links: BTreeMap<&'static str, String>,
}

/// A delivery with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveryInFull)]
pub struct InFull {
    #[serde(flatten)]
    pub delivery: DeliveryView,
    /// First to last.
    pub attempts: Vec<AttemptView>,
    /// What is sent.
    #[schema(value_type = Object)]
    pub body: Value,
}

/// One call to the endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub struct AttemptView {
    /// From 1.
    pub number: u32,
    pub at: DateTime<Utc>,
    /// The HTTP status, if it was answered.
    pub status_code: Option<u16>,
    /// Why it was not.
    pub error: Option<String>,
    pub milliseconds: u32,
}

impl DeliveryView {
    pub fn of(row: DeliveryRow) -> Self {
        let mut links = BTreeMap::from([
            ("self", format!("/v1/webhook_deliveries/{}", row.id)),
            ("endpoint", format!("/v1/webhook_endpoints/{}", row.endpoint_id)),
        ]);
        if let Some(verification) = row.verification_id {
            links.insert("verification", format!("/v1/verifications/{verification}"));
        }
        Self {
            id: row.id,
            endpoint_id: row.endpoint_id,
            event_id: row.event_id,
            kind: row.event,
            verification_id: row.verification_id,
            status: row.status.as_str(),
            attempt_count: row.attempts,
            next_attempt_at: row.next_at,
            last_status_code: row.last_status,
            last_error: row.last_error,
            created_at: row.created_at,
            finished_at: row.finished_at,
            links,
        }
    }

    /// The answer to whoever ordered an attempt.
    pub fn ordered(row: DeliveryRow) -> Result<Answer, Problem> {
        let location = format!("/v1/webhook_deliveries/{}", row.id);
        Ok(Answer::json(StatusCode::ACCEPTED, &Self::of(row))?.header(header::LOCATION, location))
    }
}

impl AttemptView {
    pub fn of(row: AttemptRow) -> Self {
        Self { number: row.number, at: row.at, status_code: row.status, error: row.error, milliseconds: row.milliseconds }
    }
}
