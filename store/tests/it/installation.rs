//! What the installation tells of itself: processes, queues and chores, written over and read as a whole.

use store::chore::{self, Chore};
use store::installation::{self, Installation};
use store::instance::{self, Instance, Role};
use store::task_queue::{self, Sight};
use uuid::Uuid;

use crate::scene::Scene;

fn process(roles: &[Role], pools: &[&str]) -> Instance {
    let pools = pools.iter().map(|pool| (*pool).to_owned()).collect();
    Instance { id: Uuid::now_v7(), roles: roles.to_vec(), version: "0.1.0".to_owned(), pools }
}

async fn alive(scene: &Scene, instance: &Instance) {
    let mut tx = scene.relay().await;
    instance::beat(&mut tx, instance).await.unwrap();
    tx.commit_soon().await.unwrap();
}

async fn look(scene: &Scene) -> Installation {
    installation::look(&mut scene.relay().await).await.unwrap()
}

/// Makes a process look as if it had not been heard of for so long.
async fn silent(scene: &Scene, id: Uuid, seconds: i64) {
    let mut client = scene.database.connect(&scene.database.relay_url).await;
    let transaction = client.transaction().await.unwrap();
    let update = format!("update instances set seen_at = clock_timestamp() - interval '{seconds} seconds' where id = '{id}'");
    transaction.batch_execute(&update).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_process_is_one_row_for_each_of_its_roles_however_often_it_says_so() {
    let Some(scene) = Scene::start().await else { return };
    let (gateway, worker) = (process(&[Role::Gateway, Role::Relay], &[]), process(&[Role::Worker], &["ocr", "cpu"]));
    for instance in [&gateway, &worker, &gateway] {
        alive(&scene, instance).await;
    }
    let known = look(&scene).await;
    let rows: Vec<_> = known.instances.iter().map(|row| (row.id, row.role.as_str(), row.pools.join(","))).collect();
    assert_eq!(
        rows,
        [(gateway.id, "gateway", String::new()), (gateway.id, "relay", String::new()), (worker.id, "worker", "ocr,cpu".to_owned())]
    );
    assert!(known.instances.iter().all(|row| row.started_at <= row.seen_at && !row.is_silent_at(known.now)), "{known:?}");
    let mut tx = scene.relay().await;
    instance::leave(&mut tx, gateway.id).await.unwrap();
    tx.commit_soon().await.unwrap();
    assert_eq!(look(&scene).await.instances.len(), 1, "who ends well is not missed");
}

#[tokio::test]
async fn who_is_silent_is_called_so_after_a_minute_and_forgotten_after_a_day() {
    let Some(scene) = Scene::start().await else { return };
    let desk = process(&[Role::Desk], &[]);
    for (seconds, silence, shown) in [(55, false, 1), (60, true, 1), (86_000, true, 1), (86_500, true, 0)] {
        alive(&scene, &desk).await;
        silent(&scene, desk.id, seconds).await;
        let known = look(&scene).await;
        assert_eq!(known.instances.len(), shown, "{seconds} s");
        assert!(known.instances.iter().all(|row| row.is_silent_at(known.now) == silence), "{seconds} s");
    }
    let mut tx = scene.relay().await;
    assert_eq!(instance::sweep(&mut tx).await.unwrap(), 1);
    assert_eq!(instance::sweep(&mut tx).await.unwrap(), 0);
}

#[tokio::test]
async fn queues_and_chores_are_as_they_were_seen_last() {
    let Some(scene) = Scene::start().await else { return };
    let before = look(&scene).await;
    assert_eq!((before.instances.len(), before.queues.len(), before.chores.len(), before.outbox.count), (0, 0, 0, 0));
    assert!(before.months_ahead >= 3);
    let sight = |pool: &str, backlog| Sight { pool: pool.to_owned(), backlog, oldest_seconds: 2.5, pollers: 1 };
    for queues in [vec![sight("ocr", 7), sight("cpu", 0)], vec![sight("ocr", 3)]] {
        let mut tx = scene.relay().await;
        task_queue::saw(&mut tx, &queues).await.unwrap();
        chore::ended(&mut tx, Chore::Patrol, queues.len() as u32).await.unwrap();
        tx.commit_soon().await.unwrap();
    }
    scene.accepted().await;
    let known = look(&scene).await;
    let queues: Vec<_> = known.queues.iter().map(|row| (row.pool.as_str(), row.backlog, row.pollers)).collect();
    assert_eq!(queues, [("cpu", 0, 1), ("ocr", 3, 1)]);
    assert!(known.queues[0].seen_at < known.queues[1].seen_at && !known.queues[0].is_stale_at(known.now));
    assert_eq!(known.chore(Chore::Patrol).map(|row| row.found), Some(1));
    assert_eq!(known.chore(Chore::Housekeeping), None);
    assert_eq!(known.outbox.count, 1, "an order to start");
}

#[tokio::test]
async fn relays_that_look_at_the_same_time_do_not_wait_for_each_other_for_ever() {
    let Some(scene) = Scene::start().await else { return };
    let names = ["a", "b", "c", "d"];
    let sights = |turned: usize| -> Vec<Sight> {
        let mut names = names.to_vec();
        names.rotate_left(turned);
        names.iter().map(|pool| Sight { pool: (*pool).to_owned(), backlog: 1, oldest_seconds: 0.0, pollers: 0 }).collect()
    };
    let look = |turned: usize| {
        let (store, sights) = (scene.store.clone(), sights(turned));
        tokio::spawn(async move {
            for _ in 0..20 {
                let mut tx = store.begin_relay().await?;
                task_queue::saw(&mut tx, &sights).await?;
                tx.commit_soon().await?;
            }
            Ok::<_, store::StoreError>(())
        })
    };
    let (one, two) = (look(0), look(2));
    one.await.unwrap().unwrap();
    two.await.unwrap().unwrap();
}

#[tokio::test]
async fn no_tenant_reaches_what_the_installation_tells_of_itself() {
    let Some(scene) = Scene::start().await else { return };
    let client = scene.database.connect(&scene.database.service_url).await;
    for table in ["instances", "task_queues", "chores"] {
        for statement in [format!("select count(*) from {table}"), format!("delete from {table}")] {
            let refused = client.batch_execute(&statement).await.unwrap_err();
            assert_eq!(refused.code(), Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE), "{statement}");
        }
    }
}
