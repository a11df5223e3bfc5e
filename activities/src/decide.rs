//! Pool `workflow`: holds the claim against what was found, and makes the answer visible.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chrono::Duration;
use domain::block::PREPARE_VERSION;
use domain::blocker::Blocker;
use domain::calibration::Release;
use domain::claim_type::ClaimType;
use domain::clock::Clock;
use domain::failure::INVALID_INPUT;
use domain::judge::{self, Cause, EvidenceReading, JudgeInput};
use domain::level::Level;
use domain::route::Step;
use domain::usage::Usage;
use domain::verification::Outcome;
use store::review;
use store::verification::{self, NewReview};
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use workflows::contract::{Judge, JudgeActivity, Judged, Publish, PublishActivity, Published};

use crate::artifact::{self, Answer, Engines, JUDGE_VERSION, Kinds, ReadDocument, Values};
use crate::calibration;
use crate::evidence::{self, Question};
use crate::failure;
use crate::meter::Meter;
use crate::metric;
use crate::stage::{self, Stages};
use crate::tries::{FAILURES, Trouble, Try};

/// The stores, and the clock that review deadlines are counted from.
#[derive(Clone)]
pub struct DecideActivities {
    stages: Stages,
    engines: Engines,
    clock: Arc<dyn Clock>,
}

impl DecideActivities {
    pub fn new(stages: Stages, engines: Engines, clock: Arc<dyn Clock>) -> Self {
        Self { stages, engines, clock }
    }

    /// The machine's answer from everything that the stages left in the store.
    async fn answer(&self, request: &Judge, question: &Question) -> Result<Answer, Trouble> {
        let read = artifact::load(&self.stages, &self.engines, request.work, &request.documents).await?;
        let mut kinds: Option<Kinds> = self.stages.recall(request.work, self.engines.classify_key(&read)).await?;
        let mut values: Option<Values> = self.stages.recall(request.work, self.engines.extract_key(&read, &question.claim_type)).await?;
        if values.is_none() {
            // A window that was given up may have been read since, by another verification: what was found before that is under the key of then.
            let before: Vec<ReadDocument> = read.iter().map(ReadDocument::as_if_unread).collect();
            kinds = self.stages.recall(request.work, self.engines.classify_key(&before)).await?.or(kinds);
            values = self.stages.recall(request.work, self.engines.extract_key(&before, &question.claim_type)).await?;
        }
        let judging = Meter::start();
        let readings: Vec<EvidenceReading> = read.iter().map(reading).collect();
        let calibration = self.calibration(&question.claim_type, values.as_ref());
        let input = JudgeInput {
            claim_type: &question.claim_type,
            claim: &question.claim,
            classifications: kinds.as_ref().map(|kinds| &kinds.classifications[..]).unwrap_or_default(),
            findings: &values.as_ref().map(|values| values.findings.clone()).unwrap_or_default(),
            reading: &readings,
            calibration: calibration.map(|release| &release.fields),
        };
        let step = judge_step(calibration, input.is_calibrated());
        // A bug in the rules ends the verification after a few tries, and says which stage failed.
        let judged = catch_unwind(AssertUnwindSafe(|| judge::judge(&input)));
        let mut judgement = judged.map_err(|_| Trouble::Engine("judging panicked".into()))?;
        judgement.blockers.extend(request.unavailable.iter().map(|stage| Blocker::ModelUnavailable { model: stage.clone() }));
        let cause = judge::needs_review(&question.row.policy, request.work.verification_id, &question.claim, &judgement);
        let outcome = Outcome {
            verdict: judgement.verdict,
            confidence: judgement.confidence,
            decided_by: judgement.decided_by,
            checks: judgement.checks,
            blockers: judgement.blockers,
            route: self.route(kinds, values, step),
            level: Level::L0,
        };
        let usage = Usage { stage: "judge".to_owned(), pages: 0, cpu_seconds: judging.cpu_seconds(), bytes: 0 };
        let asked = cause.and_then(Cause::blocker);
        let reasons = reasons(&outcome, asked.as_ref());
        let by_policy = |_| question.row.policy.answers_wanted(request.work.verification_id, &question.claim, &reasons);
        let wanted = cause.map_or(1, by_policy);
        Ok(Answer { outcome, review: cause.is_some(), asked, wanted, usage })
    }

    /// The calibration for these findings: only the extractor whose scores it was fitted to.
    fn calibration(&self, claim_type: &ClaimType, values: Option<&Values>) -> Option<&'static Release> {
        let extractor = &values?.step.engine;
        calibration::shipped().filter(|release| release.fields_for(&claim_type.name, extractor).is_some())
    }

    fn route(&self, kinds: Option<Kinds>, values: Option<Values>, judge: Step) -> Vec<Step> {
        let fixed = |stage: &str, engine: &str| Step { stage: stage.to_owned(), engine: engine.to_owned(), calibrated: false };
        let mut route = vec![fixed("prepare", PREPARE_VERSION), fixed("read", &self.engines.reader)];
        route.extend(kinds.map(|kinds| kinds.step));
        route.extend(values.map(|values| values.step));
        route.push(judge);
        route
    }
}

#[activities]
impl DecideActivities {
    #[activity(definition = JudgeActivity)]
    pub async fn judge(self: Arc<Self>, ctx: ActivityContext, request: Judge) -> Result<Judged, ActivityError> {
        let meter = Meter::start();
        let key = artifact::judge_key(request.work, request.round);
        let question = evidence::question(&self.stages.store, request.work).await?;
        // Judging takes microseconds: an earlier answer, which counts, is found when this one is kept.
        let attempt = Try::new(&self.stages, &ctx, request.work).await?;
        let answer = attempt.end(self.answer(&request, &question).await, FAILURES).await?;
        let answer = self.stages.keep_object(request.work, key, answer).await?;
        meter.finish("judge");
        Ok(Judged { verdict: answer.outcome.verdict, review: answer.review, blockers: blocker_kinds(&answer.outcome) })
    }

    #[activity(definition = PublishActivity)]
    pub async fn publish(self: Arc<Self>, _ctx: ActivityContext, request: Publish) -> Result<Published, ActivityError> {
        let meter = Meter::start();
        let key = artifact::judge_key(request.work, request.round);
        let answer: Answer =
            self.stages.recall_object(request.work, key).await?.ok_or_else(|| failure::missing("the answer of the judge"))?;
        let now = self.clock.now();
        let later = |seconds: u64| {
            i64::try_from(seconds)
                .ok()
                .and_then(Duration::try_seconds)
                .and_then(|wait| now.checked_add_signed(wait))
                .ok_or_else(|| failure::reject(INVALID_INPUT, "a review deadline is out of range"))
        };
        let review = match &request.review {
            Some(open) => {
                let blockers = reasons(&answer.outcome, answer.asked.as_ref());
                Some(NewReview {
                    blockers,
                    wanted: answer.wanted,
                    due_at: later(open.sla_seconds)?,
                    expires_at: later(open.expiry_seconds)?,
                })
            }
            None => None,
        };
        let mut tx = self.stages.store.begin(request.work.tenant_id).await.map_err(failure::database)?;
        let published =
            verification::publish_provisional(&mut tx, request.work.verification_id, request.round, &answer.outcome, review.as_ref())
                .await
                .map_err(failure::database)?;
        stage::charge(&mut tx, request.work, key, &answer.usage).await?;
        let decided = match published.already {
            true => review::recorded(&mut tx, request.work.verification_id).await.map_err(failure::database)?,
            false => None,
        };
        tx.commit().await.map_err(failure::database)?;
        if !published.already {
            for kind in blocker_kinds(&answer.outcome) {
                metrics::counter!(metric::BLOCKERS, "kind" => kind).increment(1);
            }
            metrics::counter!(metric::VERDICTS, "verdict" => answer.outcome.verdict.as_str(), "review" => if review.is_some() { "yes" } else { "no" }).increment(1);
        }
        meter.finish("publish");
        Ok(Published { review_id: published.review_id, decided })
    }
}

/// Every kind of blocker in a result, once.
fn blocker_kinds(outcome: &Outcome) -> Vec<String> {
    let all = outcome.blockers.iter().chain(outcome.checks.iter().flat_map(|check| &check.blockers));
    let kinds: BTreeSet<&str> = all.map(Blocker::kind).collect();
    kinds.into_iter().map(str::to_owned).collect()
}

/// Why a person is needed: the blockers of the whole, then those of the checks, then what of the policy asks for one, each once.
fn reasons(outcome: &Outcome, asked: Option<&Blocker>) -> Vec<Blocker> {
    let mut reasons: Vec<Blocker> = Vec::new();
    for blocker in outcome.blockers.iter().chain(outcome.checks.iter().flat_map(|check| &check.blockers)).chain(asked) {
        if !reasons.contains(blocker) {
            reasons.push(blocker.clone());
        }
    }
    if reasons.is_empty() {
        reasons.push(Blocker::PolicyReview);
    }
    reasons
}

/// The judge, and the calibration that its confidence went through.
fn judge_step(calibration: Option<&Release>, calibrated: bool) -> Step {
    let beside = calibration.map(|release| format!("+{}", release.name())).unwrap_or_default();
    Step { stage: "judge".to_owned(), engine: format!("{JUDGE_VERSION}{beside}"), calibrated }
}

fn reading(document: &ReadDocument) -> EvidenceReading {
    let blank_pages = document.pages.iter().filter(|page| page.blank).map(|page| page.page).collect();
    let of_pages = document.pages.iter().flat_map(|page| page.blockers.clone());
    EvidenceReading {
        evidence_id: document.evidence_id,
        pages_total: document.pages_total,
        blank_pages,
        blockers: document.blocker.clone().into_iter().chain(of_pages).collect(),
    }
}
