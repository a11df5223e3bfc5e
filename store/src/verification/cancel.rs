//! A client's wish to stop. The workflow decides when; the wish is kept until the engine has heard it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::VerificationId;
use domain::verification::Status;
use serde_json::json;
use uuid::Uuid;

use super::row::read_status;
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

/// What became of the wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// Kept, now or before.
    Requested,
    AlreadyTerminal(Status),
    NotFound,
}

#[derive(QueryableByName)]
struct Asked {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    sequence: Option<i64>,
}

/// Asks for the end of a verification, once.
pub async fn request_cancel(tx: &mut TenantTx, id: VerificationId, actor: &str) -> Result<CancelOutcome, StoreError> {
    let tenant = tx.tenant;
    let asked: Option<Asked> = sql("with old as (
            select id, status, finished_at is null and cancel_requested_at is null as open
            from verifications where tenant_id = $1 and id = $2 for no key update
        ), changed as (
            update verifications v set cancel_requested_at = now(), updated_at = now(), version = version + 1, sequence = sequence + 1
            from old where v.tenant_id = $1 and v.id = old.id and old.open
            returning v.sequence
        ), ordered as (
            insert into outbox (tenant_id, id, verification_id, kind, payload) select $1, $3, $2, 'cancel', '{}' from changed
        )
        select old.status, changed.sequence from old left join changed on true")
    .uuid(tenant.0)
    .uuid(id.0)
    .uuid(Uuid::now_v7())
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("ask for a cancellation"))?;
    let Some(asked) = asked else { return Ok(CancelOutcome::NotFound) };
    let status = read_status(id, &asked.status)?;
    if status.is_terminal() {
        return Ok(CancelOutcome::AlreadyTerminal(status));
    }
    if let Some(sequence) = asked.sequence {
        tx.record(Change::step("verification.cancel_requested", actor, id, sequence, json!({ "status": status })));
        tx.notify(id, sequence);
    }
    Ok(CancelOutcome::Requested)
}
