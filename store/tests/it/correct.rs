//! Overturning what was settled.

use domain::id::DecisionId;
use domain::review::Decision;
use domain::verdict::Verdict;
use domain::verification::{Outcome, Status};
use store::verification::{self, CorrectOutcome, Finalise, NewCorrection};

use crate::scene::{Scene, outcome};

fn word(verdict: Verdict) -> Decision {
    Decision { verdict, checks: Vec::new(), note: Some("the stamp says otherwise".into()) }
}

async fn correct(scene: &Scene, of: domain::id::VerificationId, id: DecisionId, seen: u32, to: &Outcome) -> CorrectOutcome {
    let mut tx = scene.tx().await;
    let decision = word(to.verdict);
    let new = NewCorrection { id, seen, decision: &decision, outcome: to, actor: "lead" };
    let done = verification::correct(&mut tx, of, &new).await.unwrap();
    tx.commit().await.unwrap();
    done
}

async fn settled(scene: &Scene) -> domain::id::VerificationId {
    let (id, _) = scene.in_review().await;
    let mut tx = scene.tx().await;
    let expired = outcome(Verdict::Insufficient);
    verification::finalise(&mut tx, id, &Finalise::Expired { outcome: expired }).await.unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn both_results_are_kept_and_the_new_one_counts() {
    let Some(scene) = Scene::start().await else { return };
    let id = settled(&scene).await;
    let (first, second) = (outcome(Verdict::Supported), outcome(Verdict::Refuted));
    assert_eq!(correct(&scene, id, DecisionId::new(), 0, &first).await, CorrectOutcome::Corrected);
    assert_eq!(correct(&scene, id, DecisionId::new(), 1, &second).await, CorrectOutcome::Corrected);

    let row = scene.row(id).await;
    assert_eq!((row.status, row.verdict, row.corrections), (Status::Final, Some(Verdict::Refuted), 2));
    assert_eq!(row.final_outcome, Some(second.clone()));
    let kept = verification::corrections(&mut scene.tx().await, id, 10).await.unwrap();
    let told: Vec<_> = kept.iter().map(|row| (row.number, row.before.verdict, row.outcome.verdict)).collect();
    assert_eq!(told, [(2, Verdict::Supported, Verdict::Refuted), (1, Verdict::Insufficient, Verdict::Supported)]);
    let last = scene.events(id).await.pop().unwrap();
    assert_eq!(last, (row.sequence, "verification.corrected".to_owned()));
}

#[tokio::test]
async fn sent_twice_it_is_one_and_a_look_that_is_old_corrects_nothing() {
    let Some(scene) = Scene::start().await else { return };
    let id = settled(&scene).await;
    let (to, decision) = (outcome(Verdict::Supported), DecisionId::new());
    let both = tokio::join!(correct(&scene, id, decision, 0, &to), correct(&scene, id, decision, 0, &to));
    let mut done = [both.0, both.1];
    done.sort_by_key(|one| *one == CorrectOutcome::AlreadyCorrected);
    assert_eq!(done, [CorrectOutcome::Corrected, CorrectOutcome::AlreadyCorrected]);
    assert_eq!(correct(&scene, id, DecisionId::new(), 0, &outcome(Verdict::Refuted)).await, CorrectOutcome::Stale);
    assert_eq!(scene.row(id).await.verdict, Some(Verdict::Supported));
}

#[tokio::test]
async fn only_what_is_settled_can_be_corrected_and_only_by_its_tenant() {
    let Some(scene) = Scene::start().await else { return };
    let to = outcome(Verdict::Supported);
    let (open, _) = scene.in_review().await;
    assert_eq!(correct(&scene, open, DecisionId::new(), 0, &to).await, CorrectOutcome::NotSettled(Status::InReview));

    let canceled = scene.accepted().await.id;
    let mut tx = scene.tx().await;
    verification::finalise(&mut tx, canceled, &Finalise::Canceled { reason: "requested".into() }).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(correct(&scene, canceled, DecisionId::new(), 0, &to).await, CorrectOutcome::NotSettled(Status::Canceled));

    let id = settled(&scene).await;
    let decision = word(Verdict::Supported);
    let new = NewCorrection { id: DecisionId::new(), seen: 0, decision: &decision, outcome: &to, actor: "lead" };
    let mut foreign = scene.store.begin(scene.other).await.unwrap();
    assert_eq!(verification::correct(&mut foreign, id, &new).await.unwrap(), CorrectOutcome::NotFound);
}
