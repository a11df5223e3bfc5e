//! Permits under every interleaving that a few threads can have, by model checking.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::thread;

use super::loomed::handle::Breaker;
use super::loomed::permit::Permit;
use super::{FAST, checked, small};
use crate::breaker::{Config, Monotonic, Override, Settings, Snapshot, State};

/// Threads are few, so this is every schedule that matters: loom's own advice is two or three.
const PREEMPTIONS: usize = 3;

struct Standing(Instant);

impl Monotonic for Standing {
    fn now(&self) -> Instant {
        self.0
    }
}

fn every_schedule(check: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(check);
}

fn breaker(config: Config) -> Breaker {
    Breaker::new(config, Arc::new(Standing(Instant::now())))
}

/// Open, with a wait that is over: the next call makes it half-open.
fn about_to_probe(config: Config) -> Breaker {
    let breaker = breaker(config);
    assert!(breaker.open_for(Duration::ZERO));
    breaker
}

/// Each act on a thread of its own, the last of them on this one; then what is left.
fn together(breaker: &Breaker, acts: &[fn(&Breaker)]) -> Snapshot {
    let (last, others) = acts.split_last().expect("something to do");
    let threads: Vec<_> = others
        .iter()
        .map(|act| {
            let (act, breaker) = (*act, breaker.clone());
            thread::spawn(move || act(&breaker))
        })
        .collect();
    last(breaker);
    for thread in threads {
        thread.join().expect("the thread ends well");
    }
    breaker.snapshot()
}

fn call(breaker: &Breaker, end: fn(Permit)) {
    if let Ok(permit) = breaker.try_acquire() {
        end(permit);
    }
}

#[test]
fn a_half_open_breaker_never_lets_more_calls_pass_than_it_has_permits() {
    every_schedule(|| {
        let breaker = about_to_probe(checked(&small()));
        let admitted: Vec<_> = (0..2)
            .map(|_| {
                let breaker = breaker.clone();
                thread::spawn(move || (breaker.try_acquire().ok(), breaker.try_acquire().ok()))
            })
            .collect::<Vec<_>>()
            .into_iter()
            .map(|thread| thread.join().expect("the thread ends well"))
            .collect();
        let passed = admitted.iter().map(|(one, other)| usize::from(one.is_some()) + usize::from(other.is_some())).sum::<usize>();
        assert_eq!(passed, 2);
        assert_eq!(breaker.snapshot().free_permits, 0);
        drop(admitted);
        assert_eq!(breaker.snapshot().free_permits, 2);
    });
}

#[test]
fn a_dropped_permit_is_never_lost_nor_given_back_twice() {
    every_schedule(|| {
        let breaker = about_to_probe(checked(&Settings { half_open_permits: 1, ..small() }));
        let left = together(&breaker, &[|b| call(b, drop), |b| call(b, |permit| permit.ignored(FAST)), |b| call(b, drop)]);
        assert_eq!((left.state, left.free_permits), (State::HalfOpen, 1));
        assert_eq!(left.totals.abandoned + left.totals.ignored + left.totals.not_permitted, 3);
    });
}

#[test]
fn probes_that_vote_at_once_decide_once() {
    every_schedule(|| {
        let breaker = about_to_probe(checked(&small()));
        let left = together(&breaker, &[|b| call(b, |permit| permit.succeeded(FAST)), |b| call(b, |permit| permit.failed(FAST))]);
        assert_eq!((left.state, left.attempts), (State::Open, 1));
        // Closed was 0, then open, half-open, open.
        assert_eq!((left.epoch, left.buffered, left.totals.stale), (3, 2, 0));
    });
}

#[test]
fn a_probe_and_a_drop_leave_a_breaker_that_still_decides() {
    every_schedule(|| {
        let breaker = about_to_probe(checked(&small()));
        let left = together(&breaker, &[|b| call(b, |permit| permit.succeeded(FAST)), |b| call(b, drop)]);
        assert_eq!((left.state, left.free_permits), (State::HalfOpen, 1));
        call(&breaker, |permit| permit.succeeded(FAST));
        assert_eq!(breaker.snapshot().state, State::Closed);
    });
}

#[test]
fn calls_that_enter_while_another_trips_count_before_it_or_not_at_all() {
    every_schedule(|| {
        let breaker = breaker(checked(&Settings { minimum_calls: 1, ..small() }));
        let left = together(
            &breaker,
            &[
                |b| call(b, |permit| permit.failed(FAST)),
                |b| call(b, |permit| permit.failed(FAST)),
                |b| call(b, |permit| permit.failed(FAST)),
            ],
        );
        assert_eq!((left.state, left.attempts, left.buffered), (State::Open, 1, 1));
        assert_eq!((left.totals.failed, left.totals.stale + left.totals.not_permitted), (1, 2));
    });
}

#[test]
fn an_override_is_never_undone_by_a_vote_under_way() {
    every_schedule(|| {
        let breaker = about_to_probe(checked(&Settings { half_open_permits: 1, ..small() }));
        let left = together(&breaker, &[|b| call(b, |permit| permit.succeeded(FAST)), |b| b.force(Override::ForcedOpen)]);
        assert_eq!(left.state, State::ForcedOpen);
        assert!(breaker.try_acquire().is_err());
    });
}
