//! Real threads on one breaker, and what the types promise about them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::{FAST, Scene, checked, small};
use crate::breaker::{Breaker, Event, Monotonic, Permit, Settings, State, WindowSettings};

const THREADS: usize = 16;
const CALLS: usize = 500;

#[test]
fn breakers_and_permits_go_from_thread_to_thread() {
    fn shared<T: Send + Sync + Unpin + 'static>() {}
    shared::<Breaker>();
    shared::<Permit>();
}

#[test]
fn sixteen_threads_never_hold_more_than_the_permits() {
    let mut scene = Scene::new(&Settings { half_open_permits: 3, ..small() });
    scene.play("open>1s +1s");
    let (breaker, inside) = (&scene.breaker, AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..THREADS {
            let inside = &inside;
            scope.spawn(move || {
                for _ in 0..CALLS {
                    let Ok(permit) = breaker.try_acquire() else { continue };
                    assert!(inside.fetch_add(1, Ordering::SeqCst) < 3);
                    inside.fetch_sub(1, Ordering::SeqCst);
                    if number % 2 == 0 { drop(permit) } else { permit.ignored(FAST) }
                }
            });
        }
    });
    let left = breaker.snapshot();
    assert_eq!((left.state, left.free_permits), (State::HalfOpen, 3));
    let told = left.totals.abandoned + left.totals.ignored + left.totals.not_permitted;
    assert_eq!(told, (THREADS * CALLS) as u64);
}

#[test]
fn every_vote_of_sixteen_threads_is_counted_once_and_numbered_once() {
    let scene = Scene::new(&Settings { failure_rate: 100.0, ..small() });
    let breaker = &scene.breaker;
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..CALLS).for_each(|_| breaker.try_acquire().unwrap().succeeded(FAST)));
        }
    });
    let votes = (THREADS * CALLS) as u64;
    assert_eq!(breaker.snapshot().totals.succeeded, votes);
    let mut numbers: Vec<u64> = scene.heard().iter().map(|event| event.number).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=votes));
}

/// What a thread sees that read the clock, waited for the lock, and came after one that read it later.
struct Wavering(Mutex<Instant>);

impl Monotonic for Wavering {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }
}

#[test]
fn a_thread_that_comes_late_to_the_lock_takes_no_time_back() {
    let start = Instant::now();
    let clock = Arc::new(Wavering(Mutex::new(start)));
    let settings = Settings { window: WindowSettings::Time { size_s: 5 }, ..small() };
    let breaker = Breaker::new(checked(&settings), clock.clone());
    for (second, buffered) in [(10, 1), (3, 2), (9, 3)] {
        *clock.0.lock().unwrap() = start + Duration::from_secs(second);
        breaker.try_acquire().unwrap().failed(FAST);
        assert_eq!(breaker.snapshot().buffered, buffered);
    }
    // The third trips, and the ten seconds count from the latest time seen.
    assert_eq!(breaker.snapshot().until, Some(start + Duration::from_secs(20)));
}

#[test]
fn a_listener_may_use_the_breaker_it_listens_to() {
    static BREAKER: OnceLock<Breaker> = OnceLock::new();
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    let listener = Arc::new(|_: &Event| {
        SEEN.fetch_add(BREAKER.get().map_or(0, |breaker| breaker.snapshot().buffered as usize), Ordering::SeqCst);
    });
    let scene = Scene::new(&small());
    let breaker = Breaker::with_listener(checked(&small()), scene.clock.clone(), listener);
    BREAKER.get_or_init(|| breaker.clone());
    breaker.try_acquire().unwrap().succeeded(FAST);
    assert_eq!(SEEN.load(Ordering::SeqCst), 1);
}
