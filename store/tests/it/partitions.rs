//! Months are there before they begin.

use store::partition;

use crate::scene::Scene;

#[tokio::test]
async fn three_months_lie_ahead_and_background_work_makes_more() {
    let Some(scene) = Scene::start().await else { return };
    let mut relay = scene.relay().await;
    assert!(partition::ahead(&mut relay).await.unwrap() >= 3);
    assert_eq!(partition::ensure(&mut relay, 5).await.unwrap(), 8, "two more months of four tables");
    assert_eq!(partition::ensure(&mut relay, 5).await.unwrap(), 0);
    assert_eq!(partition::ahead(&mut relay).await.unwrap(), 5);
    relay.commit().await.unwrap();
    assert_eq!(store::ensure_partitions(&scene.database.owner_url, 6).await.unwrap(), 4);
    let client = scene.database.connect(&scene.database.owner_url).await;
    let query =
        "select count(*) from pg_class c join pg_inherits i on i.inhrelid = c.oid where pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'";
    assert_eq!(client.query_one(query, &[]).await.unwrap().get::<_, i64>(0), 0, "a DEFAULT partition forbids detaching concurrently");
}
