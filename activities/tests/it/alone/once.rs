//! What was done is found and not done again: by the next attempt, by another process, by another verification of the same tenant.

use activities::DecideActivities;
use domain::evidence::MediaType;
use domain::failure::{ENGINE_FAILED, FENCED};
use domain::id::Id;
use domain::verdict::Verdict;
use store::objects::Objects;
use store::{audit, event, usage};
use workflows::contract::{Publish, Work};

use super::scene::{Failure, Scene, play};

/// Everything that a verification leaves behind, as far as it can be counted.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    ledger: Vec<String>,
    events: usize,
    audit: i64,
    objects: Vec<String>,
}

async fn traces(scene: &Scene, work: Work) -> Traces {
    let mut tx = scene.store.begin(work.tenant_id).await.unwrap();
    let lines = usage::list(&mut tx, work.verification_id).await.unwrap();
    let events = event::list(&mut tx, work.verification_id, 0, 100).await.unwrap().len();
    let report = audit::verify(&mut tx, work.tenant_id).await.unwrap();
    assert!(report.is_whole());
    Traces { ledger: lines.into_iter().map(|line| line.usage.stage).collect(), events, audit: report.links, objects: scene.objects.keys() }
}

pub fn every_step_done_twice_leaves_one_of_each() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        let first = scene.process(1).publish(case).await;
        assert_eq!(first.verdict, Verdict::Supported);
        let left = traces(&scene, case.work).await;
        assert_eq!(left.ledger, ["prepare", "read", "classify", "extract", "judge"]);

        // The answers got lost: another process does all of it once more.
        let second = scene.process_without_decoder(2).publish(case).await;
        assert_eq!(second, first);
        assert_eq!(traces(&scene, case.work).await, left);
    });
}

pub fn two_attempts_side_by_side_leave_one_result() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        let (given_up, next) = (scene.process(1), scene.process(2));
        let (late, answer) = tokio::join!(given_up.prepare(case), next.prepare(case));
        assert_eq!(answer.unwrap().pages_total, 1);
        // Whoever came second was told so, or found what was there.
        match late {
            Ok(found) => assert_eq!(found.pages_total, 1),
            Err(failure) => assert_eq!(failure, Failure { type_name: FENCED.to_owned(), retry: false }),
        }
        assert_eq!(traces(&scene, case.work).await.ledger, ["prepare"]);
    });
}

pub fn the_same_bytes_are_read_once_for_a_tenant_and_never_for_another() {
    play(async |scene: Scene| {
        let receipt = Scene::receipt(0);
        let first = scene.case(scene.tenant, &receipt, MediaType::Text).await;
        scene.process(1).publish(first).await;

        let again = scene.case(scene.tenant, &receipt, MediaType::Text).await;
        assert_eq!(again.evidence_id, first.evidence_id);
        assert_eq!(scene.process_without_decoder(1).publish(again).await.verdict, Verdict::Supported);

        // The other tenant sent the same bytes; nothing of the first's work may serve it.
        let foreign = scene.case(scene.other, &receipt, MediaType::Text).await;
        let refused = scene.process_without_decoder(1).prepare(foreign).await.unwrap_err();
        assert_eq!(refused, Failure { type_name: ENGINE_FAILED.to_owned(), retry: true });
        let own = format!("tenants/{}/", scene.other.uuid());
        assert_eq!(scene.objects.keys().iter().filter(|key| key.starts_with(&own)).count(), 1, "only the evidence");
    });
}

pub fn a_lost_object_is_made_again() {
    play(async |scene: Scene| {
        // Long enough that its words do not fit into a row.
        let case = scene.case(scene.tenant, &Scene::receipt(1_500), MediaType::Text).await;
        let first = scene.process(1).publish(case).await;
        let read: Vec<String> = scene.objects.keys().into_iter().filter(|key| key.contains("/stages/read/")).collect();
        assert_eq!(read.len(), 1);
        scene.objects.delete(&read[0]).await.unwrap();

        let next = scene.case(scene.tenant, &Scene::receipt(1_500), MediaType::Text).await;
        let process = scene.process(1);
        assert_eq!(process.publish(next).await, first);
        assert!(scene.objects.keys().contains(&read[0]));
        assert_eq!(
            process.run(DecideActivities::publish, Publish { work: next.work, review: None, round: 0 }).await.unwrap().review_id,
            None
        );
    });
}
