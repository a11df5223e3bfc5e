//! The engine that the tests of one process share: started by the first that needs it, stopped when the process ends.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::Result;
use app::stack::Tools;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use super::engine::Engine;

static SHARED: Mutex<Option<Arc<Engine>>> = Mutex::const_new(None);
/// Outlives every test, as the engine's workers do.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("an asynchronous runtime"));

/// Longer than any test here takes, so that a workflow that is stuck ends as a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test on the engine. Skipped, and said loudly, where the server or its database is not installed.
pub fn on_engine(test: impl AsyncFnOnce(&Engine) -> Result<()>) {
    if let Err(missing) = Tools::find() {
        return store::testing::skip(&format!("{missing:#}"));
    }
    RUNTIME.block_on(async {
        let engine = shared().await;
        match tokio::time::timeout(PATIENCE, test(&engine)).await {
            Ok(result) => result.unwrap_or_else(|error| panic!("{error:#}")),
            Err(_) => panic!("no end after {} s: a workflow task that fails is tried for ever", PATIENCE.as_secs()),
        }
    });
}

async fn shared() -> Arc<Engine> {
    let mut shared = SHARED.lock().await;
    if let Some(engine) = &*shared {
        return Arc::clone(engine);
    }
    let engine = Engine::start().await.unwrap_or_else(|error| panic!("the Temporal server did not start: {error:#}"));
    at_exit();
    Arc::clone(shared.insert(Arc::new(engine)))
}

/// The test runner leaves by `exit`, which drops nothing: without this every run would leave a folder behind.
#[expect(unsafe_code, reason = "the C library's list of exit handlers is the only hook, and no crate in use wraps it")]
fn at_exit() {
    extern "C" fn stop_shared() {
        // On a thread of its own, because this one has lost its thread-locals already, and the workers' end needs a runtime.
        let stopping = std::thread::spawn(|| {
            let _runtime = RUNTIME.enter();
            if let Ok(mut shared) = SHARED.try_lock() {
                drop(shared.take());
            }
        });
        let _ = stopping.join();
    }
    // SAFETY: the handler is a function without arguments that does not unwind; it touches statics only.
    unsafe { libc::atexit(stop_shared) };
}
