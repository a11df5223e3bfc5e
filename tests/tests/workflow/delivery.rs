//! Deliveries: every path ends where it must, and a worker that forgets changes nothing.

use anyhow::Result;
use futures::future::try_join_all;
use tests::path::{self, Path};
use tests::scripted::{Engine, on_engine};

const CACHED: usize = 10;

#[test]
fn every_delivery_ends_where_it_must() {
    on_engine(async |engine| try_join_all(path::all().iter().map(|path| go(engine, path, "delivery", CACHED))).await.map(drop));
}

#[test]
fn a_worker_that_forgets_after_every_task_delivers_all_the_same() {
    on_engine(async |engine| try_join_all(path::all().iter().map(|path| go(engine, path, "delivery-forgetting", 0))).await.map(drop));
}

async fn go(engine: &Engine, path: &Path, queue: &str, cached: usize) -> Result<()> {
    let queue = format!("{queue}-{}", path.name);
    let worker = engine.workflow_worker(&queue, cached).await?;
    path.go(engine, &queue).await?;
    worker.stop().await
}
