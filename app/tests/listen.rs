//! `assay listen` as a process, between a gateway that plays a script and a receiver that checks signatures.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::webhook::signature::{Headers, Secret, Signer, verify};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// Longer than any of this takes, so that a hang ends as a failure.
const PATIENCE: Duration = Duration::from_secs(60);
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

async fn in_time<T>(what: &str, done: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, done).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    format!("http://{address}")
}

/// An address at which nobody answers.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// What the gateway does with one request for the stream.
enum Act {
    /// Sends this and ends the answer.
    Say(String),
    /// Sends this and says nothing more.
    Hold(String),
    /// One event after the other, without end.
    Flood,
    Refuse(StatusCode, Value),
}

/// The `Last-Event-ID` and the query of a request.
type Asked = (Option<String>, String);

/// The acts that are left, and with which `Last-Event-ID` and query each was asked for.
#[derive(Clone, Default)]
struct Gateway {
    acts: Arc<Mutex<VecDeque<Act>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Gateway {
    async fn play(acts: impl IntoIterator<Item = Act>) -> (Self, String) {
        let gateway = Self { acts: Arc::new(Mutex::new(acts.into_iter().collect())), ..Self::default() };
        let router = Router::new().route("/v1/webhook_events/stream", get(stream)).with_state(gateway.clone());
        let url = serve(router).await;
        (gateway, url)
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn stream(State(gateway): State<Gateway>, uri: Uri, headers: HeaderMap) -> Response {
    let after = headers.get("last-event-id").map(|value| value.to_str().unwrap().to_owned());
    gateway.asked.lock().unwrap().push((after, uri.query().unwrap_or_default().to_owned()));
    let sse = [(header::CONTENT_TYPE, "text/event-stream")];
    let act = gateway.acts.lock().unwrap().pop_front();
    match act.unwrap_or(Act::Hold(String::new())) {
        Act::Say(text) => (sse, text).into_response(),
        Act::Hold(text) => {
            let text = futures::stream::iter([Ok::<_, Infallible>(Bytes::from(text))]);
            (sse, Body::from_stream(text.chain(futures::stream::pending()))).into_response()
        }
        Act::Flood => {
            let text = futures::stream::iter(1..).map(|number| Ok::<_, Infallible>(Bytes::from(event(number))));
            (sse, Body::from_stream(text)).into_response()
        }
        Act::Refuse(status, problem) => (status, axum::Json(problem)).into_response(),
    }
}

/// As the gateway begins: where the stream stands.
fn hello(number: i64) -> String {
    format!("retry: 2000\nid: {number}\n\n")
}

fn body(number: i64) -> String {
    // The order of its members is not that of any map: a body that was written anew would not be signed right.
    format!(
        r#"{{"type":"verification.final","timestamp":"2026-11-21T10:00:00.000001Z","data":{{"z":{number},"verdict":"supported","a":"é"}}}}"#
    )
}

fn event(number: i64) -> String {
    format!("event: webhook\nid: {number}\ndata: {{\"event_id\":\"evt_{number}\",\"body\":{}}}\n\n", body(number))
}

/// What arrived with a signature that fits: the id and the body.
#[derive(Clone)]
struct Receiver {
    taken: Arc<Mutex<Vec<(String, String)>>>,
    secret: Arc<Mutex<Secret>>,
    answer: StatusCode,
}

impl Receiver {
    async fn start(secret: &str, answer: StatusCode) -> (Self, String) {
        let receiver = Self { taken: Arc::default(), secret: Arc::new(Mutex::new(Secret::parse(secret).unwrap())), answer };
        let url = serve(Router::new().route("/hook", post(receive)).with_state(receiver.clone())).await;
        (receiver, format!("{url}/hook"))
    }

    fn taken(&self) -> Vec<(String, String)> {
        self.taken.lock().unwrap().clone()
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let (id, timestamp, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let signed = Headers { id: &id, timestamp: &timestamp, signature: &signature };
    let secret = receiver.secret.lock().unwrap().clone();
    match verify(&[Signer::Hmac(secret)], &signed, body.as_bytes(), chrono::Utc::now().timestamp()) {
        Ok(()) if header("content-type") == "application/json" => {
            receiver.taken.lock().unwrap().push((id, body));
            receiver.answer
        }
        _ => StatusCode::UNAUTHORIZED,
    }
}

/// The process, line by line. Killed when dropped.
struct Listener {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    said: Lines<BufReader<ChildStderr>>,
}

impl Listener {
    fn start(url: &str, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["listen", "--url", url, "--key", "assay_test_key"])
            .args(more)
            .env_remove("ASSAY_LISTEN_SECRET")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, said }
    }

    async fn line(&mut self) -> String {
        in_time("a line", self.out.next_line()).await.unwrap().expect("it goes on")
    }

    async fn json(&mut self) -> Value {
        serde_json::from_str(&self.line().await).unwrap()
    }

    /// The next line for the person that has this in it.
    async fn says(&mut self, what: &str) -> String {
        loop {
            let line = in_time(what, self.said.next_line()).await.unwrap().unwrap_or_else(|| panic!("it ended without {what}"));
            if line.contains(what) {
                return line;
            }
        }
    }

    async fn interrupt(&mut self) -> ExitStatus {
        let id = i32::try_from(self.child.id().expect("it runs")).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(id).unwrap(), rustix::process::Signal::INT).unwrap();
        self.end().await
    }

    async fn end(&mut self) -> ExitStatus {
        in_time("its end", self.child.wait()).await.unwrap()
    }
}

#[tokio::test]
async fn every_event_is_forwarded_once_and_in_order_however_the_stream_breaks() {
    let cut = event(7)[..40].to_owned();
    let (gateway, url) = Gateway::play([
        // Ends before anything happened.
        Act::Say(hello(4)),
        Act::Say([hello(4), ": heartbeat\n\n".into(), event(5), event(6), cut].concat()),
        Act::Refuse(StatusCode::INTERNAL_SERVER_ERROR, json!({ "code": "internal", "retryable": false, "detail": "" })),
        Act::Hold([hello(6), event(7), "event: later\nid: 8\ndata: ?\n\n".into(), event(9)].concat()),
    ])
    .await;
    let (receiver, hook) = Receiver::start(SECRET, StatusCode::NO_CONTENT).await;
    let wishes = ["--forward-to", &hook, "--secret", SECRET, "--events", "verification.final,review.overdue", "--print", "json"];
    let mut listener = Listener::start(&url, &wishes);
    assert_eq!(listener.says("signed with").await, "listen: signed with the secret that was given", "who gave it has it");

    for number in [5, 6, 7, 9] {
        let printed = listener.json().await;
        assert_eq!((printed["number"].as_i64(), printed["event_id"].as_str()), (Some(number), Some(format!("evt_{number}").as_str())));
        assert_eq!((&printed["body"]["data"]["z"], &printed["forwarded"]["status"]), (&json!(number), &json!(204)));
    }
    let expected: Vec<(String, String)> = [5, 6, 7, 9].map(|number| (format!("evt_{number}"), body(number))).into();
    assert_eq!(receiver.taken(), expected);
    let query = "events=verification.final%2Creview.overdue".to_owned();
    let asked = [None, Some("4"), Some("6"), Some("6")].map(|after| (after.map(str::to_owned), query.clone()));
    assert_eq!(gateway.asked(), asked);
    assert_eq!(listener.interrupt().await.code(), Some(0));
}

#[tokio::test]
async fn a_fresh_secret_signs_and_every_answer_of_the_receiver_is_shown() {
    let (_, url) = Gateway::play([Act::Hold([hello(0), event(1), event(2)].concat())]).await;
    let (receiver, hook) = Receiver::start(SECRET, StatusCode::INTERNAL_SERVER_ERROR).await;
    let mut listener = Listener::start(&url, &["--forward-to", &hook]);
    let said = listener.says("signed with").await;
    assert!(listener.line().await.contains("verification.final"));
    assert!(listener.line().await.contains("refused: 401"), "another secret than the receiver's");
    let secret = said.split_whitespace().last().unwrap();
    let mut again = {
        let (_, url) = Gateway::play([Act::Hold([hello(0), event(3)].concat())]).await;
        *receiver.secret.lock().unwrap() = Secret::parse(secret).unwrap();
        Listener::start(&url, &["--forward-to", &hook, "--secret", secret])
    };
    assert_eq!(again.line().await, "2026-11-21T10:00:00Z  verification.final        evt_3  supported");
    assert!(again.line().await.contains("refused: 500 in "));
    assert!(receiver.taken().contains(&("evt_3".to_owned(), body(3))));
}

#[tokio::test]
async fn a_receiver_that_is_down_is_tried_a_little_and_then_passed_over() {
    let (_, url) = Gateway::play([Act::Hold([hello(0), event(1), event(2)].concat())]).await;
    let mut listener = Listener::start(&url, &["--forward-to", &nobody().await, "--print", "json"]);
    for number in [1, 2] {
        let printed = listener.json().await;
        assert_eq!(
            (&printed["number"], &printed["forwarded"]["status"], &printed["forwarded"]["tries"]),
            (&json!(number), &Value::Null, &json!(3))
        );
        assert!(printed["forwarded"]["error"].as_str().is_some_and(|error| error.contains("refused")), "{printed}");
    }
    assert_eq!(listener.interrupt().await.code(), Some(0));
}

#[tokio::test]
async fn without_a_receiver_it_only_prints_and_ends_when_nobody_reads_any_more() {
    let (gateway, url) = Gateway::play([Act::Flood]).await;
    let mut listener = Listener::start(&url, &["--since", "2026-11-21T10:00:00Z"]);
    assert!(listener.line().await.contains("evt_1"));
    assert!(gateway.asked()[0].1.starts_with("since=2026-11-21T10"), "{:?}", gateway.asked());
    let Listener { mut child, out, said } = listener;
    // A line from now on finds the pipe closed.
    drop(out);
    let _said = said;
    assert_eq!(in_time("its end", child.wait()).await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_gateway_that_refuses_ends_it_also_later_and_one_that_is_away_at_first() {
    let problem = |code: &str| json!({ "code": code, "detail": "no", "retryable": false, "errors": [{ "parameter": "events", "detail": "not one" }] });
    for acts in [
        vec![Act::Refuse(StatusCode::UNAUTHORIZED, problem("unauthenticated"))],
        vec![Act::Say([hello(0), event(1)].concat()), Act::Refuse(StatusCode::UNAUTHORIZED, problem("unauthenticated"))],
    ] {
        let (_, url) = Gateway::play(acts).await;
        let mut listener = Listener::start(&url, &[]);
        listener.says("401 unauthenticated").await;
        listener.says("events: not one").await;
        assert_eq!(listener.end().await.code(), Some(65));
    }
    let away = nobody().await;
    let mut listener = Listener::start(&away, &[]);
    let said = listener.says("does a gateway run there?").await;
    assert!(said.contains(&away), "{said}");
    assert_eq!(listener.end().await.code(), Some(70));
}

#[tokio::test]
async fn what_cannot_work_is_noticed_before_anything_is_asked() {
    let (gateway, url) = Gateway::play([]).await;
    for wrong in
        [["--forward-to", "ftp://localhost/"], ["--since", "yesterday"], ["--secret", "whsec_c2hvcnQ="], ["--print", "xml"], ["--key", ""]]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(["listen", "--url", &url]).args(wrong).stderr(Stdio::null());
        if wrong[0] != "--key" {
            command.args(["--key", "assay_test_key"]);
        }
        assert_eq!(in_time("its end", command.status()).await.unwrap().code(), Some(64), "{wrong:?}");
    }
    assert_eq!(gateway.asked(), []);
}
