//! Pool `workflow`: tells the kind of each file and finds the values of the claim type's fields.

use std::sync::Arc;

use domain::claim_type::ClaimType;
use domain::document::{Classification, DocumentKind};
use domain::route::Step;
use domain::usage::Usage;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use workflows::contract::{Classified, ClassifyActivity, ExtractActivity, Extracted, Understand, Work};

use crate::artifact::{self, Engines, Kinds, ReadDocument, Values};
use crate::classify::Classifier;
use crate::evidence;
use crate::extract::{Document, Extractor, merge};
use crate::meter::Meter;
use crate::prepare::beating;
use crate::stage::{Also, Stages};
use crate::tries::{FAILURES, Trouble, Try};

/// The classifier and the extractor, and the store they read from.
#[derive(Clone)]
pub struct UnderstandActivities {
    stages: Stages,
    engines: Engines,
    classifier: Arc<dyn Classifier>,
    extractor: Arc<dyn Extractor>,
}

impl UnderstandActivities {
    pub fn new(stages: Stages, engines: Engines, classifier: Arc<dyn Classifier>, extractor: Arc<dyn Extractor>) -> Self {
        Self { stages, engines, classifier, extractor }
    }

    async fn find_kinds(self: &Arc<Self>, ctx: &ActivityContext, request: &Understand) -> Result<Kinds, ActivityError> {
        let read = Arc::new(artifact::load(&self.stages, &self.engines, request.work, &request.documents).await?);
        let key = self.engines.classify_key(&read);
        if let Some(kinds) = self.stages.recall(request.work, key).await? {
            return Ok(kinds);
        }
        let (kinds, usage) = self.aside(ctx, request.work, "classify", &read, |this, read| this.kinds(read)).await?;
        self.stages.keep(ctx, request.work, key, kinds, &usage, Also::default()).await
    }

    async fn find_values(self: &Arc<Self>, ctx: &ActivityContext, request: &Understand) -> Result<Values, ActivityError> {
        let read = Arc::new(artifact::load(&self.stages, &self.engines, request.work, &request.documents).await?);
        let claim_type = evidence::question(&self.stages.store, request.work).await?.claim_type;
        let key = self.engines.extract_key(&read, &claim_type);
        if let Some(values) = self.stages.recall(request.work, key).await? {
            return Ok(values);
        }
        // Where a window that was given up has been read since, by another verification, these files were not classified yet.
        let kinds: Option<Kinds> = self.stages.recall(request.work, self.engines.classify_key(&read)).await?;
        let think = {
            let claim_type = claim_type.clone();
            move |this: &Self, read: &[ReadDocument]| {
                let kinds = kinds.unwrap_or_else(|| this.kinds(read));
                this.values(&claim_type, read, &kinds)
            }
        };
        let (values, usage) = self.aside(ctx, request.work, "extract", &read, think).await?;
        self.stages.keep(ctx, request.work, key, values, &usage, Also::default()).await
    }

    /// Thinks about the files on a thread of its own, because those of a thousand pages take seconds, and says what it cost. Rules that
    /// panic are an engine that failed: the verification goes on without them after a few tries.
    async fn aside<T: Send + 'static>(
        self: &Arc<Self>,
        ctx: &ActivityContext,
        work: Work,
        stage: &str,
        read: &Arc<Vec<ReadDocument>>,
        think: impl FnOnce(&Self, &[ReadDocument]) -> T + Send + 'static,
    ) -> Result<(T, Usage), ActivityError> {
        let attempt = Try::new(&self.stages, ctx, work).await?;
        let pages = read.iter().map(|document| document.pages_total).sum();
        let (this, read) = (Arc::clone(self), Arc::clone(read));
        let thinking = tokio::task::spawn_blocking(move || {
            let meter = Meter::start();
            (think(&this, &read), meter.cpu_seconds())
        });
        let outcome = thinking.await.map_err(|lost| Trouble::Engine(lost.into()));
        let (thought, cpu_seconds) = attempt.end(outcome, FAILURES).await?;
        Ok((thought, Usage { stage: stage.to_owned(), pages, cpu_seconds, bytes: 0 }))
    }

    fn kinds(&self, read: &[ReadDocument]) -> Kinds {
        let classifications = read
            .iter()
            .filter(|document| !document.pages.is_empty())
            .map(|document| {
                let (kind, score) = self.classifier.classify(&document.words());
                Classification { evidence_id: document.evidence_id, kind, score }
            })
            .collect();
        Kinds { classifications, step: step("classify", self.classifier.name(), self.classifier.calibrated()) }
    }

    fn values(&self, claim_type: &ClaimType, read: &[ReadDocument], kinds: &Kinds) -> Values {
        let parts = read.iter().map(|document| {
            let of_document = kinds.classifications.iter().find(|classification| classification.evidence_id == document.evidence_id);
            let kind = of_document.map_or(DocumentKind::Other, |classification| classification.kind);
            self.extractor.extract(claim_type, &Document { evidence_id: document.evidence_id, kind, pages: &document.readings() })
        });
        Values { findings: merge(parts), step: step("extract", self.extractor.name(), self.extractor.calibrated()) }
    }
}

#[activities]
impl UnderstandActivities {
    #[activity(definition = ClassifyActivity)]
    pub async fn classify(self: Arc<Self>, ctx: ActivityContext, request: Understand) -> Result<Classified, ActivityError> {
        let meter = Meter::start();
        let kinds = beating(&ctx, self.find_kinds(&ctx, &request)).await?;
        meter.finish("classify");
        Ok(Classified { kinds: kinds.classifications.iter().map(|classification| classification.kind.as_str().to_owned()).collect() })
    }

    #[activity(definition = ExtractActivity)]
    pub async fn extract(self: Arc<Self>, ctx: ActivityContext, request: Understand) -> Result<Extracted, ActivityError> {
        let meter = Meter::start();
        let values = beating(&ctx, self.find_values(&ctx, &request)).await?;
        meter.finish("extract");
        Ok(Extracted { findings: u32::try_from(values.findings.values().map(Vec::len).sum::<usize>()).unwrap_or(u32::MAX) })
    }
}

fn step(stage: &str, engine: &str, calibrated: bool) -> Step {
    Step { stage: stage.to_owned(), engine: engine.to_owned(), calibrated }
}
