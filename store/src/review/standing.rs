//! What an open page of the desk must know of its review from moment to moment, read in one statement.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::ReviewId;
use domain::review::ReviewStatus;

use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::TenantTx;

/// How a review stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub status: ReviewStatus,
    /// A person handed it to a lead.
    pub for_lead: bool,
    /// Who holds it, the number of the lease, and until when; nothing where the lease has run out.
    pub held: Option<(String, i64, DateTime<Utc>)>,
    /// Why the running lease was taken from somebody, if it was.
    pub taken_over: Option<String>,
    /// When this was so, by the database's clock.
    pub at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Raw {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Bool)]
    for_lead: bool,
    #[diesel(sql_type = Nullable<Text>)]
    holder: Option<String>,
    #[diesel(sql_type = BigInt)]
    generation: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    taken_over: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// How a review stands now. None when there is no such review of this tenant.
pub async fn standing(tx: &mut TenantTx, id: ReviewId) -> Result<Option<Standing>, StoreError> {
    let raw: Option<Raw> = sql("select status, escalated_by is not null as for_lead, lease_generation as generation, now.at,
            case when lease_expires_at > now.at then lease_holder end as holder,
            case when lease_expires_at > now.at then lease_expires_at end as until,
            case when lease_expires_at > now.at and taken_over_generation = lease_generation then taken_over_reason end as taken_over
        from reviews, (select clock_timestamp() as at) now where tenant_id = $1 and id = $2")
    .uuid(tx.tenant.0)
    .uuid(id.0)
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("see how a review stands"))?;
    let Some(raw) = raw else { return Ok(None) };
    let status =
        ReviewStatus::parse(&raw.status).ok_or_else(|| StoreError::Corrupt { what: format!("the status of {id}"), source: None })?;
    let held = raw.holder.zip(raw.until).map(|(holder, until)| (holder, raw.generation, until));
    Ok(Some(Standing { status, for_lead: raw.for_lead, held, taken_over: raw.taken_over, at: raw.at }))
}
