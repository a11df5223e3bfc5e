//! Where the tests of single endpoints begin: a database, a tenant, an engine that follows a script, and requests to the routes themselves.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::{TimeDelta, Utc};
use domain::check::Check;
use domain::evidence::MediaType;
use domain::id::{ReviewId, TenantId, VerificationId};
use domain::level::Level;
use domain::policy::Policy;
use domain::priority::Priority;
use domain::verdict::Verdict;
use domain::verification::{DecidedBy, Outcome};
use domain::webhook::address::Rules;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::api_key::{self, KeyGrant};
use store::evidence::{self, NewEvidence};
use store::objects::MemoryObjects;
use store::testing::TestDatabase;
use store::verification::{self, NewReview, NewVerification, SubmitOutcome};
use tower::ServiceExt;

use crate::engine::scripted::ScriptedEngine;
use crate::state::{AppState, Limits, Parts};

pub struct Scene {
    /// Dropped with the scene.
    _database: TestDatabase,
    pub state: AppState,
    pub engine: Arc<ScriptedEngine>,
    pub tenant: TenantId,
}

/// What came back.
#[derive(Debug)]
pub struct Seen {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Null where there was no body.
    pub body: Value,
}

impl Seen {
    /// Pointers and words of everything wrong with the request.
    pub fn faults(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().into_iter().flatten();
        errors.map(|fault| (fault["pointer"].as_str().unwrap_or_default(), fault["code"].as_str().unwrap_or_default())).collect()
    }
}

impl Scene {
    pub async fn start() -> Option<Self> {
        let database = TestDatabase::start().await?;
        let store = database.store();
        let tenant = database.tenant(&store, "acme").await;
        let engine = Arc::new(ScriptedEngine::default());
        let state = AppState::new(Parts {
            store,
            objects: Arc::new(MemoryObjects::new()),
            engine: engine.clone(),
            changes: None,
            public_url: "http://127.0.0.1".to_owned(),
            cursor_secret: b"cursors".to_vec(),
            page_version: "1".to_owned(),
            limits: Limits::default(),
            webhooks: Rules::default(),
        });
        Some(Self { _database: database, state, engine, tenant })
    }

    /// A key that may do this.
    pub async fn key(&self, scopes: &[&str]) -> String {
        let key = api_key::generate(true);
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let mut relay = self.state.store.begin_relay().await.unwrap();
        let grant = KeyGrant { name: "test".to_owned(), scopes, expires_at: None };
        api_key::create(&mut relay, self.tenant, &key, &grant, "operator").await.unwrap();
        relay.commit().await.unwrap();
        key.plain_text
    }

    pub async fn get(&self, key: &str, path: &str, known: Option<&str>) -> Seen {
        let mut request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {key}"));
        if let Some(tag) = known {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, key: &str, path: &str, body: &Value) -> Seen {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, "*");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Seen {
        let (parts, body) = crate::router(self.state.clone()).oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Seen { status: parts.status, headers: parts.headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// A verification that the machine works on.
    pub async fn processing(&self) -> VerificationId {
        let mut tx = self.state.store.begin(self.tenant).await.unwrap();
        let file =
            NewEvidence { sha256: [7; 32], size: 7, media_type: MediaType::Text, filename: None, object_key: "evidence/7".to_owned() };
        let evidence_id = evidence::insert_ready(&mut tx, &file, "key:test").await.unwrap().row().id;
        let new = NewVerification {
            id: VerificationId::new(),
            claim_type: "expense_receipt".to_owned(),
            claim_type_version: 1,
            claim: json!({ "merchant": "Bunga", "date": "2018-03-30", "total": { "amount": "9.00", "currency": "MYR" } }),
            priority: Priority::Normal,
            metadata: Value::Null,
            policy: Policy::default(),
            evidence_ids: vec![evidence_id],
            livemode: true,
            trace_parent: None,
        };
        let SubmitOutcome::Accepted(row) = verification::submit(&mut tx, new, None, "key:test").await.unwrap() else {
            panic!("it was there before")
        };
        verification::mark_processing(&mut tx, row.id).await.unwrap();
        tx.commit().await.unwrap();
        row.id
    }

    /// One that so many people are to answer.
    pub async fn in_review(&self, wanted: u8) -> (VerificationId, ReviewId) {
        let id = self.processing().await;
        let mut tx = self.state.store.begin(self.tenant).await.unwrap();
        let published =
            verification::publish_provisional(&mut tx, id, 0, &outcome(Verdict::Insufficient), Some(&new_review(wanted))).await.unwrap();
        tx.commit().await.unwrap();
        (id, published.review_id.unwrap())
    }
}

pub fn new_review(wanted: u8) -> NewReview {
    let now = Utc::now();
    NewReview { blockers: Vec::new(), wanted, due_at: now + TimeDelta::hours(4), expires_at: now + TimeDelta::days(7) }
}

/// What the machine says: of every field the same, and that it read something there.
pub fn outcome(verdict: Verdict) -> Outcome {
    let check = |field: &str, value: Value| Check {
        field: field.to_owned(),
        claimed: value.clone(),
        found: Some(value),
        verdict,
        confidence: 0.5,
        regions: Vec::new(),
        sources: Vec::new(),
        blockers: Vec::new(),
    };
    let total = json!({ "amount": "9.00", "currency": "MYR" });
    Outcome {
        verdict,
        confidence: 0.5,
        decided_by: DecidedBy::Rule,
        checks: vec![check("merchant", json!("Bunga")), check("date", json!("2018-03-30")), check("total", total)],
        blockers: Vec::new(),
        route: Vec::new(),
        level: Level::L0,
    }
}
