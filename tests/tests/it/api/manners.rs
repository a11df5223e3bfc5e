//! How every answer looks: problem documents from wherever they come, headers, the description of the API itself.

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::json;
use tests::receipt::Receipt;
use tests::{machine, tenant};

#[test]
fn all_faults_of_a_claim_are_told_together_and_in_place() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let evidence = api.evidence("a.txt", Receipt::numbered(500).text()).await?;
        let claim =
            json!({ "merchant": 7, "date": "30th of March", "total": { "amount": "9.999", "currency": "Pounds" }, "colour": "red" });

        let body = json!({ "claim_type": "expense_receipt", "claim": claim, "evidence": [evidence] });
        let problem = api.post("/v1/verifications", &body).await?.problem(422, "invalid_claim")?;

        let pointers: Vec<&str> =
            problem["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect();
        for pointer in ["/claim/merchant", "/claim/date", "/claim/total/amount", "/claim/total/currency", "/claim/colour"] {
            ensure!(pointers.contains(&pointer), "{pointer} is not in {pointers:?}");
        }
        ensure!(problem["retryable"] == false, "{problem}");
        let body = json!({ "claim_type": "love_letter", "claim": {}, "evidence": [evidence] });
        api.post("/v1/verifications", &body).await?.problem(422, "unknown_claim_type")?;
        Ok(())
    });
}

#[test]
fn whatever_is_wrong_is_a_problem_document() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let path = "/v1/verifications";
        let post = || api.request(Method::POST, path).header("Idempotency-Key", "k");

        api.get("/v1/nowhere").await?.problem(404, "not_found")?;
        let wrong_method = api.send(api.request(Method::DELETE, path)).await?;
        ensure!(wrong_method.header("allow").contains("GET"), "{:?}", wrong_method.headers);
        wrong_method.problem(405, "method_not_allowed")?;
        api.send(post().header("content-type", "application/json").body("{\"claim\":")).await?.problem(400, "malformed_json")?;
        api.send(post().header("content-type", "text/plain").body("hello")).await?.problem(415, "unsupported_content_type")?;
        let latin = post().header("content-type", "application/json; charset=iso-8859-1").body("{}");
        api.send(latin).await?.problem(415, "unsupported_content_type")?;
        let packed = post().header("content-type", "application/json").header("content-encoding", "gzip").body("{}");
        api.send(packed).await?.problem(415, "unsupported_content_type")?;
        let large = format!("{{\"metadata\":\"{}\"}}", "x".repeat(2_000_000));
        api.send(post().header("content-type", "application/json").body(large)).await?.problem(413, "too_large")?;
        api.post(path, &json!([])).await?.problem(422, "invalid_body")?;
        api.get("/v1/verifications/ver_nonsense").await?.problem(404, "not_found")?;
        api.get("/v1/verifications?cursor=abc").await?.problem(400, "invalid_cursor")?;
        api.get("/v1/verifications?limit=0").await?.problem(400, "invalid_parameter")?;
        api.upload("a.jpg", Vec::new()).await?.problem(422, "empty_evidence")?;
        let elf = [&b"\x7fELF\x02\x01\x01"[..], &[0; 64]].concat();
        let problem = api.upload("a.bin", elf).await?.problem(415, "unsupported_media_type")?;
        let page = problem["type"].as_str().context("a type")?;
        let page = page.split_once("/problems/").context("an address")?.1;
        let page = api.get(&format!("/problems/{page}")).await?.expect(200)?;
        ensure!(String::from_utf8_lossy(&page.body).contains("JPEG"), "the page says what is read");
        Ok(())
    });
}

#[test]
fn the_description_names_every_answer_and_the_server_says_what_it_can() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;

        let description = api.get("/openapi.json").await?.expect(200)?.json();

        ensure!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", description["openapi"]);
        for (path, operations) in description["paths"].as_object().context("paths")? {
            for (method, operation) in operations.as_object().context("operations")? {
                ensure!(operation["operationId"].is_string(), "{method} {path} has no name");
                ensure!(operation["responses"].as_object().is_some_and(|all| !all.is_empty()), "{method} {path} has no answers");
            }
        }
        let capabilities = api.get("/v1/capabilities").await?.expect(200)?.json();
        ensure!(capabilities["level"] == "L0" && capabilities["limits"]["evidence_bytes"].is_u64(), "{capabilities}");
        let types = api.get("/v1/claim_types").await?.expect(200)?.json();
        let names: Vec<&str> = types["data"].as_array().into_iter().flatten().filter_map(|found| found["name"].as_str()).collect();
        for name in ["expense_receipt", "invoice", "statement", "photo"] {
            ensure!(names.contains(&name), "{name} is not in {names:?}");
            let fields = api.get(&format!("/v1/claim_types/{name}")).await?.expect(200)?.json()["fields"].clone();
            ensure!(fields.as_array().is_some_and(|fields| !fields.is_empty()), "{name}: {fields}");
        }
        for path in ["/livez", "/readyz"] {
            api.get(path).await?.expect(200)?;
        }
        Ok(())
    });
}
