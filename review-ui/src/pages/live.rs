//! `GET /live`: what changes while a page is open, as Server-Sent Events; and `GET /live/now`, the same once, for browsers that cannot stream.
//!
//! A page that comes (back) is sent everything as it stands, so nothing that it missed is lost. The number of a message is the database's
//! clock when its rows were read: whatever comes late by another way is older by number.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use askama::Template;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::id::ReviewId;
use domain::person::Right;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::review::{self, QueueCounts, Tally};
use store::session;
use tokio::time::Instant;

use crate::level::Badge;
use crate::live::{Full, Listener, Place};
use crate::pages::item;
use crate::pages::queue::Counts;
use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;

/// A comment this often keeps proxies from taking a quiet stream for a dead one.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What a browser is told to wait before it comes back.
const COME_BACK: Duration = Duration::from_secs(2);
/// A session that ends without a notice, by its age, is noticed this late.
const LOOK_AT_SESSION: Duration = Duration::from_secs(15);
/// After the database did not answer.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What the page shows.
#[derive(Debug, Deserialize)]
pub struct Wish {
    review: Option<String>,
    /// Of the lease that the page was made for; left out by a page without one.
    #[serde(default)]
    generation: i64,
}

/// One message.
#[derive(Debug, Serialize)]
struct Message {
    /// `counts`, `item`, `level` or `session`.
    name: &'static str,
    id: i64,
    /// `html` for the part of the page, and what the script must know besides.
    data: Value,
}

impl Message {
    fn new(name: &'static str, at: DateTime<Utc>, data: Value) -> Self {
        Self { name, id: at.timestamp_micros(), data }
    }

    fn event(&self) -> Event {
        // Plain data always has a JSON form.
        Event::default().event(self.name).id(self.id.to_string()).json_data(&self.data).unwrap_or_default()
    }
}

/// `GET /live`. 429 when the session holds as many streams as it may: the page asks now and then instead.
pub async fn stream(State(state): State<AppState>, person: Person, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let place = match state.live.places.take(&person.token) {
        Ok(place) => place,
        Err(Full::Session) => return Ok(StatusCode::TOO_MANY_REQUESTS.into_response()),
        Err(Full::Instance) => return Err(Problem::Busy),
    };
    // Listens before it looks.
    let listener = state.live.join(&state.store, state.notices.as_ref(), &state.stopping, person.tenant());
    let mut page = Page::new(state, person, &wish)?;
    page.see_item().await?;
    let feed = Feed { page, listener, look_at_session: Instant::now() + LOOK_AT_SESSION, begun: false, _place: place };
    let hello = futures::stream::iter([Ok::<_, Infallible>(Event::default().retry(COME_BACK))]);
    let messages = futures::stream::unfold(feed, async |mut feed| feed.next().await.map(|message| (Ok(message.event()), feed)));
    let sse = Sse::new(futures::StreamExt::chain(hello, messages)).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    // nginx and its kin would gather messages before they pass them on.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store")), unbuffered], sse).into_response())
}

/// `GET /live/now`: every message as of now, as a list.
pub async fn now(State(state): State<AppState>, person: Person, Query(wish): Query<Wish>) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let mut page = Page::new(state, person, &wish)?;
    let mut tx = page.state.store.begin(page.person.tenant()).await?;
    let tally = review::tally(&mut tx).await?;
    drop(tx);
    page.tell_level()?;
    page.see_counts(&tally)?;
    page.see_item().await?;
    Ok(Json(page.ready).into_response())
}

/// An open page, and what it is still to be sent.
struct Page {
    state: AppState,
    person: Person,
    review: Option<ReviewId>,
    generation: i64,
    /// As they were last told.
    counts: Option<QueueCounts>,
    item: Option<String>,
    /// When the review is looked at even if nobody says so.
    look_at_item: Option<Instant>,
    ready: VecDeque<Message>,
    over: bool,
}

impl Page {
    fn new(state: AppState, person: Person, wish: &Wish) -> Result<Self, Problem> {
        let review = wish.review.as_ref().map(|id| id.parse()).transpose().map_err(|_| Problem::NotFound)?;
        let generation = wish.generation;
        Ok(Self { state, person, review, generation, counts: None, item: None, look_at_item: None, ready: VecDeque::new(), over: false })
    }

    fn tell_level(&mut self) -> Result<(), Problem> {
        let html = Badge::now().render()?;
        self.ready.push_back(Message::new("level", self.state.clock.now(), json!({ "html": html })));
        Ok(())
    }

    fn see_counts(&mut self, tally: &Tally) -> Result<(), Problem> {
        let counts = tally.of(&self.person.actor());
        if self.counts != Some(counts) {
            self.counts = Some(counts);
            let html = Counts { counts }.render()?;
            self.ready.push_back(Message::new("counts", tally.at, json!({ "html": html, "waiting": counts.waiting })));
        }
        Ok(())
    }

    async fn see_item(&mut self) -> Result<(), Problem> {
        let Some(id) = self.review else { return Ok(()) };
        let mut tx = self.state.store.begin(self.person.tenant()).await?;
        let told = item::told(&mut tx, &self.person, id, self.generation).await?.ok_or(Problem::NotFound)?;
        drop(tx);
        self.look_at_item = told.until.map(|until| Instant::now() + (until - told.at).to_std().unwrap_or_default());
        if self.item.as_ref() != Some(&told.key) {
            let data = json!({ "html": told.html, "left": told.left, "lost": told.lost });
            self.ready.push_back(Message::new("item", told.at, data));
            self.item = Some(told.key);
        }
        Ok(())
    }

    /// Ends the stream when the session is worth nothing any more, or works for somebody else.
    async fn see_session(&mut self) -> Result<(), Problem> {
        let mut tx = self.state.store.begin_relay().await?;
        let found = session::find(&mut tx, &self.person.token, self.state.lifetime, false).await?;
        tx.commit().await?;
        let ended = match found {
            None => Ended::signed_out(self.review.is_some() && self.generation > 0),
            Some(found) if found.member.tenant_id != self.person.tenant() => Ended::elsewhere(),
            Some(_) => return Ok(()),
        };
        self.ready.push_back(Message::new("session", self.state.clock.now(), json!({ "html": ended.render()? })));
        self.over = true;
        Ok(())
    }
}

/// Why nothing more is told.
#[derive(Template)]
#[template(path = "_ended.html")]
struct Ended {
    title: &'static str,
    detail: &'static str,
    link: &'static str,
    link_text: &'static str,
}

impl Ended {
    /// Only a review that the person holds keeps what is typed as a draft.
    fn signed_out(drafts: bool) -> Self {
        Self {
            title: "You are signed out.",
            detail: if drafts {
                "What you typed stays on this page, and was kept as a draft with the last sign of life."
            } else {
                "What you typed stays on this page."
            },
            link: "/signin",
            link_text: "Sign in again",
        }
    }

    fn elsewhere() -> Self {
        Self {
            title: "You work for another organisation now.",
            detail: "You changed to it in another window; this page is of the one before.",
            link: "/",
            link_text: "Go to its queue",
        }
    }
}

/// A stream.
struct Feed {
    page: Page,
    listener: Listener,
    look_at_session: Instant,
    begun: bool,
    _place: Place,
}

impl Feed {
    /// The next message. None at the end: of the session, or of the server.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.page.ready.pop_front() {
                return Some(message);
            }
            if self.page.over {
                return None;
            }
            match self.gather().await {
                Ok(()) => {}
                // The review is gone, or the page cannot be made: the browser comes back and is told so.
                Err(Problem::NotFound | Problem::Template(_)) => return None,
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "A stream of the desk waits for the database");
                    self.look_at_session = Instant::now() + LOOK_AGAIN;
                    self.page.look_at_item = self.page.review.map(|_| Instant::now() + LOOK_AGAIN);
                }
            }
        }
    }

    async fn gather(&mut self) -> Result<(), Problem> {
        if !self.begun {
            self.begun = true;
            self.page.tell_level()?;
            if let Some(tally) = self.listener.latest() {
                self.page.see_counts(&tally)?;
            }
            return Ok(());
        }
        let stopping = self.page.state.stopping.clone();
        let item = self.page.look_at_item;
        let item = async {
            match item {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stopping.cancelled() => self.page.over = true,
            () = tokio::time::sleep_until(self.look_at_session) => self.see_session().await?,
            () = item => self.page.see_item().await?,
            news = self.listener.next() => {
                let (item, access) = match &news {
                    Some(news) => (self.page.review.is_some_and(|id| news.is_about(id)), news.is_of_access()),
                    None => (true, true),
                };
                if let Some(tally) = news.map(|news| std::sync::Arc::clone(&news.tally)).or_else(|| self.listener.latest()) {
                    self.page.see_counts(&tally)?;
                }
                if item {
                    self.page.see_item().await?;
                }
                if access {
                    self.see_session().await?;
                }
            }
        }
        Ok(())
    }

    async fn see_session(&mut self) -> Result<(), Problem> {
        self.look_at_session = Instant::now() + LOOK_AT_SESSION;
        self.page.see_session().await
    }
}
