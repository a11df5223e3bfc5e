//! The evidence beside the form, in a real browser: words that fill fields, a page that is moved, turned and searched, with the form left alone.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use app::stack::Stack;
use domain::person::Role;
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use serde_json::{Value, json};
use tests::browser::{Browser, Window};
use tests::receipt::Receipt;
use tests::{machine, wait};

use crate::desk::{sign_in, staffed};
use crate::review::waiting;

/// A receipt whose total is claimed wrongly, taken by somebody who looks at it.
async fn looking(stack: &Stack, number: u32, window: Window) -> Result<Option<(Browser, Receipt, String)>> {
    let (tenant, email) = staffed(stack, &[Role::Reviewer]).await?;
    let receipt = Receipt::numbered(number);
    let (_, review) = waiting(&tenant.api, receipt, &receipt.wrong_claim()).await?;
    let Some(browser) = Browser::open(window).await? else { return Ok(None) };
    sign_in(&browser, stack, &email).await?;
    browser.click(".heading button").await?;
    browser.at(&format!("/reviews/{review}")).await?;
    Ok(Some((browser, receipt, review)))
}

async fn until(browser: &Browser, what: &str, code: &str) -> Result<Value> {
    wait::until(what, Duration::from_secs(10), async || {
        let value = browser.script(code).await?;
        Ok((value != Value::Bool(false) && !value.is_null()).then_some(value))
    })
    .await
}

/// Where the word that says so lies, in pixels of the window.
async fn word(browser: &Browser, text: &str) -> Result<(i64, i64)> {
    until(browser, "words on the page", "return document.querySelectorAll('.word').length > 0").await?;
    let code = format!(
        "return fetch(document.getElementById('evidence').dataset.words).then((answer) => answer.json()).then((told) => {{
            const index = told.lines.flat().findIndex(([word]) => word === {});
            const box = document.querySelector(`.word[data-n=\"${{index}}\"]`).getBoundingClientRect();
            return [Math.round(box.left + box.width / 2), Math.round(box.top + box.height / 2)];
        }})",
        json!(text)
    );
    let at = browser.script(&code).await.with_context(|| format!("the word {text}"))?;
    Ok((at[0].as_i64().context("a place")?, at[1].as_i64().context("a place")?))
}

/// Presses the button at the first place, moves by the others, lets go at the last.
async fn drag(browser: &Browser, places: &[(i64, i64)]) -> Result<()> {
    let to = |(x, y): (i64, i64), milliseconds| PointerAction::MoveTo {
        duration: Some(Duration::from_millis(milliseconds)),
        x: x as f64,
        y: y as f64,
    };
    let mut mouse = MouseActions::new("mouse".to_owned()).then(to(places[0], 0)).then(PointerAction::Down { button: MOUSE_BUTTON_LEFT });
    for place in &places[1..] {
        mouse = mouse.then(to(*place, 20));
    }
    browser.client.perform_actions(mouse.then(PointerAction::Up { button: MOUSE_BUTTON_LEFT })).await?;
    Ok(())
}

async fn total(browser: &Browser) -> Result<String> {
    let value = browser.script("return document.getElementById('found.total').value").await?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

#[test]
fn words_of_the_page_fill_the_field_and_are_compared_at_once() {
    machine::together(async |stack| {
        let Some((browser, receipt, _)) = looking(stack, 820, Window::default()).await? else { return Ok(()) };
        let amount = receipt.claim()["total"]["amount"].as_str().context("an amount")?.to_owned();
        browser.script("document.getElementById('found.total').focus()").await?;
        let at = word(&browser, &amount).await?;
        drag(&browser, &[at]).await?;
        ensure!(total(&browser).await? == amount, "a click takes the word: {}", total(&browser).await?);
        let focus = browser.script("return document.activeElement.id").await?;
        ensure!(focus == "found.total", "the focus stays in the field, not in {focus}");
        until(&browser, "what was taken, said", &format!("return document.getElementById('told').textContent.includes('{amount}')"))
            .await?;
        until(&browser, "the comparison", "return document.getElementById('again-total').textContent.includes('another value')").await?;

        // Several: the currency and the amount, in one move.
        let currency = word(&browser, "GBP").await?;
        drag(&browser, &[currency, (currency.0 + 5, currency.1), at]).await?;
        let taken = total(&browser).await?;
        ensure!(taken.starts_with("GBP") && taken.contains(&amount), "a move takes all words between: {taken}");
        browser.click("#check-total [data-undo]").await?;
        ensure!(total(&browser).await? == amount, "each change is taken back by itself: {}", total(&browser).await?);
        browser.click("#check-total [data-empty]").await?;
        until(&browser, "emptied", "return document.getElementById('again-total').textContent.includes('shows none')").await?;
        browser.click("#check-total [data-undo]").await?;
        until(&browser, "compared once more", "return document.getElementById('again-total').textContent.includes('another value')")
            .await?;

        // Without a mouse: the same words as a list.
        browser.click("#words summary").await?;
        until(&browser, "the list", "return !!document.querySelector('.word-list button')").await?;
        browser.accessible().await.context("the words of a page")?;
        browser.script("document.querySelector('.word-list button').focus()").await?;
        browser.press(&char::from(fantoccini::key::Key::Enter).to_string()).await?;
        let first = browser.script("return document.querySelector('.word-list button').textContent").await?;
        ensure!(json!(total(&browser).await?) == first, "{first}");
        Ok(())
    });
}

#[test]
fn the_page_is_moved_turned_and_searched_and_the_form_stays() {
    machine::together(async |stack| {
        let Some((browser, _, review)) = looking(stack, 821, Window::default()).await? else { return Ok(()) };
        let shape = "const box = document.querySelector('.box').getBoundingClientRect(); return [box.width, box.height]";
        // The first box is gone to when the image is there: from then on nothing moves by itself.
        until(&browser, "a drawn page", "return !!document.querySelector('.box.current')").await?;
        browser.write("#note", "Half a sentence").await?;
        let upright = browser.script(shape).await?;
        ensure!(upright[0].as_f64() > upright[1].as_f64(), "a line of words is wider than high: {upright}");

        browser.click("#closer").await?;
        browser.click("#closer").await?;
        ensure!(browser.text("#fit").await?.contains("200 %"), "{}", browser.text("#fit").await?);
        let middle = browser.script("const box = document.querySelector('.page-view').getBoundingClientRect(); return [Math.round(box.left + box.width / 2), Math.round(box.top + box.height / 2), document.querySelector('.page-view').scrollLeft]").await?;
        let (x, y, left) = (middle[0].as_i64().context("x")?, middle[1].as_i64().context("y")?, middle[2].as_f64().context("left")?);
        drag(&browser, &[(x, y), (x - 40, y - 10), (x - 120, y - 60)]).await?;
        let moved = left + 120.0;
        let at = "document.querySelector('.page-view').scrollLeft";
        until(&browser, "a page that follows the hand", &format!("return {at} === {moved}"))
            .await
            .with_context(|| format!("from {left} to {moved}"))?;
        browser.click("[data-pan='-1 0']").await?;
        until(&browser, "a page moved by a button", &format!("return {at} < {moved}")).await?;

        browser.click("#turn-right").await?;
        until(&browser, "a turned page", "return !!document.querySelector('.page.turn-1')").await?;
        let turned = browser.script(shape).await?;
        ensure!(turned[0].as_f64() < turned[1].as_f64(), "the boxes turn along: {turned}");
        let focus = browser.script("return document.activeElement.id").await?;
        ensure!(focus == "turn-right", "the focus stays on the button: {focus}");
        browser.write("#find", "total").await?;
        browser.click(".find button").await?;
        until(&browser, "what was found", "return !!document.querySelector('.hit')").await?;
        ensure!(browser.text("#hits").await?.contains("“total”"), "{}", browser.text("#hits").await?);
        let (path, note) = (browser.client.current_url().await?, browser.script("return document.getElementById('note').value").await?);
        ensure!(path.path() == format!("/reviews/{review}") && path.query().is_some_and(|query| query.contains("turn=1")), "{path}");
        ensure!(note == "Half a sentence", "what was typed is still there: {note}");

        // Boxes that are off stay off, whichever page is shown.
        browser.click("[data-boxes]").await?;
        browser.click("#turn-left").await?;
        until(&browser, "turned back", "return !!document.querySelector('.page.turn-0')").await?;
        let off = "return document.querySelector('.page-view').classList.contains('hide-boxes') && document.querySelector('[data-boxes]').getAttribute('aria-pressed') === 'false'";
        until(&browser, "boxes that are still off", off).await?;
        browser.click("[data-boxes]").await?;

        // A place is gone to at once, though its control gets no focus and another box is current; here as if it were on another page.
        let place = "document.activeElement.blur();
            const box = document.querySelector('.box[data-field=total]');
            box.classList.add('current');
            document.querySelectorAll('.box[data-field=merchant]').forEach((other) => other.remove());
            document.querySelector('[data-at=merchant]').click()";
        browser.script(place).await?;
        until(&browser, "the place", "return !!document.querySelector('.box.current[data-field=merchant]')").await?;

        // A box leads to its field.
        let at = browser.script("const box = document.querySelector('.box[data-field=total]'); box.scrollIntoView({ block: 'center' }); const area = box.getBoundingClientRect(); return [Math.round(area.left + area.width / 2), Math.round(area.top + area.height / 2)]").await?;
        drag(&browser, &[(at[0].as_i64().context("x")?, at[1].as_i64().context("y")?)]).await?;
        let focus = browser.script("return document.activeElement.id").await?;
        ensure!(focus == "found.total", "{focus}");
        Ok(())
    });
}

#[test]
fn without_scripts_the_page_is_turned_searched_and_compared_by_links_and_forms() {
    machine::together(async |stack| {
        let window = Window { scripts: false, ..Window::default() };
        let Some((browser, _, _)) = looking(stack, 822, window).await? else { return Ok(()) };
        browser.write("#note", "Half a sentence").await?;
        browser.click("#closer").await?;
        browser.text(".page.zoom-150").await?;
        browser.click("#turn-left").await?;
        browser.text(".page.zoom-150.turn-3").await?;
        browser.write("#find", "gbp").await?;
        browser.click(".find button").await?;
        ensure!(browser.text("#hits").await?.contains("“gbp”"), "{}", browser.text("#hits").await?);
        // Enter in a line keeps what was typed, looks for what stands in the search, and decides nothing.
        browser.write("#find", &format!("x{}", char::from(fantoccini::key::Key::Enter))).await?;
        wait::until("another search", Duration::from_secs(10), async || {
            Ok(browser.text("#hits").await.unwrap_or_default().contains("“gbpx”").then_some(()))
        })
        .await?;
        browser.click("#unsearch").await?;
        wait::until("a page without a search", Duration::from_secs(10), async || {
            Ok((!browser.text("#evidence").await.unwrap_or_default().contains("gbpx")).then_some(()))
        })
        .await?;
        browser.text(".page.zoom-150.turn-3").await?;
        browser.click("#comments summary").await?;
        browser.write("#comment", "Odd stamp").await?;
        browser.click("[data-act=comment]").await?;
        wait::until("the comment", Duration::from_secs(10), async || {
            Ok(browser.text("#comments").await.unwrap_or_default().contains("Odd stamp").then_some(()))
        })
        .await?;
        let note = browser.client.find(fantoccini::Locator::Css("#note")).await?.prop("value").await?;
        ensure!(note.as_deref() == Some("Half a sentence"), "through all of it what was typed is there: {note:?}");
        browser.write("[id='found.total']", "0").await?;
        browser.click("#check-total button[name=again]").await?;
        wait::until("the comparison", Duration::from_secs(10), async || {
            let told = browser.text("#again-total").await.unwrap_or_default();
            Ok((told.contains("another value") || told.contains("cannot be compared")).then_some(()))
        })
        .await?;
        Ok(())
    });
}

#[test]
fn the_viewer_is_accessible_in_every_window() {
    machine::together(async |stack| {
        for (number, window) in
            [Window::default(), Window { dark: true, ..Window::default() }, Window { width: 320, height: 640, ..Window::default() }]
                .into_iter()
                .enumerate()
        {
            let number = 830 + u32::try_from(number)?;
            let Some((browser, _, review)) = looking(stack, number, window).await? else { return Ok(()) };
            let address = format!("{}/reviews/{review}", stack.endpoints().review_ui_url);
            for query in ["?fields=all", "?turn=1&zoom=2", "?find=gbp", "?find=nowhere"] {
                browser.go(&format!("{address}{query}")).await?;
                until(&browser, "words on the page", "return document.querySelectorAll('.word').length > 0").await?;
                browser.script("document.querySelectorAll('#evidence details, #rest').forEach((fold) => { fold.open = true; })").await?;
                browser.script("document.getElementById('found.total').focus()").await?;
                browser.accessible().await.with_context(|| format!("{query} in {window:?}"))?;
                browser.fits().await.with_context(|| format!("{query} in {window:?}"))?;
            }
            let text = browser
                .script("return [...document.querySelectorAll('.tools a')].find((link) => link.href.endsWith('/text')).href")
                .await?;
            browser.go(text.as_str().context("a link")?).await?;
            browser.accessible().await.with_context(|| format!("the text in {window:?}"))?;
            browser.fits().await.with_context(|| format!("the text in {window:?}"))?;
            browser.client.clone().close().await?;
        }
        Ok(())
    });
}
