//! A real browser without a window, one per test, driven over WebDriver.

use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use reqwest::{Method, Url};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// So many pages in a row may be replaced under a look at one of their elements.
const MOST_PAGES_GONE: usize = 5;

/// How the window is set up.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub width: u32,
    pub height: u32,
    pub scripts: bool,
    pub dark: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self { width: 1_280, height: 900, scripts: true, dark: false }
    }
}

/// An open window.
pub struct Browser {
    pub client: Client,
    width: u32,
    _running: Running,
}

/// The driver with the browser that it started, and the folder they write to. All of it ends with this.
struct Running {
    driver: Child,
    folder: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The browser is in the driver's group, and would outlive it.
        let group = self.driver.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Browser {
    /// Opens a window. None, with a line that says why, where no browser is installed.
    pub async fn open(window: Window) -> Result<Option<Self>> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let Ok(driver) = command.spawn() else {
            eprintln!("SKIPPED: there is no chromedriver; `scripts/setup.sh tests` installs it");
            return Ok(None);
        };
        let mut running = Running { driver, folder: TempDir::new().context("a folder for the browser")? };
        let port = port(&mut running.driver).await?;
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--no-proxy-server".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--user-data-dir={}", running.folder.path().display()),
        ];
        let settings = match (window.scripts, window.dark) {
            (true, true) => "--blink-settings=preferredColorScheme=0",
            (false, _) => "--blink-settings=scriptEnabled=false",
            (true, false) => "",
        };
        arguments.extend((!settings.is_empty()).then(|| settings.to_owned()));
        // A real window cannot be narrower than 500 pixels.
        let metrics = json!({ "width": window.width, "height": window.height, "pixelRatio": 1.0, "touch": false, "mobile": false });
        let options = json!({ "args": arguments, "mobileEmulation": { "deviceMetrics": metrics } });
        let capabilities = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        let Value::Object(capabilities) = capabilities else { bail!("an object") };
        let client = ClientBuilder::new(hyper_util_connector())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .context("start a browser")?;
        // What is asked for may appear a moment later; nothing waits longer than this.
        client.update_timeouts(timeouts()).await?;
        Ok(Some(Self { client, width: window.width, _running: running }))
    }

    pub async fn go(&self, url: &str) -> Result<()> {
        self.client.goto(url).await.with_context(|| format!("open {url}"))
    }

    /// Where the window is, without scheme and host.
    pub async fn path(&self) -> Result<String> {
        Ok(self.client.current_url().await?.path().to_owned())
    }

    /// Waits until the window is at a path that begins so.
    pub async fn at(&self, path: &str) -> Result<()> {
        crate::wait::until(&format!("a page under {path}"), Duration::from_secs(15), async || {
            Ok(self.path().await?.starts_with(path).then_some(()))
        })
        .await
    }

    pub async fn click(&self, css: &str) -> Result<()> {
        self.with(css, async |element| element.click().await).await.with_context(|| format!("click {css}"))
    }

    /// Types into an element.
    pub async fn write(&self, css: &str, text: &str) -> Result<()> {
        self.with(css, async |element| element.send_keys(text).await).await.with_context(|| format!("type into {css}"))
    }

    /// Types wherever the focus is.
    pub async fn press(&self, keys: &str) -> Result<()> {
        self.client.active_element().await?.send_keys(keys).await.with_context(|| format!("press {keys:?}"))
    }

    /// Ctrl and Enter together, wherever the focus is.
    pub async fn control_enter(&self) -> Result<()> {
        let keys = format!("{}{}{}", char::from(Key::Control), char::from(Key::Enter), char::from(Key::Null));
        self.press(&keys).await
    }

    /// The text of an element as a person reads it.
    pub async fn text(&self, css: &str) -> Result<String> {
        self.with(css, async |element| element.text().await).await.with_context(|| format!("read {css}"))
    }

    /// Finds an element and does something with it. One whose page was replaced in between is looked for on the page that came.
    async fn with<T>(&self, css: &str, act: impl AsyncFn(Element) -> Result<T, CmdError>) -> Result<T, CmdError> {
        let mut pages_gone = 0;
        loop {
            match act(self.client.find(Locator::Css(css)).await?).await {
                Err(error) if error.is_stale_element_reference() && pages_gone < MOST_PAGES_GONE => pages_gone += 1,
                done => return done,
            }
        }
    }

    /// What a script answers.
    pub async fn script(&self, code: &str) -> Result<Value> {
        self.client.execute(code, Vec::new()).await.map_err(|error: CmdError| anyhow::anyhow!("run a script: {error}"))
    }

    /// Runs a script in every page from now on, before any of its own.
    pub async fn before_pages(&self, code: &str) -> Result<()> {
        let command = DevTools { name: "Page.addScriptToEvaluateOnNewDocument", parameters: json!({ "source": code }) };
        self.client.issue_cmd(command).await.map(drop).context("add a script to every page")
    }

    /// Nothing on the page is wider than the window.
    pub async fn fits(&self) -> Result<()> {
        let widths = self.script("return [document.documentElement.clientWidth, document.documentElement.scrollWidth]").await?;
        ensure!(widths[0] == self.width, "the window is {} pixels wide instead of {}", widths[0], self.width);
        ensure!(widths[1].as_u64() <= widths[0].as_u64(), "the page is {} pixels wide", widths[1]);
        Ok(())
    }

    /// What axe-core finds wrong with the page under WCAG 2.2 AA; nothing, if all is well.
    pub async fn accessible(&self) -> Result<()> {
        self.script(include_str!("../vendor/axe.min.js")).await?;
        let tags = json!(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]);
        let code = "const done = arguments[arguments.length - 1];
            axe.run(document, { runOnly: arguments[0] }).then((found) => done(found.violations.map(
                (violation) => violation.id + ': ' + violation.nodes.map((node) => node.target.join(' ')).join(', '))))";
        let found = self.client.execute_async(code, vec![tags]).await.context("run axe")?;
        ensure!(found.as_array().is_some_and(Vec::is_empty), "{found:#}");
        Ok(())
    }
}

/// A command of the browser's own, for what WebDriver has no words for.
#[derive(Debug)]
struct DevTools {
    name: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "cmd": self.name, "params": self.parameters }).to_string()))
    }
}

/// The port that the driver chose, from the line in which it says so.
async fn port(driver: &mut Child) -> Result<u16> {
    let mut lines = BufReader::new(driver.stdout.take().context("the driver's output")?).lines();
    while let Some(line) = lines.next_line().await? {
        // The first line repeats what was asked for: port 0.
        let told = line.rsplit_once("on port ").and_then(|(_, rest)| rest.trim_end_matches('.').parse().ok()).filter(|port| *port != 0);
        if let Some(port) = told {
            // Read on, so that the driver never waits for us.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(port);
        }
    }
    bail!("the driver ended before it said where it listens")
}

fn hyper_util_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

fn timeouts() -> fantoccini::wd::TimeoutConfiguration {
    fantoccini::wd::TimeoutConfiguration::new(Some(Duration::from_secs(30)), Some(Duration::from_secs(30)), Some(Duration::from_secs(5)))
}
