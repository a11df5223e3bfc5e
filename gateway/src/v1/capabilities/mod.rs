//! `/v1/capabilities`: what this server does and how much of it, so that a client need not find out by failing.

use axum::extract::State;
use axum::http::StatusCode;
use domain::claim_type;
use domain::evidence::MediaType;
use domain::level::Level;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Answer;
use crate::auth::{Allowed, AnyScope};
use crate::edge::VERSION;
use crate::input::LONGEST_WAIT_SECONDS;
use crate::problem::Problem;
use crate::state::AppState;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get))
}

/// What the server offers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Capabilities {
    /// Values of `Api-Version`.
    api_versions: Vec<&'static str>,
    /// The degradation level now: `L0`, everything works, to `L4`.
    level: &'static str,
    /// Kinds of file that are read.
    media_types: Vec<&'static str>,
    claim_types: Vec<String>,
    limits: LimitsView,
}

/// What a request may bring.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
pub struct LimitsView {
    /// One file.
    evidence_bytes: u64,
    /// A JSON body.
    json_bytes: usize,
    evidence_per_verification: usize,
    /// `metadata`, as JSON text.
    metadata_bytes: usize,
    lease_seconds: u64,
    /// The largest `Prefer: wait`.
    wait_seconds: u64,
}

/// What the server offers.
#[utoipa::path(
    get, path = "/v1/capabilities", operation_id = "get_capabilities", tag = "capabilities",
    responses((status = 200, description = "Versions, kinds of file, claim types, limits", body = Capabilities))
)]
pub async fn get(State(state): State<AppState>, _: Allowed<AnyScope>) -> Result<Answer, Problem> {
    let limits = &state.limits;
    let capabilities = Capabilities {
        api_versions: vec![VERSION],
        level: Level::default().as_str(),
        media_types: MediaType::ALL.map(MediaType::as_str).to_vec(),
        claim_types: claim_type::built_in().into_iter().map(|claim_type| claim_type.name).collect(),
        limits: LimitsView {
            evidence_bytes: limits.evidence_bytes,
            json_bytes: limits.json_bytes,
            evidence_per_verification: limits.evidence_per_verification,
            metadata_bytes: limits.metadata_bytes,
            lease_seconds: limits.lease_seconds,
            wait_seconds: LONGEST_WAIT_SECONDS.unsigned_abs(),
        },
    };
    Answer::json(StatusCode::OK, &capabilities)
}
