//! Who people are that a provider lets in: their roles, their accounts, and a provider that changes or goes away.

use axum::http::{Method, StatusCode};
use axum::response::IntoResponse;
use domain::person::Role;
use review_ui::oidc::{Issuer, Settings};
use review_ui::password;
use serde_json::{Value, json};
use store::user;

use crate::provider::{CLIENT_ID, Key};
use crate::scene::{EVIL, EVIL_AS_TEXT, Scene};
use crate::visitor::{BEGIN, Visitor, desk_with, path_of, people, refused, settings, sign_ins, start};

#[tokio::test]
async fn roles_follow_the_groups_at_every_sign_in() {
    let Some((scene, provider, mut ann)) = start().await else { return };
    let bob = scene.person("Bob", &[scene.tenant], &[Role::Operator], None).await;
    for (groups, roles) in [
        (&["claims"][..], "acme:reviewer"),
        (&["claims", "leads", "unheard of"], "acme:reviewer+lead"),
        (&["both"], "acme:reviewer zenith:auditor"),
        (&["leads", "lost"], "acme:lead"),
    ] {
        provider.person("8f2c", "Ann", groups);
        assert_eq!(ann.come(&provider).await.to(), "/", "{groups:?}");
        assert_eq!(people(&scene).await, [("ann@example.com".to_owned(), false, roles.to_owned())]);
    }
    assert_eq!(ann.get("/").await.status, StatusCode::OK);
    // A name that is given anew is the new one; who they are is the subject.
    provider.mind().person = json!({ "sub": "8f2c", "preferred_username": "Ann-Marie", "groups": "leads" });
    assert_eq!(ann.come(&provider).await.to(), "/");
    assert_eq!(people(&scene).await, [(String::new(), false, "acme:lead".to_owned())], "the provider need not tell an address");
    assert!(ann.get("/").await.has(">Ann-Marie</span>"));

    // No group any more: not in, and out where they were in.
    for groups in [json!(["unheard of"]), json!(["lost"]), json!([]), json!({ "leads": true }), Value::Null] {
        provider.mind().person = json!({ "sub": "8f2c", "groups": groups });
        refused(&Visitor::at(&ann.desk).come(&provider).await, 403, "You have no role here", &groups.to_string());
    }
    assert_eq!(ann.get("/").await.to(), "/signin?next=%2F");
    assert_eq!(people(&scene).await, [(String::new(), false, String::new())]);
    // Nothing of this touches what was given by hand.
    let mut relay = scene.store.begin_relay().await.unwrap();
    assert_eq!(user::memberships(&mut relay, bob).await.unwrap()[0].roles, [Role::Operator]);
    let told: Vec<Value> =
        scene.told("user.enlisted").await.into_iter().filter(|told| told.0 == "provider:oidc").map(|told| told.2).collect();
    let roles = [json!(["reviewer"]), json!(["reviewer", "lead"]), json!(["reviewer"]), json!(["lead"]), json!([])];
    assert_eq!(told, roles.map(|roles| json!({ "roles": roles })));
}

#[tokio::test]
async fn a_stranger_leaves_no_trace_and_a_disabled_person_stays_out() {
    let Some((scene, provider, mut ann)) = start().await else { return };
    provider.person("stranger", "Eve", &["kitchen"]);
    refused(&ann.come(&provider).await, 403, "You have no role here", "a stranger");
    assert_eq!(people(&scene).await, []);

    provider.person("8f2c", "Ann", &["leads"]);
    assert_eq!(ann.come(&provider).await.to(), "/");
    let mut relay = scene.store.begin_relay().await.unwrap();
    let id = user::provider::by_email(&mut relay, "Ann@example.com").await.unwrap()[0].id;
    user::set_disabled(&mut relay, id, true).await.unwrap();
    relay.commit().await.unwrap();
    assert_eq!(ann.get("/").await.to(), "/signin?next=%2F");
    provider.person("8f2c", "Ann", &["claims", "leads"]);
    refused(&ann.come(&provider).await, 403, "Your account is disabled", "disabled");
    assert_eq!(people(&scene).await[0].2, "acme:lead", "and nothing of theirs changes");
}

#[tokio::test]
async fn an_address_takes_nobodys_account_over() {
    let Some((scene, provider, mut through)) = start().await else { return };
    let hash = password::hash("correct horse battery").unwrap();
    let local = scene.person("Ann", &[scene.tenant, scene.other], &[Role::Operator], Some(&hash)).await;
    assert_eq!(through.come(&provider).await.to(), "/");
    let page = through.get("/").await;
    assert!(page.has("ann@example.com, reviewer") && !page.has("Operations"), "{}", page.text);
    // Another subject with the same address is a third person.
    provider.person("another", "Ann", &["leads"]);
    assert_eq!(Visitor::at(&through.desk).come(&provider).await.to(), "/");
    let both =
        [("ann@example.com".to_owned(), false, "acme:reviewer".to_owned()), ("ann@example.com".to_owned(), false, "acme:lead".to_owned())];
    assert_eq!(people(&scene).await, both);

    // The password still is that of the local account.
    let mut by_password = Visitor::at(&through.desk);
    let form = by_password.get("/signin").await.form("/signin").with("email", "ann@example.com").with("password", "correct horse battery");
    assert_eq!(by_password.submit("/signin", form.clone()).await.to(), "/");
    assert!(by_password.get("/").await.has("ann@example.com, operator"));
    let mut relay = scene.store.begin_relay().await.unwrap();
    assert_eq!(user::memberships(&mut relay, local).await.unwrap().len(), 2);
    drop(relay);
    // And who comes through the provider alone has none, nor can get one.
    provider.person("8f2d", "Zoe", &["leads"]);
    assert_eq!(Visitor::at(&through.desk).come(&provider).await.to(), "/");
    let mut zoe = Visitor::at(&through.desk);
    let refused = zoe.submit("/signin", form.with("email", "zoe@example.com")).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && zoe.cookies.is_empty(), "{}", refused.text);
    let mut relay = scene.store.begin_relay().await.unwrap();
    let id = user::provider::by_email(&mut relay, "zoe@example.com").await.unwrap()[0].id;
    assert!(user::set_password(&mut relay, id, &hash).await.is_err(), "the database refuses it");
}

#[tokio::test]
async fn new_keys_are_fetched_when_an_unknown_one_signs() {
    let Some((_scene, provider, mut ann)) = start().await else { return };
    assert_eq!(ann.come(&provider).await.to(), "/");
    // Another key under another name, one of another kind, and one under a name that is taken; then no names at all.
    for (key, id) in [
        (Key::es256(), Some("second")),
        (Key::rs256(), Some("third")),
        (Key::es256(), Some("third")),
        (Key::es256(), None),
        (Key::es256(), None),
    ] {
        {
            let mut mind = provider.mind();
            (mind.key, mind.key_id) = (key, id);
            mind.asked.clear();
        }
        assert_eq!(ann.come(&provider).await.to(), "/", "{id:?}");
        assert_eq!(provider.mind().asked, ["token", "metadata", "keys"], "{id:?}");
    }
    // Once fetched they are known.
    assert_eq!(ann.come(&provider).await.to(), "/");
    assert_eq!(provider.mind().asked, ["token", "metadata", "keys", "token"]);
}

#[tokio::test]
async fn a_public_client_proves_itself_by_pkce_alone() {
    let Some((scene, provider, mut ann)) = start().await else { return };
    provider.mind().secret = None;
    ann.desk = desk_with(&scene, Settings { client_secret: None, ..settings(&provider) });
    assert_eq!(ann.come(&provider).await.to(), "/");
    // Groups under a name of the provider's own.
    provider.mind().person = json!({ "sub": "8f2d", "name": EVIL, "https://acme.example/groups": ["leads"] });
    ann.desk =
        desk_with(&scene, Settings { client_secret: None, groups_claim: "https://acme.example/groups".to_owned(), ..settings(&provider) });
    assert_eq!(ann.come(&provider).await.to(), "/");
    assert!(ann.get("/").await.has(EVIL_AS_TEXT));
    // A secret that the provider does not know.
    provider.mind().secret = Some("another");
    ann.desk = desk_with(&scene, settings(&provider));
    refused(&ann.come(&provider).await, 502, "does not work", "a wrong secret");
}

#[tokio::test]
async fn a_desk_works_without_its_provider_and_goes_on_when_it_is_back() {
    let Some((scene, provider, mut ann)) = start().await else { return };
    let hash = password::hash("correct horse battery").unwrap();
    scene.person("Bob", &[scene.tenant], &[Role::Operator], Some(&hash)).await;
    let away = || StatusCode::BAD_GATEWAY.into_response();
    provider.mind().instead = Some(away);
    refused(&ann.come(&provider).await, 503, "does not answer", "away from the start");
    let mut bob = Visitor::at(&ann.desk);
    let form = bob.get("/signin").await.form("/signin").with("email", "bob@example.com").with("password", "correct horse battery");
    assert_eq!(bob.submit("/signin", form).await.to(), "/");

    provider.mind().instead = None;
    assert_eq!(ann.come(&provider).await.to(), "/");
    // It goes while somebody is there.
    let out = ann.get(BEGIN).await;
    let back = provider.consent(out.to());
    provider.mind().instead = Some(away);
    assert_eq!(ann.get(path_of(&back)).await.status, StatusCode::BAD_GATEWAY);

    // Nobody listens at all.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let issuer = Issuer::parse(&format!("http://{nobody}")).unwrap();
    let mut eve = Visitor::at(&desk_with(&scene, Settings { issuer, ..settings(&provider) }));
    refused(&eve.get(BEGIN).await, 503, "does not answer", "nobody listens");
    assert_eq!(eve.get("/signin").await.status, StatusCode::OK);
    assert_eq!(sign_ins(&scene).await, 0);
}

#[tokio::test]
async fn metadata_that_cannot_be_right_are_not_used() {
    let Some((scene, provider, _)) = start().await else { return };
    let desk = || Visitor::at(&desk_with(&scene, settings(&provider)));
    for metadata in [
        json!({ "issuer": "https://evil.example" }),
        json!({ "issuer": format!("{}/", provider.issuer) }),
        json!({ "token_endpoint": "http://evil.example/token" }),
        json!({ "token_endpoint": null }),
        json!({ "jwks_uri": "http://evil.example/keys" }),
        json!({ "authorization_endpoint": "javascript:alert(1)" }),
        json!({ "end_session_endpoint": "http://evil.example/bye" }),
    ] {
        provider.mind().metadata = metadata.clone();
        let refused = desk().get(BEGIN).await;
        assert_ne!(refused.status, StatusCode::SEE_OTHER, "{metadata}");
        assert!([502, 503].contains(&refused.status.as_u16()), "{metadata}: {}", refused.text);
    }
    provider.mind().metadata = json!({});
    for (about, instead) in [
        ("a redirect", (|| axum::response::Redirect::to("/keys").into_response()) as fn() -> axum::response::Response),
        ("no end", || "x".repeat(2 << 20).into_response()),
        ("no JSON", || axum::Json(json!("hello")).into_response()),
        ("nothing there", || StatusCode::NOT_FOUND.into_response()),
    ] {
        provider.mind().instead = Some(instead);
        refused(&desk().get(BEGIN).await, 502, "does not work", about);
    }
}

#[tokio::test]
async fn signing_out_goes_on_to_the_provider_for_whom_it_let_in() {
    let Some((scene, provider, mut ann)) = start().await else { return };
    let end = format!("{}/bye", provider.issuer);
    provider.mind().metadata = json!({ "end_session_endpoint": end });
    ann.come(&provider).await;
    let cookies = ann.cookies.clone();
    let form = ann.get("/help").await.form("/signout");
    let left = ann.submit("/signout", form).await;
    assert_eq!((left.to(), ann.cookies.len()), ("/signout/provider", 0));
    let page = ann.get("/signout/provider").await;
    let way_out = format!("{end}?client_id={CLIENT_ID}&post_logout_redirect_uri=https%3A%2F%2Fdesk.example%2Fsignin");
    assert_eq!(page.header("refresh"), format!("0; url={way_out}"));
    assert!(page.status == StatusCode::OK && page.has(&format!("href=\"{}\"", way_out.replace('&', "&#38;"))), "{}", page.text);
    ann.cookies = cookies;
    assert_eq!(ann.get("/").await.to(), "/signin?next=%2F", "the session has ended on the server");

    // A local account has nothing to do with the provider, and not every provider offers it.
    let local = scene.reviewer("Bob").await;
    let mut bob = Visitor::at(&ann.desk);
    bob.cookies.insert("__Host-assay".to_owned(), local.cookie.unwrap());
    let form = bob.get("/help").await.form("/signout");
    assert_eq!(bob.submit("/signout", form).await.to(), "/signin");
    provider.mind().metadata = json!({});
    let mut bob = Visitor::at(&desk_with(&scene, settings(&provider)));
    assert_eq!(bob.get("/signout/provider").await.to(), "/signin");
}

#[tokio::test]
async fn without_a_provider_there_is_no_such_way() {
    let Some(scene) = Scene::start().await else { return };
    let mut browser = scene.browser();
    assert!(!browser.get("/signin").await.has("/signin/oidc"));
    for path in [BEGIN, "/signin/oidc/callback?code=x&state=y", "/signout/provider"] {
        assert_eq!(browser.ask(&Method::GET, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
