//! What a person sees of their own work, and nobody else of it.

use axum::http::StatusCode;
use domain::person::Role;
use domain::verdict::Verdict::{self, Insufficient, Refuted, Supported};
use store::comment;

use crate::numbers::decided;
use crate::scene::{Case, EVIL, EVIL_AS_TEXT, Scene, Waiting};

/// A review of a merchant whose name is easily found on a page.
async fn of(scene: &Scene, merchant: &str) -> Waiting {
    scene.wanted(scene.tenant, Case { merchant, ..Case::default() }).await
}

#[tokio::test]
async fn my_work_is_what_i_hold_and_left_and_said() {
    let Some(scene) = Scene::start().await else { return };
    let (held, left, done) = (of(&scene, "Held Ltd").await, of(&scene, "Left Ltd").await, of(&scene, "Done Ltd").await);
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.get("/me").await;
    assert!(page.has("Nothing at the moment.") && page.has("Nothing yet.") && !page.has("Drafts of mine"), "{}", page.text);

    let page = ann.take(left.review).await;
    let typed = page.form(&format!("/reviews/{}", left.review)).with("note", "Half a thought");
    ann.submit(&format!("/reviews/{}/give-back", left.review), typed).await.to();
    ann.take(held.review).await;
    let actor = scene.actor("Ann").await;
    decided(&scene, done, &actor, Supported).await;
    let mut tx = scene.tx().await;
    comment::add(&mut tx, left.verification, Some("total"), &actor, EVIL).await.unwrap();
    comment::add(&mut tx, left.verification, None, "user:bob", "Somebody else's").await.unwrap();
    tx.commit().await.unwrap();

    let page = ann.get("/me").await;
    let section = |id: &str| page.between(&format!("<h2 id=\"{id}\""), "</section>").unwrap_or_default().to_owned();
    assert!(section("held").contains("Held Ltd") && !section("held").contains("Left Ltd"), "{}", section("held"));
    assert!(section("drafts").contains("Left Ltd") && !section("drafts").contains("Held Ltd"), "{}", section("drafts"));
    assert!(section("decided").contains("Done Ltd") && section("decided").contains("stands"), "{}", section("decided"));
    assert!(section("comments").contains(EVIL_AS_TEXT) && !page.has("Somebody else"), "{}", section("comments"));
    assert!(section("overturned").is_empty());

    let mut bob = scene.reviewer("Bob").await;
    let mut eve = scene.someone_of(scene.other, "Eve", &[Role::Lead]).await;
    for other in [&mut bob, &mut eve] {
        let page = other.get("/me").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(["Held Ltd", "Left Ltd", "Done Ltd", "alert"].iter().all(|word| !page.has(word)), "{}", page.text);
    }
}

#[tokio::test]
async fn what_is_late_is_marked_as_late() {
    let Some(scene) = Scene::start().await else { return };
    let (late, soon) = (scene.due_in(-95).await, scene.due_in(239).await);
    let mut ann = scene.reviewer("Ann").await;
    for waiting in [late, soon] {
        ann.take(waiting.review).await;
    }
    let page = ann.get("/me").await;
    let held = page.between("<h2 id=\"held\"", "</section>").unwrap();
    assert_eq!(held.matches("class=\"late\"").count(), 1, "{held}");
    let marked = page.between("class=\"late\"", "</span>").unwrap();
    assert!(marked.contains("class=\"icon\"") && marked.contains("1 h 35 min late"), "{marked}");
    assert!(held.contains("due in 3 h 58 min"), "{held}");
}

#[tokio::test]
async fn what_was_decided_comes_page_by_page() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let actor = scene.actor("Ann").await;
    let mut given = Vec::new();
    for _ in 0..23 {
        let waiting = scene.waiting().await;
        decided(&scene, waiting, &actor, Refuted).await;
        given.insert(0, waiting.verification.to_string());
    }
    let mut seen = Vec::new();
    let mut next = Some("/me".to_owned());
    while let Some(path) = next {
        let page = ann.get(path.split('#').next().unwrap()).await;
        let decided = page.between("<h2 id=\"decided\"", "</section>").unwrap();
        seen.extend(decided.split("href=\"/verifications/").skip(1).map(|piece| piece.split('"').next().unwrap().to_owned()));
        next = decided.split("rel=\"next\" href=\"").nth(1).map(|rest| rest.split('"').next().unwrap().replace("&#38;", "&"));
    }
    assert_eq!(seen, given);
    for broken in ["x", "~", "2026-01-01T00:00:00Z~dec_1", "%00", "%3Cscript%3E"] {
        let page = ann.get(&format!("/me?before={broken}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{broken}");
    }
}

#[tokio::test]
async fn what_others_decided_otherwise_is_told_once_it_is_settled() {
    let Some(scene) = Scene::start().await else { return };
    let twice = scene.wanted(scene.tenant, Case { wanted: 2, merchant: "Twice Ltd", ..Case::default() }).await;
    let (mut ann, mut bob) = (scene.reviewer("Ann").await, scene.reviewer("Bob").await);
    let answer = async |name: &str, verdict: Verdict| {
        let rows = store::review::by_verification(&mut scene.tx().await, twice.verification).await.unwrap();
        let review = rows.into_iter().find(|row| row.status.is_open()).unwrap().id;
        decided(&scene, Waiting { review, ..twice }, &scene.actor(name).await, verdict).await;
    };
    answer("Ann", Supported).await;
    answer("Bob", Refuted).await;
    for browser in [&mut ann, &mut bob] {
        let page = browser.get("/me").await;
        assert!(page.has("another person answers too") && page.has("told once it is settled"), "{}", page.text);
        assert!(!page.has("decided otherwise") && !page.has("verdict ok") && !page.has("verdict bad"), "{}", page.text);
        assert!(!page.has("Decided otherwise after me"));
    }
    scene.lead("Lea").await;
    answer("Lea", Insufficient).await;
    let page = ann.get("/me").await;
    let lost = page.between("<h2 id=\"overturned\"", "</section>").unwrap();
    assert!(lost.contains("Twice Ltd") && lost.contains("a third person decided otherwise"), "{lost}");
}
