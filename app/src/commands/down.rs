//! `assay down`: stops the stack that `assay up` runs in another terminal, and waits until it is gone.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::stack::{Folder, Signal, clear_leftovers};

/// Longer than all parts together may take to stop.
const PATIENCE: Duration = Duration::from_secs(90);
/// Pause between two looks at whether it is gone.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Options of `assay down`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Folder of the stack to stop
    #[arg(long, default_value = ".assay/run")]
    pub folder: PathBuf,
}

/// Stops it. A stack that does not run is stopped already.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    if !arguments.folder.is_dir() {
        println!("down: nothing runs in {}", arguments.folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    let folder = Folder::at(&arguments.folder);
    if let Some(_lock) = folder.lock()? {
        // A run that was killed takes its children with it; this is for the case that it could not.
        if folder.pids().is_dir() {
            clear_leftovers(&folder.pids()).context("clear what an earlier run left behind")?;
        }
        println!("down: nothing runs in {}", arguments.folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    let owner = folder.owner().context("the folder is taken, but its lock does not say by whom")?;
    let pid = rustix::process::Pid::from_raw(owner).context("the lock names no process")?;
    println!("down: stopping process {owner}");
    rustix::process::kill_process(pid, Signal::TERM).with_context(|| format!("signal process {owner}"))?;
    let gone = async {
        while folder.lock()?.is_none() {
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        anyhow::Ok(())
    };
    match tokio::time::timeout(PATIENCE, gone).await {
        Ok(outcome) => outcome?,
        Err(_) => bail!("process {owner} did not stop within {} s", PATIENCE.as_secs()),
    }
    println!("down: stopped");
    Ok(ExitCode::SUCCESS)
}
