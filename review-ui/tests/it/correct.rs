//! A lead overturns what was settled: what it needs, what follows, and who may not.

use axum::http::StatusCode;
use domain::verdict::Verdict;
use domain::verification::{DecidedBy, Status};
use store::verification::{self, Finalise, VerificationRow};

use crate::scene::{EVIL, EVIL_AS_TEXT, Scene, Waiting, total};

fn at(waiting: Waiting) -> String {
    format!("/verifications/{}/correct", waiting.verification)
}

/// A verification that ended as the machine said, or as nobody decided.
async fn settled(scene: &Scene) -> Waiting {
    let waiting = scene.waiting().await;
    let mut tx = scene.tx().await;
    let row = verification::get(&mut tx, waiting.verification).await.unwrap().unwrap();
    let outcome = domain::judge::expired(&row.provisional.unwrap());
    verification::finalise(&mut tx, waiting.verification, &Finalise::Expired { outcome }).await.unwrap();
    tx.commit().await.unwrap();
    waiting
}

async fn row(scene: &Scene, waiting: Waiting) -> VerificationRow {
    verification::get(&mut scene.tx().await, waiting.verification).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_lead_corrects_a_verdict_and_both_are_shown() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = settled(&scene).await;
    let mut lead = scene.lead("Lea").await;
    let page = lead.get(&at(waiting)).await;
    let typed = page.form(&at(waiting)).with("verdict.total", "refuted").with("found.total", "8.00 MYR");
    let typed = typed.with("reason.total", "different_value").with("note", EVIL);
    let sent = lead.submit(&at(waiting), typed.clone()).await;
    assert_eq!(sent.to(), format!("/verifications/{}", waiting.verification), "{}", sent.text);
    let page = lead.follow(&sent).await;
    assert!(page.has("Lea corrected this") && page.has(EVIL_AS_TEXT) && !page.has(EVIL), "{}", page.text);

    let row = row(&scene, waiting).await;
    assert_eq!((row.status, row.verdict, row.corrections), (Status::Final, Some(Verdict::Refuted), 1));
    let outcome = row.final_outcome.unwrap();
    assert_eq!((outcome.decided_by, outcome.blockers.len()), (DecidedBy::Human, 1), "that it expired is true no more");
    assert_eq!(outcome.checks.iter().find(|check| check.field == "total").unwrap().found, Some(total("8.00")));
    let told = scene.told("verification.corrected").await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].2["from"].as_str(), told[0].2["to"].as_str()), (Some("insufficient"), Some("refuted")));
    assert!(!told[0].2.to_string().contains("script"), "what a person wrote stands in no audit link");

    let again = lead.submit(&at(waiting), typed).await;
    assert_eq!(again.to(), format!("/verifications/{}", waiting.verification), "sent twice it is one");
    assert_eq!(scene.told("verification.corrected").await.len(), 1);
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_input_and_nothing_changes() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = settled(&scene).await;
    let mut lead = scene.lead("Lea").await;
    let page = lead.get(&at(waiting)).await;
    let long = "x".repeat(2_001);
    for (pairs, input) in [
        (vec![("note", "why")], "corrections"),
        (vec![("verdict.total", "supported")], "note"),
        (vec![("verdict.total", "supported"), ("note", long.as_str())], "note"),
        (vec![("verdict.total", "refuted"), ("note", "why")], "reason.total"),
        (vec![("verdict.total", "supported"), ("found.total", "8.00 MYR"), ("note", "why")], "verdict.total"),
        (vec![("verdict.total", "supported"), ("found.total", "eight"), ("note", "why")], "found.total"),
    ] {
        let typed = pairs.iter().fold(page.form(&at(waiting)), |typed, (name, value)| typed.with(name, value));
        let refused = lead.submit(&at(waiting), typed).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{pairs:?}");
        assert!(refused.has(&format!("href=\"#{input}\"")), "{pairs:?}: {}", refused.text);
        assert!(refused.has(&format!("id=\"{input}\"")), "{pairs:?}: the link leads somewhere");
    }
    assert_eq!(row(&scene, waiting).await.corrections, 0);
}

#[tokio::test]
async fn of_two_leads_who_looked_at_the_same_result_the_first_counts() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = settled(&scene).await;
    let (mut lea, mut max) = (scene.lead("Lea").await, scene.lead("Max").await);
    let theirs = [lea.get(&at(waiting)).await, max.get(&at(waiting)).await];
    let [one, two] = theirs.map(|page| page.form(&at(waiting)).with("verdict.total", "supported").with("note", "the stamp"));
    assert_eq!(lea.submit(&at(waiting), one).await.status, StatusCode::SEE_OTHER);
    let late = max.submit(&at(waiting), two).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.has("Somebody corrected it since"));
    assert_eq!(row(&scene, waiting).await.corrections, 1);
}

#[tokio::test]
async fn only_leads_of_the_organisation_correct_and_only_what_is_settled() {
    let Some(scene) = Scene::start().await else { return };
    let (waiting, open) = (settled(&scene).await, scene.waiting().await);
    let (mut ann, mut lead) = (scene.reviewer("Ann").await, scene.lead("Lea").await);
    assert_eq!(ann.get(&at(waiting)).await.status, StatusCode::FORBIDDEN);
    assert!(!ann.get(&format!("/verifications/{}", waiting.verification)).await.has("/correct"));
    assert_eq!(lead.get(&at(open)).await.status, StatusCode::CONFLICT);
    let mut foreign = scene.someone_of(scene.other, "Zoe", &[domain::person::Role::Lead]).await;
    assert_eq!(foreign.get(&at(waiting)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_value_that_is_emptied_stays_empty_when_the_form_comes_back() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = settled(&scene).await;
    let mut lead = scene.lead("Lea").await;
    let page = lead.get(&at(waiting)).await;
    let typed = page.form(&at(waiting)).with("verdict.total", "insufficient").with("found.total", "");
    let refused = lead.submit(&at(waiting), typed).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.has("Say why"), "{}", refused.text);
    let again = refused.form(&at(waiting));
    assert_eq!(again.get("found.total"), Some(""), "{}", refused.text);
    lead.submit(&at(waiting), again.with("note", "Nothing is shown")).await.to();
    let outcome = row(&scene, waiting).await.final_outcome.unwrap();
    assert_eq!(outcome.checks.iter().find(|check| check.field == "total").unwrap().found, None);
}

#[tokio::test]
async fn who_comes_second_keeps_their_words_and_sees_what_stands_now() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = settled(&scene).await;
    let (mut lea, mut max) = (scene.lead("Lea").await, scene.lead("Max").await);
    let theirs = [lea.get(&at(waiting)).await, max.get(&at(waiting)).await];
    let [one, two] = theirs.map(|page| page.form(&at(waiting)));
    let one = one.with("verdict.total", "refuted").with("reason.total", "different_value").with("found.total", "8.00 MYR");
    lea.submit(&at(waiting), one.with("note", "An eight")).await.to();
    let two = two.with("verdict.date", "refuted").with("reason.date", "altered").with("note", EVIL);
    let late = max.submit(&at(waiting), two).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.has("Somebody corrected it since") && late.has("Lea wrote: “An eight”"), "{}", late.text);
    // What he typed is there, what he left alone follows the result, and what changed is written beside it.
    let again = late.form(&at(waiting));
    assert_eq!((again.get("note"), again.get("verdict.date"), again.get("reason.date")), (Some(EVIL), Some("refuted"), Some("altered")));
    assert_eq!((again.get("found.total"), again.get("verdict.total")), (Some("8.00 MYR"), Some("")));
    assert!(late.has("<dd>refuted, reads 8.00 MYR</dd>") && late.has("<dd>supported, reads 2018-03-30</dd>"), "{}", late.text);
    assert_eq!(late.text.matches("<dt>Now</dt>").count(), 2, "{}", late.text);
    // Sent again it comes after hers, and takes nothing of hers back.
    assert_eq!(max.submit(&at(waiting), again).await.status, StatusCode::SEE_OTHER);
    let row = row(&scene, waiting).await;
    assert_eq!(row.corrections, 2);
    assert_eq!(row.final_outcome.unwrap().checks.iter().find(|check| check.field == "total").unwrap().found, Some(total("8.00")));
}
