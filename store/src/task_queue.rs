//! What the engine last said of each pool's queue, for those who do not ask it themselves.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double, Integer, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::RelayTx;

/// Queues are looked at every 10 s; what is older than this says nothing of now, in seconds.
const STALE_SECONDS: i64 = 45;

/// A queue as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    pub pool: String,
    /// Tasks that wait.
    pub backlog: i64,
    /// Age of the oldest of them, in seconds.
    pub oldest_seconds: f64,
    /// Workers that ask for tasks.
    pub pollers: i32,
}

/// A queue, and when it was seen so.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct TaskQueueRow {
    #[diesel(sql_type = Text)]
    pub pool: String,
    #[diesel(sql_type = BigInt)]
    pub backlog: i64,
    #[diesel(sql_type = Double)]
    pub oldest_seconds: f64,
    #[diesel(sql_type = Integer)]
    pub pollers: i32,
    /// By the database's clock.
    #[diesel(sql_type = Timestamptz)]
    pub seen_at: DateTime<Utc>,
}

impl TaskQueueRow {
    /// Whether it was seen too long ago to say anything of now: the engine does not answer the relay, or no relay runs.
    pub fn is_stale_at(&self, now: DateTime<Utc>) -> bool {
        (now - self.seen_at).num_seconds() >= STALE_SECONDS
    }
}

/// Writes down what was seen, over what was seen before. In the order of the pools: several relays do so at the same time.
pub async fn saw(tx: &mut RelayTx, queues: &[Sight]) -> Result<(), StoreError> {
    let mut sorted: Vec<&Sight> = queues.iter().collect();
    sorted.sort_by(|a, b| a.pool.cmp(&b.pool));
    for queue in sorted {
        sql("insert into task_queues (pool, backlog, oldest_seconds, pollers) values ($1, $2, $3, $4)
            on conflict (pool) do update set backlog = excluded.backlog, oldest_seconds = excluded.oldest_seconds,
                pollers = excluded.pollers, seen_at = excluded.seen_at")
        .text(&queue.pool)
        .i64(queue.backlog)
        .f64(queue.oldest_seconds)
        .i32(queue.pollers)
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("write down what was seen of a queue"))?;
    }
    Ok(())
}

/// Every queue that was ever seen, by pool.
pub async fn list(tx: &mut RelayTx) -> Result<Vec<TaskQueueRow>, StoreError> {
    sql("select pool, backlog, oldest_seconds, pollers, seen_at from task_queues order by pool limit 100")
        .get_results(tx.connection()?)
        .await
        .map_err(failed_to("list what was seen of queues"))
}
