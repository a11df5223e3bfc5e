//! What holds for pages as such: they render, they are small, they are guarded, and what people wrote stays text.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use domain::blocker::Blocker;
use domain::id::VerificationId;
use domain::person::Role;
use domain::verdict::Verdict;
use domain::verification::Status;
use serde_json::json;
use store::{api_key, verification};

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
    for (name, kind) in [
        ("desk.css", "text/css"),
        ("desk.js", "text/javascript"),
        ("htmx.js", "text/javascript"),
        ("icons.svg", "image/svg+xml"),
        ("icon.svg", "image/svg+xml"),
    ] {
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
    assert_eq!(queue.reviews().len(), 50);
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
async fn verifications_are_listed_newest_first_filtered_and_found_by_id() {
    let Some(scene) = Scene::start().await else { return };
    let mut made = Vec::new();
    for number in 0..53 {
        let claim_type = if number % 2 == 0 { "invoice" } else { "expense_receipt" };
        made.insert(0, scene.wanted(scene.tenant, Case { claim_type, ..Case::default() }).await.verification);
    }
    let theirs = scene.wanted(scene.other, Case::default()).await.verification;
    let mut ann = scene.someone("Ann", &[Role::Auditor]).await;
    let ids = |text: &str| -> Vec<VerificationId> {
        text.split("<a href=\"/verifications/").skip(1).filter_map(|piece| piece.split('"').next().unwrap().parse().ok()).collect()
    };
    let first = ann.get("/verifications?status=in_review&verdict=insufficient").await;
    let more = first.between("rel=\"next\" href=\"", "\"").unwrap().replace("&#38;", "&");
    assert!(more.contains("status=in_review") && more.contains("verdict=insufficient"), "{more}");
    let second = ann.get(&more).await;
    assert_eq!([ids(&first.text), ids(&second.text)].concat(), made);
    let invoices: Vec<_> = made.iter().copied().step_by(2).collect();
    assert_eq!(ids(&ann.get("/verifications?claim_type=invoice").await.text), invoices);
    for (filter, fits) in
        [("status=final", false), ("verdict=supported", false), ("claim_type=x", false), ("status=x&verdict=x&before=x", true)]
    {
        assert_eq!(!ids(&ann.get(&format!("/verifications?{filter}")).await.text).is_empty(), fits, "{filter}");
    }
    let found = ann.get(&format!("/verifications?id=%20{}%20", made[7])).await;
    assert_eq!(found.to(), format!("/verifications/{}", made[7]));
    for unknown in [theirs.to_string(), "x".to_owned()] {
        let page = ann.get(&format!("/verifications?id={unknown}")).await;
        assert!(page.status == StatusCode::OK && page.has(&format!("There is no verification <code>{unknown}</code>")), "{}", page.text);
    }
    let operations = ann.get("/operations").await;
    assert!(
        operations.has(
            "href=\"/verifications?status=in_review\">In review</a></th><td role=\"cell\" data-label=\"How many\" class=\"number\">53</td>"
        ),
        "{}",
        operations.text
    );
}

#[tokio::test]
async fn people_talk_about_a_verification_and_deal_with_what_was_said() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let (mut ann, mut bob) = (scene.reviewer("Ann").await, scene.operator("Bob").await);
    let (path, review) = (format!("/verifications/{}", waiting.verification), waiting.review.to_string());
    let page = ann.get(&format!("/reviews/{review}")).await;
    let form = page.form(&format!("{path}/comments"));
    assert_eq!(form.get("field"), Some(""), "about the whole until somebody says otherwise");
    let form = form.with("body", "Is this\r\nthe stamp?").with("field", "total");
    let said = ann.submit(&format!("{path}/comments"), form).await;
    assert_eq!(said.to(), format!("/reviews/{review}#comments"), "back to where it was said");
    // Beside the form, beside the result and in the list it leads to the field.
    for (at, place) in [(format!("/reviews/{review}"), ""), (path.clone(), ""), (format!("{path}/comments"), path.as_str())] {
        let page = bob.get(&at).await;
        let link = format!("<strong>Ann</strong> on <a href=\"{place}#check-total\">Total</a>");
        assert!(page.has(&link) && page.has("the stamp?"), "{at}: {}", page.text);
        assert!(
            place == path || page.has("id=\"check-total\"") && page.has("<option value=\"total\">Total</option>"),
            "{at}: {}",
            page.text
        );
    }
    let page = bob.get(&path).await;
    let comment = page.between("/comments/", "/resolve\"").unwrap().to_owned();
    for body in ["", " \n ", "\u{0}"] {
        assert_eq!(bob.post(&format!("{path}/comments"), &[("body", body)]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let long = bob.post(&format!("{path}/comments"), &[("body", &"x".repeat(4_001))]).await;
    assert!(long.status == StatusCode::UNPROCESSABLE_ENTITY && long.has("at most 4000 characters"), "{}", long.text);
    for _ in 0..2 {
        assert_eq!(bob.post(&format!("{path}/comments/{comment}/resolve"), &[]).await.to(), format!("{path}#comments"));
    }
    assert!(ann.get(&path).await.has("dealt with</span>"));
    assert_eq!(scene.told("comment.resolved").await.len(), 1);
    assert!(!scene.told("comment.added").await[0].2.to_string().contains("stamp"), "words stay out of the chain");
}

#[tokio::test]
async fn whoever_holds_a_review_says_what_a_comment_is_about() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let review = format!("/reviews/{}", waiting.review);
    let page = ann.take(waiting.review).await;
    assert!(page.has("<select id=\"about\" name=\"field\" form=\"decision\">"), "{}", page.text);
    for (field, link) in
        [("total", "on <a href=\"#check-total\">Total</a>"), ("", "<p>About .</p>"), ("no_field", "<p>About no_field.</p>")]
    {
        let body = format!("About {field}.");
        let typed = page.form(&review).with("comment", &body).with("field", field).with("note", "Half done");
        let said = ann.submit(&format!("{review}/comments"), typed).await;
        let page = ann.follow(&said).await;
        assert!(page.has(link) && page.has(&body), "{field}: {}", page.text);
        assert_eq!(page.form(&review).get("note"), Some("Half done"), "what was typed is kept");
    }
    let told: Vec<_> = scene.told("comment.added").await.into_iter().map(|(_, _, data)| data["field"].clone()).collect();
    assert_eq!(told, [json!("total"), json!(null), json!(null)]);
}

#[tokio::test]
async fn a_comment_can_be_about_a_field_before_anything_is_known_of_it() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let client = scene.database.connect(scene.database.admin_url.as_deref().unwrap_or(&scene.database.owner_url)).await;
    client.batch_execute("update verifications set status = 'queued', provisional = null, verdict = null").await.unwrap();
    let mut ann = scene.reviewer("Ann").await;
    let path = format!("/verifications/{}", waiting.verification);
    let page = ann.get(&path).await;
    assert!(page.has("No result yet") && page.has("<option value=\"merchant\">Merchant</option>"), "{}", page.text);
    let form = page.form(&format!("{path}/comments")).with("body", "Which branch?").with("field", "merchant");
    ann.submit(&format!("{path}/comments"), form).await.to();
    assert_eq!(scene.told("comment.added").await[0].2["field"], "merchant");
}

#[tokio::test]
async fn a_timeline_runs_forward_everywhere_and_says_what_each_step_changed() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let review = format!("/reviews/{}", waiting.review);
    let page = ann.take(waiting.review).await;
    ann.submit(&review, page.form(&review).with("agree", "yes")).await.to();
    let path = format!("/verifications/{}", waiting.verification);
    for at in [review, path.clone(), format!("{path}/steps")] {
        let page = ann.get(&at).await;
        let steps: Vec<&str> = page.between("<ol class=\"timeline\"", "</ol>").unwrap().split("<li").skip(1).collect();
        let told: Vec<&str> = steps.iter().map(|step| step.split_once('>').unwrap().1.split(" <small>").next().unwrap()).collect();
        assert_eq!(
            told,
            [
                "Verification accepted, status: queued",
                "Verification processing, status: queued → processing",
                "Verification provisional, status: processing → in review, verdict: insufficient",
                "Review opened",
                "Review decided, verdict: insufficient",
            ],
            "{at}"
        );
        assert!(steps[4].starts_with(" class=\"person\"") && steps[4].contains("Ann"), "{at}: {}", steps[4]);
    }
}

#[tokio::test]
async fn a_verification_is_canceled_once_somebody_was_asked() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.wanted(scene.tenant, Case { machine: (Verdict::Refuted, 0.85), ..Case::default() }).await;
    let path = format!("/verifications/{}", waiting.verification);
    let way = format!("href=\"{path}/cancel\"");
    assert!(!scene.reviewer("Rea").await.get(&path).await.has(&way), "reviewers settle, they do not cancel");
    let mut ann = scene.lead("Ann").await;
    let page = ann.get(&path).await;
    assert!(page.has(&way) && page.has("85 %, decided by the machine"), "{}", page.text);
    let sure = ann.get(&format!("{path}/cancel")).await;
    assert!(sure.has("Cancel this verification?") && sure.has("Kedai Bunga") && sure.has("cannot be undone"), "{}", sure.text);
    assert_eq!(scene.ordered(waiting.verification).await.iter().filter(|kind| *kind == "cancel").count(), 0, "looking changes nothing");
    let form = sure.form(&format!("{path}/cancel"));
    for _ in 0..2 {
        assert_eq!(ann.submit(&format!("{path}/cancel"), form.clone()).await.to(), path);
    }
    assert_eq!(scene.ordered(waiting.verification).await.iter().filter(|kind| *kind == "cancel").count(), 1);
    let page = ann.get(&path).await;
    assert!(page.has("It is being canceled.") && !page.has(&way), "{}", page.text);
    assert_eq!(ann.get(&format!("{path}/cancel")).await.to(), path, "it was asked for");
    // What has ended is not canceled any more.
    let mut tx = scene.tx().await;
    verification::finalise(&mut tx, waiting.verification, &verification::Finalise::Canceled { reason: "client".to_owned() }).await.unwrap();
    tx.commit().await.unwrap();
    let before = scene.rows(scene.tenant).await;
    assert_eq!(ann.post(&format!("{path}/cancel"), &[]).await.to(), path);
    assert_eq!(scene.rows(scene.tenant).await, before);
    let row = verification::get(&mut scene.tx().await, waiting.verification).await.unwrap().unwrap();
    assert_eq!(row.status, Status::Canceled);
    // The machine's answer does not stand there as if it were a result.
    let page = ann.get(&path).await;
    assert!(page.has("It was canceled, so it has no result.") && page.has("it counts for nothing"), "{}", page.text);
    assert!(!page.has("decided by") && !page.has("It is being canceled"), "{}", page.text);
    assert_eq!(page.text.matches("verdict: refuted").count(), 1, "only the step that found it tells of it: {}", page.text);
    let list = ann.get("/verifications?status=canceled").await;
    assert!(list.has("Kedai Bunga") && !list.has("refuted</span>") && !list.has("85 %"), "{}", list.text);
}

#[tokio::test]
async fn a_key_is_shown_once_and_revoked_for_good() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.operator("Ann").await;
    let empty = ann.get("/keys").await;
    let form = empty.form("/keys");
    assert!(empty.has("No keys yet") && form.get("scope").is_none(), "nothing is ticked before somebody ticks it: {form:?}");
    let long = "x".repeat(101);
    for (form, faults, kept) in [
        (form.clone().with("name", "A program"), &["Rights: Tick at least one right."][..], ("A program", &[][..])),
        (form.clone().and("scope", "everything").with("name", "A program"), &["Rights: "], ("A program", &[])),
        (
            form.clone().with("name", &long).and("scope", "verifications:read").and("scope", "policy:read"),
            &["Name: Give the key a name"],
            (long.as_str(), &["verifications:read", "policy:read"]),
        ),
        (form.clone(), &["Name: ", "Rights: "], ("", &[])),
    ] {
        let refused = ann.submit("/keys", form.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert!(faults.iter().all(|fault| refused.has(fault)), "{faults:?}: {}", refused.text);
        assert_eq!(refused.text.matches("<li><a href=\"#").count(), faults.len(), "{}", refused.text);
        // What was typed and ticked comes back, and it is the same form still.
        let again = refused.form("/keys");
        let ticked: Vec<&str> = again.0.iter().filter(|(name, _)| name == "scope").map(|(_, word)| word.as_str()).collect();
        assert_eq!((again.get("name"), &ticked[..], again.get("intent")), (Some(kept.0), kept.1, form.get("intent")));
    }
    assert!(ann.get("/keys").await.has("No keys yet"));

    let filled = form.clone().with("name", "A program").and("scope", "verifications:read");
    let made = ann.submit("/keys", filled.clone()).await;
    let secret = made.between("<p class=\"secret code\">", "</p>").unwrap().to_owned();
    let known = api_key::lookup(&mut scene.store.begin_relay().await.unwrap(), &secret).await.unwrap().unwrap();
    assert_eq!((known.name.as_str(), known.tenant_id, known.livemode, known.revoked_at), ("A program", scene.tenant, true, None));
    assert_eq!(known.scopes, ["verifications:read"]);
    let page = ann.get("/keys").await;
    assert!(page.has("A program") && !page.has(&secret) && !page.has("secret code"), "{}", page.text);
    assert!(!format!("{:?}", scene.rows(scene.tenant).await).contains(&secret));
    // The page that showed it, loaded again, sends the form again: no second key, and no second look.
    let before = scene.rows(scene.tenant).await;
    let again = ann.submit("/keys", filled).await;
    assert!(again.status == StatusCode::CONFLICT && again.has("This form was sent before") && !again.has(&secret), "{}", again.text);
    assert_eq!(scene.rows(scene.tenant).await, before);
    assert_ne!(made.form("/keys").get("intent"), form.get("intent"), "the next form makes another");

    let path = format!("/keys/{}/revoke", known.id);
    let sure = ann.get(&path).await;
    assert!(sure.has("Revoke this key?") && sure.has("A program") && sure.has("cannot be undone"), "{}", sure.text);
    assert_eq!(scene.told("api_key.revoked").await.len(), 0, "looking changes nothing");
    let form = sure.form(&path);
    let mut told = None;
    for _ in 0..2 {
        told = Some(ann.submit(&path, form.clone()).await);
    }
    let page = ann.follow(&told.unwrap()).await;
    assert!(page.has("The key <strong>A program</strong> is revoked.") && page.has(">revoked</td>"), "{}", page.text);
    assert_eq!(ann.get(&path).await.to(), format!("/keys?revoked={}", known.id), "there is nothing to ask any more");
    assert!(!ann.get("/keys").await.has("is revoked."));
    let known = api_key::lookup(&mut scene.store.begin_relay().await.unwrap(), &secret).await.unwrap().unwrap();
    assert!(known.revoked_at.is_some());
    assert_eq!(scene.told("api_key.revoked").await.len(), 1);
    // A key that is in use is not called revoked, whatever the address says.
    let other = scene.key(scene.tenant, "Another").await;
    assert!(!ann.get(&format!("/keys?revoked={other}")).await.has("is revoked."));
}

#[tokio::test]
async fn an_address_and_its_secret_are_made_once_however_often_the_page_is_loaded() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.operator("Ann").await;
    let form = ann.get("/webhooks").await.form("/webhooks").with("url", "https://hooks.acme.com/a").and("event", "verification.final");
    let refused = ann.submit("/webhooks", form.clone().with("url", "http://hooks.acme.com")).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.has("<a href=\"#url\">Address: "), "{}", refused.text);
    assert_eq!((refused.form("/webhooks").get("event"), refused.form("/webhooks").get("intent")), (form.get("event"), form.get("intent")));
    let made = ann.submit("/webhooks", form.clone()).await;
    let secret = made.between("<p class=\"secret code\">", "</p>").unwrap().to_owned();
    let before = scene.rows(scene.tenant).await;
    let again = ann.submit("/webhooks", form).await;
    assert!(again.status == StatusCode::CONFLICT && again.has("This form was sent before") && !again.has(&secret), "{}", again.text);
    // The same for the next secret of it.
    let page = ann.get("/webhooks").await;
    let path = format!("/webhooks/{}", page.between("<a href=\"/webhooks/", "\"").unwrap());
    let form = ann.get(&path).await.form(&format!("{path}/rotate"));
    assert_eq!(scene.rows(scene.tenant).await, before);
    let rotated = ann.submit(&format!("{path}/rotate"), form.clone()).await;
    let next = rotated.between("<p class=\"secret code\">", "</p>").unwrap().to_owned();
    assert_ne!(next, secret);
    let before = scene.rows(scene.tenant).await;
    let again = ann.submit(&format!("{path}/rotate"), form).await;
    assert!(again.status == StatusCode::CONFLICT && again.has("It was changed since") && !again.has(&next), "{}", again.text);
    assert_eq!(scene.rows(scene.tenant).await, before);
    let form = rotated.form(&format!("{path}/rotate"));
    assert_eq!(ann.submit(&format!("{path}/rotate"), form).await.status, StatusCode::OK, "the form of the new page rotates");
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
