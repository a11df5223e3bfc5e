//! PostgreSQL is away: every call that needs it says so at once, and works again by itself afterwards.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tests::api::Api;
use tests::receipt::Receipt;
use tests::{machine, tenant, wait};

/// The longest that a client may be left waiting for a no.
const AT_ONCE: Duration = Duration::from_secs(3);
/// Clients at a time: more than the gateway has connections.
const CLIENTS: usize = 24;

#[test]
fn while_postgresql_is_away_clients_are_told_at_once_and_then_served_again() {
    machine::on_own_stack(Vec::new(), async |stack| {
        let tenant = tenant::without_review(stack).await?;
        let api = &tenant.api;
        let receipt = Receipt::numbered(600);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let before = api.start("expense_receipt", &receipt.claim(), std::slice::from_ref(&evidence)).await?;
        api.ended(&before).await?;
        let body = json!({ "claim_type": "expense_receipt", "claim": receipt.claim(), "evidence": [evidence] });
        let start = || api.request(Method::POST, "/v1/verifications").header("Idempotency-Key", "outage").json(&body);
        let postgres = stack.part("postgres").context("no PostgreSQL")?;

        postgres.hold_down();

        postgres.watch().wait_for(|status| status.pid.is_none()).await?;
        let path = format!("/v1/verifications/{before}");
        for _ in 0..2 {
            refused_at_once(api, start()).await.context("a new verification")?;
            refused_at_once(api, api.request(Method::GET, &path)).await.context("a known verification")?;
            refused_at_once(api, api.request(Method::GET, &format!("{path}?wait=30"))).await.context("a long poll")?;
            refused_at_once(api, api.request(Method::GET, "/v1/verifications")).await.context("a list")?;
            refused_at_once(api, api.request(Method::GET, &format!("/v1/evidence/{evidence}/content"))).await.context("a file")?;
            refused_at_once(api, upload(api)).await.context("an upload")?;
            refused_at_once(api, api.request(Method::GET, "/readyz")).await.context("readiness")?;
        }
        try_join_all((0..CLIENTS).map(|_| refused_at_once(api, start()))).await.context("many at a time")?;
        let stranger = Api::new(&stack.endpoints().gateway_url, "assay_live_somebody_else")?;
        ensure!(stranger.get("/v1/verifications").await?.status != 200, "a key that is no key");
        api.get("/livez").await?.expect(200).context("the process itself is fine")?;

        postgres.let_up();

        let accepted = wait::until("the gateway to serve again", Duration::from_secs(40), async || {
            let answer = api.send(start()).await?;
            Ok((answer.status == 202).then(|| answer.json()))
        });
        let accepted = accepted.await?;
        let id = accepted["id"].as_str().context("an id")?;
        ensure!(api.ended(id).await?["verdict"] == "supported", "and works again");
        api.get("/readyz").await?.expect(200)?;
        Ok(())
    });
}

fn upload(api: &Api) -> RequestBuilder {
    let part = reqwest::multipart::Part::bytes(Receipt::numbered(601).text()).file_name("b.txt");
    api.request(Method::POST, "/v1/evidence").multipart(reqwest::multipart::Form::new().part("file", part))
}

async fn refused_at_once(api: &Api, request: RequestBuilder) -> Result<()> {
    let asked = Instant::now();
    let answer = api.send(request).await?;
    let waited = asked.elapsed();
    ensure!(!answer.header("retry-after").is_empty(), "{} without Retry-After: {}", answer.status, answer.json());
    answer.problem(503, "store_unavailable")?;
    ensure!(waited < AT_ONCE, "it took {:.1} s to say no", waited.as_secs_f64());
    Ok(())
}
