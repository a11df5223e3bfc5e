//! What a reviewer typed and has not submitted: one draft per review and person, whoever holds the lease by now.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::ReviewId;
use serde_json::Value;

use crate::error::{StoreError, failed_to};
use crate::schema::drafts;
use crate::sql::sql;
use crate::tx::TenantTx;

/// Keeps a draft in place of the one before. Not of who has answered the review: their draft went with the answer, and a page that is late must
/// not bring it back.
///
/// Locks the review before the draft, as everybody does. Whoever changes the review in the same transaction does that first: this lock is shared,
/// and two who hold it cannot both make it stronger.
pub async fn keep_draft(tx: &mut TenantTx, id: ReviewId, holder: &str, content: &Value) -> Result<(), StoreError> {
    sql("select 1 from reviews where tenant_id = $1 and id = $2 for key share")
        .uuid(tx.tenant.0)
        .uuid(id.0)
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("lock a review"))?;
    // In a statement of its own, whose snapshot is younger than the wait for the lock.
    sql("insert into drafts (tenant_id, review_id, holder, content)
        select tenant_id, id, $3, $4 from reviews where tenant_id = $1 and id = $2
            and not exists (select from decisions where tenant_id = $1 and review_id = $2 and holder = $3)
        on conflict (tenant_id, review_id, holder) do update set content = excluded.content, updated_at = now()")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .text(holder)
    .json(content.clone())
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
