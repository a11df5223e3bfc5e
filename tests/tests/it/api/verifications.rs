//! Verifications: waited for, followed, listed, called off.

use std::collections::HashSet;

use anyhow::{Context, ensure};
use domain::policy::{Policy, ReviewRule};
use reqwest::Method;
use serde_json::{Value, json};
use tests::receipt::Receipt;
use tests::{machine, tenant};

#[test]
fn a_client_that_prefers_to_wait_gets_the_result_at_once() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let receipt = Receipt::numbered(200);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let body = json!({
            "claim_type": "expense_receipt", "claim": receipt.claim(), "evidence": [evidence], "priority": "urgent", "metadata": { "row": 7 }
        });

        let request = api.request(Method::POST, "/v1/verifications").header("Idempotency-Key", "200").header("Prefer", "wait=10");
        let answer = api.send(request.json(&body)).await?.expect(200)?;

        ensure!(answer.header("preference-applied").contains("wait"), "{:?}", answer.headers);
        let shown = answer.json();
        let once_more = api.request(Method::GET, answer.header("location")).header("Prefer", "wait=10");
        let read = api.send(once_more).await?.expect(200)?;
        ensure!(read.header("preference-applied") == "wait=10" && read.json()["provisional"] == shown["provisional"], "{:?}", read.headers);
        ensure!(answer.header("location") == format!("/v1/verifications/{}", shown["id"].as_str().context("an id")?), "location");
        ensure!(
            shown["provisional"]["verdict"] == "supported" && shown["metadata"]["row"] == 7 && shown["priority"] == "urgent",
            "{shown}"
        );
        let total = shown["provisional"]["checks"].as_array().and_then(|checks| checks.iter().find(|check| check["field"] == "total"));
        let region = &total.context("a check of the total")?["regions"][0];
        ensure!(region["evidence_id"] == evidence.as_str() && region["page"] == 1, "where it shows: {region}");
        let inside =
            region["bbox"].as_array().is_some_and(|bbox| bbox.iter().all(|edge| (0.0..=1.0).contains(&edge.as_f64().unwrap_or(2.0))));
        ensure!(inside, "{region}");
        Ok(())
    });
}

#[test]
fn a_client_follows_a_verification_by_long_polls_and_etags() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let receipt = Receipt::numbered(201);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let body = json!({ "claim_type": "expense_receipt", "claim": receipt.wrong_claim(), "evidence": [evidence] });

        let accepted = api.post("/v1/verifications", &body).await?.expect(202)?;

        ensure!(!accepted.header("retry-after").is_empty(), "{:?}", accepted.headers);
        let path = accepted.header("location").to_owned();
        let waited = api.get(&format!("{path}?wait=30")).await?.expect(200)?.json();
        ensure!(waited["provisional"]["verdict"] == "refuted", "{waited}");
        let id = waited["id"].as_str().context("an id")?;
        let ended = api.ended(id).await?;
        ensure!(ended["final"]["decided_by"] == "rule" && !ended["provisional"].is_null(), "both results are kept: {ended}");
        let tag = api.get(&path).await?.header("etag").to_owned();
        let unchanged = api.send(api.request(Method::GET, &path).header("If-None-Match", &tag)).await?.expect(304)?;
        ensure!(unchanged.body.is_empty(), "a body with 304");
        Ok(())
    });
}

#[test]
fn the_timeline_has_every_step_once_and_in_order() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let receipt = Receipt::numbered(202);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let id = api.start("expense_receipt", &receipt.claim(), &[evidence]).await?;
        api.ended(&id).await?;

        let events = api.events(&id).await?;

        let sequences: Vec<i64> = events.iter().filter_map(|event| event["sequence"].as_i64()).collect();
        ensure!(sequences == (1..=events.len() as i64).collect::<Vec<_>>(), "{sequences:?}");
        let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
        ensure!(
            kinds == ["verification.accepted", "verification.processing", "verification.provisional", "verification.final"],
            "{kinds:?}"
        );
        let times: Vec<&str> = events.iter().filter_map(|event| event["at"].as_str()).collect();
        ensure!(times.is_sorted(), "{times:?}");
        let later = api.get(&format!("/v1/verifications/{id}/events?after=3")).await?.expect(200)?.json();
        ensure!(later["data"][0]["sequence"] == 4, "{later}");
        Ok(())
    });
}

#[test]
fn a_list_is_filtered_and_paged_without_loss() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let mut ids = Vec::new();
        for number in 210..217 {
            let receipt = Receipt::numbered(number);
            let evidence = api.evidence("a.txt", receipt.text()).await?;
            let claim = if number == 213 { receipt.wrong_claim() } else { receipt.claim() };
            ids.push(api.start("expense_receipt", &claim, &[evidence]).await?);
        }
        for id in &ids {
            api.ended(id).await?;
        }
        // Newest first.
        ids.reverse();

        let (mut seen, mut path) = (Vec::new(), "/v1/verifications?limit=3&status=final".to_owned());
        loop {
            let answer = api.get(&path).await?.expect(200)?;
            let page = answer.json();
            seen.extend(names(&page));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            ensure!(page["has_more"] == true && answer.header("link").contains("rel=\"next\""), "{:?}", answer.headers);
            path = format!("/v1/verifications?limit=3&status=final&cursor={cursor}");
        }

        ensure!(seen == ids, "{seen:?} instead of {ids:?}");
        let refuted = names(&api.get("/v1/verifications?verdict=refuted").await?.expect(200)?.json());
        ensure!(refuted == [ids[3].clone()], "{refuted:?}");
        ensure!(names(&api.get("/v1/verifications?claim_type=invoice").await?.expect(200)?.json()).is_empty(), "no invoices");
        let elsewhere = path.replace("status=final", "status=failed");
        api.get(&elsewhere).await?.problem(400, "invalid_cursor")?;
        api.get("/v1/verifications?colour=blue").await?.problem(400, "invalid_parameter")?;
        Ok(())
    });
}

fn names(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().into_iter().flatten();
    data.filter_map(|row| row["id"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_verification_is_canceled_once() {
    machine::together(async |stack| {
        // A person is waited for, so there is time to change one's mind.
        let api = tenant::under(stack, &Policy { review: ReviewRule::Always, ..Policy::default() }).await?.api;
        let receipt = Receipt::numbered(220);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let id = api.start("expense_receipt", &receipt.claim(), &[evidence]).await?;
        let cancel = format!("/v1/verifications/{id}/cancel");
        let review = api.until(&id, "in review", |seen| seen["status"] == "in_review").await?["review_id"].clone();

        let wished = api.post(&cancel, &json!({})).await?.expect(202)?.json();

        ensure!(wished["cancel_requested"] == true, "{wished}");
        let ended = api.ended(&id).await?;
        ensure!(ended["status"] == "canceled" && ended["final"].is_null() && !ended["provisional"].is_null(), "{ended}");
        api.post(&cancel, &json!({})).await?.problem(409, "already_terminal")?;
        let kinds: HashSet<String> = api.events(&id).await?.iter().filter_map(|event| Some(event["type"].as_str()?.to_owned())).collect();
        ensure!(kinds.contains("verification.cancel_requested") && kinds.contains("verification.canceled"), "{kinds:?}");
        ensure!(review.is_string(), "a review was open");
        Ok(())
    });
}
