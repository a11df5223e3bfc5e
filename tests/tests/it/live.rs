//! Open pages of the desk in a real browser: what they hear of others, and the keys that a person chose.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use app::stack::Stack;
use domain::id::ReviewId;
use domain::person::Role;
use serde_json::json;
use store::review::{self, ClaimOutcome};
use tests::browser::{Browser, Window};
use tests::receipt::Receipt;
use tests::tenant::{self, Tenant};
use tests::{machine, wait};

use crate::desk::{enlisted, sign_in, staffed};
use crate::review::waiting;

/// Longer than anything here takes on a machine that works for others too.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until a script answers true.
async fn shows(browser: &Browser, what: &str, condition: &str) -> Result<()> {
    let code = format!("return Boolean({condition})");
    wait::until(what, PATIENCE, async || Ok((browser.script(&code).await? == true).then_some(()))).await
}

/// A lead takes a review over, at no desk that the browser knows of.
async fn taken_over(stack: &Stack, tenant: &Tenant, id: ReviewId, reason: &str) -> Result<()> {
    let email = format!("{}@example.com", uuid::Uuid::now_v7().simple());
    enlisted(stack, tenant, &email, &[Role::Lead]).await?;
    let store = tenant::store(stack)?;
    let mut relay = store.begin_relay().await?;
    let lead = store::user::by_email(&mut relay, &email).await?.context("the lead")?;
    relay.commit().await?;
    let mut tx = store.begin(tenant.id).await?;
    let taken = review::take_over(&mut tx, id, &store::user::actor(lead.id), reason, 300).await?;
    ensure!(matches!(taken, ClaimOutcome::Leased(_)), "{taken:?}");
    Ok(tx.commit().await?)
}

#[test]
fn who_loses_a_review_while_typing_is_told_and_loses_no_word() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let receipt = Receipt::numbered(840);
        let (_, id) = waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        browser.press("t").await?;
        browser.at(&format!("/reviews/{id}")).await?;
        // Whatever happens to the page after this, it is no new page.
        browser.script("window.here = true; document.getElementById('note').focus()").await?;
        browser.press("Half a sent").await?;

        let review: ReviewId = id.parse()?;
        taken_over(stack, &tenant, review, "Ann is <b>away</b>").await?;
        shows(&browser, "the loss", "document.querySelector('#lease-line [data-lost]')").await?;
        let line = browser.text("#lease-line").await?;
        ensure!(line.contains("took it over. “Ann is <b>away</b>”") && line.contains("kept as a draft"), "{line}");
        // The person types on, in the same field.
        browser.press("ence").await?;
        let field = "return [document.activeElement.id, document.getElementById('note').value, window.here]";
        ensure!(browser.script(field).await? == json!(["note", "Half a sentence", true]), "{:?}", browser.script(field).await?);
        // What only looks at the evidence is left on.
        let off = "return document.querySelectorAll('main > button[form=decision]:not([aria-disabled=true]), .review button[form=decision]:not([aria-disabled=true])').length";
        ensure!(browser.script(off).await? == 0, "nothing can be submitted");
        browser.control_enter().await?;
        browser.click(".submit-bar button[value=stay]").await?;
        ensure!(browser.script(field).await?[2] == true, "nor is it");
        shows(&browser, "the loss, said", "document.getElementById('told').textContent.includes('You do not hold this review any more')")
            .await?;
        browser.accessible().await.context("a lost review")?;

        let store = tenant::store(stack)?;
        wait::until("the draft", PATIENCE, async || {
            let mut relay = store.begin_relay().await?;
            let user = store::user::by_email(&mut relay, &email).await?.context("the reviewer")?;
            relay.commit().await?;
            let mut tx = store.begin(tenant.id).await?;
            let draft = review::draft(&mut tx, review, &store::user::actor(user.id)).await?;
            Ok(draft.filter(|draft| draft["note"].as_str().is_some_and(|note| note.starts_with("Half a sent"))))
        })
        .await?;
        Ok(())
    });
}

#[test]
fn the_queue_s_numbers_change_without_a_new_page() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        shows(
            &browser,
            "the first numbers",
            "document.title === 'Queue · Assay' && document.querySelector('#counts dd').textContent === '0'",
        )
        .await?;
        browser.script("window.here = true; document.querySelector('select[name=show]').focus()").await?;

        let receipt = Receipt::numbered(841);
        waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
        shows(
            &browser,
            "one that waits",
            "document.title === '(1) Queue · Assay' && document.querySelector('#counts dd').textContent === '1'",
        )
        .await?;
        let kept = browser.script("return [window.here, document.activeElement.name]").await?;
        ensure!(kept == json!([true, "show"]), "{kept}");
        shows(&browser, "the new list, on offer", "document.querySelector('.offer a')").await?;
        browser.accessible().await.context("a queue that has changed")?;

        // Signed out in another window: the page says so, and where to go.
        let signed_out = "const form = document.querySelector('form[action=\"/signout\"]');
            return fetch('/signout', { method: 'POST', body: new URLSearchParams(new FormData(form)) }).then(() => true)";
        browser.script(signed_out).await?;
        shows(&browser, "the way back in", "document.querySelector('.ended a[href=\"/signin?next=%2F\"]')").await?;
        browser.accessible().await.context("a page whose session has ended")
    });
}

#[test]
fn a_window_that_is_refused_a_stream_asks_now_and_then() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        let desk = &stack.endpoints().review_ui_url;
        let cookie = browser.client.get_named_cookie("assay").await?.value().to_owned();
        // Four other windows of the same browser have what streams there are. The first page's own is given back when it is left.
        browser.go(&format!("{desk}/static/none/icon.svg")).await?;
        let mut others = Vec::new();
        while others.len() < 4 {
            let open = async || {
                let asked = reqwest::Client::new().get(format!("{desk}/live")).header("cookie", format!("assay={cookie}"));
                let answer = asked.header("accept", "text/event-stream").send().await?;
                Ok(answer.status().is_success().then_some(answer))
            };
            others.push(wait::until("another window's stream", PATIENCE, open).await?);
        }
        browser.go(&format!("{desk}/")).await?;
        let receipt = Receipt::numbered(842);
        waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
        shows(&browser, "one that waits", "document.title === '(1) Queue · Assay'").await?;
        let refused = "return fetch('/live', { headers: { Accept: 'text/event-stream' } }).then((answer) => answer.status)";
        ensure!(browser.script(refused).await? == 429, "there is no place for it");
        drop(others);
        Ok(())
    });
}

#[test]
fn a_person_s_own_keys_work_and_those_that_are_off_do_not() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let receipt = Receipt::numbered(843);
        let (_, id) = waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        let desk = &stack.endpoints().review_ui_url;

        // The list of keys lies over the page, and goes again.
        browser.press("?").await?;
        shows(&browser, "the list", "document.getElementById('keys-dialog').open").await?;
        ensure!(browser.text("#keys-dialog").await?.contains("Take the next review"), "it lists the keys");
        browser.accessible().await.context("the list of keys")?;
        browser.press("t").await?;
        ensure!(browser.path().await? == "/", "keys do nothing below the list");
        browser.press(&char::from(fantoccini::key::Key::Escape).to_string()).await?;
        shows(&browser, "no list", "!document.getElementById('keys-dialog').open").await?;
        browser.click("[data-act=help]").await?;
        shows(&browser, "the list, by its link", "document.getElementById('keys-dialog').open").await?;
        browser.press(&char::from(fantoccini::key::Key::Escape).to_string()).await?;
        shows(&browser, "no list again", "!document.getElementById('keys-dialog').open").await?;

        browser.go(&format!("{desk}/help")).await?;
        browser.script("document.querySelector('[name=\"key.take_next\"]').value = 'm'").await?;
        browser.click("#keys button.primary").await?;
        shows(&browser, "the keys are kept", "document.querySelector('#keys .notice.done')").await?;
        browser.accessible().await.context("/help after saving")?;
        browser.go(&format!("{desk}/")).await?;
        browser.script("document.body.focus()").await?;
        browser.press("t").await?;
        ensure!(browser.path().await? == "/", "the key that it was");
        browser.press("m").await?;
        browser.at(&format!("/reviews/{id}")).await?;

        // Chosen by key, taken back by key; in a text field the same keys are letters.
        browser.script("document.querySelector('#check-total input').focus()").await?;
        browser.press("1").await?;
        let chosen = "return (document.querySelector('#check-total input:checked') || {}).value || ''";
        ensure!(browser.script(chosen).await? == "supported", "chosen");
        browser.press("2").await?;
        browser.press("z").await?;
        ensure!(browser.script(chosen).await? == "supported", "the last change is taken back, and no more");
        browser.press("z").await?;
        ensure!(browser.script(chosen).await? == "", "and the one before");
        browser.script("document.getElementById('note').focus()").await?;
        browser.press("m1z?").await?;
        ensure!(browser.script("return document.getElementById('note').value").await? == "m1z?", "letters");

        browser.go(&format!("{desk}/help")).await?;
        browser.click("#keys input[name=off]").await?;
        browser.click("#keys button.primary").await?;
        shows(&browser, "the keys are off", "document.querySelector('#keys .notice.done')").await?;
        browser.go(&format!("{desk}/")).await?;
        browser.press("m").await?;
        browser.press("?").await?;
        let state = browser.script("return [location.pathname, document.getElementById('keys-dialog').open]").await?;
        ensure!(state == json!(["/", false]), "{state}");
        Ok(())
    });
}

/// What the person had typed, as the desk keeps it.
async fn draft(stack: &Stack, tenant: &Tenant, email: &str, id: &str) -> Result<serde_json::Value> {
    let store = tenant::store(stack)?;
    let mut relay = store.begin_relay().await?;
    let user = store::user::by_email(&mut relay, email).await?.context("the reviewer")?;
    relay.commit().await?;
    let mut tx = store.begin(tenant.id).await?;
    Ok(review::draft(&mut tx, id.parse()?, &store::user::actor(user.id)).await?.unwrap_or_default())
}

#[test]
fn what_was_typed_a_moment_ago_is_kept_before_the_page_is_left() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let receipt = Receipt::numbered(844);
        let (_, id) = waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        browser.press("t").await?;
        browser.at(&format!("/reviews/{id}")).await?;
        let address = browser.client.current_url().await?;
        let note = "return document.getElementById('note')?.value";

        // By a link, and by a form of its own: the page that comes next is made of it.
        browser.script("document.getElementById('note').focus()").await?;
        browser.press("By a link").await?;
        browser.click(".item-bar a[href='/']").await?;
        browser.at("/").await?;
        ensure!(draft(stack, &tenant, &email, &id).await?["note"] == "By a link", "it was kept before");
        browser.go(address.as_str()).await?;
        ensure!(browser.script(note).await? == "By a link", "{}", browser.script(note).await?);

        // By any other way it goes along, and the page that was made before it came does not take it back.
        browser.script("document.getElementById('note').value = ''; document.getElementById('note').focus()").await?;
        browser.press("By the bar").await?;
        browser.go(address.as_str()).await?;
        let beat = "window.beaten = false;
            const lease = document.getElementById('lease');
            lease.addEventListener('htmx:afterRequest', (event) => { window.beaten = event.detail.successful; });
            document.getElementById('note').value = 'As it was when the page was made';
            lease.dispatchEvent(new CustomEvent('beat'))";
        wait::until("what went along", PATIENCE, async || {
            Ok((draft(stack, &tenant, &email, &id).await?["note"] == "By the bar").then_some(()))
        })
        .await?;
        browser.script(beat).await?;
        shows(&browser, "a sign of life", "window.beaten").await?;
        ensure!(draft(stack, &tenant, &email, &id).await?["note"] == "By the bar", "an idle page keeps nothing");
        Ok(())
    });
}

#[test]
fn kept_is_said_when_it_was_and_what_failed_is_said_too() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let receipt = Receipt::numbered(845);
        let (_, id) = waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        browser.press("t").await?;
        browser.at(&format!("/reviews/{id}")).await?;
        // All that was said, and a desk that is away when the test wants it.
        browser
            .script(
                "window.said = [];
                document.addEventListener('tell', (event) => window.said.push(event.detail));
                const open = XMLHttpRequest.prototype.open;
                XMLHttpRequest.prototype.open = function (method, path, ...rest) { return open.call(this, method, window.away || path, ...rest); }",
            )
            .await?;
        let told = |text: &str| format!("window.said.some((said) => said.includes('{text}'))");
        browser.script("window.away = 'http://127.0.0.1:9/'").await?;
        browser.click("[data-act=keep]").await?;
        shows(&browser, "that nothing was kept", &told("What you typed could not be kept. The desk does not answer: try again")).await?;
        browser.click("#turn-right").await?;
        shows(&browser, "that nothing is shown", &told("The evidence could not be shown.")).await?;
        browser.script("window.away = '/nothing-here'").await?;
        browser.click("#check-total [name=again]").await?;
        shows(&browser, "that nothing was compared", &told("The value could not be compared. Load the page again.")).await?;
        ensure!(browser.script("return window.said.includes('Kept.')").await? == false, "nothing was kept");
        browser.script("window.away = undefined").await?;
        browser.click("[data-act=keep]").await?;
        shows(&browser, "that it was kept", "window.said.includes('Kept.')").await
    });
}

#[test]
fn control_and_enter_send_what_the_person_is_writing_and_nothing_else() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer, Role::Lead]).await?;
        let receipt = Receipt::numbered(846);
        let (verification, id) = waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        browser.press("t").await?;
        browser.at(&format!("/reviews/{id}")).await?;
        // Without this nothing would be decided in any case.
        browser.click("#agree input").await?;
        browser.script("window.here = true; document.querySelectorAll('.review details').forEach((fold) => { fold.open = true; })").await?;
        // Another form does what it does by itself, which is not looked at here.
        browser.script("document.getElementById('arrange').addEventListener('submit', (event) => event.preventDefault())").await?;
        for field in ["#wanted", "#why-aside", "#span", "#find", "#arrange [name=why]", "#arrange button"] {
            browser.script(&format!("document.querySelector('{field}').focus()")).await?;
            browser.control_enter().await?;
            ensure!(browser.script("return window.here").await? == true, "{field}: nothing is sent");
        }
        // A comment is what is written in its box.
        browser.write("#comment", "Odd stamp").await?;
        browser.control_enter().await?;
        shows(&browser, "the comment", "!window.here && document.querySelector('#comments').textContent.includes('Odd stamp')").await?;
        ensure!(browser.script("return document.querySelector('#agree input').checked").await? == true, "what was chosen is kept");
        browser.script("document.getElementById('note').focus()").await?;
        browser.control_enter().await?;
        browser.at("/").await?;
        let ended = tenant.api.ended(&verification).await?;
        ensure!(ended["final"]["decided_by"] == "human", "{ended}");
        Ok(())
    });
}

#[test]
fn time_goes_on_being_reported_after_the_desk_was_away_for_a_moment() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let receipt = Receipt::numbered(847);
        let (_, id) = waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        browser.press("t").await?;
        browser.at(&format!("/reviews/{id}")).await?;
        browser
            .script(
                "window.answers = [];
                const real = window.fetch;
                window.fetch = (path, ...rest) => {
                    if (!String(path).endsWith('/time')) return real(path, ...rest);
                    window.answers.push(window.answers.length ? 409 : 503);
                    return Promise.resolve(new Response(null, { status: window.answers.at(-1) }));
                }",
            )
            .await?;
        // The page reports when it is left for another window.
        let leave = "const away = (hidden) => {
                Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
                document.dispatchEvent(new Event('visibilitychange'));
            };
            away(true); away(false);
            return window.answers.length";
        wait::until("another report after the one that failed", PATIENCE, async || {
            Ok((browser.script(leave).await?.as_u64() >= Some(2)).then_some(()))
        })
        .await?;
        // After the second it is over: somebody else has the review.
        for _ in 0..50 {
            browser.script(leave).await?;
        }
        ensure!(browser.script("return window.answers").await? == json!([503, 409]), "{}", browser.script("return window.answers").await?);
        Ok(())
    });
}
