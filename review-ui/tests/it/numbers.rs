//! Figures: whose they are, how few say nothing, and where the time of a page is put down.

use axum::http::StatusCode;
use domain::blocker::Blocker;
use domain::id::DecisionId;
use domain::person::Role;
use domain::review::Decision;
use domain::verdict::Verdict::{self, Refuted, Supported};
use store::review::{self, NewDecision, Proof};
use store::verification;

use crate::browser::Answer;
use crate::scene::{Case, EVIL, Scene, Waiting};

/// Somebody takes a review and answers it, without the desk.
pub async fn decided(scene: &Scene, waiting: Waiting, holder: &str, verdict: Verdict) {
    let lease = scene.lease(waiting.review, holder, 300).await;
    let mut tx = scene.tx().await;
    let row = verification::get(&mut tx, waiting.verification).await.unwrap().unwrap();
    let mut outcome = row.provisional.unwrap();
    outcome.verdict = verdict;
    let decision = Decision { verdict, checks: vec![], note: None };
    let new = NewDecision {
        id: DecisionId::new(),
        review_id: waiting.review,
        proof: Proof::Holder(holder),
        generation: lease.generation,
        decision: &decision,
        outcome: &outcome,
        holder,
    };
    review::decide(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
}

async fn decided_many(scene: &Scene, name: &str, count: usize) {
    let actor = scene.actor(name).await;
    for _ in 0..count {
        decided(scene, scene.waiting().await, &actor, Supported).await;
    }
}

/// The tile of that name.
fn tile<'a>(page: &'a Answer, name: &str) -> &'a str {
    page.between(&format!("<dt>{name}</dt><dd>"), "</dd>").unwrap_or_else(|| panic!("no {name}: {}", page.text))
}

#[tokio::test]
async fn everybody_sees_their_own_figures_and_leads_and_auditors_the_teams() {
    let Some(scene) = Scene::start().await else { return };
    let (mut ann, mut bob) = (scene.reviewer("Ann").await, scene.reviewer("Bob").await);
    decided_many(&scene, "Ann", 6).await;
    decided_many(&scene, "Bob", 2).await;
    let own = ann.get("/me/numbers").await;
    assert_eq!((tile(&own, "Decisions"), tile(&own, "In the promised time"), tile(&own, "Overturned later")), ("6", "100 %", "0 %"));
    assert!(own.has("Expense receipt") && !own.has("Bob"), "{}", own.text);
    let own = bob.get("/me/numbers").await;
    assert_eq!(tile(&own, "Decisions"), "2");
    assert!(tile(&own, "In the promised time").contains("too few to say"));

    for role in [Role::Lead, Role::Auditor] {
        let mut above = scene.someone(role.as_str(), &[role]).await;
        let team = above.get("/team?span=today").await;
        let line = |name: &str| {
            let rest = &team.text[team.text.find(&format!(">{name}</th>")).unwrap()..];
            rest[..rest.find("</tr>").unwrap()].to_owned()
        };
        assert!(line("Ann").contains(">6</td>") && line("Ann").contains("100 %"), "{}", line("Ann"));
        assert!(
            line("Bob").contains("fewer than 5") && line("Bob").contains("too few to say") && !line("Bob").contains('%'),
            "{}",
            line("Bob")
        );
        assert!(team.text.find(">Ann</th>") < team.text.find(">Bob</th>"));
    }
    for browser in [&mut ann, &mut bob, &mut scene.operator("Otto").await] {
        assert_eq!(browser.get("/team").await.status, StatusCode::FORBIDDEN);
    }
    for role in [Role::Operator, Role::Auditor] {
        let mut other = scene.someone(&format!("{}-two", role.as_str()), &[role]).await;
        assert_eq!(other.get("/me/numbers").await.status, StatusCode::FORBIDDEN);
    }
    let mut eve = scene.someone_of(scene.other, "Eve", &Role::ALL).await;
    let team = eve.get("/team").await;
    assert!(team.has("Nothing decided in this time") && !team.has("Ann") && !team.has("Bob"), "{}", team.text);
    assert!(eve.get("/me/numbers").await.has("Nothing decided in this time"));
}

#[tokio::test]
async fn figures_are_named_in_plain_words() {
    let Some(scene) = Scene::start().await else { return };
    let mut lea = scene.lead("Lea").await;
    decided_many(&scene, "Lea", 1).await;
    for path in ["/me/numbers", "/team"] {
        let page = lea.get(path).await;
        for words in ["Per hour", "Active time", "Time to decide", "Beyond chance", "Agreement beyond chance (Cohen's kappa) is 0 where"] {
            assert!(page.has(words), "{path}: {words}");
        }
        for jargon in ["Active at one", "To deciding", ">Kappa<"] {
            assert!(!page.has(jargon), "{path}: {jargon}");
        }
    }
    assert!(!scene.browser().get("/signin").await.has("assay users create"));
}

#[tokio::test]
async fn a_span_that_is_none_is_a_week() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.someone("Ann", &Role::ALL).await;
    let evil: String = form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    let long = "9".repeat(4_000);
    for span in ["", "-1d", "31d", "99999999999999999999d", "today'--", "%00", "%ff", &evil, &long] {
        for path in ["/me/numbers", "/team"] {
            let page = ann.get(&format!("{path}?span={span}")).await;
            assert_eq!(page.status, StatusCode::OK, "{path} {span}");
            assert!(page.has("href=\"?span=7d\" aria-current=\"page\"") && !page.has("alert("), "{path} {span}");
        }
    }
    for span in ["today", "7d", "30d"] {
        assert!(ann.get(&format!("/team?span={span}")).await.has(&format!("href=\"?span={span}\" aria-current=\"page\"")));
    }
    assert!(ann.get("/team?span=7d&span=30d").await.status.is_client_error());
}

#[tokio::test]
async fn the_machine_is_judged_apart_by_what_it_decided_itself() {
    let Some(scene) = Scene::start().await else { return };
    let mut lea = scene.lead("Lea").await;
    let actor = scene.actor("Lea").await;
    for number in 0..11 {
        let blockers = if number < 5 { vec![Blocker::PolicySample] } else { vec![Blocker::NotFound] };
        let waiting = scene.wanted(scene.tenant, Case { blockers, ..Case::default() }).await;
        let verdict = if number == 0 { Verdict::Insufficient } else { Refuted };
        decided(&scene, waiting, &actor, verdict).await;
    }
    for path in ["/team", "/me/numbers"] {
        let page = lea.get(path).await;
        let machine = page.between("<h2 id=\"machine\"", "</section>").unwrap();
        assert!(machine.contains("<dt>Left to people</dt><dd>6</dd>") && machine.contains("100 %"), "{machine}");
        assert!(machine.contains("<dt>Decided by it and drawn</dt><dd>5</dd>") && machine.contains("80 %"), "{machine}");
        assert!(machine.contains("Nothing can be advised before 50") && !machine.contains("threshold would"), "{machine}");
    }
}

#[tokio::test]
async fn a_page_reports_its_time_while_its_person_holds_the_review() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let (mut ann, mut bob) = (scene.reviewer("Ann").await, scene.reviewer("Bob").await);
    let page = ann.take(waiting.review).await;
    assert!(page.has("/time.js\""), "{}", page.text);
    assert!(!bob.get(&format!("/reviews/{}", waiting.review)).await.has("/time.js"), "who holds nothing has no time to report");
    let path = format!("/reviews/{}/time", waiting.review);
    let report = r#"[["total",1,1],["no_field",1,1],["date",-1,0]]"#;
    assert_eq!(ann.post(&path, &[("times", report)]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ann.post(&path, &[]).await.status, StatusCode::NO_CONTENT);
    for broken in ["{}", "[[]]", EVIL, r#"[["total",1e9,1]]"#, r#"[["total",99999999999999999999,1]]"#] {
        assert_eq!(ann.post(&path, &[("times", broken)]).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{broken}");
    }
    assert_eq!(bob.post(&path, &[("times", report)]).await.status, StatusCode::CONFLICT);
    let mut eve = scene.someone_of(scene.other, "Eve", &[Role::Reviewer]).await;
    assert_eq!(eve.post(&path, &[("times", report)]).await.status, StatusCode::NOT_FOUND);
    let times = |rows: Vec<(&'static str, String)>| rows.into_iter().find(|(table, _)| *table == "review_times").unwrap().1;
    let kept = times(scene.rows(scene.tenant).await);
    assert!(kept.lines().count() == 1 && kept.contains(&scene.actor("Ann").await) && !kept.contains("no_field"), "{kept}");

    // What is left goes with the decision, which stands whatever it says.
    let address = format!("/reviews/{}", waiting.review);
    let page = ann.get(&address).await;
    let typed = page.form(&address).with("agree", "yes").with("times", "{}");
    assert_eq!(ann.submit(&address, typed).await.to(), format!("/verifications/{}", waiting.verification));
    assert_eq!(ann.post(&path, &[("times", report)]).await.status, StatusCode::CONFLICT, "it is over");
}

#[tokio::test]
async fn what_the_page_says_of_its_time_is_no_part_of_a_draft() {
    let Some(scene) = Scene::start().await else { return };
    let waiting = scene.waiting().await;
    let mut ann = scene.reviewer("Ann").await;
    let page = ann.take(waiting.review).await;
    let address = format!("/reviews/{}", waiting.review);
    let typed = page.form(&address).with("note", "Wait").with("times", "[]");
    ann.submit(&format!("{address}/keep"), typed).await.to();
    let draft = scene.draft(waiting.review, "Ann").await;
    assert_eq!((draft.get("note").and_then(|note| note.as_str()), draft.get("times")), (Some("Wait"), None));
}
