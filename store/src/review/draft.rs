//! What a reviewer typed and has not submitted: one draft per review and person, whoever holds the lease by now.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::ReviewId;
use serde_json::Value;

use crate::error::{StoreError, failed_to};
use crate::schema::drafts;
use crate::tx::TenantTx;

/// Keeps a draft in place of the one before.
pub async fn keep_draft(tx: &mut TenantTx, id: ReviewId, holder: &str, content: &Value) -> Result<(), StoreError> {
    diesel::insert_into(drafts::table)
        .values((drafts::tenant_id.eq(tx.tenant.0), drafts::review_id.eq(id.0), drafts::holder.eq(holder), drafts::content.eq(content)))
        .on_conflict((drafts::tenant_id, drafts::review_id, drafts::holder))
        .do_update()
        .set((drafts::content.eq(content), drafts::updated_at.eq(diesel::dsl::now)))
        .execute(tx.connection()?)
        .await
        .map(|_| ())
        .map_err(failed_to("keep a draft"))
}

/// The person's draft, if they typed anything.
pub async fn draft(tx: &mut TenantTx, id: ReviewId, holder: &str) -> Result<Option<Value>, StoreError> {
    drafts::table
        .filter(drafts::tenant_id.eq(tx.tenant.0))
        .filter(drafts::review_id.eq(id.0))
        .filter(drafts::holder.eq(holder))
        .select(drafts::content)
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("read a draft"))
}
