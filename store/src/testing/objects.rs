//! A bucket of its own for each test, in one private S3 store per process.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::child::{self, Server};
use super::skip;
use crate::objects::{Objects, ObjectsConfig, S3Objects};

static GATEWAY: OnceLock<Option<Gateway>> = OnceLock::new();
const ACCESS_KEY: &str = "assay-test";
const SECRET_KEY: &str = "assay-test-secret";
const REGION: &str = "us-east-1";

/// An empty bucket that nobody else uses.
pub struct TestObjects {
    pub config: ObjectsConfig,
}

impl TestObjects {
    /// A bucket. `None`, said loudly, where the store's binary is missing.
    pub async fn start() -> Option<Self> {
        let gateway = tokio::task::spawn_blocking(|| GATEWAY.get_or_init(start_gateway)).await;
        let Some(gateway) = gateway.unwrap_or_else(|error| panic!("the test object store: {error}")) else {
            skip("there is no versitygw in the cache folder, and ASSAY_VERSITYGW names none");
            return None;
        };
        let bucket = format!("assay-test-{}", Uuid::now_v7().simple());
        let config = ObjectsConfig::new(&gateway.endpoint, REGION, &bucket, ACCESS_KEY, SECRET_KEY);
        let objects = S3Objects::new(&config);
        let began = Instant::now();
        loop {
            match objects.ensure_bucket().await {
                Ok(()) => return Some(Self { config }),
                Err(error) if !error.is_retryable() || began.elapsed() > Duration::from_secs(30) => {
                    panic!("a test bucket: {error:?}")
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// A client for it.
    pub fn objects(&self) -> S3Objects {
        S3Objects::new(&self.config)
    }
}

struct Gateway {
    endpoint: String,
    _server: Server,
}

fn start_gateway() -> Option<Gateway> {
    let program = binary()?;
    start(&program).map(Some).unwrap_or_else(|error| panic!("the test object store: {error}"))
}

fn start(program: &std::path::Path) -> Result<Gateway, String> {
    if !program.is_file() {
        return Err(format!("there is no {}", program.display()));
    }
    let folder = child::folder("objects")?;
    let (data, sidecar) = (folder.join("data"), folder.join("metadata"));
    for path in [&data, &sidecar] {
        std::fs::create_dir(path).map_err(|error| error.to_string())?;
    }
    let port = child::free_port()?;
    let words = [
        program.display().to_string(),
        "--port".to_owned(),
        format!("127.0.0.1:{port}"),
        "--region".to_owned(),
        REGION.to_owned(),
        "--quiet".to_owned(),
        "posix".to_owned(),
        "--sidecar".to_owned(),
        sidecar.display().to_string(),
        data.display().to_string(),
    ];
    let server = child::start(&folder, &words, &[("ROOT_ACCESS_KEY", ACCESS_KEY), ("ROOT_SECRET_KEY", SECRET_KEY)])?;
    Ok(Gateway { endpoint: format!("http://127.0.0.1:{port}"), _server: server })
}

/// The binary that the set-up script built, the newest version where there are several.
fn binary() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("ASSAY_VERSITYGW") {
        return Some(PathBuf::from(path));
    }
    let cache = match std::env::var_os("ASSAY_CACHE") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache/assay"),
    };
    let mut found: Vec<PathBuf> = std::fs::read_dir(cache.join("tools"))
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("versitygw-"))
        .map(|entry| entry.path())
        .map(|path| if path.is_dir() { path.join("versitygw") } else { path })
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.pop()
}
