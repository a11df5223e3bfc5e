//! How activities fail: under a stable name that says whether another try can help.

use activities::reading::Limits;
use activities::{DecideActivities, FinaliseActivities};
use domain::evidence::MediaType;
use domain::failure::{MISSING_RECORD, STORE_UNAVAILABLE};
use domain::id::{EvidenceId, VerificationId};
use domain::verdict::Verdict;
use store::{DatabaseConfig, Store};
use workflows::contract::{Ending, Finalise, Publish, Work};

use super::scene::{Case, Failure, Scene, play};
use crate::scene::{sample, sandbox};

pub fn failure(type_name: &str, retry: bool) -> Failure {
    Failure { type_name: type_name.to_owned(), retry }
}

/// A database that answers nobody, at port 1.
pub fn nowhere() -> Store {
    let mut away = DatabaseConfig::new("postgres://nobody@127.0.0.1:1/nothing");
    away.acquire_timeout = std::time::Duration::from_millis(500);
    Store::connect_lazy(&away, None).unwrap()
}

pub fn failures_say_whether_trying_again_helps() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        let process = scene.process(1);

        let unknown = Case { evidence_id: EvidenceId::new(), ..case };
        assert_eq!(process.prepare(unknown).await.unwrap_err(), failure(MISSING_RECORD, false));
        let of_another = Case { work: Work { tenant_id: scene.other, ..case.work }, ..case };
        assert_eq!(process.prepare(of_another).await.unwrap_err(), failure(MISSING_RECORD, false));
        assert_eq!(process.read(case, 1).await.unwrap_err(), failure(MISSING_RECORD, false), "reading before preparing");
        let work = Work { verification_id: VerificationId::new(), ..case.work };
        let unjudged = process.run(DecideActivities::publish, Publish { work, review: None, round: 0 }).await;
        assert_eq!(unjudged.unwrap_err(), failure(MISSING_RECORD, false));

        let process = scene.process_with(nowhere(), sandbox(Limits::default()), 1);
        assert_eq!(process.prepare(case).await.unwrap_err(), failure(STORE_UNAVAILABLE, true));
        let ended = process.run(FinaliseActivities::finalise, Finalise { work: case.work, ending: Ending::Machine }).await;
        assert_eq!(ended.unwrap_err(), failure(STORE_UNAVAILABLE, true));
    });
}

pub fn a_file_that_cannot_be_read_is_a_blocker() {
    play(async |scene: Scene| {
        for (name, media_type, blocker) in
            [("corrupt.jpg", MediaType::Jpeg, "unreadable_evidence"), ("invoice-encrypted.pdf", MediaType::Pdf, "encrypted_evidence")]
        {
            let case = scene.case(scene.tenant, &sample(name), media_type).await;
            let judged = scene.process(1).publish(case).await;
            assert_eq!(
                (judged.verdict, judged.blockers.iter().any(|kind| kind == blocker)),
                (Verdict::Insufficient, true),
                "{name}: {judged:?}"
            );
        }
    });
}
