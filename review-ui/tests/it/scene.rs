//! Where every test begins: a desk over a database of its own, two organisations, and browsers that people sit at.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use domain::block::BBox;
use domain::blocker::Blocker;
use domain::check::{Check, Region};
use domain::evidence::MediaType;
use domain::id::{EvidenceId, KeyId, ReviewId, TenantId, UserId, VerificationId};
use domain::level::Level;
use domain::person::Role;
use domain::policy::Policy;
use domain::priority::Priority;
use domain::reading;
use domain::verdict::Verdict;
use domain::verification::{DecidedBy, Outcome};
use image::{ImageFormat, Luma};
use review_ui::{AppState, Parts, router};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::api_key::{self, KeyGrant};
use store::evidence::NewEvidence;
use store::objects::{MemoryObjects, Objects, evidence_key, page_key, stage_key};
use store::review::{self, ClaimOutcome, Lease, ReviewRow};
use store::session::{self, Lifetime};
use store::stage::{self, Fence, NewStageResult, StageKey};
use store::testing::TestDatabase;
use store::verification::{self, NewReview, NewVerification, SubmitOutcome};
use store::{Store, TenantTx, audit, evidence, user};

use crate::browser::Browser;

/// Under which page images are kept.
pub const PAGE_VERSION: &str = "pages-1";
/// Longer than any test.
pub const DAY: Lifetime = Lifetime { idle: Duration::from_secs(3_600), total: Duration::from_secs(86_400) };
/// What somebody types who means harm. Every way out of text and of an attribute is in it.
pub const EVIL: &str = "<script>alert('x')</script>\"><img src=x onerror=\"y\">'&lt;";
/// The beginning of it, as text on a page.
pub const EVIL_AS_TEXT: &str =
    "&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;&#62;&#60;img src=x onerror=&#34;y&#34;&#62;&#39;&#38;lt;";

pub struct Scene {
    pub database: TestDatabase,
    pub store: Store,
    pub objects: Arc<MemoryObjects>,
    /// Where the people of most tests work.
    pub tenant: TenantId,
    /// Another organisation.
    pub other: TenantId,
    desk: Router,
}

/// A review that waits for a person, and what it is about.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    pub review: ReviewId,
    pub verification: VerificationId,
    pub evidence: EvidenceId,
}

/// What the machine left to a person: a receipt whose total it could not read surely enough, two pages long.
pub struct Case<'a> {
    pub claim_type: &'a str,
    pub merchant: &'a str,
    pub date: &'a str,
    pub filename: &'a str,
    pub blockers: Vec<Blocker>,
    /// What the machine says on the whole, and how sure it is.
    pub machine: (Verdict, f64),
    /// How many people are to answer.
    pub wanted: u8,
    /// From now.
    pub due: TimeDelta,
}

impl Default for Case<'_> {
    fn default() -> Self {
        let blockers = vec![Blocker::LowConfidence { score: 0.5, threshold: 0.6 }];
        Self {
            claim_type: "expense_receipt",
            merchant: "Kedai Bunga",
            date: "2018-03-30",
            filename: "receipt.pdf",
            blockers,
            machine: (Verdict::Insufficient, 0.5),
            wanted: 1,
            due: TimeDelta::hours(4),
        }
    }
}

impl Scene {
    pub async fn start() -> Option<Self> {
        let database = TestDatabase::start().await?;
        let store = database.store();
        let tenant = database.tenant(&store, "acme").await;
        let other = database.tenant(&store, "zenith").await;
        let objects = Arc::new(MemoryObjects::new());
        let desk = desk(&store, &objects, false);
        Some(Self { database, store, objects, tenant, other, desk })
    }

    /// A browser that has never been here.
    pub fn browser(&self) -> Browser {
        Browser { desk: self.desk.clone(), cookie: None, csrf: String::new() }
    }

    /// One that reaches the same desk over TLS.
    pub fn browser_over_tls(&self) -> Browser {
        Browser { desk: desk(&self.store, &self.objects, true), ..self.browser() }
    }

    /// Somebody who is this for these organisations, with a password hash or without.
    pub async fn person(&self, name: &str, tenants: &[TenantId], roles: &[Role], hash: Option<&str>) -> UserId {
        let mut relay = self.store.begin_relay().await.unwrap();
        let (id, _) = user::ensure(&mut relay, &format!("{}@example.com", name.to_lowercase()), hash).await.unwrap();
        for tenant in tenants {
            user::enlist(&mut relay, *tenant, id, name, roles, "operator").await.unwrap();
        }
        relay.commit().await.unwrap();
        id
    }

    /// A browser at which that person is signed in, for the first of their organisations.
    pub async fn signed_in(&self, id: UserId, lifetime: Lifetime) -> Browser {
        let mut relay = self.store.begin_relay().await.unwrap();
        let member = user::memberships(&mut relay, id).await.unwrap().remove(0);
        let session = session::open(&mut relay, &member, lifetime).await.unwrap();
        relay.commit().await.unwrap();
        Browser { cookie: Some(session.token), ..self.browser() }
    }

    /// Somebody of the first organisation, who has the help page open.
    pub async fn someone(&self, name: &str, roles: &[Role]) -> Browser {
        self.someone_of(self.tenant, name, roles).await
    }

    pub async fn someone_of(&self, tenant: TenantId, name: &str, roles: &[Role]) -> Browser {
        let id = self.person(name, &[tenant], roles, None).await;
        let mut browser = self.signed_in(id, DAY).await;
        assert_eq!(browser.get("/help").await.status, StatusCode::OK);
        browser
    }

    pub async fn reviewer(&self, name: &str) -> Browser {
        self.someone(name, &[Role::Reviewer]).await
    }

    pub async fn lead(&self, name: &str) -> Browser {
        self.someone(name, &[Role::Lead]).await
    }

    pub async fn operator(&self, name: &str) -> Browser {
        self.someone(name, &[Role::Operator]).await
    }

    /// How rows name the person whose name that is.
    pub async fn actor(&self, name: &str) -> String {
        let names = user::names(&mut self.tx().await).await.unwrap();
        names.into_iter().find(|(_, known)| known == name).unwrap().0
    }

    pub async fn tx(&self) -> TenantTx {
        self.store.begin(self.tenant).await.unwrap()
    }

    /// A review of the first organisation.
    pub async fn waiting(&self) -> Waiting {
        self.wanted(self.tenant, Case::default()).await
    }

    /// A review, due in so many minutes.
    pub async fn due_in(&self, minutes: i64) -> Waiting {
        self.wanted(self.tenant, Case { due: TimeDelta::minutes(minutes), ..Case::default() }).await
    }

    pub async fn wanted(&self, tenant: TenantId, case: Case<'_>) -> Waiting {
        static FILES: AtomicU32 = AtomicU32::new(0);
        let bytes = Bytes::from(format!("receipt {}", FILES.fetch_add(1, Ordering::Relaxed)));
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let new = NewEvidence {
            sha256,
            size: bytes.len() as i64,
            media_type: MediaType::Text,
            filename: Some(case.filename.to_owned()),
            object_key: evidence_key(tenant, &sha256),
        };
        self.objects.put(&new.object_key, bytes, "text/plain", sha256).await.unwrap();
        let mut tx = self.store.begin(tenant).await.unwrap();
        let evidence = evidence::insert_ready(&mut tx, &new, "key:test").await.unwrap().row().id;
        evidence::set_pages(&mut tx, evidence, 2).await.unwrap();
        let claim = json!({ "merchant": case.merchant, "date": case.date, "total": total("9.00") });
        let new = NewVerification {
            id: VerificationId::new(),
            claim_type: case.claim_type.to_owned(),
            claim_type_version: 1,
            claim: claim.clone(),
            priority: Priority::Normal,
            metadata: json!({}),
            policy: Policy::default(),
            evidence_ids: vec![evidence],
            livemode: true,
            trace_parent: None,
        };
        let SubmitOutcome::Accepted(row) = verification::submit(&mut tx, new, None, "key:test").await.unwrap() else { panic!() };
        verification::mark_processing(&mut tx, row.id).await.unwrap();
        let now = Utc::now();
        let review = NewReview {
            blockers: case.blockers.clone(),
            wanted: case.wanted,
            due_at: now + case.due,
            expires_at: now + case.due + TimeDelta::days(7),
        };
        let (verdict, confidence) = case.machine;
        let outcome = Outcome { verdict, confidence, ..outcome(evidence, &claim, case.blockers) };
        let published = verification::publish_provisional(&mut tx, row.id, 0, &outcome, Some(&review)).await.unwrap();
        tx.commit().await.unwrap();
        Waiting { review: published.review_id.unwrap(), verification: row.id, evidence }
    }

    /// Both pages of a file, as the pipeline drew them: so wide.
    pub async fn draw(&self, tenant: TenantId, id: EvidenceId, width: u32) {
        let row = evidence::get(&mut self.store.begin(tenant).await.unwrap(), id).await.unwrap().unwrap();
        let png = png(width);
        for page in [1, 2] {
            let key = page_key(tenant, &row.sha256, PAGE_VERSION, page);
            self.objects.put(&key, png.clone(), "image/png", Sha256::digest(&png).into()).await.unwrap();
        }
    }

    /// What the reader made of both pages of a file: each word with its left and top edge, by page. `in_row` keeps it in the row.
    pub async fn read(&self, tenant: TenantId, id: EvidenceId, pages: [&[(&str, f32, f32)]; 2], in_row: bool) {
        let mut tx = self.store.begin(tenant).await.unwrap();
        let row = evidence::get(&mut tx, id).await.unwrap().unwrap();
        let word =
            |(text, left, top): &(&str, f32, f32)| json!({ "text": text, "bbox": [left, top, left + 0.08, top + 0.02], "confidence": 0.9 });
        let words = |page: usize| pages[page].iter().map(word).collect::<Vec<_>>();
        let page = |page: usize| json!({ "page": page + 1, "aspect": 0.667, "source": "ocr", "words": words(page) });
        let read = |number: usize| json!({ "page": number + 1, "words": page(number), "blank": false, "blockers": [] });
        let window = json!({ "pages": [read(0), read(1)] });
        let content_hash = reading::read_hash(PAGE_VERSION, &row.sha256, 1, 2);
        let key = StageKey { content_hash: &content_hash, stage: reading::STAGE, version: "scripted@1" };
        let object_key = stage_key(tenant, key.stage, key.version, key.content_hash);
        if !in_row {
            let bytes = Bytes::from(window.to_string());
            self.objects.put(&object_key, bytes.clone(), "application/json", Sha256::digest(&bytes).into()).await.unwrap();
        }
        let fence = Fence { run_id: "run".to_owned(), activity_id: "1".to_owned(), attempt: 1 };
        let new = NewStageResult { key, object_key: &object_key, content: in_row.then_some(window) };
        stage::put(&mut tx, &new, &fence).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// An API key of an organisation.
    pub async fn key(&self, tenant: TenantId, name: &str) -> KeyId {
        let key = api_key::generate(true);
        let grant = KeyGrant { name: name.to_owned(), scopes: vec!["verifications:read".to_owned()], expires_at: None };
        let mut tx = self.store.begin(tenant).await.unwrap();
        let id = api_key::create(&mut tx, tenant, &key, &grant, "operator").await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Somebody holds a review, without the desk; for no time at all it has run out already.
    pub async fn lease(&self, id: ReviewId, holder: &str, seconds: u64) -> Lease {
        let mut tx = self.tx().await;
        let ClaimOutcome::Leased(lease) = review::claim(&mut tx, id, holder, seconds).await.unwrap() else { panic!() };
        tx.commit().await.unwrap();
        lease
    }

    pub async fn review(&self, id: ReviewId) -> ReviewRow {
        review::get(&mut self.tx().await, id).await.unwrap().unwrap()
    }

    /// Who has it at the moment.
    pub async fn holder(&self, id: ReviewId) -> Option<String> {
        let row = self.review(id).await;
        row.lease_holder.filter(|_| row.lease_expires_at.is_some_and(|until| until > Utc::now()))
    }

    pub async fn draft(&self, id: ReviewId, name: &str) -> Value {
        let actor = self.actor(name).await;
        review::draft(&mut self.tx().await, id, &actor).await.unwrap().unwrap_or_default()
    }

    /// Who did this to what, and with which words.
    pub async fn told(&self, kind: &str) -> Vec<(String, String, Value)> {
        let events = audit::export(&mut self.tx().await, self.tenant, 0, 10_000).await.unwrap();
        let read = |event: audit::AuditEvent| (event.actor, event.subject, serde_json::from_str(&event.payload.unwrap()).unwrap());
        events.into_iter().filter(|event| event.event_type == kind).map(read).collect()
    }

    /// The kinds of what the engine must still be told about a verification.
    pub async fn ordered(&self, id: VerificationId) -> Vec<String> {
        let client = self.as_tenant(self.tenant).await;
        let rows =
            client.query("select kind from outbox where verification_id::text = $1 order by id", &[&id.0.to_string()]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Every row of an organisation: for tests that say that nothing was changed.
    pub async fn rows(&self, tenant: TenantId) -> Vec<(&'static str, String)> {
        const TABLES: [&str; 18] = [
            "api_keys",
            "audit_events",
            "comments",
            "decisions",
            "drafts",
            "evidence",
            "evidence_openings",
            "measures",
            "memberships",
            "outbox",
            "review_times",
            "reviews",
            "tenants",
            "usage_entries",
            "verifications",
            "webhook_deliveries",
            "webhook_endpoints",
            "webhook_events",
        ];
        let client = self.as_tenant(tenant).await;
        let mut rows = Vec::new();
        for table in TABLES {
            let all = format!("select coalesce(string_agg(t::text, E'\\n' order by t::text), '') from {table} t");
            rows.push((table, client.query_one(&all, &[]).await.unwrap().get(0)));
        }
        rows
    }

    async fn as_tenant(&self, tenant: TenantId) -> tokio_postgres::Client {
        let client = self.database.connect(&self.database.service_url).await;
        client.execute("select set_config('app.tenant', $1, false)", &[&tenant.0.to_string()]).await.unwrap();
        client
    }
}

fn desk(store: &Store, objects: &Arc<MemoryObjects>, secure: bool) -> Router {
    router(state(store, objects, secure))
}

pub fn state(store: &Store, objects: &Arc<MemoryObjects>, secure: bool) -> AppState {
    AppState::new(Parts {
        store: store.clone(),
        objects: objects.clone(),
        secure,
        temporal_ui: Some("http://temporal.example/namespaces/assay/workflows".to_owned()),
        page_version: PAGE_VERSION.to_owned(),
    })
}

pub fn total(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "MYR" })
}

fn outcome(evidence_id: EvidenceId, claim: &Value, blockers: Vec<Blocker>) -> Outcome {
    let merchant = claim["merchant"].as_str().unwrap();
    let bbox: BBox = serde_json::from_value(json!([0.1, 0.1, 0.4, 0.15])).unwrap();
    let check = |field: &str, found: Value, verdict, confidence, page, text: &str| Check {
        field: field.to_owned(),
        claimed: claim[field].clone(),
        found: Some(found),
        verdict,
        confidence,
        regions: vec![Region { evidence_id, page, bbox, text: text.to_owned() }],
        sources: vec![],
        blockers: if verdict == Verdict::Insufficient { blockers.clone() } else { vec![] },
    };
    Outcome {
        verdict: Verdict::Insufficient,
        confidence: 0.5,
        decided_by: DecidedBy::Rule,
        checks: vec![
            check("merchant", json!(merchant), Verdict::Supported, 0.9, 1, merchant),
            check("date", claim["date"].clone(), Verdict::Supported, 0.95, 1, "30/03/2018"),
            check("total", total("9.00"), Verdict::Insufficient, 0.5, 2, "RM 9.00"),
        ],
        blockers: blockers.clone(),
        route: vec![],
        level: Level::L0,
    }
}

/// A page, so wide and one and a half times as high.
pub fn png(width: u32) -> Bytes {
    let mut out = std::io::Cursor::new(Vec::new());
    image::GrayImage::from_pixel(width, width * 3 / 2, Luma([200])).write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner().into()
}
