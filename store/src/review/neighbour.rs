//! The open reviews next to one in the queue's order, for who looks through them without taking any.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::ReviewId;
use uuid::Uuid;

use super::queue::place;
use super::round::other_eyes;
use crate::error::{StoreError, failed_to};
use crate::sql::{Sql, sql};
use crate::tx::TenantTx;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
}

/// The open review after this one, of those that the viewer may answer. None at the end, and where there is no such review.
pub async fn after(tx: &mut TenantTx, id: ReviewId, viewer: &str) -> Result<Option<ReviewId>, StoreError> {
    let next = sql(concat!(
        "select r.id from reviews r where r.tenant_id = $1 and r.status in ('pending', 'escalated')
            and (",
        place!("r"),
        ", r.id) > (select ",
        place!("o"),
        ", o.id from reviews o where o.tenant_id = $1 and o.id = $2) and ",
        other_eyes!("$3"),
        " order by ",
        place!("r"),
        ", r.id limit 1"
    ));
    found(tx, next, id, viewer).await
}

/// The open review before this one.
pub async fn before(tx: &mut TenantTx, id: ReviewId, viewer: &str) -> Result<Option<ReviewId>, StoreError> {
    let previous = sql(concat!(
        "select r.id from reviews r where r.tenant_id = $1 and r.status in ('pending', 'escalated')
            and (",
        place!("r"),
        ", r.id) < (select ",
        place!("o"),
        ", o.id from reviews o where o.tenant_id = $1 and o.id = $2) and ",
        other_eyes!("$3"),
        " order by ",
        place!("r"),
        " desc, r.id desc limit 1"
    ));
    found(tx, previous, id, viewer).await
}

async fn found<'a>(tx: &mut TenantTx, statement: Sql<'a>, id: ReviewId, viewer: &'a str) -> Result<Option<ReviewId>, StoreError> {
    let tenant = tx.tenant.0;
    let found: Option<Found> = statement
        .uuid(tenant)
        .uuid(id.0)
        .text(viewer)
        .get_result(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("look for the review beside one"))?;
    Ok(found.map(|found| ReviewId(found.id)))
}
