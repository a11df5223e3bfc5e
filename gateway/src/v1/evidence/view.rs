//! A file as clients see it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::id::EvidenceId;
use serde::Serialize;
use serde_json::{Value, json};
use store::evidence::{EvidenceRow, EvidenceStatus};
use store::objects::PresignedRequest;
use utoipa::ToSchema;

/// One file.
#[derive(Debug, Serialize, ToSchema)]
pub struct Evidence {
    #[schema(value_type = String, example = "evd_0190163d8694739b8a2f1c9e5d4b6a70")]
    pub id: EvidenceId,
    /// `uploading` until the bytes are stored and verified, then `ready`; `rejected` when those that came are no kind of file that is read.
    /// Announcing a rejected file again starts over, for the day that its kind is read.
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

/// What an upload under way is known to need: nothing.
pub fn under_way() -> Value {
    json!({})
}

/// The mark of an upload whose bytes are as announced and of a kind that is not read: sending them again changes nothing.
pub fn rejected() -> Value {
    json!({ "rejected": true })
}

/// Whether the row has that mark.
pub fn is_rejected(row: &EvidenceRow) -> bool {
    row.status == EvidenceStatus::Uploading && row.upload.as_ref() == Some(&rejected())
}

/// The word for where the file stands.
pub fn status(row: &EvidenceRow) -> &'static str {
    if is_rejected(row) { "rejected" } else { row.status.as_str() }
}

impl Evidence {
    /// The row as it is shown.
    pub fn of(row: EvidenceRow) -> Self {
        let at = format!("/v1/evidence/{}", row.id);
        let links = match row.status {
            EvidenceStatus::Ready => BTreeMap::from([("content", format!("{at}/content")), ("self", at)]),
            EvidenceStatus::Uploading if is_rejected(&row) => BTreeMap::from([("self", at)]),
            EvidenceStatus::Uploading => BTreeMap::from([("complete", format!("{at}/complete")), ("self", at)]),
        };
        Self {
            id: row.id,
            status: status(&row),
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

#[cfg(test)]
mod tests {
    use domain::evidence::MediaType;
    use domain::id::TenantId;

    use super::*;

    #[test]
    fn a_rejected_upload_says_so_and_offers_no_completion() {
        let shown = |status, upload| {
            let row = EvidenceRow {
                id: EvidenceId::new(),
                tenant_id: TenantId::new(),
                sha256: [7; 32],
                size: 1,
                media_type: MediaType::Pdf,
                filename: None,
                status,
                object_key: String::new(),
                pages: None,
                upload,
                created_at: DateTime::UNIX_EPOCH,
                completed_at: None,
            };
            let shown = Evidence::of(row);
            (shown.status, shown.links.contains_key("complete"))
        };
        assert_eq!(shown(EvidenceStatus::Uploading, Some(under_way())), ("uploading", true));
        assert_eq!(shown(EvidenceStatus::Uploading, Some(rejected())), ("rejected", false));
        assert_eq!(shown(EvidenceStatus::Ready, None), ("ready", false));
    }
}
