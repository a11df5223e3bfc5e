//! What open pages are told: across instances, of their own organisation only, and no longer than their session lasts.

use axum::http::StatusCode;
use domain::id::ReviewId;
use domain::person::Role;
use store::{session, user};
use tokio_util::sync::CancellationToken;

use crate::scene::{Case, DAY, EVIL, EVIL_AS_TEXT, Scene};
use crate::stream::{Stream, instance};

fn of(id: ReviewId, generation: i64) -> String {
    format!("?review={id}&generation={generation}")
}

#[tokio::test]
async fn a_page_is_told_everything_at_first_and_then_what_changes_at_another_instance() {
    let Some(scene) = Scene::start().await else { return };
    let (one, two) = (instance(&scene, CancellationToken::new()), instance(&scene, CancellationToken::new()));
    let first = scene.waiting().await.review;
    let ann = scene.reviewer("Ann").await;
    let mut bob = scene.reviewer("Bob").await;
    bob.desk = two.clone();
    let mut page = Stream::open(&one, &ann, "").await.unwrap();
    assert!(page.next().await.unwrap().html().contains("Level L0"));
    let told = page.next().await.unwrap();
    assert_eq!((told.name.as_str(), told.data["waiting"].as_i64()), ("counts", Some(1)));
    assert!(told.html().starts_with("<dl") && told.id > 0);

    // Bob's own page hears that he holds one; Ann's hears of the next and of the end of the first.
    let mut his = Stream::open(&two, &bob, &format!("?review={first}")).await.unwrap();
    assert!(his.until("item", |_| true).await.html().contains("Nobody has it."));
    bob.take(first).await;
    assert!(his.until("item", |_| true).await.html().contains("You have it in another window."));
    let second = scene.waiting().await.review;
    let later = page.waiting(2).await;
    assert!(later.id > told.id, "numbers rise");
    let held = his.until("counts", |message| message.data["waiting"] == 2).await;
    assert!(held.html().contains("<dt>held by you</dt><dd>1</dd>"), "{}", held.html());
    bob.submit(
        &format!("/reviews/{first}/skip"),
        crate::browser::Typed::default().with("csrf", &bob.csrf.clone()).with("generation", "1").with("to", "lead").with("why", "Odd"),
    )
    .await
    .to();
    assert!(
        page.until("counts", |message| message.html().contains("<dt>escalated</dt><dd>1</dd>")).await.html().contains("<dt>waiting</dt>")
    );
    bob.take(second).await;
    let form = crate::browser::Typed::default().with("csrf", &bob.csrf.clone()).with("generation", "1").with("wanted", "The other page");
    bob.submit(&format!("/reviews/{second}/ask"), form).await.to();
    page.waiting(1).await;
}

#[tokio::test]
async fn who_loses_a_review_is_told_by_whom_and_why() {
    let Some(scene) = Scene::start().await else { return };
    let (one, two) = (instance(&scene, CancellationToken::new()), instance(&scene, CancellationToken::new()));
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let mut told = Stream::open(&one, &ann, &of(id, 1)).await.unwrap();
    let mine = told.until("item", |_| true).await;
    assert!(mine.html().contains("Yours for") && mine.data["lost"] == false && mine.data["left"].as_i64() > Some(100), "{}", mine.data);
    let mut looking = Stream::open(&one, &scene.reviewer("Bob").await, &format!("?review={id}")).await.unwrap();
    assert!(looking.until("item", |_| true).await.html().contains("Ann has it at the moment."));

    let mut lea = scene.lead("Lea").await;
    lea.desk = two;
    lea.post(&format!("/reviews/{id}/take-over"), &[("why", EVIL)]).await.to();
    let lost = told.until("item", |message| message.data["lost"] == true).await;
    assert!(lost.html().contains("Lea took it over.") && lost.html().contains(EVIL_AS_TEXT), "{}", lost.html());
    assert!(looking.until("item", |_| true).await.html().contains("Lea has it at the moment."));
    // The sign of life that the page then gives keeps what was typed, and says the same.
    let beat = ann.submit(&format!("/reviews/{id}/beat"), page.form(&format!("/reviews/{id}")).with("note", "Half a wo")).await;
    assert!(beat.has("Lea took it over.") && beat.has(EVIL_AS_TEXT) && beat.has("kept as a draft"), "{}", beat.text);
    assert_eq!(scene.draft(id, "Ann").await["note"], "Half a wo");
    // What a later lease is about is not said of this one.
    lea.post(&format!("/reviews/{id}/give-back"), &[("generation", "2")]).await.to();
    let free = told.until("item", |message| message.html().contains("given back")).await;
    assert!(!free.html().contains("script"), "{}", free.html());
}

#[tokio::test]
async fn a_lease_that_runs_out_is_told_without_anybody_s_doing() {
    let Some(scene) = Scene::start().await else { return };
    let desk = instance(&scene, CancellationToken::new());
    let id = scene.waiting().await.review;
    let ann = scene.reviewer("Ann").await;
    scene.lease(id, &scene.actor("Ann").await, 1).await;
    let mut told = Stream::open(&desk, &ann, &of(id, 1)).await.unwrap();
    let lost = told.until("item", |message| message.data["lost"] == true).await;
    assert!(lost.html().contains("not renewed in time"), "{}", lost.html());
}

#[tokio::test]
async fn what_ends_a_review_is_told_to_every_page_of_it() {
    let Some(scene) = Scene::start().await else { return };
    let desk = instance(&scene, CancellationToken::new());
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    ann.take(waiting.review).await;
    let mut mine = Stream::open(&desk, &ann, &of(waiting.review, 1)).await.unwrap();
    let mut looking = Stream::open(&desk, &scene.reviewer("Bob").await, &format!("?review={}", waiting.review)).await.unwrap();
    let mut tx = scene.tx().await;
    assert!(store::review::expire(&mut tx, waiting.review).await.unwrap());
    tx.commit().await.unwrap();
    let lost = mine.until("item", |message| message.data["lost"] == true).await;
    assert!(lost.html().contains("Its time ran out meanwhile.") && lost.html().contains("See how it ended"), "{}", lost.html());
    assert!(looking.until("item", |message| !message.html().contains("Ann has it")).await.html().contains("Its time ran out meanwhile."));
}

#[tokio::test]
async fn nothing_of_another_organisation_is_told() {
    let Some(scene) = Scene::start().await else { return };
    let desk = instance(&scene, CancellationToken::new());
    let eve = scene.someone_of(scene.other, "Eve", &Role::ALL).await;
    let ours = scene.waiting().await.review;
    assert_eq!(Stream::open(&desk, &eve, &format!("?review={ours}")).await.err(), Some(StatusCode::NOT_FOUND));
    for nothing in ["?review=x", "?review=%00", &format!("?review={}", ReviewId::new())] {
        assert_eq!(Stream::open(&desk, &eve, nothing).await.err(), Some(StatusCode::NOT_FOUND), "{nothing}");
    }
    let mut told = Stream::open(&desk, &eve, "").await.unwrap();
    let mut own = Stream::open(&desk, &scene.reviewer("Ann").await, "").await.unwrap();
    told.waiting(0).await;
    for _ in 0..5 {
        scene.waiting().await;
    }
    own.waiting(6).await;
    scene.wanted(scene.other, Case::default()).await;
    // Had anything of ours been told, it would stand before this.
    let next = told.next().await.unwrap();
    assert_eq!((next.name.as_str(), next.data["waiting"].as_i64()), ("counts", Some(1)));
}

#[tokio::test]
async fn a_burst_is_told_in_a_few_messages_and_the_last_one_is_right() {
    let Some(scene) = Scene::start().await else { return };
    let desk = instance(&scene, CancellationToken::new());
    let mut page = Stream::open(&desk, &scene.reviewer("Ann").await, "").await.unwrap();
    page.waiting(0).await;
    let began = std::time::Instant::now();
    for _ in 0..40 {
        scene.waiting().await;
    }
    let mut messages = 1;
    while page.until("counts", |_| true).await.data["waiting"] != 40 {
        messages += 1;
    }
    // One for the first, and one for each quarter of a second, however long this machine takes.
    let most = 2 + began.elapsed().as_millis() / 250;
    assert!(messages <= most, "{messages} messages in {:?}", began.elapsed());
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_says_so() {
    let Some(scene) = Scene::start().await else { return };
    let desk = instance(&scene, CancellationToken::new());
    let tenants = [scene.tenant, scene.other];
    for (name, words) in [
        ("Out", "You are signed out."),
        ("Disabled", "You are signed out."),
        ("Left", "You are signed out."),
        ("Moved", "another organisation"),
    ] {
        let id = scene.person(name, &tenants, &[Role::Reviewer], None).await;
        let mut browser = scene.signed_in(id, DAY).await;
        browser.get("/help").await;
        let mut page = Stream::open(&desk, &browser, "").await.unwrap();
        page.waiting(0).await;
        match name {
            "Out" => {
                browser.clone().post("/signout", &[]).await.to();
            }
            "Moved" => {
                browser.clone().post("/tenant", &[("tenant", &scene.other.0.to_string())]).await.to();
            }
            _ => {
                let mut relay = scene.store.begin_relay().await.unwrap();
                if name == "Disabled" {
                    user::set_disabled(&mut relay, id, true).await.unwrap();
                } else {
                    user::enlist(&mut relay, scene.tenant, id, name, &[], "operator").await.unwrap();
                }
                relay.commit().await.unwrap();
            }
        }
        let rest = page.rest().await;
        let last = rest.last().unwrap_or_else(|| panic!("{name}: nothing was said"));
        assert!(last.name == "session" && last.html().contains(words), "{name}: {last:?}");
        if name != "Moved" {
            assert!(Stream::open(&desk, &browser, "").await.is_err(), "{name} comes back");
        }
    }
}

#[tokio::test]
async fn only_a_page_that_keeps_a_draft_says_so_when_its_session_ends() {
    let Some(scene) = Scene::start().await else { return };
    let desk = instance(&scene, CancellationToken::new());
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    ann.take(id).await;
    let (mut queue, mut looking, mut held) = (
        Stream::open(&desk, &ann, "").await.unwrap(),
        Stream::open(&desk, &ann, &format!("?review={id}")).await.unwrap(),
        Stream::open(&desk, &ann, &of(id, 1)).await.unwrap(),
    );
    queue.waiting(1).await;
    ann.post("/signout", &[]).await.to();
    for (page, drafts) in [(&mut queue, false), (&mut looking, false), (&mut held, true)] {
        let ended = page.until("session", |_| true).await;
        assert!(ended.html().contains("What you typed stays on this page"), "{}", ended.html());
        assert_eq!(ended.html().contains("kept as a draft"), drafts, "{}", ended.html());
    }
}

#[tokio::test]
async fn an_open_stream_is_no_sign_of_life() {
    let Some(scene) = Scene::start().await else { return };
    let desk = instance(&scene, CancellationToken::new());
    let ann = scene.reviewer("Ann").await;
    let client = scene.database.connect(scene.database.admin_url.as_deref().unwrap_or(&scene.database.owner_url)).await;
    let seen = "update sessions set seen_at = now() - interval '30 minutes' returning seen_at::text";
    let before: String = client.query_one(seen, &[]).await.unwrap().get(0);
    let mut page = Stream::open(&desk, &ann, "").await.unwrap();
    page.waiting(0).await;
    let after: String = client.query_one("select seen_at::text from sessions", &[]).await.unwrap().get(0);
    assert_eq!(before, after);
    let mut relay = scene.store.begin_relay().await.unwrap();
    assert!(session::find(&mut relay, ann.cookie.as_deref().unwrap(), DAY, true).await.unwrap().is_some());
    relay.commit().await.unwrap();
    let after: String = client.query_one("select seen_at::text from sessions", &[]).await.unwrap().get(0);
    assert_ne!(before, after, "a request by hand is one");
}

#[tokio::test]
async fn a_browser_has_so_many_streams_and_gets_their_places_back() {
    let Some(scene) = Scene::start().await else { return };
    let desk = instance(&scene, CancellationToken::new());
    let mut ann = scene.reviewer("Ann").await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(Stream::open(&desk, &ann, "").await.unwrap());
    }
    assert_eq!(Stream::open(&desk, &ann, "").await.err(), Some(StatusCode::TOO_MANY_REQUESTS));
    assert!(Stream::open(&desk, &scene.reviewer("Bob").await, "").await.is_ok());
    // The fifth window asks instead, and is told the same.
    scene.waiting().await;
    let now = ann.get("/live/now").await;
    let now: Vec<serde_json::Value> = serde_json::from_str(&now.text).unwrap();
    assert_eq!(now.iter().map(|message| message["name"].as_str().unwrap()).collect::<Vec<_>>(), ["level", "counts"]);
    assert_eq!(now[1]["data"]["waiting"], 1);
    drop(open);
    assert!(Stream::open(&desk, &ann, "").await.is_ok());
}

#[tokio::test]
async fn a_server_that_stops_lets_its_pages_go_at_once() {
    let Some(scene) = Scene::start().await else { return };
    let stop = CancellationToken::new();
    let desk = instance(&scene, stop.clone());
    let mut page = Stream::open(&desk, &scene.reviewer("Ann").await, "").await.unwrap();
    page.waiting(0).await;
    stop.cancel();
    assert!(page.next().await.is_none());
}

#[tokio::test]
async fn without_notices_a_page_is_told_all_the_same() {
    let Some(scene) = Scene::start().await else { return };
    let ann = scene.reviewer("Ann").await;
    let mut page = Stream::open(&ann.desk.clone(), &ann, "").await.unwrap();
    page.waiting(0).await;
    scene.waiting().await;
    page.waiting(1).await;
}

#[tokio::test]
async fn a_broken_connection_costs_no_news() {
    let Some(scene) = Scene::start().await else { return };
    let desk = instance(&scene, CancellationToken::new());
    let mut page = Stream::open(&desk, &scene.reviewer("Ann").await, "").await.unwrap();
    page.waiting(0).await;
    let client = scene.database.connect(&scene.database.relay_url).await;
    client
        .execute("select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%' and datname = current_database()", &[])
        .await
        .unwrap();
    scene.waiting().await;
    page.waiting(1).await;
}
