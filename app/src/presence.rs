//! Says every few seconds that this process is alive, for the operators' page and `assay doctor`.

use std::time::Duration;

use rand::Rng;
use store::instance::{self, Instance, Role};
use store::{Store, StoreError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Between two signs of life, on average. Pages call a process silent after four of them.
const EVERY: Duration = Duration::from_secs(15);
/// By how much of it the pause is longer or shorter, so that processes that start together do not write together.
const JITTER: f64 = 0.2;
/// How long the end of a process waits for its row to be taken away.
const FAREWELL: Duration = Duration::from_secs(2);

/// A process of this build in these roles, under an id of its own.
pub fn here(roles: &[Role], pools: Vec<String>) -> Instance {
    Instance { id: Uuid::now_v7(), roles: roles.to_vec(), version: env!("CARGO_PKG_VERSION").to_owned(), pools }
}

/// Gives signs of life until `stop`. On a timer of its own: nothing that serves waits for them, and nothing fails when they do.
pub fn announce(store: Store, instance: Instance, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut hearing = Hearing::default();
        while !stop.is_cancelled() {
            hearing.note(beat(&store, &instance).await.as_ref().err());
            let pause = EVERY.mul_f64(1.0 + rand::rng().random_range(-JITTER..JITTER));
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        // With the database away the row stays, and the process is called silent until it is forgotten.
        let _ = tokio::time::timeout(FAREWELL, leave(&store, instance.id)).await;
    })
}

async fn beat(store: &Store, instance: &Instance) -> Result<(), StoreError> {
    let mut tx = store.begin_relay().await?;
    instance::beat(&mut tx, instance).await?;
    tx.commit_soon().await
}

async fn leave(store: &Store, id: Uuid) -> Result<(), StoreError> {
    let mut tx = store.begin_relay().await?;
    instance::leave(&mut tx, id).await?;
    tx.commit_soon().await
}

/// Whether signs of life arrive. The log hears of the first that does not, and of the first that does again.
#[derive(Default)]
struct Hearing {
    lost: bool,
}

impl Hearing {
    /// Takes how a sign of life went, and tells whether that was news.
    fn note(&mut self, failed: Option<&StoreError>) -> bool {
        let news = self.lost != failed.is_some();
        self.lost = failed.is_some();
        match failed {
            Some(error) if news => tracing::warn!(
                error = error as &dyn std::error::Error,
                "Operators cannot see that this process is alive; it works on (runbook PostgresDown)"
            ),
            None if news => tracing::info!("Operators see again that this process is alive"),
            _ => {}
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use store::DatabaseConfig;

    use super::*;

    #[tokio::test]
    async fn a_database_that_is_away_costs_one_line_and_nothing_else() {
        let nowhere = DatabaseConfig::new("postgres://nobody:x@127.0.0.1:1/nothing");
        let store = Store::connect_lazy(&nowhere, Some(&nowhere)).unwrap();
        let me = here(&[Role::Worker], vec!["ocr".to_owned()]);
        let mut hearing = Hearing::default();
        let mut lines = 0;
        for _ in 0..3 {
            lines += u32::from(hearing.note(beat(&store, &me).await.as_ref().err()));
        }
        assert_eq!(lines, 1);
        assert_eq!([hearing.note(None), hearing.note(None)], [true, false], "that it is back is said once, too");
        let stop = CancellationToken::new();
        let announced = announce(store, me, stop.clone());
        stop.cancel();
        announced.await.unwrap();
    }
}
