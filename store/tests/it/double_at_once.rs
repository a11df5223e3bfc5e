//! What may happen to a round at once: publishing, answering, escalating and ending wait for each other in one order, and one word comes of it.

use domain::id::DecisionId;
use domain::review::{Decision, Part};
use domain::verdict::Verdict::{self, Refuted, Supported};
use store::review::{self, DecideOutcome, NewDecision, Proof};
use store::verification::{self, Finalise};

use crate::double::{answer, half, lease, parts};
use crate::scene::{Scene, new_review, outcome};

#[tokio::test(flavor = "multi_thread")]
async fn publishing_and_deciding_at_once_wait_for_each_other_in_one_order() {
    let Some(scene) = Scene::start().await else { return };
    let (id, review_id) = scene.in_review().await;
    let held = lease(&scene, review_id, "ann").await;
    // A late try of the first publication has the verification in hand,
    let mut publishing = scene.tx().await;
    let published = verification::publish_provisional(&mut publishing, id, 0, &outcome(Supported), Some(&new_review())).await.unwrap();
    assert!(published.already);
    // a decision comes, and waits,
    let (store, tenant) = (scene.store.clone(), scene.tenant);
    let deciding = tokio::spawn(async move {
        let (decision, outcome) = (Decision { verdict: Supported, checks: vec![], note: None }, outcome(Supported));
        let (id, proof) = (DecisionId::new(), Proof::Token(&held.token));
        let (review_id, generation) = (held.review_id, held.generation);
        let new = NewDecision { id, review_id, proof, generation, decision: &decision, outcome: &outcome, holder: "ann" };
        let mut tx = store.begin(tenant).await.unwrap();
        let decided = review::decide(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        decided
    });
    let client = scene.database.connect(&scene.database.owner_url).await;
    let waits =
        "select count(*) from pg_locks l join pg_stat_activity a on a.pid = l.pid where not l.granted and a.datname = current_database()";
    loop {
        let waiting: i64 = client.query_one(waits, &[]).await.unwrap().get(0);
        if waiting > 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    // and the publication can still look whether a decision was recorded: the decision holds nothing that it needs.
    assert_eq!(review::recorded(&mut publishing, id).await.unwrap(), None);
    publishing.commit().await.unwrap();
    assert_eq!(deciding.await.unwrap(), DecideOutcome::Recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_at_once_a_round_has_one_word_and_nobody_waits_for_ever() {
    let Some(scene) = Scene::start().await else { return };
    for number in 0..12 {
        let (id, first, second) = half(&scene).await;
        let held = lease(&scene, second, "bob").await;
        let verdict = if number % 2 == 0 { Supported } else { Refuted };
        let escalate = async {
            let mut tx = scene.tx().await;
            review::escalate_overdue(&mut tx, first).await.unwrap();
            tx.commit().await.unwrap();
        };
        let republish = async {
            let mut tx = scene.tx().await;
            verification::publish_provisional(&mut tx, id, 0, &outcome(Supported), Some(&new_review())).await.unwrap();
            review::recorded(&mut tx, id).await.unwrap();
            tx.commit().await.unwrap();
        };
        let end = async {
            let mut tx = scene.tx().await;
            let recorded = review::recorded(&mut tx, id).await.unwrap();
            if recorded.is_none() {
                let expired = Finalise::Expired { outcome: outcome(Verdict::Insufficient) };
                verification::finalise(&mut tx, id, &expired).await.unwrap();
            }
            tx.commit().await.unwrap();
            recorded
        };
        let (decided, again, (), (), ended) =
            tokio::join!(answer(&scene, &held, "bob", verdict), answer(&scene, &held, "bob", verdict), escalate, republish, end);
        let counted =
            [decided, again].into_iter().filter(|outcome| matches!(outcome, DecideOutcome::Recorded | DecideOutcome::Answered { .. }));
        assert!(counted.count() <= 1, "{decided:?} {again:?}");
        let settled = review::settled(&mut scene.tx().await, id).await.unwrap();
        assert_eq!(ended.is_some(), settled.is_some(), "{decided:?} {again:?}");
        // Of a part that is open nobody was forgotten by the escalation.
        let open = parts(&scene, id).await.into_iter().find(|row| row.status.is_open());
        assert!(open.is_none() || settled.is_none() && open.is_some_and(|row| row.part == Part::Adjudication));
    }
}
