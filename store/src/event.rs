//! The timeline of a verification. Written by the commit of each change, read here.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::VerificationId;
use serde_json::Value;

use crate::error::{StoreError, failed_to};
use crate::schema::events;
use crate::tx::TenantTx;

/// One step.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct EventRow {
    /// From 1, without gaps.
    pub sequence: i64,
    /// As in `verification.accepted`.
    pub kind: String,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub data: Value,
}

impl EventRow {
    /// Without the machine's answer, for whoever is to answer without it.
    pub fn blinded(mut self) -> Self {
        if let Some(data) = self.data.as_object_mut() {
            data.retain(|member, _| !matches!(member.as_str(), "verdict" | "confidence"));
        }
        self
    }
}

/// The steps after a sequence number (0 for all), oldest first.
pub async fn list(tx: &mut TenantTx, id: VerificationId, after_sequence: i64, limit: i64) -> Result<Vec<EventRow>, StoreError> {
    events::table
        .filter(events::tenant_id.eq(tx.tenant.0))
        .filter(events::verification_id.eq(id.0))
        .filter(events::sequence.gt(after_sequence))
        .order(events::sequence)
        .limit(limit)
        .select((events::sequence, events::kind, events::at, events::actor, events::data))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("read a timeline"))
}

/// The last `limit` steps before a sequence number, or of all, oldest first.
pub async fn before(tx: &mut TenantTx, id: VerificationId, before: Option<i64>, limit: i64) -> Result<Vec<EventRow>, StoreError> {
    let mut steps: Vec<EventRow> = events::table
        .filter(events::tenant_id.eq(tx.tenant.0))
        .filter(events::verification_id.eq(id.0))
        .filter(events::sequence.lt(before.unwrap_or(i64::MAX)))
        .order(events::sequence.desc())
        .limit(limit)
        .select((events::sequence, events::kind, events::at, events::actor, events::data))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("read the end of a timeline"))?;
    steps.reverse();
    Ok(steps)
}
