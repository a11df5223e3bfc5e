//! Bytes that are too big for rows: evidence, page images, results of stages. Written once, found by their hash.

pub mod key;
mod memory;
mod multipart;
mod pieces;
mod s3;

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::Stream;

pub use key::{evidence_key, incoming_key, page_key, stage_key};
pub use memory::MemoryObjects;
pub use pieces::read_pieces;
pub use s3::{ObjectsConfig, S3Objects};

use crate::error::Cause;

/// Bytes as they come in. An error in it ends the upload.
pub type ByteStream = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// What can go wrong with an object store.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// It did not answer, or asked for another try.
    #[error("the object store is not available to {doing}")]
    Unavailable {
        doing: &'static str,
        #[source]
        source: Cause,
    },
    /// The bytes are not those that the hash names.
    #[error("the bytes do not have the SHA-256 that was given")]
    ChecksumMismatch,
    /// There is no such object.
    #[error("there is no object {key}")]
    NotFound { key: String },
    /// The bytes to be stored stopped coming.
    #[error("the upload was cut off")]
    Source {
        #[source]
        source: std::io::Error,
    },
    /// It said no, and will say so again.
    #[error("the object store refused to {doing}")]
    Refused {
        doing: &'static str,
        #[source]
        source: Cause,
    },
}

impl ObjectError {
    /// Whether the same call may work later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// What a conditional put did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    Stored,
    /// An object was there; it was left as it is.
    AlreadyThere,
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    pub size: u64,
    /// Absent where the store keeps only a checksum of checksums, as after a multipart upload.
    pub sha256: Option<[u8; 32]>,
    pub media_type: Option<String>,
}

/// A stream that was stored whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploaded {
    pub size: u64,
    /// Of all its bytes, computed by us as they passed.
    pub sha256: [u8; 32],
}

/// A request that anybody may make until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedRequest {
    pub url: String,
    pub method: String,
    /// To be sent exactly so: they are part of the signature.
    pub headers: Vec<(String, String)>,
    pub expires_at: DateTime<Utc>,
}

/// A store of objects. Keys name the tenant first, so that no two tenants share one.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Stores bytes unless the key is taken. The store checks them against the hash on arrival.
    async fn put_if_absent(&self, key: &str, bytes: Bytes, media_type: &str, sha256: [u8; 32]) -> Result<PutOutcome, ObjectError>;
    /// Stores bytes, over others if need be. The store checks them against the hash on arrival.
    async fn put(&self, key: &str, bytes: Bytes, media_type: &str, sha256: [u8; 32]) -> Result<(), ObjectError>;
    /// All bytes; `None` when there is no such object.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, ObjectError>;
    /// Up to `length` bytes from `offset`; `None` when there is no such object or it ends before `offset`.
    async fn get_range(&self, key: &str, offset: u64, length: u64) -> Result<Option<Bytes>, ObjectError>;
    /// Size and hash; `None` when there is no such object.
    async fn head(&self, key: &str) -> Result<Option<ObjectMeta>, ObjectError>;
    /// Removes an object. Removing nothing is fine.
    async fn delete(&self, key: &str) -> Result<(), ObjectError>;
    /// Stores a stream of unknown length: small ones in one piece, others in parts, each checked by the store.
    async fn upload_stream(&self, key: &str, stream: ByteStream, media_type: &str) -> Result<Uploaded, ObjectError>;
    /// Lets somebody else store exactly these bytes.
    async fn presign_put(
        &self,
        key: &str,
        sha256: [u8; 32],
        size: u64,
        media_type: &str,
        ttl: Duration,
    ) -> Result<PresignedRequest, ObjectError>;
    /// Lets somebody else read an object, as an attachment.
    async fn presign_get(&self, key: &str, ttl: Duration) -> Result<PresignedRequest, ObjectError>;
    /// Copies an object inside the store.
    async fn copy(&self, from: &str, to: &str) -> Result<(), ObjectError>;
    /// Creates the bucket where it is missing.
    async fn ensure_bucket(&self) -> Result<(), ObjectError>;
    /// Whether the store answers and the bucket is there.
    async fn ping(&self) -> Result<(), ObjectError>;

    /// Moves an upload of unknown hash to the key of its content. Safe to repeat.
    async fn promote(&self, from: &str, to: &str) -> Result<(), ObjectError> {
        match self.copy(from, to).await {
            Ok(()) => self.delete(from).await,
            // An earlier try came this far.
            Err(ObjectError::NotFound { key }) => match self.head(to).await? {
                Some(_) => Ok(()),
                None => Err(ObjectError::NotFound { key }),
            },
            Err(error) => Err(error),
        }
    }
}
