//! The rows that every activity starts from: the evidence files and the claim with its type.

use std::collections::HashMap;

use domain::claim::Claim;
use domain::claim_type::{self, ClaimType};
use domain::failure::INVALID_INPUT;
use domain::id::EvidenceId;
use store::Store;
use store::evidence::EvidenceRow;
use store::verification::{self, VerificationRow};
use temporalio_common::ActivityError;
use workflows::contract::Work;

use crate::failure;

/// The rows of these files, by id.
pub(crate) async fn rows(store: &Store, work: Work, ids: &[EvidenceId]) -> Result<HashMap<EvidenceId, EvidenceRow>, ActivityError> {
    let mut tx = store.begin(work.tenant_id).await.map_err(failure::database)?;
    let rows = store::evidence::get_many(&mut tx, ids).await.map_err(failure::database)?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The row of one file.
pub(crate) async fn row(store: &Store, work: Work, id: EvidenceId) -> Result<EvidenceRow, ActivityError> {
    rows(store, work, &[id]).await?.remove(&id).ok_or_else(|| failure::missing(id))
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
    let claim_type = claim_type::built_in()
        .into_iter()
        .find(|claim_type| claim_type.name == row.claim_type && claim_type.version == row.claim_type_version)
        .ok_or_else(|| failure::missing("the claim type"))?;
    // The errors hold pointers and codes, but also nothing that a history should keep.
    let claim = Claim::parse(&claim_type, &row.claim)
        .map_err(|errors| failure::reject(INVALID_INPUT, format!("the stored claim has {} faults", errors.len())))?;
    Ok(Question { row, claim_type, claim })
}
