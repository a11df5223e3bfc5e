//! From queued to processing, and how far.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::VerificationId;
use domain::verification::Status;
use serde_json::json;

use super::row::{Progress, read_status, to_json};
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    sequence: Option<i64>,
}

#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = BigInt)]
    sequence: i64,
}

/// The workflow runs: the order to start it is fulfilled. Returns the status that holds now; repeating it changes nothing.
pub async fn mark_processing(tx: &mut TenantTx, id: VerificationId) -> Result<Status, StoreError> {
    let tenant = tx.tenant;
    let moved: Option<Moved> = sql("with old as (
            select id, status from verifications where tenant_id = $1 and id = $2 for no key update
        ), started as (
            delete from outbox where tenant_id = $1 and id = $2 and kind = 'start'
        ), changed as (
            update verifications v set status = 'processing', updated_at = now(), version = version + 1, sequence = sequence + 1
            from old where v.tenant_id = $1 and v.id = old.id and old.status = 'queued'
            returning v.sequence
        )
        select old.status, changed.sequence from old left join changed on true")
    .uuid(tenant.0)
    .uuid(id.0)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("mark a verification as processing"))?;
    let moved = moved.ok_or_else(|| StoreError::missing("mark as processing", id))?;
    let Some(sequence) = moved.sequence else { return read_status(id, &moved.status) };
    tx.record(Change::step("verification.processing", "system", id, sequence, json!({ "status": Status::Processing })));
    tx.notify(id, sequence);
    Ok(Status::Processing)
}

/// Shows how far the work of this round is. No event and no audit link: nothing is decided by it. Ignored while no machine works, and where a block that was
/// begun again after its worker died tells less of its stage than was shown before.
pub async fn set_progress(tx: &mut TenantTx, id: VerificationId, progress: &Progress) -> Result<(), StoreError> {
    let tenant = tx.tenant;
    let touched: Option<Touched> = sql("update verifications set progress = $1, updated_at = now(), version = version + 1
        where tenant_id = $2 and id = $3 and status in ('queued', 'processing')
        and not coalesce(progress->>'stage' = $1->>'stage' and (progress->>'blocks_done')::bigint > ($1->>'blocks_done')::bigint, false)
        returning sequence")
    .json(to_json("write progress", progress)?)
    .uuid(tenant.0)
    .uuid(id.0)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("show progress"))?;
    if let Some(touched) = touched {
        tx.notify(id, touched.sequence);
    }
    Ok(())
}
