//! The desk in a real browser, on a real stack: what a reviewer does, from sign-in to the workflow's end.

use anyhow::{Context, Result, ensure};
use app::stack::Stack;
use domain::person::Role;
use tests::browser::{Browser, Window};
use tests::receipt::Receipt;
use tests::tenant::Tenant;
use tests::{machine, tenant};

use crate::review::{always, waiting};

const PASSWORD: &str = "correct horse battery";

/// A tenant whose claims all go to people, and one of them.
pub async fn staffed(stack: &Stack, roles: &[Role]) -> Result<(Tenant, String)> {
    let tenant = tenant::under(stack, &always()).await?;
    let email = format!("{}@example.com", uuid::Uuid::now_v7().simple());
    enlisted(stack, &tenant, &email, roles).await?;
    Ok((tenant, email))
}

/// Lets somebody work for a tenant, with the password that all of them have here.
pub async fn enlisted(stack: &Stack, tenant: &Tenant, email: &str, roles: &[Role]) -> Result<()> {
    let hash = review_ui::password::hash(PASSWORD).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut tx = tenant::store(stack)?.begin_relay().await?;
    let (id, _) = store::user::ensure(&mut tx, email, Some(&hash)).await?;
    store::user::enlist(&mut tx, tenant.id, id, "Ann Archer", roles, "operator:test").await?;
    tx.commit().await?;
    Ok(())
}

pub async fn sign_in(browser: &Browser, stack: &Stack, email: &str) -> Result<()> {
    browser.go(&format!("{}/signin", stack.endpoints().review_ui_url)).await?;
    browser.write("#email", email).await?;
    browser.write("#password", PASSWORD).await?;
    browser.click("button[type=submit]").await?;
    browser.client.wait().for_element(fantoccini::Locator::Css(".masthead")).await.context("the desk")?;
    Ok(())
}

#[test]
fn a_reviewer_settles_a_claim_by_keyboard_and_the_workflow_ends() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let receipt = Receipt::numbered(810);
        let (id, review) = waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;

        browser.press("t").await?;
        browser.at(&format!("/reviews/{review}")).await?;
        // The first field that wants a person is the total, which the machine refuted.
        browser.script("document.querySelector('#check-total input').focus()").await?;
        browser.press("2").await?;
        browser.press("r").await?;
        browser.press("The evidence shows another").await?;
        browser.control_enter().await?;
        browser.at("/").await?;

        let ended = tenant.api.ended(&id).await?;
        ensure!(ended["status"] == "final" && ended["verdict"] == "refuted" && ended["final"]["decided_by"] == "human", "{ended}");
        browser.go(&format!("{}/verifications/{id}", stack.endpoints().review_ui_url)).await?;
        let page = browser.text("main").await?;
        ensure!(page.contains("refuted") && page.contains("a person"), "{page}");
        Ok(())
    });
}

#[test]
fn without_scripts_everything_is_forms_and_links() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let receipt = Receipt::numbered(811);
        let (id, review) = waiting(&tenant.api, receipt, &receipt.claim()).await?;
        let Some(browser) = Browser::open(Window { scripts: false, ..Window::default() }).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;

        browser.click(".heading button").await?;
        browser.at(&format!("/reviews/{review}")).await?;
        // Nothing is offered that only a script could do.
        for only_for_scripts in [".submit-bar .key", ".check [data-undo]", ".tools [data-boxes]"] {
            let control = browser.client.find(fantoccini::Locator::Css(only_for_scripts)).await?;
            ensure!(!control.is_displayed().await?, "{only_for_scripts} shows");
        }
        browser.write("#note", "I looked twice").await?;
        browser.click(".lease button[formaction$=keep]").await?;
        browser.client.wait().for_element(fantoccini::Locator::Css(".notice")).await?;
        ensure!(browser.text("#note").await?.contains("I looked twice"), "what was typed is kept");
        // Nothing was decided yet: the page comes back and says so beside the field.
        browser.click(".submit-bar button[value=stay]").await?;
        ensure!(browser.text("#faults").await?.contains("Nothing was submitted yet"), "the fault is told");
        browser.click("#agree input").await?;
        browser.click(".submit-bar button[value=stay]").await?;
        browser.at(&format!("/verifications/{id}")).await?;

        let ended = tenant.api.ended(&id).await?;
        ensure!(ended["verdict"] == "supported" && ended["final"]["decided_by"] == "human", "{ended}");
        Ok(())
    });
}

#[test]
fn a_claim_is_submitted_by_hand_and_its_result_arrives() {
    machine::together(async |stack| {
        let (_tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("receipt.txt");
        let receipt = Receipt::numbered(812);
        std::fs::write(&file, receipt.text())?;
        let claim = receipt.claim();

        browser.go(&format!("{}/submit/expense_receipt", stack.endpoints().review_ui_url)).await?;
        browser.write("#merchant", claim["merchant"].as_str().context("a merchant")?).await?;
        let date = claim["date"].as_str().context("a date")?;
        browser.script(&format!("document.getElementById('date').value = '{date}'")).await?;
        browser.write("#total", &format!("{} GBP", claim["total"]["amount"].as_str().context("an amount")?)).await?;
        browser.write("#files", &file.display().to_string()).await?;
        browser.click("form.pane button[type=submit]").await?;
        browser.at("/verifications/ver_").await?;

        tests::wait::until("the result on the page", std::time::Duration::from_secs(30), async || {
            let page = browser.text("main").await.unwrap_or_default();
            Ok((page.contains("supported") && page.contains("in review")).then_some(()))
        })
        .await
    });
}

#[test]
fn an_operator_adds_an_address_and_sees_how_it_is_told() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Operator]).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        let desk = &stack.endpoints().review_ui_url;
        browser.go(&format!("{desk}/webhooks")).await?;
        browser.write("#url", "https://10.0.0.1/").await?;
        browser.click("main form.pane button").await?;
        browser.accessible().await.context("a form with faults")?;
        ensure!(browser.text("main form.pane").await?.contains("10.0.0.1 is private"), "the fault stands beside the input");
        browser.script("document.getElementById('url').value = ''").await?;
        // Nobody listens there.
        browser.write("#url", "http://127.0.0.1:9/a").await?;
        browser.click("main form.pane input[value='verification.final']").await?;
        browser.click("main form.pane button").await?;
        let secret = browser.text(".secret").await?;
        ensure!(secret.starts_with("whsec_"), "{secret}");
        browser.accessible().await.context("a secret")?;

        browser.click(".notice a").await?;
        let id = tenant.api.get("/v1/webhook_endpoints").await?.expect(200)?.json()["data"][0]["id"].clone();
        let id = id.as_str().context("an endpoint")?;
        browser.at(&format!("/webhooks/{id}")).await?;
        ensure!(!browser.text("main").await?.contains("whsec_"), "a secret is shown once");
        browser.click(".heading button.primary").await?;
        tests::wait::until("a failed attempt", std::time::Duration::from_secs(30), async || {
            browser.go(&format!("{desk}/webhooks/{id}")).await?;
            let page = browser.text("main").await?;
            Ok((page.contains("no connection") && page.contains("failing")).then_some(()))
        })
        .await?;
        browser.click("form[action$=rotate] button").await?;
        ensure!(browser.text(".secret").await? != secret, "another secret");
        browser.go(&format!("{desk}/webhooks/{id}")).await?;
        browser.click("td.go button").await?;
        tests::wait::until("another attempt", std::time::Duration::from_secs(30), async || {
            let log = tenant.api.get(&format!("/v1/webhook_deliveries?endpoint={id}")).await?.expect(200)?.json();
            Ok(log["data"][0]["attempt_count"].as_u64().is_some_and(|count| count > 1).then_some(()))
        })
        .await?;
        browser.go(&format!("{desk}/webhooks/{id}")).await?;
        browser.click("form[action$=off] button").await?;
        browser.text("form[action$='/on']").await?;
        let page = browser.text("main").await?;
        ensure!(page.contains("switched off by hand") && page.contains("called off"), "{page}");
        browser.accessible().await.context("one that is off")?;
        browser.click("form[action$='/on'] button").await?;
        browser.text("form[action$='/off']").await?;
        browser.click("main details summary").await?;
        browser.click("form[action$=delete] button").await?;
        let gone = browser.text("main .empty h2").await?;
        ensure!(gone == "Nobody is told yet", "{gone}");
        Ok(())
    });
}

#[test]
fn every_page_is_accessible_and_fits_a_narrow_window() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer, Role::Lead, Role::Operator]).await?;
        let api = &tenant.api;
        let photo = api.sample("receipt-photo.jpg").await?;
        // Somebody's name without a break in it is no reason for a page to stick out.
        let merchant = "Warungsenja".repeat(18);
        let claim = serde_json::json!({ "merchant": merchant, "date": "2018-03-30", "total": { "amount": "80.20", "currency": "MYR" } });
        let id = api.start("expense_receipt", &claim, &[photo]).await?;
        let seen = api.until(&id, "in review", |seen| seen["status"] == "in_review").await?;
        let review = seen["review_id"].as_str().context("a review")?.to_owned();
        let wish = serde_json::json!({ "url": "http://127.0.0.1:9/a", "description": "x".repeat(500) });
        let webhook = api.post("/v1/webhook_endpoints", &wish).await?.expect(201)?.json();
        let webhook = webhook["id"].as_str().context("an endpoint")?.to_owned();
        api.post(&format!("/v1/webhook_endpoints/{webhook}/test"), &serde_json::json!({})).await?.expect(202)?;
        let desk = &stack.endpoints().review_ui_url;
        for window in
            [Window::default(), Window { dark: true, ..Window::default() }, Window { width: 320, height: 640, ..Window::default() }]
        {
            let Some(browser) = Browser::open(window).await? else { return Ok(()) };
            browser.go(&format!("{desk}/signin")).await?;
            browser.accessible().await.context("/signin")?;
            sign_in(&browser, stack, &email).await?;
            browser.click(".heading button").await?;
            browser.at(&format!("/reviews/{review}")).await?;
            let paths = [
                "/".to_owned(),
                "/?show=overdue".to_owned(),
                "/?empty=1".to_owned(),
                format!("/reviews/{review}"),
                "/me".to_owned(),
                "/me/numbers".to_owned(),
                "/team?span=30d".to_owned(),
                "/verifications".to_owned(),
                format!("/verifications/{id}"),
                format!("/verifications/{id}/steps"),
                format!("/verifications/{id}/comments"),
                format!("/verifications/{id}/cancel"),
                "/tenant".to_owned(),
                "/submit".to_owned(),
                "/submit/expense_receipt".to_owned(),
                "/claim-types".to_owned(),
                "/operations".to_owned(),
                "/policy".to_owned(),
                "/keys".to_owned(),
                "/webhooks".to_owned(),
                format!("/webhooks/{webhook}"),
                "/help".to_owned(),
                "/nothing-here".to_owned(),
            ];
            for path in &paths {
                browser.go(&format!("{desk}{path}")).await?;
                browser.accessible().await.with_context(|| format!("{path} in {window:?}"))?;
                browser.fits().await.with_context(|| format!("{path} in {window:?}"))?;
            }
            if window.width < 960 {
                // What stands in the head of a wide window lies behind a button here.
                browser.click(".menu-button").await?;
                browser.click(".menu .more summary").await?;
                browser.accessible().await.with_context(|| format!("the menu in {window:?}"))?;
                browser.click(".menu a[href='/policy']").await?;
                browser.at("/policy").await?;
            }
            browser.go(&format!("{desk}/reviews/{review}")).await?;
            browser.click(".submit-bar button[value=stay]").await?;
            browser.client.wait().for_element(fantoccini::Locator::Css("#faults")).await?;
            browser.accessible().await.with_context(|| format!("a form with faults in {window:?}"))?;
            browser.client.clone().close().await?;
        }
        Ok(())
    });
}
