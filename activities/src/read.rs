//! Pool `ocr`: reads the prepared pages of a window, each by its text layer where the page shows it, by Tesseract otherwise.

use std::sync::Arc;

use domain::blocker::Blocker;
use domain::failure::ENGINE_FAILED;
use domain::usage::Usage;
use futures::{StreamExt, TryStreamExt};
use store::verification::Progress;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use workflows::contract::{Read, ReadPages, ReadPagesActivity};

use crate::artifact::{self, Engines, PreparedPage, PreparedWindow, ReadPage, ReadWindow};
use crate::evidence;
use crate::failure;
use crate::meter::Meter;
use crate::prepare::beating;
use crate::reading::{PageInput, ReadError, Reader};
use crate::stage::{Also, Stages};

/// Failed tries after which an engine counts as not to be had; each try is a route's own, see `failure::ENGINE_FAILED`.
const TRIES: u32 = 3;

/// The reader, and the stores.
#[derive(Clone)]
pub struct ReadActivities {
    stages: Stages,
    engines: Engines,
    reader: Arc<Reader>,
}

impl ReadActivities {
    pub fn new(stages: Stages, engines: Engines, reader: Arc<Reader>) -> Self {
        Self { stages, engines, reader }
    }

    async fn read(&self, window: PreparedWindow, last_try: bool) -> Result<(ReadWindow, f64), ActivityError> {
        let pages = futures::stream::iter(window.pages.into_iter().map(|page| self.read_page(page, last_try)));
        // The reader has a bound of its own; this one only keeps images out of memory.
        let read: Vec<(ReadPage, f64)> = pages.buffered(self.reader.threads() * 2).try_collect().await?;
        let cpu_seconds = read.iter().map(|(_, cpu_seconds)| cpu_seconds).sum();
        Ok((ReadWindow { pages: read.into_iter().map(|(page, _)| page).collect() }, cpu_seconds))
    }

    async fn read_page(&self, page: PreparedPage, last_try: bool) -> Result<(ReadPage, f64), ActivityError> {
        let number = page.page;
        let unread = |blocker| ReadPage { page: number, words: None, blank: page.blank, blockers: vec![blocker] };
        let Some(image_key) = &page.image_key else {
            return Ok((unread(page.blocker.clone().unwrap_or(Blocker::UnreadablePage { page: number })), 0.0));
        };
        let image = self.stages.object(image_key).await?.ok_or_else(|| failure::missing("a page image"))?;
        let input = PageInput { page: number, image, text_layer: page.text_layer.clone(), text_layer_state: page.layer, blank: page.blank };
        match self.reader.read_page(input).await {
            Ok(read) => {
                let blockers = page.blocker.into_iter().chain(read.blockers).collect();
                Ok((ReadPage { page: number, words: Some(read.words), blank: read.blank, blockers }, read.cpu_seconds))
            }
            Err(ReadError::Unreadable { .. }) => Ok((unread(Blocker::UnreadablePage { page: number }), 0.0)),
            // A queue that is full says nothing of the engine.
            Err(error) if last_try && !matches!(error, ReadError::Overloaded) => Err(failure::reject(ENGINE_FAILED, error)),
            Err(error) => Err(failure::retry(ENGINE_FAILED, error)),
        }
    }
}

#[activities]
impl ReadActivities {
    #[activity(definition = ReadPagesActivity)]
    pub async fn read_pages(self: Arc<Self>, ctx: ActivityContext, request: ReadPages) -> Result<Read, ActivityError> {
        let meter = Meter::start();
        let file = evidence::file(&self.stages, request.work, request.evidence_id).await?;
        let key = self.engines.read_key(&file.sha256, request.window);
        let progress = Progress {
            stage: "read".to_owned(),
            blocks_done: request.blocks_done + request.window.len(),
            blocks_total: request.blocks_total,
        };
        let also = Also { progress: Some(progress), ..Also::default() };
        let read = match self.stages.recall::<ReadWindow>(request.work, key).await? {
            Some(read) => read,
            None => {
                let prepared: PreparedWindow =
                    self.stages.expect(request.work, artifact::prepare_key(&file.sha256, request.prepared)).await?;
                let last_try = ctx.info().attempt >= TRIES;
                let (read, cpu_seconds) = beating(&ctx, self.read(prepared, last_try)).await?;
                let usage = Usage { stage: "read".to_owned(), pages: request.window.len(), cpu_seconds, bytes: 0 };
                self.stages.keep(&ctx, request.work, key, read, &usage, also).await?
            }
        };
        let unreadable = read.pages.iter().filter(|page| page.words.is_none()).count();
        meter.finish("read");
        let count = |pages: usize| u32::try_from(pages).unwrap_or(u32::MAX);
        Ok(Read { pages: count(read.pages.len() - unreadable), unreadable: count(unreadable) })
    }
}
