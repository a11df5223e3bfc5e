//! The steps of a verification: each calls one activity with its pool, its time limits and a summary for operators.

use domain::failure;
use domain::id::EvidenceId;
use domain::policy::Policy;
use domain::verdict::Verdict;
use domain::verification::Status;
use temporalio_common::error::IncomingError;
use temporalio_common::{ActivityDefinition, Priority};
use temporalio_workflow::workflows::join_all;
use temporalio_workflow::{ActivityExecutionError, WorkflowCancellationToken, WorkflowContext};

use super::{VerificationWorkflow, search};
use crate::contract::{
    ClassifyActivity, DocumentRef, Ending, ExtractActivity, Judge, JudgeActivity, Judged, OpenReview, PreparePages, PreparePagesActivity,
    Publish, PublishActivity, Published, ReadPages, ReadPagesActivity, Understand, Work,
};
use crate::options::{self, DECIDE, PREPARE, READ, Timing, UNDERSTAND};
use crate::window::{self, Window};

/// A stage that will not succeed by being tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StageFailed {
    stage: &'static str,
    failure: String,
}

impl StageFailed {
    fn new(stage: &'static str, error: &ActivityExecutionError) -> Self {
        let failure = match error.reason() {
            Some(IncomingError::Application(failure)) => failure.type_name().unwrap_or("Unnamed").to_owned(),
            Some(IncomingError::Timeout(_)) => "Timeout".to_owned(),
            _ => "Unknown".to_owned(),
        };
        Self { stage, failure }
    }

    /// An engine that gave up is a blocker, and the verification goes on without it; anything else ends it.
    pub(super) fn engine_only(self, unavailable: &mut Vec<String>) -> Result<(), Self> {
        if self.failure == failure::ENGINE_FAILED {
            unavailable.push(self.stage.to_owned());
            Ok(())
        } else {
            Err(self)
        }
    }

    pub(super) fn into_ending(self) -> Ending {
        Ending::Failed { stage: self.stage.to_owned(), failure: self.failure }
    }
}

/// The workflow's hands.
pub(super) struct Steps {
    pub(super) ctx: WorkflowContext<VerificationWorkflow>,
    pub(super) token: WorkflowCancellationToken,
}

impl Steps {
    pub(super) fn new(ctx: WorkflowContext<VerificationWorkflow>, token: WorkflowCancellationToken) -> Self {
        Self { ctx, token }
    }

    pub(super) fn work(&self) -> Work {
        self.ctx.state(|state| state.input.work)
    }

    /// 0, and one more for every time that evidence was added.
    fn round(&self) -> u32 {
        self.ctx.state(|state| state.input.round)
    }

    pub(super) fn policy(&self) -> Policy {
        self.ctx.state(|state| state.input.policy.clone())
    }

    /// Takes over the evidence that was added, from the first page on: what was read before is found again in the store.
    pub(super) fn begin_round(&self) {
        self.ctx.state_mut(|state| {
            if let Some(added) = state.added.take() {
                state.input.evidence = added.evidence;
                state.input.round = added.round;
                state.progress = super::Progress::default();
            }
        });
    }

    /// Prepares and reads every page of every file. All files are opened side by side; then one after the other is read, its windows side by side.
    pub(super) async fn prepare_and_read(&self, unavailable: &mut Vec<String>) -> Result<Vec<DocumentRef>, StageFailed> {
        let evidence = self.ctx.state(|state| state.input.evidence.clone());
        let opened = join_all(evidence.into_iter().map(|evidence_id| self.open(evidence_id))).await;
        let documents = opened.into_iter().collect::<Result<Vec<_>, _>>()?;
        let blocks_total = documents.iter().map(|document| document.pages_total).sum();
        self.ctx.state_mut(|state| state.progress.blocks_total = blocks_total);
        for document in &documents {
            for round in window::windows(document.pages_total).chunks(window::IN_FLIGHT) {
                let read = join_all(round.iter().map(|window| self.read_window(document.evidence_id, *window, blocks_total))).await;
                for result in read {
                    result.or_else(|failed| failed.engine_only(unavailable))?;
                }
            }
        }
        unavailable.dedup();
        Ok(documents)
    }

    /// Prepares the first window, which tells how many pages there are.
    async fn open(&self, evidence_id: EvidenceId) -> Result<DocumentRef, StageFailed> {
        let prepared = self.prepare(evidence_id, Window::opening()).await?;
        Ok(DocumentRef { evidence_id, pages_total: prepared, window_pages: window::PAGES })
    }

    async fn read_window(&self, evidence_id: EvidenceId, window: Window, blocks_total: u32) -> Result<(), StageFailed> {
        if window.first > 1 {
            self.prepare(evidence_id, window).await?;
        }
        let prepared = if window.first == 1 { Window::opening() } else { window };
        let blocks_done = self.ctx.state(|state| state.progress.blocks_done);
        let request = ReadPages { work: self.work(), evidence_id, window, prepared, blocks_done, blocks_total };
        let read = self
            .run("read", ReadPagesActivity, request, READ, format!("read pages {} to {} of {evidence_id}", window.first, window.last))
            .await?;
        self.ctx.state_mut(|state| state.progress.blocks_done += read.pages + read.unreadable);
        self.details();
        Ok(())
    }

    async fn prepare(&self, evidence_id: EvidenceId, window: Window) -> Result<u32, StageFailed> {
        let request = PreparePages { work: self.work(), evidence_id, window };
        let summary = format!("prepare pages {} to {} of {evidence_id}", window.first, window.last);
        self.run("prepare", PreparePagesActivity, request, PREPARE, summary).await.map(|prepared| prepared.pages_total)
    }

    pub(super) async fn classify(&self, documents: &[DocumentRef]) -> Result<(), StageFailed> {
        let request = Understand { work: self.work(), documents: documents.to_vec() };
        self.run("classify", ClassifyActivity, request, UNDERSTAND, "tell the kind of each file".to_owned()).await.map(|_| ())
    }

    pub(super) async fn extract(&self, documents: &[DocumentRef]) -> Result<(), StageFailed> {
        let request = Understand { work: self.work(), documents: documents.to_vec() };
        self.run("extract", ExtractActivity, request, UNDERSTAND, "find the fields".to_owned()).await.map(|_| ())
    }

    pub(super) async fn judge(&self, documents: &[DocumentRef], unavailable: Vec<String>) -> Result<Judged, StageFailed> {
        let request = Judge { work: self.work(), documents: documents.to_vec(), unavailable, round: self.round() };
        self.run("judge", JudgeActivity, request, DECIDE, "hold the claim against the evidence".to_owned()).await
    }

    pub(super) async fn publish(&self, review: Option<OpenReview>) -> Result<Published, StageFailed> {
        let request = Publish { work: self.work(), review, round: self.round() };
        self.run("publish", PublishActivity, request, DECIDE, "publish the provisional result".to_owned()).await
    }

    /// Calls one activity as a stage that operators see.
    pub(super) async fn run<AD: ActivityDefinition>(
        &self,
        stage: &'static str,
        activity: AD,
        input: impl Into<AD::Input>,
        timing: Timing,
        summary: String,
    ) -> Result<AD::Output, StageFailed> {
        self.ctx.state_mut(|state| stage.clone_into(&mut state.progress.stage));
        self.execute(activity, input, timing, summary).await.map_err(|error| StageFailed::new(stage, &error))
    }

    /// Calls one activity.
    pub(super) async fn execute<AD: ActivityDefinition>(
        &self,
        activity: AD,
        input: impl Into<AD::Input>,
        timing: Timing,
        summary: String,
    ) -> Result<AD::Output, ActivityExecutionError> {
        let options = options::activity(timing, summary, self.priority(), self.token.clone());
        self.ctx.execute_activity(activity, input, options).await
    }

    /// The tenant is the fairness key, so that one tenant's backlog never hides another's.
    fn priority(&self) -> Priority {
        let (urgency, tenant) = self.ctx.state(|state| (state.input.priority, state.input.work.tenant_id));
        Priority::builder().priority_key(urgency.key()).fairness_key(tenant.to_string()).build()
    }

    /// Shows operators where the verification stands: in lists by search attribute, on its page by text.
    pub(super) fn show(&self, status: Status, verdict: Verdict) {
        self.ctx.upsert_search_attributes([
            search::STATUS.value_set(status.as_str().to_owned()),
            search::VERDICT.value_set(verdict.as_str().to_owned()),
        ]);
        self.ctx.set_current_details(format!("**{}**, {}", status.as_str(), verdict.as_str()));
    }

    fn details(&self) {
        let progress = self.ctx.state(|state| state.progress.clone());
        self.ctx.set_current_details(format!("{}: {} of {} blocks", progress.stage, progress.blocks_done, progress.blocks_total));
    }
}
