//! Random lives of a breaker, held step by step against the naive model: calls, votes, drops, time, operators.

use std::time::Duration;

use proptest::prelude::*;

use super::model::{End, Model};
use super::{Scene, checked};
use crate::breaker::{AfterHalfOpen, Mode, Monotonic, Override, Permit, Settings, SlowSettings, State, WindowSettings};

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Acquire,
    End { which: usize, end: End, elapsed: u64, units: u32, asked: Option<u64> },
    Tick,
    Look,
    Force(Override),
    Lift,
    Reset,
    OpenFor(u64),
}

fn settings() -> impl Strategy<Value = Settings> {
    let window = prop_oneof![
        (1_i64..7).prop_map(|size| WindowSettings::Count { size }),
        (1_i64..5).prop_map(|size_s| WindowSettings::Time { size_s }),
    ];
    let rate = || prop_oneof![Just(1.0), Just(33.0), Just(50.0), Just(75.0), Just(100.0)];
    let half_open = (1_i64..5, 0_i64..4, any::<bool>(), any::<bool>());
    (window, 1_i64..7, rate(), rate(), 1_i64..4, any::<bool>(), half_open, prop::bool::weighted(0.1)).prop_map(
        |(
            window,
            minimum_calls,
            failure_rate,
            slow_rate,
            open_s,
            doubles,
            (half_open_permits, half_open_max_wait_s, closes, auto),
            trial,
        )| {
            Settings {
                window,
                minimum_calls,
                failure_rate,
                slow: SlowSettings { ms_per_page: 10, rate: slow_rate },
                open_s,
                open_factor: if doubles { 2.0 } else { 1.0 },
                open_max_s: doubles.then_some(7),
                half_open_permits,
                half_open_max_wait_s,
                after_half_open: if closes { AfterHalfOpen::Closed } else { AfterHalfOpen::Open },
                auto_half_open: auto,
                mode: if trial { Mode::MetricsOnly } else { Mode::Enforce },
            }
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![4 => Just(End::Succeeded), 4 => Just(End::Failed), 1 => Just(End::Ignored), 2 => Just(End::Dropped)];
    let asked = prop_oneof![12 => Just(None), 1 => (0_u64..5000).prop_map(Some)];
    let imposed = prop_oneof![Just(Override::Disabled), Just(Override::ForcedOpen), Just(Override::MetricsOnly)];
    prop_oneof![
        12 => prop_oneof![0_u64..300, 500_u64..2500, Just(1000), 2500_u64..20_000].prop_map(Step::Wait),
        30 => Just(Step::Acquire),
        30 => (any::<usize>(), end, 0_u64..25, 1_u32..3, asked)
            .prop_map(|(which, end, elapsed, units, asked)| Step::End { which, end, elapsed, units, asked }),
        3 => Just(Step::Tick),
        3 => Just(Step::Look),
        1 => imposed.prop_map(Step::Force),
        2 => Just(Step::Lift),
        1 => Just(Step::Reset),
        1 => (0_u64..4000).prop_map(Step::OpenFor),
    ]
}

fn end(permit: Permit, end: End, elapsed: Duration, units: u32, asked: Option<Duration>) {
    let permit = match asked {
        Some(wait) => permit.asked_to_wait(wait),
        None => permit,
    };
    let permit = permit.sized(units);
    match end {
        End::Succeeded => permit.succeeded(elapsed),
        End::Failed => permit.failed(elapsed),
        End::Ignored => permit.ignored(elapsed),
        End::Dropped => drop(permit),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn every_life_of_a_breaker_is_that_of_the_naive_model(settings in settings(), steps in prop::collection::vec(step(), 1..150)) {
        let config = checked(&settings);
        let scene = Scene::under(config);
        let mut model = Model::new(config, scene.clock.now());
        let mut under_way = Vec::new();
        for step in steps {
            match step.clone() {
                Step::Wait(millis) => {
                    let by = Duration::from_millis(millis);
                    scene.clock.advance(by);
                    model.now += by;
                }
                Step::Acquire => match (scene.breaker.try_acquire(), model.acquire()) {
                    (Ok(permit), Some(ticket)) => under_way.push((permit, ticket)),
                    (Err(refused), None) => prop_assert_eq!((refused.state, refused.until), {
                        let seen = model.look();
                        (seen.state, seen.until)
                    }),
                    (Ok(_), None) => prop_assert!(false, "passed, and should not have"),
                    (Err(refused), Some(_)) => prop_assert!(false, "should have passed, but {refused}"),
                },
                Step::End { which, end: how, elapsed, units, asked } => {
                    if !under_way.is_empty() {
                        let (permit, ticket) = under_way.swap_remove(which % under_way.len());
                        let (elapsed, asked) = (Duration::from_millis(elapsed), asked.map(Duration::from_millis));
                        end(permit, how, elapsed, units, asked);
                        model.end(ticket, how, elapsed, units, asked);
                    }
                }
                Step::Tick => {
                    scene.breaker.tick();
                    model.pass_time();
                }
                Step::Look => prop_assert_eq!(scene.breaker.snapshot(), model.look()),
                Step::Force(imposed) => {
                    scene.breaker.force(imposed);
                    model.force(imposed);
                }
                Step::Lift => {
                    scene.breaker.lift();
                    model.lift();
                }
                Step::Reset => {
                    scene.breaker.reset();
                    model.reset();
                }
                Step::OpenFor(millis) => {
                    let wait = Duration::from_millis(millis);
                    prop_assert_eq!(scene.breaker.open_for(wait), model.open_for(wait));
                }
            }
            prop_assert_eq!(&scene.heard(), &model.events, "after {:?}", step);
        }
        prop_assert_eq!(scene.breaker.snapshot(), model.look());
        for (permit, ticket) in under_way {
            drop(permit);
            model.end(ticket, End::Dropped, Duration::ZERO, 1, None);
        }
        // With every call over, a half-open breaker has all the places that no vote has used: nothing leaks.
        let left = scene.breaker.snapshot();
        prop_assert_eq!(left, model.look());
        if left.state == State::HalfOpen {
            prop_assert_eq!(i64::from(left.free_permits + left.buffered), settings.half_open_permits);
        }
        prop_assert_eq!(scene.heard(), model.events);
    }
}
