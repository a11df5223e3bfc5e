//! `assay up`: the whole of Assay on this machine, in the foreground, until Ctrl-C or `assay down`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::stack::{ALL_POOLS, AlreadyRunning, Folder, PortWish, Stack, StackOptions, UpFile};

/// Where the ports of `assay up` start when nothing else was asked for and they are free.
const USUAL_PORT_BASE: u16 = 17_400;

/// Options of `assay up`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Folder of data, logs and secrets
    #[arg(long, default_value = ".assay/run")]
    pub folder: PathBuf,
    /// First of the ports to use; without it the ones used before, else 17400 and up, else any
    #[arg(long)]
    pub port_base: Option<u16>,
    /// Pools of one worker process; repeat for several processes
    #[arg(long = "worker", default_value = ALL_POOLS)]
    pub workers: Vec<String>,
    /// Do not start Temporal's Web UI
    #[arg(long)]
    pub no_temporal_ui: bool,
    /// Start only PostgreSQL, Temporal and the S3 store, for roles that are run by hand
    #[arg(long)]
    pub no_roles: bool,
}

/// Runs until it is told to stop.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    // Listened to from the start, so that Ctrl-C during the start stops in order too.
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let began = Instant::now();
    let starting = Stack::start(StackOptions {
        ports: arguments.port_base.map_or(PortWish::Preferably(USUAL_PORT_BASE), PortWish::Exactly),
        roles: !arguments.no_roles,
        ui: !arguments.no_temporal_ui,
        workers: arguments.workers,
        notify: Arc::new(|sentence| eprintln!("up: {sentence}")),
        ..StackOptions::new(&arguments.folder)
    });
    let started = tokio::select! {
        started = starting => started,
        _ = interrupt.recv() => return stopped_early(),
        _ = terminate.recv() => return stopped_early(),
    };
    let stack = match started {
        Ok(stack) => stack,
        Err(error) => match error.downcast::<AlreadyRunning>() {
            Ok(running) => return Ok(already_running(&running)),
            Err(error) => return Err(error),
        },
    };
    println!("up: ready in {:.1} s", began.elapsed().as_secs_f64());
    print_pages(&stack.endpoints().pages());
    println!("up: logs in {}, variables in {}", stack.folder().logs().display(), stack.folder().environment_file().display());
    println!("up: Ctrl-C here, or `make down` elsewhere, stops it");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    eprintln!("up: stopping");
    stack.stop().await?;
    eprintln!("up: stopped");
    Ok(ExitCode::SUCCESS)
}

fn listen(kind: SignalKind) -> Result<tokio::signal::unix::Signal> {
    signal(kind).context("listen for the signals that stop us")
}

fn stopped_early() -> Result<ExitCode> {
    eprintln!("up: stopped before it was ready");
    Ok(ExitCode::FAILURE)
}

fn already_running(running: &AlreadyRunning) -> ExitCode {
    eprintln!("up: {running}");
    match UpFile::read(&Folder::at(&running.folder)) {
        Some(up) => print_pages(&up.urls.into_iter().collect::<Vec<_>>()),
        None => eprintln!("up: it is still starting"),
    }
    ExitCode::FAILURE
}

fn print_pages(pages: &[(String, String)]) {
    let width = pages.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, url) in pages {
        println!("  {name:width$}  {url}");
    }
}
