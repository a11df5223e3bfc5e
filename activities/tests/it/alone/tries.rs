//! Tries: what an engine's failures come to, and what counts as one.

use std::sync::Arc;
use std::time::Duration;

use activities::extract::{Document, Extractor};
use activities::reading::Limits;
use domain::claim_type::ClaimType;
use domain::document::Findings;
use domain::evidence::MediaType;
use domain::failure::{ENGINE_FAILED, STORE_UNAVAILABLE};
use domain::verdict::Verdict;
use store::stage::Fence;
use store::tries::{self, Tries};
use workflows::contract::{DocumentRef, Understand};
use workflows::window;

use super::failures::{failure, nowhere};
use super::scene::{Case, Scene, play};
use crate::scene::{sandbox, sandbox_of};

/// The attempts of whatever activity the test's environment calls.
fn any() -> Fence {
    Fence { run_id: "test-run".to_owned(), activity_id: "test".to_owned(), attempt: 0 }
}

async fn known(scene: &Scene) -> Tries {
    tries::get(&mut scene.store.begin(scene.tenant).await.unwrap(), &any()).await.unwrap()
}

/// A worker that dies while it does the work.
async fn lose_an_attempt(scene: &Scene) {
    let mut tx = scene.store.begin(scene.tenant).await.unwrap();
    tries::begin(&mut tx, &any()).await.unwrap();
    tx.commit().await.unwrap();
}

pub fn a_decoder_that_never_starts_is_given_up() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        for attempt in 1..=64 {
            let refused = scene.process_without_decoder(attempt).prepare(case).await.unwrap_err();
            assert_eq!(refused, failure(ENGINE_FAILED, attempt < 64), "attempt {attempt}");
        }
    });
}

pub fn a_store_that_is_away_costs_no_try() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        for attempt in 63..=66 {
            let refused = scene.process_with(nowhere(), sandbox(Limits::default()), attempt).prepare(case).await.unwrap_err();
            assert_eq!(refused, failure(STORE_UNAVAILABLE, true));
        }
        let refused = scene.process_without_decoder(67).prepare(case).await.unwrap_err();
        assert_eq!(refused, failure(ENGINE_FAILED, true));
        assert_eq!(known(&scene).await, Tries { lost: 0, failed: 1 });
        assert_eq!(scene.process(68).prepare(case).await.unwrap().pages_total, 1);
        assert_eq!(known(&scene).await, Tries::default(), "what succeeded is forgotten");
    });
}

pub fn a_slow_machine_is_no_fault_of_the_file_until_it_is() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        let folder = tempfile::tempdir().unwrap();
        let hurried = || sandbox_of(folder.path(), "exec sleep 600", Limits { step: Duration::from_millis(50), ..Limits::default() });
        for attempt in [1, 2] {
            let refused = scene.process_with(scene.store.clone(), hurried(), attempt).prepare(case).await.unwrap_err();
            assert_eq!(refused, failure(ENGINE_FAILED, true));
        }
        let other = scene.case(scene.tenant, &Scene::receipt(20), MediaType::Text).await;
        assert_eq!(scene.process_with(scene.store.clone(), hurried(), 3).prepare(case).await.unwrap().pages_total, 0);
        let judged = scene.process(1).judge(case, 0).await.unwrap();
        assert_eq!((judged.verdict, judged.blockers.contains(&"unreadable_evidence".to_owned())), (Verdict::Insufficient, true));

        // Given time, the next one is read as if nothing had been.
        let refused = scene.process_with(scene.store.clone(), hurried(), 1).prepare(other).await.unwrap_err();
        assert_eq!(refused, failure(ENGINE_FAILED, true));
        assert_eq!(scene.process(2).publish(other).await.verdict, Verdict::Supported);
    });
}

pub fn pages_that_end_their_reader_are_given_up() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        assert_eq!(scene.process(1).prepare(case).await.unwrap().pages_total, 1);
        for _ in 0..3 {
            lose_an_attempt(&scene).await;
        }
        let read = scene.process(5).read(case, 1).await.unwrap();
        assert_eq!((read.pages, read.unreadable), (0, 1));
        let judged = scene.process(1).judge(case, 1).await.unwrap();
        assert_eq!((judged.verdict, judged.blockers.contains(&"unreadable_page".to_owned())), (Verdict::Insufficient, true), "{judged:?}");
        // The same bytes end no reader again.
        let again = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        assert_eq!(scene.process_without_decoder(1).publish(again).await.verdict, Verdict::Insufficient);
    });
}

pub fn pages_whose_reader_was_lost_by_chance_are_read() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        assert_eq!(scene.process(1).prepare(case).await.unwrap().pages_total, 1);
        for _ in 0..2 {
            lose_an_attempt(&scene).await;
        }
        let read = scene.process(4).read(case, 1).await.unwrap();
        assert_eq!((read.pages, read.unreadable), (1, 0));
        assert_eq!(known(&scene).await, Tries::default());
    });
}

/// Rules with a bug.
struct Panics;

impl Extractor for Panics {
    fn name(&self) -> &str {
        "rules:panics@1"
    }
    fn calibrated(&self) -> bool {
        false
    }
    fn extract(&self, _: &ClaimType, _: &Document<'_>) -> Findings {
        panic!("a bug")
    }
}

pub fn rules_that_panic_are_an_engine_that_failed() {
    play(async |scene: Scene| {
        let case = scene.case(scene.tenant, &Scene::receipt(0), MediaType::Text).await;
        let process = |attempt| scene.process_of(scene.store.clone(), sandbox(Limits::default()), Arc::new(Panics), attempt);
        let Case { work, evidence_id } = case;
        assert_eq!(process(1).prepare(case).await.unwrap().pages_total, 1);
        process(1).read(case, 1).await.unwrap();
        let request = Understand { work, documents: vec![DocumentRef { evidence_id, pages_total: 1, window_pages: window::PAGES }] };
        for (attempt, retry) in [(1, true), (2, true), (3, false)] {
            let refused = process(attempt).run(activities::UnderstandActivities::extract, request.clone()).await.unwrap_err();
            assert_eq!(refused, failure(ENGINE_FAILED, retry), "attempt {attempt}");
        }
    });
}
