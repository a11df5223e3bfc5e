//! The installation as a whole, as its parts last told of themselves: for operators, who must not have to ask every part.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;

use crate::chore::{self, Chore, ChoreRow};
use crate::error::{StoreError, failed_to};
use crate::instance::{self, InstanceRow};
use crate::outbox::{self, Depth};
use crate::partition;
use crate::sql::sql;
use crate::task_queue::{self, TaskQueueRow};
use crate::tx::RelayTx;

/// What is known of the whole installation, without a word about any tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Installation {
    /// The database's clock when this was read; the times below are by the same one.
    pub now: DateTime<Utc>,
    pub instances: Vec<InstanceRow>,
    pub queues: Vec<TaskQueueRow>,
    /// Messages that the engine must still be told, of all tenants.
    pub outbox: Depth,
    pub chores: Vec<ChoreRow>,
    /// Months beyond this one for which partitions exist; -1 when this month's are missing.
    pub months_ahead: i32,
}

impl Installation {
    /// When that chore last ended, and what it found.
    pub fn chore(&self, chore: Chore) -> Option<&ChoreRow> {
        self.chores.iter().find(|row| row.name == chore.as_str())
    }
}

/// Reads all of it.
pub async fn look(tx: &mut RelayTx) -> Result<Installation, StoreError> {
    #[derive(QueryableByName)]
    struct Clock {
        #[diesel(sql_type = Timestamptz)]
        now: DateTime<Utc>,
    }
    let instances = instance::list(tx).await?;
    let queues = task_queue::list(tx).await?;
    let outbox = outbox::depth(tx).await?;
    let chores = chore::list(tx).await?;
    let months_ahead = partition::ahead(tx).await?;
    // Last, so that nothing above was seen in its future.
    let clock: Clock = sql("select clock_timestamp() as now").get_result(tx.connection()?).await.map_err(failed_to("ask for the time"))?;
    Ok(Installation { now: clock.now, instances, queues, outbox, chores, months_ahead })
}
