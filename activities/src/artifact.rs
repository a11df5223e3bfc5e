//! What the stages hand to each other through the store, and under which keys.

use domain::block::{PREPARE_VERSION, PageWords};
use domain::blocker::Blocker;
use domain::claim_type::ClaimType;
use domain::document::{Classification, Findings};
use domain::id::{EvidenceId, Id};
use domain::reading::{self, ReadPage, ReadWindow, content_hash};
use domain::route::Step;
use domain::usage::Usage;
use domain::verification::Outcome;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use workflows::contract::{DocumentRef, Work};
use workflows::window::Window;

use crate::evidence;
use crate::stage::{ContentHash, Key, Stages};

/// The pages of one window, upright and straight; their images are objects of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PreparedWindow {
    /// 0 when the file cannot be read; then `blocker` says why.
    pub pages_total: u32,
    pub blocker: Option<Blocker>,
    pub pages: Vec<PreparedPage>,
}

impl PreparedWindow {
    /// A file that cannot be read at all.
    pub fn unreadable(blocker: Blocker) -> Self {
        Self { pages_total: 0, blocker: Some(blocker), pages: Vec::new() }
    }
}

/// One prepared page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PreparedPage {
    pub page: u32,
    /// Where its image is; none when the page itself cannot be drawn.
    pub image_key: Option<String>,
    /// Words of the page's own text, if it has any.
    pub text_layer: Option<PageWords>,
    pub layer: crate::reading::TextLayerState,
    pub blank: bool,
    pub blocker: Option<Blocker>,
}

/// The kinds of a verification's files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kinds {
    pub classifications: Vec<Classification>,
    pub step: Step,
}

/// The values of a verification's files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Values {
    pub findings: Findings,
    pub step: Step,
}

/// The machine's answer, before it is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub outcome: Outcome,
    pub review: bool,
    /// What of the policy asks for a person, where that is not plain from the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Blocker>,
    /// How many independent answers the review wants.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub wanted: u8,
    /// What judging cost; entered into the ledger with the publication, which saves a commit of its own.
    pub usage: Usage,
}

fn one() -> u8 {
    1
}

fn is_one(wanted: &u8) -> bool {
    *wanted == 1
}

/// Changes with the rules of judging.
pub(crate) const JUDGE_VERSION: &str = "rules:judge@2";

/// Names and versions of the engines at work; every key of a later stage holds those of the earlier ones.
#[derive(Debug, Clone)]
pub struct Engines {
    pub reader: String,
    pub classifier: String,
    pub extractor: String,
}

/// The prepared pages of a window of the file with this hash.
pub(crate) fn prepare_key(sha256: &ContentHash, window: Window) -> Key<'static> {
    Key { stage: "prepare", version: PREPARE_VERSION, hash: reading::window_hash(sha256, window.first, window.last) }
}

/// The answer to one verification, in one round.
pub(crate) fn judge_key(work: Work, round: u32) -> Key<'static> {
    let (id, number) = (work.verification_id.uuid(), round.to_be_bytes());
    let mut parts: Vec<&[u8]> = vec![id.as_bytes()];
    if round > 0 {
        parts.push(&number);
    }
    Key { stage: "judge", version: JUDGE_VERSION, hash: content_hash(&parts) }
}

impl Engines {
    /// The words of a window, as this reader reads them.
    pub(crate) fn read_key(&self, sha256: &ContentHash, window: Window) -> Key<'_> {
        Key { stage: reading::STAGE, version: &self.reader, hash: reading::read_hash(PREPARE_VERSION, sha256, window.first, window.last) }
    }

    /// The kinds of these files.
    pub(crate) fn classify_key(&self, read: &[ReadDocument]) -> Key<'_> {
        Key { stage: "classify", version: &self.classifier, hash: self.files_hash(read, &[]) }
    }

    /// The values of these files for this claim type.
    pub(crate) fn extract_key(&self, read: &[ReadDocument], claim_type: &ClaimType) -> Key<'_> {
        let more: [&[u8]; 3] = [self.classifier.as_bytes(), claim_type.name.as_bytes(), &claim_type.version.to_be_bytes()];
        Key { stage: "extract", version: &self.extractor, hash: self.files_hash(read, &more) }
    }

    /// The same bytes are the same evidence id within a tenant, so results may name it.
    fn files_hash(&self, read: &[ReadDocument], more: &[&[u8]]) -> ContentHash {
        let mut parts: Vec<&[u8]> = vec![PREPARE_VERSION.as_bytes(), self.reader.as_bytes()];
        for document in read {
            parts.push(&document.sha256);
            // A window that was never read makes another result than one that was.
            parts.push(if document.complete() { b"complete" } else { b"partial" });
        }
        parts.extend(more);
        content_hash(&parts)
    }
}

/// One file with everything that was prepared and read of it.
pub(crate) struct ReadDocument {
    pub evidence_id: EvidenceId,
    pub sha256: ContentHash,
    pub pages_total: u32,
    pub blocker: Option<Blocker>,
    pub pages: Vec<ReadPage>,
}

impl ReadDocument {
    /// Whether every page was read, or found unreadable.
    fn complete(&self) -> bool {
        self.pages.len() == self.pages_total as usize
    }

    /// The same file before any of it was read, for the keys of results that were made of a part of it.
    pub fn as_if_unread(&self) -> Self {
        Self { pages: Vec::new(), blocker: self.blocker.clone(), ..*self }
    }

    /// The words of every page that could be read.
    pub fn words(&self) -> Vec<PageWords> {
        self.pages.iter().filter_map(|page| page.words.clone()).collect()
    }

    /// The same, with each page once more where a second engine read it.
    pub fn readings(&self) -> Vec<PageWords> {
        self.pages.iter().flat_map(|page| page.words.iter().chain(&page.second).cloned()).collect()
    }
}

/// Loads the readings of all files. A window that the reader never finished is left out: the judge is told which stage gave up.
pub(crate) async fn load(
    stages: &Stages,
    engines: &Engines,
    work: Work,
    documents: &[DocumentRef],
) -> Result<Vec<ReadDocument>, ActivityError> {
    let ids: Vec<EvidenceId> = documents.iter().map(|document| document.evidence_id).collect();
    let files = evidence::files(stages, work, &ids).await?;
    try_join_all(documents.iter().zip(files).map(|(document, file)| load_one(stages, engines, work, document, file.sha256))).await
}

async fn load_one(
    stages: &Stages,
    engines: &Engines,
    work: Work,
    document: &DocumentRef,
    sha256: ContentHash,
) -> Result<ReadDocument, ActivityError> {
    let opening: PreparedWindow = stages.expect(work, prepare_key(&sha256, Window { first: 1, last: document.window_pages })).await?;
    let mut pages = Vec::new();
    for first in (1..=document.pages_total).step_by(document.window_pages.max(1) as usize) {
        let window = Window { first, last: first + document.window_pages - 1 }.within(document.pages_total);
        let read: Option<ReadWindow> = stages.recall(work, engines.read_key(&sha256, window)).await?;
        pages.extend(read.into_iter().flat_map(|read| read.pages));
    }
    Ok(ReadDocument { evidence_id: document.evidence_id, sha256, pages_total: document.pages_total, blocker: opening.blocker, pages })
}
