//! The stream of a tenant's events: all of them, once, in order, from where the client left off, and nobody else's.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::scope;
use futures::StreamExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use store::api_key::KeyGrant;
use tests::api::Api;
use tests::receipt::Receipt;
use tests::{machine, tenant};

/// Nothing that a test streams takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
const PATH: &str = "/v1/webhook_events/stream";

/// One message: its number and its data.
#[derive(Debug, Clone, PartialEq)]
struct Message {
    number: i64,
    data: Value,
}

impl Message {
    fn kind(&self) -> &str {
        self.data["body"]["type"].as_str().unwrap_or_default()
    }
}

async fn open(api: &Api, query: &str, after: Option<i64>) -> Result<Response> {
    let request = api.request(Method::GET, &format!("{PATH}{query}"));
    let response =
        after.iter().fold(request, |request, after| request.header("Last-Event-ID", *after)).send().await.context("open a stream")?;
    ensure!(response.status() == 200, "{}", response.status());
    ensure!(response.headers()["content-type"] == "text/event-stream", "{:?}", response.headers());
    ensure!(response.headers()["cache-control"] == "no-store", "{:?}", response.headers());
    Ok(response)
}

/// Where the stream says that it begins, and the messages up to so many (WHATWG HTML, 9.2.6).
async fn read(response: Response, count: usize) -> Result<(i64, Vec<Message>)> {
    let mut bytes = response.bytes_stream();
    let (mut text, mut begin, mut messages) = (String::new(), None, Vec::new());
    let reading = async {
        while begin.is_none() || messages.len() < count {
            let piece = bytes.next().await.context("the stream ended")?;
            text.push_str(std::str::from_utf8(&piece?)?);
            while let Some((block, rest)) = text.split_once("\n\n").map(|(block, rest)| (block.to_owned(), rest.to_owned())) {
                text = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                let Some(number) = field("id").map(str::parse).transpose()? else { continue };
                begin.get_or_insert(number);
                let Some(data) = field("data") else { continue };
                ensure!(field("event") == Some("webhook"), "{block}");
                messages.push(Message { number, data: serde_json::from_str(data)? });
            }
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, reading).await.with_context(|| format!("the stream did not bring {count} messages"))??;
    Ok((begin.context("a beginning")?, messages))
}

async fn verify(api: &Api, number: u32) -> Result<String> {
    let receipt = Receipt::numbered(number);
    let evidence = api.evidence("a.txt", receipt.text()).await?;
    let id = api.start("expense_receipt", &receipt.claim(), &[evidence]).await?;
    api.ended(&id).await?;
    Ok(id)
}

#[test]
fn a_tenant_without_endpoints_hears_everything_in_order_and_goes_on_where_it_was() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let other = tenant::without_review(stack).await?.api;
        let (now, theirs) = (open(&api, "", None).await?, open(&other, "", None).await?);
        let first = verify(&api, 710).await?;
        let second = verify(&api, 711).await?;
        let foreign = verify(&other, 712).await?;

        let (begin, messages) = read(now, 4).await?;
        ensure!(begin == 0, "{begin}");
        ensure!(messages.iter().map(|message| message.number).eq(1..=4), "{messages:?}");
        for (message, (id, kind)) in messages
            .iter()
            .zip([&first, &second].into_iter().flat_map(|id| ["verification.provisional", "verification.final"].map(|kind| (id, kind))))
        {
            ensure!(message.kind() == kind && message.data["body"]["data"]["verification_id"] == id.as_str(), "{message:?}");
            ensure!(message.data["event_id"].as_str().is_some_and(|id| id.starts_with("evt_")), "{message:?}");
        }
        let (_, heard) = read(theirs, 2).await?;
        ensure!(heard.iter().all(|message| message.data["body"]["data"]["verification_id"] == foreign.as_str()), "{heard:?}");

        let (begin, rest) = read(open(&api, "", Some(1)).await?, 3).await?;
        ensure!(begin == 1 && rest == messages[1..], "{rest:?}");
        let (_, finals) = read(open(&api, "?events=review.overdue,verification.final", Some(0)).await?, 2).await?;
        ensure!(finals == [messages[1].clone(), messages[3].clone()], "{finals:?}");
        let (_, again) = read(open(&api, "?since=2020-01-01T00:00:00Z", None).await?, 4).await?;
        ensure!(again == messages, "{again:?}");
        let (begin, _) = read(open(&api, "?since=2100-01-01T00:00:00Z", None).await?, 0).await?;
        ensure!(begin == 4, "{begin}");
        // A database that was put back to an earlier time counts anew from there.
        let ahead = open(&api, "", Some(1_000)).await?;
        let third = verify(&api, 713).await?;
        let (begin, later) = read(ahead, 2).await?;
        ensure!(begin == 4 && later.iter().all(|message| message.data["body"]["data"]["verification_id"] == third.as_str()), "{later:?}");
        Ok(())
    });
}

#[test]
fn the_stream_has_what_endpoints_are_sent_byte_for_byte() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        // Nobody listens there.
        let endpoint = api.post("/v1/webhook_endpoints", &json!({ "url": "http://127.0.0.1:9/" })).await?.expect(201)?.json();
        let path = format!("/v1/webhook_endpoints/{}/test", endpoint["id"].as_str().context("an id")?);
        let stream = open(&api, "", None).await?;
        let sent = api.post(&path, &json!({ "type": "review.overdue" })).await?.expect(202)?;
        let (_, messages) = read(stream, 1).await?;
        let delivery = api.get(sent.header("location")).await?.expect(200)?.json();
        ensure!(messages[0].data["event_id"] == delivery["event_id"], "{messages:?} for {delivery}");
        ensure!(messages[0].data["body"] == delivery["body"], "{messages:?} for {delivery}");
        ensure!(messages[0].data["body"]["data"]["test"] == true, "{messages:?}");
        Ok(())
    });
}

#[test]
fn the_stream_is_for_keys_that_may_and_not_too_many_at_a_time() {
    machine::together(async |stack| {
        let tenant = tenant::without_review(stack).await?;
        let api = &tenant.api;
        for query in ["?events=final", "?events=", "?since=yesterday", "?after=1"] {
            api.get(&format!("{PATH}{query}")).await?.problem(400, "invalid_parameter").with_context(|| query)?;
        }
        api.send(api.request(Method::GET, PATH).header("Last-Event-ID", "evt_1")).await?.problem(400, "invalid_parameter")?;
        let key = store::api_key::generate(true);
        let grant = KeyGrant { name: "narrow".to_owned(), scopes: vec![scope::VERIFICATIONS_READ.to_owned()], expires_at: None };
        let mut tx = tenant::store(stack)?.begin_relay().await?;
        store::api_key::create(&mut tx, tenant.id, &key, &grant, "operator:test").await?;
        tx.commit().await?;
        Api::new(&stack.endpoints().gateway_url, &key.plain_text)?.get(PATH).await?.problem(403, "missing_scope")?;

        let mut streams = Vec::new();
        for _ in 0..20 {
            streams.push(open(api, "", None).await?);
        }
        let refused = api.get(PATH).await?;
        ensure!(!refused.header("retry-after").is_empty(), "{:?}", refused.headers);
        refused.problem(429, "too_many_streams")?;
        drop(streams);
        Ok(())
    });
}
