//! API keys and the secrets of webhooks: shown once, made once, revoked for good.

use axum::http::StatusCode;
use store::api_key;

use crate::scene::Scene;

#[tokio::test]
async fn a_key_is_shown_once_and_revoked_for_good() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.operator("Ann").await;
    let empty = ann.get("/keys").await;
    let form = empty.form("/keys");
    assert!(empty.has("No keys yet") && form.get("scope").is_none(), "nothing is ticked before somebody ticks it: {form:?}");
    let long = "x".repeat(101);
    for (form, faults, kept) in [
        (form.clone().with("name", "A program"), &["Rights: Tick at least one right."][..], ("A program", &[][..])),
        (form.clone().and("scope", "everything").with("name", "A program"), &["Rights: "], ("A program", &[])),
        (
            form.clone().with("name", &long).and("scope", "verifications:read").and("scope", "policy:read"),
            &["Name: Give the key a name"],
            (long.as_str(), &["verifications:read", "policy:read"]),
        ),
        (form.clone(), &["Name: ", "Rights: "], ("", &[])),
    ] {
        let refused = ann.submit("/keys", form.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert!(faults.iter().all(|fault| refused.has(fault)), "{faults:?}: {}", refused.text);
        assert_eq!(refused.text.matches("<li><a href=\"#").count(), faults.len(), "{}", refused.text);
        // What was typed and ticked comes back, and it is the same form still.
        let again = refused.form("/keys");
        let ticked: Vec<&str> = again.0.iter().filter(|(name, _)| name == "scope").map(|(_, word)| word.as_str()).collect();
        assert_eq!((again.get("name"), &ticked[..], again.get("intent")), (Some(kept.0), kept.1, form.get("intent")));
    }
    assert!(ann.get("/keys").await.has("No keys yet"));

    let filled = form.clone().with("name", "A program").and("scope", "verifications:read");
    let made = ann.submit("/keys", filled.clone()).await;
    let secret = made.between("<p class=\"secret code\">", "</p>").unwrap().to_owned();
    let known = api_key::lookup(&mut scene.store.begin_relay().await.unwrap(), &secret).await.unwrap().unwrap();
    assert_eq!((known.name.as_str(), known.tenant_id, known.livemode, known.revoked_at), ("A program", scene.tenant, true, None));
    assert_eq!(known.scopes, ["verifications:read"]);
    let page = ann.get("/keys").await;
    assert!(page.has("A program") && !page.has(&secret) && !page.has("secret code"), "{}", page.text);
    assert!(!format!("{:?}", scene.rows(scene.tenant).await).contains(&secret));
    // The page that showed it, loaded again, sends the form again: no second key, and no second look.
    let before = scene.rows(scene.tenant).await;
    let again = ann.submit("/keys", filled).await;
    assert!(again.status == StatusCode::CONFLICT && again.has("This form was sent before") && !again.has(&secret), "{}", again.text);
    assert_eq!(scene.rows(scene.tenant).await, before);
    assert_ne!(made.form("/keys").get("intent"), form.get("intent"), "the next form makes another");

    let path = format!("/keys/{}/revoke", known.id);
    let sure = ann.get(&path).await;
    assert!(sure.has("Revoke this key?") && sure.has("A program") && sure.has("cannot be undone"), "{}", sure.text);
    assert_eq!(scene.told("api_key.revoked").await.len(), 0, "looking changes nothing");
    let form = sure.form(&path);
    let mut told = None;
    for _ in 0..2 {
        told = Some(ann.submit(&path, form.clone()).await);
    }
    let page = ann.follow(&told.unwrap()).await;
    assert!(page.has("The key <strong>A program</strong> is revoked.") && page.has(">revoked</td>"), "{}", page.text);
    assert_eq!(ann.get(&path).await.to(), format!("/keys?revoked={}", known.id), "there is nothing to ask any more");
    assert!(!ann.get("/keys").await.has("is revoked."));
    let known = api_key::lookup(&mut scene.store.begin_relay().await.unwrap(), &secret).await.unwrap().unwrap();
    assert!(known.revoked_at.is_some());
    assert_eq!(scene.told("api_key.revoked").await.len(), 1);
    // A key that is in use is not called revoked, whatever the address says.
    let other = scene.key(scene.tenant, "Another").await;
    assert!(!ann.get(&format!("/keys?revoked={other}")).await.has("is revoked."));
}

#[tokio::test]
async fn an_address_and_its_secret_are_made_once_however_often_the_page_is_loaded() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.operator("Ann").await;
    let form = ann.get("/webhooks").await.form("/webhooks").with("url", "https://hooks.acme.com/a").and("event", "verification.final");
    let refused = ann.submit("/webhooks", form.clone().with("url", "http://hooks.acme.com")).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.has("<a href=\"#url\">Address: "), "{}", refused.text);
    assert_eq!((refused.form("/webhooks").get("event"), refused.form("/webhooks").get("intent")), (form.get("event"), form.get("intent")));
    let made = ann.submit("/webhooks", form.clone()).await;
    let secret = made.between("<p class=\"secret code\">", "</p>").unwrap().to_owned();
    let before = scene.rows(scene.tenant).await;
    let again = ann.submit("/webhooks", form).await;
    assert!(again.status == StatusCode::CONFLICT && again.has("This form was sent before") && !again.has(&secret), "{}", again.text);
    // The same for the next secret of it.
    let page = ann.get("/webhooks").await;
    let path = format!("/webhooks/{}", page.between("<a href=\"/webhooks/", "\"").unwrap());
    let form = ann.get(&path).await.form(&format!("{path}/rotate"));
    assert_eq!(scene.rows(scene.tenant).await, before);
    let rotated = ann.submit(&format!("{path}/rotate"), form.clone()).await;
    let next = rotated.between("<p class=\"secret code\">", "</p>").unwrap().to_owned();
    assert_ne!(next, secret);
    let before = scene.rows(scene.tenant).await;
    let again = ann.submit(&format!("{path}/rotate"), form).await;
    assert!(again.status == StatusCode::CONFLICT && again.has("It was changed since") && !again.has(&next), "{}", again.text);
    assert_eq!(scene.rows(scene.tenant).await, before);
    let form = rotated.form(&format!("{path}/rotate"));
    assert_eq!(ann.submit(&format!("{path}/rotate"), form).await.status, StatusCode::OK, "the form of the new page rotates");
}
