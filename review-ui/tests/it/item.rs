//! One review, from the moment somebody takes it: kept, given back, handed on, taken over, lost and found again.

use axum::http::StatusCode;
use domain::id::ReviewId;
use domain::review::ReviewStatus;
use serde_json::json;
use store::review;

use crate::browser::{Answer, Typed};
use crate::scene::{EVIL, EVIL_AS_TEXT, Scene};

fn at(id: ReviewId, act: &str) -> String {
    format!("/reviews/{id}/{act}")
}

/// The form on a review's page, filled as a browser would send it.
fn form(page: &Answer, id: ReviewId) -> Typed {
    page.form(&format!("/reviews/{id}"))
}

#[tokio::test]
async fn a_review_is_looked_at_by_all_and_decided_by_who_takes_it() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let (mut ann, mut bob) = (scene.reviewer("Ann").await, scene.reviewer("Bob").await);
    let free = bob.get(&format!("/reviews/{id}")).await;
    assert!(free.has("Nobody has it.") && free.has("Take it</button>") && !free.has("name=\"verdict.total\""), "{}", free.text);
    assert_eq!(scene.holder(id).await, None, "looking takes nothing");

    let page = ann.take(id).await;
    for words in
        ["Yours for", "Your verdict on Total", "Read with 50 %, and 60 % is needed", "Low confidence", "page 2, upper left", "RM 9.00"]
    {
        assert!(page.has(words) || words == "Low confidence", "{words}: {}", page.text);
    }
    let filled = form(&page, id);
    assert_eq!((filled.get("generation"), filled.get("found.total")), (Some("1"), Some("9.00 MYR")));
    assert!(filled.get("verdict.total").is_none() && filled.get("agree").is_none(), "nothing is chosen for anybody: {filled:?}");

    let held = bob.get(&format!("/reviews/{id}")).await;
    assert!(held.has("Ann has it at the moment.") && !held.has("name=\"verdict.total\"") && !held.has("Take it over"), "{}", held.text);
    let refused = bob.post(&at(id, "take"), &[]).await;
    assert!(refused.status == StatusCode::CONFLICT && refused.has("Somebody else has it"), "{}", refused.text);
    assert_eq!(scene.holder(id).await, Some(scene.actor("Ann").await));
    // Taking what one has is no mistake.
    assert_eq!(ann.post(&at(id, "take"), &[]).await.to(), format!("/reviews/{id}"));
    assert_eq!(scene.review(id).await.lease_generation, 1);
}

#[tokio::test]
async fn keeping_renews_the_lease_and_a_reload_shows_what_was_typed() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    // Not for long.
    scene.lease(id, &scene.actor("Ann").await, 60).await;
    let before = scene.review(id).await;
    let page = ann.get(&format!("/reviews/{id}")).await;
    let looked = scene.review(id).await;
    assert!(looked.lease_expires_at > before.lease_expires_at, "looking at it is a sign of life");
    let typed = form(&page, id)
        .with("verdict.total", "refuted")
        .with("reason.total", "altered")
        .with("found.total", "8.00 MYR")
        .with("note", "Two\nlines");
    let kept = ann.submit(&at(id, "keep"), typed.clone()).await;
    let again = ann.follow(&kept).await;
    assert!(scene.review(id).await.lease_expires_at > looked.lease_expires_at);
    assert_eq!(scene.review(id).await.lease_generation, 1, "the same lease, so that other open forms stay good");
    assert!(again.has("This is what you had typed."), "{}", again.text);
    let restored = form(&again, id);
    for name in ["generation", "verdict.total", "reason.total", "found.total", "note"] {
        assert_eq!(restored.get(name), typed.get(name), "{name}");
    }
    assert_eq!(scene.review(id).await.status, ReviewStatus::Pending);
    assert_eq!(scene.holder(id).await, Some(scene.actor("Ann").await));
}

#[tokio::test]
async fn who_typed_nothing_is_not_told_that_they_had() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let fresh = ann.take(id).await;
    assert!(!fresh.has("This is what you had typed."));
    ann.submit(&at(id, "beat"), form(&fresh, id)).await;
    let again = ann.get(&format!("/reviews/{id}")).await;
    assert!(!again.has("This is what you had typed."), "the inputs hold what the machine found: {}", again.text);
    assert_eq!(
        again.text.matches("<details class=\"check\"").count(),
        fresh.text.matches("<details class=\"check\"").count(),
        "folded as before"
    );
}

#[tokio::test]
async fn what_is_cleared_stays_cleared() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    ann.submit(&at(id, "keep"), form(&page, id).with("note", "Rubbish")).await;
    let page = ann.get(&format!("/reviews/{id}")).await;
    let cleared =
        ["note", "found.total", "found.date", "found.merchant"].into_iter().fold(form(&page, id), |form, name| form.with(name, ""));
    ann.submit(&at(id, "keep"), cleared).await;
    assert_eq!(form(&ann.get(&format!("/reviews/{id}")).await, id).get("note"), Some(""));
}

#[tokio::test]
async fn what_is_given_back_is_anybodys_and_the_draft_stays_its_authors() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let (mut ann, mut bob) = (scene.reviewer("Ann").await, scene.reviewer("Bob").await);
    let page = ann.take(id).await;
    let given = ann.submit(&at(id, "give-back"), form(&page, id).with("note", "Ann was here")).await;
    assert_eq!(given.to(), "/");
    assert_eq!(scene.holder(id).await, None);
    assert_eq!(scene.told("review.released").await.len(), 1);
    let page = bob.take(id).await;
    assert!(!page.has("Ann was here"), "what she typed is hers: {}", page.text);
    bob.submit(&at(id, "give-back"), form(&page, id)).await;
    assert_eq!(form(&ann.take(id).await, id).get("note"), Some("Ann was here"));
    // A form that is older than the lease gives nothing back.
    let stale = form(&page, id).with("csrf", &ann.csrf.clone());
    assert_eq!(ann.submit(&at(id, "give-back"), stale).await.to(), "/");
    assert_eq!(scene.holder(id).await, Some(scene.actor("Ann").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_back_and_a_sign_of_life_at_once_do_not_wait_for_each_other() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let typed = form(&page, id).with("note", "Half done");
    ann.submit(&at(id, "keep"), typed.clone()).await;
    // Whoever holds the draft keeps both under way for as long as the test wants.
    let mut client = scene.database.connect(&scene.database.owner_url).await;
    client.batch_execute(&format!("set app.tenant = '{}'", scene.tenant.0)).await.unwrap();
    let held = client.transaction().await.unwrap();
    held.execute("select 1 from drafts for update", &[]).await.unwrap();
    // By another connection: who is connected does not change for a transaction that has looked.
    let watch = scene.database.connect(&scene.database.owner_url).await;
    let mut sent = Vec::new();
    for (act, status) in [("give-back", StatusCode::SEE_OTHER), ("beat", StatusCode::OK)] {
        let (mut browser, path, typed) = (ann.clone(), at(id, act), typed.clone());
        sent.push((status, tokio::spawn(async move { browser.submit(&path, typed).await })));
        let waits = "select count(distinct l.pid) from pg_locks l join pg_stat_activity a on a.pid = l.pid
            where not l.granted and a.datname = current_database()";
        while watch.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) < sent.len() as i64 {
            assert!(sent.iter().all(|(_, answer)| !answer.is_finished()), "{act} did not wait");
            tokio::task::yield_now().await;
        }
    }
    held.rollback().await.unwrap();
    for (status, answer) in sent {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    assert_eq!((scene.holder(id).await, scene.draft(id, "Ann").await["note"].as_str()), (None, Some("Half done")));
}

#[tokio::test]
async fn a_reviewer_hands_it_to_a_lead_and_says_why() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let id = waiting.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let silent = ann.submit(&at(id, "skip"), form(&page, id).with("to", "lead").with("why", " ")).await;
    assert!(silent.status == StatusCode::UNPROCESSABLE_ENTITY && silent.has("Say why you put it aside"), "{}", silent.text);
    let aimless = ann.submit(&at(id, "skip"), form(&page, id).with("why", EVIL)).await;
    assert!(aimless.status == StatusCode::UNPROCESSABLE_ENTITY && aimless.has("Say whose it is now"), "{}", aimless.text);
    assert_eq!(scene.review(id).await.status, ReviewStatus::Pending);
    let handed = ann.submit(&at(id, "skip"), form(&page, id).with("to", "lead").with("why", EVIL).with("note", "Half done")).await;
    assert_eq!(handed.to(), "/");
    assert_eq!((scene.review(id).await.status, scene.holder(id).await), (ReviewStatus::Escalated, None));
    let (actor, subject, data) = scene.told("review.escalated").await.remove(0);
    assert_eq!(
        (actor, subject, data),
        (scene.actor("Ann").await, id.to_string(), json!({ "reason": "handed to a lead" })),
        "her words stay out of the chain"
    );
    assert_eq!(scene.draft(id, "Ann").await["note"], "Half done");
    let mut lead = scene.lead("Leo").await;
    assert!(lead.get("/?show=escalated").await.has(">escalated</span>"));
    let page = lead.take(id).await;
    assert!(page.has(">escalated</span>") && page.has(EVIL_AS_TEXT), "and the lead reads why: {}", page.text);
    assert_eq!(lead.get(&format!("/verifications/{}", waiting.verification)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_needs_to_see_more_says_what_and_it_waits() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let id = waiting.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    for wanted in [" ".to_owned(), "x".repeat(2_001)] {
        let refused = ann.submit(&at(id, "ask"), form(&page, id).with("wanted", &wanted)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    }
    let stale = ann.submit(&at(id, "ask"), form(&page, id).with("wanted", EVIL).with("generation", "7").with("note", "Kept")).await;
    assert_eq!((stale.status, &scene.draft(id, "Ann").await["note"]), (StatusCode::CONFLICT, &json!("Kept")));
    assert_eq!(scene.review(id).await.status, ReviewStatus::Pending);

    let asked = ann.submit(&at(id, "ask"), form(&page, id).with("wanted", EVIL)).await;
    let page = ann.follow(&asked).await;
    assert!(page.has("More evidence is wanted") && page.has(EVIL_AS_TEXT), "{}", page.text);
    assert_eq!((scene.review(id).await.status, scene.holder(id).await), (ReviewStatus::Asked, None));
    assert_eq!(ann.get("/").await.reviews(), []);
    let again = ann.submit(&at(id, "ask"), Typed::default().with("csrf", &ann.csrf.clone()).with("wanted", "More")).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    // It comes.
    let path = format!("/verifications/{}/evidence", waiting.verification);
    let typed = page.form(&path);
    for (name, bytes) in [("a.zip", &b"PK\x03\x04"[..]), ("", b"")] {
        assert_eq!(ann.upload(&path, &typed, &[(name, bytes)]).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
    }
    let added = ann.upload(&path, &typed, &[("total.txt", b"RM 9.00")]).await;
    assert!(ann.follow(&added).await.has("total.txt"));
}

#[tokio::test]
async fn nobody_hands_on_what_another_one_holds() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let (mut ann, mut bob) = (scene.reviewer("Ann").await, scene.reviewer("Bob").await);
    let page = ann.take(id).await;
    let typed = form(&page, id).with("csrf", &bob.csrf.clone()).with("to", "lead").with("why", "Not mine").with("note", "Mine");
    let refused = bob.submit(&at(id, "skip"), typed).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert_eq!((scene.review(id).await.status, scene.holder(id).await), (ReviewStatus::Pending, Some(scene.actor("Ann").await)));
}

#[tokio::test]
async fn a_lead_takes_it_over_and_the_loser_loses_no_word() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let (mut ann, mut lead) = (scene.reviewer("Ann").await, scene.lead("Leo").await);
    let open = ann.take(id).await;
    let typed = form(&open, id).with("verdict.total", "supported").with("note", "Nearly done");
    assert!(ann.submit(&at(id, "beat"), typed.clone()).await.has("Yours for"));

    let page = lead.get(&format!("/reviews/{id}")).await;
    assert!(page.has("Ann has it at the moment.") && page.has("Take it over</button>"), "{}", page.text);
    let silent = lead.post(&at(id, "take-over"), &[("why", "\u{0}")]).await;
    assert!(silent.status == StatusCode::UNPROCESSABLE_ENTITY && silent.has("Say why you take it over"), "{}", silent.text);
    assert_eq!(scene.holder(id).await, Some(scene.actor("Ann").await));
    let taken = lead.post(&at(id, "take-over"), &[("why", EVIL)]).await;
    let page = lead.follow(&taken).await;
    assert!(page.has("Yours for") && !page.has("Nearly done"), "{}", page.text);
    let (actor, _, data) = scene.told("review.taken_over").await.remove(0);
    assert_eq!((actor, data), (scene.actor("Leo").await, json!({ "from": scene.actor("Ann").await, "reason": EVIL })));

    // The open page of the loser finds out, and keeps what was typed since.
    let beat = ann.submit(&at(id, "beat"), typed.clone().with("note", "Nearly done!")).await;
    assert!(beat.status == StatusCode::OK && beat.has("You do not hold this review any more."), "{}", beat.text);
    for act in ["keep", ""] {
        let lost = ann.submit(at(id, act).trim_end_matches('/'), typed.clone().with("note", "Nearly done!!")).await;
        assert!(
            lost.status == StatusCode::CONFLICT && lost.has("Leo took it over. They said: ") && lost.has("kept as a draft"),
            "{act}: {}",
            lost.text
        );
    }
    assert_eq!(scene.holder(id).await, Some(scene.actor("Leo").await));
    assert_eq!(scene.review(id).await.status, ReviewStatus::Pending);
    lead.submit(&at(id, "give-back"), form(&page, id)).await;
    let restored = form(&ann.take(id).await, id);
    assert_eq!((restored.get("note"), restored.get("verdict.total")), (Some("Nearly done!!"), Some("supported")));
}

#[tokio::test]
async fn a_beat_renews_the_lease_keeps_the_draft_and_answers_with_one_line() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let before = scene.review(id).await.lease_expires_at;
    let beat = ann.submit(&at(id, "beat"), form(&page, id).with("note", "Tick")).await;
    assert!(beat.text.starts_with("<span data-left=\"") && beat.has("Yours for") && !beat.has("<html"), "{}", beat.text);
    assert!(scene.review(id).await.lease_expires_at > before);
    assert_eq!(scene.draft(id, "Ann").await["note"], "Tick");
    let typed = scene.draft(id, "Ann").await;
    assert!(["csrf", "generation", "decision_id"].iter().all(|name| typed.get(name).is_none()), "only what was typed: {typed}");
    // Whoever does not hold it learns so, and renews nothing.
    let before = scene.review(id).await.lease_expires_at;
    let mut bob = scene.reviewer("Bob").await;
    let beat = bob.submit(&at(id, "beat"), form(&page, id).with("csrf", &bob.csrf.clone())).await;
    assert!(beat.has("You do not hold this review any more."), "{}", beat.text);
    for generation in ["0", "2", "-1", "x", "99999999999999999999", ""] {
        let beat = ann.submit(&at(id, "beat"), form(&page, id).with("generation", generation)).await;
        assert!(beat.has("You do not hold this review any more."), "{generation}: {}", beat.text);
    }
    assert_eq!(scene.review(id).await.lease_expires_at, before);
}

#[tokio::test]
async fn what_ran_out_is_lost_and_what_was_typed_is_not() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let actor = scene.actor("Ann").await;
    scene.lease(id, &actor, 300).await;
    let old = ann.get(&format!("/reviews/{id}")).await;
    // She went to lunch: her lease ended, and began anew.
    let mut tx = scene.tx().await;
    review::release(&mut tx, id, review::Proof::Holder(&actor), 1, "system").await.unwrap();
    tx.commit().await.unwrap();
    scene.lease(id, &actor, 0).await;
    let typed = form(&old, id).with("verdict.total", "supported").with("note", "Before lunch");
    for act in ["keep", ""] {
        let lost = ann.submit(at(id, act).trim_end_matches('/'), typed.clone().with("generation", "2")).await;
        assert_eq!(lost.status, StatusCode::CONFLICT, "{act}: {}", lost.text);
    }
    assert!(ann.get(&format!("/reviews/{id}")).await.has("Nobody has it."));
    let again = ann.take(id).await;
    assert_eq!(form(&again, id).get("generation"), Some("3"));
    // The page from before lunch, in the other tab.
    let stale = ann.submit(&format!("/reviews/{id}"), typed.with("note", "After lunch")).await;
    assert!(stale.status == StatusCode::CONFLICT && stale.has("kept as a draft"), "{}", stale.text);
    assert_eq!(scene.review(id).await.status, ReviewStatus::Pending);
    let restored = form(&ann.get(&format!("/reviews/{id}")).await, id);
    assert_eq!((restored.get("note"), restored.get("verdict.total")), (Some("After lunch"), Some("supported")));
}

#[tokio::test]
async fn a_settled_review_shows_how_it_ended_and_is_not_to_be_had() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let id = waiting.review;
    let mut ann = scene.lead("Ann").await;
    let page = ann.take(id).await;
    let decided = ann.submit(&format!("/reviews/{id}"), form(&page, id).with("agree", "yes")).await;
    assert_eq!(decided.to(), format!("/verifications/{}", waiting.verification));
    let settled = ann.get(&format!("/reviews/{id}")).await;
    assert!(settled.has("Decided and recorded") && !settled.has("name=\"verdict.total\""), "{}", settled.text);
    // What was typed is the one thing that is kept.
    let others = |rows: Vec<(&'static str, String)>| rows.into_iter().filter(|(table, _)| *table != "drafts").collect::<Vec<_>>();
    let before = others(scene.rows(scene.tenant).await);
    for act in ["take", "take-over", "skip", "keep"] {
        let refused =
            ann.submit(&at(id, act), Typed::default().with("csrf", &ann.csrf.clone()).with("to", "others").with("why", "Once more")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{act}: {}", refused.text);
    }
    assert_eq!(others(scene.rows(scene.tenant).await), before);
}

#[tokio::test]
async fn the_page_that_is_asked_for_is_shown_with_its_boxes() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let id = waiting.review;
    let mut ann = scene.reviewer("Ann").await;
    let picture = |page: u32| format!("src=\"/evidence/{}/pages/{page}?size=medium", waiting.evidence);
    let doubtful = ann.get(&format!("/reviews/{id}")).await;
    assert!(doubtful.has(&picture(2)), "where the doubtful field shows: {}", doubtful.text);
    assert_eq!(doubtful.text.matches("<rect class=\"edge\"").count(), 1);
    let first = ann.get(&format!("/reviews/{id}?file=1&page=1")).await;
    assert!(first.has(&picture(1)));
    assert_eq!(first.text.matches("<rect class=\"edge\"").count(), 2);
    assert_eq!(first.text.matches("id=\"place-").count(), 3, "every box is a line of the list too");
    for odd in ["file=9&page=1", "file=1&page=3", "file=0&page=0", "file=1", "page=2"] {
        assert!(ann.get(&format!("/reviews/{id}?{odd}")).await.has(&picture(2)), "{odd}");
    }
    for broken in ["file=-1", "page=x", "file=99999999999999999999&page=1", "file=1&file=2"] {
        let answer = ann.get(&format!("/reviews/{id}?{broken}")).await;
        assert!(answer.status.is_client_error() || answer.status == StatusCode::OK, "{broken}");
    }
}

#[tokio::test]
async fn what_a_reviewer_types_comes_back_as_text() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let typed = form(&page, id).with("note", EVIL).with("found.total", EVIL).with("verdict.total", EVIL).with("reason.total", EVIL);
    let refused = ann.submit(&format!("/reviews/{id}"), typed).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.has(&format!(">{EVIL_AS_TEXT}</textarea>")) && refused.has(&format!("value=\"{EVIL_AS_TEXT}\"")), "{}", refused.text);
    assert_eq!(form(&refused, id).get("note"), Some(EVIL));
    // A text that would end the box that it is typed into.
    let kept = ann.submit(&at(id, "keep"), form(&page, id).with("note", "</textarea></form><b>")).await;
    assert_eq!(form(&ann.follow(&kept).await, id).get("note"), Some("</textarea></form><b>"));
}
