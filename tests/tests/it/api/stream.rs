//! The stream of one verification: every step once, from where the client left off, until there is no more.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::policy::{Policy, ReviewRule};
use futures::StreamExt;
use reqwest::{Method, Response};
use serde_json::Value;
use tests::api::Api;
use tests::receipt::Receipt;
use tests::{machine, tenant};

/// Nothing that a test streams takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One message: its number, if it has one, and its data.
#[derive(Debug)]
struct Message {
    id: Option<i64>,
    data: Value,
}

async fn open(api: &Api, id: &str, after: Option<i64>) -> Result<Response> {
    let request = api.request(Method::GET, &format!("/v1/verifications/{id}/stream"));
    let request = match after {
        Some(after) => request.header("Last-Event-ID", after.to_string()),
        None => request,
    };
    request.send().await.context("open a stream")
}

/// The messages as they come (WHATWG HTML, 9.2.6), until the stream ends or one is as wanted.
async fn read(response: Response, wanted: impl Fn(&Message) -> bool) -> Result<Vec<Message>> {
    ensure!(response.headers()["content-type"] == "text/event-stream", "{:?}", response.headers());
    ensure!(response.headers()["cache-control"] == "no-store", "{:?}", response.headers());
    let mut bytes = response.bytes_stream();
    let (mut text, mut messages) = (String::new(), Vec::new());
    let reading = async {
        while let Some(piece) = bytes.next().await {
            text.push_str(std::str::from_utf8(&piece?)?);
            while let Some((block, rest)) = text.split_once("\n\n").map(|(block, rest)| (block.to_owned(), rest.to_owned())) {
                text = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                let Some(data) = field("data") else { continue };
                ensure!(field("event") == Some("verification.updated"), "{block}");
                let id = field("id").map(str::parse).transpose()?;
                messages.push(Message { id, data: serde_json::from_str(data)? });
                if messages.last().is_some_and(&wanted) {
                    return Ok(());
                }
            }
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, reading).await.context("the stream did not end")??;
    Ok(messages)
}

fn steps(messages: &[Message]) -> Vec<i64> {
    messages.iter().filter_map(|message| message.id).collect()
}

#[test]
fn a_stream_brings_every_step_once_and_ends_with_the_verification() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let receipt = Receipt::numbered(700);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let id = api.start("expense_receipt", &receipt.claim(), &[evidence]).await?;

        let messages = read(open(&api, &id, None).await?, |_| false).await?;

        let timeline = api.events(&id).await?;
        let numbers: Vec<i64> = timeline.iter().filter_map(|event| event["sequence"].as_i64()).collect();
        ensure!(steps(&messages) == numbers, "{:?} is not {numbers:?}", steps(&messages));
        let last = &messages.last().context("a message")?.data;
        ensure!(last["status"] == "final" && last["verdict"] == "supported" && last["type"] == "verification.final", "{last}");

        let middle = numbers[1];
        let rest = read(open(&api, &id, Some(middle)).await?, |_| false).await?;
        ensure!(steps(&rest) == numbers[2..], "{rest:?}");
        let nothing = open(&api, &id, numbers.last().copied()).await?;
        ensure!(nothing.status() == 204, "{}", nothing.status());
        Ok(())
    });
}

#[test]
fn a_stream_is_for_those_who_may_see_it_and_not_too_many_of_them() {
    machine::together(async |stack| {
        let api = tenant::under(stack, &Policy { review: ReviewRule::Always, ..Policy::default() }).await?.api;
        let other = tenant::without_review(stack).await?.api;
        let receipt = Receipt::numbered(701);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let id = api.start("expense_receipt", &receipt.claim(), &[evidence]).await?;
        let path = format!("/v1/verifications/{id}/stream");
        other.get(&path).await?.problem(404, "not_found")?;
        api.send(api.request(Method::GET, &path).header("Last-Event-ID", "first")).await?.problem(400, "invalid_parameter")?;

        let mut streams = Vec::new();
        for _ in 0..20 {
            let stream = open(&api, &id, None).await?;
            ensure!(stream.status() == 200, "{}", stream.status());
            streams.push(stream);
        }
        let refused = api.get(&path).await?;
        ensure!(!refused.header("retry-after").is_empty(), "{:?}", refused.headers);
        refused.problem(429, "too_many_streams")?;

        let kept = streams.pop().context("a stream")?;
        drop(streams);
        let messages = read(kept, |message| message.data["type"] == "review.opened").await?;
        ensure!(messages.last().is_some_and(|message| message.data["status"] == "in_review"), "{messages:?}");
        Ok(())
    });
}
