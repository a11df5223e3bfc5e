//! Objects in memory, for tests of everything above the store. Behaves as S3 does, checks included.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::Utc;
use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use super::{ByteStream, ObjectError, ObjectMeta, Objects, PresignedRequest, PutOutcome, Uploaded};

/// A bucket that is forgotten with its process.
#[derive(Default)]
pub struct MemoryObjects {
    objects: Mutex<BTreeMap<String, (Bytes, String)>>,
}

impl MemoryObjects {
    /// An empty bucket.
    pub fn new() -> Self {
        Self::default()
    }

    /// All keys, in order: for tests that look for what was left behind.
    pub fn keys(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Bytes, String)>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(bytes: &[u8], sha256: &[u8; 32]) -> Result<(), ObjectError> {
    let found: [u8; 32] = Sha256::digest(bytes).into();
    if found == *sha256 { Ok(()) } else { Err(ObjectError::ChecksumMismatch) }
}

fn presigned(method: &str, key: &str, headers: Vec<(String, String)>, ttl: Duration) -> PresignedRequest {
    PresignedRequest { url: format!("memory:///{key}"), method: method.to_owned(), headers, expires_at: Utc::now() + ttl }
}

#[async_trait]
impl Objects for MemoryObjects {
    async fn put_if_absent(&self, key: &str, bytes: Bytes, media_type: &str, sha256: [u8; 32]) -> Result<PutOutcome, ObjectError> {
        check(&bytes, &sha256)?;
        let mut objects = self.lock();
        if objects.contains_key(key) {
            return Ok(PutOutcome::AlreadyThere);
        }
        objects.insert(key.to_owned(), (bytes, media_type.to_owned()));
        Ok(PutOutcome::Stored)
    }

    async fn put(&self, key: &str, bytes: Bytes, media_type: &str, sha256: [u8; 32]) -> Result<(), ObjectError> {
        check(&bytes, &sha256)?;
        self.lock().insert(key.to_owned(), (bytes, media_type.to_owned()));
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, ObjectError> {
        Ok(self.lock().get(key).map(|(bytes, _)| bytes.clone()))
    }

    async fn get_range(&self, key: &str, offset: u64, length: u64) -> Result<Option<Bytes>, ObjectError> {
        let Some((bytes, _)) = self.lock().get(key).cloned() else { return Ok(None) };
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        if start >= bytes.len() {
            return Ok(None);
        }
        let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len());
        Ok(Some(bytes.slice(start..end)))
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectMeta>, ObjectError> {
        Ok(self.lock().get(key).map(|(bytes, media_type)| ObjectMeta {
            size: bytes.len() as u64,
            sha256: Some(Sha256::digest(bytes).into()),
            media_type: Some(media_type.clone()),
        }))
    }

    async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        self.lock().remove(key);
        Ok(())
    }

    async fn upload_stream(&self, key: &str, mut stream: ByteStream, media_type: &str) -> Result<Uploaded, ObjectError> {
        let mut bytes = BytesMut::new();
        while let Some(piece) = stream.try_next().await.map_err(|source| ObjectError::Source { source })? {
            bytes.extend_from_slice(&piece);
        }
        let uploaded = Uploaded { size: bytes.len() as u64, sha256: Sha256::digest(&bytes).into() };
        self.lock().insert(key.to_owned(), (bytes.freeze(), media_type.to_owned()));
        Ok(uploaded)
    }

    async fn presign_put(
        &self,
        key: &str,
        _sha256: [u8; 32],
        size: u64,
        media_type: &str,
        ttl: Duration,
    ) -> Result<PresignedRequest, ObjectError> {
        let headers = vec![("content-length".to_owned(), size.to_string()), ("content-type".to_owned(), media_type.to_owned())];
        Ok(presigned("PUT", key, headers, ttl))
    }

    async fn presign_get(&self, key: &str, ttl: Duration) -> Result<PresignedRequest, ObjectError> {
        Ok(presigned("GET", key, Vec::new(), ttl))
    }

    async fn copy(&self, from: &str, to: &str) -> Result<(), ObjectError> {
        let mut objects = self.lock();
        let object = objects.get(from).cloned().ok_or_else(|| ObjectError::NotFound { key: from.to_owned() })?;
        objects.insert(to.to_owned(), object);
        Ok(())
    }

    async fn ensure_bucket(&self) -> Result<(), ObjectError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), ObjectError> {
        Ok(())
    }
}
