//! What an open page does with what it hears, on a clock that the test moves: it asks while somebody looks, says what changed, and leaves alone
//! what a person types, ticks or holds.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use app::stack::Stack;
use domain::person::Role;
use serde_json::{Value, json};
use store::audit;
use tests::browser::{Browser, Window};
use tests::receipt::Receipt;
use tests::tenant::{self, Tenant};
use tests::{machine, wait};

use crate::desk::{sign_in, staffed};
use crate::review::{claim, waiting};

/// Longer than anything here takes on a machine that works for others too.
const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that stands until the test moves it (`pass`), a desk that tells what the test says (`streams`, `asked`), requests of htmx counted
/// (`sent`), and a window that is covered and seen again (`hide`).
const STAGE: &str = "
    const timers = new Map();
    let now = 0;
    let last = 0;
    Date.now = () => 1790000000000 + now;
    window.setTimeout = (act, delay = 0, ...rest) => { timers.set(++last, { at: now + Number(delay), act: () => act(...rest) }); return last; };
    window.setInterval = (act, delay, ...rest) => {
        const id = ++last;
        const again = (at) => timers.set(id, { at, act: () => { again(at + delay); act(...rest); } });
        again(now + delay);
        return id;
    };
    window.clearTimeout = window.clearInterval = (id) => timers.delete(id);
    window.pass = (milliseconds) => {
        const until = now + milliseconds;
        for (;;) {
            const [due] = [...timers].filter(([, timer]) => timer.at <= until).sort(([a, one], [b, other]) => one.at - other.at || a - b);
            if (!due) break;
            timers.delete(due[0]);
            now = Math.max(now, due[1].at);
            due[1].act();
        }
        now = until;
    };
    window.streams = [];
    window.EventSource = class {
        static CLOSED = 2;
        constructor() { this.readyState = 1; this.heard = {}; streams.push(this); }
        addEventListener(name, act) { this.heard[name] = act; }
        close() { this.readyState = 2; }
        tell(name, id, data) { if (this.readyState !== 2) this.heard[name]({ lastEventId: String(id), data: JSON.stringify(data) }); }
        refuse() { this.readyState = 2; this.heard.error({}); }
    };
    window.asked = [];
    const real = window.fetch;
    window.fetch = (path, ...rest) => String(path).startsWith('/live/now')
        ? new Promise((answer) => asked.push((status, messages) => answer(new Response(JSON.stringify(messages), { status }))))
        : real(path, ...rest);
    window.sent = 0;
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (...rest) { window.sent += 1; return send.apply(this, rest); };
    window.hide = (hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    };
    window.count = (waiting) => ({ waiting, html: `<dl class='stats' id='counts'><div class='stat'><dt>waiting</dt><dd>${waiting}</dd></div></dl>` });";

/// Somebody at the desk, on the stage from the next page on.
async fn on_stage(stack: &Stack, roles: &[Role]) -> Result<Option<(Tenant, Browser, String)>> {
    let (tenant, email) = staffed(stack, roles).await?;
    let Some(browser) = Browser::open(Window::default()).await? else { return Ok(None) };
    sign_in(&browser, stack, &email).await?;
    browser.before_pages(STAGE).await?;
    Ok(Some((tenant, browser, stack.endpoints().review_ui_url.clone())))
}

/// Runs a script, and looks at what it answers.
async fn seen(browser: &Browser, what: &str, code: &str, expected: Value) -> Result<()> {
    let answer = browser.script(code).await?;
    ensure!(answer == expected, "{what}: {answer} instead of {expected}");
    Ok(())
}

/// How many streams were opened, and how often the page asked.
const WAYS: &str = "return [streams.length, asked.length]";

#[test]
fn a_page_that_cannot_stream_asks_while_it_is_looked_at_and_in_one_way_at_a_time() {
    machine::together(async |stack| {
        let Some((_tenant, browser, desk)) = on_stage(stack, &[Role::Reviewer]).await? else { return Ok(()) };
        browser.go(&desk).await?;
        browser.script("streams[0].refuse()").await?;
        seen(&browser, "it asks at once", WAYS, json!([1, 1])).await?;
        browser.script("asked[0](200, [{ name: 'counts', id: 1, data: count(3) }])").await?;
        seen(&browser, "what it was told", "return document.title", json!("(3) Queue · Assay")).await?;
        browser.script("pass(15000)").await?;
        seen(&browser, "it asks again", WAYS, json!([1, 2])).await?;
        // The answer comes when the page has found its stream again: it is late, and asks for nothing more.
        browser.script("pass(45000)").await?;
        seen(&browser, "it tries to stream", WAYS, json!([2, 2])).await?;
        browser.script("asked[1](200, [{ name: 'counts', id: 9, data: count(7) }])").await?;
        browser.script("pass(600000)").await?;
        seen(&browser, "one way at a time", WAYS, json!([2, 2])).await?;
        seen(&browser, "the late answer", "return document.title", json!("(3) Queue · Assay")).await?;

        // Nobody looks: nothing is asked, nothing is tried, until somebody does.
        browser.script("streams[1].refuse(); hide(true)").await?;
        browser.script("asked[2](200, [])").await?;
        browser.script("pass(3600000)").await?;
        seen(&browser, "while nobody looks", WAYS, json!([2, 3])).await?;
        browser.script("hide(false)").await?;
        seen(&browser, "when somebody looks again", "return streams.length", json!(3)).await?;

        // Signed out: it says so, and that was that.
        browser.script("streams[2].refuse(); window.before = asked.length").await?;
        browser.script("asked.at(-1)(401, {})").await?;
        seen(&browser, "the way back in", "return document.querySelectorAll('.ended a').length", json!(1)).await?;
        browser.script("pass(3600000); hide(true); hide(false)").await?;
        seen(&browser, "after its end", "return [streams.length, asked.length - before]", json!([3, 0])).await?;

        // A page that is left while it asks does not go on.
        browser.go(&desk).await?;
        browser.script("streams[0].refuse(); dispatchEvent(new PageTransitionEvent('pagehide'))").await?;
        browser.script("asked[0](200, [{ name: 'counts', id: 1, data: count(3) }])").await?;
        browser.script("pass(3600000)").await?;
        seen(&browser, "a page that was left", WAYS, json!([1, 1])).await?;
        // And one that comes back from the browser's memory listens again.
        browser.script("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))").await?;
        seen(&browser, "a page that came back", WAYS, json!([2, 1])).await
    });
}

#[test]
fn a_queue_that_changes_says_so_in_time_and_offers_its_new_list() {
    machine::together(async |stack| {
        let Some((tenant, browser, desk)) = on_stage(stack, &[Role::Lead]).await? else { return Ok(()) };
        let receipt = Receipt::numbered(860);
        let (_, review) = waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
        browser.go(&format!("{desk}/?reason=policy_review")).await?;
        let tell = |id: u32, data: &str| format!("streams[0].tell('counts', {id}, {data}); pass(100)");
        let told = "return document.getElementById('told').textContent";
        let offers = "return document.querySelectorAll('[data-part=offer] a').length";
        browser.script("window.ticked = document.querySelector('.tick input'); ticked.click(); ticked.focus()").await?;
        // What the page was made with is no news.
        let same = "{ waiting: 1, html: document.querySelector('[data-part=counts]').innerHTML }";
        browser.script(&tell(1, same)).await?;
        seen(&browser, "no news", offers, json!(0)).await?;
        // Too soon after the page came: it is said when it is time, as it is then.
        browser.script(&tell(2, "count(2)")).await?;
        browser.script(&tell(3, "count(3)")).await?;
        seen(&browser, "too soon", told, json!("")).await?;
        seen(&browser, "the offer", offers, json!(1)).await?;
        browser.script("pass(10000)").await?;
        seen(&browser, "in time", told, json!("3 reviews wait.")).await?;
        // There and back again is nothing.
        browser.script(&tell(4, "count(1)")).await?;
        browser.script(&tell(5, "count(3)")).await?;
        browser.script("document.getElementById('told').textContent = ''; pass(60000)").await?;
        seen(&browser, "there and back", told, json!("")).await?;
        browser.script(&tell(6, "count(1)")).await?;
        seen(&browser, "after a while", told, json!("One review waits.")).await?;
        // What the person ticked, and where they are, is as they left it.
        let kept = "return [ticked.isConnected, ticked.checked, document.activeElement === ticked]";
        seen(&browser, "what was ticked", kept, json!([true, true, true])).await?;
        seen(&browser, "one offer for all", offers, json!(1)).await?;
        browser.click("[data-part=offer] a").await?;
        browser
            .client
            .wait()
            .for_element(fantoccini::Locator::Css(&format!("a[href='/reviews/{review}']")))
            .await
            .context("the new list")?;
        seen(&browser, "the same filters", "return location.search", json!("?reason=policy_review")).await
    });
}

#[test]
fn who_looks_at_a_review_of_somebody_else_hears_what_becomes_of_it() {
    machine::together(async |stack| {
        let Some((tenant, browser, desk)) = on_stage(stack, &[Role::Auditor]).await? else { return Ok(()) };
        let receipt = Receipt::numbered(861);
        let (_, review) = waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
        browser.go(&format!("{desk}/reviews/{review}")).await?;
        let tell = |id: u32, html: &str| format!("streams[0].tell('item', {id}, {{ html: {html}, left: null, lost: false }}); pass(100)");
        let told = "return document.getElementById('told').textContent";
        browser.script(&tell(1, "document.querySelector('[data-part=item]').innerHTML")).await?;
        seen(&browser, "as it was", told, json!("")).await?;
        browser.script(&tell(2, "'<p>Ann has it at the moment.</p>'")).await?;
        seen(&browser, "who took it", told, json!("Ann has it at the moment.")).await?;
        // Two things at once are both said.
        browser.script("streams[0].tell('item', 3, { html: '<p>It was decided meanwhile.</p>' }); document.dispatchEvent(new CustomEvent('tell', { detail: 'And so on.' })); pass(100)").await?;
        seen(&browser, "both", told, json!("It was decided meanwhile. And so on.")).await
    });
}

#[test]
fn a_verification_keeps_up_to_date_and_nothing_that_is_typed_or_opened_is_lost() {
    machine::together(async |stack| {
        let Some((tenant, browser, desk)) = on_stage(stack, &[Role::Reviewer]).await? else { return Ok(()) };
        let receipt = Receipt::numbered(862);
        let (id, review) = waiting(&tenant.api, receipt, &receipt.claim()).await?;
        browser.go(&format!("{desk}/verifications/{id}")).await?;
        browser.script("document.querySelectorAll('main details').forEach((fold) => { fold.open = true; })").await?;
        browser.script("window.box = document.getElementById('comment'); window.result = document.getElementById('result')").await?;
        browser.write("#comment", "Half a sent").await?;
        // While nobody looks nothing is asked for; then once.
        browser.script("hide(true); pass(3600000)").await?;
        seen(&browser, "while nobody looks", "return sent", json!(0)).await?;
        browser.script("hide(false)").await?;
        seen(&browser, "when somebody looks again", "return sent", json!(1)).await?;
        // What is as it was stays: nobody's focus or click is lost on it.
        let asked = async |condition: &str| {
            let code = format!("pass(100); return Boolean({condition})");
            wait::until(condition, PATIENCE, async || Ok((browser.script(&code).await? == true).then_some(()))).await
        };
        browser.script("document.addEventListener('htmx:afterRequest', () => { window.answered = true; })").await?;
        asked("window.answered").await?;
        seen(&browser, "the same result", "return document.getElementById('result') === result", json!(true)).await?;

        let lease = claim(&tenant.api, &review, "r1", 60).await?;
        let decision = json!({ "token": lease["token"], "generation": lease["generation"], "reviewer": "r1", "verdict": "refuted", "note": "forged",
            "checks": [{ "field": "total", "verdict": "refuted", "found": { "amount": "1.00", "currency": "GBP" } }] });
        tenant.api.post(&format!("/v1/reviews/{review}/decide"), &decision).await?.expect(200)?;
        tenant.api.ended(&id).await?;
        browser.script("window.words = []; document.addEventListener('tell', (event) => words.push(event.detail)); pass(10000)").await?;
        asked("document.getElementById('facts-pane').textContent.includes('Ended')").await?;
        browser.press("ence").await?;
        let kept = "return [box.isConnected, box.value, document.activeElement === box, [...document.querySelectorAll('main details')].every((fold) => fold.open)]";
        seen(&browser, "what was typed and opened", kept, json!([true, "Half a sentence", true, true])).await?;
        seen(&browser, "it is said once", "return words", json!(["It has ended: final."])).await?;
        let page = browser.text("main").await?;
        for words in ["refuted", "status: in review → final"] {
            ensure!(page.contains(words), "{words}: {page}");
        }
        ensure!(!page.contains("This page keeps itself up to date") && !page.contains("Cancel this verification"), "{page}");
        // There is nothing more to wait for.
        browser.script("window.before = sent; pass(3600000)").await?;
        seen(&browser, "after the end", "return sent - before", json!(0)).await
    });
}

#[test]
fn what_is_fetched_ahead_of_a_reviewer_is_on_record_as_that() {
    machine::together(async |stack| {
        let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
        let mut all = Vec::new();
        for number in [863, 864] {
            let receipt = Receipt::numbered(number);
            all.push(waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?);
        }
        let Some(browser) = Browser::open(Window::default()).await? else { return Ok(()) };
        sign_in(&browser, stack, &email).await?;
        browser.press("t").await?;
        browser.at("/reviews/").await?;
        let taken = browser.path().await?;
        let next = all.iter().find(|(_, review)| !taken.ends_with(review.as_str())).context("another one")?.0.clone();
        let told = async |kind: &str| {
            let mut tx = tenant::store(stack)?.begin(tenant.id).await?;
            let events = audit::export(&mut tx, tenant.id, 0, 10_000).await?;
            anyhow::Ok(events.iter().filter(|event| event.event_type == kind && event.subject == next).count())
        };
        // The image comes after the address, with a request of its own.
        wait::until("the image", PATIENCE, async || {
            let images = "return performance.getEntriesByType('resource').filter((entry) => entry.initiatorType === 'fetch' && /\\/pages\\/\\d+\\?size=medium/.test(entry.name) && entry.responseEnd > 0).length";
            Ok((browser.script(images).await?.as_u64() >= Some(1)).then_some(()))
        })
        .await?;
        ensure!((told("evidence.prefetched").await?, told("evidence.opened").await?) == (1, 0), "nobody has looked at it yet");
        Ok(())
    });
}
