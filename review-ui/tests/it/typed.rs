//! What a reviewer typed outlives whatever becomes of the form: refused, sent for another look at the evidence, or too late.

use axum::http::StatusCode;
use domain::id::ReviewId;
use domain::policy::Policy;
use domain::review::ReviewStatus;
use serde_json::json;
use store::{comment, review};

use crate::browser::{Answer, Typed};
use crate::scene::{EVIL, EVIL_AS_TEXT, Scene};

fn at(id: ReviewId, act: &str) -> String {
    format!("/reviews/{id}/{act}").trim_end_matches('/').to_owned()
}

/// All that a browser sends with the decision, from wherever it stands on the page.
fn form(page: &Answer) -> Typed {
    page.owned("decision")
}

#[tokio::test]
async fn what_was_typed_to_ask_to_put_aside_or_to_say_comes_back_and_is_gone_once_it_is_done() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    assert!(!page.has("id=\"ask\" data-enter open") && !page.has("id=\"aside\" data-enter open"), "{}", page.text);
    let typed = [
        ("wanted", EVIL),
        ("to", "mine"),
        ("span", "900"),
        ("why", "Not now"),
        ("comment", "Odd stamp"),
        ("field", "total"),
        ("note", "Half"),
    ];
    let filled = typed.iter().fold(form(&page), |form, (name, value)| form.with(name, value));
    let kept = ann.submit(&at(id, "keep"), filled.clone()).await;
    let again = ann.follow(&kept).await;
    assert!(again.has("This is what you had typed.") && again.has(EVIL_AS_TEXT), "{}", again.text);
    assert!(again.has("id=\"ask\" data-enter open") && again.has("id=\"aside\" data-enter open"), "folds that hold something are open");
    for (name, value) in typed {
        assert_eq!(form(&again).get(name), Some(value), "{name}: {}", again.text);
    }
    // What is done is typed no more; the rest is.
    let said = ann.submit(&at(id, "comments"), form(&again)).await;
    let said = ann.follow(&said).await;
    assert_eq!((form(&said).get("comment"), form(&said).get("wanted")), (Some(""), Some(EVIL)));
    assert_eq!(ann.submit(&at(id, "skip"), form(&said)).await.to(), "/");
    let draft = scene.draft(id, "Ann").await;
    assert_eq!((draft.get("to"), draft.get("why"), draft.get("span"), &draft["note"]), (None, None, None, &json!("Half")));
    assert_eq!(form(&ann.take(id).await).get("wanted"), Some(EVIL));
    let page = ann.get(&at(id, "")).await;
    ann.submit(&at(id, "ask"), form(&page)).await.to();
    assert_eq!(scene.draft(id, "Ann").await.get("wanted"), None);
}

#[tokio::test]
async fn what_is_wrong_with_asking_or_putting_aside_is_said_beside_it_in_time_to_mend_it() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let long = |many: usize| "x".repeat(many);
    for (act, pairs, faults) in [
        ("ask", vec![("wanted", " ".to_owned())], vec![("wanted", "Say what you need to see")]),
        ("ask", vec![("wanted", long(2_001))], vec![("wanted", "at most 2000 characters")]),
        ("skip", vec![("why", "Typed".to_owned())], vec![("to", "Say whose it is now")]),
        ("skip", vec![("to", "others".to_owned())], vec![("why-aside", "Say why you put it aside")]),
        ("skip", vec![("to", "lead".to_owned()), ("why", long(501))], vec![("why-aside", "at most 500 characters")]),
        ("skip", vec![("to", "mine".to_owned()), ("why", "x".to_owned()), ("span", "7".to_owned())], vec![("span", "Choose one of")]),
        ("skip", vec![("span", "900".to_owned())], vec![("to", "Say whose it is now"), ("why-aside", "Say why you put it aside")]),
        ("comments", vec![("comment", " ".to_owned())], vec![("comment", "The comment is empty")]),
        ("comments", vec![("comment", long(4_001))], vec![("comment", "At most 4000 characters")]),
        ("", vec![("agree", "yes".to_owned()), ("note", long(2_001))], vec![("note", "At most 2000 characters")]),
        ("", vec![], vec![("agree", "Decide at least one field")]),
    ] {
        let typed = pairs.iter().fold(form(&page).with("reason.total", "altered"), |form, (name, value)| form.with(name, value));
        let typed = if pairs.iter().any(|(name, _)| *name == "note") { typed } else { typed.with("note", "Typed before") };
        let before = scene.review(id).await.lease_expires_at;
        let refused = ann.submit(&at(id, act), typed.clone()).await;
        let about = format!("{act} {pairs:?}: {}", refused.text);
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{about}");
        assert!(refused.has("id=\"faults\" data-focus"), "the summary takes the focus: {about}");
        for (input, text) in &faults {
            assert!(refused.has(&format!("<a href=\"#{input}\">")) && refused.has(&format!("id=\"{input}\"")), "{about}");
            assert!(refused.has(&format!("id=\"fault-{input}\"")) && refused.has(&format!("fault-{input}\"")), "{about}");
            assert_eq!(refused.text.matches(text).count(), 2, "in the summary and beside the input: {about}");
        }
        assert_eq!(refused.text.matches("class=\"field-error\"").count(), faults.len(), "{about}");
        let again = form(&refused);
        for (name, value) in typed.0.iter().filter(|(name, value)| name != "decision_id" && !(name == "span" && value == "7")) {
            assert_eq!(again.get(name).map(str::trim), Some(value.trim()), "{name} in {about}");
        }
        assert_eq!(scene.draft(id, "Ann").await["reason.total"], "altered");
        assert!(scene.review(id).await.lease_expires_at > before, "reading a fault is a sign of life: {about}");
        assert_eq!(scene.review(id).await.status, ReviewStatus::Pending);
    }
}

#[tokio::test]
async fn every_refusal_keeps_what_was_typed() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let typed = [("to", "others"), ("why", "Why not"), ("wanted", "The back"), ("agree", "yes"), ("comment", "Hm"), ("note", "My word")];
    for act in ["ask", "skip", "keep", "again", ""] {
        for closed in [false, true] {
            let id = scene.waiting().await.review;
            let page = ann.take(id).await;
            let filled = typed.iter().fold(form(&page), |form, (name, value)| form.with(name, value)).with("again", "total");
            let mut tx = scene.tx().await;
            if closed {
                assert!(review::expire(&mut tx, id).await.unwrap());
            } else {
                review::release(&mut tx, id, review::Proof::Holder(&scene.actor("Ann").await), 1, "system").await.unwrap();
            }
            tx.commit().await.unwrap();
            let refused = ann.submit(&at(id, act), filled).await;
            let about = format!("{act} {closed}: {}", refused.text);
            assert_eq!(refused.status, StatusCode::CONFLICT, "{about}");
            assert!(
                refused.has(if closed { "It is settled" } else { "It was given back, or not renewed in time." }) && refused.has("is kept"),
                "{about}"
            );
            let draft = scene.draft(id, "Ann").await;
            assert!(typed.iter().all(|(name, value)| draft[name] == *value), "{about}: {draft}");
            // And it is there to be read, even where it can be sent no more.
            let page = ann.get(&at(id, "")).await;
            assert!(["My word", "The back", "Why not", "Hm"].iter().all(|text| page.has(&format!("<dd>{text}</dd>"))), "{}", page.text);
            assert!(!scene.reviewer("Bob").await.get(&at(id, "")).await.has("My word"), "nobody else reads it");
        }
    }
}

#[tokio::test]
async fn looking_otherwise_keeps_what_was_typed_without_a_script() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let (mut ann, mut bob) = (scene.reviewer("Ann").await, scene.reviewer("Bob").await);
    ann.take(id).await;
    let page = ann.get(&format!("{}?file=1&page=2&zoom=1.5&find=9", at(id, ""))).await;
    // Every way to another look is a button of the form; for others it is a link.
    let buttons = page.text.matches(&format!("form=\"decision\" formaction=\"/reviews/{id}/keep?file=1&#38;page=")).count();
    let looked = bob.get(&format!("{}?file=1&page=2&zoom=1.5&find=9", at(id, ""))).await;
    let links = looked.text.matches(&format!("<a href=\"/reviews/{id}?file=1&#38;page=")).count();
    assert!(buttons == links && links > 10, "{buttons} and {links}: {}", page.text);
    assert!(!page.has(&format!("href=\"/reviews/{id}?")) && !looked.has("form=\"decision\""), "{}", page.text);
    // Enter in a line decides nothing.
    assert_eq!(page.on_enter("decision"), at(id, "keep"));

    let typed = form(&page).with("note", "Half a sentence");
    let look = async |browser: &mut crate::browser::Browser, path: &str, typed: Typed| {
        let sent = browser.submit(path, typed).await;
        let shown = browser.follow(&sent).await;
        assert_eq!(form(&shown).get("note"), Some("Half a sentence"), "{path}: {}", shown.text);
        sent.to().to_owned()
    };
    let turned = format!("{}?file=1&page=1&turn=1", at(id, "keep"));
    assert_eq!(look(&mut ann, &turned, typed.clone()).await, format!("/reviews/{id}?file=1&page=1&turn=1"));
    assert_eq!(look(&mut ann, &format!("{}?", at(id, "keep")), typed.clone()).await, format!("/reviews/{id}"), "as it is at first");
    // What stands in the search and in the page's number is looked for, whichever button keeps it.
    let found = look(&mut ann, &at(id, "keep"), typed.clone().with("find", "RM 9").with("page", "1")).await;
    assert_eq!(found, format!("/reviews/{id}?file=1&page=1&zoom=1.5&find=RM+9"));
    for nonsense in ["//evil.example", "file=1&file=2&zoom=x", "again=%00&moved=1.1.1.1.1"] {
        let to = look(&mut ann, &format!("{}?{nonsense}", at(id, "keep")), typed.clone().with("look", nonsense)).await;
        assert!(to.starts_with(&format!("/reviews/{id}")), "{to}");
    }
    let draft = scene.draft(id, "Ann").await;
    assert!(["look", "find", "page", "again", "then"].iter().all(|name| draft.get(name).is_none()), "only what was typed: {draft}");
}

#[tokio::test]
async fn a_page_that_comes_back_is_looked_at_as_before() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    ann.take(id).await;
    let look = "file=1&page=1&zoom=2&fields=all";
    let page = ann.get(&format!("{}?{look}", at(id, ""))).await;
    assert_eq!(form(&page).get("look"), Some(look));
    let refused = ann.submit(&at(id, ""), form(&page)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.has("class=\"page zoom-200 turn-0\"") && !refused.has("id=\"rest\""), "{}", refused.text);
    assert_eq!(form(&refused).get("look"), Some(look));
    assert_eq!(ann.submit(&at(id, "keep"), form(&page)).await.to(), format!("/reviews/{id}?{look}"));
    let again = ann.submit(&at(id, "again"), form(&page).with("again", "total")).await;
    assert_eq!(again.to(), format!("/reviews/{id}?again=total&{look}#check-total"));
    let shown = ann.follow(&again).await;
    assert!(shown.has("is what is claimed") && form(&shown).get("look") == Some(look), "it asks once: {}", shown.text);
}

#[tokio::test]
async fn a_comment_in_the_midst_of_a_review_keeps_the_rest() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let id = waiting.review;
    let mut ann = scene.reviewer("Ann").await;
    let mut tx = scene.tx().await;
    comment::add(&mut tx, waiting.verification, None, "key:test", "Look twice").await.unwrap();
    tx.commit().await.unwrap();
    ann.take(id).await;
    let page = ann.get(&format!("{}?file=1&page=1&zoom=2", at(id, ""))).await;
    assert!(!page.has(&format!("action=\"/verifications/{}/comments", waiting.verification)), "no other form: {}", page.text);
    let typed = form(&page).with("note", "Half a sentence").with("comment", EVIL).with("field", "total");
    let said = ann.submit(&at(id, "comments"), typed).await;
    assert_eq!(said.to(), format!("/reviews/{id}?file=1&page=1&zoom=2#comments"));
    let page = ann.follow(&said).await;
    assert!(page.has(&format!("<p>{EVIL_AS_TEXT}</p>")) && form(&page).get("note") == Some("Half a sentence"), "{}", page.text);
    assert!(page.has("on <a href=\"#check-total\">Total</a>") && form(&page).get("field") == Some(""), "{}", page.text);

    let resolve = page.between("formaction=\"", "/resolve\"").unwrap().rsplit('"').next().unwrap().to_owned() + "/resolve";
    let done = ann.submit(&resolve, form(&page).with("note", "A whole sentence")).await;
    let page = ann.follow(&done).await;
    assert!(page.has("dealt with</span>") && form(&page).get("note") == Some("A whole sentence"), "{}", page.text);
    // Whoever has no lease says it by a form of its own.
    let looked = scene.reviewer("Bob").await.get(&at(id, "")).await;
    assert!(looked.has(&format!("action=\"/verifications/{}/comments\"", waiting.verification)), "{}", looked.text);
}

#[tokio::test]
async fn a_page_with_nothing_new_renews_the_lease_and_overwrites_nothing() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    // What a page sent while it was left arrives after the next page was made.
    ann.submit(&at(id, "beat"), form(&page).with("note", "The last words")).await;
    let before = scene.review(id).await.lease_expires_at;
    let beat = ann.post(&at(id, "beat"), &[("generation", "1"), ("idle", "yes")]).await;
    assert!(beat.has("Yours for"), "{}", beat.text);
    assert!(scene.review(id).await.lease_expires_at > before);
    assert_eq!(scene.draft(id, "Ann").await["note"], "The last words");
}

#[tokio::test]
async fn time_spent_is_told_by_every_form_that_ends_the_page() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let spent = async || scene.rows(scene.tenant).await.into_iter().find(|(table, _)| *table == "review_times").unwrap().1;
    let with = [("to", "others"), ("why", "Not mine"), ("wanted", "The back"), ("comment", "Hm"), ("again", "total")];
    for (act, without, status) in [
        ("", vec![], StatusCode::UNPROCESSABLE_ENTITY),
        ("ask", vec!["wanted"], StatusCode::UNPROCESSABLE_ENTITY),
        ("ask", vec![], StatusCode::SEE_OTHER),
        ("skip", vec!["why"], StatusCode::UNPROCESSABLE_ENTITY),
        ("skip", vec![], StatusCode::SEE_OTHER),
        ("give-back", vec![], StatusCode::SEE_OTHER),
        ("keep", vec![], StatusCode::SEE_OTHER),
        ("comments", vec![], StatusCode::SEE_OTHER),
    ] {
        let before = spent().await;
        let id = scene.waiting().await.review;
        let page = ann.take(id).await;
        let filled =
            with.iter().filter(|(name, _)| !without.contains(name)).fold(form(&page), |form, (name, value)| form.with(name, value));
        let sent = ann.submit(&at(id, act), filled.with("times", "[[\"note\",1,1],[\"overall\",1,1]]")).await;
        assert_eq!(sent.status, status, "{act} {without:?}: {}", sent.text);
        let after = spent().await;
        assert_eq!(after.matches("overall").count(), before.matches("overall").count() + 1, "{act} {without:?}: {after}");
        assert!(scene.draft(id, "Ann").await.get("times").is_none());
    }
}

#[tokio::test]
async fn a_short_lease_does_not_warn_from_its_first_moment() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut tx = scene.tx().await;
    store::policy::change(&mut tx, 1, Policy { lease_seconds: 60, ..Policy::default() }, "user:x").await.unwrap();
    tx.commit().await.unwrap();
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let beat = ann.submit(&at(id, "beat"), form(&page)).await;
    for line in [&page, &beat] {
        assert!(line.has("data-warn=\"20\"") && line.has("Yours for ") && !line.has("Press keep"), "{}", line.text);
    }
}

#[tokio::test]
async fn a_line_break_counts_once() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    // As long as the box lets it become; on its way every line break is two characters.
    let note = "x\r\n".repeat(1_000);
    let decided = ann.submit(&at(id, ""), form(&page).with("agree", "yes").with("note", &note)).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER, "{}", decided.text);
}

#[tokio::test]
async fn a_decided_form_that_is_sent_again_changes_nothing_and_says_so() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let first = form(&page).with("agree", "yes").with("note", "First");
    for _ in 0..2 {
        let decided = ann.submit(&at(id, ""), first.clone()).await;
        assert_eq!(decided.status, StatusCode::SEE_OTHER, "the same twice is one decision: {}", decided.text);
    }
    let other = ann.submit(&at(id, ""), first.with("note", "Second")).await;
    assert!(other.status == StatusCode::CONFLICT && other.has("You have submitted this already"), "{}", other.text);
    let page = ann.get(&at(id, "")).await;
    assert!(page.has("“First”") && !page.has("Second"), "{}", page.text);
}

#[tokio::test]
async fn a_persons_word_stands_on_the_fields_that_they_spoke_of() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    for (pairs, fields) in [(vec![("verdict.total", "supported")], vec!["total"]), (vec![("agree", "yes")], vec![])] {
        let waiting = scene.waiting().await;
        let page = ann.take(waiting.review).await;
        let typed = pairs.iter().fold(form(&page), |form, (name, value)| form.with(name, value));
        ann.submit(&at(waiting.review, ""), typed.clone()).await.to();
        let decision = typed.get("decision_id").unwrap().parse().unwrap();
        let mut tx = scene.tx().await;
        let row = review::decision(&mut tx, decision).await.unwrap().unwrap();
        let end = store::verification::Finalise::Reviewed { decision_id: row.id, outcome: row.outcome };
        store::verification::finalise(&mut tx, waiting.verification, &end).await.unwrap();
        tx.commit().await.unwrap();
        let page = ann.get(&at(waiting.review, "")).await;
        let answers = page.text.split("id=\"answers\"").nth(1).unwrap().split("</section>").next().unwrap();
        let untouched = |title: &str| {
            let row = answers.split(&format!("data-label=\"Field\">{title}<")).nth(1).unwrap();
            row.split("</tr>").next().unwrap().contains("left as the machine said")
        };
        for (field, title) in [("merchant", "Merchant"), ("date", "Date"), ("total", "Total")] {
            assert_eq!(untouched(title), !fields.contains(&field), "{field}: {answers}");
        }
        assert!(answers.contains("Ann") && !answers.contains("first answer"), "{answers}");
        assert!(page.has("Machine: "), "what the machine said stays beside it: {}", page.text);
    }
}

#[tokio::test]
async fn a_lead_who_says_too_little_or_too_much_is_told_beside_the_reason() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let (mut ann, mut lea) = (scene.reviewer("Ann").await, scene.lead("Lea").await);
    ann.take(id).await;
    let long = "x".repeat(501);
    for (why, text) in [(" ", "Say why you take it over"), (long.as_str(), "at most 500 characters")] {
        let refused = lea.post(&at(id, "take-over"), &[("why", why)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.has("id=\"fault-why-over\"") && refused.has("<a href=\"#why-over\">"), "{}", refused.text);
        assert!(refused.has(text) && refused.has(&format!(">{why}</textarea>")), "{}", refused.text);
    }
    assert_eq!(scene.holder(id).await, Some(scene.actor("Ann").await));
}
