//! What runs, what waits and what was last looked after, from the rows in which the installation tells of itself.

use anyhow::Result;
use chrono::{DateTime, Utc};
use store::chore::Chore;
use store::installation::{self, Installation};

use super::section;
use crate::build;
use crate::config::Database;

/// Prints it, or why it is not to be had.
pub async fn print() {
    match look().await {
        Ok(installation) => lines(&installation).iter().for_each(|line| println!("  {line}")),
        Err(error) => println!("  not known: {error:#}"),
    }
}

async fn look() -> Result<Installation> {
    let store = build::store(&section(Database::read)?)?;
    Ok(installation::look(&mut store.begin_relay().await?).await?)
}

fn lines(known: &Installation) -> Vec<String> {
    let ago = |at: DateTime<Utc>| format!("{} s ago", (known.now - at).num_seconds().max(0));
    let mut lines: Vec<String> = Vec::new();
    for one in &known.instances {
        let pools = if one.pools.is_empty() { String::new() } else { format!(" ({})", one.pools.join(", ")) };
        let heard = if one.is_silent_at(known.now) { "SILENT, last heard of" } else { "alive, heard of" };
        lines.push(format!("{}{pools}: {heard} {}; version {}, instance {}", one.role, ago(one.seen_at), one.version, one.id));
    }
    if known.instances.is_empty() {
        lines.push("no role was heard of within a day".to_owned());
    }
    for queue in &known.queues {
        let stale = if queue.is_stale_at(known.now) { " STALE," } else { "" };
        lines.push(format!(
            "queue {}: {} waiting, the oldest for {:.0} s, {} pollers;{stale} seen {}",
            queue.pool,
            queue.backlog,
            queue.oldest_seconds,
            queue.pollers,
            ago(queue.seen_at)
        ));
    }
    if known.queues.is_empty() {
        lines.push("no queue was looked at yet; the gateway's relay does so while Temporal answers".to_owned());
    }
    lines.push(format!("outbox: {} waiting, the oldest for {:.0} s", known.outbox.count, known.outbox.oldest_seconds.unwrap_or(0.0)));
    lines.push(match known.chore(Chore::Patrol) {
        Some(patrol) => format!("verifications without a workflow: {}, looked {}", patrol.found, ago(patrol.ended_at)),
        None => "verifications without a workflow: not looked for yet".to_owned(),
    });
    let kept = match known.chore(Chore::Housekeeping) {
        Some(chore) => format!("last ended {}", ago(chore.ended_at)),
        None => "has not ended yet".to_owned(),
    };
    lines.push(format!("housekeeping: {kept}; partitions reach {} months ahead", known.months_ahead));
    lines
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use store::chore::ChoreRow;
    use store::instance::InstanceRow;
    use store::outbox::Depth;
    use store::task_queue::TaskQueueRow;

    use super::*;

    #[test]
    fn what_is_silent_or_stale_is_said_to_be() {
        let now = Utc::now();
        let before = |seconds| now - TimeDelta::seconds(seconds);
        let worker = InstanceRow {
            id: uuid::Uuid::nil(),
            role: "worker".to_owned(),
            version: "0.1.0".to_owned(),
            pools: vec!["ocr".to_owned(), "cpu".to_owned()],
            started_at: before(900),
            seen_at: before(7),
        };
        let gone = InstanceRow { role: "desk".to_owned(), pools: Vec::new(), seen_at: before(60), ..worker.clone() };
        let queue = TaskQueueRow { pool: "ocr".to_owned(), backlog: 3, oldest_seconds: 1.6, pollers: 2, seen_at: before(44) };
        let stale = TaskQueueRow { pool: "cpu".to_owned(), seen_at: before(45), ..queue.clone() };
        let known = Installation {
            now,
            instances: vec![worker, gone],
            queues: vec![queue, stale],
            outbox: Depth { count: 2, oldest_seconds: Some(4.2) },
            chores: vec![ChoreRow { name: "patrol".to_owned(), found: 1, ended_at: before(30) }],
            months_ahead: 3,
        };
        let nobody = "00000000-0000-0000-0000-000000000000";
        assert_eq!(
            lines(&known),
            [
                format!("worker (ocr, cpu): alive, heard of 7 s ago; version 0.1.0, instance {nobody}"),
                format!("desk: SILENT, last heard of 60 s ago; version 0.1.0, instance {nobody}"),
                "queue ocr: 3 waiting, the oldest for 2 s, 2 pollers; seen 44 s ago".to_owned(),
                "queue cpu: 3 waiting, the oldest for 2 s, 2 pollers; STALE, seen 45 s ago".to_owned(),
                "outbox: 2 waiting, the oldest for 4 s".to_owned(),
                "verifications without a workflow: 1, looked 30 s ago".to_owned(),
                "housekeeping: has not ended yet; partitions reach 3 months ahead".to_owned(),
            ]
        );
        let unknown = Installation { instances: Vec::new(), queues: Vec::new(), chores: Vec::new(), ..known };
        let said = lines(&unknown).join("\n");
        for words in ["no role was heard of", "no queue was looked at", "not looked for yet"] {
            assert!(said.contains(words), "{said}");
        }
    }
}
