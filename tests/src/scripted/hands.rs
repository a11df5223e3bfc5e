//! Every activity of the contract, as the script has it.

use std::sync::Arc;

use domain::verdict::Verdict;
use domain::verification::Status;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use workflows::contract::{
    Classified, ClassifyActivity, Ending, EscalateActivity, ExpireLeaseActivity, ExtractActivity, Extracted, Finalise, FinaliseActivity,
    Finalised, Judge, JudgeActivity, Judged, LeaseRef, LeaseState, PreparePages, PreparePagesActivity, Prepared, Publish, PublishActivity,
    Published, Read, ReadPages, ReadPagesActivity, ReviewRef, Understand,
};

use super::play::Plays;

/// Keeps the whole contract by doing nothing but what the script says.
#[derive(Clone)]
pub struct ScriptedActivities {
    plays: Plays,
}

impl ScriptedActivities {
    pub(super) fn new(plays: Plays) -> Self {
        Self { plays }
    }
}

#[activities]
impl ScriptedActivities {
    #[activity(definition = PreparePagesActivity)]
    pub async fn prepare(self: Arc<Self>, _ctx: ActivityContext, request: PreparePages) -> Result<Prepared, ActivityError> {
        let play = self.plays.find(request.work.verification_id)?;
        let (file, window) = (play.file(request.evidence_id), request.window);
        play.perform("prepare.pages", &format!("{}-{} of {file}", window.first, window.last)).await?;
        Ok(Prepared { pages_total: play.script().files[file - 1] })
    }

    #[activity(definition = ReadPagesActivity)]
    pub async fn read(self: Arc<Self>, _ctx: ActivityContext, request: ReadPages) -> Result<Read, ActivityError> {
        let play = self.plays.find(request.work.verification_id)?;
        let (file, window) = (play.file(request.evidence_id), request.window);
        play.perform("ocr.read_pages", &format!("{}-{} of {file}", window.first, window.last)).await?;
        Ok(Read { pages: window.len(), unreadable: 0 })
    }

    #[activity(definition = ClassifyActivity)]
    pub async fn classify(self: Arc<Self>, _ctx: ActivityContext, request: Understand) -> Result<Classified, ActivityError> {
        self.plays.find(request.work.verification_id)?.perform("classify.documents", "").await?;
        Ok(Classified { kinds: request.documents.iter().map(|_| "receipt".to_owned()).collect() })
    }

    #[activity(definition = ExtractActivity)]
    pub async fn extract(self: Arc<Self>, _ctx: ActivityContext, request: Understand) -> Result<Extracted, ActivityError> {
        self.plays.find(request.work.verification_id)?.perform("extract.fields", "").await?;
        Ok(Extracted { findings: 4 })
    }

    #[activity(definition = JudgeActivity)]
    pub async fn judge(self: Arc<Self>, _ctx: ActivityContext, request: Judge) -> Result<Judged, ActivityError> {
        let play = self.plays.find(request.work.verification_id)?;
        play.perform("judge.claim", &format!("{}{}", request.unavailable.join(" "), round(request.round))).await?;
        let mut blockers = Vec::new();
        if request.documents.iter().any(|document| document.pages_total == 0) {
            blockers.push("unreadable_evidence".to_owned());
        }
        if !request.unavailable.is_empty() {
            blockers.push("model_unavailable".to_owned());
        }
        let sure = blockers.is_empty() && !play.script().review;
        Ok(Judged { verdict: if sure { Verdict::Supported } else { Verdict::Insufficient }, review: play.script().review, blockers })
    }

    #[activity(definition = PublishActivity)]
    pub async fn publish(self: Arc<Self>, _ctx: ActivityContext, request: Publish) -> Result<Published, ActivityError> {
        let play = self.plays.find(request.work.verification_id)?;
        play.perform("publish.provisional", &round(request.round)).await?;
        Ok(Published { review_id: request.review.map(|_| play.review_id), decided: None })
    }

    #[activity(definition = EscalateActivity)]
    pub async fn escalate(self: Arc<Self>, _ctx: ActivityContext, request: ReviewRef) -> Result<(), ActivityError> {
        let play = self.plays.find(request.work.verification_id)?;
        play.perform("review.escalate", play.part(request.review_id).trim_start()).await
    }

    #[activity(definition = ExpireLeaseActivity)]
    pub async fn expire_lease(self: Arc<Self>, _ctx: ActivityContext, request: LeaseRef) -> Result<LeaseState, ActivityError> {
        let play = self.plays.find(request.work.verification_id)?;
        play.perform("review.expire_lease", &format!("{}{}", request.generation, play.part(request.review_id))).await?;
        Ok(LeaseState { remaining_seconds: play.renewal() })
    }

    #[activity(definition = FinaliseActivity)]
    pub async fn finalise(self: Arc<Self>, _ctx: ActivityContext, request: Finalise) -> Result<Finalised, ActivityError> {
        let play = self.plays.find(request.work.verification_id)?;
        let unsure = Some(Verdict::Insufficient);
        let machine = if play.script().files.contains(&0) || !play.script().faults.is_empty() { unsure } else { Some(Verdict::Supported) };
        let (how, status, verdict) = match &request.ending {
            Ending::Machine => ("machine".to_owned(), Status::Final, machine),
            Ending::Reviewed { .. } => ("reviewed".to_owned(), Status::Final, Some(Verdict::Supported)),
            Ending::Expired if play.script().in_time => ("expired".to_owned(), Status::Queued, unsure),
            Ending::Expired => ("expired".to_owned(), Status::Expired, unsure),
            Ending::Canceled => ("canceled".to_owned(), Status::Canceled, None),
            Ending::Failed { stage, failure } => (format!("failed {stage} {failure}"), Status::Failed, None),
        };
        play.perform("finalise.verification", &how).await?;
        Ok(Finalised { status, verdict })
    }
}

/// What an effect says of its round; nothing of the first.
fn round(round: u32) -> String {
    if round == 0 { String::new() } else { format!("round {round}") }
}
