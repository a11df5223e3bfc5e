//! What operators see of the installation, and pages of what does not fit beside a result.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use bytes::Bytes;
use domain::evidence::MediaType;
use domain::person::Role;
use sha2::{Digest, Sha256};
use store::chore::{self, Chore};
use store::evidence::{self, NewEvidence};
use store::instance::{self, Instance};
use store::objects::{Objects, evidence_key};
use store::task_queue::{self, Sight};
use store::{comment, user};
use uuid::Uuid;

use crate::scene::Scene;

const OPERATIONS: &str = "/operations";

async fn installation(scene: &Scene) {
    let process = |role, pools: &[&str]| Instance {
        id: Uuid::now_v7(),
        roles: vec![role],
        version: "7.8.9".to_owned(),
        pools: pools.iter().map(|pool| (*pool).to_owned()).collect(),
    };
    let gone = process(instance::Role::Desk, &[]);
    let mut tx = scene.store.begin_relay().await.unwrap();
    instance::beat(&mut tx, &process(instance::Role::Worker, &["ocr", "cpu"])).await.unwrap();
    instance::beat(&mut tx, &gone).await.unwrap();
    let sight = |pool: &str, backlog| Sight { pool: pool.to_owned(), backlog, oldest_seconds: 130.0, pollers: 2 };
    task_queue::saw(&mut tx, &[sight("ocr", 41), sight("cpu", 0)]).await.unwrap();
    chore::ended(&mut tx, Chore::Patrol, 2).await.unwrap();
    tx.commit_soon().await.unwrap();
    let client = scene.database.connect(&scene.database.relay_url).await;
    let earlier = format!(
        "update instances set seen_at = clock_timestamp() - interval '5 minutes' where id = '{}';
        update task_queues set seen_at = clock_timestamp() - interval '2 minutes' where pool = 'cpu'",
        gone.id
    );
    client.batch_execute(&earlier).await.unwrap();
}

#[tokio::test]
async fn operators_see_what_runs_what_waits_and_what_is_silent() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.operator("Ann").await;
    let empty = ann.get(OPERATIONS).await;
    for words in ["Nobody was heard of", "No queue was looked at yet", "nobody has looked yet", "There are none yet"] {
        assert!(empty.has(words), "{words}: {}", empty.text);
    }
    installation(&scene).await;
    let waiting = scene.waiting().await;
    ann.post(&format!("/verifications/{}/cancel", waiting.verification), &[]).await;
    let page = ann.get(OPERATIONS).await;
    for words in [
        "Worker</th>",
        "ocr, cpu",
        "7.8.9",
        "alive</span>",
        "silent for 5 min",
        "class=\"number\">41</td><td role=\"cell\" data-label=\"Oldest\" class=\"number\">2 min</td>",
        "not seen for 2 min",
        "2 at the last look",
        "1 waiting for the engine",
        "ready for 3 months",
        "<dt>Reviews waiting</dt><dd>1</dd>",
        "no change of it is on record",
        "Temporal Web UI",
        "href=\"/webhooks\">see them</a>",
    ] {
        assert!(page.has(words), "{words}: {}", page.text);
    }
    // An auditor sees the same, without the way to pages that are not theirs.
    let auditor = scene.someone("Bob", &[Role::Auditor]).await.get(OPERATIONS).await;
    assert!(auditor.has("silent for 5 min") && !auditor.has("href=\"/webhooks\""), "{}", auditor.text);
    assert_eq!(scene.reviewer("Eve").await.get(OPERATIONS).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_script_gets_the_numbers_without_the_page_around_them() {
    let Some(scene) = Scene::start().await else { return };
    installation(&scene).await;
    let mut ann = scene.operator("Ann").await;
    let page = ann.get(OPERATIONS).await;
    assert!(page.has("data-refresh=\"10\"") && page.has("hx-trigger=\"refresh\"") && page.has("refresh.js"), "{}", page.text);
    let asked = Request::get(OPERATIONS).header("hx-request", "true").body(Body::empty()).unwrap();
    let part = ann.send(asked).await;
    assert_eq!((part.status, part.header(header::VARY)), (StatusCode::OK, "HX-Request"));
    assert!(part.has("silent for 5 min") && !part.has("<main") && !part.has("masthead") && !part.has("csrf"), "{}", part.text);
    assert!(page.has("silent for 5 min") && page.header(header::VARY) == "HX-Request");
}

#[tokio::test]
async fn of_much_that_was_said_and_done_the_latest_is_shown_with_the_way_to_the_rest() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let actor = scene.actor("Ann").await;
    let (path, review) = (format!("/verifications/{}", waiting.verification), format!("/reviews/{}", waiting.review));
    let quiet = ann.get(&path).await;
    assert!(!quiet.has("Earlier comments") && !quiet.has("All steps"), "{}", quiet.text);
    let mut tx = scene.tx().await;
    for number in 0..=comment::SHOWN {
        comment::add(&mut tx, waiting.verification, None, &actor, &format!("Comment {number}.")).await.unwrap();
    }
    tx.commit().await.unwrap();
    let steps = "insert into events (tenant_id, verification_id, sequence, at, kind, actor, data)
        select v.tenant_id, v.id, n, now(), 'step.number_' || n, 'system', '{}' from verifications v, generate_series(v.sequence + 1, 300) n
        where v.id = ";
    let client = scene.database.connect(&scene.database.owner_url).await;
    let steps = format!("set app.tenant = '{}'; {steps} '{}'", scene.tenant.0, waiting.verification.0);
    client.batch_execute(&steps).await.unwrap();
    for at in [&path, &review] {
        let page = ann.get(at).await;
        assert!(page.has("Comment 200.") && page.has("Comment 1.") && !page.has("Comment 0."), "{at}");
        assert!(page.has("Step number 300") && page.has("Step number 101") && !page.has("Step number 100 "), "{at}");
        assert!(page.has("Earlier comments") && page.has("the latest 200 steps"), "{at}");
        assert!(page.has(&format!("href=\"{path}/steps\">All steps")), "{at}");
    }
    let page = ann.get(&path).await;
    let earlier = page.between(&format!("<a href=\"{path}/comments"), "\"").unwrap().to_owned();
    let earlier = ann.get(&format!("{path}/comments{earlier}")).await;
    assert!(earlier.has("Comment 0.") && !earlier.has("Comment 1."), "{}", earlier.text);
    let all = ann.get(&format!("{path}/steps")).await;
    let before = all.between(&format!("rel=\"next\" href=\"{path}/steps"), "\"").unwrap().to_owned();
    let first = ann.get(&format!("{path}/steps{before}")).await;
    assert!(first.has("Verification accepted") && first.has("Step number 100 ") && !first.has("Step number 101"), "{}", first.text);
    assert!(!first.has("rel=\"next\""), "{}", first.text);
    for odd in ["before=x", "before=-1", "before=99999999999999999999", "before=%00"] {
        for kind in ["steps", "comments"] {
            assert_eq!(ann.get(&format!("{path}/{kind}?{odd}")).await.status, StatusCode::OK, "{kind} {odd}");
        }
    }
    let mut eve = scene.someone_of(scene.other, "Eve", &Role::ALL).await;
    for kind in ["steps", "comments"] {
        assert_eq!(eve.get(&format!("{path}/{kind}")).await.status, StatusCode::NOT_FOUND, "{kind}");
    }
}

#[tokio::test]
async fn who_belongs_to_many_organisations_finds_them_all() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.person("Ann", &[scene.tenant, scene.other], &[Role::Reviewer], None).await;
    let mut ann = scene.signed_in(id, crate::scene::DAY).await;
    let few = ann.get("/").await;
    assert!(few.has("<option") && !few.has("All organisations"), "{}", few.text);
    let mut last = None;
    for number in 0..49 {
        let tenant = scene.database.tenant(&scene.store, &format!("branch {number:02}")).await;
        let mut relay = scene.store.begin_relay().await.unwrap();
        user::enlist(&mut relay, tenant, id, "Ann", &[Role::Reviewer], "operator").await.unwrap();
        relay.commit().await.unwrap();
        last = Some(tenant);
    }
    let many = ann.get("/").await;
    assert_eq!(many.text.matches("<option value=\"0").count(), 50, "{}", many.text);
    assert!(many.has("<a href=\"/tenant\">All organisations</a>") && !many.has(">zenith</option>"), "{}", many.text);
    let all = ann.get("/tenant").await;
    assert!(all.has("zenith") && all.has("branch 48") && all.has("you work here"), "{}", all.text);
    let changed = ann.post("/tenant", &[("tenant", &last.unwrap().0.to_string())]).await;
    assert_eq!(changed.to(), "/");
    assert!(ann.get("/tenant?after=branch%2047").await.has("you work here"));
    assert!(!ann.get("/tenant?after=zz%00").await.has("Work here"));
}

#[tokio::test]
async fn a_large_file_comes_whole() {
    let Some(scene) = Scene::start().await else { return };
    let bytes = Bytes::from((0..2_500_000_u32).map(|index| (index % 251) as u8).collect::<Vec<_>>());
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    let object_key = evidence_key(scene.tenant, &sha256);
    let new = NewEvidence { sha256, size: bytes.len() as i64, media_type: MediaType::Text, filename: None, object_key: object_key.clone() };
    let mut tx = scene.tx().await;
    let id = evidence::insert_ready(&mut tx, &new, "key:test").await.unwrap().row().id;
    tx.commit().await.unwrap();
    let mut ann = scene.reviewer("Ann").await;
    let path = format!("/evidence/{id}/content");
    assert_eq!(ann.get(&path).await.status, StatusCode::NOT_FOUND, "a row whose object is gone");
    scene.objects.put(&object_key, bytes.clone(), "text/plain", sha256).await.unwrap();
    let file = ann.get(&path).await;
    assert_eq!((file.status, file.header(header::CONTENT_LENGTH)), (StatusCode::OK, "2500000"));
    assert_eq!(file.bytes, bytes);
}
