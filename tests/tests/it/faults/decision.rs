//! A person decides while the engine is away: the decision is kept, and delivered when the engine is back.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use tests::receipt::Receipt;
use tests::{machine, tenant};

use crate::review;

#[test]
fn a_decision_made_while_temporal_is_away_is_delivered_later() {
    machine::on_own_stack(Vec::new(), async |stack| {
        let api = tenant::under(stack, &review::always()).await?.api;
        let receipt = Receipt::numbered(610);
        let (id, review) = review::waiting(&api, receipt, &receipt.claim()).await?;
        let lease = review::claim(&api, &review, "r1", 600).await?;
        let temporal = stack.part("temporal").context("no Temporal")?;
        temporal.hold_down();
        temporal.watch().wait_for(|status| status.pid.is_none()).await?;

        let decision = json!({ "token": lease["token"], "generation": lease["generation"], "reviewer": "r1", "verdict": "supported" });
        let decide = format!("/v1/reviews/{review}/decide");
        let recorded = api.post(&decide, &decision).await?.expect(202)?.json();

        ensure!(recorded["delivery"] == "recorded" && recorded["outcome"]["decided_by"] == "human", "{recorded}");
        api.post(&decide, &decision).await?.problem(409, "already_decided")?;
        // A new verification is accepted as well, and waits.
        let other = Receipt::numbered(611);
        let evidence = api.evidence("b.txt", other.text()).await?;
        let later = api.start("expense_receipt", &other.claim(), &[evidence]).await?;
        let seen = api.get(&format!("/v1/verifications/{id}")).await?.expect(200)?.json();
        ensure!(seen["status"] == "in_review" && seen["final"].is_null(), "{seen}");

        temporal.let_up();

        temporal.ready().await?;
        let ended = tokio::time::timeout(Duration::from_secs(90), api.ended(&id)).await.context("the decision was not delivered")??;
        ensure!(ended["final"]["decided_by"] == "human" && ended["verdict"] == "supported", "{ended}");
        api.until(&later, "in review", |seen| seen["status"] == "in_review").await?;
        let decided = api.events(&id).await?.iter().filter(|event| event["type"] == "review.decided").count();
        ensure!(decided == 1, "decided {decided} times");
        Ok(())
    });
}
