//! What a client is told without asking: signed, again after a failure, and again when a person wants it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use domain::webhook::signature::{Headers, Secret, Signer, verify};
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::Api;
use tests::receipt::Receipt;
use tests::receiver::{self, Language, free_port};
use tests::{machine, tenant, wait};
use tokio::io::{AsyncBufReadExt, BufReader};

/// A failed attempt is followed by another after five seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What arrived: the id, the type, the data. Only what is signed with the secret gets this far.
type Told = (String, String, Value);

/// A receiver that is not well at first.
struct Receiver {
    url: String,
    secret: Arc<Mutex<Option<Secret>>>,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Receiver {
    async fn start(failures: usize) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (secret, told) = (Arc::<Mutex<Option<Secret>>>::default(), Arc::<Mutex<Vec<Told>>>::default());
        let (knows, tells, calls) = (Arc::clone(&secret), Arc::clone(&told), Arc::new(AtomicUsize::new(0)));
        let receive = async move |headers: HeaderMap, body: Bytes| {
            if calls.fetch_add(1, Ordering::SeqCst) < failures {
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            match read(&knows, &headers, &body) {
                Some(message) => {
                    tells.lock().unwrap_or_else(PoisonError::into_inner).push(message);
                    StatusCode::NO_CONTENT
                }
                None => StatusCode::UNAUTHORIZED,
            }
        };
        tokio::spawn(axum::serve(listener, Router::new().route("/hooks", post(receive))).into_future());
        Ok(Self { url: format!("http://127.0.0.1:{port}/hooks"), secret, told })
    }

    /// From now on only what is signed with this is taken.
    fn knows(&self, answer: &Value) -> Result<()> {
        let secret = Secret::parse(answer["secret"].as_str().context("a secret")?)?;
        *self.secret.lock().unwrap_or_else(PoisonError::into_inner) = Some(secret);
        Ok(())
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read(secret: &Mutex<Option<Secret>>, headers: &HeaderMap, body: &[u8]) -> Option<Told> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let secret = secret.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
    let signed = Headers { id: header("webhook-id"), timestamp: header("webhook-timestamp"), signature: header("webhook-signature") };
    verify(&[Signer::Hmac(secret)], &signed, body, chrono::Utc::now().timestamp()).ok()?;
    let body: Value = serde_json::from_slice(body).ok()?;
    Some((signed.id.to_owned(), body["type"].as_str()?.to_owned(), body["data"].clone()))
}

/// The endpoint's deliveries, newest first, two on a page.
async fn deliveries(api: &Api, endpoint: &str) -> Result<Vec<Value>> {
    let first = format!("/v1/webhook_deliveries?endpoint={endpoint}&limit=2");
    let (mut path, mut all) = (first.clone(), Vec::new());
    loop {
        let page = api.get(&path).await?.expect(200)?.json();
        all.extend(page["data"].as_array().context("a page without data")?.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
            None => return Ok(all),
        }
    }
}

/// The delivery in full, once it has that status.
async fn until(api: &Api, delivery: &str, status: &str) -> Result<Value> {
    let path = format!("/v1/webhook_deliveries/{delivery}");
    let look = async || {
        let seen = api.get(&path).await?.expect(200)?.json();
        Ok(Some(seen).filter(|seen| seen["status"] == status))
    };
    wait::until("the delivery's end", PATIENCE, look).await
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value[name].as_str().with_context(|| format!("{name} in {value}"))
}

#[test]
fn a_client_is_told_the_answer_and_again_when_it_asks() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let receiver = Receiver::start(1).await?;
        let events = ["verification.provisional", "verification.final"];
        let wish = json!({ "url": receiver.url, "description": "results", "events": events });
        let endpoint = api.post("/v1/webhook_endpoints", &wish).await?.expect(201)?.json();
        receiver.knows(&endpoint)?;
        let endpoint = text(&endpoint, "id")?;

        let receipt = Receipt::numbered(880);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let id = api.start("expense_receipt", &receipt.claim(), &[evidence]).await?;

        wait::until("two messages", PATIENCE, async || Ok((receiver.told().len() == 2).then_some(()))).await?;
        let mut told = receiver.told();
        told.sort_by(|(_, one, _), (_, other, _)| other.cmp(one));
        let kinds: Vec<&str> = told.iter().map(|(_, kind, _)| kind.as_str()).collect();
        ensure!(kinds == events, "{kinds:?}");
        let steps = api.events(&id).await?;
        for (_, kind, data) in &told {
            let step = steps.iter().find(|step| step["type"] == kind.as_str()).context("a step")?;
            ensure!(data["verification_id"] == id.as_str() && data["sequence"] == step["sequence"], "{data} for {step}");
            ensure!(data["verdict"] == "supported", "{data}");
        }
        for delivery in deliveries(&api, endpoint).await? {
            until(&api, text(&delivery, "id")?, "delivered").await?;
        }
        let all = deliveries(&api, endpoint).await?;
        let attempts: u64 = all.iter().filter_map(|delivery| delivery["attempt_count"].as_u64()).sum();
        ensure!(attempts == 3, "one attempt failed: {all:?}");

        // Its workflow has ended, so this one begins anew.
        let first = all.iter().find(|delivery| delivery["type"] == "verification.final").context("a delivery")?;
        let path = format!("/v1/webhook_deliveries/{}", text(first, "id")?);
        let seen = api.get(&path).await?.expect(200)?;
        let ordered = api.post(&format!("{path}/retry"), &json!({})).await?.expect(202)?;
        ensure!(ordered.header("location") == path && ordered.json()["status"] == "waiting", "{}", ordered.json());
        wait::until("the message again", PATIENCE, async || Ok((receiver.told().len() == 3).then_some(()))).await?;
        let again = &receiver.told()[2];
        ensure!(told.contains(again), "the same id and bytes: {again:?}");
        let ended = until(&api, text(first, "id")?, "delivered").await?;
        ensure!(ended["attempt_count"].as_u64() == first["attempt_count"].as_u64().map(|before| before + 1), "{ended}");
        ensure!(ended["attempts"].as_array().map(|all| all.len() as u64) == ended["attempt_count"].as_u64(), "{ended}");
        ensure!(ended["event_id"] == again.0.as_str() && ended["body"]["data"] == again.2, "{ended}");
        let unseen = api.request(Method::GET, &path).header("If-None-Match", seen.header("etag"));
        api.send(unseen).await?.expect(200)?;
        let of_it = api.get(&format!("/v1/webhook_deliveries?verification={id}&status=delivered")).await?.expect(200)?.json();
        ensure!(of_it["data"].as_array().map(Vec::len) == Some(2), "{of_it}");
        Ok(())
    });
}

#[test]
fn a_secret_is_shown_once_and_an_endpoint_changed_by_who_saw_it() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let post = async |path: &str, key: &str, body: &Value| {
            api.send(api.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
        };
        let refused = api.post("/v1/webhook_endpoints", &json!({ "url": "https://169.254.169.254/latest" })).await?;
        let refused = refused.problem(422, "url_not_allowed")?;
        ensure!(refused["errors"][0]["pointer"] == "/url" && refused["errors"][0]["code"] == "address", "{refused}");

        // Nobody listens there.
        let wish = json!({ "url": "http://127.0.0.1:9/token", "events": ["level.changed"] });
        let made = post("/v1/webhook_endpoints", "made", &wish).await?.expect(201)?;
        ensure!(text(&made.json(), "secret")?.starts_with("whsec_"), "{}", made.json());
        let repeated = post("/v1/webhook_endpoints", "made", &wish).await?.expect(201)?;
        ensure!(repeated.header("idempotent-replayed") == "true" && repeated.json()["secret"].is_null(), "{}", repeated.json());
        ensure!(repeated.json()["id"] == made.json()["id"] && repeated.header("etag") == made.header("etag"), "{:?}", repeated.headers);
        let path = made.header("location").to_owned();
        let seen = api.get(&path).await?.expect(200)?;
        ensure!(!String::from_utf8_lossy(&seen.body).contains("whsec_") && seen.header("etag") == made.header("etag"), "{}", seen.json());
        let unchanged = api.request(Method::GET, &path).header("If-None-Match", seen.header("etag"));
        api.send(unchanged).await?.expect(304)?;

        let change = |tag: &str, body: Value| api.request(Method::PATCH, &path).header("If-Match", tag).json(&body);
        api.send(api.request(Method::PATCH, &path).json(&json!({}))).await?.problem(428, "precondition_required")?;
        let described = api.send(change(seen.header("etag"), json!({ "description": "orders" }))).await?.expect(200)?;
        ensure!(described.json()["description"] == "orders" && described.json()["events"] == wish["events"], "{}", described.json());
        let late = api.send(change(seen.header("etag"), json!({ "description": "late" }))).await?;
        ensure!(late.header("etag") == described.header("etag"), "{:?}", late.headers);
        late.problem(412, "precondition_failed")?;
        let whole = json!({ "url": "http://127.0.0.1:9/b" });
        let put = api.request(Method::PUT, &path).header("If-Match", described.header("etag")).json(&whole);
        let put = api.send(put).await?.expect(200)?.json();
        ensure!(put["url"] == whole["url"] && put["description"] == "" && put["events"] == json!([]), "{put}");

        let rotated = post(&format!("{path}/rotate"), "rotated", &json!({})).await?.expect(200)?.json();
        ensure!(text(&rotated, "secret")? != text(&made.json(), "secret")?, "another secret");
        let again = post(&format!("{path}/rotate"), "rotated", &json!({})).await?.expect(200)?.json();
        ensure!(again["secret"].is_null() && again["old_until"] == rotated["old_until"], "{again}");
        for _ in 0..3 {
            api.post(&format!("{path}/rotate"), &json!({})).await?.expect(200)?;
        }
        api.post(&format!("{path}/rotate"), &json!({})).await?.problem(409, "rotated_too_often")?;

        let listed = api.get("/v1/webhook_endpoints").await?.expect(200)?.json();
        ensure!(listed["data"].as_array().map(Vec::len) == Some(1), "{listed}");
        api.send(api.request(Method::DELETE, &path)).await?.expect(204)?;
        api.send(api.request(Method::DELETE, &path)).await?.problem(404, "not_found")?;
        api.get(&path).await?.problem(404, "not_found")?;
        Ok(())
    });
}

#[test]
fn what_was_called_off_arrives_when_it_is_replayed() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let receiver = Receiver::start(0).await?;
        // Nobody listens there, at first.
        let endpoint = api.post("/v1/webhook_endpoints", &json!({ "url": "http://127.0.0.1:9/" })).await?.expect(201)?.json();
        receiver.knows(&endpoint)?;
        let path = format!("/v1/webhook_endpoints/{}", text(&endpoint, "id")?);
        api.post(&format!("{path}/test"), &json!({ "type": "nonsense" })).await?.problem(422, "invalid_body")?;
        let sent = api.post(&format!("{path}/test"), &json!({ "type": "review.overdue" })).await?.expect(202)?.json();
        let retry = format!("/v1/webhook_deliveries/{}/retry", text(&sent, "id")?);
        wait::until("a failed attempt", PATIENCE, async || {
            let seen = api.get(&path).await?.expect(200)?.json();
            Ok((!seen["failing_since"].is_null()).then_some(()))
        })
        .await?;

        let off = api.post(&format!("{path}/disable"), &json!({})).await?.expect(200)?.json();
        ensure!(off["enabled"] == false && off["disabled_reason"] == "by_hand", "{off}");
        let span = json!({ "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z" });
        for (refused, body) in [(format!("{path}/test"), json!({})), (retry.clone(), json!({})), (format!("{path}/replay"), span.clone())] {
            api.post(&refused, &body).await?.problem(409, "endpoint_off").with_context(|| refused)?;
        }
        let called_off = until(&api, text(&sent, "id")?, "canceled").await?;
        ensure!(called_off["attempts"][0]["error"] == "connect" && called_off["last_status_code"].is_null(), "{called_off}");

        let on = api.post(&format!("{path}/enable"), &json!({})).await?.expect(200)?;
        ensure!(on.json()["enabled"] == true && on.json()["failing_since"].is_null(), "{}", on.json());
        let change = api.request(Method::PATCH, &path).header("If-Match", on.header("etag")).json(&json!({ "url": receiver.url }));
        api.send(change).await?.expect(200)?;
        let backwards = json!({ "from": span["to"], "to": span["from"] });
        api.post(&format!("{path}/replay"), &backwards).await?.problem(422, "invalid_body")?;
        let replayed = api.post(&format!("{path}/replay"), &span).await?.expect(202)?.json();
        ensure!(replayed == json!({ "deliveries": 1, "has_more": false }), "{replayed}");
        until(&api, text(&sent, "id")?, "delivered").await?;
        let told = receiver.told();
        let [(_, kind, data)] = told.as_slice() else { anyhow::bail!("{told:?}") };
        ensure!(kind == "review.overdue" && *data == json!({ "test": true }), "{kind} {data}");
        Ok(())
    });
}

#[test]
fn a_published_library_takes_what_the_stack_delivers_and_refuses_what_others_sign() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let port = free_port()?;
        let wish = json!({ "url": receiver::url(port), "events": ["verification.provisional", "verification.final"] });
        let endpoint = api.post("/v1/webhook_endpoints", &wish).await?.expect(201)?.json();
        let foreign = receiver::Receiver::of_the_library(Language::Python, text(&endpoint, "secret")?, port).await?;
        let Some(_foreign) = foreign else { return Ok(()) };
        let endpoint = text(&endpoint, "id")?;
        let receipt = Receipt::numbered(881);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        api.ended(&api.start("expense_receipt", &receipt.claim(), &[evidence]).await?).await?;

        wait::until("two deliveries", PATIENCE, async || Ok((deliveries(&api, endpoint).await?.len() == 2).then_some(()))).await?;
        for delivery in deliveries(&api, endpoint).await? {
            let ended = until(&api, text(&delivery, "id")?, "delivered").await?;
            ensure!(ended["last_status_code"] == 204 && ended["attempt_count"] == 1, "{ended}");
        }
        // The receiver knows the old secret only, which signs for another day.
        let path = format!("/v1/webhook_endpoints/{endpoint}");
        api.post(&format!("{path}/rotate"), &json!({})).await?.expect(200)?;
        let sent = api.post(&format!("{path}/test"), &json!({})).await?.expect(202)?.json();
        ensure!(until(&api, text(&sent, "id")?, "delivered").await?["last_status_code"] == 204, "{sent}");

        let stranger = api.post("/v1/webhook_endpoints", &wish).await?.expect(201)?.json();
        let path = format!("/v1/webhook_endpoints/{}", text(&stranger, "id")?);
        let sent = api.post(&format!("{path}/test"), &json!({})).await?.expect(202)?.json();
        let path = format!("/v1/webhook_deliveries/{}", text(&sent, "id")?);
        let tried = async || Ok(Some(api.get(&path).await?.expect(200)?.json()).filter(|seen| seen["attempt_count"] != 0));
        let tried = wait::until("an attempt", PATIENCE, tried).await?;
        ensure!(tried["attempts"][0]["status_code"] == 401, "{tried}");
        Ok(())
    });
}

#[test]
fn a_listener_hands_what_happens_to_a_receiver_without_an_endpoint() {
    machine::together(async |stack| {
        let tenant = tenant::without_review(stack).await?;
        let secret = Secret::new(vec![7; 32])?.reveal();
        let port = free_port()?;
        let Some(_foreign) = receiver::Receiver::of_the_library(Language::Python, &secret, port).await? else { return Ok(()) };
        let mut listener = tokio::process::Command::new(machine::binary().context("a binary")?)
            .args(["listen", "--print", "json", "--forward-to", &receiver::url(port), "--secret", &secret])
            .args(["--url", &stack.endpoints().gateway_url, "--key", &tenant.key])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut said = BufReader::new(listener.stderr.take().context("what it says")?).lines();
        let begun = async {
            while said.next_line().await?.is_some_and(|line| !line.contains("signed with")) {}
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, begun).await.context("it does not begin")??;
        let receipt = Receipt::numbered(882);
        let evidence = tenant.api.evidence("a.txt", receipt.text()).await?;
        let id = tenant.api.start("expense_receipt", &receipt.claim(), &[evidence]).await?;

        let mut lines = BufReader::new(listener.stdout.take().context("what it prints")?).lines();
        for kind in ["verification.provisional", "verification.final"] {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.context("nothing was printed")??.context("it ended")?;
            let printed: Value = serde_json::from_str(&line)?;
            ensure!(printed["body"]["type"] == kind && printed["body"]["data"]["verification_id"] == id.as_str(), "{printed}");
            ensure!(printed["forwarded"]["status"] == 204, "{printed}");
        }
        Ok(())
    });
}
