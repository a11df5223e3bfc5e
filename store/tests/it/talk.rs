//! What people typed and said: drafts outlive leases, comments stay in order.

use domain::id::{CommentId, DecisionId, VerificationId};
use domain::review::Decision;
use domain::verdict::Verdict;
use serde_json::json;
use store::review::{self, ClaimOutcome, DecideOutcome, NewDecision, Proof};
use store::{StoreError, comment, event};

use crate::desk::{lease, take_over, told};
use crate::scene::{Scene, outcome};

#[tokio::test]
async fn what_was_typed_is_there_after_the_lease_is_lost() {
    let Some(scene) = Scene::start().await else { return };
    let (_, id) = scene.in_review().await;
    let (_, another) = scene.in_review().await;
    lease(&scene, id, "user:ann", 300).await;
    let typed = json!({ "verdict": "refuted", "note": "A\u{0}B \u{e9}" });
    let mut tx = scene.tx().await;
    assert_eq!(review::draft(&mut tx, id, "user:ann").await.unwrap(), None);
    review::keep_draft(&mut tx, id, "user:ann", &json!({ "verdict": "supported" })).await.unwrap();
    review::keep_draft(&mut tx, id, "user:ann", &typed).await.unwrap();
    review::keep_draft(&mut tx, id, "user:bob", &json!([])).await.unwrap();
    tx.commit().await.unwrap();

    let ClaimOutcome::Leased(_) = take_over(&scene, id, "user:lead").await else { panic!() };
    let mut tx = scene.tx().await;
    assert_eq!(review::draft(&mut tx, id, "user:ann").await.unwrap(), Some(typed), "the later one, whoever holds the review by now");
    assert_eq!(review::draft(&mut tx, id, "user:bob").await.unwrap(), Some(json!([])));
    assert_eq!(review::draft(&mut tx, id, "user:lead").await.unwrap(), None, "each person types alone");
    assert_eq!(review::draft(&mut tx, another, "user:ann").await.unwrap(), None);
    let mut other = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(review::draft(&mut other, id, "user:ann").await.unwrap(), None);
    review::keep_draft(&mut other, id, "user:ann", &json!({})).await.unwrap();
    assert_eq!(review::draft(&mut other, id, "user:ann").await.unwrap(), None, "another tenant's review is none");
}

#[tokio::test]
async fn a_decision_takes_its_authors_draft_along_and_no_late_page_brings_it_back() {
    let Some(scene) = Scene::start().await else { return };
    let ((_, id), (_, another)) = (scene.in_review().await, scene.in_review().await);
    let mut tx = scene.tx().await;
    for (review, name) in [(id, "user:ann"), (id, "user:bob"), (another, "user:ann")] {
        review::keep_draft(&mut tx, review, name, &json!({ "note": name })).await.unwrap();
    }
    tx.commit().await.unwrap();
    let held = lease(&scene, id, "user:ann", 300).await;
    let (decision, outcome) = (Decision { verdict: Verdict::Supported, checks: vec![], note: None }, outcome(Verdict::Supported));
    let new = NewDecision {
        id: DecisionId::new(),
        review_id: id,
        proof: Proof::Holder("user:ann"),
        generation: held.generation,
        decision: &decision,
        outcome: &outcome,
        holder: "user:ann",
    };
    for expected in [DecideOutcome::Recorded, DecideOutcome::AlreadyRecorded] {
        let mut tx = scene.tx().await;
        assert_eq!(review::decide(&mut tx, &new).await.unwrap(), expected);
        for name in ["user:ann", "user:bob"] {
            review::keep_draft(&mut tx, id, name, &json!({ "note": "late" })).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let mut tx = scene.tx().await;
    assert_eq!(review::draft(&mut tx, id, "user:ann").await.unwrap(), None);
    assert_eq!(
        review::draft(&mut tx, id, "user:bob").await.unwrap(),
        Some(json!({ "note": "late" })),
        "who did not decide may still read it"
    );
    assert_eq!(review::draft(&mut tx, another, "user:ann").await.unwrap(), Some(json!({ "note": "user:ann" })));
}

#[tokio::test]
async fn comments_stay_in_order_and_out_of_the_audit_chain() {
    let Some(scene) = Scene::start().await else { return };
    let (about, another) = (scene.accepted().await.id, scene.accepted().await.id);
    let said = [
        (Some("total"), "user:ann", "Nine or ninety?"),
        (None, "user:bob", "Ninety.\n<b>Surely</b>"),
        (Some("total"), "user:ann", "Thanks."),
    ];
    let mut made = Vec::new();
    for (field, author, body) in said {
        let mut tx = scene.tx().await;
        made.push(comment::add(&mut tx, about, field, author, body).await.unwrap());
        tx.commit().await.unwrap();
    }
    let listed = comment::list(&mut scene.tx().await, about, "user:ann").await.unwrap();
    assert_eq!(listed.iter().map(|row| row.id).collect::<Vec<_>>(), made);
    let read: Vec<_> = listed.iter().map(|row| (row.field.as_deref(), row.author.as_str(), row.body.as_str())).collect();
    assert_eq!(read, said);
    assert!(listed.iter().all(|row| row.resolved_at.is_none()) && listed.is_sorted_by_key(|row| row.created_at));
    assert_eq!(comment::list(&mut scene.tx().await, another, "user:ann").await.unwrap(), []);
    let wordless = comment::add(&mut scene.tx().await, about, None, "user:ann", "").await.unwrap_err();
    assert!(matches!(wordless, StoreError::Conflict { .. }), "{wordless:?}");

    let added = told(&scene, "comment.added").await;
    assert_eq!(added[0], ("user:ann".to_owned(), about.to_string(), json!({ "comment_id": made[0], "field": "total" })));
    assert!(added.iter().map(|(.., data)| &data["comment_id"]).eq(&made.iter().map(|id| json!(id)).collect::<Vec<_>>()));
}

#[tokio::test]
async fn a_comment_is_dealt_with_once() {
    let Some(scene) = Scene::start().await else { return };
    let (about, another) = (scene.accepted().await.id, scene.accepted().await.id);
    let mut tx = scene.tx().await;
    let id = comment::add(&mut tx, about, None, "user:ann", "Look twice.").await.unwrap();
    let left = comment::add(&mut tx, about, None, "user:ann", "And again.").await.unwrap();
    assert!(!comment::resolve(&mut tx, another, id, "user:bob").await.unwrap(), "it is about something else");
    assert!(!comment::resolve(&mut tx, about, CommentId::new(), "user:bob").await.unwrap());
    tx.commit().await.unwrap();
    for first in [true, false] {
        let mut tx = scene.tx().await;
        assert_eq!(comment::resolve(&mut tx, about, id, "user:bob").await.unwrap(), first);
        tx.commit().await.unwrap();
    }
    let listed = comment::list(&mut scene.tx().await, about, "user:ann").await.unwrap();
    let open: Vec<_> = listed.iter().map(|row| (row.id, row.resolved_at.is_none())).collect();
    assert_eq!(open, [(id, false), (left, true)]);
    let resolved = told(&scene, "comment.resolved").await;
    assert_eq!(resolved, [("user:bob".to_owned(), about.to_string(), json!({ "comment_id": id }))]);
}

#[tokio::test]
async fn nobody_comments_on_another_tenants_verification() {
    let Some(scene) = Scene::start().await else { return };
    let about = scene.accepted().await.id;
    let mut tx = scene.tx().await;
    let id = comment::add(&mut tx, about, None, "user:ann", "Ours.").await.unwrap();
    tx.commit().await.unwrap();
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(comment::list(&mut foreign, about, "user:ann").await.unwrap(), []);
    assert!(!comment::resolve(&mut foreign, about, id, "user:eve").await.unwrap());
    for nowhere in [about, VerificationId::new()] {
        let mut foreign = scene.store.begin(scene.other).await.unwrap();
        let refused = comment::add(&mut foreign, nowhere, None, "user:eve", "Mine.").await.unwrap_err();
        assert!(matches!(&refused, StoreError::Conflict { constraint, .. } if constraint.ends_with("_fkey")), "{refused:?}");
    }
    // Nor in the other's name.
    let client = scene.database.connect(&scene.database.service_url).await;
    client.batch_execute(&format!("set app.tenant = '{}'", scene.other.0)).await.unwrap();
    let insert = format!(
        "insert into comments (tenant_id, id, verification_id, author, body) values ('{}', '{}', '{}', 'user:eve', 'Mine.')",
        scene.tenant.0,
        CommentId::new().0,
        about.0
    );
    let error = client.execute(&insert, &[]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42501", "{error}");
    assert_eq!(comment::list(&mut scene.tx().await, about, "user:ann").await.unwrap().len(), 1);
}

#[tokio::test]
async fn of_many_comments_the_latest_are_read_and_the_others_page_by_page() {
    let Some(scene) = Scene::start().await else { return };
    let about = scene.accepted().await.id;
    let mut made = Vec::new();
    let mut tx = scene.tx().await;
    for number in 0..comment::SHOWN + 3 {
        made.push(comment::add(&mut tx, about, None, "user:ann", &number.to_string()).await.unwrap());
    }
    tx.commit().await.unwrap();
    let ids = |rows: Vec<comment::CommentRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    let mut tx = scene.tx().await;
    assert_eq!(ids(comment::list(&mut tx, about, "user:ann").await.unwrap()), made[3..]);
    assert_eq!(ids(comment::before(&mut tx, about, "user:ann", Some(made[3])).await.unwrap()), made[..3]);
    assert_eq!(ids(comment::before(&mut tx, about, "user:ann", Some(made[0])).await.unwrap()), []);
}

#[tokio::test]
async fn of_a_long_timeline_the_last_steps_are_read_and_the_others_page_by_page() {
    let Some(scene) = Scene::start().await else { return };
    let (about, review) = scene.in_review().await;
    lease(&scene, review, "user:ann", 300).await;
    let all = event::list(&mut scene.tx().await, about, 0, 100).await.unwrap();
    assert!(all.len() >= 3, "{all:?}");
    let mut tx = scene.tx().await;
    assert_eq!(event::before(&mut tx, about, None, 100).await.unwrap(), all);
    let last = event::before(&mut tx, about, None, 2).await.unwrap();
    assert_eq!(last, all[all.len() - 2..]);
    let earlier = event::before(&mut tx, about, Some(last[0].sequence), 100).await.unwrap();
    assert_eq!([earlier, last].concat(), all);
    assert_eq!(event::before(&mut tx, about, Some(1), 100).await.unwrap(), []);
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(event::before(&mut foreign, about, None, 100).await.unwrap(), []);
}
