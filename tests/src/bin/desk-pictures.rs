//! `make desk-pictures`: the pictures of docs/desk.md, taken from a running desk with the samples in its queue.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use app::stack::{Stack, StackOptions};
use domain::person::Role;
use domain::policy::{Policy, ReviewRule};
use fantoccini::Locator;
use serde_json::Value;
use store::user;
use tests::browser::{Browser, Window};
use tests::tenant::{self, Tenant};

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "correct horse battery";
/// Cases of the samples that show what a reviewer meets, the one that the pictures look at first.
const CASES: [&str; 6] = [
    "receipt-cash-as-total",
    "invoice-wrong-number",
    "receipt-wrong-document",
    "invoice-hidden-text-claimed",
    "receipt-wrong-date",
    "receipt-unreadable",
];
/// A window that a page of documentation can hold, and a telephone.
const WIDE: Window = Window { width: 1_280, height: 860, scripts: true, dark: false };
const NARROW: Window = Window { width: 390, height: 780, scripts: true, dark: false };

#[tokio::main]
async fn main() -> Result<()> {
    let binary = std::env::var_os("ASSAY_BINARY").context("ASSAY_BINARY names no binary; use `make desk-pictures`")?;
    let folder = tempfile::Builder::new().prefix("assay-desk-").tempdir()?;
    // The database's user must be able to enter it.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let stack = Stack::start(StackOptions { binary: Some(binary.into()), ..StackOptions::new(folder.path()) }).await?;
    let taken = take(&stack).await;
    stack.stop().await?;
    taken
}

async fn take(stack: &Stack) -> Result<()> {
    let tenant = tenant::under(stack, &Policy { review: ReviewRule::Always, ..Policy::default() }).await?;
    let ids = queue(&tenant).await?;
    person(stack, &tenant).await?;
    let browser = Browser::open(WIDE).await?.context("there is no browser")?;
    let desk = &stack.endpoints().review_ui_url;
    sign_in(&browser, desk).await?;
    picture(&browser, "queue").await?;

    browser.click(".heading button").await?;
    browser.at("/reviews/").await?;
    let review = browser.path().await?;
    // The picture of the page comes a moment later.
    browser.client.wait().for_element(Locator::Css(".evidence img, svg image")).await?;
    browser.script("document.querySelector('#check-total input').focus()").await?;
    picture(&browser, "review").await?;

    let telephone = Browser::open(NARROW).await?.context("there is no browser")?;
    sign_in(&telephone, desk).await?;
    telephone.go(&format!("{desk}{review}")).await?;
    picture(&telephone, "review-narrow").await?;

    browser.press("2").await?;
    browser.script("document.getElementById('reason.total').selectedIndex = 1").await?;
    browser.click(".submit-bar button[value=stay]").await?;
    browser.at("/verifications/").await?;
    tenant.api.ended(&ids[0]).await?;
    browser.go(&format!("{desk}/verifications/{}", ids[0])).await?;
    picture(&browser, "verification").await?;
    browser.go(&format!("{desk}/me")).await?;
    picture(&browser, "work").await
}

/// Claims that wait for a person, in the order of the cases.
async fn queue(tenant: &Tenant) -> Result<Vec<String>> {
    let manifest: Vec<Value> = serde_json::from_slice(&std::fs::read(tests::api::samples().join("manifest.json"))?)?;
    let mut ids = Vec::new();
    for name in CASES {
        let case = manifest.iter().find(|case| case["name"] == name).with_context(|| format!("no sample {name}"))?;
        let mut evidence = Vec::new();
        for file in case["files"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            evidence.push(tenant.api.sample(file).await?);
        }
        let id = tenant.api.start(case["claim_type"].as_str().context("a claim type")?, &case["claim"], &evidence).await?;
        tenant.api.until(&id, "in review", |seen| seen["status"] == "in_review").await?;
        ids.push(id);
    }
    Ok(ids)
}

async fn person(stack: &Stack, tenant: &Tenant) -> Result<()> {
    let hash = review_ui::password::hash(PASSWORD).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut tx = tenant::store(stack)?.begin_relay().await?;
    let (id, _) = user::ensure(&mut tx, EMAIL, Some(&hash)).await?;
    user::enlist(&mut tx, tenant.id, id, "Ann Archer", &[Role::Reviewer, Role::Lead, Role::Operator], "operator:pictures").await?;
    tx.commit().await?;
    Ok(())
}

async fn sign_in(browser: &Browser, desk: &str) -> Result<()> {
    browser.go(&format!("{desk}/signin")).await?;
    browser.write("#email", EMAIL).await?;
    browser.write("#password", PASSWORD).await?;
    browser.click("button[type=submit]").await?;
    browser.at("/").await
}

async fn picture(browser: &Browser, name: &str) -> Result<()> {
    let file = folder().join(format!("{name}.png"));
    std::fs::write(&file, browser.client.screenshot().await?).with_context(|| format!("write {}", file.display()))?;
    println!("{}", file.display());
    Ok(())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/desk")
}
