//! A file as clients see it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::id::EvidenceId;
use serde::Serialize;
use store::evidence::{EvidenceRow, EvidenceStatus};
use store::objects::PresignedRequest;
use utoipa::ToSchema;

/// One file.
#[derive(Debug, Serialize, ToSchema)]
pub struct Evidence {
    #[schema(value_type = String, example = "evd_0190163d8694739b8a2f1c9e5d4b6a70")]
    pub id: EvidenceId,
    /// `uploading` until the bytes are stored and verified, then `ready`.
    pub status: &'static str,
    /// Of the exact bytes, in hexadecimal.
    pub sha256: String,
    pub size: i64,
    /// Told by the bytes, not by the name.
    pub media_type: &'static str,
    pub filename: Option<String>,
    /// Known once a verification has read the file.
    pub pages: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
    /// Where to send the bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<UploadRequest>,
    pub links: BTreeMap<&'static str, String>,
}

/// A request that stores the bytes; to be made exactly so, headers included.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadRequest {
    pub url: String,
    pub method: String,
    pub headers: BTreeMap<String, String>,
    pub expires_at: DateTime<Utc>,
}

impl Evidence {
    /// The row as it is shown.
    pub fn of(row: EvidenceRow) -> Self {
        let at = format!("/v1/evidence/{}", row.id);
        let links = match row.status {
            EvidenceStatus::Ready => BTreeMap::from([("content", format!("{at}/content")), ("self", at)]),
            EvidenceStatus::Uploading => BTreeMap::from([("complete", format!("{at}/complete")), ("self", at)]),
        };
        Self {
            id: row.id,
            status: row.status.as_str(),
            sha256: hex::encode(row.sha256),
            size: row.size,
            media_type: row.media_type.as_str(),
            filename: row.filename,
            pages: row.pages,
            created_at: row.created_at,
            completed_at: row.completed_at,
            upload: None,
            links,
        }
    }

    /// With the request that brings the bytes.
    pub fn with_upload(self, request: PresignedRequest) -> Self {
        let PresignedRequest { url, method, headers, expires_at } = request;
        Self { upload: Some(UploadRequest { url, method, headers: headers.into_iter().collect(), expires_at }), ..self }
    }
}
