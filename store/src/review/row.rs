//! A review as it is stored.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use domain::blocker::Blocker;
use domain::id::{ReviewId, TenantId, UserId, VerificationId};
use domain::review::{Part, ReviewStatus};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::schema::reviews;

/// A task for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewRow {
    pub id: ReviewId,
    pub tenant_id: TenantId,
    pub verification_id: VerificationId,
    pub round: i32,
    /// Which answer of its round it wants.
    pub part: Part,
    /// How many independent answers the round wants: 1 or 2.
    pub wanted: u8,
    pub status: ReviewStatus,
    /// Why a person is needed.
    pub blockers: Vec<Blocker>,
    /// The promised time.
    pub due_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub escalated_at: Option<DateTime<Utc>>,
    /// Who escalated it, if a person did.
    pub escalated_by: Option<String>,
    /// When it was said to be urgent, if it was: from then on it counts as due.
    pub boosted_at: Option<DateTime<Utc>>,
    /// Whose it is to answer, if it is somebody's in particular.
    pub assigned_to: Option<UserId>,
    /// Nobody's next until then.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Who had the last lease; it holds until `lease_expires_at`.
    pub lease_holder: Option<String>,
    pub lease_generation: i64,
    pub lease_expires_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = reviews, check_for_backend(diesel::pg::Pg))]
pub(super) struct Raw {
    tenant_id: Uuid,
    id: Uuid,
    verification_id: Uuid,
    round: i32,
    status: String,
    blockers: Value,
    due_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    escalated_at: Option<DateTime<Utc>>,
    lease_holder: Option<String>,
    lease_generation: i64,
    lease_expires_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
    part: i16,
    wanted: i16,
    escalated_by: Option<String>,
    boosted_at: Option<DateTime<Utc>>,
    assigned_to: Option<Uuid>,
    snoozed_until: Option<DateTime<Utc>>,
}

impl ReviewRow {
    /// Where it stands in the queue: at its promised time, or where it was boosted to. The same as in SQL, see `place!`.
    pub fn place(&self) -> DateTime<Utc> {
        self.boosted_at.map_or(self.due_at, |boosted| boosted.min(self.due_at))
    }
}

/// Reads the number of a part.
pub(super) fn read_part(of: impl std::fmt::Display, number: i16) -> Result<Part, StoreError> {
    Part::of(number).ok_or_else(|| StoreError::Corrupt { what: format!("the part of {of}"), source: None })
}

impl TryFrom<Raw> for ReviewRow {
    type Error = StoreError;
    fn try_from(raw: Raw) -> Result<Self, StoreError> {
        let id = ReviewId(raw.id);
        let status =
            ReviewStatus::parse(&raw.status).ok_or_else(|| StoreError::Corrupt { what: format!("the status of {id}"), source: None })?;
        let blockers = serde_json::from_value(raw.blockers).map_err(|error| StoreError::corrupt(format!("the blockers of {id}"), error))?;
        Ok(Self {
            id,
            tenant_id: TenantId(raw.tenant_id),
            verification_id: VerificationId(raw.verification_id),
            round: raw.round,
            part: read_part(id, raw.part)?,
            wanted: u8::try_from(raw.wanted).map_err(|error| StoreError::corrupt(format!("how many answers {id} wants"), error))?,
            status,
            blockers,
            due_at: raw.due_at,
            expires_at: raw.expires_at,
            escalated_at: raw.escalated_at,
            escalated_by: raw.escalated_by,
            boosted_at: raw.boosted_at,
            assigned_to: raw.assigned_to.map(UserId),
            snoozed_until: raw.snoozed_until,
            lease_holder: raw.lease_holder,
            lease_generation: raw.lease_generation,
            lease_expires_at: raw.lease_expires_at,
            version: raw.version,
            created_at: raw.created_at,
            decided_at: raw.decided_at,
        })
    }
}
