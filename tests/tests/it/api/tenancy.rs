//! What belongs to one tenant does not exist for another, whichever route is asked.

use anyhow::{Context, ensure};
use domain::policy::{Policy, ReviewRule};
use reqwest::Method;
use serde_json::{Value, json};
use tests::receipt::Receipt;
use tests::{machine, tenant};

#[test]
fn every_route_hides_one_tenants_ids_from_another() {
    machine::together(async |stack| {
        let always = Policy { review: ReviewRule::Always, ..Policy::default() };
        let (owner, stranger) = (tenant::under(stack, &always).await?.api, tenant::under(stack, &always).await?.api);
        let receipt = Receipt::numbered(400);
        let evidence = owner.evidence("a.txt", receipt.text()).await?;
        let verification = owner.start("expense_receipt", &receipt.claim(), std::slice::from_ref(&evidence)).await?;
        let seen = owner.until(&verification, "in review", |seen| seen["status"] == "in_review").await?;
        let review = seen["review_id"].as_str().context("a review")?;
        // Nobody listens there.
        let endpoint = owner.post("/v1/webhook_endpoints", &json!({ "url": "http://127.0.0.1:9/a" })).await?.expect(201)?.json();
        let endpoint = endpoint["id"].as_str().context("an endpoint")?;
        let delivery = owner.post(&format!("/v1/webhook_endpoints/{endpoint}/test"), &json!({})).await?.expect(202)?.json();
        let delivery = delivery["id"].as_str().context("a delivery")?;
        let ids = [
            ("evidence", evidence.as_str()),
            ("verifications", &verification),
            ("reviews", review),
            ("webhook_endpoints", endpoint),
            ("webhook_deliveries", delivery),
        ];
        let description = owner.get("/openapi.json").await?.expect(200)?.json();

        let mut asked = 0;
        for (path, operations) in description["paths"].as_object().context("paths")? {
            let Some(address) = address(path, &ids) else { continue };
            for method in operations.as_object().context("operations")?.keys() {
                let method: Method = method.to_uppercase().parse()?;
                let request = stranger.request(method.clone(), &address).header("Idempotency-Key", format!("{asked}"));
                let request = match method {
                    Method::POST => request.header("If-Match", "*").json(&body(path)),
                    Method::PUT | Method::PATCH => request.header("If-Match", "*").json(&json!({ "url": "http://127.0.0.1:9/b" })),
                    _ => request,
                };
                let answer = stranger.send(request).await?;
                answer.problem(404, "not_found").with_context(|| format!("{method} {path}"))?;
                asked += 1;
            }
        }

        ensure!(asked >= 20, "only {asked} routes with an id");
        let of_endpoint = format!("/v1/webhook_deliveries?endpoint={endpoint}");
        for list in ["/v1/verifications", "/v1/reviews", "/v1/webhook_endpoints", "/v1/webhook_deliveries", &of_endpoint] {
            ensure!(stranger.get(list).await?.expect(200)?.json()["data"] == json!([]), "{list}");
        }
        let foreign = json!({ "claim_type": "expense_receipt", "claim": receipt.claim(), "evidence": [evidence] });
        let refused = stranger.post("/v1/verifications", &foreign).await?.problem(404, "unknown_evidence")?;
        ensure!(refused["errors"][0]["pointer"] == "/evidence/0", "{refused}");
        // The same bytes are another evidence for another tenant.
        ensure!(stranger.evidence("a.txt", receipt.text()).await? != evidence, "evidence is shared");
        let unharmed = owner.get(&format!("/v1/verifications/{verification}")).await?.expect(200)?.json();
        ensure!(unharmed["status"] == "in_review" && unharmed["cancel_requested"] == false, "{unharmed}");
        let unharmed = owner.get(&format!("/v1/webhook_endpoints/{endpoint}")).await?.expect(200)?.json();
        ensure!(unharmed["url"] == "http://127.0.0.1:9/a" && unharmed["enabled"] == true, "{unharmed}");
        Ok(())
    });
}

/// The path with the owner's ids in it; none for a path that names nothing of a tenant.
fn address(path: &str, ids: &[(&str, &str)]) -> Option<String> {
    let resource = path.strip_prefix("/v1/")?.split_once("/{id}")?.0;
    let (_, id) = ids.iter().find(|(name, _)| *name == resource)?;
    Some(path.replace("{id}", id).replace("{page}", "1.png"))
}

/// A body that is in order, so that the id is all that can be wrong.
fn body(path: &str) -> Value {
    match path.rsplit('/').next().unwrap_or_default() {
        "renew" | "release" => json!({ "token": "t", "generation": 1 }),
        "decide" => json!({ "token": "t", "generation": 1, "verdict": "supported" }),
        "ask" => json!({ "token": "t", "generation": 1, "text": "the second page" }),
        "evidence" => json!({ "evidence": ["evd_0190163d8694739b8a2f1c9e5d4b6a70"] }),
        "corrections" => json!({ "verdict": "refuted", "note": "n" }),
        "escalate" => json!({ "reason": "r" }),
        "replay" => json!({ "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z" }),
        _ => json!({}),
    }
}

#[test]
fn a_key_that_is_no_key_gets_nowhere() {
    machine::together(async |stack| {
        let url = &stack.endpoints().gateway_url;
        for key in ["", "assay_live_0123456789abcdef", "nonsense"] {
            let api = tests::api::Api::new(url, key)?;
            for path in ["/v1/verifications", "/v1/capabilities", "/v1/claim_types"] {
                api.get(path).await?.problem(401, "unauthenticated")?;
            }
        }
        Ok(())
    });
}
