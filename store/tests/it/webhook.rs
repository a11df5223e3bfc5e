//! What a webhook is made of: endpoints and their secrets, events in the bytes that are signed, deliveries and the log of their attempts.

use chrono::{DateTime, TimeDelta, Utc};
use domain::id::{DeliveryId, EndpointId, EventId, VerificationId};
use domain::review::EvidenceRequest;
use domain::verdict::Verdict;
use domain::webhook::address::{Rules, check};
use domain::webhook::event::{EventFilter, EventType};
use domain::webhook::signature::{Headers, Secret, Signer, header, verify};
use serde_json::{Value, json};
use store::TenantTx;
use store::outbox::{self, OutboxKind};
use store::review::{self, DecideOutcome, NewRequest, Proof};
use store::verification::{self, Finalise};
use store::webhook::{self, Created, DeliveryFilter, EndpointChange, EndpointRow, Event, NewEndpoint, RotateOutcome, UpdateOutcome, Work};

use crate::desk::lease;
use crate::scene::{Scene, new_review, outcome};

pub const ACTOR: &str = "key:test";

async fn add(tx: &mut TenantTx, path: &str, filter: EventFilter) -> (EndpointRow, Secret) {
    let target = check(&format!("https://hooks.acme.com/{path}"), &Rules::default()).unwrap();
    let new = NewEndpoint { target: &target, description: "orders", filter, full_data: false };
    match webhook::create(tx, &new, ACTOR).await.unwrap() {
        Created::Endpoint { row, secret } => (row, secret),
        Created::TooMany => panic!("too many"),
    }
}

/// An endpoint that hears everything, committed.
pub async fn endpoint(scene: &Scene) -> (EndpointRow, Secret) {
    let mut tx = scene.tx().await;
    let added = add(&mut tx, "all", EventFilter::default()).await;
    tx.commit().await.unwrap();
    added
}

/// One delivery that waits, committed.
pub async fn waiting(scene: &Scene) -> (EndpointId, DeliveryId) {
    let (row, _) = endpoint(scene).await;
    let mut tx = scene.tx().await;
    let id = webhook::emit_test(&mut tx, row.id, EventType::VerificationFinal, ACTOR).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    (row.id, id)
}

pub async fn all(scene: &Scene, filter: DeliveryFilter) -> Vec<webhook::DeliveryRow> {
    webhook::deliveries(&mut scene.tx().await, &DeliveryFilter { limit: 100, ..filter }).await.unwrap()
}

pub async fn load(scene: &Scene, id: DeliveryId) -> Work {
    webhook::load(&mut scene.tx().await, id, Utc::now()).await.unwrap().unwrap()
}

async fn bodies(scene: &Scene) -> Vec<Value> {
    let mut rows = all(scene, DeliveryFilter::default()).await;
    rows.reverse();
    let mut bodies = Vec::new();
    for row in rows {
        let event = webhook::event(&mut scene.tx().await, row.event_id).await.unwrap().unwrap();
        bodies.push(serde_json::from_slice(&event.body).unwrap());
    }
    bodies
}

pub async fn ordered(scene: &Scene) -> Vec<Value> {
    let rows = outbox::claim_due(&mut scene.relay().await, 100).await.unwrap();
    rows.into_iter().filter(|row| row.kind == OutboxKind::Delivery).map(|row| row.payload).collect()
}

pub async fn audit(scene: &Scene) -> Vec<(String, String)> {
    let links = store::audit::export(&mut scene.tx().await, scene.tenant, 0, 1_000).await.unwrap();
    assert!(store::audit::verify(&mut scene.tx().await, scene.tenant).await.unwrap().is_whole());
    let own = links.into_iter().filter(|link| link.event_type.starts_with("webhook."));
    own.map(|link| (link.event_type, link.payload.unwrap())).collect()
}

#[tokio::test]
async fn an_endpoint_is_made_read_changed_and_deleted() {
    let Some(scene) = Scene::start().await else { return };
    let (row, secret) = endpoint(&scene).await;
    assert_eq!((row.url.as_str(), row.version, row.enabled), ("https://hooks.acme.com/all", 1, true));
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(webhook::get(&mut foreign, row.id).await.unwrap(), None);
    assert!(!webhook::delete(&mut foreign, row.id, ACTOR).await.unwrap());

    let mut tx = scene.tx().await;
    let target = check("https://other.acme.com/token-in-the-path", &Rules::default()).unwrap();
    let filter = EventFilter::new([EventType::VerificationFinal]);
    let change = EndpointChange { target: Some(&target), filter: Some(filter.clone()), ..EndpointChange::default() };
    let UpdateOutcome::Updated(updated) = webhook::update(&mut tx, row.id, 1, &change, ACTOR).await.unwrap() else { panic!() };
    assert_eq!((updated.version, updated.url.as_str(), &updated.filter), (2, target.url.as_str(), &filter));
    assert_eq!(updated.description, "orders", "what is not named stays");
    let stale = webhook::update(&mut tx, row.id, 1, &EndpointChange::default(), ACTOR).await.unwrap();
    assert_eq!(stale, UpdateOutcome::Stale(updated.clone()));
    let unknown = webhook::update(&mut tx, EndpointId::new(), 1, &EndpointChange::default(), ACTOR).await.unwrap();
    assert_eq!(unknown, UpdateOutcome::NotFound);
    assert_eq!(webhook::list(&mut tx).await.unwrap(), [updated]);

    assert!(webhook::delete(&mut tx, row.id, ACTOR).await.unwrap());
    assert!(!webhook::delete(&mut tx, row.id, ACTOR).await.unwrap(), "only once");
    assert_eq!(webhook::list(&mut tx).await.unwrap(), []);
    tx.commit().await.unwrap();

    let links = audit(&scene).await;
    let kinds: Vec<&str> = links.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["webhook.created", "webhook.updated", "webhook.deleted"]);
    let secret = secret.reveal();
    for (_, payload) in links {
        assert!(!payload.contains(&secret) && !payload.contains("token-in-the-path"), "{payload}");
    }
}

#[tokio::test]
async fn a_tenant_has_so_many_endpoints_and_no_more() {
    let Some(scene) = Scene::start().await else { return };
    let mut tx = scene.tx().await;
    for number in 0..webhook::MAX_ENDPOINTS {
        add(&mut tx, &number.to_string(), EventFilter::default()).await;
    }
    let target = check("https://hooks.acme.com/", &Rules::default()).unwrap();
    let new = NewEndpoint { target: &target, description: "", filter: EventFilter::default(), full_data: false };
    assert!(matches!(webhook::create(&mut tx, &new, ACTOR).await.unwrap(), Created::TooMany));
}

#[tokio::test]
async fn a_rotated_secret_signs_beside_the_old_one_for_a_day() {
    let Some(scene) = Scene::start().await else { return };
    let (endpoint_id, delivery_id) = waiting(&scene).await;
    let now = Utc::now();
    let first = load(&scene, delivery_id).await.signers;
    let mut tx = scene.tx().await;
    let RotateOutcome::Rotated { secret, old_until } = webhook::rotate(&mut tx, endpoint_id, now, ACTOR).await.unwrap() else { panic!() };
    assert_eq!(old_until, now + TimeDelta::hours(24));
    for (at, count) in [(now, 2), (old_until - TimeDelta::seconds(1), 2), (old_until, 1)] {
        let signers = webhook::load(&mut tx, delivery_id, at).await.unwrap().unwrap().signers;
        assert_eq!(signers.len(), count, "{at}");
        let signature = header(&signers, "evt_1", 100, b"body").unwrap();
        let headers = Headers { id: "evt_1", timestamp: "100", signature: &signature };
        assert_eq!(verify(&[Signer::Hmac(secret.clone())], &headers, b"body", 100), Ok(()));
        assert_eq!(verify(&first, &headers, b"body", 100).is_ok(), count == 2, "{at}");
    }
    for _ in 0..3 {
        assert!(matches!(webhook::rotate(&mut tx, endpoint_id, now, ACTOR).await.unwrap(), RotateOutcome::Rotated { .. }));
    }
    let RotateOutcome::TooOften { until } = webhook::rotate(&mut tx, endpoint_id, now, ACTOR).await.unwrap() else { panic!() };
    assert_eq!(until.timestamp(), old_until.timestamp());
    assert!(matches!(
        webhook::rotate(&mut tx, endpoint_id, until + TimeDelta::seconds(1), ACTOR).await.unwrap(),
        RotateOutcome::Rotated { .. }
    ));
    assert!(matches!(webhook::rotate(&mut tx, EndpointId::new(), now, ACTOR).await.unwrap(), RotateOutcome::NotFound));
    tx.commit().await.unwrap();
    for (_, payload) in audit(&scene).await {
        assert!(!payload.contains("whsec_"), "{payload}");
    }
}

#[tokio::test]
async fn a_verification_is_told_from_answer_to_ending() {
    let Some(scene) = Scene::start().await else { return };
    endpoint(&scene).await;
    let (id, review_id) = scene.in_review().await;
    let mut tx = scene.tx().await;
    assert!(store::review::escalate(&mut tx, review_id, "system", "overdue").await.unwrap());
    let how = Finalise::Expired { outcome: outcome(Verdict::Supported) };
    verification::finalise(&mut tx, id, &how).await.unwrap();
    tx.commit().await.unwrap();

    let bodies = bodies(&scene).await;
    let told: Vec<(&str, &Value)> = bodies.iter().map(|body| (body["type"].as_str().unwrap(), &body["data"])).collect();
    let mut kinds: Vec<&str> = told.iter().map(|(kind, _)| *kind).collect();
    kinds.sort_unstable();
    let mut expected =
        ["verification.provisional", "verification.in_review", "review.overdue", "verification.final", "verification.corrected"];
    expected.sort_unstable();
    assert_eq!(kinds, expected);
    let steps = scene.events(id).await;
    for (kind, data) in &told {
        assert_eq!(data["verification_id"], json!(id), "{kind}");
        if let Some((sequence, _)) = steps.iter().find(|(_, step)| step == kind) {
            assert_eq!(data["sequence"], json!(sequence), "{kind}: as on the timeline");
        }
    }
    let data = |wanted: &str| told.iter().find(|(kind, _)| *kind == wanted).unwrap().1.clone();
    assert_eq!(data("verification.in_review")["review_id"], json!(review_id));
    assert_eq!(data("verification.in_review")["status"], "in_review");
    assert_eq!(data("verification.provisional").get("review_id"), None);
    assert_eq!(data("verification.final")["status"], "expired");
    assert_eq!(data("verification.final")["verdict"], "supported");
    assert_eq!(data("verification.corrected")["from"], "insufficient");
    for body in &bodies {
        let at: DateTime<Utc> = body["timestamp"].as_str().unwrap().parse().unwrap();
        assert!((Utc::now() - at).num_seconds() < 60);
    }
    // The ending takes back what the engine was still to be told, but not what the client was.
    assert_eq!(ordered(&scene).await.len(), 5);
    // Said twice, told once.
    let mut tx = scene.tx().await;
    verification::finalise(&mut tx, id, &how).await.unwrap();
    verification::publish_provisional(&mut tx, id, 0, &outcome(Verdict::Supported), Some(&new_review())).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(all(&scene, DeliveryFilter::default()).await.len(), 5);
}

#[tokio::test]
async fn a_person_who_escalates_is_not_told_that_it_is_overdue() {
    let Some(scene) = Scene::start().await else { return };
    let (_, review_id) = scene.in_review().await;
    endpoint(&scene).await;
    let mut tx = scene.tx().await;
    assert!(store::review::escalate(&mut tx, review_id, "user:ann", "hard").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(all(&scene, DeliveryFilter::default()).await, []);
}

#[tokio::test]
async fn an_event_goes_to_the_endpoints_that_want_it_and_to_no_other_tenant() {
    let Some(scene) = Scene::start().await else { return };
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    add(&mut foreign, "foreign", EventFilter::default()).await;
    foreign.commit().await.unwrap();
    let mut tx = scene.tx().await;
    let (everything, _) = add(&mut tx, "a", EventFilter::default()).await;
    let (finals, _) = add(&mut tx, "b", EventFilter::new([EventType::VerificationFinal])).await;
    let (off, _) = add(&mut tx, "c", EventFilter::default()).await;
    assert!(webhook::disable(&mut tx, off.id, ACTOR).await.unwrap());
    assert!(!webhook::disable(&mut tx, off.id, ACTOR).await.unwrap(), "only once");
    let (gone, _) = add(&mut tx, "d", EventFilter::default()).await;
    assert!(webhook::delete(&mut tx, gone.id, ACTOR).await.unwrap());
    let level = Event { kind: EventType::LevelChanged, about: None, data: json!({ "level": "L1" }) };
    let last = Event { kind: EventType::VerificationFinal, about: Some((VerificationId::new(), 4)), data: json!({}) };
    webhook::emit(&mut tx, &[level, last]).await.unwrap();
    assert_eq!(webhook::emit_test(&mut tx, off.id, EventType::VerificationFinal, ACTOR).await.unwrap(), None);
    tx.commit().await.unwrap();

    let rows = all(&scene, DeliveryFilter::default()).await;
    let mut told: Vec<_> = rows.iter().map(|row| (row.endpoint_id, row.event.as_str())).collect();
    told.sort();
    let mut expected = vec![(everything.id, "level.changed"), (everything.id, "verification.final"), (finals.id, "verification.final")];
    expected.sort();
    assert_eq!(told, expected);
    let finals: Vec<EventId> = rows.iter().filter(|row| row.event == "verification.final").map(|row| row.event_id).collect();
    assert_eq!(finals[0], finals[1], "the bytes are stored once");
    assert_eq!(all(&scene, DeliveryFilter { endpoint_id: Some(everything.id), ..DeliveryFilter::default() }).await.len(), 2);
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(webhook::deliveries(&mut foreign, &DeliveryFilter { limit: 10, ..DeliveryFilter::default() }).await.unwrap(), []);
    assert_eq!(webhook::delivery(&mut foreign, rows[0].id).await.unwrap(), None);
    assert!(webhook::load(&mut foreign, rows[0].id, Utc::now()).await.unwrap().is_none());
    assert_eq!(ordered(&scene).await.len(), 3);
}

#[tokio::test]
async fn what_was_rolled_back_is_not_told() {
    let Some(scene) = Scene::start().await else { return };
    endpoint(&scene).await;
    let mut tx = scene.tx().await;
    let event = Event { kind: EventType::VerificationFinal, about: None, data: json!({}) };
    webhook::emit(&mut tx, &[event]).await.unwrap();
    drop(tx);
    assert_eq!(all(&scene, DeliveryFilter::default()).await, []);
    assert_eq!(ordered(&scene).await, Vec::<Value>::new());
}

#[tokio::test]
async fn that_evidence_is_asked_for_is_told_without_the_words() {
    let Some(scene) = Scene::start().await else { return };
    endpoint(&scene).await;
    let (id, review_id) = scene.in_review().await;
    let lease = lease(&scene, review_id, "user:ann", 300).await;
    let request = EvidenceRequest { text: "The page that Ann Archer signed".into(), fields: vec!["total".into()] };
    let proof = Proof::Holder("user:ann");
    let new = NewRequest { review_id, proof, generation: lease.generation, holder: "user:ann", request: &request };
    let mut undone = scene.tx().await;
    review::ask(&mut undone, &new).await.unwrap();
    drop(undone);
    let told =
        async || bodies(&scene).await.into_iter().filter(|body| body["type"] == "verification.awaiting_evidence").collect::<Vec<_>>();
    assert_eq!(told().await, [] as [Value; 0], "told with the change or not at all");
    let mut tx = scene.tx().await;
    assert_eq!(review::ask(&mut tx, &new).await.unwrap(), DecideOutcome::Recorded);
    tx.commit().await.unwrap();
    let told = told().await;
    let sequence = scene.events(id).await.last().unwrap().0;
    let expected =
        json!({ "verification_id": id, "sequence": sequence, "status": "awaiting_evidence", "review_id": review_id, "round": 1 });
    assert_eq!(told.iter().map(|body| &body["data"]).collect::<Vec<_>>(), [&expected]);
}
