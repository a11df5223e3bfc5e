//! Results of stages, keyed by content: made once per tenant, stage and version, whoever needs them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::error::{StoreError, failed_to};
use crate::schema::stage_results;
use crate::sql::sql;
use crate::tx::TenantTx;

/// What was made of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageKey<'a> {
    /// SHA-256 over everything that the result depends on, apart from stage and version.
    pub content_hash: &'a [u8; 32],
    pub stage: &'a str,
    /// Engine, its version and parameters.
    pub version: &'a str,
}

/// A result that was stored.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct StageRow {
    /// Where the result lies, unless the row itself holds it.
    pub object_key: String,
    /// A small result.
    pub content: Option<Value>,
    pub run_id: String,
    pub activity_id: String,
    pub attempt: i32,
    pub created_at: DateTime<Utc>,
}

/// A result to be stored.
#[derive(Debug, Clone)]
pub struct NewStageResult<'a> {
    pub key: StageKey<'a>,
    /// Where its object is in place, if it has one.
    pub object_key: &'a str,
    /// The result itself, if it is small enough for its row.
    pub content: Option<Value>,
}

/// Who stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub run_id: String,
    pub activity_id: String,
    /// From 1; a later attempt of the same activity wins.
    pub attempt: i32,
}

/// What storing did.
#[derive(Debug, Clone, PartialEq)]
pub enum PutOutcome {
    Stored,
    /// The result was there: use it.
    Existing(StageRow),
    /// A later attempt of this very activity has stored its result: stop.
    Fenced,
}

/// The result, if it was made before.
pub async fn get(tx: &mut TenantTx, key: &StageKey<'_>) -> Result<Option<StageRow>, StoreError> {
    stage_results::table
        .filter(stage_results::tenant_id.eq(tx.tenant.0))
        .filter(stage_results::content_hash.eq(&key.content_hash[..]))
        .filter(stage_results::stage.eq(key.stage))
        .filter(stage_results::version.eq(key.version))
        .select((
            stage_results::object_key,
            stage_results::content,
            stage_results::run_id,
            stage_results::activity_id,
            stage_results::attempt,
            stage_results::created_at,
        ))
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("look for a stage's result"))
}

/// A result whichever version made it, with the content that it was made of.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct FoundResult {
    pub content_hash: Vec<u8>,
    /// Engine, its version and parameters.
    pub version: String,
    /// Where the result lies, unless the row itself holds it.
    pub object_key: String,
    /// A small result.
    pub content: Option<Value>,
}

/// For each of these contents the newest result of the stage, whichever version made it; nothing for those that have none. In no order.
pub async fn newest(tx: &mut TenantTx, stage: &str, hashes: &[[u8; 32]]) -> Result<Vec<FoundResult>, StoreError> {
    stage_results::table
        .filter(stage_results::tenant_id.eq(tx.tenant.0))
        .filter(stage_results::content_hash.eq_any(hashes.iter().map(|hash| &hash[..])))
        .filter(stage_results::stage.eq(stage))
        .distinct_on(stage_results::content_hash)
        .order((stage_results::content_hash, stage_results::created_at.desc()))
        .select((stage_results::content_hash, stage_results::version, stage_results::object_key, stage_results::content))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("look for the results of a stage"))
}

/// Stores a result. The first one stays.
pub async fn put(tx: &mut TenantTx, new: &NewStageResult<'_>, fence: &Fence) -> Result<PutOutcome, StoreError> {
    let tenant = tx.tenant;
    let stored =
        sql("insert into stage_results (tenant_id, content_hash, stage, version, object_key, content, run_id, activity_id, attempt)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (tenant_id, content_hash, stage, version) do nothing")
        .uuid(tenant.0)
        .bytes(new.key.content_hash)
        .text(new.key.stage)
        .text(new.key.version)
        .text(new.object_key)
        .maybe_json(new.content.clone())
        .text(&fence.run_id)
        .text(&fence.activity_id)
        .i32(fence.attempt)
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("store a stage's result"))?;
    if stored == 1 {
        return Ok(PutOutcome::Stored);
    }
    let Some(row) = get(tx, &new.key).await? else {
        return Err(StoreError::missing("store a stage's result", "a row that was there a moment ago"));
    };
    let overtaken = row.run_id == fence.run_id && row.activity_id == fence.activity_id && row.attempt > fence.attempt;
    Ok(if overtaken { PutOutcome::Fenced } else { PutOutcome::Existing(row) })
}
