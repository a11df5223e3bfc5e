//! Opening evidence is on record: once for each session or lease, however much is looked at. What a browser fetches ahead of its person is on
//! record as that.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::scene::{DAY, Scene};

#[tokio::test]
async fn looking_is_on_record_once_for_each_occasion() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    scene.draw(scene.tenant, waiting.evidence, 4).await;
    let id = scene.person("Ann", &[scene.tenant], &[domain::person::Role::Reviewer], None).await;
    let mut ann = scene.signed_in(id, DAY).await;
    let page = format!("/reviews/{}", waiting.review);
    let opened = async || scene.told("evidence.opened").await.len();

    for path in [page.clone(), format!("{page}?page=2"), format!("/evidence/{}/pages/1", waiting.evidence), page.clone()] {
        assert_eq!(ann.get(&path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(ann.get(&format!("/evidence/{}/content", waiting.evidence)).await.status, StatusCode::OK);
    let actor = scene.actor("Ann").await;
    let first = (actor.clone(), waiting.verification.to_string(), json!({ "review_id": waiting.review, "how": "viewed" }));
    assert_eq!(scene.told("evidence.opened").await, [first]);

    ann.take(waiting.review).await;
    ann.get(&page).await;
    assert_eq!(opened().await, 2, "a lease is another occasion");
    let mut again = scene.signed_in(id, DAY).await;
    again.get(&page).await;
    assert_eq!(opened().await, 2, "the lease is the person's, wherever they sit");
    let mut bob = scene.reviewer("Bob").await;
    bob.get(&page).await;
    assert_eq!(opened().await, 3);
}

/// Asks for something as a browser does that fetches it ahead.
async fn ahead(browser: &mut Browser, header: &str, path: &str) {
    let request = Request::get(path).header(header, "prefetch").body(Body::empty()).unwrap();
    assert_eq!(browser.send(request).await.status, StatusCode::OK, "{header}: {path}");
}

#[tokio::test]
async fn what_says_that_it_is_fetched_ahead_is_on_record_as_that() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    scene.draw(scene.tenant, waiting.evidence, 4).await;
    let mut ann = scene.reviewer("Ann").await;
    let (page, file) = (format!("/reviews/{}", waiting.review), format!("/evidence/{}", waiting.evidence));
    for header in ["sec-purpose", "purpose", "x-moz"] {
        for path in [page.clone(), format!("{file}/content"), format!("{file}/pages/1"), format!("{file}/pages/2/text")] {
            ahead(&mut ann, header, &path).await;
        }
    }
    let first = (scene.actor("Ann").await, waiting.verification.to_string(), json!({ "review_id": waiting.review, "how": "viewed" }));
    assert_eq!(scene.told("evidence.prefetched").await, [first], "once for each occasion");
    assert_eq!(scene.told("evidence.opened").await, []);
    // Whoever looks then has looked; and from then on fetching ahead is nothing new.
    ann.get(&page).await;
    ahead(&mut ann, "purpose", &page).await;
    assert_eq!((scene.told("evidence.opened").await.len(), scene.told("evidence.prefetched").await.len()), (1, 1));

    // Each way alone leaves its trace.
    for (path, how) in [("/content", "downloaded"), ("/pages/1", "viewed"), ("/pages/1/words", "viewed"), ("/pages/1/text", "viewed")] {
        let mut bob = scene.reviewer(path).await;
        ahead(&mut bob, "purpose", &format!("{file}{path}")).await;
        let last = scene.told("evidence.prefetched").await.pop().unwrap();
        assert_eq!((last.0, last.2), (scene.actor(path).await, json!({ "evidence_id": waiting.evidence, "how": how })), "{path}");
    }
}

#[tokio::test]
async fn what_the_desk_itself_sends_ahead_is_on_record() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    for _ in 0..2 {
        ann.get("/queue/ahead").await;
        assert_eq!(scene.told("evidence.prefetched").await, [], "there was nothing");
    }
    let waiting = scene.waiting().await;
    scene.draw(scene.tenant, waiting.evidence, 4).await;
    for _ in 0..2 {
        let told: Value = serde_json::from_str(&ann.get("/queue/ahead").await.text).unwrap();
        ahead(&mut ann, "purpose", told["images"][0].as_str().unwrap()).await;
    }
    let told = (scene.actor("Ann").await, waiting.verification.to_string(), json!({ "review_id": waiting.review, "how": "viewed" }));
    assert_eq!(scene.told("evidence.prefetched").await, [told]);
    assert_eq!(scene.told("evidence.opened").await, []);
}

#[tokio::test]
async fn a_page_that_is_looked_at_or_read_by_its_address_is_on_record() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    scene.draw(scene.tenant, waiting.evidence, 4).await;
    let file = format!("/evidence/{}", waiting.evidence);
    for path in ["/pages/1", "/pages/1?size=small", "/pages/2/words", "/pages/2/text"] {
        let mut person = scene.reviewer(path).await;
        for _ in 0..2 {
            assert_eq!(person.get(&format!("{file}{path}")).await.status, StatusCode::OK, "{path}");
        }
        let told: Vec<_> = scene.told("evidence.opened").await;
        let data = json!({ "evidence_id": waiting.evidence, "how": "viewed" });
        assert_eq!(told.last(), Some(&(scene.actor(path).await, waiting.verification.to_string(), data)), "{path}");
    }
    assert_eq!(scene.told("evidence.opened").await.len(), 4);
    // A browser that has it already opens it too.
    let tag = scene.reviewer("Bob").await.get(&format!("{file}/pages/1")).await.header("etag").to_owned();
    let known = Request::get(format!("{file}/pages/1")).header("if-none-match", tag).body(Body::empty()).unwrap();
    assert_eq!(scene.reviewer("Eve").await.send(known).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(scene.told("evidence.opened").await.len(), 6);
    // There is nothing to see here, so nobody saw it.
    let mut zoe = scene.reviewer("Zoe").await;
    for path in ["/pages/3", "/pages/3/words", "/pages/0/text"] {
        assert_eq!(zoe.get(&format!("{file}{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(scene.told("evidence.opened").await.len(), 6);
}

#[tokio::test]
async fn a_download_alone_is_on_record_too() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let path = format!("/evidence/{}/content", waiting.evidence);
    for _ in 0..2 {
        assert_eq!(ann.get(&path).await.status, StatusCode::OK);
    }
    let told = scene.told("evidence.opened").await;
    let data = json!({ "evidence_id": waiting.evidence, "how": "downloaded" });
    assert_eq!(told, [(scene.actor("Ann").await, waiting.verification.to_string(), data)]);
    ann.get(&format!("/reviews/{}", waiting.review)).await;
    assert_eq!(scene.told("evidence.opened").await.len(), 1);
}

#[tokio::test]
async fn nobody_opens_what_is_another_organisations() {
    let Some(scene) = Scene::start().await else { return };
    let theirs = scene.wanted(scene.other, Default::default()).await;
    let mut ann = scene.reviewer("Ann").await;
    let file = format!("/evidence/{}", theirs.evidence);
    for path in
        [format!("/reviews/{}", theirs.review), format!("{file}/content"), format!("{file}/pages/1"), format!("{file}/pages/1/text")]
    {
        assert_eq!(ann.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(scene.told("evidence.opened").await, []);
    let rows = [scene.rows(scene.tenant).await, scene.rows(scene.other).await].concat();
    assert!(rows.iter().filter(|(table, _)| *table == "evidence_openings").all(|(_, rows)| rows.is_empty()));
}
