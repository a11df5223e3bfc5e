//! The evidence beside the form: pages and how they are looked at, their words, what a search finds, and a value that is compared again.

use axum::http::{Method, Request, StatusCode, header};
use domain::id::EvidenceId;
use domain::verdict::Verdict;
use serde_json::{Value, json};
use store::review;

use crate::browser::Answer;
use crate::scene::{EVIL, EVIL_AS_TEXT, Scene, Waiting};

const FIRST: &[(&str, f32, f32)] = &[("Kedai", 0.1, 0.1), ("Bunga", 0.2, 0.1), ("30/03/2018", 0.1, 0.2)];
const SECOND: &[(&str, f32, f32)] = &[("Total", 0.1, 0.5), ("RM", 0.6, 0.5), ("9.00", 0.7, 0.5), ("Cash", 0.1, 0.6), ("10.00", 0.7, 0.6)];

fn words(id: EvidenceId, page: &str) -> String {
    format!("/evidence/{id}/pages/{page}/words")
}

/// A review whose pages were drawn and read.
async fn read(scene: &Scene) -> Waiting {
    let waiting = scene.waiting().await;
    scene.draw(scene.tenant, waiting.evidence, 200).await;
    scene.read(scene.tenant, waiting.evidence, [FIRST, SECOND], true).await;
    waiting
}

fn parsed(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.header(header::CONTENT_TYPE)), (StatusCode::OK, "application/json"), "{}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

#[tokio::test]
async fn the_words_of_a_page_are_told_by_lines_and_kept_by_the_browser() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    for in_row in [true, false] {
        let id = scene.waiting().await.evidence;
        let unread = ann.get(&words(id, "2")).await;
        assert_eq!((parsed(&unread)["lines"].clone(), unread.header(header::CACHE_CONTROL)), (json!([]), "no-store"));

        scene.read(scene.tenant, id, [FIRST, SECOND], in_row).await;
        let told = ann.get(&words(id, "2")).await;
        let lines = parsed(&told);
        assert_eq!(
            lines["lines"][0],
            json!([["Total", 0.1, 0.5, 0.08, 0.02], ["RM", 0.6, 0.5, 0.08, 0.02], ["9.00", 0.7, 0.5, 0.08, 0.02]])
        );
        assert_eq!((lines["lines"].as_array().unwrap().len(), &lines["cut"]), (2, &json!(false)));
        let request = Request::get(words(id, "2")).header(header::IF_NONE_MATCH, told.header(header::ETAG));
        let again = ann.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
        assert!(again.header(header::CACHE_CONTROL).starts_with("private"));
    }
}

#[tokio::test]
async fn words_are_for_those_who_may_see_the_page() {
    let Some(scene) = Scene::start().await else { return };
    let id = read(&scene).await.evidence;
    let mut zoe = scene.someone_of(scene.other, "Zoe", &[domain::person::Role::Reviewer]).await;
    for path in [words(id, "1"), format!("/evidence/{id}/pages/1/text")] {
        let foreign = zoe.get(&path).await;
        assert!(foreign.status == StatusCode::NOT_FOUND && !foreign.has("Kedai"), "{}", foreign.text);
        assert_eq!(scene.browser().get(&path).await.status, StatusCode::SEE_OTHER, "nobody is signed in");
    }
    let mut ann = scene.reviewer("Ann").await;
    for page in ["0", "3", "-1", "x", "4294967296"] {
        assert_eq!(ann.get(&words(id, page)).await.status, StatusCode::NOT_FOUND, "{page}");
    }
    assert_eq!(ann.get(&words(EvidenceId::new(), "1")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_that_is_full_of_words_or_harm_is_told_in_part_and_as_text() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    let waiting = scene.waiting().await;
    let long = "y".repeat(5_000);
    let many: Vec<(&str, f32, f32)> = std::iter::repeat_n(("x", 0.1, 0.1), 4_500).collect();
    scene.read(scene.tenant, waiting.evidence, [&[(EVIL, 0.1, 0.1), (&long, 0.1, 0.2)], &many], false).await;
    // The browser of the tests refuses any answer in which that opens a tag.
    let told = parsed(&ann.get(&words(waiting.evidence, "1")).await);
    assert_eq!(told["lines"][0][0][0], EVIL);
    assert_eq!(told["lines"][1][0][0].as_str().unwrap().len(), 200);
    let many = parsed(&ann.get(&words(waiting.evidence, "2")).await);
    let count: usize = many["lines"].as_array().unwrap().iter().map(|line| line.as_array().unwrap().len()).sum();
    assert_eq!((count, &many["cut"]), (4_000, &json!(true)));

    let text = ann.get(&format!("/evidence/{}/pages/1/text", waiting.evidence)).await;
    assert!(text.status == StatusCode::OK && text.has(EVIL_AS_TEXT), "{}", text.text);
    let found = ann.get(&format!("/reviews/{}?find=%3Cscript%3E", waiting.review)).await;
    assert!(found.has(EVIL_AS_TEXT) && found.has("value=\"&#60;script&#62;\""), "{}", found.text);
}

#[tokio::test]
async fn a_search_lists_its_places_and_marks_them_on_the_page() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = read(&scene).await;
    let mut ann = scene.reviewer("Ann").await;
    let at = |query: &str| format!("/reviews/{}?{query}", waiting.review);
    let page = ann.get(&at("find=rm+9.00&zoom=2&fields=all")).await;
    assert!(page.has("“rm 9.00”: 1 place</span>") && page.has("page 2, middle right"), "{}", page.text);
    assert!(page.has("Total <mark>RM 9.00</mark>"), "{}", page.text);
    // The page that is looked at is the second: there the doubtful total stands.
    assert_eq!(page.text.matches("<rect class=\"hit\"").count(), 1);
    assert!(page.has("id=\"hit-1\"") && page.has("&#38;zoom=2&#38;fields=all&#38;find=rm+9.00#hit-1"), "{}", page.text);

    let elsewhere = ann.get(&at("find=00&file=1&page=1")).await;
    assert!(elsewhere.has("2 places") && !elsewhere.has("<rect class=\"hit\""), "{}", elsewhere.text);
    assert!(ann.get(&at("find=nothing+here")).await.has("“nothing here” was not found"));
    assert!(!ann.get(&at("find=++")).await.has("was not found"), "an empty search is none");
    let long = ann.get(&at(&format!("find={}", "a".repeat(3_000)))).await;
    assert!(long.status == StatusCode::OK && !long.has(&"a".repeat(101)), "{}", long.text);

    let unread = scene.waiting().await;
    assert!(ann.get(&format!("/reviews/{}?find=x", unread.review)).await.has("2 pages were not searched"));
}

#[tokio::test]
async fn a_page_is_turned_and_magnified_by_its_address() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = read(&scene).await;
    let mut ann = scene.reviewer("Ann").await;
    let at = |query: &str| format!("/reviews/{}?{query}", waiting.review);
    let plain = ann.get(&at("")).await;
    assert!(
        plain.has("class=\"page zoom-100 turn-0\"") && plain.has("size=medium") && !plain.has(" viewBox=\"0 0 1 0.667\""),
        "{}",
        plain.text
    );
    let turned = ann.get(&at("file=1&page=1&zoom=2&turn=1")).await;
    assert!(turned.has("class=\"page zoom-200 turn-1\"") && turned.has("viewBox=\"0 0 1 0.667\""), "{}", turned.text);
    let source = turned.between("<img src=\"", "\"").unwrap();
    assert!(source.contains("size=large"), "{source}");
    // The boxes lie on the sheet that is turned, so they turn along; every control is a link that keeps the rest.
    assert!(turned.between("class=\"sheet\"", "</div>").unwrap().contains("class=\"box confirmed\""), "{}", turned.text);
    for link in
        ["?file=1&#38;page=1&#38;zoom=3&#38;turn=1", "?file=1&#38;page=1&#38;zoom=2&#38;turn=2", "?file=1&#38;page=2&#38;zoom=2&#38;turn=1"]
    {
        assert!(turned.has(link), "{link}: {}", turned.text);
    }
    // Unread, the image says which shape it has.
    let unread = scene.waiting().await;
    scene.draw(scene.tenant, unread.evidence, 200).await;
    assert!(ann.get(&format!("/reviews/{}?turn=3", unread.review)).await.has("viewBox=\"0 0 300 200\""));
    for nonsense in ["zoom=99&turn=7", "zoom=x&turn=-1&file=z&page=1.5", "turn=9999999999999"] {
        assert!(ann.get(&at(nonsense)).await.has("class=\"page zoom-100 turn-0\""), "{nonsense}");
    }
}

#[tokio::test]
async fn the_evidence_alone_is_given_to_who_keeps_the_form() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = read(&scene).await;
    let mut ann = scene.reviewer("Ann").await;
    let request =
        Request::get(format!("/reviews/{}?file=1&page=1", waiting.review)).header("hx-request", "true").header("hx-target", "evidence");
    let part = ann.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert!(part.text.starts_with("<section class=\"evidence\"") && !part.has("<html") && !part.has("id=\"decision\""), "{}", part.text);
    assert_eq!(part.header(header::VARY), "HX-Target");
}

#[tokio::test]
async fn every_box_is_a_line_and_differs_by_more_than_colour() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = read(&scene).await;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.get(&format!("/reviews/{}", waiting.review)).await;
    assert!(page.has("class=\"box below\" id=\"box-total-1\" href=\"#check-total\"") && page.has("class=\"glyph\""), "{}", page.text);
    assert!(page.has("reads “RM 9.00”<span class=\"unseen\">, not sure enough</span>") && page.has("page 2, upper left"), "{}", page.text);
    assert!(page.has("2 fields that the machine supports") && page.has("id=\"rest\""), "{}", page.text);
    let all = ann.get(&format!("/reviews/{}?fields=all", waiting.review)).await;
    assert!(!all.has("id=\"rest\"") && all.has("id=\"check-merchant\""), "{}", all.text);
}

#[tokio::test]
async fn a_corrected_value_is_compared_before_it_is_submitted() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = read(&scene).await;
    let id = waiting.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let form = page.form(&format!("/reviews/{id}"));
    let path = format!("/reviews/{id}/again");
    for (typed, words) in [
        ("9.80", "This is another value than the claimed one"),
        ("MYR 9.00", "It cannot be compared"),
        ("9", "is what is claimed"),
        (EVIL, "It cannot be compared"),
        ("", "the evidence shows none"),
    ] {
        let form = form.clone().with("found.total", typed).with("again", "total");
        // Without a script: kept, and told by the page.
        let sent = ann.submit(&path, form.clone()).await;
        assert!(sent.to().starts_with(&format!("/reviews/{id}?again=total#")), "{}", sent.to());
        let shown = ann.follow(&sent).await;
        assert!(shown.has(words) && shown.form(&format!("/reviews/{id}")).get("found.total") == Some(typed), "{typed}: {}", shown.text);
        // With one: the line alone.
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.0).finish();
        let request = Request::builder().method(Method::POST).uri(&path).header("hx-request", "true");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.into()).unwrap();
        let part = ann.send(request).await;
        assert!(part.status == StatusCode::OK && part.has(words) && !part.has("<html"), "{typed}: {}", part.text);
    }
    let shown = ann.submit(&path, form.clone().with("found.total", "9.80").with("again", "total")).await;
    let shown = ann.follow(&shown).await;
    assert!(shown.has("9.<del>0</del>0 MYR") && shown.has("9.<ins>8</ins>0 MYR"), "{}", shown.text);
    assert_eq!(ann.submit(&path, form.clone().with("again", "colour")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ann.submit(&path, form.clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut bob = scene.reviewer("Bob").await;
    let stolen = form.with("csrf", &bob.csrf.clone()).with("again", "total");
    assert_eq!(bob.submit(&path, stolen).await.status, StatusCode::CONFLICT, "only who holds it compares");
    assert!(scene.review(id).await.status.is_open(), "nothing was decided");
}

#[tokio::test]
async fn who_empties_a_value_says_that_the_evidence_shows_none() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = read(&scene).await;
    let id = waiting.review;
    let mut ann = scene.reviewer("Ann").await;
    let form = ann.take(id).await.form(&format!("/reviews/{id}")).with("found.total", "");
    let silent = ann.submit(&format!("/reviews/{id}"), form.clone().with("agree", "yes")).await;
    assert!(silent.status == StatusCode::UNPROCESSABLE_ENTITY && silent.has("say what follows from it"), "{}", silent.text);
    let contradiction = ann.submit(&format!("/reviews/{id}"), form.clone().with("verdict.total", "supported")).await;
    assert!(contradiction.has("nothing is shown, so nothing can support it"), "{}", contradiction.text);
    let again = contradiction.form(&format!("/reviews/{id}")).with("verdict.total", "insufficient").with("then", "stay");
    assert_eq!(ann.submit(&format!("/reviews/{id}"), again).await.status, StatusCode::SEE_OTHER);
    let mut tx = scene.tx().await;
    let recorded = review::recorded(&mut tx, waiting.verification).await.unwrap().unwrap();
    let decision = review::decision(&mut tx, recorded).await.unwrap().unwrap();
    let total = decision.outcome.checks.iter().find(|check| check.field == "total").unwrap();
    assert_eq!((total.verdict, &total.found), (Verdict::Insufficient, &None));
    assert_eq!(decision.decision.checks[0].found, Some(Value::Null), "said, not left out");
}

#[tokio::test]
async fn the_next_review_is_looked_at_ahead_and_taken_by_nobody() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    assert_eq!(parsed(&ann.get("/queue/ahead").await), json!({ "images": [] }));
    let (held, free) = (scene.due_in(10).await, scene.due_in(20).await);
    scene.lease(held.review, "user:bob", 600).await;
    let ahead = parsed(&ann.get("/queue/ahead").await);
    let image = ahead["images"][0].as_str().unwrap();
    assert!(image.starts_with(&format!("/evidence/{}/pages/2?size=medium", free.evidence)), "{ahead}");
    assert_eq!(scene.holder(free.review).await, None);
}
