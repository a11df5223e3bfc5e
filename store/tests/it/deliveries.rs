//! Deliveries and the log of their attempts: noted once, called off with their endpoint, put back by hand.

use chrono::{DateTime, TimeDelta, Utc};
use domain::id::{DeliveryId, Id, VerificationId};
use domain::webhook::event::EventType;
use serde_json::json;
use store::outbox;
use store::webhook::{self, DeliveryFilter, DeliveryStatus, DisabledReason, Event, NewAttempt, RetryOutcome};

use crate::scene::Scene;
use crate::webhook::{ACTOR, all, audit, endpoint, load, ordered, waiting};

fn attempt(delivery_id: DeliveryId, number: u32, status: Option<u16>) -> NewAttempt<'static> {
    let error = status.is_none().then_some("timeout");
    NewAttempt { delivery_id, number, at: Utc::now(), status, milliseconds: 12, error }
}

#[tokio::test]
async fn a_page_of_deliveries_begins_behind_the_one_before() {
    let Some(scene) = Scene::start().await else { return };
    endpoint(&scene).await;
    let about = VerificationId::new();
    for sequence in 1..=5 {
        let mut tx = scene.tx().await;
        let event = Event { kind: EventType::VerificationFinal, about: Some((about, sequence)), data: json!({}) };
        webhook::emit(&mut tx, &[event.clone(), event]).await.unwrap();
        tx.commit().await.unwrap();
    }
    let whole = all(&scene, DeliveryFilter { verification_id: Some(about), ..DeliveryFilter::default() }).await;
    assert_eq!(whole.len(), 10);
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let filter = DeliveryFilter { status: Some(DeliveryStatus::Waiting), before, limit: 3, ..DeliveryFilter::default() };
        let page = webhook::deliveries(&mut scene.tx().await, &filter).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some((last.created_at, last.id));
        seen.extend(page);
    }
    assert_eq!(seen, whole);
    assert_eq!(all(&scene, DeliveryFilter { status: Some(DeliveryStatus::Dead), ..DeliveryFilter::default() }).await, []);
}

#[tokio::test]
async fn an_attempt_is_noted_once_per_number() {
    let Some(scene) = Scene::start().await else { return };
    let (endpoint_id, id) = waiting(&scene).await;
    let mut tx = scene.tx().await;
    let next = Utc::now() + TimeDelta::seconds(5);
    assert!(webhook::record_attempt(&mut tx, &attempt(id, 1, None)).await.unwrap());
    webhook::wait_until(&mut tx, id, next).await.unwrap();
    webhook::endpoint_failed(&mut tx, endpoint_id, Utc::now(), Some(next)).await.unwrap();
    assert!(!webhook::record_attempt(&mut tx, &attempt(id, 1, Some(200))).await.unwrap(), "a repeat changes nothing");
    tx.commit().await.unwrap();
    let work = load(&scene, id).await;
    assert_eq!((work.attempts, work.status), (1, DeliveryStatus::Waiting));
    assert_eq!(work.next_at.unwrap().timestamp_micros(), next.timestamp_micros());
    assert!(work.failing_since.is_some() && work.held_until.is_some());
    let since = work.failing_since;

    let mut tx = scene.tx().await;
    webhook::endpoint_failed(&mut tx, endpoint_id, Utc::now() + TimeDelta::days(1), None).await.unwrap();
    assert_eq!(webhook::get(&mut tx, endpoint_id).await.unwrap().unwrap().failing_since, since, "since the first");
    assert!(webhook::record_attempt(&mut tx, &attempt(id, 2, Some(204))).await.unwrap());
    webhook::finish(&mut tx, id, DeliveryStatus::Delivered).await.unwrap();
    webhook::endpoint_answered(&mut tx, endpoint_id).await.unwrap();
    webhook::finish(&mut tx, id, DeliveryStatus::Dead).await.unwrap();
    tx.commit().await.unwrap();
    let row = webhook::delivery(&mut scene.tx().await, id).await.unwrap().unwrap();
    assert_eq!((row.status, row.attempts, row.last_status, row.next_at), (DeliveryStatus::Delivered, 2, Some(204), None));
    let endpoint = webhook::get(&mut scene.tx().await, endpoint_id).await.unwrap().unwrap();
    assert_eq!((endpoint.failing_since, endpoint.held_until, endpoint.version), (None, None, 1));
    let attempts = webhook::attempts(&mut scene.tx().await, id).await.unwrap();
    let noted: Vec<_> = attempts.iter().map(|row| (row.number, row.status, row.error.as_deref())).collect();
    assert_eq!(noted, [(1, None, Some("timeout")), (2, Some(204), None)]);
}

#[tokio::test]
async fn an_endpoint_that_is_switched_off_calls_off_what_waits() {
    let Some(scene) = Scene::start().await else { return };
    let (endpoint_id, id) = waiting(&scene).await;
    let mut tx = scene.tx().await;
    assert!(webhook::disable_endpoint(&mut tx, endpoint_id, DisabledReason::Failing).await.unwrap());
    assert!(!webhook::disable_endpoint(&mut tx, endpoint_id, DisabledReason::Gone).await.unwrap());
    tx.commit().await.unwrap();
    let endpoint = webhook::get(&mut scene.tx().await, endpoint_id).await.unwrap().unwrap();
    assert_eq!((endpoint.enabled, endpoint.disabled_reason), (false, Some(DisabledReason::Failing)));
    let work = load(&scene, id).await;
    assert_eq!((work.status, work.enabled), (DeliveryStatus::Canceled, false));
    let mut tx = scene.tx().await;
    assert_eq!(webhook::retry(&mut tx, id, ACTOR).await.unwrap(), RetryOutcome::EndpointOff);
    assert_eq!(webhook::replay(&mut tx, endpoint_id, DateTime::UNIX_EPOCH, Utc::now(), ACTOR).await.unwrap(), None);
    // The attempt that was under way arrived after all.
    webhook::finish(&mut tx, id, DeliveryStatus::Delivered).await.unwrap();
    assert!(webhook::enable(&mut tx, endpoint_id, ACTOR).await.unwrap());
    assert!(!webhook::enable(&mut tx, endpoint_id, ACTOR).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(load(&scene, id).await.status, DeliveryStatus::Delivered);
    let kinds: Vec<String> = audit(&scene).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["webhook.created", "webhook.tested", "webhook.disabled", "webhook.enabled"]);
}

#[tokio::test]
async fn what_is_retried_begins_its_schedule_anew() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = waiting(&scene).await;
    let mut tx = scene.tx().await;
    webhook::record_attempt(&mut tx, &attempt(id, 1, Some(500))).await.unwrap();
    assert_eq!(webhook::retry(&mut tx, id, ACTOR).await.unwrap(), RetryOutcome::Ordered);
    let work = webhook::load(&mut tx, id, Utc::now()).await.unwrap().unwrap();
    assert_eq!((work.attempts, work.attempts_before), (1, 0), "one that waits goes on");
    webhook::finish(&mut tx, id, DeliveryStatus::Dead).await.unwrap();
    assert_eq!(webhook::retry(&mut tx, id, ACTOR).await.unwrap(), RetryOutcome::Ordered);
    assert_eq!(webhook::retry(&mut tx, DeliveryId::new(), ACTOR).await.unwrap(), RetryOutcome::NotFound);
    tx.commit().await.unwrap();
    let work = load(&scene, id).await;
    assert_eq!((work.status, work.attempts, work.attempts_before), (DeliveryStatus::Waiting, 1, 1));
    let orders = ordered(&scene).await;
    let order = json!({ "delivery_id": id });
    let by_hand = json!({ "delivery_id": id, "by_hand": true });
    assert_eq!(orders.len(), 3);
    assert_eq!(orders.iter().filter(|payload| **payload == order).count(), 1);
    assert_eq!(orders.iter().filter(|payload| **payload == by_hand).count(), 2);
}

#[tokio::test]
async fn a_replay_puts_back_what_never_arrived_within_its_time() {
    let Some(scene) = Scene::start().await else { return };
    let (row, _) = endpoint(&scene).await;
    let mut tx = scene.tx().await;
    let mut ids = Vec::new();
    for status in [DeliveryStatus::Dead, DeliveryStatus::Canceled, DeliveryStatus::Delivered] {
        let id = webhook::emit_test(&mut tx, row.id, EventType::VerificationFinal, ACTOR).await.unwrap().unwrap();
        webhook::finish(&mut tx, id, status).await.unwrap();
        ids.push(id);
    }
    tx.commit().await.unwrap();
    let now = Utc::now() + TimeDelta::seconds(1);
    let mut tx = scene.tx().await;
    let replayed = webhook::replay(&mut tx, row.id, now, now + TimeDelta::hours(1), ACTOR).await.unwrap();
    assert_eq!(replayed, Some(0));
    let replayed = webhook::replay(&mut tx, row.id, now - TimeDelta::hours(1), now, ACTOR).await.unwrap();
    assert_eq!(replayed, Some(2));
    assert_eq!(webhook::replay(&mut tx, row.id, now - TimeDelta::hours(1), now, ACTOR).await.unwrap(), Some(0));
    tx.commit().await.unwrap();
    let waiting = all(&scene, DeliveryFilter { status: Some(DeliveryStatus::Waiting), ..DeliveryFilter::default() }).await;
    let mut waiting: Vec<DeliveryId> = waiting.iter().map(|row| row.id).collect();
    waiting.sort();
    assert_eq!(waiting, ids[..2]);
    assert_eq!(ordered(&scene).await.len(), 5, "three orders of the events, two of the replay");
}

#[tokio::test]
async fn an_order_names_what_it_is_about() {
    let Some(scene) = Scene::start().await else { return };
    endpoint(&scene).await;
    let about = VerificationId::new();
    let mut tx = scene.tx().await;
    let told = Event { kind: EventType::VerificationFinal, about: Some((about, 4)), data: json!({}) };
    let level = Event { kind: EventType::LevelChanged, about: None, data: json!({}) };
    webhook::emit(&mut tx, &[told, level]).await.unwrap();
    tx.commit().await.unwrap();
    let rows = outbox::claim_due(&mut scene.relay().await, 10).await.unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let id: DeliveryId = row.payload["delivery_id"].as_str().unwrap().parse().unwrap();
        let delivery = webhook::delivery(&mut scene.tx().await, id).await.unwrap().unwrap();
        let expected = delivery.verification_id.map_or(id.uuid(), |id| id.uuid());
        assert_eq!((row.id, row.verification_id.uuid()), (id.uuid(), expected));
    }
}

#[tokio::test]
async fn what_should_have_been_tried_a_while_ago_is_ordered_anew() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = waiting(&scene).await;
    let mut relay = scene.relay().await;
    for row in outbox::claim_due(&mut relay, 10).await.unwrap() {
        outbox::done(&mut relay, &row).await.unwrap();
    }
    relay.commit().await.unwrap();
    for (late, orders) in [(540, 0), (660, 1), (660, 0)] {
        let mut tx = scene.tx().await;
        webhook::wait_until(&mut tx, id, Utc::now() - TimeDelta::seconds(late)).await.unwrap();
        assert_eq!(webhook::order_overdue(&mut tx, 10).await.unwrap(), orders, "{late} s late");
        tx.commit().await.unwrap();
    }
    assert_eq!(ordered(&scene).await, [json!({ "delivery_id": id })]);
    let mut tx = scene.tx().await;
    webhook::finish(&mut tx, id, DeliveryStatus::Dead).await.unwrap();
    assert_eq!(webhook::order_overdue(&mut tx, 10).await.unwrap(), 0, "nothing waits");
}
