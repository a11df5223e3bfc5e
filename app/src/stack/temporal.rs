//! The Temporal server of a private stack: all services in one process, on the stack's PostgreSQL,
//! configured by environment and one file of dynamic settings.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::folder::Folder;
use super::ports::Ports;
use super::probe::Probe;
use super::process::Program;
use super::secrets::Secrets;
use super::supervisor::{Spec, Stage};
use super::tools::Tools;

/// Shards of workflow history. It can never be changed for a database; docs/decisions/0002-history-shards.md
/// says why it is this many.
pub const HISTORY_SHARDS: u32 = 16;
/// Connections per service (there are four) to the main and to the visibility database.
const CONNECTIONS: u32 = 20;
const VISIBILITY_CONNECTIONS: u32 = 5;
/// The server drains its services one after another before it ends.
const GRACE: Duration = Duration::from_secs(15);
/// It is ready 2 to 6 s after the start; a busy machine takes longer, and so does a server that waits for the
/// membership record of its killed predecessor to grow old.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings that differ from the server's own; the server reads the file again every 60 s.
const DYNAMIC: &str = include_str!("temporal-dynamic.yaml");

/// Writes the dynamic settings and says how to run the server.
pub fn prepare(tools: &Tools, folder: &Folder, secrets: &Secrets, ports: Ports) -> Result<Spec> {
    let dynamic = folder.config().join("temporal-dynamic.yaml");
    std::fs::write(&dynamic, DYNAMIC).with_context(|| format!("write {}", dynamic.display()))?;
    let [history, matching, worker] = ports.temporal_services();
    let [frontend_members, history_members, matching_members, worker_members] = ports.temporal_membership();
    let program = Program::new(&tools.temporal_server)
        .variable("DB", "postgres12")
        .variable("POSTGRES_SEEDS", "127.0.0.1")
        .variable("DB_PORT", ports.postgres())
        .variable("POSTGRES_USER", "temporal")
        .variable("POSTGRES_PWD", &secrets.database_temporal)
        .variable("DBNAME", "temporal")
        .variable("VISIBILITY_DBNAME", "temporal_visibility")
        .variable("SQL_MAX_CONNS", CONNECTIONS)
        .variable("SQL_MAX_IDLE_CONNS", CONNECTIONS)
        .variable("SQL_VIS_MAX_CONNS", VISIBILITY_CONNECTIONS)
        .variable("SQL_VIS_MAX_IDLE_CONNS", VISIBILITY_CONNECTIONS)
        .variable("NUM_HISTORY_SHARDS", HISTORY_SHARDS)
        .variable("BIND_ON_IP", "127.0.0.1")
        .variable("TEMPORAL_BROADCAST_ADDRESS", "127.0.0.1")
        .variable("FRONTEND_GRPC_PORT", ports.temporal())
        .variable("FRONTEND_HTTP_PORT", ports.temporal_http())
        .variable("HISTORY_GRPC_PORT", history)
        .variable("MATCHING_GRPC_PORT", matching)
        .variable("WORKER_GRPC_PORT", worker)
        .variable("FRONTEND_MEMBERSHIP_PORT", frontend_members)
        .variable("HISTORY_MEMBERSHIP_PORT", history_members)
        .variable("MATCHING_MEMBERSHIP_PORT", matching_members)
        .variable("WORKER_MEMBERSHIP_PORT", worker_members)
        .variable("PROMETHEUS_ENDPOINT", format!("127.0.0.1:{}", ports.temporal_metrics()))
        .variable("DYNAMIC_CONFIG_FILE_PATH", dynamic.display())
        .variable("LOG_LEVEL", "warn")
        .argument("--allow-no-auth")
        .argument("start");
    Ok(Spec {
        name: "temporal".to_owned(),
        stage: Stage::Engine,
        program,
        // Asks the history service for a workflow that does not exist: "not found" comes from the far end of
        // the server, while the front alone answers long before anything behind it can work.
        probe: Probe::HttpUnderstood(format!(
            "http://127.0.0.1:{}/api/v1/namespaces/temporal-system/workflows/assay-readiness-probe",
            ports.temporal_http()
        )),
        stop: Signal::TERM,
        grace: GRACE,
        patience: PATIENCE,
        log: folder.logs().join("temporal.log"),
        pid_file: folder.pids().join("temporal"),
    })
}
