//! A whole Assay on one machine: a private PostgreSQL, Temporal server, S3 store and Assay's roles in one
//! process tree. `assay up`, `assay demo` and the end-to-end tests start it; production runs roles one by one.

mod backoff;
mod endpoints;
mod folder;
mod objects;
mod ports;
mod postgres;
mod probe;
mod process;
mod roles;
mod secrets;
mod supervisor;
mod temporal;
mod temporal_schema;
mod temporal_ui;
mod tools;
mod up_file;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;

pub use endpoints::{Endpoints, NAMESPACE};
pub use folder::{Folder, Lock};
pub use ports::Wish as PortWish;
pub use process::{Identity, clear_leftovers};
pub use roles::ALL_POOLS;
/// The signals that [`Part::signal`] takes.
pub use rustix::process::Signal;
pub use supervisor::{Notify, Part, Stage, Status};
pub use tools::{Tools, cache_folder, version};
pub use up_file::UpFile;

use ports::{MAX_WORKERS, Ports};
use roles::Roles;
use secrets::{Secrets, write_private};
use supervisor::Spec;

/// What to start, and where.
#[derive(Clone)]
pub struct StackOptions {
    /// Everything the stack keeps: data, logs, secrets.
    pub folder: PathBuf,
    pub ports: PortWish,
    /// Start Assay's roles too, not only what they stand on.
    pub roles: bool,
    /// Start Temporal's Web UI.
    pub ui: bool,
    /// The pools of each worker process, as `--pool` takes them.
    pub workers: Vec<String>,
    /// The `assay` binary for the roles; `ASSAY_BINARY`, or else the running program, where none is given.
    pub binary: Option<PathBuf>,
    /// More variables for the roles, which win over the stack's own.
    pub variables: Vec<(String, String)>,
    /// Told what happens, in sentences.
    pub notify: Notify,
}

impl StackOptions {
    /// Everything on any free ports, silently.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            ports: PortWish::Any,
            roles: true,
            ui: true,
            workers: vec![ALL_POOLS.to_owned()],
            binary: None,
            variables: Vec::new(),
            notify: Arc::new(|_| {}),
        }
    }
}

/// Somebody else has the folder.
#[derive(Debug, thiserror::Error)]
#[error("a stack is already running in {} (process {})", folder.display(), owner.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string()))]
pub struct AlreadyRunning {
    pub folder: PathBuf,
    pub owner: Option<i32>,
}

/// A running stack. Dropping it stops it, in order.
pub struct Stack {
    parts: Vec<Part>,
    endpoints: Endpoints,
    folder: Folder,
    notify: Notify,
    /// Let go of last, when nothing of ours runs any more.
    _lock: Lock,
}

impl Stack {
    /// Starts everything and returns when all of it is ready. On an error, what was started is stopped.
    pub async fn start(options: StackOptions) -> Result<Self> {
        ensure!(options.workers.len() <= usize::from(MAX_WORKERS), "at most {MAX_WORKERS} worker processes in one stack");
        let folder = Folder::create(&options.folder)?;
        let Some(lock) = folder.lock()? else {
            return Err(AlreadyRunning { folder: folder.root().to_owned(), owner: folder.owner() }.into());
        };
        // A run that was killed could not take its file away, and others would take us for ready.
        UpFile::remove(&folder);
        let notify = supervisor::noting(Arc::clone(&options.notify), &folder.supervisor_log())?;
        let tools = Tools::find()?;
        clear_leftovers(&folder.pids()).context("clear what an earlier run left behind")?;
        let secrets = Secrets::load_or_create(&folder.secrets())?;
        let ports = Ports::choose(options.ports, &folder.ports())?;
        let endpoints = Endpoints::new(ports, &secrets, options.ui, options.roles, options.workers.len());
        let mut stack = Self { parts: Vec::new(), endpoints, folder, notify, _lock: lock };
        stack.start_foundations(&tools, &secrets, ports, options.ui).await?;
        if options.roles {
            stack.start_roles(&options, ports).await?;
        }
        let up = UpFile::of(&stack);
        up.write(&stack.folder)?;
        stack.write_environment_file()?;
        Ok(stack)
    }

    async fn start_foundations(&mut self, tools: &Tools, secrets: &Secrets, ports: Ports, ui: bool) -> Result<()> {
        (self.notify)("starting PostgreSQL and the S3 store");
        let objects = self.launch(objects::prepare(tools, &self.folder, secrets, ports)?)?;
        let (tools_there, folder_there, secrets_there) = (tools.clone(), self.folder.clone(), secrets.clone());
        // The first time this makes a cluster, which takes a second or two of waiting for a child.
        let postgres =
            tokio::task::spawn_blocking(move || postgres::prepare(&tools_there, &folder_there, &secrets_there, ports.postgres()));
        let postgres = self.launch(postgres.await.context("prepare PostgreSQL")??)?;
        if let Ok(outside) = std::fs::read_link(self.folder.postgres()) {
            (self.notify)(&format!("the database lies in {}: its user cannot enter this folder", outside.display()));
        }
        self.parts[postgres].ready().await?;
        postgres::provision(ports.postgres(), secrets).await?;
        temporal_schema::apply(tools, ports.postgres(), secrets, &self.folder.logs()).await?;
        (self.notify)("starting the Temporal server");
        let temporal = self.launch(temporal::prepare(tools, &self.folder, secrets, ports)?)?;
        if ui {
            self.launch(temporal_ui::prepare(tools, &self.folder, ports)?)?;
        }
        self.parts[temporal].ready().await?;
        self.parts[objects].ready().await
    }

    async fn start_roles(&mut self, options: &StackOptions, ports: Ports) -> Result<()> {
        let binary = match options.binary.clone().or_else(|| std::env::var_os("ASSAY_BINARY").map(PathBuf::from)) {
            Some(binary) => binary,
            None => std::env::current_exe().context("find the running program")?,
        };
        let (folder, endpoints) = (self.folder.clone(), self.endpoints.clone());
        let roles = Roles { binary: &binary, folder: &folder, endpoints: &endpoints, ports, variables: &options.variables };
        (self.notify)("preparing the database, the namespace and the bucket");
        roles.migrate().await?;
        (self.notify)("starting the gateway, the worker and the review desk");
        self.launch(roles.gateway())?;
        self.launch(roles.review_ui())?;
        for (index, pools) in (0..).zip(&options.workers) {
            self.launch(roles.worker(index, pools))?;
        }
        try_join_all(self.parts.iter().map(Part::ready)).await?;
        Ok(())
    }

    fn launch(&mut self, spec: Spec) -> Result<usize> {
        self.parts.push(Part::start(spec, Arc::clone(&self.notify))?);
        Ok(self.parts.len() - 1)
    }

    /// Every variable of the roles in one file, and the names of the runbooks, so that a terminal beside the stack can run any command.
    fn write_environment_file(&self) -> Result<()> {
        let mut variables = self.endpoints.environment();
        variables.push(self.endpoints.owner_environment());
        variables.extend(self.endpoints.terminal_environment());
        let lines: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        write_private(&self.folder.environment_file(), lines.as_bytes())
    }

    /// Where everything is.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The folder it lives in.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Its parts, in the order in which they were started.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// One part: `postgres`, `objects`, `temporal`, `temporal-ui`, `gateway`, `review-ui`, `worker`, `worker-2`, ...
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name() == name)
    }

    /// Stops everything in order: roles, then the engine and the object store, the database last.
    pub async fn stop(self) -> Result<()> {
        tokio::task::spawn_blocking(move || drop(self)).await.context("stop the stack")
    }

    fn stop_stage(&mut self, stage: Stage) {
        std::thread::scope(|scope| {
            for part in self.parts.iter_mut().filter(|part| part.stage() == stage) {
                scope.spawn(move || part.stop());
            }
        });
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for stage in [Stage::Role, Stage::Engine, Stage::Database] {
            self.stop_stage(stage);
        }
        UpFile::remove(&self.folder);
    }
}
