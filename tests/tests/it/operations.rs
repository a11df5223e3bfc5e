//! What operators see of a real installation: its roles and queues as they are, kept up to date while somebody looks.

use std::time::Duration;

use anyhow::ensure;
use domain::person::Role;
use tests::browser::{Browser, Window};
use tests::{machine, wait};

use crate::desk::{sign_in, staffed};

/// Relays look every 10 s, and so does the page.
const PATIENCE: Duration = Duration::from_secs(45);

#[test]
fn the_operations_page_shows_every_role_and_queue_and_keeps_itself_up_to_date() {
    machine::together(async |stack| {
        let (_, email) = staffed(stack, &[Role::Operator]).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        browser.go(&format!("{}/operations", stack.endpoints().review_ui_url)).await?;
        // A mark that a page loaded anew would not have, and a link that somebody has tabbed to.
        browser.script("window.mark = 1; document.querySelector('#to-webhooks').focus()").await?;
        let stamp = "return document.querySelector('[data-refresh] time').dateTime";
        let first = browser.script(stamp).await?;
        let text = wait::until("all roles and queues, told by a later answer", PATIENCE, async || {
            let text = browser.text("main").await?;
            let all =
                ["Gateway", "Relay", "Worker", "Desk", "workflow", "cpu", "ocr", "gpu", "export"].iter().all(|word| text.contains(word));
            Ok((all && browser.script(stamp).await? != first).then_some(text))
        })
        .await?;
        ensure!(text.contains("alive") && text.contains("Outbox"), "{text}");
        let kept = browser.script("return [window.mark, document.activeElement.id]").await?;
        ensure!(kept == serde_json::json!([1, "to-webhooks"]), "neither the page nor the focus was lost: {kept}");
        // Nobody looks: nothing is asked.
        let hidden = "Object.defineProperty(document, 'hidden', { value: true, configurable: true });
            window.asked = 0; document.body.addEventListener('htmx:beforeRequest', () => { window.asked += 1; })";
        browser.script(hidden).await?;
        browser.script("window.later = Date.now(); Date.now = () => window.later + 60000").await?;
        browser.script("document.dispatchEvent(new Event('visibilitychange'))").await?;
        ensure!(browser.script("return window.asked").await? == 0, "asked while hidden");
        browser.script("Object.defineProperty(document, 'hidden', { value: false, configurable: true })").await?;
        browser.script("document.dispatchEvent(new Event('visibilitychange'))").await?;
        ensure!(browser.script("return window.asked").await? == 1, "asked at once when somebody looks again");
        browser.client.clone().close().await?;
        Ok(())
    });
}
