//! The keys that a person chooses: what is taken, where they hold, and what the pages say of them.

use axum::http::StatusCode;
use domain::person::Role;
use serde_json::Value;

use crate::browser::Answer;
use crate::scene::{DAY, EVIL, EVIL_AS_TEXT, Scene};

/// What the script is told.
fn told(page: &Answer) -> Value {
    let json = page.between("data-keys=\"", "\"").unwrap();
    let pairs = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    serde_json::from_str(&pairs.into_iter().fold(json.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))).unwrap()
}

#[tokio::test]
async fn chosen_keys_follow_the_person_to_every_desk_and_stand_beside_the_buttons() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.person("Ann", &[scene.tenant, scene.other], &[Role::Reviewer], None).await;
    let mut ann = scene.signed_in(id, DAY).await;
    let help = ann.get("/help").await;
    assert_eq!((told(&help)["off"].as_bool(), told(&help)["acts"]["t"].as_str()), (Some(false), Some("take_next")));
    let form = help.form("/help").with("key.take_next", "m").with("key.undo", "<").with("key.boxes", "");
    assert_eq!(ann.submit("/help", form).await.to(), "/help?saved=1");

    // At another machine, in another session, for the other organisation too.
    let mut elsewhere = scene.signed_in(id, DAY).await;
    let page = elsewhere.get("/").await;
    assert!(page.has("aria-keyshortcuts=\"m\"") && page.has("<span class=\"key\" aria-hidden=\"true\">m</span>"), "{}", page.text);
    let acts = told(&page)["acts"].clone();
    assert_eq!((acts["m"].as_str(), acts["<"].as_str()), (Some("take_next"), Some("undo")));
    assert!(acts.get("t").is_none() && acts.get("b").is_none(), "{acts}");
    let list = elsewhere.get("/help/keys").await;
    assert!(list.has("<span class=\"key\">&#60;</span>") && !list.has("Boxes on or off"), "{}", list.text);
    let tenant = if page.has(">acme</option>") { scene.other } else { scene.tenant };
    elsewhere.post("/tenant", &[("tenant", &tenant.0.to_string())]).await.to();
    assert_eq!(told(&elsewhere.get("/").await)["acts"]["m"], "take_next");
    // Nobody else's.
    assert_eq!(told(&scene.reviewer("Bob").await.get("/").await)["acts"]["t"], "take_next");
}

#[tokio::test]
async fn single_keys_are_switched_off_and_everything_goes_back_to_how_it_was() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let id = scene.waiting().await.review;
    let help = ann.get("/help").await;
    ann.submit("/help", help.form("/help").with("key.help", "x").with("off", "yes")).await.to();
    let page = ann.take(id).await;
    assert_eq!(told(&page)["off"], true);
    let hints = page.text.matches("class=\"key\"").count();
    assert_eq!(hints, 1, "only the one that is no single key: {}", page.text);
    assert!(ann.get("/help?saved=1").await.has("Your keys are kept."));
    assert!(ann.get("/help/keys").await.has("Single keys are switched off."));
    let help = ann.get("/help").await;
    assert_eq!((help.form("/help").get("off"), help.form("/help").get("key.help")), (Some("yes"), Some("x")));
    ann.submit("/help", help.form("/help").with("reset", "yes")).await.to();
    let help = ann.get("/help").await;
    assert_eq!((help.form("/help").get("off"), help.form("/help").get("key.help")), (None, Some("?")));
}

#[tokio::test]
async fn what_cannot_be_a_key_is_said_beside_it_and_nothing_is_kept() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let help = ann.get("/help").await;
    for (key, words) in [
        ("Ctrl+W", "combinations belong to the browser"),
        ("F5", "combinations belong to the browser"),
        ("k", "is the key of “The line, or the review, before” already"),
        ("/", "begins a search in some browsers"),
        (EVIL, "combinations belong to the browser"),
    ] {
        let page = ann.submit("/help", help.form("/help").with("key.take_next", key).with("key.keep", "y")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{key}");
        assert!(page.has(words) && page.has("aria-invalid=\"true\"") && page.has("Nothing was changed yet."), "{key}: {}", page.text);
        assert_eq!(page.form("/help").get("key.keep"), Some("y"), "what was typed stays");
        assert!(key != EVIL || page.has(EVIL_AS_TEXT));
    }
    assert_eq!(told(&ann.get("/help").await)["acts"]["h"], "keep");
}

#[tokio::test]
async fn every_page_leads_to_the_list_of_keys() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    for path in ["/", "/me", "/verifications", "/help", &format!("/reviews/{id}")] {
        let page = ann.get(path).await;
        let link = page.between("<a class=\"button quiet\" href=\"/help#keys\"", "</a>").unwrap_or_else(|| panic!("{path}: {}", page.text));
        assert!(link.contains("data-act=\"help\" aria-keyshortcuts=\"?\">Keys"), "{path}: {link}");
    }
    let help = ann.get("/help").await;
    assert!(help.has("id=\"keys\"") && help.has("also a button, a link or a choice in the form"), "{}", help.text);
}

#[tokio::test]
async fn the_reviews_beside_one_are_looked_at_without_taking_any() {
    let Some(scene) = Scene::start().await else { return };
    let (late, soon, later) = (scene.due_in(-5).await.review, scene.due_in(5).await.review, scene.due_in(50).await.review);
    let mut ann = scene.reviewer("Ann").await;
    for (from, way, to) in [
        (late, "after", format!("/reviews/{soon}")),
        (soon, "after", format!("/reviews/{later}")),
        (later, "after", "/".to_owned()),
        (later, "before", format!("/reviews/{soon}")),
        (late, "before", "/".to_owned()),
    ] {
        assert_eq!(ann.get(&format!("/reviews/{from}/{way}")).await.to(), to, "{way}");
        assert_eq!(scene.holder(from).await, None);
    }
    let page = ann.get(&format!("/reviews/{soon}")).await;
    assert!(page.has("data-act=\"next_item\"") && page.has("data-act=\"previous_item\""), "{}", page.text);
}
