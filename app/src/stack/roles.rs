//! Assay's own roles as children of the stack: the same binary, once per role.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tokio::process::Command;

use super::endpoints::Endpoints;
use super::folder::Folder;
use super::ports::Ports;
use super::probe::Probe;
use super::process::Program;
use super::supervisor::{Spec, Stage};

/// Every pool, for a stack whose one worker does everything.
pub const ALL_POOLS: &str = "workflow,cpu,ocr,gpu,export";
/// A role drains before it ends: requests in flight, activities that are nearly done.
const GRACE: Duration = Duration::from_secs(20);
/// A role connects to everything before it says that it is ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// The part name of a worker process, counted from 0.
pub fn worker_name(index: u16) -> String {
    if index == 0 { "worker".to_owned() } else { format!("worker-{}", index + 1) }
}

/// What all roles of one stack have in common.
pub(super) struct Roles<'a> {
    pub binary: &'a Path,
    pub folder: &'a Folder,
    pub endpoints: &'a Endpoints,
    pub ports: Ports,
    /// Set after everything else, so a test can turn any knob.
    pub variables: &'a [(String, String)],
}

impl Roles<'_> {
    /// Creates what must be there before a role starts: tables, namespace, search attributes, bucket.
    pub async fn migrate(&self) -> Result<()> {
        let log = self.folder.logs().join("migrate.log");
        let output = Command::new(self.binary)
            .arg("migrate")
            .envs(self.endpoints.environment())
            .envs([self.endpoints.owner_environment()])
            .envs(self.variables.iter().cloned())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("run {} migrate", self.binary.display()))?;
        std::fs::write(&log, [&output.stdout[..], &output.stderr[..]].concat())?;
        if !output.status.success() {
            bail!("assay migrate: {}; see {}\n{}", output.status, log.display(), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    pub fn gateway(&self) -> Spec {
        let program = self.program("gateway", self.ports.gateway_ops()).variable("ASSAY_GATEWAY_LISTEN", local(self.ports.gateway()));
        self.spec("gateway".to_owned(), program, self.ports.gateway_ops())
    }

    pub fn review_ui(&self) -> Spec {
        let program =
            self.program("review-ui", self.ports.review_ui_ops()).variable("ASSAY_REVIEW_UI_LISTEN", local(self.ports.review_ui()));
        self.spec("review-ui".to_owned(), program, self.ports.review_ui_ops())
    }

    pub fn worker(&self, index: u16, pools: &str) -> Spec {
        let ops = self.ports.worker_ops(index);
        let program = self.program("worker", ops).argument("--pool").argument(pools).variable("ASSAY_WORKER_POOLS", pools);
        self.spec(worker_name(index), program, ops)
    }

    fn program(&self, role: &str, ops: u16) -> Program {
        let mut program = Program::new(self.binary).argument(role);
        program.inherits_environment = true;
        program.environment = self.endpoints.environment();
        program.environment.push(("ASSAY_OPS_LISTEN".to_owned(), local(ops)));
        program.environment.extend_from_slice(self.variables);
        program
    }

    fn spec(&self, name: String, program: Program, ops: u16) -> Spec {
        Spec {
            stage: Stage::Role,
            program,
            probe: Probe::Http(format!("http://{}/readyz", local(ops))),
            stop: Signal::TERM,
            grace: GRACE,
            patience: PATIENCE,
            log: self.folder.logs().join(format!("{name}.log")),
            pid_file: self.folder.pids().join(&name),
            name,
        }
    }
}

fn local(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
