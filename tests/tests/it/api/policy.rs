//! The policy through the API: read with its ETag, replaced with `If-Match`, every version kept.

use anyhow::{Context, Result, ensure};
use domain::policy::Policy;
use domain::scope;
use reqwest::Method;
use serde_json::{Value, json};
use store::api_key::KeyGrant;
use tests::api::{Answer, Api};
use tests::receipt::Receipt;
use tests::{machine, tenant};

const PATH: &str = "/v1/policy";

async fn put(api: &Api, tag: Option<&str>, body: &Value) -> Result<Answer> {
    let request = api.request(Method::PUT, PATH).json(body);
    api.send(match tag {
        Some(tag) => request.header("If-Match", tag),
        None => request,
    })
    .await
}

#[test]
fn a_policy_is_read_replaced_and_its_versions_are_listed() {
    machine::together(async |stack| {
        let api = tenant::under(stack, &Policy::default()).await?.api;
        let first = api.get(PATH).await?.expect(200)?;
        let expected = json!({
            "version": 1, "review": "when_unsure", "review_sample_percent": 0, "review_above": null,
            "double_review_above": null, "double_review_sample_percent": 0, "double_review_reasons": [],
            "review_sla_seconds": 14_400, "review_expiry_seconds": 604_800, "lease_seconds": 300, "review_assignment_cap": 20
        });
        ensure!(first.json() == expected && first.header("etag") == "\"1\"", "{} {}", first.header("etag"), first.json());
        let same = api.send(api.request(Method::GET, PATH).header("If-None-Match", "\"1\"")).await?.expect(304)?;
        ensure!(same.header("etag") == "\"1\"", "{:?}", same.headers);

        // What was read is changed and sent back, its version included.
        let mut wanted = first.json();
        wanted["review"] = json!("always");
        wanted["review_above"] = json!({ "amount": "500.00", "currency": "MYR" });
        let second = put(&api, Some("\"1\""), &wanted).await?.expect(200)?;
        wanted["version"] = json!(2);
        ensure!(second.json() == wanted && second.header("etag") == "\"2\"", "{}", second.json());
        ensure!(put(&api, Some("\"2\""), &wanted).await?.expect(200)?.header("etag") == "\"2\"", "nothing changed, so no version");

        let receipt = Receipt::numbered(770);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let id = api.start("expense_receipt", &receipt.claim(), &[evidence]).await?;
        let seen = api.until(&id, "in review", |seen| seen["status"] == "in_review").await?;
        ensure!(seen["policy_version"] == 2, "{seen}");

        for seconds in [61, 62] {
            let tag = api.get(PATH).await?.header("etag").to_owned();
            wanted["lease_seconds"] = json!(seconds);
            wanted.as_object_mut().context("an object")?.remove("version");
            put(&api, Some(&tag), &wanted).await?.expect(200)?;
        }
        let page = api.get("/v1/policy/versions?limit=3").await?.expect(200)?;
        ensure!(page.header("link").contains("rel=\"next\""), "{:?}", page.headers);
        let page = page.json();
        let numbers = |page: &Value| {
            page["data"].as_array().into_iter().flatten().filter_map(|version| version["version"].as_u64()).collect::<Vec<_>>()
        };
        ensure!(numbers(&page) == [4, 3, 2] && page["has_more"] == true, "{page}");
        ensure!(page["data"][2]["policy"]["review_above"]["amount"] == "500.00", "{page}");
        ensure!(page["data"][0]["actor"].as_str().is_some_and(|actor| actor.starts_with("key:key_")), "{page}");
        let cursor = page["next_cursor"].as_str().context("a cursor")?;
        let rest = api.get(&format!("/v1/policy/versions?limit=3&cursor={cursor}")).await?.expect(200)?.json();
        ensure!(numbers(&rest) == [1] && rest["has_more"] == false && rest["data"][0]["actor"] == "operator", "{rest}");
        let still = api.get(&format!("/v1/verifications/{id}")).await?.expect(200)?.json();
        ensure!(still["policy_version"] == 2, "work accepted before keeps its policy: {still}");
        Ok(())
    });
}

#[test]
fn nobody_replaces_a_policy_that_they_have_not_seen() {
    machine::together(async |stack| {
        let api = tenant::under(stack, &Policy::default()).await?.api;
        let mut wanted = api.get(PATH).await?.expect(200)?.json();
        wanted["lease_seconds"] = json!(60);

        put(&api, None, &wanted).await?.problem(428, "precondition_required")?;
        for stale in ["\"2\"", "W/\"1\"", "1", "\"\""] {
            let refused = put(&api, Some(stale), &wanted).await?;
            ensure!(refused.header("etag") == "\"1\"", "{stale}: {:?}", refused.headers);
            refused.problem(412, "precondition_failed")?;
        }
        ensure!(api.get(PATH).await?.expect(200)?.json()["lease_seconds"] == 300, "nothing was changed");
        put(&api, Some("\"0\", \"1\""), &wanted).await?.expect(200)?;
        put(&api, Some("\"1\""), &wanted).await?.problem(412, "precondition_failed")?;
        // Of what is sent along and of what is named, one is wrong.
        let refused = put(&api, Some("*"), &wanted).await?.problem(422, "invalid_body")?;
        ensure!(refused["errors"][0]["pointer"] == "/version", "{refused}");
        wanted["version"] = Value::Null;
        ensure!(put(&api, Some("*"), &wanted).await?.expect(200)?.header("etag") == "\"2\"", "it is as it was");
        Ok(())
    });
}

#[test]
fn everything_wrong_with_a_policy_is_told_together() {
    machine::together(async |stack| {
        let api = tenant::under(stack, &Policy::default()).await?.api;
        let body = json!({
            "review": "sometimes", "review_sample_percent": 101, "review_above": { "amount": 5, "currency": "QQQ" },
            "review_sla_seconds": 3_600, "review_expiry_seconds": 3_600, "colour": "red"
        });
        let problem = put(&api, Some("\"1\""), &body).await?.problem(422, "invalid_body")?;
        let pointers: Vec<&str> =
            problem["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect();
        let wrong = [
            "/review",
            "/review_sample_percent",
            "/review_above/amount",
            "/review_above/currency",
            "/lease_seconds",
            "/review_expiry_seconds",
            "/colour",
        ];
        ensure!(pointers == wrong, "{pointers:?}");
        ensure!(!problem.to_string().contains("QQQ"), "values are not sent back: {problem}");
        put(&api, Some("\"1\""), &json!([])).await?.problem(422, "invalid_body")?;
        api.get("/v1/policy?colour=red").await?.problem(400, "invalid_parameter")?;
        api.get("/v1/policy/versions?cursor=abc").await?.problem(400, "invalid_cursor")?;
        api.send(api.request(Method::DELETE, PATH)).await?.problem(405, "method_not_allowed")?;
        Ok(())
    });
}

#[test]
fn a_key_needs_the_scopes_and_sees_its_own_tenants_policy() {
    machine::together(async |stack| {
        let (ours, theirs) = (tenant::under(stack, &Policy::default()).await?, tenant::under(stack, &Policy::default()).await?);
        let with = async |scopes: &[&str]| -> Result<Api> {
            let key = store::api_key::generate(true);
            let grant =
                KeyGrant { name: "test".to_owned(), scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(), expires_at: None };
            let mut tx = tenant::store(stack)?.begin_relay().await?;
            store::api_key::create(&mut tx, ours.id, &key, &grant, "operator:test").await?;
            tx.commit().await?;
            Api::new(&stack.endpoints().gateway_url, &key.plain_text)
        };
        // As keys were made before there was a policy to read.
        let old = with(&[scope::VERIFICATIONS_READ, scope::VERIFICATIONS_WRITE]).await?;
        let reader = with(&[scope::POLICY_READ]).await?;
        let mut wanted = reader.get(PATH).await?.expect(200)?.json();
        wanted["lease_seconds"] = json!(60);

        for path in [PATH, "/v1/policy/versions"] {
            old.get(path).await?.problem(403, "missing_scope")?;
            reader.get(path).await?.expect(200)?;
        }
        put(&reader, Some("\"1\""), &wanted).await?.problem(403, "missing_scope")?;
        put(&with(&[scope::POLICY_WRITE]).await?, Some("\"1\""), &wanted).await?.expect(200)?;
        ensure!(ours.api.get(PATH).await?.expect(200)?.json()["lease_seconds"] == 60, "it counts for the whole tenant");
        let other = theirs.api.get("/v1/policy/versions").await?.expect(200)?.json();
        ensure!(other["data"].as_array().map(Vec::len) == Some(1) && other["data"][0]["policy"]["lease_seconds"] == 300, "{other}");
        Ok(())
    });
}

#[test]
fn a_sample_of_what_the_machine_decided_is_seen_by_a_person() {
    machine::together(async |stack| {
        let api = tenant::under(stack, &Policy { review_sample_percent: 100, ..Policy::default() }).await?.api;
        let receipt = Receipt::numbered(771);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let id = api.start("expense_receipt", &receipt.claim(), &[evidence]).await?;
        let seen = api.until(&id, "in review", |seen| seen["status"] == "in_review").await?;
        ensure!(seen["verdict"] == "supported", "{seen}");
        let review = api.get(&format!("/v1/reviews/{}", seen["review_id"].as_str().context("a review")?)).await?.expect(200)?.json();
        ensure!(review["blockers"][0]["kind"] == "policy_sample", "{review}");
        Ok(())
    });
}
