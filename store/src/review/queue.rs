//! The queue as people see it: reviews with what they are about, and how many there are.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Json, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::blocker::Blocker;
use domain::id::{ReviewId, UserId, VerificationId};
use domain::review::{Part, ReviewStatus};
use serde_json::Value;
use uuid::Uuid;

use super::round::other_eyes;
use super::row::read_part;
use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::TenantTx;
use crate::user;

/// SQL: where a review stands in the queue: at its promised time, or where it was boosted to. `least` passes over nulls.
macro_rules! place {
    ($review:literal) => {
        concat!("least(", $review, ".boosted_at, ", $review, ".due_at)")
    };
}
pub(super) use place;

/// Which open reviews. Everything left out lets all pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueueFilter {
    pub status: Option<ReviewStatus>,
    pub claim_type: Option<String>,
    /// A blocker's kind.
    pub reason: Option<String>,
    /// Only those that this holder has.
    pub holder: Option<String>,
    /// Who looks: parts of a round in which they answered are not theirs, and left out. Nobody in particular sees all.
    pub viewer: Option<String>,
    /// Only those that are this person's to answer.
    pub assigned_to: Option<UserId>,
    /// Only those that were put aside for a while, or only the others.
    pub aside: Option<bool>,
    /// Only those whose promised time has passed.
    pub overdue: bool,
    /// The last one of the page before, by place and id.
    pub after: Option<(DateTime<Utc>, ReviewId)>,
    pub limit: i64,
}

/// One line of the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueItem {
    pub id: ReviewId,
    pub verification_id: VerificationId,
    pub status: ReviewStatus,
    /// Which answer of its round it wants.
    pub part: Part,
    pub claim_type: String,
    pub claim: Value,
    pub blockers: Vec<Blocker>,
    pub due_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    /// Who has it at the moment, and until when.
    pub held: Option<(String, DateTime<Utc>)>,
    /// Where it stands in the queue.
    pub place: DateTime<Utc>,
    pub boosted: bool,
    pub assigned_to: Option<UserId>,
    /// Until when it is put aside, if it is.
    pub aside_until: Option<DateTime<Utc>>,
}

/// How many open reviews there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct QueueCounts {
    /// Those that are not put aside.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    #[diesel(sql_type = BigInt)]
    pub overdue: i64,
    #[diesel(sql_type = BigInt)]
    pub escalated: i64,
    /// Leased by the person who asks.
    #[diesel(sql_type = BigInt)]
    pub mine: i64,
    /// That person's to answer.
    #[diesel(sql_type = BigInt)]
    pub assigned: i64,
    /// Put aside for a while.
    #[diesel(sql_type = BigInt)]
    pub aside: i64,
}

#[derive(QueryableByName)]
struct Raw {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    verification_id: Uuid,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = SmallInt)]
    part: i16,
    #[diesel(sql_type = Text)]
    claim_type: String,
    #[diesel(sql_type = Json)]
    claim: Value,
    #[diesel(sql_type = Json)]
    blockers: Value,
    #[diesel(sql_type = Timestamptz)]
    due_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    holder: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    held_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    place: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    boosted: bool,
    #[diesel(sql_type = Nullable<diesel::sql_types::Uuid>)]
    assigned_to: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    aside_until: Option<DateTime<Utc>>,
}

/// A page of open reviews, the most pressing first.
pub async fn queue(tx: &mut TenantTx, filter: &QueueFilter) -> Result<Vec<QueueItem>, StoreError> {
    // A second answer is given without the machine's reasons, so it is not found by them either. A reason is looked for in the blockers' text, where quotes inside of values are escaped: `->>` fails on a NUL in any value.
    let (after, after_id) = filter.after.unzip();
    let rows: Vec<Raw> = sql(concat!(
        "select r.id, r.verification_id, r.status, r.part, v.claim_type, v.claim, r.blockers, r.due_at, r.created_at,
            case when r.lease_expires_at > clock_timestamp() then r.lease_holder end as holder,
            case when r.lease_expires_at > clock_timestamp() then r.lease_expires_at end as held_until,
            ",
        place!("r"),
        " as place, r.boosted_at is not null as boosted, r.assigned_to,
            case when r.snoozed_until > clock_timestamp() then r.snoozed_until end as aside_until
        from reviews r join verifications v on v.tenant_id = r.tenant_id and v.id = r.verification_id
        where r.tenant_id = $1 and r.status in ('pending', 'escalated')
            and ($2::text is null or r.status = $2) and ($3::text is null or v.claim_type = $3)
            and ($4::text is null or r.part <> 2 and strpos(r.blockers::text, '\"kind\":\"' || $4 || '\"') > 0)
            and ($5::text is null or (r.lease_holder = $5 and r.lease_expires_at > clock_timestamp()))
            and (not $6 or r.due_at < clock_timestamp())
            and ($7::timestamptz is null or (",
        place!("r"),
        ", r.id) > ($7, $8))
            and ($11::uuid is null or r.assigned_to = $11)
            and ($12::boolean is null or $12 = coalesce(r.snoozed_until > clock_timestamp(), false))
            and ",
        other_eyes!("$10"),
        " order by ",
        place!("r"),
        ", r.id limit $9"
    ))
    .uuid(tx.tenant.0)
    .maybe_text(filter.status.map(ReviewStatus::as_str))
    .maybe_text(filter.claim_type.as_deref())
    .maybe_text(filter.reason.as_deref())
    .maybe_text(filter.holder.as_deref())
    .bool(filter.overdue)
    .maybe_time(after)
    .uuid(after_id.map_or(Uuid::nil(), |id| id.0))
    .i64(filter.limit)
    .maybe_text(filter.viewer.as_deref())
    .maybe_uuid(filter.assigned_to.map(|id| id.0))
    .maybe_bool(filter.aside)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("read the queue"))?;
    rows.into_iter().map(read).collect()
}

/// How many wait, of those that this holder may answer.
pub async fn counts(tx: &mut TenantTx, holder: &str) -> Result<QueueCounts, StoreError> {
    sql(concat!(
        "select count(*) filter (where r.snoozed_until is null or r.snoozed_until <= clock_timestamp()) as waiting,
            count(*) filter (where due_at < clock_timestamp()) as overdue, count(*) filter (where status = 'escalated') as escalated,
            count(*) filter (where lease_holder = $2 and lease_expires_at > clock_timestamp()) as mine,
            count(*) filter (where r.assigned_to = $3) as assigned, count(*) filter (where r.snoozed_until > clock_timestamp()) as aside
        from reviews r where r.tenant_id = $1 and r.status in ('pending', 'escalated') and ",
        other_eyes!("$2")
    ))
    .uuid(tx.tenant.0)
    .text(holder)
    .maybe_uuid(user::person(holder).map(|id| id.0))
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("count the queue"))
}

fn read(raw: Raw) -> Result<QueueItem, StoreError> {
    let id = ReviewId(raw.id);
    let status =
        ReviewStatus::parse(&raw.status).ok_or_else(|| StoreError::Corrupt { what: format!("the status of {id}"), source: None })?;
    let blockers = serde_json::from_value(raw.blockers).map_err(|error| StoreError::corrupt(format!("the blockers of {id}"), error))?;
    Ok(QueueItem {
        id,
        verification_id: VerificationId(raw.verification_id),
        status,
        part: read_part(id, raw.part)?,
        claim_type: raw.claim_type,
        claim: raw.claim,
        blockers,
        due_at: raw.due_at,
        created_at: raw.created_at,
        held: raw.holder.zip(raw.held_until),
        place: raw.place,
        boosted: raw.boosted,
        assigned_to: raw.assigned_to.map(UserId),
        aside_until: raw.aside_until,
    })
}
