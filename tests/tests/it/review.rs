//! Reviews through the API: leased to one person at a time, decided once, escalated and expired by the workflow's own timers.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::id::ReviewId;
use domain::policy::{Policy, ReviewRule};
use futures::future::try_join_all;
use serde_json::{Value, json};
use tests::api::Api;
use tests::receipt::Receipt;
use tests::{machine, tenant, wait};

/// Everything goes to a person.
pub fn always() -> Policy {
    Policy { review: ReviewRule::Always, ..Policy::default() }
}

/// A verification that waits for a person, and its review.
pub async fn waiting(api: &Api, receipt: Receipt, claim: &Value) -> Result<(String, String)> {
    let evidence = api.evidence("a.txt", receipt.text()).await?;
    let id = api.start("expense_receipt", claim, &[evidence]).await?;
    let seen = api.until(&id, "in review", |seen| seen["status"] == "in_review").await?;
    ensure!(seen["final"].is_null() && !seen["provisional"].is_null(), "the machine's result is provisional: {seen}");
    Ok((id, seen["review_id"].as_str().context("a review")?.to_owned()))
}

/// Takes the review; the answer has the token and the generation.
pub async fn claim(api: &Api, review: &str, reviewer: &str, seconds: u64) -> Result<Value> {
    let wish = json!({ "reviewer": reviewer, "lease_seconds": seconds });
    Ok(api.post(&format!("/v1/reviews/{review}/claim"), &wish).await?.expect(200)?.json())
}

#[test]
fn a_person_overturns_the_machine_with_the_value_they_read() {
    machine::together(async |stack| {
        let api = tenant::under(stack, &always()).await?.api;
        let receipt = Receipt::numbered(700);
        let claimed = receipt.wrong_claim();
        let (id, review) = waiting(&api, receipt, &claimed).await?;
        let queue = api.get("/v1/reviews?status=open").await?.expect(200)?.json();
        ensure!(queue["data"][0]["id"] == review.as_str() && queue["data"][0]["verification_id"] == id.as_str(), "{queue}");
        let lease = claim(&api, &review, "r1", 60).await?;
        ensure!(lease["review"]["provisional"]["verdict"] == "refuted", "{lease}");
        let proof = json!({ "token": lease["token"], "generation": lease["generation"], "lease_seconds": 300 });
        let renewed = api.post(&format!("/v1/reviews/{review}/renew"), &proof).await?.expect(200)?.json();
        ensure!(renewed["lease"]["expires_at"].as_str() > lease["expires_at"].as_str(), "{renewed}");
        let decide = format!("/v1/reviews/{review}/decide");
        let decision = |verdict: &str, found: &Value| {
            json!({
                "token": lease["token"], "generation": lease["generation"], "reviewer": "r1", "verdict": verdict,
                "checks": [{ "field": "total", "verdict": verdict, "found": found, "reason": "misread" }]
            })
        };
        // What was found must allow the verdict.
        api.post(&decide, &decision("supported", &receipt.claim()["total"])).await?.problem(422, "invalid_decision")?;

        let recorded = api.post(&decide, &decision("supported", &claimed["total"])).await?.expect(200)?.json();

        ensure!(recorded["delivery"] == "delivered" && recorded["outcome"]["decided_by"] == "human", "{recorded}");
        let ended = api.ended(&id).await?;
        ensure!(ended["status"] == "final" && ended["verdict"] == "supported", "{ended}");
        ensure!(ended["final"]["decided_by"] == "human" && ended["provisional"]["verdict"] == "refuted", "both are kept: {ended}");
        ensure!(ended["provisional"]["decided_by"] == "rule", "{ended}");
        let total = ended["final"]["checks"].as_array().and_then(|checks| checks.iter().find(|check| check["field"] == "total"));
        ensure!(total.context("a check")?["found"] == claimed["total"], "the corrected value: {ended}");
        api.post(&decide, &decision("supported", &claimed["total"])).await?.problem(409, "already_decided")?;
        api.post(&format!("/v1/reviews/{review}/claim"), &json!({})).await?.problem(409, "not_pending")?;
        let kinds: Vec<String> = api.events(&id).await?.iter().filter_map(|event| Some(event["type"].as_str()?.to_owned())).collect();
        for kind in ["review.opened", "review.decided", "verification.final", "verification.corrected"] {
            ensure!(kinds.iter().filter(|seen| *seen == kind).count() == 1, "{kind} in {kinds:?}");
        }
        Ok(())
    });
}

#[test]
fn a_person_refutes_what_the_machine_supported() {
    machine::together(async |stack| {
        let api = tenant::under(stack, &always()).await?.api;
        let receipt = Receipt::numbered(701);
        let (id, review) = waiting(&api, receipt, &receipt.claim()).await?;
        let lease = claim(&api, &review, "r1", 60).await?;

        let other = json!({ "amount": "1.00", "currency": "GBP" });
        let decision = json!({
            "token": lease["token"], "generation": lease["generation"], "reviewer": "r1", "verdict": "refuted", "note": "forged",
            "checks": [{ "field": "total", "verdict": "refuted", "found": other }]
        });
        api.post(&format!("/v1/reviews/{review}/decide"), &decision).await?.expect(200)?;

        let ended = api.ended(&id).await?;
        ensure!(ended["final"]["verdict"] == "refuted" && ended["final"]["decided_by"] == "human", "{ended}");
        ensure!(ended["provisional"]["verdict"] == "supported", "{ended}");
        Ok(())
    });
}

#[test]
fn a_review_is_with_one_person_at_a_time() {
    machine::together(async |stack| {
        let api = tenant::under(stack, &always()).await?.api;
        let mut reviews = HashSet::new();
        for number in [702, 703] {
            let receipt = Receipt::numbered(number);
            reviews.insert(waiting(&api, receipt, &receipt.claim()).await?.1);
        }

        let wishes: Vec<Value> = (0..4).map(|number| json!({ "reviewer": format!("r{number}") })).collect();
        let answers = try_join_all(wishes.iter().map(|wish| api.post("/v1/reviews:next", wish))).await?;

        let leases: Vec<Value> = answers.iter().filter(|answer| answer.status == 200).map(tests::api::Answer::json).collect();
        ensure!(answers.iter().filter(|answer| answer.status == 204).count() == 2, "two reviews for four people");
        let taken: HashSet<String> = leases.iter().filter_map(|lease| lease["review_id"].as_str().map(str::to_owned)).collect();
        ensure!(taken == reviews, "{taken:?} of {reviews:?}");
        let (lease, review) = (&leases[0], leases[0]["review_id"].as_str().context("an id")?);
        let held = api.post(&format!("/v1/reviews/{review}/claim"), &json!({ "reviewer": "somebody else" })).await?;
        held.problem(409, "lease_held")?;
        let proof = json!({ "token": lease["token"], "generation": lease["generation"] });
        api.post(&format!("/v1/reviews/{review}/release"), &proof).await?.expect(200)?;
        claim(&api, review, "somebody else", 60).await?;
        api.post(&format!("/v1/reviews/{review}/renew"), &proof).await?.problem(409, "lease_lost")?;
        Ok(())
    });
}

#[test]
fn a_lease_that_nobody_renews_is_given_back_by_the_workflow() {
    machine::together(async |stack| {
        let tenant = tenant::under(stack, &always()).await?;
        let api = &tenant.api;
        let receipt = Receipt::numbered(704);
        let (id, review) = waiting(api, receipt, &receipt.claim()).await?;
        let review_id: ReviewId = review.parse()?;

        let lease = claim(api, &review, "gone home", 5).await?;

        let store = tenant::store(stack)?;
        // The row itself, because the API hides a lease from its last second on.
        wait::until("the lease to be given back", Duration::from_secs(30), async || {
            let mut tx = store.begin(tenant.id).await?;
            let row = store::review::get(&mut tx, review_id).await?.context("a review")?;
            Ok(row.lease_holder.is_none().then_some(()))
        })
        .await?;
        let decision = json!({
            "token": lease["token"], "generation": lease["generation"], "reviewer": "gone home", "verdict": "supported"
        });
        api.post(&format!("/v1/reviews/{review}/decide"), &decision).await?.problem(409, "lease_lost")?;
        let next = claim(api, &review, "still here", 60).await?;
        ensure!(next["generation"].as_i64() > lease["generation"].as_i64(), "{next}");
        let decision = json!({
            "token": next["token"], "generation": next["generation"], "reviewer": "still here", "verdict": "supported"
        });
        api.post(&format!("/v1/reviews/{review}/decide"), &decision).await?.expect(200)?;
        ensure!(api.ended(&id).await?["final"]["decided_by"] == "human", "the second reviewer's word counts");
        Ok(())
    });
}

#[test]
fn a_review_that_nobody_takes_is_escalated_and_expires_as_insufficient() {
    machine::together(async |stack| {
        let policy = Policy { review_sla_seconds: 1, review_expiry_seconds: 5, ..always() };
        let api = tenant::under(stack, &policy).await?.api;
        let receipt = Receipt::numbered(705);
        let (id, review) = waiting(&api, receipt, &receipt.claim()).await?;
        let path = format!("/v1/reviews/{review}");

        wait::until("the escalation", Duration::from_secs(20), async || {
            let seen = api.get(&path).await?.expect(200)?.json();
            Ok((!seen["escalated_at"].is_null()).then_some(()))
        })
        .await?;
        let ended = api.ended(&id).await?;

        ensure!(ended["status"] == "expired" && ended["verdict"] == "insufficient", "{ended}");
        ensure!(ended["final"]["decided_by"] == "expiry" && ended["provisional"]["verdict"] == "supported", "{ended}");
        let blockers = ended["final"]["blockers"].as_array().context("blockers")?;
        ensure!(blockers.iter().any(|blocker| blocker["kind"] == "review_expired"), "{blockers:?}");
        ensure!(api.get(&path).await?.json()["status"] == "expired", "the review too");
        api.post(&format!("{path}/claim"), &json!({})).await?.problem(409, "not_pending")?;
        Ok(())
    });
}

#[test]
fn what_a_person_asked_for_comes_and_the_same_verification_goes_on() {
    machine::together(async |stack| {
        let api = tenant::under(stack, &always()).await?.api;
        // The receipt of another purchase: the one that is claimed comes when it is asked for.
        let (right, wrong) = (Receipt::numbered(740), Receipt::numbered(741));
        let (id, review) = waiting(&api, wrong, &right.claim()).await?;
        let lease = claim(&api, &review, "r1", 60).await?;
        let add = format!("/v1/verifications/{id}/evidence");
        let more = api.evidence("b.txt", right.text()).await?;
        api.post(&add, &json!({ "evidence": [&more] })).await?.problem(409, "not_awaiting_evidence")?;

        let wish = |generation: i64| json!({ "token": lease["token"], "generation": generation, "reviewer": "r1", "text": "The receipt of the claim" });
        let generation = lease["generation"].as_i64().context("a generation")?;
        api.post(&format!("/v1/reviews/{review}/ask"), &wish(generation + 1)).await?.problem(409, "lease_lost")?;
        let asked = api.post(&format!("/v1/reviews/{review}/ask"), &wish(generation)).await?.expect(200)?.json();
        ensure!(asked["status"] == "asked", "{asked}");
        let seen = api.get(&format!("/v1/verifications/{id}")).await?.expect(200)?.json();
        ensure!(seen["status"] == "awaiting_evidence" && seen["evidence_request"]["text"] == "The receipt of the claim", "{seen}");
        api.post(&format!("/v1/reviews/{review}/claim"), &json!({})).await?.problem(409, "not_pending")?;

        let known = seen["evidence"][0].as_str().context("a file")?.to_owned();
        api.post(&add, &json!({ "evidence": [known] })).await?.problem(422, "invalid_body")?;
        api.post(&add, &json!({ "evidence": ["evd_0190163d8694739b8a2f1c9e5d4b6a70"] })).await?.problem(404, "unknown_evidence")?;
        let added = api.post(&add, &json!({ "evidence": [&more] })).await?.expect(202)?.json();
        ensure!(added["status"] == "queued" && added["evidence"].as_array().is_some_and(|files| files.len() == 2), "{added}");

        let seen = api.until(&id, "in review again", |seen| seen["status"] == "in_review").await?;
        let second = seen["review_id"].as_str().context("a review")?.to_owned();
        ensure!(second != review && seen["evidence_request"].is_null(), "{seen}");
        let lease = claim(&api, &second, "r2", 60).await?;
        let decision = json!({
            "token": lease["token"], "generation": lease["generation"], "reviewer": "r2", "verdict": "supported",
            "checks": seen["provisional"]["checks"].as_array().context("checks")?.iter()
                .map(|check| json!({ "field": check["field"], "verdict": "supported", "found": right.claim()[check["field"].as_str().unwrap_or_default()] }))
                .collect::<Vec<Value>>(),
        });
        api.post(&format!("/v1/reviews/{second}/decide"), &decision).await?.expect(200)?;
        let ended = api.ended(&id).await?;
        ensure!(ended["status"] == "final" && ended["verdict"] == "supported" && ended["final"]["decided_by"] == "human", "{ended}");
        let kinds: Vec<String> = api.events(&id).await?.iter().filter_map(|event| Some(event["type"].as_str()?.to_owned())).collect();
        for (kind, times) in [
            ("verification.awaiting_evidence", 1),
            ("verification.evidence_added", 1),
            ("review.opened", 2),
            ("verification.provisional", 2),
        ] {
            ensure!(kinds.iter().filter(|seen| *seen == kind).count() == times, "{kind} in {kinds:?}");
        }
        Ok(())
    });
}
