//! An open page's stream of events, read message by message.

use std::collections::VecDeque;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode, header};
use futures::StreamExt;
use review_ui::router;
use serde_json::Value;
use store::DatabaseConfig;
use store::desk_notices::DeskNotices;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::browser::Browser;
use crate::scene::{Scene, state};

/// Another instance of the desk on the scene's database, which hears of changes as they are committed, until it is told to stop.
pub fn instance(scene: &Scene, stop: CancellationToken) -> Router {
    let notices = DeskNotices::spawn(&DatabaseConfig::new(&scene.database.relay_url)).unwrap();
    router(state(&scene.store, &scene.objects, false).with_notices(notices).until(stop))
}

/// Longer than anything takes that is told.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Stream {
    body: BodyDataStream,
    text: String,
    ready: VecDeque<Message>,
}

#[derive(Debug, Clone)]
pub struct Message {
    pub name: String,
    pub id: i64,
    pub data: Value,
}

impl Message {
    pub fn html(&self) -> &str {
        self.data["html"].as_str().unwrap()
    }
}

impl Stream {
    /// What a page opens at this instance of the desk, for the browser's session; or the status that refused it.
    pub async fn open(desk: &Router, browser: &Browser, query: &str) -> Result<Self, StatusCode> {
        let cookie = format!("assay={}", browser.cookie.as_deref().unwrap_or_default());
        let request = Request::get(format!("/live{query}")).header(header::COOKIE, cookie).header(header::ACCEPT, "text/event-stream");
        let response = desk.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        let kind = response.headers().get(header::CONTENT_TYPE).unwrap();
        assert_eq!(
            (kind.to_str().unwrap(), response.headers()[header::CACHE_CONTROL].to_str().unwrap()),
            ("text/event-stream", "no-store")
        );
        Ok(Self { body: response.into_body().into_data_stream(), text: String::new(), ready: VecDeque::new() })
    }

    /// The next message. None at the end.
    pub async fn next(&mut self) -> Option<Message> {
        while self.ready.is_empty() {
            let more = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("nothing was told for long");
            self.text.push_str(std::str::from_utf8(&more?.unwrap()).unwrap());
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                self.ready.extend(message(&block));
            }
        }
        self.ready.pop_front()
    }

    /// The next message of that name that says so; others are passed over.
    pub async fn until(&mut self, name: &str, says: impl Fn(&Message) -> bool) -> Message {
        loop {
            let message = self.next().await.unwrap_or_else(|| panic!("the stream ended before {name}"));
            if message.name == name && says(&message) {
                return message;
            }
        }
    }

    /// The next count of what waits that is so large.
    pub async fn waiting(&mut self, count: i64) -> Message {
        self.until("counts", |message| message.data["waiting"] == count).await
    }

    /// Everything until the end.
    pub async fn rest(&mut self) -> Vec<Message> {
        let mut all = Vec::new();
        while let Some(message) = self.next().await {
            all.push(message);
        }
        all
    }
}

/// A block of lines as a message; nothing for a comment or a hint.
fn message(block: &str) -> Option<Message> {
    let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    let data = line("data:")?;
    Some(Message { name: line("event:")?.to_owned(), id: line("id:")?.parse().unwrap(), data: serde_json::from_str(data).unwrap() })
}
