//! The queue: what stands in it, in which order, and who gets what.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use chrono::TimeDelta;
use domain::blocker::Blocker;
use domain::id::ReviewId;
use domain::person::Role;
use domain::review::ReviewStatus;
use store::review;

use crate::browser::Browser;
use crate::scene::{Case, Scene};

/// What the button gives: where it leads, as a review.
async fn next(browser: &mut Browser) -> Option<ReviewId> {
    let taken = browser.post("/queue/next", &[]).await;
    taken.to().strip_prefix("/reviews/").map(|id| id.parse().unwrap())
}

async fn escalate(scene: &Scene, id: ReviewId) {
    let mut tx = scene.tx().await;
    assert!(review::escalate(&mut tx, id, "system", "overdue").await.unwrap());
    tx.commit().await.unwrap();
}

/// The four numbers above the queue.
fn counts(text: &str) -> Vec<i64> {
    text.split("<dd>").skip(1).take(4).map(|piece| piece.split('<').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn what_is_most_pressing_stands_first_and_says_how_late_it_is() {
    let Some(scene) = Scene::start().await else { return };
    let mut made = Vec::new();
    for minutes in [125, -95, 125, 31, -5] {
        made.push(scene.due_in(minutes).await.review);
    }
    let page = scene.reviewer("Ann").await.get("/").await;
    assert_eq!(page.reviews(), [made[1], made[4], made[3], made[0], made[2]]);
    for words in ["1 h 35 min late", "5 min late", "in 30 min", "in 2 h 4 min", "Kedai Bunga", "9.00 MYR", "low confidence"] {
        assert!(page.has(words), "{words}: {}", page.text);
    }
    assert_eq!(counts(&page.text), [5, 2, 0, 0]);
}

#[tokio::test]
async fn the_filters_stand_in_the_address_and_stay_chosen() {
    let Some(scene) = Scene::start().await else { return };
    let late = scene.due_in(-1).await.review;
    let lead = scene.due_in(10).await.review;
    let mine = scene.due_in(20).await.review;
    let invoice = Case { claim_type: "invoice", blockers: vec![Blocker::NotFound], due: TimeDelta::minutes(30), ..Case::default() };
    let invoice = scene.wanted(scene.tenant, invoice).await.review;
    escalate(&scene, lead).await;
    let mut ann = scene.reviewer("Ann").await;
    ann.take(mine).await;
    let mut bob = scene.reviewer("Bob").await;
    bob.take(invoice).await;
    for (address, shown) in [
        ("/", vec![late, lead, mine, invoice]),
        ("/?show=overdue", vec![late]),
        ("/?show=escalated", vec![lead]),
        ("/?show=mine", vec![mine]),
        ("/?claim_type=invoice", vec![invoice]),
        ("/?claim_type=invoice&show=mine", vec![]),
        ("/?reason=not_found", vec![invoice]),
        ("/?reason=low_confidence&show=overdue&claim_type=expense_receipt", vec![late]),
        ("/?claim_type=nothing", vec![]),
        ("/?reason=%25", vec![]),
    ] {
        let page = ann.get(address).await;
        assert_eq!(page.reviews(), shown, "{address}");
        let form = page.form("/");
        for pair in address
            .trim_start_matches("/?")
            .split('&')
            .filter(|pair| pair.contains('=') && !pair.contains("=nothing") && !pair.contains('%'))
        {
            let (name, value) = pair.split_once('=').unwrap();
            assert_eq!(form.get(name), Some(value), "{address}");
        }
        assert_eq!(page.has("<h2>Nothing fits</h2>"), shown.is_empty(), "{address}");
        assert_eq!(page.has("Show everything</a>"), address != "/", "{address}");
    }
    let page = ann.get("/").await;
    assert!(page.has("<strong>you</strong>") && page.has(">Bob</td>") && page.has("nobody</span>"), "who has what: {}", page.text);
}

#[tokio::test]
async fn paging_loses_nothing_and_keeps_the_filters() {
    let Some(scene) = Scene::start().await else { return };
    let mut made = Vec::new();
    for number in 0..103 {
        // Many are due at the same moment as others, as far as minutes tell.
        made.push(scene.due_in(10 + number / 20).await.review);
    }
    scene.wanted(scene.tenant, Case { claim_type: "invoice", ..Case::default() }).await;
    let mut ann = scene.reviewer("Ann").await;
    let (mut address, mut seen, mut sizes) = ("/?claim_type=expense_receipt".to_owned(), Vec::new(), Vec::new());
    loop {
        let page = ann.get(&address).await;
        assert!(page.bytes.len() < 100_000, "{} bytes", page.bytes.len());
        sizes.push(page.reviews().len());
        seen.extend(page.reviews());
        let Some(more) = page.between("rel=\"next\" href=\"", "\"") else { break };
        address = more.replace("&#38;", "&").replace("&amp;", "&");
        assert!(address.contains("claim_type=expense_receipt"), "{address}");
    }
    assert_eq!(sizes, [35, 35, 33]);
    assert_eq!(seen, made);
    for broken in ["x", "~", "2026-01-01T00:00:00Z~rev_1", "%00~", "2026-01-01T00:00:00Z"] {
        let page = ann.get(&format!("/?after={broken}")).await;
        assert!(page.status == StatusCode::UNPROCESSABLE_ENTITY && page.has("This link into the list is broken."), "{broken}");
    }
}

#[tokio::test]
async fn the_numbers_above_agree_with_the_lists() {
    let Some(scene) = Scene::start().await else { return };
    for minutes in [-30, -20, 10, 20, 30] {
        scene.due_in(minutes).await;
    }
    scene.wanted(scene.other, Case::default()).await;
    let mut ann = scene.reviewer("Ann").await;
    let first = next(&mut ann).await.unwrap();
    escalate(&scene, first).await;
    let page = ann.get("/").await;
    let mut lists = vec![page.reviews().len() as i64];
    for show in ["overdue", "escalated", "mine"] {
        lists.push(ann.get(&format!("/?show={show}")).await.reviews().len() as i64);
    }
    assert_eq!(lists, [5, 2, 1, 1]);
    assert_eq!(counts(&page.text), lists);
    // The part that keeps itself up to date says the same, and is nothing but that part.
    let now: Vec<serde_json::Value> = serde_json::from_str(&ann.get("/live/now").await.text).unwrap();
    let part = now.iter().find(|message| message["name"] == "counts").unwrap()["data"]["html"].as_str().unwrap();
    assert_eq!(counts(part), lists);
    assert!(part.starts_with("<dl") && !part.contains("<html"), "{part}");
    assert_eq!(counts(&scene.reviewer("Bob").await.get("/").await.text), [5, 2, 1, 0]);
}

#[tokio::test]
async fn taking_the_next_leases_one_and_the_one_that_is_held_comes_first() {
    let Some(scene) = Scene::start().await else { return };
    let (first, second) = (scene.due_in(10).await.review, scene.due_in(20).await.review);
    let mut ann = scene.reviewer("Ann").await;
    assert_eq!(next(&mut ann).await, Some(first));
    assert_eq!(scene.holder(first).await, Some(scene.actor("Ann").await));
    assert_eq!(scene.holder(second).await, None);
    // Her tab was closed, and something more pressing came.
    let pressing = scene.due_in(-10).await.review;
    assert_eq!(next(&mut ann).await, Some(first));
    assert_eq!(scene.holder(pressing).await, None);
    assert_eq!(next(&mut scene.reviewer("Bob").await).await, Some(pressing));
    assert_eq!(scene.told("review.leased").await.len(), 2);
    // One whose time ran out is anybody's.
    let lapsed = scene.due_in(-20).await.review;
    scene.lease(lapsed, "user:gone", 0).await;
    assert_eq!(next(&mut scene.reviewer("Eve").await).await, Some(lapsed));
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_who_take_the_next_at_once_get_eight_different_ones() {
    let Some(scene) = Scene::start().await else { return };
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(scene.reviewer(&format!("Ann{number}")).await);
    }
    for waiting in [8, 5] {
        let mut made = BTreeSet::new();
        for _ in 0..waiting {
            made.insert(scene.due_in(10).await.review);
        }
        let at_once = people.iter().cloned().map(|mut browser| tokio::spawn(async move { next(&mut browser).await }));
        let mut got = Vec::new();
        for taken in at_once.collect::<Vec<_>>() {
            got.extend(taken.await.unwrap());
        }
        assert_eq!(got.len(), waiting, "as many as there are");
        assert_eq!(got.iter().copied().collect::<BTreeSet<_>>(), made, "and nobody got another's");
        for id in made {
            let mut tx = scene.tx().await;
            assert!(review::expire(&mut tx, id).await.unwrap());
            tx.commit().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_who_take_the_same_one_at_once_are_told_apart() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut at_once = Vec::new();
    for number in 0..8 {
        let mut browser = scene.reviewer(&format!("Ann{number}")).await;
        at_once.push(tokio::spawn(async move { browser.post(&format!("/reviews/{}/take", waiting.review), &[]).await.status }));
    }
    let mut got = Vec::new();
    for taken in at_once {
        got.push(taken.await.unwrap());
    }
    assert_eq!(got.iter().filter(|status| **status == StatusCode::SEE_OTHER).count(), 1, "{got:?}");
    assert_eq!(got.iter().filter(|status| **status == StatusCode::CONFLICT).count(), 7, "{got:?}");
    assert_eq!(scene.review(waiting.review).await.lease_generation, 1);
}

#[tokio::test]
async fn an_empty_queue_says_so() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.get("/").await;
    assert!(page.has("<h2>The queue is empty</h2>") && !page.has("rel=\"next\""), "{}", page.text);
    assert!(page.has("the new list is offered here") && !page.has("New reviews appear here"), "it says what happens: {}", page.text);
    let taken = ann.post("/queue/next", &[]).await;
    assert_eq!(taken.to(), "/?empty=1");
    assert!(ann.follow(&taken).await.has("Nothing waits that you could take."));
    // Whatever there is is somebody else's.
    let held = scene.waiting().await.review;
    scene.lease(held, "user:bob", 300).await;
    assert_eq!(next(&mut ann).await, None);
    assert_eq!(ann.get("/").await.reviews(), [held]);
}

#[tokio::test]
async fn the_new_list_that_is_offered_is_the_one_that_was_looked_at() {
    let Some(scene) = Scene::start().await else { return };
    for _ in 0..51 {
        scene.due_in(-10).await;
    }
    let mut ann = scene.reviewer("Ann").await;
    let first = ann.get("/?show=overdue&reason=low_confidence").await;
    let second = ann.get(&first.between("rel=\"next\" href=\"", "\"").unwrap().replace("&#38;", "&")).await;
    for page in [first, second] {
        let offer = page.between("<template id=\"offer\">", "</template>").unwrap();
        assert!(offer.contains("href=\"/?show=overdue&#38;reason=low_confidence\">Load the new list</a>"), "{offer}");
        assert!(page.has("<div data-part=\"offer\" role=\"status\"></div>"), "it is empty until something changes");
        assert!(page.has("href=\"/?show=overdue&#38;reason=low_confidence\">First page</a>"), "{}", page.text);
    }
    assert!(ann.get("/?empty=1").await.has("href=\"/\">Load the new list</a>"));
}

#[tokio::test]
async fn what_is_settled_stands_in_no_queue() {
    let Some(scene) = Scene::start().await else { return };
    let (expired, open) = (scene.due_in(-10).await.review, scene.due_in(10).await.review);
    let mut tx = scene.tx().await;
    assert!(review::expire(&mut tx, expired).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(scene.review(expired).await.status, ReviewStatus::Expired);
    let mut ann = scene.reviewer("Ann").await;
    assert_eq!(ann.get("/").await.reviews(), [open]);
    assert_eq!(next(&mut ann).await, Some(open));
}

#[tokio::test]
async fn who_only_looks_gets_no_button() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    for role in [Role::Operator, Role::Auditor] {
        let page = scene.someone(role.as_str(), &[role]).await.get("/").await;
        assert_eq!(page.reviews(), [waiting.review]);
        assert!(!page.has("action=\"/queue/next\""), "{}", role.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_clicks_twice_gets_one() {
    let Some(scene) = Scene::start().await else { return };
    for _ in 0..20 {
        scene.due_in(10).await;
    }
    for number in 0..5 {
        let ann = scene.reviewer(&format!("Ann{number}")).await;
        let (mut one, mut two) = (ann.clone(), ann);
        let (first, second) = tokio::join!(next(&mut one), next(&mut two));
        assert_eq!(first, second, "reviewer {number}");
    }
}
