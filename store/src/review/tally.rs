//! The numbers of the queue for everybody of a tenant at once, so that many open pages cost one count.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::UserId;
use uuid::Uuid;

use super::queue::QueueCounts;
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::TenantTx;
use crate::user;

/// The open reviews of a tenant, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// For whoever holds nothing.
    all: QueueCounts,
    /// What differs for those who hold something, or answered in a round that is open.
    holders: BTreeMap<String, QueueCounts>,
    /// When this was so, by the database's clock.
    pub at: DateTime<Utc>,
}

impl Tally {
    /// The numbers as this holder sees them.
    pub fn of(&self, holder: &str) -> QueueCounts {
        self.holders.get(holder).map_or(self.all, |own| sum(self.all, *own))
    }
}

#[derive(QueryableByName)]
struct Raw {
    #[diesel(sql_type = Nullable<Text>)]
    holder: Option<String>,
    #[diesel(sql_type = Nullable<diesel::sql_types::Uuid>)]
    person: Option<Uuid>,
    #[diesel(embed)]
    counts: QueueCounts,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// Counts the open reviews.
pub async fn tally(tx: &mut TenantTx) -> Result<Tally, StoreError> {
    // One row without a holder, and some for each holder with what differs: who answered in a round is not asked for its other parts.
    let rows: Vec<Raw> = sql("with now as (select clock_timestamp() as at), open as (
            select verification_id, round, part, status, due_at < now.at as overdue, assigned_to,
                case when lease_expires_at > now.at then lease_holder end as holder, coalesce(snoozed_until > now.at, false) as aside
            from reviews, now where tenant_id = $1 and status in ('pending', 'escalated')
        )
        select null::text as holder, null::uuid as person, count(*) filter (where not aside) as waiting, count(*) filter (where overdue) as overdue,
            count(*) filter (where status = 'escalated') as escalated, 0::bigint as mine, 0::bigint as assigned,
            count(*) filter (where aside) as aside, (select at from now) as at
        from open
        union all
        select holder, null, 0, 0, 0, count(*), 0, 0, (select at from now) from open where holder is not null group by holder
        union all
        select null, assigned_to, 0, 0, 0, 0, count(*), 0, (select at from now) from open where assigned_to is not null group by assigned_to
        union all
        select d.holder, null, -count(*) filter (where not o.aside), -count(*) filter (where o.overdue),
            -count(*) filter (where o.status = 'escalated'), 0, 0, -count(*) filter (where o.aside), (select at from now)
        from open o join decisions d on d.tenant_id = $1 and d.verification_id = o.verification_id and d.round = o.round
        where o.part > 1 group by d.holder")
    .uuid(tx.tenant.0)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("count the queue for everybody"))?;
    let mut tally = Tally { all: QueueCounts::default(), holders: BTreeMap::new(), at: DateTime::UNIX_EPOCH };
    for row in rows {
        tally.at = row.at;
        match row.holder.or_else(|| row.person.map(|id| user::actor(UserId(id)))) {
            None => tally.all = row.counts,
            Some(holder) => {
                let own = tally.holders.entry(holder).or_default();
                *own = sum(*own, row.counts);
            }
        }
    }
    Ok(tally)
}

fn sum(a: QueueCounts, b: QueueCounts) -> QueueCounts {
    QueueCounts {
        waiting: a.waiting + b.waiting,
        overdue: a.overdue + b.overdue,
        escalated: a.escalated + b.escalated,
        mine: a.mine + b.mine,
        assigned: a.assigned + b.assigned,
        aside: a.aside + b.aside,
    }
}
