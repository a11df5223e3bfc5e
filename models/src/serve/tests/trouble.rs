//! The shell when a model fails: the bad item is found, nobody else suffers, and the model comes back.

use std::sync::atomic::Ordering;

use super::fake::{Does, Event, Scene, outcome};

/// Runs a batch of four, of which the second does something bad; then another item.
fn batch_with(does: Does) -> (Vec<Result<u32, &'static str>>, Vec<Event>) {
    let mut scene = Scene::new();
    let first = scene.hold(1);
    let answers: Vec<_> = [(2, Does::Echo), (3, does), (4, Does::Echo), (5, Does::Echo)].map(|(id, does)| scene.submit(id, does)).into();
    scene.open();
    assert_eq!(outcome(first), Ok(1));
    let mut outcomes: Vec<_> = answers.into_iter().map(outcome).collect();
    outcomes.push(outcome(scene.submit(6, Does::Echo)));
    assert_eq!(scene.service.as_ref().expect("a service").admission().in_use(), 0);
    drop(scene.service.take());
    (outcomes, scene.rest())
}

#[test]
fn a_poisoned_item_fails_alone() {
    for (does, word) in [
        (Does::Fail, "failed"),
        (Does::Panic, "panicked"),
        (Does::PanicInPack, "panicked"),
        // The model gave fewer outputs than there were items: whose they are is known only once the item is alone.
        (Does::Forget, "failed"),
    ] {
        let (outcomes, _) = batch_with(does);
        assert_eq!(outcomes, [Ok(2), Err(word), Ok(4), Ok(5), Ok(6)], "{does:?}");
    }
}

#[test]
fn a_failed_batch_is_halved_and_not_run_one_by_one() {
    let (_, events) = batch_with(Does::Fail);
    let runs: Vec<_> = events.into_iter().filter_map(|event| if let Event::Began(ids) = event { Some(ids) } else { None }).collect();
    assert_eq!(runs, [vec![2, 3, 4, 5], vec![2, 3], vec![2], vec![3], vec![4, 5], vec![6]]);
}

#[test]
fn a_model_that_panicked_is_not_used_again() {
    let (_, events) = batch_with(Does::Panic);
    // It panicked over four, over two and over the one; each time a new one went on.
    assert_eq!(events.iter().filter(|event| **event == Event::Loaded).count(), 3, "{events:?}");
}

#[test]
fn while_the_model_cannot_be_loaded_again_items_are_told_and_the_service_lives() {
    let mut scene = Scene::new();
    let first = scene.submit(1, Does::Panic);
    scene.until(&Event::Began(vec![1]));
    let others = [2, 3].map(|id| scene.submit(id, Does::Echo));
    scene.cannot_load.store(true, Ordering::SeqCst);
    scene.open();
    assert_eq!(outcome(first), Err("panicked"));
    assert_eq!(others.map(outcome), [Err("unavailable"), Err("unavailable")]);
    scene.cannot_load.store(false, Ordering::SeqCst);
    assert_eq!(outcome(scene.submit(4, Does::Echo)), Ok(4));
}
