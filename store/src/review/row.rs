//! A review as it is stored.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use domain::blocker::Blocker;
use domain::id::{ReviewId, TenantId, VerificationId};
use domain::review::ReviewStatus;
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
    pub status: ReviewStatus,
    /// Why a person is needed.
    pub blockers: Vec<Blocker>,
    /// The promised time.
    pub due_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub escalated_at: Option<DateTime<Utc>>,
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
            status,
            blockers,
            due_at: raw.due_at,
            expires_at: raw.expires_at,
            escalated_at: raw.escalated_at,
            lease_holder: raw.lease_holder,
            lease_generation: raw.lease_generation,
            lease_expires_at: raw.lease_expires_at,
            version: raw.version,
            created_at: raw.created_at,
            decided_at: raw.decided_at,
        })
    }
}
