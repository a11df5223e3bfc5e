//! The stack that the end-to-end tests of a process share: started by the first that needs it, stopped when the process ends.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, Result};
use app::stack::{Stack, StackOptions};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{RwLock, RwLockReadGuard};

/// Where `make test` says that the binary of the roles is.
const BINARY: &str = "ASSAY_BINARY";

/// Tests that only look at their own tenant share it side by side; those that measure or break something have it alone.
static SHARED: RwLock<Option<Running>> = RwLock::const_new(None);
/// Outlives every test, as the shared stack's connections do.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("an asynchronous runtime"));

struct Running {
    stack: Stack,
    folder: TempDir,
}

/// Runs a test on the shared stack, beside others.
pub fn together(test: impl AsyncFnOnce(&Stack) -> Result<()>) {
    let Some(binary) = binary() else { return };
    RUNTIME.block_on(async {
        let shared = shared(binary).await;
        let running = shared.as_ref().expect("it was started");
        finish(&running.folder, test(&running.stack).await);
    });
}

/// Runs a test on the shared stack while no other test runs.
pub fn alone(test: impl AsyncFnOnce(&Stack) -> Result<()>) {
    let Some(binary) = binary() else { return };
    RUNTIME.block_on(async {
        drop(shared(binary).await);
        let shared = SHARED.write().await;
        let running = shared.as_ref().expect("it was started");
        finish(&running.folder, test(&running.stack).await);
    });
}

/// Runs a test on a stack of its own while no other test runs.
pub fn on_own_stack(variables: Vec<(String, String)>, test: impl AsyncFnOnce(&Stack) -> Result<()>) {
    let Some(binary) = binary() else { return };
    RUNTIME.block_on(async {
        let _alone = SHARED.write().await;
        let running = start(binary, variables).await.unwrap_or_else(|error| panic!("the stack did not start: {error:#}"));
        let result = test(&running.stack).await;
        let Running { stack, folder } = running;
        let stopped = stack.stop().await;
        finish(&folder, result.and(stopped));
    });
}

async fn shared(binary: PathBuf) -> RwLockReadGuard<'static, Option<Running>> {
    let shared = SHARED.read().await;
    if shared.is_some() {
        return shared;
    }
    drop(shared);
    let mut shared = SHARED.write().await;
    if shared.is_none() {
        let running = start(binary, Vec::new()).await.unwrap_or_else(|error| panic!("the shared stack did not start: {error:#}"));
        *shared = Some(running);
        at_exit();
    }
    shared.downgrade()
}

async fn start(binary: PathBuf, variables: Vec<(String, String)>) -> Result<Running> {
    let folder = folder()?;
    let options = StackOptions { ui: false, binary: Some(binary), variables, ..StackOptions::new(folder.path()) };
    let stack = Stack::start(options).await?;
    Ok(Running { stack, folder })
}

/// A folder that the database's user can enter, so that removing it removes the database too.
fn folder() -> Result<TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().prefix("assay-it-").permissions(permissions).tempdir().context("make a folder")
}

/// Turns an error into the test's failure, and keeps what the parts logged.
fn finish(folder: &TempDir, result: Result<()>) {
    if let Err(error) = result {
        let kept = keep_logs(folder.path()).unwrap_or_else(|lost| format!("were not kept: {lost:#}"));
        panic!("{error:#}\nlogs of the parts: {kept}");
    }
}

fn keep_logs(folder: &Path) -> Result<String> {
    let kept = tempfile::Builder::new().prefix("assay-it-logs-").tempdir()?.keep();
    for entry in std::fs::read_dir(folder.join("logs"))? {
        let path = entry?.path();
        std::fs::copy(&path, kept.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(kept.display().to_string())
}

/// The `assay` binary; without one the test is skipped, and says so where the test runner does not swallow it.
pub fn binary() -> Option<PathBuf> {
    let Some(binary) = std::env::var_os(BINARY).map(PathBuf::from) else {
        let name = std::thread::current().name().unwrap_or("a test").to_owned();
        // Straight to the file: what is printed by a test that passes is not shown.
        let _ = writeln!(std::io::stderr(), "SKIPPED {name}: {BINARY} is not set; `make test` builds the binary and sets it");
        return None;
    };
    assert!(binary.is_file(), "{BINARY} names {}, which is not there", binary.display());
    Some(binary)
}

/// The test runner leaves by `exit`, which drops nothing: without this every run would leave a folder behind.
#[expect(unsafe_code, reason = "the C library's list of exit handlers is the only hook, and no crate in use wraps it")]
fn at_exit() {
    extern "C" fn stop_shared() {
        if let Ok(mut shared) = SHARED.try_write() {
            drop(shared.take());
        }
    }
    // SAFETY: the handler is a function without arguments that does not unwind; it touches statics only.
    unsafe { libc::atexit(stop_shared) };
}
