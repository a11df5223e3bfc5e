//! Transactions end cleanly, whatever happens around them.

use std::time::{Duration, Instant};

use domain::policy::Policy;
use domain::verification::Status;
use store::{DatabaseConfig, Store, StoreError, policy, tenant, verification};

use crate::scene::{Scene, new_verification};

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing_and_gives_its_connection_back() {
    let Some(scene) = Scene::start().await else { return };
    for round in 0..40 {
        let mut tx = scene.tx().await;
        let wanted = Policy { lease_seconds: 100 + round, ..Policy::default() };
        policy::change(&mut tx, 1, wanted, "key:a").await.unwrap();
    }
    assert_eq!(tenant::policy(&mut scene.tx().await).await.unwrap(), Policy::default());
}

#[tokio::test]
async fn a_transaction_that_failed_does_not_seem_to_commit() {
    let Some(scene) = Scene::start().await else { return };
    let mut tx = scene.tx().await;
    verification::submit(&mut tx, new_verification(&[domain::id::EvidenceId::new()]), None, "key:a").await.unwrap_err();
    tx.commit().await.unwrap_err();
    let mut relay = scene.relay().await;
    let taken = tenant::create(&mut relay, "acme", &Policy::default()).await.unwrap_err();
    assert!(matches!(taken, StoreError::Conflict { ref constraint, .. } if constraint == "tenants_name_key"), "{taken:?}");
}

#[tokio::test]
async fn dropping_a_call_midway_harms_nobody() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.accepted().await.id;
    for micros in (0..2_000).step_by(40) {
        let work = async {
            let mut tx = scene.tx().await;
            verification::mark_processing(&mut tx, id).await.unwrap();
            std::future::pending::<()>().await;
        };
        let _ = tokio::time::timeout(Duration::from_micros(micros), work).await;
    }
    // Whatever was sent when the caller went away, no lock is held for good and no half of a transaction is in the pool.
    let mut tx = scene.tx().await;
    assert_eq!(verification::mark_processing(&mut tx, id).await.unwrap(), Status::Processing);
    tx.commit().await.unwrap();
    assert_eq!(scene.events(id).await.len(), 2);
}

#[tokio::test]
async fn broken_connections_are_replaced_without_a_word() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.accepted().await.id;
    let client = scene.database.connect(&scene.database.service_url).await;
    for _ in 0..5 {
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user and datname = current_database() and pid <> pg_backend_pid()";
        client.execute(end, &[]).await.unwrap();
        scene.row(id).await;
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_noticed_at_once_and_can_be_tried_again() {
    let began = Instant::now();
    // Nobody listens on port 1.
    let store = Store::connect_lazy(&DatabaseConfig::new("postgres://assay_service@127.0.0.1:1/assay"), None).unwrap();
    let error = store.ping().await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    let error = store.begin(domain::id::TenantId::new()).await.map(|_| ()).unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
    let error = Store::connect_lazy(&DatabaseConfig::new("mysql://nonsense"), None).map(|_| ()).unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn a_statement_that_waits_too_long_is_given_up() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.accepted().await.id;
    let mut holder = scene.tx().await;
    verification::mark_processing(&mut holder, id).await.unwrap();
    let mut config = DatabaseConfig::new(&scene.database.service_url);
    config.statement_timeout = Duration::from_millis(100);
    let hasty = Store::connect_lazy(&config, None).unwrap();
    let mut tx = hasty.begin(scene.tenant).await.unwrap();
    let error = verification::mark_processing(&mut tx, id).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}
