//! `GET /v1/webhook_endpoints`: all of them in one page, since there are never more than fifty.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use store::webhook;
use utoipa::ToSchema;

use super::error::Error;
use super::view::EndpointView;
use crate::answer::Answer;
use crate::auth::{Allowed, WebhooksRead};
use crate::input::Params;
use crate::problem::Document;
use crate::state::AppState;

/// All of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpointList)]
pub struct List {
    data: Vec<EndpointView>,
}

/// Every webhook endpoint, oldest first.
#[utoipa::path(
    get, path = "/v1/webhook_endpoints", operation_id = "list_webhook_endpoints", tag = "webhooks",
    responses(
        (status = 200, description = "All, in one page; at most 50", body = List),
        (status = 403, description = "The key lacks `webhooks:read`", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(State(state): State<AppState>, caller: Allowed<WebhooksRead>, params: Params) -> Result<Answer, Error> {
    params.finish()?;
    let mut tx = state.store.begin(caller.tenant).await?;
    let data = webhook::list(&mut tx).await?.into_iter().map(EndpointView::of).collect();
    Ok(Answer::json(StatusCode::OK, &List { data })?)
}
