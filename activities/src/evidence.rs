//! What every activity starts from: the evidence files and the claim with its type.

use std::collections::HashMap;

use domain::claim::Claim;
use domain::claim_type::{self, ClaimType};
use domain::evidence::MediaType;
use domain::failure::INVALID_INPUT;
use domain::id::EvidenceId;
use store::Store;
use store::evidence::{EvidenceRow, EvidenceStatus};
use store::verification::{self, VerificationRow};
use temporalio_common::ActivityError;
use workflows::contract::Work;

use crate::failure;
use crate::stage::Stages;

/// What never changes of a complete file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub id: EvidenceId,
    pub sha256: [u8; 32],
    pub object_key: String,
    pub media_type: MediaType,
    /// In bytes.
    pub size: u64,
}

impl From<EvidenceRow> for File {
    fn from(row: EvidenceRow) -> Self {
        let EvidenceRow { id, sha256, object_key, media_type, size, .. } = row;
        Self { id, sha256, object_key, media_type, size: u64::try_from(size).unwrap_or_default() }
    }
}

/// These files, in the order of the ids.
pub(crate) async fn files(stages: &Stages, work: Work, ids: &[EvidenceId]) -> Result<Vec<File>, ActivityError> {
    let known: Option<Vec<File>> = ids.iter().map(|id| stages.recent.file(work.tenant_id, *id)).collect();
    if let Some(known) = known {
        return Ok(known);
    }
    let mut tx = stages.store.begin(work.tenant_id).await.map_err(failure::database)?;
    let rows = store::evidence::get_many(&mut tx, ids).await.map_err(failure::database)?;
    let complete = rows.into_iter().filter(|row| row.status == EvidenceStatus::Ready);
    let found: HashMap<EvidenceId, File> = complete.map(|row| (row.id, File::from(row))).collect();
    for file in found.values() {
        stages.recent.keep_file(work.tenant_id, file.clone());
    }
    ids.iter().map(|id| found.get(id).cloned().ok_or_else(|| failure::missing(id))).collect()
}

/// One file.
pub(crate) async fn file(stages: &Stages, work: Work, id: EvidenceId) -> Result<File, ActivityError> {
    files(stages, work, &[id]).await?.pop().ok_or_else(|| failure::missing(id))
}

/// A verification with its claim, typed.
pub(crate) struct Question {
    pub row: VerificationRow,
    pub claim_type: ClaimType,
    pub claim: Claim,
}

/// What is asked. The claim was checked at the door, so a claim that does not fit its type is a bug of ours.
pub(crate) async fn question(store: &Store, work: Work) -> Result<Question, ActivityError> {
    let mut tx = store.begin(work.tenant_id).await.map_err(failure::database)?;
    let row = verification::get(&mut tx, work.verification_id)
        .await
        .map_err(failure::database)?
        .ok_or_else(|| failure::missing(work.verification_id))?;
    drop(tx);
    let claim_type = claim_type::find_version(&row.claim_type, row.claim_type_version).ok_or_else(|| failure::missing("the claim type"))?;
    // The errors hold pointers and codes, but also nothing that a history should keep.
    let claim = Claim::reread(&claim_type, &row.claim)
        .map_err(|errors| failure::reject(INVALID_INPUT, format!("the stored claim has {} faults", errors.len())))?;
    Ok(Question { row, claim_type, claim })
}
