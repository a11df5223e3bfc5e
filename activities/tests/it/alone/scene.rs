//! A database with two tenants, objects in memory, and processes that know nothing of each other.

use std::sync::Arc;

use activities::classify::{Classifier, RulesClassifier};
use activities::extract::{Extractor, RulesExtractor};
use activities::reading::{Limits, Sandbox};
use activities::{
    DecideActivities, Engines, FinaliseActivities, PrepareActivities, ReadActivities, ReviewActivities, Stages, UnderstandActivities,
};
use bytes::Bytes;
use domain::clock::SystemClock;
use domain::evidence::MediaType;
use domain::id::{EvidenceId, TenantId, VerificationId};
use domain::policy::Policy;
use domain::priority::Priority;
use serde_json::json;
use sha2::{Digest, Sha256};
use store::Store;
use store::evidence::{self, NewEvidence};
use store::objects::{self, MemoryObjects, Objects};
use store::testing::TestDatabase;
use store::verification::{self, NewVerification, SubmitOutcome, VerificationRow};
use temporalio_common::ActivityError;
use temporalio_sdk::activities::ExecutableActivity;
use temporalio_sdk::testing::{ActivityEnvironment, ActivityEnvironmentError, TestActivityInfoOptions};
use workflows::contract::{DocumentRef, Judge, Judged, Prepared, Publish, ReadPages, Understand, Work};
use workflows::window::{self, Window};

use crate::scene::{runtime, sandbox, shared_reader};

/// Runs a test on a scene, or says loudly that there is no database.
pub fn play<F: Future<Output = ()>>(test: impl FnOnce(Scene) -> F) {
    runtime().block_on(async {
        let Some(database) = TestDatabase::start().await else { return };
        let store = database.store();
        let tenant = database.tenant(&store, "acme").await;
        let other = database.tenant(&store, "zenith").await;
        test(Scene { _database: database, store, objects: Arc::new(MemoryObjects::new()), tenant, other }).await;
    });
}

pub struct Scene {
    _database: TestDatabase,
    pub store: Store,
    pub objects: Arc<MemoryObjects>,
    pub tenant: TenantId,
    pub other: TenantId,
}

/// One accepted verification of one file.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub work: Work,
    pub evidence_id: EvidenceId,
}

impl Scene {
    /// A receipt that supports the claim, padded so that its words fill this many bytes at least.
    pub fn receipt(padding: usize) -> Vec<u8> {
        let head = "KEDAI BUNGA RAYA\nReceipt 7\nDate: 30/03/2018\nFern          9.00\nTOTAL      RM 9.00\n";
        format!("{head}{}", "thank you for coming\n".repeat(padding / 20)).into_bytes()
    }

    pub async fn case(&self, tenant: TenantId, bytes: &[u8], media_type: MediaType) -> Case {
        self.case_under(tenant, bytes, media_type, Policy::default()).await
    }

    pub async fn case_under(&self, tenant: TenantId, bytes: &[u8], media_type: MediaType, policy: Policy) -> Case {
        let sha256: [u8; 32] = Sha256::digest(bytes).into();
        let object_key = objects::evidence_key(tenant, &sha256);
        let size = i64::try_from(bytes.len()).unwrap();
        self.objects.put(&object_key, Bytes::copy_from_slice(bytes), "application/octet-stream", sha256).await.unwrap();
        let mut tx = self.store.begin(tenant).await.unwrap();
        let new = NewEvidence { sha256, size, media_type, filename: None, object_key };
        let evidence_id = evidence::insert_ready(&mut tx, &new, "key:test").await.unwrap().row().id;
        let verification_id = VerificationId::new();
        let claim = json!({ "merchant": "Kedai Bunga Raya", "date": "2018-03-30", "total": { "amount": "9.00", "currency": "MYR" } });
        let new = NewVerification {
            id: verification_id,
            claim_type: "expense_receipt".into(),
            claim_type_version: 1,
            claim,
            priority: Priority::Normal,
            metadata: json!({}),
            policy,
            evidence_ids: vec![evidence_id],
            livemode: true,
            trace_parent: None,
        };
        let outcome = verification::submit(&mut tx, new, None, "key:test").await.unwrap();
        assert!(matches!(outcome, SubmitOutcome::Accepted(_)));
        tx.commit().await.unwrap();
        Case { work: Work { tenant_id: tenant, verification_id }, evidence_id }
    }

    pub async fn row(&self, work: Work) -> VerificationRow {
        verification::get(&mut self.store.begin(work.tenant_id).await.unwrap(), work.verification_id).await.unwrap().unwrap()
    }

    /// A process that has just started: it remembers nothing.
    pub fn process(&self, attempt: u32) -> Process {
        self.process_with(self.store.clone(), sandbox(Limits::default()), attempt)
    }

    /// A process that cannot decode.
    pub fn process_without_decoder(&self, attempt: u32) -> Process {
        self.process_with(
            self.store.clone(),
            Sandbox { executable: "/nowhere/at/all".into(), limits: Limits::default(), threads: 1 },
            attempt,
        )
    }

    pub fn process_with(&self, store: Store, sandbox: Sandbox, attempt: u32) -> Process {
        self.process_of(store, sandbox, Arc::new(RulesExtractor), attempt)
    }

    pub fn process_of(&self, store: Store, sandbox: Sandbox, extractor: Arc<dyn Extractor>, attempt: u32) -> Process {
        let stages = Stages::new(store.clone(), Arc::clone(&self.objects) as Arc<dyn Objects>);
        let classifier = Arc::new(RulesClassifier);
        let reader = shared_reader();
        let engines =
            Engines { reader: reader.name().to_owned(), classifier: classifier.name().to_owned(), extractor: extractor.name().to_owned() };
        let environment = ActivityEnvironment::builder()
            .register_activities(PrepareActivities::new(stages.clone(), Arc::new(sandbox)))
            .register_activities(ReadActivities::new(stages.clone(), engines.clone(), reader))
            .register_activities(UnderstandActivities::new(stages.clone(), engines.clone(), classifier, extractor))
            .register_activities(DecideActivities::new(stages, engines, Arc::new(SystemClock)))
            .register_activities(ReviewActivities::new(store.clone(), Arc::new(SystemClock)))
            .register_activities(FinaliseActivities::new(store))
            .info(TestActivityInfoOptions::builder().attempt(attempt).build())
            .build();
        Process { environment }
    }
}

/// A worker, as far as activities see one.
pub struct Process {
    environment: ActivityEnvironment,
}

impl Process {
    pub async fn run<A: ExecutableActivity>(&self, activity: A, input: A::Input) -> Result<A::Output, Failure> {
        self.environment.run(activity, input).await.map_err(Failure::of)
    }

    pub async fn prepare(&self, case: Case) -> Result<Prepared, Failure> {
        let Case { work, evidence_id } = case;
        self.run(PrepareActivities::pages, workflows::contract::PreparePages { work, evidence_id, window: Window::opening() }).await
    }

    pub async fn read(&self, case: Case, pages_total: u32) -> Result<workflows::contract::Read, Failure> {
        let window = Window::opening().within(pages_total);
        let Case { work, evidence_id } = case;
        let request = ReadPages { work, evidence_id, window, prepared: Window::opening(), blocks_done: 0, blocks_total: pages_total };
        self.run(ReadActivities::read_pages, request).await
    }

    pub async fn judge(&self, case: Case, pages_total: u32) -> Result<Judged, Failure> {
        let documents = vec![DocumentRef { evidence_id: case.evidence_id, pages_total, window_pages: window::PAGES }];
        let understand = Understand { work: case.work, documents: documents.clone() };
        self.run(UnderstandActivities::classify, understand.clone()).await?;
        self.run(UnderstandActivities::extract, understand).await?;
        self.run(DecideActivities::judge, Judge { work: case.work, documents, unavailable: vec![], round: 0 }).await
    }

    /// From bytes to the provisional result.
    pub async fn publish(&self, case: Case) -> Judged {
        let pages_total = self.prepare(case).await.unwrap().pages_total;
        if pages_total > 0 {
            self.read(case, pages_total).await.unwrap();
        }
        let judged = self.judge(case, pages_total).await.unwrap();
        self.run(DecideActivities::publish, Publish { work: case.work, review: None, round: 0 }).await.unwrap();
        judged
    }
}

/// What Temporal would be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub type_name: String,
    pub retry: bool,
}

impl Failure {
    fn of(error: ActivityEnvironmentError) -> Self {
        let ActivityEnvironmentError::Activity(error) = error else { panic!("{error}") };
        let ActivityError::Application(failure) = error else { panic!("not a failure of ours: {error:?}") };
        Self { type_name: failure.type_name().unwrap_or_default().to_owned(), retry: !failure.is_non_retryable() }
    }
}
