//! One request, however often it is sent.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Answer, Api};
use tests::receipt::Receipt;
use tests::{engine, machine, tenant, wait};

async fn post(api: &Api, key: &str, body: &Value) -> anyhow::Result<Answer> {
    api.send(api.request(Method::POST, "/v1/verifications").header("Idempotency-Key", key).json(body)).await
}

#[test]
fn a_repeated_request_is_one_verification_with_one_workflow() {
    machine::together(async |stack| {
        let tenant = tenant::without_review(stack).await?;
        let api = &tenant.api;
        let receipt = Receipt::numbered(300);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let body = json!({ "claim_type": "expense_receipt", "claim": receipt.claim(), "evidence": [evidence] });

        let answers = try_join_all((0..12).map(|_| post(api, "300", &body))).await?;

        let mut ids = HashSet::new();
        for answer in &answers {
            match answer.status {
                202 => ids.insert(answer.json()["id"].as_str().context("an id")?.to_owned()),
                // A repeat that comes before the first was answered.
                409 => ensure_in_progress(answer)?,
                other => anyhow::bail!("{other}: {}", answer.json()),
            };
        }
        ensure!(ids.len() == 1, "{ids:?}");
        let id = ids.into_iter().next().context("one id")?;
        let ended = api.ended(&id).await?;
        let again = post(api, "300", &body).await?.expect(202)?;
        ensure!(again.header("idempotent-replayed") == "true" && again.json()["id"] == id.as_str(), "{:?}", again.headers);
        let listed = api.get("/v1/verifications").await?.expect(200)?.json();
        ensure!(listed["data"].as_array().map(Vec::len) == Some(1), "{listed}");
        ensure!(ended["status"] == "final", "{ended}");
        let client = engine::client(stack).await?;
        ensure!(!engine::history(&client, &id).await?.is_empty(), "no workflow");
        let listed = wait::until("the workflow in the server's list", Duration::from_secs(20), async || {
            Ok(Some(engine::workflows_of(&client, tenant.id).await?).filter(|count| *count > 0))
        });
        ensure!(listed.await? == 1, "more than one workflow for one key");
        Ok(())
    });
}

fn ensure_in_progress(answer: &Answer) -> anyhow::Result<bool> {
    answer.clone().problem(409, "idempotency_in_progress").map(|_| true)
}

#[test]
fn a_key_belongs_to_one_request() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let receipt = Receipt::numbered(301);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let body = |claim| json!({ "claim_type": "expense_receipt", "claim": claim, "evidence": [evidence] });
        post(&api, "301", &body(receipt.claim())).await?.expect(202)?;

        post(&api, "301", &body(receipt.wrong_claim())).await?.problem(422, "idempotency_key_reused")?;

        let without = api.request(Method::POST, "/v1/verifications").json(&body(receipt.claim()));
        api.send(without).await?.problem(400, "idempotency_key_missing")?;
        Ok(())
    });
}
