//! Temporal's Web UI, where operators look at single workflows. Nothing depends on it.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::folder::Folder;
use super::ports::Ports;
use super::probe::Probe;
use super::process::Program;
use super::supervisor::{Spec, Stage};
use super::tools::Tools;

/// The namespace that is open when the page is.
const NAMESPACE: &str = "assay";

/// Writes its configuration and says how to run it.
pub fn prepare(tools: &Tools, folder: &Folder, ports: Ports) -> Result<Spec> {
    let config = folder.config().join("temporal-ui");
    std::fs::create_dir_all(&config).with_context(|| format!("create {}", config.display()))?;
    let url = format!("http://127.0.0.1:{}", ports.temporal_ui());
    let settings = format!(
        "temporalGrpcAddress: 127.0.0.1:{}\nhost: 127.0.0.1\nport: {}\nenableUi: true\ndefaultNamespace: {NAMESPACE}\n\
         disableNewsFetch: true\ncors:\n  allowOrigins: [\"{url}\"]\n",
        ports.temporal(),
        ports.temporal_ui(),
    );
    std::fs::write(config.join("assay.yaml"), settings).context("write the configuration of the Web UI")?;
    let program = Program::new(&tools.temporal_ui_server)
        .argument("--root")
        .argument(folder.config())
        .argument("--config")
        .argument("temporal-ui")
        .argument("--env")
        .argument("assay")
        .argument("start");
    Ok(Spec {
        name: "temporal-ui".to_owned(),
        stage: Stage::Role,
        program,
        probe: Probe::Http(format!("{url}/healthz")),
        stop: Signal::TERM,
        grace: Duration::from_secs(3),
        patience: Duration::from_secs(30),
        log: folder.logs().join("temporal-ui.log"),
        pid_file: folder.pids().join("temporal-ui"),
    })
}
