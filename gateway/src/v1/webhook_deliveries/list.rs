//! `GET /v1/webhook_deliveries`: what endpoints were told and how it went, newest first, a page at a time.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::id::DeliveryId;
use serde::Serialize;
use store::webhook::{self, DeliveryFilter, DeliveryStatus};
use utoipa::ToSchema;

use super::error::Error;
use super::view::DeliveryView;
use crate::answer::Answer;
use crate::auth::{Allowed, WebhooksRead};
use crate::input::Params;
use crate::problem::Document;
use crate::state::AppState;
use crate::v1::next_link;

const PATH: &str = "/v1/webhook_deliveries";

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveryPage)]
pub struct Page {
    pub data: Vec<DeliveryView>,
    pub has_more: bool,
    /// For `cursor`, while there is more.
    pub next_cursor: Option<String>,
}

/// Webhook deliveries, newest first.
#[utoipa::path(
    get, path = "/v1/webhook_deliveries", operation_id = "list_webhook_deliveries", tag = "webhooks",
    params(
        ("endpoint" = Option<String>, Query, description = "Id of an endpoint, deleted ones included"),
        ("status" = Option<String>, Query, description = "`waiting`, `delivered`, `dead` or `canceled`"),
        ("verification" = Option<String>, Query, description = "Id of a verification"),
        ("limit" = Option<u32>, Query, description = "Page size, 20 when left out", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same filters"),
    ),
    responses(
        (status = 200, description = "A page; `Link` leads to the next", body = Page),
        (status = 400, description = "An unknown filter or a cursor from elsewhere", body = Document, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks `webhooks:read`", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(State(state): State<AppState>, caller: Allowed<WebhooksRead>, mut params: Params) -> Result<Answer, Error> {
    let mut filter = DeliveryFilter {
        endpoint_id: params.id("endpoint"),
        status: params.word("status", DeliveryStatus::parse),
        verification_id: params.id("verification"),
        before: None,
        limit: params.limit(),
    };
    let cursor = params.text("cursor");
    params.finish()?;
    let filters = spelt(&filter);
    let page = state.cursors.page(caller.tenant, PATH, &filters);
    if let Some(cursor) = cursor {
        filter.before = Some(page.position::<(DateTime<Utc>, DeliveryId)>(&cursor)?);
    }

    let limit = filter.limit;
    let mut tx = state.store.begin(caller.tenant).await?;
    // One more than shown tells whether there is more.
    filter.limit += 1;
    let mut rows = webhook::deliveries(&mut tx, &filter).await?;
    let has_more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = rows.last().filter(|_| has_more).map(|row| page.cursor(&(row.created_at, row.id)));
    let link = next_cursor.as_deref().map(|cursor| next_link(PATH, &filters, limit, cursor));
    let data = rows.into_iter().map(DeliveryView::of).collect();
    Ok(Answer::json(StatusCode::OK, &Page { data, has_more, next_cursor })?.headers(link))
}

/// The filters in one spelling, for the cursor to be bound to and the link to repeat.
fn spelt(filter: &DeliveryFilter) -> Vec<(&'static str, String)> {
    [
        filter.endpoint_id.map(|id| ("endpoint", id.to_string())),
        filter.status.map(|status| ("status", status.as_str().to_owned())),
        filter.verification_id.map(|id| ("verification", id.to_string())),
    ]
    .into_iter()
    .flatten()
    .collect()
}
