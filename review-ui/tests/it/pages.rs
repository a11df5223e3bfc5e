//! What holds for pages as such: they render, they are small, they are guarded, and what people wrote stays text.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use domain::blocker::Blocker;
use domain::person::Role;

use crate::browser::Typed;
use crate::scene::{Case, DAY, EVIL, EVIL_AS_TEXT, Scene, png};

/// Every page that needs no id.
const PAGES: [&str; 13] = [
    "/",
    "/help/keys",
    "/verifications",
    "/submit",
    "/submit/expense_receipt",
    "/submit/invoice",
    "/claim-types",
    "/operations",
    "/tenant",
    "/policy",
    "/keys",
    "/help",
    "/signin",
];

#[tokio::test]
async fn every_page_renders_over_empty_tables() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.someone("Ann", &Role::ALL).await;
    for path in PAGES {
        let page = ann.get(path).await;
        assert_eq!((page.status, page.header(header::CONTENT_TYPE)), (StatusCode::OK, "text/html; charset=utf-8"), "{path}");
        assert!(page.bytes.len() < 100_000, "{path}: {}", page.bytes.len());
        if path != "/help/keys" {
            assert!(
                page.text.trim_start().starts_with("<!doctype html>") && page.has("lang=\"en\"") && page.has("<main id=\"main\""),
                "{path}"
            );
            assert_eq!(page.text.matches("<h1>").count(), 1, "{path}");
        }
    }
}

#[tokio::test]
async fn every_answer_says_that_nothing_foreign_may_run_in_it() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.someone("Ann", &Role::ALL).await;
    let waiting = scene.waiting().await;
    let review = format!("/reviews/{}", waiting.review);
    for path in PAGES.into_iter().chain([review.as_str(), "/nothing", "/?after=x", "/reviews/x"]) {
        let page = ann.get(path).await;
        let policy = page.header(header::CONTENT_SECURITY_POLICY);
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{part} for {path}: {policy}");
        }
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(page.header("strict-transport-security"), "", "not without TLS: {path}");
    }
}

#[tokio::test]
async fn static_files_are_kept_for_ever_under_their_version() {
    let Some(scene) = Scene::start().await else { return };
    let mut browser = scene.browser();
    let door = browser.get("/signin").await;
    let base = door.between("href=\"", "/icon.svg\"").unwrap().to_owned();
    for (name, kind) in
        [("desk.css", "text/css"), ("desk.js", "text/javascript"), ("htmx.js", "text/javascript"), ("icon.svg", "image/svg+xml")]
    {
        let file = browser.get(&format!("{base}/{name}")).await;
        assert!(file.status == StatusCode::OK && !file.bytes.is_empty() && file.header(header::CONTENT_TYPE).starts_with(kind), "{name}");
        assert_eq!(file.header(header::CACHE_CONTROL), "public, max-age=31536000, immutable", "{name}");
        let old = browser.get(&format!("/static/000000000000/{name}")).await;
        assert_eq!((old.bytes, old.headers[header::CACHE_CONTROL].to_str().unwrap()), (file.bytes, "no-store"), "{name}");
    }
    for name in ["nothing", "..%2F..%2FCargo.toml", "%00", "desk.css%00"] {
        assert_eq!(browser.get(&format!("{base}/{name}")).await.status, StatusCode::NOT_FOUND, "{name}");
    }
    // Whatever a page asks for is there.
    let page = scene.reviewer("Ann").await.get("/").await;
    for piece in page.text.split(&base).skip(1) {
        let name = piece.split(['"', '#']).next().unwrap();
        assert_eq!(browser.get(&format!("{base}{name}")).await.status, StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn page_images_come_in_three_sizes_and_are_fetched_once() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    scene.draw(scene.tenant, waiting.evidence, 1_200).await;
    let mut ann = scene.reviewer("Ann").await;
    let path = |page: u32, size: &str| format!("/evidence/{}/pages/{page}?size={size}&v=pages-1", waiting.evidence);
    let mut tags = Vec::new();
    for (size, width) in [("small", 320), ("medium", 1_000), ("large", 1_200), ("odd", 1_200)] {
        let image = ann.get(&path(1, size)).await;
        assert_eq!((image.status, image.header(header::CONTENT_TYPE)), (StatusCode::OK, "image/png"), "{size}");
        let drawn = image::load_from_memory(&image.bytes).unwrap();
        assert_eq!((drawn.width(), drawn.height()), (width, width * 3 / 2), "{size}");
        assert_eq!(image.header(header::CACHE_CONTROL), "private, max-age=604800, immutable");
        let tag = image.header(header::ETAG).to_owned();
        let asked = |tag: &str| Request::get(path(1, size)).header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap();
        let known = ann.send(asked(&tag)).await;
        assert!(known.status == StatusCode::NOT_MODIFIED && known.bytes.is_empty() && known.header(header::ETAG) == tag, "{size}");
        assert_eq!(ann.send(asked("\"another\"")).await.bytes, image.bytes, "{size}");
        tags.push(tag);
    }
    assert_eq!(tags[2], tags[3]);
    assert!(tags[0] != tags[1] && tags[1] != tags[2]);
    assert_eq!(ann.get(&path(2, "large")).await.bytes, png(1_200));
    for page in ["0", "3", "4294967295"] {
        assert_eq!(ann.get(&format!("/evidence/{}/pages/{page}", waiting.evidence)).await.status, StatusCode::NOT_FOUND, "{page}");
    }
    for page in ["-1", "x", "4294967296", "1.png", "%00"] {
        assert!(ann.get(&format!("/evidence/{}/pages/{page}", waiting.evidence)).await.status.is_client_error(), "{page}");
    }
    // What this desk has in its memory is not another organisation's.
    let mut eve = scene.someone_of(scene.other, "Eve", &Role::ALL).await;
    for size in ["small", "medium", "large"] {
        let request = Request::get(path(1, size)).header(header::IF_NONE_MATCH, &tags[0]).body(Body::empty()).unwrap();
        assert_eq!(eve.send(request).await.status, StatusCode::NOT_FOUND, "{size}");
    }
}

#[tokio::test]
async fn a_file_is_saved_and_never_shown_as_ours() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.someone("Ann", &[Role::Auditor]).await;
    let file = ann.get(&format!("/evidence/{}/content", waiting.evidence)).await;
    assert!(file.status == StatusCode::OK && file.text.starts_with("receipt "));
    assert_eq!((file.header(header::CONTENT_DISPOSITION), file.header(header::CONTENT_TYPE)), ("attachment", "text/plain"));
    assert_eq!(file.header(header::CONTENT_SECURITY_POLICY), "sandbox; default-src 'none'");
}

#[tokio::test]
async fn whatever_people_and_documents_say_is_text() {
    let Some(scene) = Scene::start().await else { return };
    let values = vec![EVIL.to_owned(), "9.00".to_owned()];
    let blockers = vec![
        Blocker::ConflictingValues { values },
        Blocker::Ambiguous { reason: EVIL.to_owned() },
        Blocker::WrongDocumentType { expected: "receipt".to_owned(), found: EVIL.to_owned() },
        Blocker::ModelUnavailable { model: EVIL.to_owned() },
    ];
    let waiting = scene.wanted(scene.tenant, Case { merchant: EVIL, filename: EVIL, blockers, ..Case::default() }).await;
    scene.key(scene.tenant, EVIL).await;
    let id = scene.person(EVIL, &[scene.tenant], &Role::ALL, None).await;
    let mut ann = scene.signed_in(id, DAY).await;
    ann.get("/help").await;
    let verification = format!("/verifications/{}", waiting.verification);
    let commented = ann.post(&format!("{verification}/comments"), &[("body", EVIL), ("field", EVIL), ("review", EVIL)]).await;
    assert_eq!(commented.to(), format!("{verification}#comments"));
    let review = format!("/reviews/{}", waiting.review);
    let page = ann.take(waiting.review).await;
    ann.submit(&format!("{review}/keep"), page.form(&review).with("note", EVIL)).await;
    for (path, times) in
        [("/", 3), ("/verifications", 2), (verification.as_str(), 8), (review.as_str(), 10), ("/keys", 3), ("/operations", 1), ("/help", 1)]
    {
        let page = ann.get(path).await;
        let found = page.text.matches(EVIL_AS_TEXT).count();
        assert!(found >= times, "{path}: {found} times in {}", page.text);
        // That none of it is markup is looked at with every answer.
    }
    let evil: String = form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    for path in [
        format!("/?show={evil}&claim_type={evil}&reason={evil}&empty={evil}"),
        format!("/?after={evil}"),
        format!("/verifications?status={evil}&verdict={evil}&claim_type={evil}&id={evil}&before={evil}"),
        format!("{review}?file={evil}"),
        format!("/reviews/{evil}"),
        format!("/submit/{evil}"),
        format!("/{evil}"),
    ] {
        ann.get(&path).await;
    }
    assert!(ann.get(&format!("/verifications?id={evil}")).await.has(EVIL_AS_TEXT));
    let form = ann.get("/keys").await.form("/keys");
    let made = ann.submit("/keys", form.with("name", EVIL).and("scope", "verifications:read").and("scope", EVIL)).await;
    assert!(made.has(EVIL_AS_TEXT) && made.status == StatusCode::OK, "{}", made.text);
    // Somebody else sees the same, and the one who has it by that name.
    let page = scene.lead("Leo").await.get(&review).await;
    assert!(page.has(&format!("{EVIL_AS_TEXT} has it at the moment.")), "{}", page.text);
}

#[tokio::test]
async fn pages_full_of_work_stay_small() {
    let Some(scene) = Scene::start().await else { return };
    let mut last = None;
    for number in 0..51 {
        let merchant = format!("Restoran Selera Kampung Baru Sdn. Bhd. No. {number}");
        let blockers = vec![
            Blocker::LowConfidence { score: 0.5, threshold: 0.6 },
            Blocker::NotFound,
            Blocker::UnreadablePage { page: 2 },
            Blocker::PolicyReview,
        ];
        last = Some(scene.wanted(scene.tenant, Case { merchant: &merchant, blockers, ..Case::default() }).await);
    }
    let waiting = last.unwrap();
    let mut ann = scene.reviewer("Ann").await;
    let queue = ann.get("/").await;
    assert_eq!(queue.reviews().len(), 35);
    for number in 0..20 {
        ann.post(&format!("/verifications/{}/comments", waiting.verification), &[("body", &format!("Comment {number}"))]).await;
    }
    let item = ann.take(waiting.review).await;
    let list = ann.get("/verifications").await;
    assert_eq!(list.text.matches("<a href=\"/verifications/ver_").count(), 50);
    for (page, name) in [(queue, "queue"), (item, "item"), (list, "verifications")] {
        assert!(page.bytes.len() < 100_000, "{name}: {}", page.bytes.len());
    }
}

#[tokio::test]
async fn whoever_only_looks_is_offered_nothing_to_say() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let said =
        scene.reviewer("Ann").await.post(&format!("/verifications/{}/comments", waiting.verification), &[("body", "Look\ntwice")]).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER);
    let (mut auditor, mut operator) = (scene.someone("Aud", &[Role::Auditor]).await, scene.operator("Bob").await);
    for path in [format!("/verifications/{}", waiting.verification), format!("/reviews/{}", waiting.review)] {
        let (looked, worked) = (auditor.get(&path).await, operator.get(&path).await);
        for control in ["Add a comment", "Mark as dealt with", "<textarea"] {
            assert!(!looked.has(control), "{path}: {control} in {}", looked.text);
        }
        assert!(looked.has("Look\ntwice") && worked.has("Add a comment") && worked.has("Mark as dealt with"), "{path}");
    }
}

#[tokio::test]
async fn a_message_is_no_dead_end() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    for (path, status) in [("/keys", StatusCode::FORBIDDEN), ("/nowhere", StatusCode::NOT_FOUND), ("/reviews/rev_1", StatusCode::NOT_FOUND)]
    {
        let page = ann.get(path).await;
        assert_eq!(page.status, status);
        assert!(page.has("<nav class=\"nav\"") && page.has("action=\"/signout\"") && page.has(">Ann</span>"), "{path}: {}", page.text);
        assert_eq!((page.text.matches("<h1>").count(), page.header(header::CONTENT_TYPE)), (1, "text/html; charset=utf-8"), "{path}");
    }
    assert_eq!(ann.post("/queue/arrange", &[]).await.text.matches("<nav class=\"nav\"").count(), 1, "and after a form");
    let part = Request::get("/keys").header("hx-request", "true").body(Body::empty()).unwrap();
    assert!(!ann.send(part).await.has("<nav"), "a script gets no page in the midst of a page");
    assert!(!scene.browser().get("/nowhere").await.has("<nav"), "nobody is signed in");
}

#[tokio::test]
async fn who_sends_something_after_signing_out_comes_back_to_the_same_page() {
    let Some(scene) = Scene::start().await else { return };
    let form = Typed::default().with("csrf", "x");
    let from = [("host", "desk:1"), ("referer", "http://desk:1/reviews/rev_1?page=2")];
    let told = scene.browser().post_from("/queue/next", form.clone(), &from).await;
    assert_eq!(told.status, StatusCode::UNAUTHORIZED);
    assert!(told.has("href=\"/signin?next=%2Freviews%2Frev_1%3Fpage%3D2\""), "{}", told.text);
    let elsewhere = [("host", "desk:1"), ("referer", "http://evil/reviews")];
    assert!(scene.browser().post_from("/queue/next", form, &elsewhere).await.has("href=\"/signin\""));
}

#[tokio::test]
async fn what_is_wrong_with_a_policy_comes_back_as_text_and_nothing_is_saved() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.operator("Ann").await;
    let form = ann.get("/policy").await.form("/policy");
    let before = scene.rows(scene.tenant).await;
    for (name, value) in form.0.iter().filter(|(name, _)| name != "csrf" && name != "version" && !name.ends_with("_unit")) {
        let refused = ann.submit("/policy", form.clone().with(name, EVIL)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {value}: {}", refused.text);
        assert!(name == "review" || refused.has(EVIL_AS_TEXT), "{name}: {}", refused.text);
    }
    assert_eq!(ann.submit("/policy", form).await.to(), "/policy", "as it was");
    assert_eq!(scene.rows(scene.tenant).await, before);
}
