//! A holder puts a review aside: it goes to themselves for later, to somebody else, or to a lead. Skipping is not reviewing.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;
use domain::id::{ReviewId, VerificationId};
use domain::queue::{SkipTo, aside_until};
use serde_json::json;
use uuid::Uuid;

use super::escalate::{HANDED_ON, escalate};
use super::lease::Proof;
use super::list::get;
use crate::comment;
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::{Change, TenantTx};
use crate::user;

/// Reviews put aside; label `target` (`mine`, `others`, `lead`).
const SKIPS: &str = "assay_review_skips_total";

/// What is put aside, by whom, and why.
#[derive(Debug, Clone, Copy)]
pub struct NewSkip<'a> {
    pub review_id: ReviewId,
    /// Of the lease under which it is put aside.
    pub proof: Proof<'a>,
    pub generation: i64,
    pub holder: &'a str,
    pub to: SkipTo,
    /// For so many seconds it is nobody's next; 0 for none.
    pub seconds: u32,
    /// What whoever comes next should know. Kept as a comment.
    pub note: &'a str,
}

/// What putting aside did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipOutcome {
    Skipped {
        /// Until when it is nobody's next.
        until: Option<DateTime<Utc>>,
    },
    /// Its promised time has passed, so it cannot wait. Nothing was changed.
    Overdue,
    LeaseLost,
    NotFound,
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    verification_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    due_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// Gives the lease back and says who is to answer instead.
pub async fn skip(tx: &mut TenantTx, new: &NewSkip<'_>) -> Result<SkipOutcome, StoreError> {
    let id = new.review_id;
    let (token, holder) = new.proof.columns();
    let tenant = tx.tenant.0;
    let held: Option<Held> = sql("select verification_id, due_at, clock_timestamp() as at from reviews
        where tenant_id = $1 and id = $2 and status in ('pending', 'escalated') and ($3::bytea is null or lease_token_sha256 = $3)
            and ($5::text is null or lease_holder = $5) and lease_generation = $4 and lease_expires_at > clock_timestamp()
        for update")
    .uuid(tenant)
    .uuid(id.0)
    .maybe_bytes(token.as_ref().map(|digest| &digest[..]))
    .i64(new.generation)
    .maybe_text(holder)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("lock a lease"))?;
    let Some(held) = held else {
        return Ok(if get(tx, id).await?.is_some() { SkipOutcome::LeaseLost } else { SkipOutcome::NotFound });
    };
    let until = aside_until(held.at, new.seconds, held.due_at);
    if new.seconds > 0 && until.is_none() {
        return Ok(SkipOutcome::Overdue);
    }
    // Whoever keeps it has it assigned to them; whoever leaves it to others has not, whatever was assigned before.
    sql("with skipped as (
            insert into skips (tenant_id, review_id, lease_generation, actor, target) values ($1, $2, $3, $4, $5)
        )
        update reviews set lease_holder = null, lease_token_sha256 = null, lease_expires_at = null, version = version + 1, snoozed_until = $6,
            assigned_at = case when $5 = 'mine' then now() else assigned_at end,
            assigned_to = case when $5 = 'mine' then $7 when assigned_to = $7 then null else assigned_to end
        where tenant_id = $1 and id = $2")
    .uuid(tenant)
    .uuid(id.0)
    .i64(new.generation)
    .text(new.holder)
    .text(new.to.as_str())
    .maybe_time(until)
    .maybe_uuid(user::person(new.holder).map(|id| id.0))
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("put a review aside"))?;
    let comment = comment::add(tx, VerificationId(held.verification_id), None, new.holder, new.note).await?;
    let data = json!({ "generation": new.generation, "target": new.to.as_str(), "until": until, "comment_id": comment });
    tx.record(Change::of("review.skipped", new.holder, id, data));
    if new.to == SkipTo::Lead {
        escalate(tx, id, new.holder, HANDED_ON).await?;
    }
    Ok(SkipOutcome::Skipped { until })
}

/// Counts one, once it is committed.
pub fn count_skip(id: ReviewId, to: SkipTo) {
    metrics::counter!(SKIPS, "target" => to.as_str()).increment(1);
    tracing::info!(review.id = %id, target_person = to.as_str(), "A reviewer put {id} aside");
}
