//! Results of stages: a row that holds a small result or finds the object of a large one, keyed by content, so that work is done once.
//!
//! Every activity looks for its own result first. An object is written before its row, and the first of both stays: an attempt that was
//! given up but finishes late can overwrite nothing.

use std::sync::Arc;

use bytes::Bytes;
use domain::failure::FENCED;
use domain::id::{EvidenceId, Id};
use domain::usage::Usage;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use store::Store;
use store::evidence;
use store::objects::{self, Objects, PutOutcome as ObjectPut};
use store::stage::{self, Fence, NewStageResult, PutOutcome, StageKey, StageRow};
use store::verification::{self, Progress};
use temporalio_common::ActivityError;
use temporalio_sdk::activities::ActivityContext;
use workflows::contract::Work;

use crate::failure;
use crate::recent::Recent;

/// Bytes of a result up to which it lies in its row: the words of a short page. Larger ones would make the table, its log and its backups heavy.
const IN_ROW: usize = 8 << 10;

/// A hash over everything that a result depends on.
pub(crate) type ContentHash = [u8; 32];

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

/// Where results are kept. Cheap to clone; give every pool of a process a clone of the same one, and each finds at once what another made.
#[derive(Clone)]
pub struct Stages {
    pub(crate) store: Store,
    objects: Arc<dyn Objects>,
    pub(crate) recent: Recent,
}

impl Stages {
    /// Remembers nothing yet.
    pub fn new(store: Store, objects: Arc<dyn Objects>) -> Self {
        Self { store, objects, recent: Recent::new() }
    }

    /// The result, if it was made before by whomever.
    pub(crate) async fn recall<T: DeserializeOwned>(&self, work: Work, key: Key<'_>) -> Result<Option<T>, ActivityError> {
        if let Some(bytes) = self.recent.object(&object_key(work, key)) {
            return parse(&bytes).map(Some);
        }
        let mut tx = self.store.begin(work.tenant_id).await.map_err(failure::database)?;
        let Some(row) = stage::get(&mut tx, &key.row()).await.map_err(failure::database)? else { return Ok(None) };
        drop(tx);
        if let Some(content) = row.content {
            let bytes = bytes_of(&content)?;
            self.recent.keep_object(&row.object_key, bytes);
            return serde_json::from_value(content).map(Some).map_err(failure::unreadable);
        }
        let bytes = self.fetch(&row.object_key).await?;
        if bytes.is_none() {
            // Lost with a disk, or in a restore of one store without the other: made again, it heals.
            tracing::warn!(verification.id = %work.verification_id, stage = key.stage, "The result of an earlier {} is gone and is made again", key.stage);
        }
        bytes.map(|bytes| parse(&bytes)).transpose()
    }

    /// The result of an earlier stage; without it the workflow has lost its order.
    pub(crate) async fn expect<T: DeserializeOwned>(&self, work: Work, key: Key<'_>) -> Result<T, ActivityError> {
        self.recall(work, key).await?.ok_or_else(|| failure::missing(format!("the result of stage {}", key.stage)))
    }

    /// Keeps a result and tells what it cost. Gives back the result that counts: this one, or one that was there before.
    pub(crate) async fn keep<T: Serialize + DeserializeOwned>(
        &self,
        ctx: &ActivityContext,
        work: Work,
        key: Key<'_>,
        result: T,
        usage: &Usage,
        also: Also,
    ) -> Result<T, ActivityError> {
        let object_key = object_key(work, key);
        let bytes = bytes_of(&result)?;
        let (result, bytes, content) = if bytes.len() <= IN_ROW {
            let content = serde_json::to_value(&result).map_err(failure::unreadable)?;
            (result, bytes, Some(content))
        } else {
            let (result, bytes) = self.write(&object_key, result, bytes).await?;
            (result, bytes, None)
        };
        let mut tx = self.store.begin(work.tenant_id).await.map_err(failure::database)?;
        let new = NewStageResult { key: key.row(), object_key: &object_key, content };
        let (result, bytes) = match stage::put(&mut tx, &new, &fence(ctx)).await.map_err(failure::database)? {
            PutOutcome::Stored => (result, bytes),
            PutOutcome::Fenced => return Err(failure::reject(FENCED, "a later attempt has stored its result")),
            // The same engine may say the same in other words; the first words count.
            PutOutcome::Existing(StageRow { content: Some(first), .. }) => {
                let bytes = bytes_of(&first)?;
                (serde_json::from_value(first).map_err(failure::unreadable)?, bytes)
            }
            // Its object is there, or was lost and is made again.
            PutOutcome::Existing(_) => self.write(&object_key, result, bytes).await?,
        };
        self.account(&mut tx, work, key, usage, also).await?;
        tx.commit().await.map_err(failure::database)?;
        self.recent.keep_object(&object_key, bytes);
        Ok(result)
    }

    /// Keeps a result without a row, for one that no other verification can use. Gives back the result that counts.
    pub(crate) async fn keep_object<T: Serialize + DeserializeOwned>(
        &self,
        work: Work,
        key: Key<'_>,
        result: T,
    ) -> Result<T, ActivityError> {
        let object_key = object_key(work, key);
        let bytes = bytes_of(&result)?;
        let (result, bytes) = self.write(&object_key, result, bytes).await?;
        self.recent.keep_object(&object_key, bytes);
        Ok(result)
    }

    /// The result that [`Self::keep_object`] kept, if it did.
    pub(crate) async fn recall_object<T: DeserializeOwned>(&self, work: Work, key: Key<'_>) -> Result<Option<T>, ActivityError> {
        self.object(&object_key(work, key)).await?.map(|bytes| parse(&bytes)).transpose()
    }

    /// The bytes of an object that never changes.
    pub(crate) async fn object(&self, object_key: &str) -> Result<Option<Bytes>, ActivityError> {
        match self.recent.object(object_key) {
            Some(bytes) => Ok(Some(bytes)),
            None => self.fetch(object_key).await,
        }
    }

    /// Writes an object that never changes.
    pub(crate) async fn put_object(&self, object_key: &str, bytes: Bytes, content_type: &str) -> Result<(), ActivityError> {
        let sha256 = Sha256::digest(&bytes).into();
        self.objects.put(object_key, bytes.clone(), content_type, sha256).await.map_err(failure::objects)?;
        self.recent.keep_object(object_key, bytes);
        Ok(())
    }

    /// Tells the cost and progress of a result that was there before.
    pub(crate) async fn reuse(&self, work: Work, key: Key<'_>, usage: &Usage, also: Also) -> Result<(), ActivityError> {
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

    /// The first result of this key stays; it is the one given back.
    async fn write<T: DeserializeOwned>(&self, object_key: &str, result: T, bytes: Bytes) -> Result<(T, Bytes), ActivityError> {
        let sha256 = Sha256::digest(&bytes).into();
        match self.objects.put_if_absent(object_key, bytes.clone(), "application/json", sha256).await.map_err(failure::objects)? {
            ObjectPut::Stored => Ok((result, bytes)),
            ObjectPut::AlreadyThere => {
                let first = self.objects.get(object_key).await.map_err(failure::objects)?;
                let first = first.ok_or_else(|| failure::missing("the object of a stage's result"))?;
                Ok((parse(&first)?, first))
            }
        }
    }

    async fn fetch(&self, object_key: &str) -> Result<Option<Bytes>, ActivityError> {
        let bytes = self.objects.get(object_key).await.map_err(failure::objects)?;
        if let Some(bytes) = &bytes {
            self.recent.keep_object(object_key, bytes.clone());
        }
        Ok(bytes)
    }
}

fn bytes_of(result: &impl Serialize) -> Result<Bytes, ActivityError> {
    serde_json::to_vec(result).map(Bytes::from).map_err(failure::unreadable)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ActivityError> {
    serde_json::from_slice(bytes).map_err(failure::unreadable)
}

fn object_key(work: Work, key: Key<'_>) -> String {
    objects::stage_key(work.tenant_id, key.stage, key.version, &key.hash)
}

/// Enters into the ledger what a result cost, once however often it is said.
pub(crate) async fn charge(tx: &mut store::TenantTx, work: Work, key: Key<'_>, usage: &Usage) -> Result<(), ActivityError> {
    let piece = format!("{}/{}/{}", work.verification_id.uuid().simple(), key.stage, hex::encode(&key.hash[..8]));
    store::usage::append(tx, work.verification_id, usage, &piece).await.map_err(failure::database)
}

/// Which attempt this is.
pub(crate) fn fence(ctx: &ActivityContext) -> Fence {
    let info = ctx.info();
    Fence {
        run_id: info.workflow_run_id.clone().unwrap_or_default(),
        activity_id: info.activity_id.clone(),
        attempt: i32::try_from(info.attempt).unwrap_or(i32::MAX),
    }
}
