//! Idempotency keys: which request used a key first, and what it was answered.

use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool, Json, Nullable, SmallInt};
use diesel_async::RunQueryDsl;
use domain::id::VerificationId;
use serde_json::Value;

use crate::error::{StoreError, failed_to};
use crate::schema::idempotency_keys;
use crate::sql::sql;
use crate::tx::{RelayTx, TenantTx};
use crate::verification::IdempotencyKey;

/// Keys are kept for two days: clients are promised one.
pub const RETENTION_HOURS: i32 = 48;

/// An answer to be given again.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredResponse {
    pub status: u16,
    /// An object of header names and values; which headers are kept is the gateway's choice.
    pub headers: Value,
    pub body: Vec<u8>,
}

/// What a key means for the request at hand.
#[derive(Debug, Clone, PartialEq)]
pub enum Begin {
    /// Nobody used it: it is taken now, if the transaction commits.
    Fresh,
    /// The same request was answered before. `None` when its answer was never stored.
    Replay(Option<StoredResponse>),
    /// Another request used it.
    Mismatch,
    /// The first request with it is being worked on right now.
    Busy,
}

/// A key's row.
#[derive(Debug)]
pub(crate) struct Used {
    pub fingerprint: Vec<u8>,
    pub verification_id: Option<VerificationId>,
    pub response: Option<StoredResponse>,
}

pub(crate) enum Known {
    Unused,
    Used(Used),
    Busy,
}

#[derive(QueryableByName)]
struct Looked {
    #[diesel(sql_type = Bool)]
    free: bool,
    #[diesel(sql_type = Nullable<Binary>)]
    fingerprint: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<diesel::sql_types::Uuid>)]
    verification_id: Option<uuid::Uuid>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    response_status: Option<i16>,
    #[diesel(sql_type = Nullable<Json>)]
    response_headers: Option<Value>,
    #[diesel(sql_type = Nullable<Binary>)]
    response_body: Option<Vec<u8>>,
}

/// Takes the key's lock until the end of the transaction, if it is free, and reads its row.
///
/// The lock dies with its transaction, so a gateway that crashes leaves none behind.
pub(crate) async fn look(tx: &mut TenantTx, key: &IdempotencyKey) -> Result<Known, StoreError> {
    let tenant = tx.tenant;
    let name = format!("assay.idempotency:{}:{}", tenant.0, key.key);
    let looked: Looked = sql("select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as free,
            k.fingerprint, k.verification_id, k.response_status, k.response_headers, k.response_body
        from (select 1) one left join idempotency_keys k on k.tenant_id = $2 and k.key = $3")
    .text(&name)
    .uuid(tenant.0)
    .text(&key.key)
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("look an idempotency key up"))?;
    if let Some(fingerprint) = looked.fingerprint {
        let response = looked.response_status.map(|status| StoredResponse {
            status: status.unsigned_abs(),
            headers: looked.response_headers.unwrap_or_default(),
            body: looked.response_body.unwrap_or_default(),
        });
        return Ok(Known::Used(Used { fingerprint, verification_id: looked.verification_id.map(VerificationId), response }));
    }
    Ok(if looked.free { Known::Unused } else { Known::Busy })
}

/// Starts a request under a key, for every call but a submission (which does this itself).
pub async fn begin(tx: &mut TenantTx, key: &IdempotencyKey) -> Result<Begin, StoreError> {
    match look(tx, key).await? {
        Known::Busy => return Ok(Begin::Busy),
        Known::Used(used) => return Ok(replay(used, key)),
        Known::Unused => {}
    }
    let tenant = tx.tenant;
    let taken = sql("insert into idempotency_keys (tenant_id, key, fingerprint, expires_at)
        values ($1, $2, $3, now() + make_interval(hours => $4)) on conflict (tenant_id, key) do nothing")
    .uuid(tenant.0)
    .text(&key.key)
    .bytes(&key.fingerprint)
    .i32(RETENTION_HOURS)
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("take an idempotency key"))?;
    if taken == 1 {
        return Ok(Begin::Fresh);
    }
    // Another request committed the key between our look and our lock.
    Ok(match look(tx, key).await? {
        Known::Used(used) => replay(used, key),
        Known::Busy | Known::Unused => Begin::Busy,
    })
}

/// Keeps the answer of the request that took the key; a later answer replaces it.
pub async fn store_response(tx: &mut TenantTx, key: &str, response: &StoredResponse) -> Result<(), StoreError> {
    let row = idempotency_keys::table.filter(idempotency_keys::tenant_id.eq(tx.tenant.0)).filter(idempotency_keys::key.eq(key));
    diesel::update(row)
        .set((
            idempotency_keys::response_status.eq(i16::try_from(response.status).ok()),
            idempotency_keys::response_headers.eq(Some(&response.headers)),
            idempotency_keys::response_body.eq(Some(&response.body)),
        ))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("keep a response"))?;
    Ok(())
}

/// Forgets keys that have outlived their promise, and says how many.
pub async fn sweep(tx: &mut RelayTx, limit: i64) -> Result<usize, StoreError> {
    sql("delete from idempotency_keys where (tenant_id, key) in (
            select tenant_id, key from idempotency_keys where expires_at < now() order by expires_at limit $1
        )")
    .i64(limit)
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("forget old idempotency keys"))
}

fn replay(used: Used, key: &IdempotencyKey) -> Begin {
    if used.fingerprint == key.fingerprint { Begin::Replay(used.response) } else { Begin::Mismatch }
}
