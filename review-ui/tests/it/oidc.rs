//! The way to an organisation's provider and back: who comes in, who does not, and what they are told.

use std::cell::RefCell;
use std::sync::Once;

use axum::http::StatusCode;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use store::sign_in;

use crate::provider::{CLIENT_ID, Key, Provider, SECRET, Signing, Token, Twist};
use crate::scene::{EVIL, EVIL_AS_TEXT};
use crate::visitor::{BEGIN, Visitor, desk_with, path_of, people, refused, settings, sign_ins, start};

#[tokio::test]
async fn somebody_whom_the_provider_knows_comes_in_with_the_roles_of_their_groups() {
    let Some((scene, provider, mut ann)) = start().await else { return };
    let wanted = ann.get("/verifications?status=in_review").await;
    let door = ann.get(wanted.to()).await;
    let link = "/signin/oidc?next=%2Fverifications%3Fstatus%3Din_review";
    assert!(door.has(&format!("href=\"{link}\"")) && door.has("Sign in with Acme"), "{}", door.text);
    assert_eq!(door.form("/signin").get("next"), Some("/verifications?status=in_review"), "the form for passwords is there too");

    let out = ann.get(link).await;
    for part in ["__Host-assay-sign-in=", "; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/", "; Max-Age=600"] {
        assert!(out.header("set-cookie").contains(part), "{part} in {}", out.header("set-cookie"));
    }
    assert!(out.to().contains("redirect_uri=https%3A%2F%2Fdesk.example%2Fsignin%2Foidc%2Fcallback"), "{}", out.to());
    assert!(out.to().contains("scope=openid+email+profile"), "{}", out.to());
    let back = provider.consent(out.to());
    let entered = ann.get(path_of(&back)).await;
    assert_eq!(entered.to(), "/verifications?status=in_review");
    assert_eq!(ann.cookies.keys().collect::<Vec<_>>(), ["__Host-assay"], "the sign-in's own cookie has done its work");
    let page = ann.get(entered.to()).await;
    assert!(page.status == StatusCode::OK && page.has(">Ann</span>") && page.has("ann@example.com, reviewer"), "{}", page.text);

    assert_eq!(people(&scene).await, [("ann@example.com".to_owned(), false, "acme:reviewer".to_owned())]);
    assert_eq!(sign_ins(&scene).await, 0);
    let (enlisted, opened) = (scene.told("user.enlisted").await, scene.told("session.opened").await);
    assert_eq!((enlisted.len(), opened.len()), (1, 1));
    assert_eq!((enlisted[0].0.as_str(), &enlisted[0].2), ("provider:oidc", &json!({ "roles": ["reviewer"] })));
    assert!(opened[0].0.starts_with("user:usr_"), "{opened:?}");
    assert_eq!(provider.mind().asked, ["metadata", "keys", "token"]);
    // The second time nothing is asked but the token, and nothing is told but the session.
    assert_eq!(ann.come(&provider).await.to(), "/");
    assert_eq!(provider.mind().asked, ["metadata", "keys", "token", "token"]);
    assert_eq!((scene.told("user.enlisted").await.len(), scene.told("session.opened").await.len()), (1, 2));
}

thread_local! {
    /// What was logged on this thread: each test has one of its own, and its desk runs there.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps what is logged from now on, for all tests: a subscriber of one thread misses what another thread's calls have switched off.
fn keep_lines() {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_ansi(false).with_writer(|| Lines).init());
}

#[tokio::test]
async fn a_token_with_anything_wrong_lets_nobody_in() {
    let Some((scene, provider, visitor)) = start().await else { return };
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counted = metrics::set_default_local_recorder(&recorder);
    keep_lines();
    let twists: [(&str, Twist); 19] = [
        ("another issuer", |token| token.claims["iss"] = json!("https://evil.example")),
        ("another client", |token| token.claims["aud"] = json!("somebody-else")),
        ("no client", |token| token.claims["aud"] = json!([])),
        ("this client and another", |token| token.claims["aud"] = json!([CLIENT_ID, "somebody-else"])),
        ("given to another client", |token| token.claims["azp"] = json!("somebody-else")),
        ("expired", |token| token.claims["exp"] = json!(chrono::Utc::now().timestamp() - 61)),
        ("another nonce", |token| token.claims["nonce"] = json!("another")),
        ("no nonce", |token| drop(token.claims.as_object_mut().unwrap().remove("nonce"))),
        ("no subject", |token| token.claims["sub"] = json!("")),
        ("a subject without end", |token| token.claims["sub"] = json!("8".repeat(256))),
        ("another key of the same name", |token| token.signing = Signing::With(Key::es256())),
        ("another key of another name", |token| {
            token.header["kid"] = json!("evil");
            token.signing = Signing::With(Key::es256());
        }),
        ("no signature", |token| token.signing = Signing::Not),
        ("alg none", |token| {
            token.header["alg"] = json!("none");
            token.signing = Signing::Not;
        }),
        ("alg none, signed all the same", |token| token.header["alg"] = json!("none")),
        ("HS256 with the client's secret", |token| shared(token, SECRET.as_bytes())),
        ("HS256 with the public key's name", |token| shared(token, b"first")),
        ("an algorithm that does not fit the key", |token| token.header["alg"] = json!("RS256")),
        ("an extension that nobody knows", |token| token.header["crit"] = json!(["exp"])),
    ];
    for (about, twist) in twists {
        provider.mind().twist = twist;
        let answer = visitor.clone().come(&provider).await;
        refused(&answer, 502, "This sign-in cannot be trusted", about);
    }
    // One that cannot even be read.
    for (about, twist) in [
        ("no expiry", (|token| drop(token.claims.as_object_mut().unwrap().remove("exp"))) as Twist),
        ("an address that is no text", |token| token.claims["email"] = json!({ "ann@example.com": 1 })),
    ] {
        provider.mind().twist = twist;
        refused(&visitor.clone().come(&provider).await, 502, "Your organisation&#39;s sign-in does not work", about);
    }
    assert_eq!((people(&scene).await, sign_ins(&scene).await), (vec![], 0));
    let counted = recorder.handle().render();
    assert!(counted.contains("assay_desk_sign_ins_total{outcome=\"untrusted\"} 19"), "{counted}");
    assert!(counted.contains("assay_desk_sign_ins_total{outcome=\"provider_error\"} 2"), "{counted}");
    let logged = String::from_utf8(LINES.with_borrow(Clone::clone)).unwrap();
    for word in ["expired", "audience", "issuer", "nonce", "signature", "algorithm", "authorized_party", "subject"] {
        assert!(logged.contains(&format!("is not to be trusted: {word}")), "{word}: {logged}");
    }
    for secret in ["ann@", "Ann", "8f2c", SECRET, "eyJ"] {
        assert!(!logged.contains(secret), "{secret}: {logged}");
    }
    // And with nothing wrong with it the same person comes in, a clock that is a little off included.
    provider.mind().twist = |token| token.claims["exp"] = json!(chrono::Utc::now().timestamp() - 30);
    assert_eq!(visitor.clone().come(&provider).await.to(), "/");
}

fn shared(token: &mut Token, secret: &[u8]) {
    token.header["alg"] = json!("HS256");
    token.signing = Signing::Shared(secret.to_vec());
}

#[tokio::test]
async fn what_the_provider_sends_back_instead_of_a_code_is_told_and_used_up() {
    let Some((scene, provider, visitor)) = start().await else { return };
    provider.mind().metadata = json!({ "authorization_response_iss_parameter_supported": true });
    let other = "https%3A%2F%2Fevil.example";
    let evil: String = form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    for (change, status, words) in [
        ("error=access_denied".to_owned(), 403, "You were not let in"),
        ("error=login_required".to_owned(), 403, "You were not let in"),
        ("error=temporarily_unavailable".to_owned(), 503, "does not answer"),
        ("error=invalid_scope".to_owned(), 502, "does not work"),
        (format!("error={evil}&error_description={evil}"), 502, "does not work"),
        ("error=access_denied&code=abc".to_owned(), 403, "You were not let in"),
        ("nothing=at+all".to_owned(), 400, "out of date"),
        ("code=".to_owned(), 400, "out of date"),
        ("code=abc".to_owned(), 502, "cannot be trusted"),
        (format!("code=abc&iss={other}"), 502, "cannot be trusted"),
        (format!("code=guessed&iss={}", provider.issuer), 400, "out of date"),
    ] {
        let mut browser = visitor.clone();
        let out = browser.get(BEGIN).await;
        let state = state_of(out.to());
        let answer = browser.get(&format!("/signin/oidc/callback?{change}&state={state}")).await;
        refused(&answer, status, words, &change);
        assert!(!answer.has("onerror") && !answer.has(EVIL_AS_TEXT), "{change}");
        assert_eq!(answer.header("retry-after") == "2", status == 503, "{change}");
        let again = browser.get(&format!("/signin/oidc/callback?{change}&state={state}")).await;
        refused(&again, 400, "out of date", &change);
    }
    assert_eq!((people(&scene).await, sign_ins(&scene).await), (vec![], 0));
    // One that says who sends it.
    let mut ann = visitor.clone();
    let out = ann.get(BEGIN).await;
    let back = format!("{}&iss={}", provider.consent(out.to()), provider.issuer);
    assert_eq!(ann.get(path_of(&back)).await.to(), "/");
}

fn state_of(address: &str) -> String {
    let query = address.split_once('?').unwrap().1;
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state").unwrap().1.into_owned()
}

#[tokio::test]
async fn a_way_back_is_for_its_browser_alone_and_for_once() {
    let Some((scene, provider, mut ann)) = start().await else { return };
    let out = ann.get(BEGIN).await;
    let back = provider.consent(out.to());
    // Eve is sent Ann's link, has begun one herself, or makes up a cookie.
    let mut eve = Visitor::at(&ann.desk);
    refused(&eve.get(path_of(&back)).await, 400, "out of date", "no cookie");
    eve.get(BEGIN).await;
    refused(&eve.get(path_of(&back)).await, 400, "out of date", "another cookie");
    for cookie in ["", "x", "%00"] {
        eve.cookies.insert("__Host-assay-sign-in".to_owned(), cookie.to_owned());
        refused(&eve.get(path_of(&back)).await, 400, "out of date", cookie);
    }
    for address in [
        "/signin/oidc/callback",
        "/signin/oidc/callback?code=x",
        "/signin/oidc/callback?code=x&state=",
        "/signin/oidc/callback?code=x&state=%00",
    ] {
        refused(&ann.get(address).await, 400, "out of date", address);
    }
    let cookies = ann.cookies.clone();
    assert_eq!(ann.get(path_of(&back)).await.to(), "/");
    // What was in the browser's history comes again.
    ann.cookies = cookies;
    refused(&ann.get(path_of(&back)).await, 400, "out of date", "again");
    assert_eq!(scene.told("session.opened").await.len(), 1);

    // Somebody took longer than ten minutes.
    let out = ann.get(BEGIN).await;
    let back = provider.consent(out.to());
    let client = scene.database.connect(&scene.database.owner_url).await;
    let past = "alter table sign_ins no force row level security; update sign_ins set ends_at = now(); alter table sign_ins force row level security";
    client.batch_execute(past).await.unwrap();
    refused(&ann.get(path_of(&back)).await, 400, "out of date", "too late");
    let mut relay = scene.store.begin_relay().await.unwrap();
    assert_eq!(sign_in::sweep(&mut relay).await.unwrap(), 2, "Eve's and this one");
}

#[tokio::test]
async fn a_sign_in_begun_at_one_desk_ends_at_another() {
    let Some((scene, provider, mut ann)) = start().await else { return };
    let out = ann.get(BEGIN).await;
    let back = provider.consent(out.to());
    ann.desk = desk_with(&scene, settings(&provider));
    let entered = ann.get(path_of(&back)).await;
    assert_eq!(ann.get(entered.to()).await.status, StatusCode::OK);
    // Of another provider is no way back, although state and cookie are right.
    let other = Provider::start().await;
    let out = ann.get(BEGIN).await;
    let back = provider.consent(out.to());
    ann.desk = desk_with(&scene, settings(&other));
    refused(&ann.get(path_of(&back)).await, 400, "out of date", "another provider");
}

#[tokio::test]
async fn nobody_is_led_to_another_site_by_coming_back() {
    let Some((_scene, provider, visitor)) = start().await else { return };
    for (next, to) in
        [("/policy?x=1", "/policy?x=1"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/"), ("/a\0b", "/ab")]
    {
        let mut ann = visitor.clone();
        let asked: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let out = ann.get(&format!("{BEGIN}?{asked}")).await;
        let back = provider.consent(out.to());
        assert_eq!(ann.get(path_of(&back)).await.to(), to, "{next:?}");
    }
}

#[tokio::test]
async fn whoever_sets_out_leaves_no_more_than_a_short_way_back() {
    let Some((scene, provider, visitor)) = start().await else { return };
    let client = scene.database.connect(&scene.database.relay_url).await;
    for (length, kept) in [(2_048, 2_048), (2_049, 0), (60_000, 0)] {
        let mut ann = visitor.clone();
        let next = format!("/{}", "x".repeat(length - 1));
        let out = ann.get(&format!("{BEGIN}?next={next}")).await;
        let longest: i32 = client.query_one("select max(length(next)) from sign_ins", &[]).await.unwrap().get(0);
        assert_eq!(longest, kept, "{length} bytes");
        let back = provider.consent(out.to());
        assert_eq!(ann.get(path_of(&back)).await.to(), if kept == 0 { "/" } else { &next });
    }
}
