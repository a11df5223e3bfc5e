//! Who waits for a change hears of it, also after the connection broke.

use std::time::Duration;

use domain::id::VerificationId;
use store::DatabaseConfig;
use store::listen::VerificationChanges;
use store::verification;

use crate::scene::Scene;

#[tokio::test]
async fn a_waiter_hears_of_a_commit_and_survives_a_broken_connection() {
    let Some(scene) = Scene::start().await else { return };
    let changes = VerificationChanges::spawn(&DatabaseConfig::new(&scene.database.service_url)).unwrap();
    let patience = Duration::from_secs(30);
    // Listening wakes everybody when it begins.
    let mut anybody = changes.subscribe(VerificationId::new());
    tokio::time::timeout(patience, anybody.changed()).await.unwrap();
    let id = scene.accepted().await.id;
    let mut mine = changes.subscribe(id);

    let mut tx = scene.tx().await;
    verification::mark_processing(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tokio::time::timeout(patience, mine.changed()).await.unwrap(), 2);

    let client = scene.database.connect(&scene.database.service_url).await;
    let broken = client.execute("select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'", &[]).await.unwrap();
    assert_eq!(broken, 1);
    tokio::time::timeout(patience, mine.changed()).await.unwrap();
    let mut tx = scene.tx().await;
    verification::request_cancel(&mut tx, id, "key:a").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tokio::time::timeout(patience, mine.changed()).await.unwrap(), 3);
}
