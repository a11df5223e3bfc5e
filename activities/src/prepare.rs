//! Pool `cpu`: decodes, turns and straightens the pages of a window in a child process, and keeps them as images.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::block::PREPARE_VERSION;
use domain::blocker::Blocker;
use domain::failure::INVALID_INPUT;
use domain::usage::Usage;
use futures::{StreamExt, TryStreamExt};
use store::objects;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use workflows::contract::{PreparePages, PreparePagesActivity, Prepared, Work};
use workflows::window::Window;

use crate::artifact::{self, PreparedPage, PreparedWindow};
use crate::evidence::{self, File};
use crate::failure;
use crate::meter::Meter;
use crate::metric;
use crate::reading::{self, PrepareError, PrepareFile, PreparedRange, Sandbox};
use crate::stage::{Also, Stages};
use crate::tries::{Trouble, Try};

/// Page images written at a time.
const UPLOADS: usize = 4;
/// After so many tries, half an hour apart from first to last, a child that cannot even be started ends the verification as failed.
const STARTS: i32 = 64;
/// A worker that dies is missed after two of these.
const BEAT: Duration = Duration::from_secs(5);

/// The child that decodes, and the stores.
#[derive(Clone)]
pub struct PrepareActivities {
    stages: Stages,
    sandbox: Arc<Sandbox>,
}

impl PrepareActivities {
    pub fn new(stages: Stages, sandbox: Arc<Sandbox>) -> Self {
        Self { stages, sandbox }
    }

    /// `last` when what a child did not manage in time becomes the file's fault.
    async fn prepare(&self, work: Work, file: &File, window: Window, last: bool) -> Result<(PreparedWindow, f64), Trouble> {
        let bytes = self.stages.object(&file.object_key).await?.ok_or_else(|| failure::missing(file.id))?;
        let request = PrepareFile { bytes, media_type: file.media_type, first_page: window.first, last_page: window.last };
        match self.sandbox.prepare(request).await {
            Ok(range) if range.timed_out && !last => Err(Trouble::Slow("a page was not drawn in time".into())),
            Ok(range) => Ok(self.store_pages(work, file, range).await?),
            Err(PrepareError::Encrypted) => Ok((PreparedWindow::unreadable(Blocker::EncryptedEvidence), 0.0)),
            Err(error @ PrepareError::Unreadable { .. }) if error.timed_out() && !last => Err(Trouble::Slow(error.into())),
            Err(PrepareError::Unreadable { reason }) => {
                metrics::counter!(metric::POISON, "kind" => reason).increment(1);
                Ok((PreparedWindow::unreadable(Blocker::UnreadableEvidence { reason: reason.to_owned() }), 0.0))
            }
            Err(error @ PrepareError::Engine { .. }) => Err(Trouble::Engine(error.into())),
        }
    }

    /// Writes the images, and keeps of each page what the next stages need.
    async fn store_pages(&self, work: Work, file: &File, range: PreparedRange) -> Result<(PreparedWindow, f64), ActivityError> {
        let pages = futures::stream::iter(range.pages.into_iter().map(|page| self.store_page(work, file, page)))
            .buffered(UPLOADS)
            .try_collect()
            .await?;
        Ok((PreparedWindow { pages_total: range.pages_total, blocker: None, pages }, range.cpu_seconds))
    }

    async fn store_page(&self, work: Work, file: &File, page: reading::PreparedPage) -> Result<PreparedPage, ActivityError> {
        let image_key = match page.image {
            Some(image) => {
                let key = objects::page_key(work.tenant_id, &file.sha256, PREPARE_VERSION, page.page);
                self.stages.put_object(&key, Bytes::from(image), "image/png").await?;
                Some(key)
            }
            None => None,
        };
        Ok(PreparedPage {
            page: page.page,
            image_key,
            text_layer: page.text_layer,
            layer: page.text_layer_state,
            blank: page.blank,
            blocker: page.blocker,
        })
    }
}

#[activities]
impl PrepareActivities {
    #[activity(definition = PreparePagesActivity)]
    pub async fn pages(self: Arc<Self>, ctx: ActivityContext, request: PreparePages) -> Result<Prepared, ActivityError> {
        let meter = Meter::start();
        let file = evidence::file(&self.stages, request.work, request.evidence_id).await?;
        let key = artifact::prepare_key(&file.sha256, request.window);
        let opening = request.window.first == 1;
        let also = |prepared: &PreparedWindow| Also {
            processing: opening,
            pages: (opening && prepared.blocker.is_none()).then_some((request.evidence_id, prepared.pages_total)),
            progress: None,
        };
        let prepared = match self.stages.recall::<PreparedWindow>(request.work, key).await? {
            Some(prepared) => {
                if opening {
                    let usage = Usage { stage: "prepare".to_owned(), ..Usage::default() };
                    self.stages.reuse(request.work, key, &usage, also(&prepared)).await?;
                }
                prepared
            }
            None => {
                let attempt = Try::new(&self.stages, &ctx, request.work).await?;
                let outcome = beating(&ctx, self.prepare(request.work, &file, request.window, attempt.last())).await;
                let (prepared, cpu_seconds) = attempt.end(outcome, STARTS).await?;
                let pages = u32::try_from(prepared.pages.len()).unwrap_or(u32::MAX);
                let usage = Usage { stage: "prepare".to_owned(), pages, cpu_seconds, bytes: file.size };
                let also = also(&prepared);
                self.stages.keep(&ctx, request.work, key, prepared, &usage, also).await?
            }
        };
        meter.finish("prepare");
        Ok(Prepared { pages_total: prepared.pages_total })
    }
}

/// Does the work and tells the server meanwhile that somebody does it.
pub(crate) async fn beating<T, E: From<ActivityError>>(ctx: &ActivityContext, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let mut work = std::pin::pin!(work);
    // Not at once: most work is done before the first beat, and each one is a write in the server.
    let mut beat = tokio::time::interval_at(tokio::time::Instant::now() + BEAT, BEAT);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = ctx.cancelled() => return Err(ActivityError::cancelled().into()),
            _ = beat.tick() => ctx.record_heartbeat(()).await.map_err(|error| failure::reject(INVALID_INPUT, error))?,
        }
    }
}
