//! Opening evidence is on record, once for each occasion.

use domain::id::{EvidenceId, TenantId};
use serde_json::json;
use store::opening::{self, Viewer};

use crate::desk::{lease, told};
use crate::scene::{Scene, new_verification};

const ANN: Viewer<'_> = Viewer { actor: "user:ann", session: "one", ahead: false };

async fn viewed(scene: &Scene, viewer: Viewer<'_>, of: (domain::id::VerificationId, domain::id::ReviewId)) -> bool {
    let mut tx = scene.tx().await;
    let new = opening::viewed(&mut tx, viewer, of.1, of.0).await.unwrap();
    if new {
        tx.commit().await.unwrap();
    }
    new
}

async fn downloaded(scene: &Scene, tenant: TenantId, viewer: Viewer<'_>, file: EvidenceId) -> bool {
    let mut tx = scene.store.begin(tenant).await.unwrap();
    let new = opening::downloaded(&mut tx, viewer, file).await.unwrap();
    if new {
        tx.commit().await.unwrap();
    }
    new
}

#[tokio::test]
async fn a_person_opens_evidence_once_for_each_session_and_each_lease() {
    let Some(scene) = Scene::start().await else { return };
    let of = scene.in_review().await;
    let another = Viewer { session: "two", ..ANN };
    let bob = Viewer { actor: "user:bob", ..ANN };
    for (viewer, new) in [(ANN, true), (ANN, false), (another, true), (bob, true), (ANN, false)] {
        assert_eq!(viewed(&scene, viewer, of).await, new, "{viewer:?}");
    }
    lease(&scene, of.1, "user:ann", 300).await;
    for (viewer, new) in [(ANN, true), (another, false), (bob, false)] {
        assert_eq!(viewed(&scene, viewer, of).await, new, "with a lease, {viewer:?}");
    }
    let told = told(&scene, "evidence.opened").await;
    assert_eq!(told[0], ("user:ann".to_owned(), of.0.to_string(), json!({ "review_id": of.1, "how": "viewed" })));
    let who: Vec<_> = told.iter().map(|(actor, ..)| actor.as_str()).collect();
    assert_eq!(who, ["user:ann", "user:ann", "user:bob", "user:ann"]);
    // What is kept of a session is neither its token nor the hash by which it is found.
    let client = scene.database.connect(&scene.database.service_url).await;
    client.batch_execute(&format!("set app.tenant = '{}'", scene.tenant.0)).await.unwrap();
    for row in client.query("select occasion from evidence_openings", &[]).await.unwrap() {
        let occasion: String = row.get(0);
        assert!(occasion.starts_with("lease ") || occasion.starts_with("session ") && occasion.len() == 40, "{occasion}");
    }
}

#[tokio::test]
async fn two_windows_at_once_are_one_opening() {
    let Some(scene) = Scene::start().await else { return };
    let of = scene.in_review().await;
    let both = tokio::join!(viewed(&scene, ANN, of), viewed(&scene, ANN, of));
    assert!(both.0 != both.1, "{both:?}");
    assert_eq!(told(&scene, "evidence.opened").await.len(), 1);
}

#[tokio::test]
async fn taking_a_file_away_counts_unless_it_was_open_already() {
    let Some(scene) = Scene::start().await else { return };
    let of = scene.in_review().await;
    let file = scene.row(of.0).await.evidence_ids[0];
    assert!(downloaded(&scene, scene.tenant, ANN, file).await);
    assert!(!viewed(&scene, ANN, of).await, "it is open");
    assert!(!downloaded(&scene, scene.tenant, ANN, file).await);
    let told_of = told(&scene, "evidence.opened").await;
    assert_eq!(told_of, [("user:ann".to_owned(), of.0.to_string(), json!({ "evidence_id": file, "how": "downloaded" }))]);

    // The same file is evidence of a second verification.
    let mut tx = scene.tx().await;
    let new = new_verification(&[file]);
    store::verification::submit(&mut tx, new, None, "key:test").await.unwrap();
    tx.commit().await.unwrap();
    assert!(!downloaded(&scene, scene.tenant, ANN, file).await, "it was open as evidence of the first");
    let bob = Viewer { actor: "user:bob", session: "three", ..ANN };
    assert!(downloaded(&scene, scene.tenant, bob, file).await);
    assert_eq!(told(&scene, "evidence.opened").await.len(), 3, "the same bytes are evidence of both");

    let unused = scene.evidence(scene.tenant, b"unused").await;
    for new in [true, false] {
        assert_eq!(downloaded(&scene, scene.tenant, ANN, unused).await, new);
    }
    let last = told(&scene, "evidence.opened").await.pop().unwrap();
    assert_eq!(last.1, unused.to_string());
}

#[tokio::test]
async fn what_is_fetched_ahead_is_told_apart_and_opening_it_later_counts() {
    let Some(scene) = Scene::start().await else { return };
    let of = scene.in_review().await;
    let file = scene.row(of.0).await.evidence_ids[0];
    let ahead = Viewer { ahead: true, ..ANN };
    assert!(viewed(&scene, ahead, of).await);
    assert!(!viewed(&scene, ahead, of).await && !downloaded(&scene, scene.tenant, ahead, file).await, "once for each occasion");
    assert!(viewed(&scene, ANN, of).await, "looking counts all the same");
    lease(&scene, of.1, "user:ann", 300).await;
    assert!(viewed(&scene, ahead, of).await && viewed(&scene, ANN, of).await, "a lease is another occasion");
    let bob = Viewer { actor: "user:bob", ..ANN };
    assert!(viewed(&scene, bob, of).await && !viewed(&scene, Viewer { ahead: true, ..bob }, of).await, "it is open already");
    let unused = scene.evidence(scene.tenant, b"unused").await;
    for (viewer, new) in [(ahead, true), (ahead, false), (ANN, true), (ahead, false)] {
        assert_eq!(downloaded(&scene, scene.tenant, viewer, unused).await, new, "{viewer:?}");
    }
    let told_of = told(&scene, "evidence.prefetched").await;
    assert_eq!(told_of[0], ("user:ann".to_owned(), of.0.to_string(), json!({ "review_id": of.1, "how": "viewed" })));
    assert_eq!((told_of.len(), told(&scene, "evidence.opened").await.len()), (3, 4));
}
