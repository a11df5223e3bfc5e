//! A settled verdict is overturned through the API: by who saw it, once, with both kept.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Answer, Api};
use tests::receipt::Receipt;
use tests::{machine, tenant};

async fn correct(api: &Api, id: &str, tag: Option<&str>, key: Option<&str>, body: &Value) -> Result<Answer> {
    let mut request = api.request(Method::POST, &format!("/v1/verifications/{id}/corrections")).json(body);
    if let Some(tag) = tag {
        request = request.header("If-Match", tag);
    }
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    api.send(request).await
}

#[test]
fn a_settled_verdict_is_corrected_by_who_saw_it() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let receipt = Receipt::numbered(791);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let id = api.start("expense_receipt", &receipt.claim(), &[evidence]).await?;
        let ended = api.ended(&id).await?;
        ensure!(ended["verdict"] == "supported" && ended["corrections"] == 0, "{ended}");
        let seen = api.get(&format!("/v1/verifications/{id}")).await?.header("etag").to_owned();

        let words = json!({
            "verdict": "refuted", "note": "the paper was altered", "reviewer": "r-7",
            "checks": [{ "field": "total", "verdict": "refuted", "reason": "altered" }]
        });
        correct(&api, &id, None, None, &words).await?.problem(428, "precondition_required")?;
        correct(&api, &id, Some("\"0.0\""), None, &words).await?.problem(412, "precondition_failed")?;
        let same = json!({ "verdict": "supported", "note": "as it is" });
        let refused = correct(&api, &id, Some(&seen), None, &same).await?.problem(422, "invalid_decision")?;
        ensure!(refused["errors"][0]["code"] == "nothing_corrected", "{refused}");
        let crossed = json!({ "verdict": "supported", "note": "?", "checks": words["checks"] });
        let refused = correct(&api, &id, Some(&seen), None, &crossed).await?.problem(422, "invalid_decision")?;
        ensure!(refused["errors"][0]["pointer"] == "/verdict", "{refused}");
        let bare = json!({ "verdict": "refuted", "checks": words["checks"] });
        let refused = correct(&api, &id, Some(&seen), None, &bare).await?.problem(422, "invalid_body")?;
        ensure!(refused["errors"][0]["pointer"] == "/note", "{refused}");

        let done = correct(&api, &id, Some(&seen), Some("once"), &words).await?.expect(201)?.json();
        ensure!(done["number"] == 1 && done["before"]["verdict"] == "supported" && done["after"]["verdict"] == "refuted", "{done}");
        let again = correct(&api, &id, Some(&seen), Some("once"), &words).await?.expect(201)?.json();
        ensure!(again == done, "a repeat gets the same answer: {again}");
        correct(&api, &id, Some(&seen), None, &words).await?.problem(412, "precondition_failed")?;

        let now = api.get(&format!("/v1/verifications/{id}")).await?.expect(200)?.json();
        ensure!(now["verdict"] == "refuted" && now["final"]["decided_by"] == "human" && now["corrections"] == 1, "{now}");
        ensure!(now["provisional"]["verdict"] == "supported", "the machine's own stays: {now}");
        let list = api.get(&format!("/v1/verifications/{id}/corrections")).await?.expect(200)?.json();
        ensure!(list["data"] == json!([done]), "{list}");
        ensure!(list["data"][0]["actor"].as_str().is_some_and(|actor| actor.ends_with("/r-7")), "{list}");
        let told = api.events(&id).await?;
        let last = told.last().cloned().unwrap_or_default();
        ensure!(last["type"] == "verification.corrected" && last["data"]["to"] == "refuted", "{last}");
        ensure!(!last.to_string().contains("altered"), "what a person wrote stands in no event: {last}");
        Ok(())
    });
}

#[test]
fn what_has_not_ended_with_a_verdict_is_not_corrected() {
    machine::together(async |stack| {
        let api =
            tenant::under(stack, &domain::policy::Policy { review: domain::policy::ReviewRule::Always, ..Default::default() }).await?.api;
        let receipt = Receipt::numbered(792);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let id = api.start("expense_receipt", &receipt.claim(), &[evidence]).await?;
        api.until(&id, "in review", |seen| seen["status"] == "in_review").await?;
        let words = json!({ "verdict": "refuted", "note": "?", "checks": [{ "field": "total", "verdict": "refuted" }] });
        correct(&api, &id, Some("*"), None, &words).await?.problem(409, "not_settled")?;
        api.post(&format!("/v1/verifications/{id}/cancel"), &json!({})).await?.expect(202)?;
        api.ended(&id).await?;
        correct(&api, &id, Some("*"), None, &words).await?.problem(409, "not_settled")?;
        let unknown = "ver_0190163d8694739b8a2f1c9e5d4b6a70";
        correct(&api, unknown, Some("*"), None, &words).await?.problem(404, "not_found")?;
        Ok(())
    });
}
