//! The desk when something goes wrong: an instance is killed while a decision is under way, the engine is away, more evidence is wanted,
//! somebody works for two organisations.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use app::stack::Stack;
use domain::id::ReviewId;
use domain::person::Role;
use fantoccini::Locator;
use tests::browser::{Browser, Window};
use tests::receipt::Receipt;
use tests::tenant::Tenant;
use tests::{machine, tenant, wait};
use tokio::process::{Child, Command};

use crate::desk::{enlisted, sign_in, staffed};
use crate::review::{always, waiting};

/// Longer than anything here takes on a machine that works for others too.
const PATIENCE: Duration = Duration::from_secs(30);

/// Another instance of the desk, on a port of its own.
struct Instance {
    child: Child,
    url: String,
}

impl Instance {
    async fn start(stack: &Stack) -> Result<Self> {
        let binary = std::env::var_os("ASSAY_BINARY").context("the binary")?;
        let (port, ops) = (free_port()?, free_port()?);
        let child = Command::new(binary)
            .arg("review-ui")
            .envs(stack.endpoints().environment())
            .env("ASSAY_REVIEW_UI_LISTEN", format!("127.0.0.1:{port}"))
            .env("ASSAY_OPS_LISTEN", format!("127.0.0.1:{ops}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start another desk")?;
        let instance = Self { child, url: format!("http://127.0.0.1:{port}") };
        wait::until("another desk", PATIENCE, async || {
            Ok(reqwest::get(format!("{}/signin", instance.url)).await.ok().filter(|answer| answer.status().is_success()).map(drop))
        })
        .await?;
        Ok(instance)
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// How many decisions a review has.
async fn decisions(stack: &Stack, tenant: &Tenant, review: &str) -> Result<i64> {
    let id: ReviewId = review.parse().context("a review's id")?;
    Ok(tenant::rows(stack, tenant.id)
        .await?
        .query_one("select count(*) from decisions where review_id::text = $1", &[&id.0.to_string()])
        .await?
        .get(0))
}

#[test]
fn a_desk_is_killed_while_it_decides_and_the_reviewer_goes_on_at_another() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let receipt = Receipt::numbered(820);
        let (id, review) = waiting(&tenant.api, receipt, &receipt.claim()).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        let mut doomed = Instance::start(stack).await?;
        // The session is a row, so the cookie of one instance counts at all of them.
        sign_in(&browser, stack, &email).await?;
        browser.go(&doomed.url).await?;
        browser.click(".heading button").await?;
        browser.at(&format!("/reviews/{review}")).await?;
        browser.write("#note", "the second total is the change").await?;
        browser.click("#agree input").await?;

        // Whoever holds the row as deciding does keeps the decision under way for as long as the test wants.
        let mut blocker = tenant::rows(stack, tenant.id).await?;
        let held = blocker.transaction().await?;
        let uuid = review.parse::<ReviewId>().context("a review's id")?.0.to_string();
        held.execute("select 1 from reviews where id::text = $1 for no key update", &[&uuid]).await?;
        browser.script("setTimeout(() => document.querySelector('.submit-bar button[value=stay]').click(), 0)").await?;
        let watch = tenant::owner(stack).await?;
        wait::until("the decision to wait for the row", PATIENCE, async || {
            let waiting = "select count(*) from pg_locks where not granted";
            Ok((watch.query_one(waiting, &[]).await?.get::<_, i64>(0) > 0).then_some(()))
        })
        .await?;
        doomed.child.kill().await?;
        held.rollback().await?;
        ensure!(decisions(stack, &tenant, &review).await? == 0, "what was not committed is not there");

        let desk = &stack.endpoints().review_ui_url;
        browser.go(&format!("{desk}/reviews/{review}")).await?;
        let note = browser.client.find(Locator::Css("#note")).await.context("the review is still theirs")?.prop("value").await?;
        ensure!(note.as_deref() == Some("the second total is the change"), "the draft: {note:?}");
        browser.click(".submit-bar button[value=stay]").await?;
        browser.at(&format!("/verifications/{id}")).await?;
        let ended = tenant.api.ended(&id).await?;
        ensure!(ended["status"] == "final" && ended["final"]["decided_by"] == "human", "{ended}");
        ensure!(decisions(stack, &tenant, &review).await? == 1, "decided once");
        Ok(())
    });
}

#[test]
fn a_decision_made_while_the_engine_is_away_is_shown_as_recorded_and_delivered_later() {
    machine::alone(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let receipt = Receipt::numbered(821);
        let (id, review) = waiting(&tenant.api, receipt, &receipt.claim()).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        browser.click(".heading button").await?;
        browser.at(&format!("/reviews/{review}")).await?;
        let engine = stack.part("temporal").context("no Temporal server")?;
        engine.hold_down();
        engine.watch().wait_for(|status| status.pid.is_none()).await?;

        browser.click("#agree input").await?;
        browser.click(".submit-bar button[value=stay]").await?;
        browser.at(&format!("/verifications/{id}")).await?;
        let page = browser.text("main").await?;
        ensure!(page.contains("The decision is recorded"), "{page}");
        let seen = tenant.api.get(&format!("/v1/verifications/{id}")).await?.expect(200)?.json();
        ensure!(seen["status"] == "in_review", "the workflow has not heard of it: {seen}");

        engine.let_up();
        let ended = tenant.api.ended(&id).await?;
        ensure!(ended["status"] == "final" && ended["final"]["decided_by"] == "human", "{ended}");
        // The page follows by itself.
        wait::until("the end on the page", PATIENCE, async || {
            let page = browser.text("main").await.unwrap_or_default();
            Ok((page.contains("decided by a person") && !page.contains("is recorded")).then_some(()))
        })
        .await
    });
}

#[test]
fn more_evidence_is_asked_for_comes_and_is_reviewed_by_the_same_workflow() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let receipt = Receipt::numbered(822);
        let (id, first) = waiting(&tenant.api, receipt, &receipt.claim()).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        browser.click(".heading button").await?;
        browser.at(&format!("/reviews/{first}")).await?;
        browser.script("document.getElementById('wanted').closest('details').open = true").await?;
        browser.write("#wanted", "The other side, please").await?;
        browser.click("button[formaction$=ask]").await?;
        let wanted = tenant.api.until(&id, "awaiting evidence", |seen| seen["status"] == "awaiting_evidence").await?;
        ensure!(wanted["evidence_request"]["text"] == "The other side, please", "the client is told what: {wanted}");

        let folder = tempfile::tempdir()?;
        let file = folder.path().join("back.txt");
        std::fs::write(&file, Receipt::numbered(823).text())?;
        browser.go(&format!("{}/verifications/{id}", stack.endpoints().review_ui_url)).await?;
        browser.accessible().await.context("a verification that waits for evidence")?;
        browser.write("#files", &file.display().to_string()).await?;
        browser.click("form[action$=evidence] button").await?;
        let again = tenant.api.until(&id, "in review again", |seen| seen["status"] == "in_review").await?;
        let second = again["review_id"].as_str().context("another review")?.to_owned();
        ensure!(second != first && again["evidence"].as_array().is_some_and(|all| all.len() == 2), "{again}");

        browser.go(&stack.endpoints().review_ui_url).await?;
        browser.click(".heading button").await?;
        browser.at(&format!("/reviews/{second}")).await?;
        browser.click("#agree input").await?;
        browser.click(".submit-bar button[value=stay]").await?;
        let ended = tenant.api.ended(&id).await?;
        ensure!(ended["status"] == "final" && ended["final"]["decided_by"] == "human", "{ended}");
        Ok(())
    });
}

#[test]
fn who_works_for_two_organisations_sees_one_at_a_time() {
    machine::together(async |stack| {
        let (here, email) = staffed(stack, &[Role::Reviewer]).await?;
        let there = tenant::under(stack, &always()).await?;
        enlisted(stack, &there, &email, &[Role::Auditor]).await?;
        let (one, two) = (Receipt::numbered(824), Receipt::numbered(825));
        let (mine, _) = waiting(&here.api, one, &one.claim()).await?;
        let (theirs, review) = waiting(&there.api, two, &two.claim()).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        let desk = stack.endpoints().review_ui_url.clone();
        // Which comes first is chance: look from both sides.
        for _ in 0..2 {
            let chosen = browser.script("return document.querySelector('#tenant').value").await?;
            let at_home = chosen == here.id.0.to_string();
            let (seen, hidden) = if at_home { (&mine, &theirs) } else { (&theirs, &mine) };
            browser.go(&format!("{desk}/verifications/{seen}")).await?;
            let title = browser.text("h1").await?;
            ensure!(title.to_lowercase().contains("receipt"), "their own: {title}");
            browser.go(&format!("{desk}/verifications/{hidden}")).await?;
            ensure!(browser.text("main").await?.contains("There is nothing here"), "the other one's is not there");
            browser.go(&format!("{desk}/reviews/{review}")).await?;
            let page = browser.text("main").await?;
            ensure!(page.contains("There is nothing here") == at_home, "{page}");
            ensure!(!page.contains("Submit and take the next"), "an auditor decides nothing");
            browser.go(&desk).await?;
            let other = if at_home { there.id.0 } else { here.id.0 };
            browser.script(&format!("document.querySelector('#tenant').value = '{other}'")).await?;
            browser.click("form.joined button").await?;
            wait::until("the other organisation", PATIENCE, async || {
                Ok((browser.script("return document.querySelector('#tenant')?.value").await? == other.to_string()).then_some(()))
            })
            .await?;
        }
        Ok(())
    });
}
