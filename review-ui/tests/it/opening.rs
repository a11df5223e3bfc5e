//! Opening evidence is on record: once for each session or lease, however much is looked at, and not for a browser that looks ahead.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

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

    for header in ["sec-purpose", "purpose", "x-moz"] {
        let ahead = Request::get(&page).header(header, "prefetch").body(Body::empty()).unwrap();
        assert_eq!(ann.send(ahead).await.status, StatusCode::OK);
    }
    assert_eq!(opened().await, 0, "looking ahead is not looking");
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
    for path in [format!("/reviews/{}", theirs.review), format!("/evidence/{}/content", theirs.evidence)] {
        assert_eq!(ann.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(scene.told("evidence.opened").await, []);
    let rows = [scene.rows(scene.tenant).await, scene.rows(scene.other).await].concat();
    assert!(rows.iter().filter(|(table, _)| *table == "evidence_openings").all(|(_, rows)| rows.is_empty()));
}
