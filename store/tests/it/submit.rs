//! One key, one verification.

use std::collections::BTreeSet;

use domain::id::EvidenceId;
use domain::verification::Status;
use store::StoreError;
use store::evidence::{self, InsertEvidence};
use store::idempotency::{self, Begin, StoredResponse};
use store::verification::{self, ListFilter, SubmitOutcome};

use crate::scene::{Scene, key, new_evidence, new_verification};

#[tokio::test]
async fn second_submission_returns_the_first_verification() {
    let Some(scene) = Scene::start().await else { return };
    let evidence_id = scene.evidence(scene.tenant, b"receipt").await;
    let mut tx = scene.tx().await;
    let first = verification::submit(&mut tx, new_verification(&[evidence_id]), Some(key("k", 1)), "key:a").await.unwrap();
    tx.commit().await.unwrap();
    let SubmitOutcome::Accepted(first) = first else { panic!("{first:?}") };
    assert_eq!((first.status, first.version, first.sequence), (Status::Queued, 1, 1));

    let mut tx = scene.tx().await;
    let second = verification::submit(&mut tx, new_verification(&[evidence_id]), Some(key("k", 1)), "key:a").await.unwrap();
    assert_eq!(second, SubmitOutcome::Duplicate { verification_id: first.id, response: None });

    let response = StoredResponse { status: 202, headers: serde_json::json!({ "location": "/x" }), body: b"{}".to_vec() };
    idempotency::store_response(&mut tx, "k", &response).await.unwrap();
    tx.commit().await.unwrap();
    let third = verification::submit(&mut scene.tx().await, new_verification(&[evidence_id]), Some(key("k", 1)), "key:a").await.unwrap();
    assert_eq!(third, SubmitOutcome::Duplicate { verification_id: first.id, response: Some(response) });

    assert_eq!(scene.row(first.id).await, first);
    assert_eq!(scene.events(first.id).await, [(1, "verification.accepted".to_owned())]);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_a_mismatch() {
    let Some(scene) = Scene::start().await else { return };
    let evidence_id = scene.evidence(scene.tenant, b"receipt").await;
    let mut tx = scene.tx().await;
    verification::submit(&mut tx, new_verification(&[evidence_id]), Some(key("k", 1)), "key:a").await.unwrap();
    tx.commit().await.unwrap();
    let other = verification::submit(&mut scene.tx().await, new_verification(&[evidence_id]), Some(key("k", 2)), "key:a").await.unwrap();
    assert_eq!(other, SubmitOutcome::FingerprintMismatch);
}

#[tokio::test]
async fn a_key_in_use_is_in_progress_until_its_transaction_ends() {
    let Some(scene) = Scene::start().await else { return };
    let evidence_id = scene.evidence(scene.tenant, b"receipt").await;
    let mut first = scene.tx().await;
    verification::submit(&mut first, new_verification(&[evidence_id]), Some(key("k", 1)), "key:a").await.unwrap();
    let mut second = scene.tx().await;
    let busy = verification::submit(&mut second, new_verification(&[evidence_id]), Some(key("k", 1)), "key:a").await.unwrap();
    assert_eq!(busy, SubmitOutcome::InProgress);
    drop(first);
    // Rolled back: nothing happened under this key.
    let after = loop {
        let after = verification::submit(&mut second, new_verification(&[evidence_id]), Some(key("k", 1)), "key:a").await.unwrap();
        if after != SubmitOutcome::InProgress {
            break after;
        }
    };
    assert!(matches!(after, SubmitOutcome::Accepted(_)), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_submissions_at_once_make_one_verification() {
    let Some(scene) = Scene::start().await else { return };
    let evidence_id = scene.evidence(scene.tenant, b"receipt").await;
    let submissions = (0..20).map(|_| {
        let (store, tenant) = (scene.store.clone(), scene.tenant);
        tokio::spawn(async move {
            loop {
                let mut tx = store.begin(tenant).await.unwrap();
                match verification::submit(&mut tx, new_verification(&[evidence_id]), Some(key("k", 1)), "key:a").await.unwrap() {
                    SubmitOutcome::Accepted(row) => {
                        tx.commit().await.unwrap();
                        return (row.id, true);
                    }
                    SubmitOutcome::Duplicate { verification_id, .. } => return (verification_id, false),
                    SubmitOutcome::InProgress => tokio::task::yield_now().await,
                    SubmitOutcome::FingerprintMismatch => panic!("the same request"),
                }
            }
        })
    });
    let answers: Vec<_> = futures::future::join_all(submissions).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|(_, accepted)| *accepted).count(), 1);
    assert_eq!(answers.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), 1);
    let rows = verification::list(&mut scene.tx().await, &ListFilter { limit: 100, ..ListFilter::default() }).await.unwrap();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn unknown_and_foreign_evidence_is_refused_by_the_database_itself() {
    let Some(scene) = Scene::start().await else { return };
    let foreign = scene.evidence(scene.other, b"secret").await;
    for id in [foreign, EvidenceId::new()] {
        let error = verification::submit(&mut scene.tx().await, new_verification(&[id]), None, "key:a").await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn pages_of_a_list_neither_repeat_nor_skip() {
    let Some(scene) = Scene::start().await else { return };
    let evidence_id = scene.evidence(scene.tenant, b"receipt").await;
    // One transaction, so that all have the same time and only the id tells them apart.
    let mut tx = scene.tx().await;
    for _ in 0..7 {
        verification::submit(&mut tx, new_verification(&[evidence_id]), None, "key:a").await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let filter = ListFilter { before, limit: 3, status: Some(Status::Queued), ..ListFilter::default() };
        let page = verification::list(&mut scene.tx().await, &filter).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some((last.created_at, last.id));
        seen.extend(page.iter().map(|row| row.id));
    }
    let mut sorted = seen.clone();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    sorted.dedup();
    assert_eq!((seen.len(), seen), (7, sorted));
}

#[tokio::test]
async fn the_same_bytes_are_one_file() {
    let Some(scene) = Scene::start().await else { return };
    let mut tx = scene.tx().await;
    let announced = evidence::insert_uploading(&mut tx, &new_evidence(b"bytes"), serde_json::json!({ "u": 1 }), "key:a").await.unwrap();
    assert!(matches!(announced, InsertEvidence::Created(_)));
    let sent = evidence::insert_ready(&mut tx, &new_evidence(b"bytes"), "key:a").await.unwrap();
    assert_eq!((sent.row().id, sent.row().status), (announced.row().id, evidence::EvidenceStatus::Ready));
    let again = evidence::insert_ready(&mut tx, &new_evidence(b"bytes"), "key:a").await.unwrap();
    assert!(matches!(again, InsertEvidence::Existing(_)));
    tx.commit().await.unwrap();
    // Another tenant's copy is another file.
    assert_ne!(scene.evidence(scene.other, b"bytes").await, sent.row().id);
}

#[tokio::test]
async fn other_calls_replay_their_answer_too() {
    let Some(scene) = Scene::start().await else { return };
    let response = StoredResponse { status: 201, headers: serde_json::json!({}), body: b"made".to_vec() };
    let mut tx = scene.tx().await;
    assert_eq!(idempotency::begin(&mut tx, &key("k", 1)).await.unwrap(), Begin::Fresh);
    assert_eq!(idempotency::begin(&mut scene.tx().await, &key("k", 1)).await.unwrap(), Begin::Busy);
    idempotency::store_response(&mut tx, "k", &response).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = scene.tx().await;
    assert_eq!(idempotency::begin(&mut tx, &key("k", 1)).await.unwrap(), Begin::Replay(Some(response)));
    assert_eq!(idempotency::begin(&mut tx, &key("k", 2)).await.unwrap(), Begin::Mismatch);
    let mut relay = scene.relay().await;
    assert_eq!(idempotency::sweep(&mut relay, 10).await.unwrap(), 0, "it is promised for a day");
}
