//! How often an engine was tried on one piece of work, and how that ended. Temporal counts attempts whatever ended them; here a store that
//! was away costs nothing, and an attempt that took its worker with it is not forgotten.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::error::{StoreError, failed_to};
use crate::schema::stage_tries;
use crate::sql::sql;
use crate::stage::Fence;
use crate::tx::TenantTx;

/// What became of the attempts of one activity so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Queryable)]
pub struct Tries {
    /// Began, and were never heard of again.
    pub lost: i32,
    /// Came back because the engine failed.
    pub failed: i32,
}

/// What is known of the activity's attempts; nothing is all zeros.
pub async fn get(tx: &mut TenantTx, of: &Fence) -> Result<Tries, StoreError> {
    stage_tries::table
        .filter(stage_tries::tenant_id.eq(tx.tenant.0))
        .filter(stage_tries::run_id.eq(&of.run_id))
        .filter(stage_tries::activity_id.eq(&of.activity_id))
        .select((stage_tries::lost, stage_tries::failed))
        .first(tx.connection()?)
        .await
        .optional()
        .map(Option::unwrap_or_default)
        .map_err(failed_to("look for earlier tries"))
}

/// Enters an attempt that begins, as lost until it comes back.
pub async fn begin(tx: &mut TenantTx, of: &Fence) -> Result<(), StoreError> {
    add(tx, of, Tries { lost: 1, failed: 0 }).await
}

/// An attempt that [`begin`] entered is back, whatever ended it.
pub async fn came_back(tx: &mut TenantTx, of: &Fence) -> Result<(), StoreError> {
    add(tx, of, Tries { lost: -1, failed: 0 }).await
}

/// Enters that the engine failed an attempt. Gives back what is known now.
pub async fn fail(tx: &mut TenantTx, of: &Fence) -> Result<Tries, StoreError> {
    add(tx, of, Tries { lost: 0, failed: 1 }).await?;
    get(tx, of).await
}

/// Forgets the tries of an activity that succeeded.
pub async fn forget(tx: &mut TenantTx, of: &Fence) -> Result<(), StoreError> {
    let mine = stage_tries::table
        .filter(stage_tries::tenant_id.eq(tx.tenant.0))
        .filter(stage_tries::run_id.eq(&of.run_id))
        .filter(stage_tries::activity_id.eq(&of.activity_id));
    diesel::delete(mine).execute(tx.connection()?).await.map(|_| ()).map_err(failed_to("forget earlier tries"))
}

async fn add(tx: &mut TenantTx, of: &Fence, more: Tries) -> Result<(), StoreError> {
    let tenant = tx.tenant;
    sql("insert into stage_tries (tenant_id, run_id, activity_id, lost, failed) values ($1, $2, $3, greatest($4, 0), $5)
        on conflict (tenant_id, run_id, activity_id)
        do update set lost = greatest(stage_tries.lost + $4, 0), failed = stage_tries.failed + $5, changed_at = now()")
    .uuid(tenant.0)
    .text(&of.run_id)
    .text(&of.activity_id)
    .i32(more.lost)
    .i32(more.failed)
    .execute(tx.connection()?)
    .await
    .map(|_| ())
    .map_err(failed_to("count a try"))
}
