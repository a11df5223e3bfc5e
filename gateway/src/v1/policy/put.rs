//! `PUT /v1/policy`: another policy, for what is accepted from now on.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use domain::policy::Policy;
use serde_json::Value;
use store::policy::{self, ChangeOutcome};
use store::{StoreError, tenant};
use utoipa::ToSchema;

use super::tag;
use super::view::PolicyView;
use crate::answer::Answer;
use crate::auth::{Allowed, PolicyWrite};
use crate::input::{JsonBody, precondition};
use crate::problem::{Code, Document, InvalidField, Problem, answers_with_problem};
use crate::state::AppState;

/// The whole policy. What may be left out gets its usual value, not the one it had.
#[derive(ToSchema)]
#[schema(as = NewPolicy)]
#[expect(dead_code, reason = "describes the JSON body; `domain` reads its members")]
pub struct Request {
    /// `never`, `when_unsure`, `always`.
    review: String,
    /// 0 when left out.
    #[schema(maximum = 100)]
    review_sample_percent: Option<u8>,
    /// No limit when left out.
    review_above: Option<super::view::AmountView>,
    /// No limit when left out.
    double_review_above: Option<super::view::AmountView>,
    /// 0 when left out.
    #[schema(maximum = 100)]
    double_review_sample_percent: Option<u8>,
    /// Kinds of blockers, `review_expired` aside; none when left out.
    double_review_reasons: Option<Vec<String>>,
    #[schema(minimum = 60, maximum = 2_592_000)]
    review_sla_seconds: u64,
    /// More than `review_sla_seconds`.
    #[schema(maximum = 7_776_000)]
    review_expiry_seconds: u64,
    #[schema(minimum = 60, maximum = 3_600)]
    lease_seconds: u64,
    /// 20 when left out.
    #[schema(minimum = 1, maximum = 1_000)]
    review_assignment_cap: Option<u32>,
    /// As `GET` gave it, so that its answer can be changed and sent back. The version that it names must be the one that counts.
    version: Option<u32>,
}

/// Why the policy stays as it is.
#[derive(Debug)]
pub enum Error {
    /// Members of the body.
    Invalid(Vec<InvalidField>),
    /// Without `If-Match`, or with one that is not of what counts.
    Request(Problem),
    Store(StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(errors) => Self::new(Code::InvalidBody).errors(errors),
            Error::Request(problem) => problem,
            Error::Store(error) => error.into(),
        }
    }
}
answers_with_problem!(Error);

/// Replace the policy. What was accepted before keeps the one that it was accepted under.
#[utoipa::path(
    put, path = "/v1/policy", operation_id = "put_policy", tag = "policy",
    params(("If-Match" = String, Header, description = "The ETag of the policy that this one replaces")),
    request_body = Request,
    responses(
        (status = 200, description = "It counts, under the next version; under the same one if nothing was changed", body = PolicyView),
        (status = 403, description = "The key lacks `policy:write`", body = Document, content_type = "application/problem+json"),
        (status = 412, description = "`precondition_failed`: it was changed since; `ETag` is of what counts now", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "`errors` lists every fault by JSON Pointer", body = Document, content_type = "application/problem+json"),
        (status = 428, description = "`precondition_required`: `If-Match` is missing", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<PolicyWrite>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    precondition::required(&headers)?;
    let wanted = parse(&body)?;
    let mut tx = state.store.begin(caller.tenant).await?;
    let current = tenant::policy(&mut tx).await?;
    precondition::holds(&headers, &tag(&current))?;
    if body.get("version").is_some_and(|version| !version.is_null()) && wanted.version != current.version {
        return Err(Error::Invalid(vec![InvalidField::at("/version", "not_current", "expected the version that `If-Match` is of")]));
    }
    let policy = match policy::change(&mut tx, current.version, wanted, &caller.actor()).await? {
        ChangeOutcome::Changed(policy) | ChangeOutcome::Unchanged(policy) => policy,
        ChangeOutcome::Stale { current } => return Err(Error::Request(precondition::stale(&tag(&current)))),
    };
    tx.commit().await?;
    let tag = tag(&policy);
    Ok(Answer::json(StatusCode::OK, &PolicyView::from(policy))?.header(header::ETAG, tag))
}

fn parse(body: &Value) -> Result<Policy, Error> {
    let of = |faults: Vec<domain::claim::FieldError>| faults.into_iter().map(|fault| InvalidField::of_claim("", fault)).collect();
    Policy::parse(body).map_err(|faults| Error::Invalid(of(faults)))
}
