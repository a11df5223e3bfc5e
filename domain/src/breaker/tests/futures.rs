//! Calls that are cancelled: futures dropped at every await, alone and in pairs, and calls that panic.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use super::{FAST, Scene, small};
use crate::breaker::{Breaker, Refused, Settings, State};

/// Places at which a call gives way before it votes.
const AWAITS: usize = 4;

/// Gives way once.
#[derive(Default)]
struct GiveWay(bool);

impl Future for GiveWay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn call(breaker: &Breaker) -> Result<(), Refused> {
    let permit = breaker.try_acquire()?;
    for _ in 0..AWAITS {
        GiveWay::default().await;
    }
    permit.succeeded(FAST);
    Ok(())
}

/// Polls so often, and says whether it was done.
fn poll(future: &mut Pin<&mut impl Future<Output = Result<(), Refused>>>, times: usize) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    (0..times).any(|_| future.as_mut().poll(&mut context).is_ready())
}

fn half_open(permits: i64) -> Scene {
    let mut scene = Scene::new(&Settings { half_open_permits: permits, ..small() });
    scene.play("open>1s +1s");
    scene
}

fn run(breaker: &Breaker) {
    assert!(poll(&mut pin!(call(breaker)), AWAITS + 1), "the call passes");
}

#[test]
fn a_future_dropped_at_any_await_leaves_its_permit_to_the_next() {
    for dropped_after in 0..=AWAITS {
        let scene = half_open(1);
        {
            let mut future = pin!(call(&scene.breaker));
            assert!(!poll(&mut future, dropped_after));
            assert_eq!(scene.breaker.try_acquire().is_err(), dropped_after > 0, "{dropped_after}");
        }
        run(&scene.breaker);
        assert_eq!(scene.breaker.snapshot().state, State::Closed, "{dropped_after}");
    }
}

#[test]
fn two_futures_dropped_at_any_two_awaits_leave_both_permits() {
    for first in 0..=AWAITS {
        for second in 0..=AWAITS {
            let scene = half_open(2);
            {
                let (mut one, mut other) = (pin!(call(&scene.breaker)), pin!(call(&scene.breaker)));
                assert!(!poll(&mut one, first) && !poll(&mut other, second));
            }
            run(&scene.breaker);
            assert_eq!(scene.breaker.snapshot().state, State::HalfOpen);
            run(&scene.breaker);
            assert_eq!(scene.breaker.snapshot().state, State::Closed, "{first} {second}");
        }
    }
}

#[test]
fn a_future_dropped_at_any_await_of_a_later_stay_changes_nothing_there() {
    for dropped_after in 1..=AWAITS {
        let mut scene = half_open(1);
        let breaker = scene.breaker.clone();
        {
            let mut future = pin!(call(&breaker));
            assert!(!poll(&mut future, dropped_after));
            scene.play("open>1s +1s hold free=0");
        }
        scene.play("free=0 stale=1 no ok< =closed");
    }
}

#[test]
fn a_future_that_is_never_polled_takes_no_permit() {
    let scene = half_open(1);
    drop(call(&scene.breaker));
    run(&scene.breaker);
    assert_eq!(scene.breaker.snapshot().totals.abandoned, 0);
}

#[test]
fn a_call_that_panics_gives_its_permit_back() {
    let scene = half_open(1);
    let breaker = scene.breaker.clone();
    let ended = std::panic::catch_unwind(AssertUnwindSafe(move || {
        let _permit = breaker.try_acquire().unwrap();
        std::panic::resume_unwind(Box::new("a call"));
    }));
    assert!(ended.is_err());
    assert_eq!(scene.breaker.snapshot().totals.abandoned, 1);
    run(&scene.breaker);
}
