//! Who comes in, who does not, and where they are led.

use std::sync::LazyLock;

use axum::http::StatusCode;
use domain::id::UserId;
use domain::person::Role;
use review_ui::password;
use store::{session, user};

use crate::browser::{Answer, Browser, Typed};
use crate::scene::{DAY, EVIL, EVIL_AS_TEXT, Scene};

const PASSWORD: &str = "correct horse battery";
/// Hashing takes its time, so that it is done once.
static HASH: LazyLock<String> = LazyLock::new(|| password::hash(PASSWORD).unwrap());

async fn ann(scene: &Scene) -> UserId {
    scene.person("Ann", &[scene.tenant], &[Role::Reviewer], Some(&HASH)).await
}

async fn sign_in(browser: &mut Browser, email: &str, password: &str) -> Answer {
    let form = browser.get("/signin").await.form("/signin");
    browser.submit("/signin", form.with("email", email).with("password", password)).await
}

#[tokio::test]
async fn the_right_password_opens_the_desk_and_leads_to_what_was_wanted() {
    let Some(scene) = Scene::start().await else { return };
    ann(&scene).await;
    let mut browser = scene.browser();
    let wanted = browser.get("/verifications?status=in_review&id=").await;
    assert_eq!(wanted.to(), "/signin?next=%2Fverifications%3Fstatus%3Din_review%26id%3D");
    let door = browser.follow(&wanted).await;
    let form = door.form("/signin").with("email", " Ann@Example.com ").with("password", PASSWORD);
    let entered = browser.submit("/signin", form).await;
    assert_eq!(entered.to(), "/verifications?status=in_review&id=");
    let cookie = entered.header("set-cookie");
    for part in ["assay=", "; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=43200"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "a desk without TLS is reached without it: {cookie}");
    let page = browser.follow(&entered).await;
    assert!(page.status == StatusCode::OK && page.has(">Ann</span>") && page.has("acme"), "{}", page.text);
}

#[tokio::test]
async fn over_tls_the_cookie_travels_over_nothing_else() {
    let Some(scene) = Scene::start().await else { return };
    ann(&scene).await;
    let mut browser = scene.browser_over_tls();
    let entered = sign_in(&mut browser, "ann@example.com", PASSWORD).await;
    let cookie = entered.header("set-cookie");
    assert!(cookie.starts_with("__Host-assay=") && cookie.contains("; Secure") && cookie.contains("; Path=/"), "{cookie}");
    assert!(entered.header("strict-transport-security").starts_with("max-age="));
}

#[tokio::test]
async fn a_wrong_password_an_unknown_address_and_a_disabled_account_look_the_same() {
    let Some(scene) = Scene::start().await else { return };
    ann(&scene).await;
    scene.person("Nil", &[scene.tenant], &[Role::Reviewer], None).await;
    let off = scene.person("Off", &[scene.tenant], &[Role::Reviewer], Some(&HASH)).await;
    let mut relay = scene.store.begin_relay().await.unwrap();
    user::set_disabled(&mut relay, off, true).await.unwrap();
    relay.commit().await.unwrap();
    let mut browser = scene.browser();
    let wrong = sign_in(&mut browser, "ann@example.com", "wrong").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.has("The e-mail address or the password is wrong."), "{}", wrong.text);
    assert_eq!(wrong.form("/signin").get("email"), Some("ann@example.com"), "the address need not be typed twice");
    assert_eq!(wrong.form("/signin").get("password"), Some(""), "the password is not sent back");
    for (email, password) in [("eve@example.com", PASSWORD), ("off@example.com", PASSWORD), ("nil@example.com", "")] {
        let password = if password.is_empty() { "anything at all" } else { password };
        let refused = sign_in(&mut browser, email, password).await;
        assert_eq!((refused.status, refused.text.replace(email, "ann@example.com")), (wrong.status, wrong.text.clone()), "{email}");
    }
    let empty = sign_in(&mut browser, "", "").await;
    assert!(empty.status == StatusCode::UNPROCESSABLE_ENTITY && empty.has("Type your e-mail address"), "{}", empty.text);
    assert_eq!(browser.cookie, None);
}

#[tokio::test]
async fn after_five_wrong_passwords_even_the_right_one_has_to_wait() {
    let Some(scene) = Scene::start().await else { return };
    ann(&scene).await;
    let mut browser = scene.browser();
    // An address that nobody has is answered the same in every way.
    let mut said = Vec::new();
    for address in ["ann@example.com", "nobody@example.com"] {
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(sign_in(&mut browser, address, "wrong").await);
        }
        assert!(answers.iter().all(|answer| answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.has("is wrong.")));
        let locked = sign_in(&mut browser, address, PASSWORD).await;
        assert!(locked.status == StatusCode::TOO_MANY_REQUESTS && locked.has("even the right one is not looked at"), "{}", locked.text);
        answers.push(locked);
        let waits: Vec<u64> = answers.iter().map(|answer| answer.header("retry-after").parse().unwrap_or_default()).collect();
        assert!(waits[..4] == [0; 4] && waits[4..].iter().all(|wait| (1..=15).contains(wait)), "{address}: {waits:?}");
        let told = answers.iter().zip(waits).map(|(answer, wait)| {
            assert!(
                wait == 0 || answer.has(&format!("Wait {}", if wait == 1 { "a second".to_owned() } else { format!("{wait} seconds") }))
            );
            (answer.status, answer.text.replace(address, "?").replace(&format!("Wait {wait} seconds"), "Wait"))
        });
        said.push(told.collect::<Vec<_>>());
    }
    assert_eq!(said[0], said[1]);
    assert_eq!(browser.cookie, None);
    // The wait is over.
    let relay = scene.database.connect(&scene.database.relay_url).await;
    relay.execute("update wrong_passwords set waits_until = now() - interval '1 second'", &[]).await.unwrap();
    assert_eq!(sign_in(&mut browser, "ann@example.com", PASSWORD).await.to(), "/");
    // And what went wrong before is forgotten.
    assert!(sign_in(&mut browser, "ann@example.com", "wrong").await.has("is wrong."));
    assert_eq!(sign_in(&mut browser, "ann@example.com", PASSWORD).await.to(), "/");
}

#[tokio::test]
async fn an_account_of_no_organisation_does_not_come_in() {
    let Some(scene) = Scene::start().await else { return };
    scene.person("Nobody", &[], &[Role::Lead], Some(&HASH)).await;
    let mut browser = scene.browser();
    let refused = sign_in(&mut browser, "nobody@example.com", PASSWORD).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.has("belongs to no organisation"), "{}", refused.text);
    assert_eq!(browser.cookie, None);
}

#[tokio::test]
async fn nobody_is_led_to_another_site_by_signing_in() {
    let Some(scene) = Scene::start().await else { return };
    ann(&scene).await;
    let mut browser = scene.browser();
    for next in
        ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", "evil", "/\r\nx: y"]
    {
        let asked: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let door = browser.get(&format!("/signin?{asked}")).await;
        assert_eq!(door.form("/signin").get("next"), Some(""), "{next:?}");
    }
    // A form that says it all the same.
    for next in ["//evil.example", "https://evil.example/"] {
        let form = browser.get("/signin").await.form("/signin").with("email", "ann@example.com").with("password", PASSWORD);
        assert_eq!(browser.submit("/signin", form.with("next", next)).await.to(), "/");
    }
}

#[tokio::test]
async fn a_sign_in_form_of_another_site_is_refused() {
    let Some(scene) = Scene::start().await else { return };
    ann(&scene).await;
    let mut browser = scene.browser();
    let form = Typed::default().with("email", "ann@example.com").with("password", PASSWORD);
    for headers in [
        &[("origin", "https://evil.example"), ("host", "desk.example")][..],
        &[("origin", "null"), ("host", "desk.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://desk.example"), ("host", "desk.example")],
    ] {
        let refused = browser.post_from("/signin", form.clone(), headers).await;
        assert_eq!((refused.status, &browser.cookie), (StatusCode::FORBIDDEN, &None), "{headers:?}");
    }
    let own = [("origin", "https://desk.example"), ("host", "desk.example"), ("sec-fetch-site", "same-origin")];
    assert_eq!(browser.post_from("/signin", form, &own).await.to(), "/");
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let Some(scene) = Scene::start().await else { return };
    let mut browser = scene.reviewer("Ann").await;
    // A thief copied the cookie, and the person has another browser.
    let mut thief = browser.clone();
    let id = scene.person("Ann", &[scene.tenant], &[Role::Reviewer], None).await;
    let mut elsewhere = scene.signed_in(id, DAY).await;
    let left = browser.post("/signout", &[]).await;
    assert_eq!((left.to(), &browser.cookie), ("/signin", &None));
    assert!(left.header("set-cookie").contains("Max-Age=0"), "{}", left.header("set-cookie"));
    assert_eq!(thief.get("/").await.to(), "/signin?next=%2F");
    assert_eq!(thief.post("/queue/next", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(elsewhere.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_ends_with_time_and_with_its_account() {
    let Some(scene) = Scene::start().await else { return };
    let id = ann(&scene).await;
    let over = session::Lifetime { total: std::time::Duration::ZERO, ..DAY };
    assert_eq!(scene.signed_in(id, over).await.get("/").await.to(), "/signin?next=%2F", "twelve hours are over");

    let mut idle = scene.signed_in(id, DAY).await;
    let relay = scene.database.connect(&scene.database.relay_url).await;
    assert_eq!(idle.get("/").await.status, StatusCode::OK);
    relay.execute("update sessions set seen_at = now() - interval '61 minutes'", &[]).await.unwrap();
    assert_eq!(idle.get("/").await.to(), "/signin?next=%2F", "nobody was there for an hour");

    let mut disabled = scene.signed_in(id, DAY).await;
    assert_eq!(disabled.get("/").await.status, StatusCode::OK);
    let mut tx = scene.store.begin_relay().await.unwrap();
    user::set_disabled(&mut tx, id, true).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(disabled.get("/").await.to(), "/signin?next=%2F");
}

#[tokio::test]
async fn who_loses_a_role_loses_it_at_once() {
    let Some(scene) = Scene::start().await else { return };
    let mut browser = scene.reviewer("Ann").await;
    let waiting = scene.waiting().await;
    browser.take(waiting.review).await;
    scene.person("Ann", &[scene.tenant], &[Role::Auditor], None).await;
    assert_eq!(browser.post("/queue/next", &[]).await.status, StatusCode::FORBIDDEN);
    scene.person("Ann", &[scene.tenant], &[], None).await;
    assert_eq!(browser.get("/").await.to(), "/signin?next=%2F", "and who leaves the organisation is out");
}

#[tokio::test]
async fn a_person_works_only_for_organisations_that_they_belong_to() {
    let Some(scene) = Scene::start().await else { return };
    let third = scene.database.tenant(&scene.store, "third").await;
    let id = scene.person("Ann", &[scene.tenant, scene.other], &[Role::Reviewer], None).await;
    let mut browser = scene.signed_in(id, DAY).await;
    let (ours, theirs) = (scene.waiting().await, scene.wanted(scene.other, Default::default()).await);
    assert_eq!(browser.get("/").await.reviews(), [ours.review]);

    for nonsense in [third.0.to_string(), "x".to_owned(), uuid::Uuid::nil().to_string()] {
        assert_eq!(browser.post("/tenant", &[("tenant", &nonsense)]).await.status, StatusCode::NOT_FOUND, "{nonsense}");
    }
    assert_eq!(browser.post("/tenant", &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(browser.get("/").await.reviews(), [ours.review]);

    let changed = browser.post("/tenant", &[("tenant", &scene.other.0.to_string())]).await;
    assert_eq!(browser.follow(&changed).await.reviews(), [theirs.review]);
    assert_eq!(browser.get(&format!("/reviews/{}", ours.review)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&format!("/reviews/{}", theirs.review)).await.status, StatusCode::OK);
    // Somebody of one organisation is not asked.
    assert!(!scene.reviewer("Bob").await.get("/").await.has("action=\"/tenant\""));
}

#[tokio::test]
async fn what_is_typed_at_the_door_is_shown_as_text() {
    let Some(scene) = Scene::start().await else { return };
    let mut browser = scene.browser();
    let refused = sign_in(&mut browser, EVIL, "wrong").await;
    assert!(refused.has(&format!("value=\"{EVIL_AS_TEXT}\"")), "{}", refused.text);
    let asked: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", &format!("/{EVIL}")).finish();
    let door = browser.get(&format!("/signin?{asked}")).await;
    assert!(door.has(&format!("value=\"/{EVIL_AS_TEXT}\"")), "{}", door.text);
}
