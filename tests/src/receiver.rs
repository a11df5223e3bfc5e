//! Webhook receivers in other languages, each a process of its own: those of the documentation, and those that use a published library.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::wait;

/// A language starts, and Go builds, in far less.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a receiver is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Python,
    JavaScript,
    Go,
}

impl Language {
    /// The program that runs or builds it.
    fn program(self) -> &'static str {
        match self {
            Self::Python => "python3",
            Self::JavaScript => "node",
            Self::Go => "go",
        }
    }

    fn is_here(self) -> bool {
        let version = if self == Self::Go { "version" } else { "--version" };
        Command::new(self.program()).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

/// A receiver that runs. Ended when dropped.
pub struct Receiver {
    pub url: String,
    child: Child,
    _folder: Option<TempDir>,
}

impl Receiver {
    /// The receiver of docs/webhooks.md, from the very text of the page. None, said loudly, where its language is missing.
    pub async fn of_the_page(page: &str, language: Language, secret: &str) -> Result<Option<Self>> {
        if !language.is_here() {
            skipped(&format!("the receiver in {language:?}"), &format!("{} is not installed", language.program()));
            return Ok(None);
        }
        let (fence, name) = match language {
            Language::Python => ("python", "receiver.py"),
            Language::JavaScript => ("js", "receiver.mjs"),
            Language::Go => ("go", "receiver.go"),
        };
        let folder = tempfile::tempdir().context("make a folder")?;
        std::fs::write(folder.path().join(name), block(page, fence)?).context("write a receiver")?;
        let command = match language {
            Language::Python | Language::JavaScript => {
                let mut command = Command::new(language.program());
                command.arg(name);
                command
            }
            Language::Go => {
                // Built first: `go run` would leave its child behind.
                let built =
                    Command::new("go").args(["build", "-o", "receiver", name]).current_dir(folder.path()).output().context("run go")?;
                ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
                Command::new(folder.path().join("receiver"))
            }
        };
        let path = folder.path().to_owned();
        Self::start(command, &path, secret, free_port()?, Some(folder)).await.map(Some)
    }

    /// The receiver that uses the language's published library, as `scripts/setup.sh tests` installed it. None, said loudly, where it is missing.
    pub async fn of_the_library(language: Language, secret: &str, port: u16) -> Result<Option<Self>> {
        let Some(folder) = library(language) else { return Ok(None) };
        let command = match language {
            Language::Python => {
                let mut command = Command::new("python3");
                command.arg("receiver.py").env("PYTHONPATH", folder.join("library"));
                command
            }
            Language::JavaScript => {
                let mut command = Command::new("node");
                command.arg("receiver.js");
                command
            }
            Language::Go => Command::new(folder.join("receiver")),
        };
        Self::start(command, &folder, secret, port, None).await.map(Some)
    }

    async fn start(mut command: Command, folder: &Path, secret: &str, port: u16, kept: Option<TempDir>) -> Result<Self> {
        command.current_dir(folder).env("WEBHOOK_SECRET", secret).env("PORT", port.to_string());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut receiver = Self { url: url(port), child: child.with_context(|| format!("start {command:?}"))?, _folder: kept };
        let answers = async || {
            if let Some(status) = receiver.child.try_wait()? {
                bail!("the receiver ended with {status}: {command:?}");
            }
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok().map(drop))
        };
        wait::until("a receiver", PATIENCE, answers).await?;
        Ok(receiver)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a receiver at that port takes messages.
pub fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/hook")
}

/// A port that nobody has at this moment.
pub fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("find a port")?;
    Ok(listener.local_addr()?.port())
}

/// Where the library's receiver is. None, said loudly, where it or its language is missing.
pub fn library(language: Language) -> Option<PathBuf> {
    let name = match language {
        Language::Python => "python",
        Language::JavaScript => "node",
        Language::Go => "go",
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.assay/receivers").join(name);
    let what = format!("the published library in {language:?}");
    if !folder.is_dir() {
        skipped(&what, "`scripts/setup.sh tests` has not installed it");
        return None;
    }
    // What was built in Go needs Go no more.
    if language != Language::Go && !language.is_here() {
        skipped(&what, &format!("{} is not installed", language.program()));
        return None;
    }
    Some(folder)
}

/// The one block of a page that is fenced with that word.
fn block(page: &str, fence: &str) -> Result<String> {
    let opening = format!("```{fence}\n");
    let blocks: Vec<&str> = page.split(&opening).skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block)).collect();
    match blocks.as_slice() {
        [block] => Ok((*block).to_owned()),
        blocks => bail!("{} blocks in {fence} instead of one", blocks.len()),
    }
}

fn skipped(what: &str, why: &str) {
    // Straight to the file: what is printed by a test that passes is not shown.
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {why}");
}
