//! Two people answer through the API, and the same workflow goes on: with what both said, or with what a third made of it.

use anyhow::{Context, Result, ensure};
use domain::policy::Policy;
use serde_json::{Value, json};
use tests::api::Api;
use tests::receipt::Receipt;
use tests::{machine, tenant};

use crate::review;

/// Everything goes to two people.
fn double() -> Policy {
    Policy { double_review_sample_percent: 100, ..review::always() }
}

/// Says the same of every field: that it shows the value that the claim has, or none.
fn every_field(lease: &Value, reviewer: &str, claim: &Value, verdict: &str) -> Value {
    let found = |value: &Value| if verdict == "supported" { value.clone() } else { Value::Null };
    let word = |(field, value): (&String, &Value)| json!({ "field": field, "verdict": verdict, "found": found(value) });
    let checks: Vec<Value> = claim.as_object().into_iter().flatten().map(word).collect();
    json!({
        "token": lease["token"], "generation": lease["generation"], "reviewer": reviewer, "verdict": verdict, "checks": checks,
        "note": format!("canary of {reviewer}"),
    })
}

/// The part of a verification's round that is open.
async fn open(api: &Api, id: &str) -> Result<String> {
    let seen = api.get(&format!("/v1/verifications/{id}")).await?.expect(200)?.json();
    Ok(seen["review_id"].as_str().context("a review")?.to_owned())
}

/// Everything that a client can read of a verification and its reviews.
async fn everything(api: &Api, id: &str, reviews: &[&str]) -> Result<String> {
    let mut text = String::new();
    let paths = [format!("/v1/verifications/{id}"), format!("/v1/verifications/{id}/events?limit=100"), "/v1/reviews".to_owned()];
    for path in paths.into_iter().chain(reviews.iter().map(|review| format!("/v1/reviews/{review}"))) {
        text += &api.get(&path).await?.expect(200)?.json().to_string();
    }
    Ok(text)
}

#[test]
fn two_who_agree_are_one_decision_and_neither_reads_the_other() {
    machine::together(async |stack| {
        let api = tenant::under(stack, &double()).await?.api;
        let receipt = Receipt::numbered(760);
        let (id, first) = review::waiting(&api, receipt, &receipt.claim()).await?;
        let lease = review::claim(&api, &first, "r1", 60).await?;
        ensure!((&lease["review"]["part"], &lease["review"]["wanted"]) == (&json!(1), &json!(2)), "{lease}");
        let answer = every_field(&lease, "r1", &receipt.claim(), "supported");
        let kept = api.post(&format!("/v1/reviews/{first}/decide"), &answer).await?.expect(200)?.json();
        ensure!(kept["delivery"] == "kept", "{kept}");

        let second = open(&api, &id).await?;
        ensure!(second != first, "another part");
        let text = everything(&api, &id, &[&first, &second]).await?;
        ensure!(!text.contains("canary of") && !text.contains("decision_sha256"), "{text}");
        api.post(&format!("/v1/reviews/{second}/claim"), &json!({ "reviewer": "r1" })).await?.problem(409, "four_eyes")?;
        ensure!(api.post("/v1/reviews:next", &json!({ "reviewer": "r1" })).await?.status == 204, "not theirs");
        let lease = api.post("/v1/reviews:next", &json!({ "reviewer": "r2", "lease_seconds": 60 })).await?.expect(200)?.json();
        ensure!(lease["review_id"] == second.as_str() && lease["review"]["part"] == 2, "{lease}");
        ensure!(lease["review"]["provisional"].is_null() && lease["review"]["blockers"] == json!([]), "blind: {lease}");
        let decide = format!("/v1/reviews/{second}/decide");
        let partly = json!({ "token": lease["token"], "generation": lease["generation"], "reviewer": "r2", "verdict": "supported" });
        api.post(&decide, &partly).await?.problem(422, "invalid_decision")?;
        let answer = every_field(&lease, "r2", &receipt.claim(), "supported");
        let settled = api.post(&decide, &answer).await?.expect(200)?.json();
        ensure!(settled["delivery"] == "delivered", "{settled}");

        let ended = api.ended(&id).await?;
        ensure!(ended["status"] == "final" && ended["verdict"] == "supported" && ended["final"]["decided_by"] == "human", "{ended}");
        let seen = api.get(&format!("/v1/reviews/{first}")).await?.expect(200)?.json();
        let settles: Vec<&Value> = seen["answers"].as_array().context("answers")?.iter().map(|answer| &answer["settles"]).collect();
        ensure!(settles == [&json!(false), &json!(true)], "{seen}");
        let kinds: Vec<String> = api.events(&id).await?.iter().filter_map(|event| Some(event["type"].as_str()?.to_owned())).collect();
        for (kind, times) in [("review.opened", 2), ("review.answered", 1), ("review.decided", 1)] {
            ensure!(kinds.iter().filter(|seen| *seen == kind).count() == times, "{kind} in {kinds:?}");
        }
        Ok(())
    });
}

#[test]
fn where_two_differ_a_third_reads_both_and_their_word_is_the_result() {
    machine::together(async |stack| {
        let api = tenant::under(stack, &double()).await?.api;
        let receipt = Receipt::numbered(761);
        let (id, first) = review::waiting(&api, receipt, &receipt.claim()).await?;
        let mut part = first;
        for (reviewer, verdict) in [("r1", "supported"), ("r2", "refuted")] {
            let lease = review::claim(&api, &part, reviewer, 60).await?;
            let answer = every_field(&lease, reviewer, &receipt.claim(), verdict);
            let kept = api.post(&format!("/v1/reviews/{part}/decide"), &answer).await?.expect(200)?.json();
            ensure!(kept["delivery"] == "kept", "{kept}");
            part = open(&api, &id).await?;
        }
        let text = everything(&api, &id, &[&part]).await?;
        ensure!(!text.contains("canary of"), "{text}");
        for reviewer in ["r1", "r2"] {
            api.post(&format!("/v1/reviews/{part}/claim"), &json!({ "reviewer": reviewer })).await?.problem(409, "four_eyes")?;
        }
        let lease = review::claim(&api, &part, "r3", 60).await?;
        let notes: Vec<&Value> = lease["review"]["answers"].as_array().context("both")?.iter().map(|answer| &answer["note"]).collect();
        ensure!(notes == [&json!("canary of r1"), &json!("canary of r2")], "{lease}");
        let answer = every_field(&lease, "r3", &receipt.claim(), "insufficient");
        let settled = api.post(&format!("/v1/reviews/{part}/decide"), &answer).await?.expect(200)?.json();
        ensure!(settled["delivery"] == "delivered", "{settled}");
        let ended = api.ended(&id).await?;
        ensure!(ended["status"] == "final" && ended["verdict"] == "insufficient" && ended["final"]["decided_by"] == "human", "{ended}");
        Ok(())
    });
}

#[test]
fn one_answer_is_none_when_the_time_is_over() {
    machine::together(async |stack| {
        let policy = Policy { review_sla_seconds: 3, review_expiry_seconds: 8, ..double() };
        let api = tenant::under(stack, &policy).await?.api;
        let receipt = Receipt::numbered(762);
        let (id, first) = review::waiting(&api, receipt, &receipt.claim()).await?;
        let lease = review::claim(&api, &first, "r1", 60).await?;
        api.post(&format!("/v1/reviews/{first}/decide"), &every_field(&lease, "r1", &receipt.claim(), "supported")).await?.expect(200)?;
        let second = open(&api, &id).await?;
        let ended = api.ended(&id).await?;
        ensure!(ended["status"] == "expired" && ended["verdict"] == "insufficient", "{ended}");
        let seen = api.get(&format!("/v1/reviews/{second}")).await?.expect(200)?.json();
        ensure!(seen["status"] == "expired" && !seen["escalated_at"].is_null(), "the part that was open: {seen}");
        ensure!(
            seen["answers"].as_array().is_some_and(|answers| answers.len() == 1 && answers[0]["settles"] == false),
            "it is kept: {seen}"
        );
        Ok(())
    });
}
