//! Every row is told by one relay at a time, and again if that one fails.

use std::collections::BTreeSet;
use std::time::Duration;

use store::outbox::{self, OutboxKind};
use store::verification;

use crate::scene::Scene;

#[tokio::test]
async fn relays_pass_over_what_another_one_holds() {
    let Some(scene) = Scene::start().await else { return };
    for _ in 0..6 {
        let id = scene.accepted().await.id;
        let mut tx = scene.tx().await;
        verification::request_cancel(&mut tx, id, "key:a").await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut first = scene.relay().await;
    let mut second = scene.relay().await;
    let mut third = scene.relay().await;
    let one = outbox::claim_due(&mut first, 4).await.unwrap();
    let two = outbox::claim_due(&mut second, 4).await.unwrap();
    assert_eq!((one.len(), two.len(), outbox::claim_due(&mut third, 4).await.unwrap().len()), (4, 2, 0));
    let ids: BTreeSet<_> = one.iter().chain(&two).map(|row| row.id).collect();
    assert_eq!(ids.len(), 6);
    assert!(one.iter().all(|row| row.kind == OutboxKind::Cancel && row.attempts == 1), "a start is left to the gateway for a moment");
    for row in &one {
        outbox::done(&mut first, row).await.unwrap();
    }
    first.commit().await.unwrap();
    // The second relay dies: what it took is due again.
    drop(second);
    let mut fourth = scene.relay().await;
    let again = loop {
        let again = outbox::claim_due(&mut fourth, 10).await.unwrap();
        if !again.is_empty() {
            break again;
        }
    };
    assert_eq!(again.len(), 2);
    outbox::failed(&mut fourth, &again[0], Duration::from_secs(3600)).await.unwrap();
    outbox::failed(&mut fourth, &again[1], Duration::ZERO).await.unwrap();
    fourth.commit().await.unwrap();
    let due = outbox::claim_due(&mut scene.relay().await, 10).await.unwrap();
    assert_eq!(due.iter().map(|row| (row.id, row.attempts)).collect::<Vec<_>>(), [(again[1].id, 2)]);
}

#[tokio::test]
async fn a_gateway_that_started_the_workflow_itself_says_so() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.accepted().await.id;
    let depth = outbox::depth(&mut scene.relay().await).await.unwrap();
    assert!(depth.count == 1 && depth.oldest_seconds.is_some_and(|age| age >= 0.0), "{depth:?}");
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    outbox::done_now(&mut foreign, id.0).await.unwrap();
    foreign.commit().await.unwrap();
    assert_eq!(outbox::depth(&mut scene.relay().await).await.unwrap().count, 1, "not another tenant's");
    let mut tx = scene.tx().await;
    outbox::done_now(&mut tx, id.0).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(outbox::depth(&mut scene.relay().await).await.unwrap().count, 0);
}
