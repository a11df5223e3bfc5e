//! The foundations of a stack for real: a part that is killed comes back, and nothing outlives its owner.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use app::stack::{AlreadyRunning, Folder, Identity, Signal, Stack, StackOptions, UpFile};

/// Names the folder in which `hold_a_stack` is to start one. Unset, that test does nothing.
const HOLD: &str = "ASSAY_TEST_HOLD_STACK";
/// Longer than any of this takes, so that a hang ends as a failure.
const PATIENCE: Duration = Duration::from_secs(120);

fn foundations(folder: &Path) -> StackOptions {
    StackOptions { roles: false, ui: false, ..StackOptions::new(folder) }
}

/// A folder that the cluster's user can reach, so that removing it removes the cluster too.
fn scratch() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().expect("a folder")
}

async fn soon<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

#[tokio::test]
async fn killed_parts_come_back_with_their_data_and_a_second_start_is_quick() {
    let scratch = scratch();
    let stack = Stack::start(foundations(scratch.path())).await.expect("started");
    let owner = stack.endpoints().database_owner_url.clone();
    execute(&owner, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('kept')").await.expect("written");

    let refused = Stack::start(foundations(scratch.path())).await.err().expect("the folder is taken");
    assert_eq!(refused.downcast::<AlreadyRunning>().expect("says so").owner, Some(std::process::id().cast_signed()));

    for name in ["postgres", "temporal", "objects"] {
        let part = stack.part(name).expect(name);
        let before = part.status();
        assert!(part.signal(Signal::KILL), "{name} was running");
        part.watch().wait_for(|status| status.starts > before.starts && status.pid.is_some()).await.expect("watched");
    }
    for part in stack.parts() {
        part.ready().await.expect("ready again");
    }
    execute(&owner, "SELECT 1 / count(*) FROM kept").await.expect("the row is still there");
    let ports_before = stack.endpoints().gateway_url.clone();
    stack.stop().await.expect("stopped");

    let again = Stack::start(foundations(scratch.path())).await.expect("started again");
    assert_eq!(again.endpoints().gateway_url, ports_before);
    assert_eq!(again.endpoints().database_owner_url, owner);
    execute(&owner, "SELECT 1 / count(*) FROM kept").await.expect("the row is still there");
    // The service's role must not own anything, nor look past row-level security.
    let service = again.endpoints().database_service_url.clone();
    execute(&service, "CREATE TABLE mine (word text)").await.expect_err("the service may not create tables");
    again.stop().await.expect("stopped");
}

#[tokio::test]
async fn nothing_outlives_an_owner_that_was_killed() {
    let scratch = scratch();
    let mut owner = hold(scratch.path());
    let folder = Folder::at(scratch.path());
    let up = soon("the held stack to be ready", async || UpFile::read(&folder)).await;
    let parts: Vec<Identity> = up.parts.values().filter_map(|pid| Identity::of(*pid)).collect();
    assert_eq!(parts.len(), 3, "{:?}", up.parts);

    owner.kill().expect("killed");
    owner.wait().expect("reaped");

    soon("every part to end", async || parts.iter().all(|part| !part.is_alive()).then_some(())).await;
    // What the killed owner left in the folder is no obstacle.
    let stack = Stack::start(foundations(scratch.path())).await.expect("started after the crash");
    stack.stop().await.expect("stopped");
}

/// Not a test by itself: a process of its own, for the test above to kill.
#[tokio::test]
async fn hold_a_stack() {
    let Some(folder) = std::env::var_os(HOLD) else { return };
    let _stack = Stack::start(foundations(Path::new(&folder))).await.expect("started");
    std::future::pending::<()>().await;
}

fn hold(folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "hold_a_stack", "--nocapture"])
        .env(HOLD, folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("spawned")
}

async fn execute(url: &str, sql: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client.batch_execute(sql).await?)
}
