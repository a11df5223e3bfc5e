//! What this process saw of late. Results of stages, page images and the hashes of files never change once they are there, so a copy in memory
//! is as good as the store's; the next stage of a verification mostly runs where the one before ran.

use std::time::Duration;

use bytes::Bytes;
use domain::id::{EvidenceId, TenantId};
use moka::sync::Cache;

use crate::evidence::File;

/// Bytes of objects. Some hundred pages with their words and images.
const OBJECT_BYTES: u64 = 64 << 20;
/// Files of evidence, as their rows describe them.
const FILES: u64 = 10_000;
/// What was deleted in the store is forgotten here after this long.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// Cheap to clone; all clones share one memory.
#[derive(Clone)]
pub(crate) struct Recent {
    /// By object key, which names the tenant.
    objects: Cache<String, Bytes>,
    files: Cache<(TenantId, EvidenceId), File>,
}

impl Recent {
    pub fn new() -> Self {
        let weight = |key: &String, bytes: &Bytes| u32::try_from(key.len() + bytes.len()).unwrap_or(u32::MAX);
        Self {
            objects: Cache::builder().max_capacity(OBJECT_BYTES).weigher(weight).time_to_live(KEPT_FOR).build(),
            files: Cache::builder().max_capacity(FILES).time_to_live(KEPT_FOR).build(),
        }
    }

    /// Keeps an object that is in the store, and whose row is committed if it has one.
    pub fn keep_object(&self, key: &str, bytes: Bytes) {
        self.objects.insert(key.to_owned(), bytes);
    }

    pub fn object(&self, key: &str) -> Option<Bytes> {
        self.objects.get(key)
    }

    /// Keeps what the row of a complete file says.
    pub fn keep_file(&self, tenant: TenantId, file: File) {
        self.files.insert((tenant, file.id), file);
    }

    pub fn file(&self, tenant: TenantId, id: EvidenceId) -> Option<File> {
        self.files.get(&(tenant, id))
    }
}
