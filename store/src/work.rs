//! What one person has to do with: what they left unfinished, what they decided, and what became of it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Json, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{CommentId, DecisionId, ReviewId, VerificationId};
use domain::verdict::Verdict;
use serde_json::Value;
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::TenantTx;

/// Something typed for an open review that the person does not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftRow {
    pub review_id: ReviewId,
    pub claim_type: String,
    pub claim: Value,
    pub updated_at: DateTime<Utc>,
}

/// An answer that the person gave.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerRow {
    pub id: DecisionId,
    pub verification_id: VerificationId,
    pub claim_type: String,
    pub claim: Value,
    /// What they said on the whole; nothing before the round is settled.
    pub verdict: Option<Verdict>,
    pub decided_at: DateTime<Utc>,
    /// Their round has its word.
    pub settled: bool,
    /// What took the answer's place, if it does not stand.
    pub overturned: Option<Overturned>,
    /// What counts now; nothing before the round is settled.
    pub stands: Option<Verdict>,
}

/// What an answer gave way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overturned {
    /// A third person's word.
    Adjudication,
    /// A correction of what was settled.
    Correction,
}

/// A comment of the person that nobody has dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenComment {
    pub id: CommentId,
    pub verification_id: VerificationId,
    pub claim_type: String,
    pub field: Option<String>,
    pub body: String,
    pub created_at: DateTime<Utc>,
}

/// The person's drafts that wait, the latest first.
pub async fn drafts(tx: &mut TenantTx, holder: &str, limit: i64) -> Result<Vec<DraftRow>, StoreError> {
    #[derive(QueryableByName)]
    struct Raw {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        review_id: Uuid,
        #[diesel(sql_type = Text)]
        claim_type: String,
        #[diesel(sql_type = Json)]
        claim: Value,
        #[diesel(sql_type = Timestamptz)]
        updated_at: DateTime<Utc>,
    }
    let rows: Vec<Raw> = sql("select d.review_id, v.claim_type, v.claim, d.updated_at
        from drafts d join reviews r on r.tenant_id = d.tenant_id and r.id = d.review_id
            join verifications v on v.tenant_id = r.tenant_id and v.id = r.verification_id
        where d.tenant_id = $1 and d.holder = $2 and r.status in ('pending', 'escalated') and d.content::text not in ('{}', 'null')
            and not coalesce(r.lease_holder = $2 and r.lease_expires_at > clock_timestamp(), false)
        order by d.updated_at desc limit $3")
    .uuid(tx.tenant.0)
    .text(holder)
    .i64(limit)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("list a person's drafts"))?;
    let read = |raw: Raw| DraftRow {
        review_id: ReviewId(raw.review_id),
        claim_type: raw.claim_type,
        claim: raw.claim,
        updated_at: raw.updated_at,
    };
    Ok(rows.into_iter().map(read).collect())
}

#[derive(QueryableByName)]
struct RawAnswer {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    verification_id: Uuid,
    #[diesel(sql_type = Text)]
    claim_type: String,
    #[diesel(sql_type = Json)]
    claim: Value,
    #[diesel(sql_type = Nullable<Text>)]
    verdict: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    decided_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    settled: bool,
    #[diesel(sql_type = Nullable<Text>)]
    overturned: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    stands: Option<String>,
}

/// SQL: the person's answers of which this holds too, the latest first. What a round says that is not settled is told to nobody.
macro_rules! answers {
    ($which:literal) => {
        concat!(
            "select m.decision_id as id, m.verification_id, m.claim_type, v.claim, case when m.settled then m.verdict end as verdict, m.decided_at, m.settled, m.overturned,
                case when m.settled and v.finished_at is not null then v.verdict end as stands
            from measures m join verifications v on v.tenant_id = m.tenant_id and v.id = m.verification_id
            where m.tenant_id = $1 and m.actor = $2 and ",
            $which,
            " order by m.decided_at desc, m.decision_id desc limit $3"
        )
    };
}

/// What the person decided, the latest first, before that one if it is given.
pub async fn answers(
    tx: &mut TenantTx,
    actor: &str,
    before: Option<(DateTime<Utc>, DecisionId)>,
    limit: i64,
) -> Result<Vec<AnswerRow>, StoreError> {
    let (at, id) = before.unzip();
    let rows: Vec<RawAnswer> = sql(answers!("($4::timestamptz is null or (m.decided_at, m.decision_id) < ($4, $5))"))
        .uuid(tx.tenant.0)
        .text(actor)
        .i64(limit)
        .maybe_time(at)
        .uuid(id.map_or(Uuid::nil(), |id| id.0))
        .get_results(tx.connection()?)
        .await
        .map_err(failed_to("list a person's answers"))?;
    rows.into_iter().map(answer).collect()
}

/// What the person decided and others decided otherwise since, the latest first.
pub async fn overturned(tx: &mut TenantTx, actor: &str, limit: i64) -> Result<Vec<AnswerRow>, StoreError> {
    let rows: Vec<RawAnswer> = sql(answers!("m.overturned is not null"))
        .uuid(tx.tenant.0)
        .text(actor)
        .i64(limit)
        .get_results(tx.connection()?)
        .await
        .map_err(failed_to("list what was decided otherwise"))?;
    rows.into_iter().map(answer).collect()
}

fn answer(raw: RawAnswer) -> Result<AnswerRow, StoreError> {
    let id = DecisionId(raw.id);
    let corrupt = |what: &str| StoreError::Corrupt { what: format!("{what} of {id}"), source: None };
    let verdict = |word: &str| Verdict::parse(word).ok_or_else(|| corrupt("the verdict"));
    let overturned = match raw.overturned.as_deref() {
        None => None,
        Some("adjudication") => Some(Overturned::Adjudication),
        Some("correction") => Some(Overturned::Correction),
        Some(_) => return Err(corrupt("what became")),
    };
    Ok(AnswerRow {
        id,
        verification_id: VerificationId(raw.verification_id),
        claim_type: raw.claim_type,
        claim: raw.claim,
        verdict: raw.verdict.as_deref().map(verdict).transpose()?,
        decided_at: raw.decided_at,
        settled: raw.settled,
        overturned,
        stands: raw.stands.as_deref().map(verdict).transpose()?,
    })
}

/// The person's comments that nobody has dealt with, the latest first.
pub async fn open_comments(tx: &mut TenantTx, author: &str, limit: i64) -> Result<Vec<OpenComment>, StoreError> {
    #[derive(QueryableByName)]
    struct Raw {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: Uuid,
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        verification_id: Uuid,
        #[diesel(sql_type = Text)]
        claim_type: String,
        #[diesel(sql_type = Nullable<Text>)]
        field: Option<String>,
        #[diesel(sql_type = Text)]
        body: String,
        #[diesel(sql_type = Timestamptz)]
        created_at: DateTime<Utc>,
    }
    let rows: Vec<Raw> = sql("select c.id, c.verification_id, v.claim_type, c.field, c.body, c.created_at
        from comments c join verifications v on v.tenant_id = c.tenant_id and v.id = c.verification_id
        where c.tenant_id = $1 and c.author = $2 and c.resolved_at is null order by c.id desc limit $3")
    .uuid(tx.tenant.0)
    .text(author)
    .i64(limit)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("list a person's comments"))?;
    let read = |raw: Raw| OpenComment {
        id: CommentId(raw.id),
        verification_id: VerificationId(raw.verification_id),
        claim_type: raw.claim_type,
        field: raw.field,
        body: raw.body,
        created_at: raw.created_at,
    };
    Ok(rows.into_iter().map(read).collect())
}
