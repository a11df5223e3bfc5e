//! The shell when all is well: batches form, limits hold, callers come and go.

use std::time::Duration;

use super::fake::{Does, Event, Order, Scene, WARM, outcome, settings, start};
use crate::serve::{Handle, Priority, Refused, Request, Settings, SettingsError, StartError, Tenant};

#[test]
fn everybody_gets_the_answer_to_their_own_item() {
    let scene = Scene::free();
    let answers: Vec<_> = (0..100).map(|id| (id, scene.submit(id, Does::Echo))).collect();
    for (id, answer) in answers {
        assert_eq!(outcome(answer), Ok(id));
    }
    assert_eq!(scene.service.as_ref().expect("a service").admission().in_use(), 0);
}

#[test]
fn what_comes_while_a_batch_runs_goes_together_as_soon_as_it_ends() {
    let scene = Scene::new();
    let first = scene.hold(1);
    let others = [2, 3].map(|id| scene.submit(id, Does::Echo));
    scene.go();
    assert_eq!(outcome(first), Ok(1));
    scene.until(&Event::Began(vec![2, 3]));
    scene.go();
    assert_eq!(others.map(outcome), [Ok(2), Ok(3)]);
}

#[test]
fn one_full_batch_is_made_ready_while_one_runs_and_no_second() {
    let scene = Scene::new();
    let first = scene.hold(1);
    let others: Vec<_> = (2..10).map(|id| scene.submit(id, Does::Echo)).collect();
    // The first batch has not ended.
    scene.until(&Event::Packed(vec![2, 3, 4, 5]));
    scene.go();
    assert_eq!(outcome(first), Ok(1));
    let before_next = scene.until(&Event::Began(vec![2, 3, 4, 5]));
    assert!(before_next.contains(&Event::Ended(vec![1])));
    let position = |events: &[Event], event: Event| events.iter().position(|other| *other == event);
    let ended = position(&before_next, Event::Ended(vec![1]));
    let second = position(&before_next, Event::Packed(vec![6, 7, 8, 9]));
    assert!(second.is_none() || second > ended, "{before_next:?}");
    scene.go();
    scene.go();
    assert!(others.into_iter().map(outcome).eq((2..10).map(Ok)));
}

#[test]
fn full_means_overloaded_and_an_answer_makes_room() {
    let scene = start(Settings { item_cost: 30, tenant_cost: 30, total_cost: 50, ..settings() }, false, Vec::new()).expect("a service");
    let first = scene.hold(1);
    let others = [2, 3].map(|id| scene.submit(id, Does::Echo));
    let refused = scene.try_submit(4, 1, Does::Echo, None).map(drop);
    assert_eq!(refused, Err(Refused::Overloaded { retry_after: Duration::from_secs(1) }));
    scene.go();
    assert_eq!(outcome(first), Ok(1));
    // The answer is there, so the room is: nobody who comes at once is refused.
    let again = scene.try_submit(4, 10, Does::Echo, None).expect("room");
    scene.go();
    scene.go();
    assert_eq!((others.map(outcome), outcome(again)), ([Ok(2), Ok(3)], Ok(4)));
}

#[test]
fn what_is_too_large_is_refused_and_what_is_large_runs_alone() {
    let scene = Scene::new();
    assert_eq!(scene.try_submit(1, 1_001, Does::Echo, None).map(drop), Err(Refused::TooLarge { cost: 1_001, most: 1_000 }));
    let first = scene.hold(1);
    let large = scene.try_submit(2, 1_000, Does::Echo, None).expect("room");
    let small = scene.submit(3, Does::Echo);
    (0..3).for_each(|_| scene.go());
    assert_eq!([first, large, small].map(outcome), [Ok(1), Ok(2), Ok(3)]);
    scene.until(&Event::Ended(vec![2]));
}

#[test]
fn an_item_whose_deadline_passed_is_told_so_and_not_run() {
    let mut scene = Scene::new();
    let first = scene.hold(1);
    let late = scene.try_submit(2, 10, Does::Echo, Some(Duration::from_secs(5))).expect("room");
    let patient = scene.try_submit(3, 10, Does::Echo, Some(Duration::from_secs(6))).expect("room");
    scene.clock.advance(Duration::from_secs(5));
    scene.go();
    scene.go();
    assert_eq!([first, late, patient].map(outcome), [Ok(1), Err("expired"), Ok(3)]);
    drop(scene.service.take());
    assert!(scene.rest().contains(&Event::Ended(vec![3])));
}

#[test]
fn an_item_that_nobody_waits_for_is_not_run_and_gives_its_permit_back() {
    let mut scene = Scene::new();
    let first = scene.hold(1);
    drop(scene.submit(2, Does::Panic));
    let third = scene.submit(3, Does::Echo);
    scene.go();
    scene.until(&Event::Began(vec![3]));
    scene.go();
    assert_eq!([first, third].map(outcome), [Ok(1), Ok(3)]);
    assert_eq!(scene.service.as_ref().expect("a service").admission().in_use(), 0);

    // A whole batch that was already made ready.
    let fourth = scene.hold(4);
    let ready: Vec<_> = (5..9).map(|id| scene.submit(id, Does::Echo)).collect();
    scene.until(&Event::Packed(vec![5, 6, 7, 8]));
    drop(ready);
    scene.open();
    assert_eq!(outcome(fourth), Ok(4));
    assert_eq!(outcome(scene.submit(9, Does::Echo)), Ok(9));
    drop(scene.service.take());
    assert!(scene.rest().iter().all(|event| *event != Event::Began(vec![5, 6, 7, 8])));
}

#[test]
fn it_is_ready_only_after_the_warm_up() {
    let warm = |does| vec![Order { id: WARM, length: 10, does }];
    let scene = start(settings(), false, warm(Does::Echo)).expect("a service");
    let events: Vec<Event> = (0..4).map(|_| scene.event()).collect();
    assert_eq!(events, [Event::Loaded, Event::Packed(vec![WARM]), Event::Began(vec![WARM]), Event::Ended(vec![WARM])]);

    let failed = |settings, cannot_load, warm_up| start(settings, cannot_load, warm_up).map(drop).expect_err("no service");
    assert!(matches!(failed(settings(), true, Vec::new()), StartError::Load(_)));
    for does in [Does::Fail, Does::Panic, Does::PanicInPack, Does::Forget] {
        assert!(matches!(failed(settings(), false, warm(does)), StartError::WarmUp(_)), "{does:?}");
    }
    let none = Settings { batch_items: 0, ..settings() };
    assert!(matches!(failed(none, false, Vec::new()), StartError::Settings(SettingsError::NoRoom)));
}

#[test]
fn stopping_ends_what_runs_and_answers_all_others() {
    let mut scene = Scene::new();
    let running = scene.hold(1);
    let ready: Vec<_> = (2..6).map(|id| scene.submit(id, Does::Echo)).collect();
    scene.until(&Event::Packed(vec![2, 3, 4, 5]));
    let waiting = scene.submit(6, Does::Echo);
    let service = scene.service.take().expect("a service");
    let admission = service.admission();
    let stopping = std::thread::spawn(move || service.stop());
    assert_eq!(outcome(waiting), Err("stopped"));
    assert_eq!(scene.try_submit(7, 10, Does::Echo, None).map(drop), Err(Refused::Stopped));
    scene.go();
    assert_eq!(outcome(running), Ok(1));
    assert!(ready.into_iter().map(outcome).all(|outcome| outcome == Err("stopped")));
    stopping.join().expect("a clean stop");
    assert_eq!(admission.in_use(), 0);
    assert!(!scene.rest().contains(&Event::Began(vec![2, 3, 4, 5])));
}

#[test]
fn callers_from_many_threads_are_all_answered_whatever_their_items_do() {
    let mut scene = start(Settings { tenant_cost: 1_000_000, total_cost: 1_000_000, ..settings() }, false, Vec::new()).expect("a service");
    scene.open();
    let admission = scene.service.as_ref().expect("a service").admission();
    // Panics print themselves; a few are enough.
    let does = |id: u32| match id % 50 {
        7 | 23 => Does::Fail,
        31 if id < 200 => Does::Panic,
        _ => Does::Echo,
    };
    let caller = |handle: Handle<super::fake::Fake>, caller: u32| {
        for id in (0..100).map(|number| caller * 100 + number) {
            let input = Order { id, length: 1 + id as usize * 37 % 450, does: does(id) };
            let request = Request { tenant: Tenant(caller.into()), priority: Priority::Normal, deadline: None, input };
            let answer = handle.submit(request).expect("room");
            let expected = match does(id) {
                Does::Fail => Err("failed"),
                Does::Panic => Err("panicked"),
                _ => Ok(id),
            };
            if id % 9 != 0 {
                assert_eq!(outcome(answer), expected);
            }
        }
    };
    std::thread::scope(|scope| {
        for number in 0..6 {
            let handle = scene.handle.clone();
            scope.spawn(move || caller(handle, number));
        }
    });
    drop(scene);
    assert_eq!(admission.in_use(), 0);
}
