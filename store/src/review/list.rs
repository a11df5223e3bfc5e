//! Reading reviews.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{ReviewId, VerificationId};
use domain::review::ReviewStatus;

use super::row::{Raw, ReviewRow};
use crate::error::{StoreError, failed_to};
use crate::schema::reviews;
use crate::tx::TenantTx;

/// Which reviews, the most pressing first: what is overdue comes first because its time is the earliest.
#[derive(Debug, Clone, Default)]
pub struct ReviewFilter {
    pub status: Option<ReviewStatus>,
    /// Only those that still want a decision.
    pub open: bool,
    /// The last one of the page before, by place and id.
    pub after: Option<(DateTime<Utc>, ReviewId)>,
    pub limit: i64,
}

/// One review.
pub async fn get(tx: &mut TenantTx, id: ReviewId) -> Result<Option<ReviewRow>, StoreError> {
    let raw: Option<Raw> = reviews::table
        .filter(reviews::tenant_id.eq(tx.tenant.0))
        .filter(reviews::id.eq(id.0))
        .select(Raw::as_select())
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("read a review"))?;
    raw.map(ReviewRow::try_from).transpose()
}

/// The reviews of a verification, the latest round and its latest part first.
pub async fn by_verification(tx: &mut TenantTx, id: VerificationId) -> Result<Vec<ReviewRow>, StoreError> {
    let raw: Vec<Raw> = reviews::table
        .filter(reviews::tenant_id.eq(tx.tenant.0))
        .filter(reviews::verification_id.eq(id.0))
        .order((reviews::round.desc(), reviews::part.desc()))
        .select(Raw::as_select())
        .load(tx.connection()?)
        .await
        .map_err(failed_to("read the reviews of a verification"))?;
    raw.into_iter().map(ReviewRow::try_from).collect()
}

/// A page of the queue.
pub async fn list(tx: &mut TenantTx, filter: &ReviewFilter) -> Result<Vec<ReviewRow>, StoreError> {
    let mut query = reviews::table.filter(reviews::tenant_id.eq(tx.tenant.0)).select(Raw::as_select()).into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(reviews::status.eq(status.as_str()));
    }
    if filter.open {
        // Spelt like the condition of the partial index.
        query = query.filter(diesel::dsl::sql::<diesel::sql_types::Bool>("status in ('pending', 'escalated')"));
    }
    // Spelt like the expression of the index.
    let place = || diesel::dsl::sql::<diesel::sql_types::Timestamptz>("least(boosted_at, due_at)");
    if let Some((at, id)) = filter.after {
        query = query.filter(place().ge(at)).filter(place().gt(at).or(reviews::id.gt(id.0)));
    }
    // Ids rise with age, so equal times go by age.
    let raw: Vec<Raw> =
        query.order((place(), reviews::id)).limit(filter.limit).load(tx.connection()?).await.map_err(failed_to("list reviews"))?;
    raw.into_iter().map(ReviewRow::try_from).collect()
}
