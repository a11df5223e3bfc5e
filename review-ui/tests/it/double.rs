//! Two people answer and a third settles it: who may, what each sees, and that nothing of an answer is read before its time.

use axum::http::StatusCode;
use domain::id::ReviewId;
use domain::person::Role;
use domain::review::{Part, ReviewStatus};
use store::review::{self, ReviewRow};

use crate::browser::{Answer, Browser, Typed};
use crate::scene::{Case, Scene, Waiting, total};

/// In the first answer, where no later one may read them. The last is a value that only the first reviewer read.
const NOTE: &str = "canary-note";
const REASON: &str = "The evidence was altered";
const VALUE: &str = "7.77";
const COMMENT: &str = "canary-comment";

async fn double(scene: &Scene) -> Waiting {
    scene.wanted(scene.tenant, Case { wanted: 2, ..Case::default() }).await
}

fn at(id: ReviewId) -> String {
    format!("/reviews/{id}")
}

/// The part of the round that is open.
async fn open(scene: &Scene, waiting: Waiting) -> ReviewRow {
    let parts = review::by_verification(&mut scene.tx().await, waiting.verification).await.unwrap();
    parts.into_iter().find(|row| row.status.is_open()).unwrap()
}

/// The first answer: refuted, with a note, a reason, another value and a comment.
async fn first(scene: &Scene, ann: &mut Browser, waiting: Waiting) -> Answer {
    let page = ann.take(waiting.review).await;
    ann.post(&format!("/verifications/{}/comments", waiting.verification), &[("body", COMMENT)]).await;
    let found = format!("{VALUE} MYR");
    let typed = page.form(&at(waiting.review)).with("verdict.total", "refuted").with("reason.total", "altered").with("found.total", &found);
    let sent = ann.submit(&at(waiting.review), typed.with("note", NOTE)).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    assert_eq!(open(scene, waiting).await.part, Part::Second);
    sent
}

/// Says something of every field.
fn every(page: &Answer, id: ReviewId, verdict: &str) -> Typed {
    let typed = page.form(&at(id)).with("verdict.merchant", "supported").with("verdict.date", "supported").with("verdict.total", verdict);
    if verdict == "refuted" { typed.with("reason.total", "altered") } else { typed }
}

#[tokio::test]
async fn no_page_that_the_second_reviewer_can_fetch_holds_anything_of_the_first_answer() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = double(&scene).await;
    scene.draw(scene.tenant, waiting.evidence, 400).await;
    let mut ann = scene.reviewer("Ann").await;
    let sent = first(&scene, &mut ann, waiting).await;
    let second = open(&scene, waiting).await.id;
    // Not even to who gave it, and not to a lead or an auditor.
    let told = ann.follow(&sent).await;
    assert!(told.has("It is answered, and not settled."), "{}", told.text);
    let mut bob = scene.reviewer("Bob").await;
    let page = bob.take(second).await;
    assert!(page.has("A second answer, given blind.") && page.has("second answer</span>"), "{}", page.text);
    let people = [bob, scene.lead("Lea").await, scene.someone("Aud", &[Role::Auditor]).await, scene.operator("Ops").await];
    let (first, second, verification) = (at(waiting.review), at(second), format!("/verifications/{}", waiting.verification));
    for (mut person, own) in people.into_iter().map(|person| (person, false)).chain([(ann, true)]) {
        for address in [
            "/".to_owned(),
            "/?show=mine".to_owned(),
            "/?reason=low_confidence".to_owned(),
            "/queue/ahead".to_owned(),
            "/live/now".to_owned(),
            format!("/live/now?review={}", second.trim_start_matches("/reviews/")),
            first.clone(),
            second.clone(),
            format!("{second}?file=1&page=2"),
            format!("{second}?find=9.00"),
            format!("{second}/after"),
            format!("{second}/before"),
            "/verifications".to_owned(),
            format!("/verifications?q={NOTE}"),
            verification.clone(),
            format!("{verification}/comments"),
            format!("{verification}/steps"),
            format!("{verification}/correct"),
            format!("/evidence/{}/pages/1/text", waiting.evidence),
            "/me".to_owned(),
            "/me/numbers".to_owned(),
            "/operations".to_owned(),
            "/policy".to_owned(),
            "/help".to_owned(),
        ] {
            let answer = person.get(&address).await;
            assert!(!answer.status.is_server_error(), "{address}: {}", answer.text);
            let lacking = ["/correct", "/text"].into_iter().any(|end| address.ends_with(end));
            assert!(lacking || answer.status != StatusCode::NOT_FOUND, "{address} is no page");
            // One's own comment is no news.
            let canaries = [NOTE, VALUE, COMMENT].into_iter().filter(|canary| *canary != COMMENT || !own);
            for canary in canaries {
                assert!(!answer.has(canary), "{canary} in {address}: {}", answer.text);
            }
            let offers = answer.has("<select");
            assert!(offers || !answer.has(REASON), "{REASON} in {address}: {}", answer.text);
            // What a form or a filter offers is no answer.
            let offers = answer.has("type=\"radio\"") || answer.has("<option");
            assert!(offers || !answer.text.to_lowercase().contains("refuted"), "a verdict in {address}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn the_machines_answer_is_nowhere_for_whoever_may_still_answer_without_it() {
    let Some(scene) = Scene::start().await else { return };
    // A policy sends it to people though the machine is sure: a verdict and a score that stand nowhere else.
    let sure = Case { machine: (domain::verdict::Verdict::Refuted, 0.77), wanted: 2, ..Case::default() };
    let waiting = scene.wanted(scene.tenant, sure).await;
    let mut ann = scene.reviewer("Ann").await;
    let verification = format!("/verifications/{}", waiting.verification);
    let list = ["/verifications".to_owned(), "/verifications?verdict=refuted".to_owned()];
    let steps = format!("{verification}/steps");
    let told = |page: &Answer| page.has("77 %") || page.has(": refuted") || !page.reviews().is_empty();
    assert!(told(&scene.reviewer("Bob").await.get(&steps).await), "before the first answer it is no secret");
    first(&scene, &mut ann, waiting).await;
    let second = open(&scene, waiting).await.id;
    let (bob, lead) = (scene.reviewer("Bob").await, scene.lead("Lea").await);
    for mut person in [bob, lead] {
        for taken in [false, true] {
            for address in list.iter().chain([&verification, &steps, &at(second)]) {
                let page = person.get(address).await;
                assert!(!page.has("77 %") && !page.has(": refuted") && !page.has(">refuted</span>"), "{address}: {}", page.text);
            }
            assert!(!person.get("/verifications?verdict=refuted").await.has(&waiting.verification.to_string()), "nor by asking for it");
            assert!(person.get("/?reason=low_confidence").await.reviews().is_empty(), "nor by the reasons");
            if !taken {
                person.take(second).await;
            }
        }
        let typed = person.get(&at(second)).await.form(&at(second));
        person.submit(&format!("{}/give-back", at(second)), typed).await;
    }
    // Who has answered has seen it, and an auditor answers nothing.
    for mut person in [ann, scene.someone("Aud", &[Role::Auditor]).await] {
        assert!(person.get(&steps).await.has(": refuted") && person.get("/verifications").await.has("77 %"));
    }
}

#[tokio::test]
async fn the_second_answer_is_given_without_the_machines_and_speaks_of_every_field() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = double(&scene).await;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(waiting.review).await;
    assert!(page.has("Machine:") && page.has("score <strong>") && page.has("name=\"agree\""), "the first sees what the machine says");
    ann.submit(&at(waiting.review), page.form(&at(waiting.review)).with("verdict.total", "supported")).await;
    let second = open(&scene, waiting).await.id;

    let mut bob = scene.reviewer("Bob").await;
    let page = bob.take(second).await;
    for hidden in [
        "Machine:",
        "score <strong>",
        "name=\"agree\"",
        "50 %",
        "90 %",
        "low confidence",
        "Why a person is needed",
        "that the machine supports",
    ] {
        assert!(!page.has(hidden), "{hidden}: {}", page.text);
    }
    for shown in ["9.00 MYR", "Kedai Bunga", "reads"] {
        assert!(page.has(shown), "what was read is no verdict: {shown}: {}", page.text);
    }
    let queue = bob.get("/").await;
    assert!(queue.has("second answer") && !queue.has("low confidence</span>"), "{}", queue.text);
    let seen = bob.get(&format!("/verifications/{}", waiting.verification)).await;
    assert!(seen.has("Not shown while you answer"), "{}", seen.text);

    let part = bob.submit(&at(second), page.form(&at(second)).with("verdict.total", "supported").with("agree", "yes")).await;
    assert_eq!(part.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(part.has("href=\"#verdict.merchant\"") && part.has("a second answer speaks of every field"), "{}", part.text);
    let whole = bob.submit(&at(second), every(&part, second, "supported")).await;
    assert_eq!(whole.status, StatusCode::SEE_OTHER, "{}", whole.text);
    assert_eq!(scene.ordered(waiting.verification).await.iter().filter(|kind| *kind == "decision").count(), 1, "they agree");
    let page = bob.follow(&whole).await;
    assert!(page.has("The decision is recorded."), "{}", page.text);
}

#[tokio::test]
async fn where_two_differ_a_third_sees_both_and_settles_it() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = double(&scene).await;
    let (mut ann, mut bob, mut cat) = (scene.reviewer("Ann").await, scene.reviewer("Bob").await, scene.reviewer("Cat").await);
    first(&scene, &mut ann, waiting).await;
    let second = open(&scene, waiting).await.id;
    let page = bob.take(second).await;
    let sent = bob.submit(&at(second), every(&page, second, "supported").with("note", "bob says so")).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let third = open(&scene, waiting).await;
    assert_eq!(third.part, Part::Adjudication);
    assert!(scene.ordered(waiting.verification).await.iter().all(|kind| kind != "decision"));

    // Before it is taken nobody sees them; those who answered never get it.
    assert!(!cat.get(&at(third.id)).await.has(NOTE));
    for person in [&mut ann, &mut bob] {
        assert_eq!(person.get("/").await.reviews(), []);
        let page = person.get(&at(third.id)).await;
        assert!(page.has("another person takes it") && !page.has("Take it</button>") && !page.has("What was answered"), "{}", page.text);
        let refused = person.post(&format!("{}/take", at(third.id)), &[]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.has("Somebody else answers this one"), "{}", refused.text);
        assert_eq!(person.post("/queue/next", &[]).await.to(), "/?empty=1");
    }
    assert_eq!(scene.holder(third.id).await, None);

    let page = cat.take(third.id).await;
    for shown in ["What was answered", NOTE, "bob says so", "Ann", "Bob", "they differ", VALUE, COMMENT, "Machine:"] {
        assert!(page.has(shown), "{shown}: {}", page.text);
    }
    assert!(!ann.get(&at(third.id)).await.has("bob says so"));
    let typed =
        page.form(&at(third.id)).with("verdict.total", "refuted").with("reason.total", "different_value").with("found.total", "8.00 MYR");
    let settled = cat.submit(&at(third.id), typed).await;
    assert_eq!(settled.status, StatusCode::SEE_OTHER, "{}", settled.text);
    let id = review::settled(&mut scene.tx().await, waiting.verification).await.unwrap().unwrap();
    let word = review::decision(&mut scene.tx().await, id).await.unwrap().unwrap();
    assert_eq!((word.review_id, word.decision.checks[0].found.clone()), (third.id, Some(total("8.00"))));
    assert_eq!(scene.ordered(waiting.verification).await.iter().filter(|kind| *kind == "decision").count(), 1);
    let after = ann.get(&at(waiting.review)).await;
    assert!(after.has("What was answered") && after.has("bob says so") && after.has("which counts"), "settled: {}", after.text);
}

#[tokio::test]
async fn a_lead_who_answered_does_not_take_the_other_part_over() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = double(&scene).await;
    let mut lea = scene.lead("Lea").await;
    first(&scene, &mut lea, waiting).await;
    let second = open(&scene, waiting).await.id;
    scene.reviewer("Bob").await.take(second).await;
    assert!(!lea.get(&at(second)).await.has("Take it over"));
    let refused = lea.post(&format!("{}/take-over", at(second)), &[("why", "in a hurry")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.has("Somebody else answers this one"), "{}", refused.text);
    assert_eq!(scene.holder(second).await, Some(scene.actor("Bob").await));
}

#[tokio::test]
async fn what_was_escalated_is_for_a_lead_and_never_comes_back_as_the_next() {
    let Some(scene) = Scene::start().await else { return };
    let id = scene.waiting().await.review;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(id).await;
    let typed = page.form(&at(id)).with("to", "lead").with("why", "The stamp is foreign to me");
    assert_eq!(ann.submit(&format!("{}/skip", at(id)), typed).await.to(), "/");
    let (mut bob, mut lea) = (scene.reviewer("Bob").await, scene.lead("Lea").await);
    for person in [&mut ann, &mut bob] {
        assert_eq!(person.post("/queue/next", &[]).await.to(), "/?empty=1");
        assert!(!person.get(&at(id)).await.has("Take it</button>"));
        let refused = person.post(&format!("{}/take", at(id)), &[]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.has("This one is for a lead"), "{}", refused.text);
        assert_eq!(scene.holder(id).await, None, "and nothing was taken");
    }
    assert_eq!(scene.review(id).await.status, ReviewStatus::Escalated);
    assert_eq!(lea.post("/queue/next", &[]).await.to(), at(id));
    // A lead who hands one on does not draw it again, and can take it by its address.
    let page = lea.get(&at(id)).await;
    lea.submit(&format!("{}/give-back", at(id)), page.form(&at(id))).await;
    assert!(lea.get(&at(id)).await.has("Take it</button>"));
}
