//! The S3 store of a private stack: versitygw over a folder. Its bucket is made by `assay migrate`.

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

/// The region that requests are signed for; the store has no places of its own.
pub const REGION: &str = "us-east-1";
/// The bucket that holds evidence and everything made from it.
pub const BUCKET: &str = "assay-evidence";
/// A path that no bucket can have.
const HEALTH: &str = "/-/health";

/// Makes its folders and says how to run it.
pub fn prepare(tools: &Tools, folder: &Folder, secrets: &Secrets, ports: Ports) -> Result<Spec> {
    let data = folder.objects().join("data");
    // Metadata beside the files, not in extended attributes, which not every file system keeps.
    let sidecar = folder.objects().join("metadata");
    for path in [&data, &sidecar] {
        std::fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
    }
    let program = Program::new(&tools.versitygw)
        // By environment, because arguments can be read by every user of the machine.
        .variable("ROOT_ACCESS_KEY", &secrets.objects_access_key)
        .variable("ROOT_SECRET_KEY", &secrets.objects_secret_key)
        .argument("--port")
        .argument(format!("127.0.0.1:{}", ports.objects()))
        .argument("--region")
        .argument(REGION)
        .argument("--health")
        .argument(HEALTH)
        .argument("--keep-alive")
        .argument("--quiet")
        .argument("posix")
        .argument("--sidecar")
        .argument(&sidecar)
        .argument(&data);
    Ok(Spec {
        name: "objects".to_owned(),
        stage: Stage::Engine,
        program,
        probe: Probe::Http(format!("http://127.0.0.1:{}{HEALTH}", ports.objects())),
        stop: Signal::TERM,
        grace: Duration::from_secs(5),
        patience: Duration::from_secs(30),
        log: folder.logs().join("objects.log"),
        pid_file: folder.pids().join("objects"),
    })
}
