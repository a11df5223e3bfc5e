//! Pool `ocr`: reads the prepared pages of a window, each by its text layer where the page shows it, by Tesseract otherwise.

use std::sync::Arc;
use std::time::Duration;

use domain::blocker::Blocker;
use domain::failure::ENGINE_FAILED;
use domain::reading::{ReadPage, ReadWindow};
use domain::usage::Usage;
use futures::{StreamExt, TryStreamExt};
use store::verification::Progress;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use tokio::sync::RwLock;
use workflows::contract::{Read, ReadPages, ReadPagesActivity};

use crate::artifact::{self, Engines, PreparedPage, PreparedWindow};
use crate::evidence;
use crate::failure;
use crate::meter::Meter;
use crate::metric;
use crate::prepare::beating;
use crate::reading::{PageInput, ReadError, Reader};
use crate::stage::{Also, Stages};
use crate::tries::{FAILURES, Trouble, Try};

/// Below the time that the workflow gives an attempt, so that one which takes too long can still be told from one that was lost.
const PATIENCE: Duration = Duration::from_secs(270);

/// The reader, and the stores.
#[derive(Clone)]
pub struct ReadActivities {
    stages: Stages,
    engines: Engines,
    reader: Arc<Reader>,
    /// Written by a window that may end its worker, so that it ends no other window's reading with it.
    alone: Arc<RwLock<()>>,
}

impl ReadActivities {
    pub fn new(stages: Stages, engines: Engines, reader: Arc<Reader>) -> Self {
        Self { stages, engines, reader, alone: Arc::new(RwLock::new(())) }
    }

    /// Reads a window, unless readers ended so often with it that it is to blame.
    async fn try_to_read(&self, attempt: &mut Try<'_>, window: PreparedWindow) -> Result<(ReadWindow, f64), Trouble> {
        if attempt.poison() {
            metrics::counter!(metric::POISON, "kind" => "ends_its_reader").increment(1);
            tracing::error!(pages = window.pages.len(), "A window of pages ended its reader again and again, and is given up");
            return Ok((unreadable(window), 0.0));
        }
        let (_shared, _alone);
        if attempt.suspect() {
            _alone = self.alone.write().await;
        } else {
            _shared = self.alone.read().await;
        }
        attempt.enter().await?;
        tokio::time::timeout(PATIENCE, self.read(window)).await.unwrap_or_else(|late| Err(Trouble::Slow(late.into())))
    }

    async fn read(&self, window: PreparedWindow) -> Result<(ReadWindow, f64), Trouble> {
        let pages = futures::stream::iter(window.pages.into_iter().map(|page| self.read_page(page)));
        // The reader has a bound of its own; this one only keeps images out of memory.
        let read: Vec<(ReadPage, f64)> = pages.buffered(self.reader.threads() * 2).try_collect().await?;
        let cpu_seconds = read.iter().map(|(_, cpu_seconds)| cpu_seconds).sum();
        Ok((ReadWindow { pages: read.into_iter().map(|(page, _)| page).collect() }, cpu_seconds))
    }

    async fn read_page(&self, page: PreparedPage) -> Result<(ReadPage, f64), Trouble> {
        let number = page.page;
        let Some(image_key) = &page.image_key else { return Ok((unread(&page), 0.0)) };
        let image = self.stages.object(image_key).await?.ok_or_else(|| failure::missing("a page image"))?;
        let input = PageInput { page: number, image, text_layer: page.text_layer.clone(), text_layer_state: page.layer, blank: page.blank };
        match self.reader.read_page(input).await {
            Ok(read) => {
                let blockers = page.blocker.into_iter().chain(read.blockers).collect();
                Ok((ReadPage { page: number, words: Some(read.words), second: read.second, blank: read.blank, blockers }, read.cpu_seconds))
            }
            Err(ReadError::Unreadable { .. }) => Ok((unread(&page), 0.0)),
            // A queue that is full says nothing of the engine.
            Err(error @ ReadError::Overloaded) => Err(failure::retry(ENGINE_FAILED, error).into()),
            Err(error) => Err(Trouble::Engine(error.into())),
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
                let mut attempt = Try::new(&self.stages, &ctx, request.work).await?;
                let outcome = beating(&ctx, self.try_to_read(&mut attempt, prepared)).await;
                let (read, cpu_seconds) = attempt.end(outcome, FAILURES).await?;
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

/// A page that was not read, with the reason that is known, and else that it cannot be.
fn unread(page: &PreparedPage) -> ReadPage {
    let blocker = page.blocker.clone().unwrap_or(Blocker::UnreadablePage { page: page.page });
    ReadPage { page: page.page, words: None, second: None, blank: page.blank, blockers: vec![blocker] }
}

fn unreadable(window: PreparedWindow) -> ReadWindow {
    ReadWindow { pages: window.pages.iter().map(unread).collect() }
}
