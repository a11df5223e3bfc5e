//! The first result stays, and an attempt that ends late is told so.

use serde_json::json;
use store::stage::{self, Fence, NewStageResult, PutOutcome, StageKey};
use store::tries::{self, Tries};

use crate::scene::Scene;

fn fence(run_id: &str, attempt: i32) -> Fence {
    Fence { run_id: run_id.into(), activity_id: "7".into(), attempt }
}

#[tokio::test]
async fn a_late_attempt_is_fenced_off() {
    let Some(scene) = Scene::start().await else { return };
    let key = StageKey { content_hash: &[7; 32], stage: "read", version: "tesseract@5" };
    let result = |object_key| NewStageResult { key, object_key, content: Some(json!({ "words": 3 })) };
    assert_eq!(stage::get(&mut scene.tx().await, &key).await.unwrap(), None);

    let mut tx = scene.tx().await;
    assert_eq!(stage::put(&mut tx, &result("second"), &fence("run", 2)).await.unwrap(), PutOutcome::Stored);
    tx.commit().await.unwrap();
    let mut tx = scene.tx().await;
    assert_eq!(stage::put(&mut tx, &result("first"), &fence("run", 1)).await.unwrap(), PutOutcome::Fenced);
    for other in [fence("run", 2), fence("run", 3), fence("another run", 1)] {
        let PutOutcome::Existing(row) = stage::put(&mut tx, &result("third"), &other).await.unwrap() else { panic!("{other:?}") };
        assert_eq!((row.object_key.as_str(), row.attempt), ("second", 2));
    }
    tx.commit().await.unwrap();

    let row = stage::get(&mut scene.tx().await, &key).await.unwrap().unwrap();
    assert_eq!((row.object_key, row.content), ("second".to_owned(), Some(json!({ "words": 3 }))));
    for other in
        [StageKey { version: "tesseract@6", ..key }, StageKey { stage: "prepare", ..key }, StageKey { content_hash: &[8; 32], ..key }]
    {
        assert_eq!(stage::get(&mut scene.tx().await, &other).await.unwrap(), None);
    }
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(stage::get(&mut foreign, &key).await.unwrap(), None, "nothing is shared between tenants");
}

#[tokio::test]
async fn tries_are_counted_by_what_became_of_them() {
    let Some(scene) = Scene::start().await else { return };
    let (one, other) = (fence("run", 2), fence("another run", 2));
    let known = async |of: &Fence| tries::get(&mut scene.tx().await, of).await.unwrap();
    assert_eq!(known(&one).await, Tries::default());

    let mut tx = scene.tx().await;
    tries::begin(&mut tx, &one).await.unwrap();
    tries::begin(&mut tx, &one).await.unwrap();
    assert_eq!(tries::fail(&mut tx, &one).await.unwrap(), Tries { lost: 2, failed: 1 });
    tries::came_back(&mut tx, &one).await.unwrap();
    assert_eq!(tries::fail(&mut tx, &other).await.unwrap(), Tries { lost: 0, failed: 1 });
    tries::came_back(&mut tx, &other).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(known(&one).await, Tries { lost: 1, failed: 1 });
    assert_eq!(known(&other).await, Tries { lost: 0, failed: 1 }, "nobody comes back who never began");
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(tries::get(&mut foreign, &one).await.unwrap(), Tries::default());

    let mut tx = scene.tx().await;
    tries::forget(&mut tx, &one).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((known(&one).await, known(&other).await.failed), (Tries::default(), 1));
}

#[tokio::test]
async fn the_newest_result_of_each_content_is_found_whichever_version_made_it() {
    let Some(scene) = Scene::start().await else { return };
    for (content_hash, version) in [([7; 32], "tesseract@5"), ([7; 32], "tesseract@6"), ([8; 32], "tesseract@5"), ([9; 32], "tesseract@5")]
    {
        let key = StageKey { content_hash: &content_hash, stage: if content_hash == [9; 32] { "prepare" } else { "read" }, version };
        let mut tx = scene.tx().await;
        stage::put(&mut tx, &NewStageResult { key, object_key: "there", content: None }, &fence("run", 1)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let hashes = [[7; 32], [8; 32], [9; 32], [10; 32]];
    let found = stage::newest(&mut scene.tx().await, "read", &hashes).await.unwrap();
    let mut found: Vec<(u8, &str)> = found.iter().map(|row| (row.content_hash[0], row.version.as_str())).collect();
    found.sort_unstable();
    assert_eq!(found, [(7, "tesseract@6"), (8, "tesseract@5")]);
    assert_eq!(stage::newest(&mut scene.tx().await, "read", &[]).await.unwrap(), []);
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(stage::newest(&mut foreign, "read", &hashes).await.unwrap(), [], "nothing is shared between tenants");
}
