//! The feed of a tenant's events: numbered as they become visible, the same for everybody, forgotten in time.

use std::time::Duration;

use domain::id::{TenantId, VerificationId};
use domain::verdict::Verdict;
use domain::webhook::event::EventType;
use serde_json::{Value, json};
use store::listen::VerificationChanges;
use store::verification::{self, Finalise};
use store::webhook::{self, Event, FeedRow};
use store::{DatabaseConfig, Store};

use crate::scene::{Scene, outcome};
use crate::webhook::waiting;

fn level(word: &str) -> Event {
    Event { kind: EventType::LevelChanged, about: None, data: json!({ "level": word }) }
}

async fn tell(store: &Store, tenant: TenantId, word: &str) {
    let mut tx = store.begin(tenant).await.unwrap();
    webhook::emit(&mut tx, &[level(word)]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn feed(scene: &Scene, after: i64) -> Vec<FeedRow> {
    webhook::feed(&mut scene.tx().await, after, 1_000).await.unwrap()
}

fn words(rows: &[FeedRow]) -> Vec<(i64, String)> {
    let word = |row: &FeedRow| serde_json::from_slice::<Value>(&row.body).unwrap()["data"]["level"].as_str().unwrap().to_owned();
    rows.iter().map(|row| (row.number, word(row))).collect()
}

#[tokio::test]
async fn a_tenant_without_endpoints_has_a_feed_and_no_deliveries() {
    let Some(scene) = Scene::start().await else { return };
    let (id, review_id) = scene.in_review().await;
    let mut tx = scene.tx().await;
    assert!(store::review::escalate(&mut tx, review_id, "system", "overdue").await.unwrap());
    let how = Finalise::Expired { outcome: outcome(Verdict::Supported) };
    verification::finalise(&mut tx, id, &how).await.unwrap();
    tx.commit().await.unwrap();

    let rows = feed(&scene, 0).await;
    let told: Vec<(i64, &str)> = rows.iter().map(|row| (row.number, row.kind.as_str())).collect();
    let expected = ["verification.provisional", "verification.in_review", "review.overdue", "verification.final", "verification.corrected"];
    assert_eq!(told, expected.iter().enumerate().map(|(index, kind)| (index as i64 + 1, *kind)).collect::<Vec<_>>());
    assert_eq!(webhook::deliveries(&mut scene.tx().await, &webhook::DeliveryFilter { limit: 9, ..Default::default() }).await.unwrap(), []);
    assert_eq!(feed(&scene, 3).await, rows[3..]);
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(webhook::feed(&mut foreign, 0, 9).await.unwrap(), []);
    assert_eq!(webhook::feed_end(&mut foreign).await.unwrap(), 0);
    tell(&scene.store, scene.other, "theirs").await;
    assert_eq!(webhook::feed_end(&mut foreign).await.unwrap(), 1, "each tenant counts for itself");
}

#[tokio::test]
async fn the_commit_decides_the_order_and_not_the_beginning() {
    let Some(scene) = Scene::start().await else { return };
    let mut slow = scene.tx().await;
    webhook::emit(&mut slow, &[level("slow"), level("slower")]).await.unwrap();
    tell(&scene.store, scene.tenant, "quick").await;
    assert_eq!(words(&feed(&scene, 0).await), [(1, "quick".to_owned())]);
    slow.commit().await.unwrap();
    assert_eq!(words(&feed(&scene, 1).await), [(2, "slow".to_owned()), (3, "slower".to_owned())]);
    let mut dropped = scene.tx().await;
    webhook::emit(&mut dropped, &[level("never")]).await.unwrap();
    drop(dropped);
    tell(&scene.store, scene.tenant, "last").await;
    assert_eq!(words(&feed(&scene, 3).await), [(4, "last".to_owned())], "what was rolled back leaves no hole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_on_after_the_last_number_misses_nothing_while_many_write() {
    const WRITERS: i64 = 4;
    const EACH: i64 = 25;
    let Some(scene) = Scene::start().await else { return };
    let writers = (0..WRITERS).map(|writer| {
        let (store, tenant) = (scene.store.clone(), scene.tenant);
        tokio::spawn(async move {
            for round in 0..EACH {
                tell(&store, tenant, &format!("{writer}.{round}")).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut seen: Vec<FeedRow> = Vec::new();
    let reading = async {
        while (seen.len() as i64) < WRITERS * EACH {
            let after = seen.last().map_or(0, |row| row.number);
            seen.extend(webhook::feed(&mut scene.tx().await, after, 7).await.unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(seen.iter().map(|row| row.number).collect::<Vec<_>>(), (1..=WRITERS * EACH).collect::<Vec<_>>());
    let mut ids: Vec<_> = seen.iter().map(|row| row.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len() as i64, WRITERS * EACH);
}

#[tokio::test]
async fn a_time_in_the_feed_is_found_and_what_is_old_and_was_sent_to_nobody_is_forgotten() {
    let Some(scene) = Scene::start().await else { return };
    tell(&scene.store, scene.tenant, "old").await;
    let (_, delivery_id) = waiting(&scene).await;
    tell(&scene.store, scene.tenant, "new").await;
    let client = scene.database.connect(&scene.database.owner_url).await;
    let age = format!(
        "set app.tenant = '{}'; update webhook_events set created_at = now() - interval '31 days' where number < 3",
        scene.tenant.0
    );
    client.batch_execute(&age).await.unwrap();
    let ago = |days| chrono::Utc::now() - chrono::TimeDelta::days(days);
    let mut tx = scene.tx().await;
    for (since, after) in [(ago(40), 0), (ago(30), 2), (ago(-1), 3)] {
        assert_eq!(webhook::feed_since(&mut tx, since).await.unwrap(), after, "{since}");
    }
    drop(tx);

    let mut relay = scene.relay().await;
    assert_eq!(webhook::forget(&mut relay, scene.other, 10).await.unwrap(), 0);
    assert_eq!(webhook::forget(&mut relay, scene.tenant, 10).await.unwrap(), 1);
    relay.commit().await.unwrap();
    let numbers: Vec<i64> = feed(&scene, 0).await.iter().map(|row| row.number).collect();
    assert_eq!(numbers, [2, 3], "the second was sent to an endpoint");
    assert!(webhook::delivery(&mut scene.tx().await, delivery_id).await.unwrap().is_some());
}

#[tokio::test]
async fn an_event_says_whether_it_was_sent_and_one_that_does_not_say_is_kept() {
    let Some(scene) = Scene::start().await else { return };
    tell(&scene.store, scene.tenant, "nobody listens").await;
    waiting(&scene).await;
    tell(&scene.store, scene.tenant, "sent").await;
    let client = scene.database.connect(&scene.database.owner_url).await;
    // The release before wrote it, with deliveries or without.
    let before =
        "insert into webhook_events (tenant_id, id, type, body) select tenant_id, gen_random_uuid(), type, body from webhook_events
        where number = 1";
    let old = "update webhook_events set created_at = now() - interval '31 days'";
    client.batch_execute(&format!("set app.tenant = '{}'; {before}; {old}", scene.tenant.0)).await.unwrap();
    let rows = client.query("select sent from webhook_events order by number", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<bool>>(), [false, true, true, true]);

    let mut relay = scene.relay().await;
    assert_eq!(webhook::forget(&mut relay, scene.tenant, 10).await.unwrap(), 1);
    relay.commit().await.unwrap();
    assert_eq!(feed(&scene, 0).await.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 3, 4]);
    let plan = "set enable_seqscan = off;
        explain select id from webhook_events where not sent and created_at < now() order by created_at limit 9";
    let plan = format!("{:?}", client.simple_query(plan).await.unwrap());
    assert!(plan.contains("webhook_events_unsent"), "{plan}");
}

#[tokio::test]
async fn who_follows_a_tenant_wakes_for_each_of_its_events() {
    let Some(scene) = Scene::start().await else { return };
    let changes = VerificationChanges::spawn(&DatabaseConfig::new(&scene.database.service_url)).unwrap();
    let patience = Duration::from_secs(30);
    let mut anybody = changes.subscribe(VerificationId::new());
    tokio::time::timeout(patience, anybody.changed()).await.unwrap();
    let mut mine = changes.subscribe_tenant(scene.tenant);
    let mut theirs = changes.subscribe_tenant(scene.other);

    tell(&scene.store, scene.tenant, "mine").await;
    tokio::time::timeout(patience, mine.changed()).await.unwrap();
    scene.in_review().await;
    tokio::time::timeout(patience, mine.changed()).await.unwrap();
    tell(&scene.store, scene.other, "theirs").await;
    // Notices come in the order in which they were sent, so an earlier one would have been heard by now.
    assert_eq!(tokio::time::timeout(patience, theirs.changed()).await.unwrap(), 0);
}
