//! Where every test begins: a database, two tenants, and the words to say what happens in them.

use domain::blocker::Blocker;
use domain::evidence::MediaType;
use domain::id::{EvidenceId, TenantId, VerificationId};
use domain::level::Level;
use domain::policy::Policy;
use domain::priority::Priority;
use domain::verdict::Verdict;
use domain::verification::{DecidedBy, Outcome};
use serde_json::json;
use store::evidence::{self, NewEvidence};
use store::testing::TestDatabase;
use store::verification::{self, IdempotencyKey, NewReview, NewVerification, SubmitOutcome, VerificationRow};
use store::{RelayTx, Store, TenantTx};

pub struct Scene {
    pub database: TestDatabase,
    pub store: Store,
    pub tenant: TenantId,
    pub other: TenantId,
}

impl Scene {
    pub async fn start() -> Option<Self> {
        let database = TestDatabase::start().await?;
        let store = database.store();
        let tenant = database.tenant(&store, "acme").await;
        let other = database.tenant(&store, "zenith").await;
        Some(Self { database, store, tenant, other })
    }

    pub async fn tx(&self) -> TenantTx {
        self.store.begin(self.tenant).await.unwrap()
    }

    pub async fn relay(&self) -> RelayTx {
        self.store.begin_relay().await.unwrap()
    }

    /// Evidence of the tenant, ready to be used.
    pub async fn evidence(&self, tenant: TenantId, bytes: &[u8]) -> EvidenceId {
        let mut tx = self.store.begin(tenant).await.unwrap();
        let inserted = evidence::insert_ready(&mut tx, &new_evidence(bytes), "key:test").await.unwrap();
        tx.commit().await.unwrap();
        inserted.row().id
    }

    /// A verification that was accepted.
    pub async fn accepted(&self) -> VerificationRow {
        self.accepted_by(self.tenant).await
    }

    pub async fn accepted_by(&self, tenant: TenantId) -> VerificationRow {
        let evidence_id = self.evidence(tenant, b"receipt").await;
        let mut tx = self.store.begin(tenant).await.unwrap();
        let outcome = verification::submit(&mut tx, new_verification(&[evidence_id]), None, "key:test").await.unwrap();
        tx.commit().await.unwrap();
        match outcome {
            SubmitOutcome::Accepted(row) => row,
            other => panic!("{other:?}"),
        }
    }

    /// A verification whose provisional result waits for a person.
    pub async fn in_review(&self) -> (VerificationId, domain::id::ReviewId) {
        let id = self.accepted().await.id;
        let mut tx = self.tx().await;
        verification::mark_processing(&mut tx, id).await.unwrap();
        let published =
            verification::publish_provisional(&mut tx, id, 0, &outcome(Verdict::Insufficient), Some(&new_review())).await.unwrap();
        tx.commit().await.unwrap();
        (id, published.review_id.unwrap())
    }

    pub async fn row(&self, id: VerificationId) -> VerificationRow {
        verification::get(&mut self.tx().await, id).await.unwrap().unwrap()
    }

    pub async fn events(&self, id: VerificationId) -> Vec<(i64, String)> {
        let events = store::event::list(&mut self.tx().await, id, 0, 100).await.unwrap();
        events.into_iter().map(|event| (event.sequence, event.kind)).collect()
    }
}

pub fn new_evidence(bytes: &[u8]) -> NewEvidence {
    use sha2::Digest;
    let sha256 = sha2::Sha256::digest(bytes).into();
    NewEvidence {
        sha256,
        size: bytes.len() as i64,
        media_type: MediaType::Text,
        filename: Some("receipt.txt".into()),
        object_key: format!("evidence/{}", hex::encode(sha256)),
    }
}

pub fn new_verification(evidence_ids: &[EvidenceId]) -> NewVerification {
    NewVerification {
        id: VerificationId::new(),
        claim_type: "expense_receipt".into(),
        claim_type_version: 1,
        // A NUL in a claim is the client's right.
        claim: json!({ "total": "9.00", "merchant": "A\u{0}B" }),
        priority: Priority::Normal,
        metadata: json!({ "order": 7 }),
        policy: Policy::default(),
        evidence_ids: evidence_ids.to_vec(),
        livemode: true,
        trace_parent: None,
    }
}

pub fn key(name: &str, fingerprint: u8) -> IdempotencyKey {
    IdempotencyKey { key: name.into(), fingerprint: [fingerprint; 32] }
}

pub fn outcome(verdict: Verdict) -> Outcome {
    Outcome {
        verdict,
        confidence: 0.5,
        decided_by: DecidedBy::Rule,
        checks: vec![],
        blockers: vec![Blocker::NotFound],
        route: vec![],
        level: Level::L0,
    }
}

pub fn new_review() -> NewReview {
    let now = chrono::Utc::now();
    NewReview {
        blockers: vec![Blocker::NotFound],
        wanted: 1,
        due_at: now + chrono::Duration::hours(4),
        expires_at: now + chrono::Duration::days(7),
    }
}
