//! Results of stages: an object with the result and a row that finds it, keyed by content, so that work is done once.
//!
//! Every activity looks for its own result first. The object is written before the row, and the first of both stays: an attempt that was
//! given up but finishes late can overwrite nothing.

use std::sync::Arc;

use bytes::Bytes;
use domain::failure::FENCED;
use domain::id::{EvidenceId, Id};
use domain::usage::Usage;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::Store;
use store::evidence;
use store::objects::{self, Objects, PutOutcome as ObjectPut};
use store::stage::{self, Fence, NewStageResult, PutOutcome, StageKey};
use store::verification::{self, Progress};
use temporalio_common::ActivityError;
use temporalio_sdk::activities::ActivityContext;
use workflows::contract::Work;

use crate::failure;

/// A hash over everything that a result depends on.
pub(crate) type ContentHash = [u8; 32];

/// Hashes parts of any length so that no two lists of parts share their bytes.
pub(crate) fn content_hash(parts: &[&[u8]]) -> ContentHash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Which result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    pub stage: &'a str,
    /// Engine and version; a new one makes new results.
    pub version: &'a str,
    pub hash: ContentHash,
}

impl Key<'_> {
    fn row(&self) -> StageKey<'_> {
        StageKey { content_hash: &self.hash, stage: self.stage, version: self.version }
    }
}

/// What else the transaction of a stage says about its verification.
#[derive(Debug, Clone, Default)]
pub(crate) struct Also {
    /// The first stage of a verification tells that it runs.
    pub processing: bool,
    /// How many pages a file has, from the stage that counted them.
    pub pages: Option<(EvidenceId, u32)>,
    pub progress: Option<Progress>,
}

/// Where results are kept.
#[derive(Clone)]
pub(crate) struct Stages {
    pub store: Store,
    pub objects: Arc<dyn Objects>,
}

impl Stages {
    /// The result, if it was made before by whomever.
    pub async fn recall<T: DeserializeOwned>(&self, work: Work, key: Key<'_>) -> Result<Option<T>, ActivityError> {
        let mut tx = self.store.begin(work.tenant_id).await.map_err(failure::database)?;
        let Some(row) = stage::get(&mut tx, &key.row()).await.map_err(failure::database)? else { return Ok(None) };
        drop(tx);
        let result = self.find(&row.object_key).await?;
        if result.is_none() {
            // Lost with a disk, or in a restore of one store without the other: made again, it heals.
            tracing::warn!(verification.id = %work.verification_id, stage = key.stage, "The result of an earlier {} is gone and is made again", key.stage);
        }
        Ok(result)
    }

    /// The result of an earlier stage; without it the workflow has lost its order.
    pub async fn expect<T: DeserializeOwned>(&self, work: Work, key: Key<'_>) -> Result<T, ActivityError> {
        self.recall(work, key).await?.ok_or_else(|| failure::missing(format!("the result of stage {}", key.stage)))
    }

    /// Keeps a result and tells what it cost. Gives back the result that counts: this one, or one that was there before.
    pub async fn keep<T: Serialize + DeserializeOwned>(
        &self,
        ctx: &ActivityContext,
        work: Work,
        key: Key<'_>,
        result: T,
        usage: &Usage,
        also: Also,
    ) -> Result<T, ActivityError> {
        let object_key = object_key(work, key);
        let result = self.keep_object(work, key, result).await?;
        let mut tx = self.store.begin(work.tenant_id).await.map_err(failure::database)?;
        let new = NewStageResult { key: key.row(), object_key: &object_key, summary: Value::Null };
        if let PutOutcome::Fenced = stage::put(&mut tx, &new, &fence(ctx)).await.map_err(failure::database)? {
            return Err(failure::reject(FENCED, "a later attempt has stored its result"));
        }
        self.account(&mut tx, work, key, usage, also).await?;
        tx.commit().await.map_err(failure::database)?;
        Ok(result)
    }

    /// Keeps a result without a row, for one that no other verification can use. Gives back the result that counts.
    pub async fn keep_object<T: Serialize + DeserializeOwned>(&self, work: Work, key: Key<'_>, result: T) -> Result<T, ActivityError> {
        let object_key = object_key(work, key);
        let bytes = Bytes::from(serde_json::to_vec(&result).map_err(failure::unreadable)?);
        let sha256 = Sha256::digest(&bytes).into();
        match self.objects.put_if_absent(&object_key, bytes, "application/json", sha256).await.map_err(failure::objects)? {
            ObjectPut::Stored => Ok(result),
            ObjectPut::AlreadyThere => self.read(&object_key).await,
        }
    }

    /// The result that [`Self::keep_object`] kept, if it did.
    pub async fn recall_object<T: DeserializeOwned>(&self, work: Work, key: Key<'_>) -> Result<Option<T>, ActivityError> {
        self.find(&object_key(work, key)).await
    }

    /// Tells the cost and progress of a result that was there before.
    pub async fn reuse(&self, work: Work, key: Key<'_>, usage: &Usage, also: Also) -> Result<(), ActivityError> {
        let mut tx = self.store.begin(work.tenant_id).await.map_err(failure::database)?;
        self.account(&mut tx, work, key, usage, also).await?;
        tx.commit().await.map_err(failure::database)
    }

    async fn account(&self, tx: &mut store::TenantTx, work: Work, key: Key<'_>, usage: &Usage, also: Also) -> Result<(), ActivityError> {
        charge(tx, work, key, usage).await?;
        if also.processing {
            verification::mark_processing(tx, work.verification_id).await.map_err(failure::database)?;
        }
        if let Some((evidence_id, pages)) = also.pages {
            let pages = i32::try_from(pages).unwrap_or(i32::MAX);
            evidence::set_pages(tx, evidence_id, pages).await.map_err(failure::database)?;
        }
        if let Some(progress) = &also.progress {
            verification::set_progress(tx, work.verification_id, progress).await.map_err(failure::database)?;
        }
        Ok(())
    }

    async fn find<T: DeserializeOwned>(&self, object_key: &str) -> Result<Option<T>, ActivityError> {
        let bytes = self.objects.get(object_key).await.map_err(failure::objects)?;
        bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(failure::unreadable)).transpose()
    }

    async fn read<T: DeserializeOwned>(&self, object_key: &str) -> Result<T, ActivityError> {
        self.find(object_key).await?.ok_or_else(|| failure::missing("the object of a stage's result"))
    }
}

fn object_key(work: Work, key: Key<'_>) -> String {
    objects::stage_key(work.tenant_id, key.stage, key.version, &key.hash)
}

/// Enters into the ledger what a result cost, once however often it is said.
pub(crate) async fn charge(tx: &mut store::TenantTx, work: Work, key: Key<'_>, usage: &Usage) -> Result<(), ActivityError> {
    let piece = format!("{}/{}/{}", work.verification_id.uuid().simple(), key.stage, hex::encode(&key.hash[..8]));
    store::usage::append(tx, work.verification_id, usage, &piece).await.map_err(failure::database)
}

fn fence(ctx: &ActivityContext) -> Fence {
    let info = ctx.info();
    Fence {
        run_id: info.workflow_run_id.clone().unwrap_or_default(),
        activity_id: info.activity_id.clone(),
        attempt: i32::try_from(info.attempt).unwrap_or(i32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_parts_share_a_hash() {
        assert_ne!(content_hash(&[b"ab", b"c"]), content_hash(&[b"a", b"bc"]));
        assert_ne!(content_hash(&[b"ab"]), content_hash(&[b"ab", b""]));
    }
}
