//! The secrets of an endpoint: one that signs for good, and those before it, which sign for a day more.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::EndpointId;
use domain::webhook::signature::{Secret, Signer, SigningKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{StoreError, failed_to};
use crate::schema::webhook_endpoints;
use crate::tx::{Change, TenantTx};

/// An old secret signs beside the new one for this long, so that receivers can change over at their leisure.
const OVERLAP: TimeDelta = TimeDelta::hours(24);
/// Secrets that sign at a time: each lengthens the header of every message.
const MAX_SECRETS: usize = 5;
/// Bytes of a new secret; Standard Webhooks asks for 24 to 64.
const SECRET_BYTES: usize = 32;

/// What rotating did.
#[derive(Debug, Clone)]
pub enum RotateOutcome {
    /// The new secret is shown once. The one before signs too until then.
    Rotated {
        secret: Secret,
        old_until: DateTime<Utc>,
    },
    /// As many secrets sign already as may; the oldest of them ends then.
    TooOften {
        until: DateTime<Utc>,
    },
    NotFound,
}

/// A secret as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    secret: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
}

impl Kept {
    fn signs_at(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// Makes a new secret, which signs from now on. The one before goes on signing for a day.
pub async fn rotate(tx: &mut TenantTx, id: EndpointId, now: DateTime<Utc>, actor: &str) -> Result<RotateOutcome, StoreError> {
    let held: Option<Value> = webhook_endpoints::table
        .filter(webhook_endpoints::tenant_id.eq(tx.tenant.0))
        .filter(webhook_endpoints::id.eq(id.0))
        .filter(webhook_endpoints::deleted_at.is_null())
        .select(webhook_endpoints::secrets)
        .for_update()
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("read the secrets of a webhook endpoint"))?;
    let Some(held) = held else { return Ok(RotateOutcome::NotFound) };
    let mut kept = read_secrets(id, held)?;
    kept.retain(|secret| secret.signs_at(now));
    if kept.len() >= MAX_SECRETS {
        let until = kept.iter().filter_map(|secret| secret.expires_at).min().unwrap_or(now);
        return Ok(RotateOutcome::TooOften { until });
    }
    let old_until = now + OVERLAP;
    for secret in &mut kept {
        secret.expires_at = Some(secret.expires_at.map_or(old_until, |end| end.min(old_until)));
    }
    let secret = new_secret()?;
    kept.insert(0, Kept { secret: secret.reveal(), expires_at: None });
    diesel::update(webhook_endpoints::table.find((tx.tenant.0, id.0)))
        .set((
            webhook_endpoints::secrets.eq(write(&kept)?),
            webhook_endpoints::updated_at.eq(diesel::dsl::now),
            webhook_endpoints::version.eq(webhook_endpoints::version + 1),
        ))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("rotate the secret of a webhook endpoint"))?;
    tx.record(Change::of("webhook.secret_rotated", actor, id, json!({ "old_until": old_until })));
    Ok(RotateOutcome::Rotated { secret, old_until })
}

pub(super) fn new_secret() -> Result<Secret, StoreError> {
    Secret::new(rand::random::<[u8; SECRET_BYTES]>().to_vec())
        .map_err(|error| StoreError::Query { doing: "make a webhook secret", source: error.into() })
}

/// What a new endpoint keeps.
pub(super) fn first(secret: &Secret) -> Result<Value, StoreError> {
    write(&[Kept { secret: secret.reveal(), expires_at: None }])
}

fn write(kept: &[Kept]) -> Result<Value, StoreError> {
    serde_json::to_value(kept).map_err(|error| StoreError::Query { doing: "write webhook secrets", source: error.into() })
}

fn read_secrets(id: EndpointId, held: Value) -> Result<Vec<Kept>, StoreError> {
    // The cause may quote what it could not read, so it is left out.
    serde_json::from_value(held).map_err(|_| unreadable(id))
}

/// What signs now, newest first.
pub(super) fn signers(id: EndpointId, held: Value, now: DateTime<Utc>) -> Result<Vec<Signer>, StoreError> {
    let live = read_secrets(id, held)?.into_iter().filter(|kept| kept.signs_at(now));
    live.map(|kept| {
        if kept.secret.starts_with("whsk_") {
            SigningKey::parse(&kept.secret).map(Signer::Ed25519).map_err(|_| unreadable(id))
        } else {
            Secret::parse(&kept.secret).map(Signer::Hmac).map_err(|_| unreadable(id))
        }
    })
    .collect()
}

fn unreadable(id: EndpointId) -> StoreError {
    StoreError::Corrupt { what: format!("the secrets of webhook endpoint {id}"), source: None }
}
