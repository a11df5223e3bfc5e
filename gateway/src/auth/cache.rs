//! Keys seen a moment ago, so that not every request asks the database. A revoked key works for as long as an entry lives.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use store::api_key::ApiKeyRow;
use tokio::time::Instant;

use crate::metrics::Metric;

/// How long an entry lives: the longest that a revocation takes to reach every gateway.
const LIFE: Duration = Duration::from_secs(30);
/// Entries at most; a few hundred bytes each.
const CAPACITY: usize = 10_000;

/// Found keys only: unknown ones are not worth memory that strangers could fill.
#[derive(Default)]
pub struct KeyCache {
    entries: Mutex<HashMap<[u8; 32], (Instant, ApiKeyRow)>>,
}

impl KeyCache {
    /// The key's row, if it was looked up a moment ago.
    pub fn find(&self, presented: &str) -> Option<ApiKeyRow> {
        let entries = self.lock();
        let (since, row) = entries.get(&hash(presented))?;
        if since.elapsed() >= LIFE {
            return None;
        }
        metrics::counter!(Metric::AuthCacheHitsTotal.as_str()).increment(1);
        Some(row.clone())
    }

    /// Keeps a row that was just looked up.
    pub fn remember(&self, presented: &str, row: &ApiKeyRow) {
        let mut entries = self.lock();
        if entries.len() >= CAPACITY {
            entries.retain(|_, (since, _)| since.elapsed() < LIFE);
        }
        // Full of live entries: this one is looked up each time.
        if entries.len() < CAPACITY {
            entries.insert(hash(presented), (Instant::now(), row.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], (Instant, ApiKeyRow)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory holds no key in clear.
fn hash(presented: &str) -> [u8; 32] {
    Sha256::digest(presented).into()
}

#[cfg(test)]
mod tests {
    use domain::id::{KeyId, TenantId};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_entry_lives_for_half_a_minute() {
        let cache = KeyCache::default();
        let row = ApiKeyRow {
            id: KeyId::new(),
            tenant_id: TenantId::new(),
            prefix: "abcdefgh".into(),
            name: "test".into(),
            scopes: Vec::new(),
            livemode: true,
            created_at: chrono::DateTime::UNIX_EPOCH,
            expires_at: None,
            revoked_at: None,
        };
        assert!(cache.find("key").is_none());
        cache.remember("key", &row);
        assert_eq!(cache.find("key").as_ref(), Some(&row));
        tokio::time::advance(LIFE).await;
        assert!(cache.find("key").is_none());
    }
}
