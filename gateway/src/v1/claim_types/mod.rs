//! `/v1/claim_types`: which fields a claim has, and how each is compared.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::claim_type::{self, ClaimType};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::auth::{Allowed, AnyScope};
use crate::input::{Params, etag, matches_etag};
use crate::problem::{Code, Document, Problem};
use crate::state::AppState;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

/// A versioned schema of a claim.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClaimType)]
pub struct ClaimTypeView {
    #[schema(example = "expense_receipt")]
    name: String,
    version: u32,
    title: String,
    /// Kinds of document that can carry such a claim; any when empty.
    documents: Vec<&'static str>,
    fields: Vec<FieldView>,
}

/// One field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClaimField)]
pub struct FieldView {
    name: String,
    title: String,
    /// `money`, `date`, `name`, `identifier`, `address`, `quantity`, `text`, `statement`, `photo`.
    #[schema(value_type = String)]
    kind: Value,
    required: bool,
    /// Whether the evidence must show it.
    checked: bool,
    /// The score from which a reading supports or refutes by itself.
    threshold: f64,
}

/// All of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClaimTypeList)]
pub struct List {
    data: Vec<ClaimTypeView>,
}

impl ClaimTypeView {
    fn of(claim_type: ClaimType) -> Self {
        let field = |field: claim_type::FieldSpec| FieldView {
            kind: serde_json::to_value(field.kind).unwrap_or_default(),
            name: field.name,
            title: field.title,
            required: field.required,
            checked: field.checked,
            threshold: field.threshold,
        };
        Self {
            name: claim_type.name,
            version: claim_type.version,
            title: claim_type.title,
            documents: claim_type.documents.iter().map(|kind| kind.as_str()).collect(),
            fields: claim_type.fields.into_iter().map(field).collect(),
        }
    }
}

/// Every claim type.
#[utoipa::path(
    get, path = "/v1/claim_types", operation_id = "list_claim_types", tag = "claim_types",
    responses((status = 200, description = "All, in one page", body = List))
)]
pub async fn list(_: Allowed<AnyScope>, params: Params) -> Result<Answer, Problem> {
    params.finish()?;
    let data = claim_type::built_in().into_iter().map(ClaimTypeView::of).collect();
    Answer::json(StatusCode::OK, &List { data })
}

/// One claim type, in its newest version.
#[utoipa::path(
    get, path = "/v1/claim_types/{name}", operation_id = "get_claim_type", tag = "claim_types",
    params(
        ("name" = String, Path, description = "As in `expense_receipt`"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag of this claim type"),
    ),
    responses(
        (status = 200, description = "Its fields", body = ClaimTypeView),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 404, description = "No such claim type", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn get(
    State(_): State<AppState>,
    _: Allowed<AnyScope>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let claim_type = claim_type::find(&name).ok_or_else(|| Problem::new(Code::NotFound))?;
    let tag = etag(&format!("{}.{}", claim_type.name, claim_type.version));
    if matches_etag(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(Answer::json(StatusCode::OK, &ClaimTypeView::of(claim_type))?.header(header::ETAG, tag).into_response())
}
