//! What claiming, renewing and deciding share: who asks, for how long, and the engine's timer behind each lease.

use axum::http::StatusCode;
use domain::id::ReviewId;
use serde_json::Value;
use store::TenantTx;
use store::review::{self, Lease};
use utoipa::ToSchema;

use super::error::Error;
use super::view::{Review, TakenLease};
use crate::answer::Answer;
use crate::auth::Caller;
use crate::engine::LeaseChange;
use crate::input::Fields;
use crate::relay;
use crate::state::{AppState, Limits};
use crate::v1::reviewer::holder;

/// Long enough to read a page, short enough that a closed laptop does not hold a task for the morning. In seconds.
const USUAL: u64 = 300;
/// Below this a renewal could come too late over a slow line. In seconds.
const SHORTEST: u64 = 5;
/// Longest token taken; ours have 43 characters.
const LONGEST_TOKEN: usize = 100;

/// Who wants it, and for how long.
#[derive(ToSchema)]
#[schema(as = LeaseWish)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Wish {
    /// The reviewer behind the key, as the client names them: an opaque id, not a person's name.
    #[schema(max_length = 100)]
    reviewer: Option<String>,
    /// 5 to 3,600; 300 when left out.
    lease_seconds: Option<u64>,
}

/// Proof of holding it.
#[derive(ToSchema)]
#[schema(as = LeaseProof)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Proof {
    /// As claiming it returned it.
    token: String,
    generation: i64,
    /// For renewing: 5 to 3,600; 300 when left out.
    lease_seconds: Option<u64>,
}

/// How long the lease is to last.
pub(super) fn seconds(fields: &mut Fields<'_>, limits: &Limits) -> u64 {
    let most = i64::try_from(limits.lease_seconds).unwrap_or(i64::MAX);
    fields.optional_integer("lease_seconds", SHORTEST as i64, most).map_or(USUAL, i64::unsigned_abs)
}

/// The token and generation of a lease.
pub(super) fn proof(fields: &mut Fields<'_>) -> (String, i64) {
    (fields.text("token", LONGEST_TOKEN), fields.integer("generation", 1, i64::MAX))
}

/// What a claim asks for.
pub(super) fn wish(caller: &Caller, body: &Value, limits: &Limits) -> Result<(String, u64), Error> {
    let mut fields = Fields::of(body);
    let wish = (holder(caller, &mut fields), seconds(&mut fields, limits));
    fields.finish()?;
    Ok(wish)
}

/// The answer to a claim: the lease with its review, and what its holder is to see.
pub(super) async fn taken(state: &AppState, tx: &mut TenantTx, lease: Lease, holder: &str) -> Result<Answer, Error> {
    let row = review::get(tx, lease.review_id).await?.ok_or(Error::NotFound)?;
    let shown = Review::whole(tx, row, state.clock.now(), holder).await?;
    Ok(Answer::json(StatusCode::OK, &TakenLease::of(lease, shown))?)
}

/// Starts the timer that gives the lease back. The outbox row starts it if we cannot.
pub(super) async fn start_timer(state: &AppState, change: LeaseChange) {
    relay::try_now(state, "lease", state.engine.lease_changed(change)).await;
}

/// Of which verification a review is, for the engine.
pub(super) async fn change(tx: &mut TenantTx, id: ReviewId, lease: &Lease, seconds: u64) -> Result<LeaseChange, Error> {
    let row = review::get(tx, id).await?.ok_or(Error::NotFound)?;
    let Lease { part, round_id, generation, .. } = *lease;
    Ok(LeaseChange { tenant_id: row.tenant_id, verification_id: row.verification_id, review_id: id, part, round_id, generation, seconds })
}
