//! Our signatures before foreign eyes: the receivers of docs/webhooks.md from the very text of the page, and the published libraries.

use anyhow::{Context, Result, ensure};
use domain::webhook::signature::{Secret, Signer, SigningKey, header};
use tests::receiver::{Language, Receiver, free_port};

const PAGE: &str = include_str!("../../../docs/webhooks.md");
const ID: &str = "evt_01a1fbed05a87151a5e89bc65adc9592";
const BODY: &str =
    r#"{"type":"verification.final","timestamp":"2026-11-21T10:00:00.000000Z","data":{"sequence":5,"status":"final","note":"é"}}"#;

/// A message as it arrives, and whether a receiver must take it.
struct Case {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
    genuine: bool,
}

fn secret(byte: u8) -> Secret {
    Secret::new(vec![byte; 32]).expect("32 bytes")
}

fn signed(signers: &[Signer], age: i64) -> Result<Vec<(&'static str, String)>> {
    let timestamp = chrono::Utc::now().timestamp() - age;
    let signature = header(signers, ID, timestamp, BODY.as_bytes())?;
    Ok(vec![("webhook-id", ID.to_owned()), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)])
}

/// For a receiver that knows `secret(1)`.
fn cases() -> Result<Vec<Case>> {
    let (own, other) = (Signer::Hmac(secret(1)), Signer::Hmac(secret(2)));
    let key = Signer::Ed25519(SigningKey::from_seed([3; 32]));
    let good = signed(std::slice::from_ref(&own), 0)?;
    let with = |name: &str, value: &str| -> Vec<_> {
        good.iter().map(|(other, kept)| (*other, if *other == name { value.to_owned() } else { kept.clone() })).collect()
    };
    let another_time = (good[1].1.parse::<i64>()? - 1).to_string();
    let without = |name: &str| -> Vec<_> { good.iter().filter(|(other, _)| *other != name).cloned().collect() };
    let one_off = good[2].1.replacen("v1,", "v1,A", 1);
    let one_off = one_off[..one_off.len() - 1].to_owned();
    let case = |name, headers, genuine| Case { name, headers, body: BODY.to_owned(), genuine };
    Ok(vec![
        case("good", good.clone(), true),
        case("rotated, the new one known", signed(&[own.clone(), other.clone()], 0)?, true),
        case("rotated, the old one known", signed(&[other.clone(), own.clone()], 0)?, true),
        case("among five", signed(&[other.clone(), other.clone(), other.clone(), other.clone(), own.clone()], 0)?, true),
        case("beside a version that it does not know", signed(&[key.clone(), own.clone()], 0)?, true),
        case("four minutes old", signed(std::slice::from_ref(&own), 240)?, true),
        Case { name: "another body", headers: good.clone(), body: BODY.replace('5', "6"), genuine: false },
        Case { name: "a body with one more space", headers: good.clone(), body: format!("{BODY} "), genuine: false },
        case("another secret", signed(&[other], 0)?, false),
        case("only a version that it does not know", signed(&[key], 0)?, false),
        case("more than five minutes old", signed(std::slice::from_ref(&own), 310)?, false),
        case("more than five minutes ahead", signed(std::slice::from_ref(&own), -310)?, false),
        case("another id", with("webhook-id", "evt_2"), false),
        case("another time", with("webhook-timestamp", &another_time), false),
        case("no time at all", with("webhook-timestamp", "soon"), false),
        case("a signature that is cut short", with("webhook-signature", &good[2].1[..12]), false),
        case("a signature with another beginning", with("webhook-signature", &one_off), false),
        case("without id", without("webhook-id"), false),
        case("without time", without("webhook-timestamp"), false),
        case("without signature", without("webhook-signature"), false),
    ])
}

async fn all_judged_right(receiver: &Receiver) -> Result<()> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    for case in cases()? {
        let request = http.post(&receiver.url).header("content-type", "application/json").body(case.body);
        let request = case.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let status = request.send().await.with_context(|| case.name)?.status();
        let expected = if case.genuine { 204 } else { 401 };
        ensure!(status == expected, "{}: {status} instead of {expected}", case.name);
    }
    Ok(())
}

async fn page(language: Language) {
    let receiver = Receiver::of_the_page(PAGE, language, &secret(1).reveal()).await.expect("it starts");
    let Some(receiver) = receiver else { return };
    all_judged_right(&receiver).await.expect("it judges right");
}

async fn library(language: Language) {
    let port = free_port().expect("a port");
    let receiver = Receiver::of_the_library(language, &secret(1).reveal(), port).await.expect("it starts");
    let Some(receiver) = receiver else { return };
    all_judged_right(&receiver).await.expect("it judges right");
}

#[tokio::test]
async fn the_receiver_of_the_page_in_python_takes_what_is_ours_and_nothing_else() {
    page(Language::Python).await;
}

#[tokio::test]
async fn the_receiver_of_the_page_in_javascript_takes_what_is_ours_and_nothing_else() {
    page(Language::JavaScript).await;
}

#[tokio::test]
async fn the_receiver_of_the_page_in_go_takes_what_is_ours_and_nothing_else() {
    page(Language::Go).await;
}

#[tokio::test]
async fn the_published_library_in_python_agrees_with_us() {
    library(Language::Python).await;
}

#[tokio::test]
async fn the_published_library_in_javascript_agrees_with_us() {
    library(Language::JavaScript).await;
}

#[tokio::test]
async fn the_published_library_in_go_agrees_with_us() {
    library(Language::Go).await;
}

#[test]
fn the_published_library_in_rust_agrees_with_us() {
    let library = standardwebhooks::Webhook::new(&secret(1).reveal()).expect("our spelling of a secret");
    for case in cases().expect("cases") {
        let headers = case.headers.iter().map(|(name, value)| {
            (name.parse::<reqwest::header::HeaderName>().expect("a name"), value.parse::<reqwest::header::HeaderValue>().expect("a value"))
        });
        let verified = library.verify(case.body.as_bytes(), &headers.collect::<reqwest::header::HeaderMap>());
        assert_eq!(verified.is_ok(), case.genuine, "{}: {verified:?}", case.name);
    }
}
