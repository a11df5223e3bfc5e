//! Settings as they are written: what is left out, what is refused, and that all of it is told together.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::small;
use crate::breaker::{Config, Mode, OpenWait, Settings, SlowSettings, WindowSettings};

#[test]
fn what_is_left_out_is_as_in_resilience4j() {
    let nothing: Settings = serde_json::from_value(json!({})).unwrap();
    assert_eq!(nothing, Settings::default());
    assert_eq!(nothing.check(), Ok(Config::default()));
}

#[test]
fn the_tables_of_the_dependencies_are_read() {
    let ocr: Settings = serde_json::from_value(json!({
        "window": { "type": "time", "size_s": 30 }, "minimum_calls": 5, "failure_rate": 50, "open_s": 60, "half_open_permits": 3,
        "half_open_max_wait_s": 120, "auto_half_open": true, "slow": { "ms_per_page": 8000, "rate": 50 }, "mode": "enforce"
    }))
    .unwrap();
    let expected = Settings {
        window: WindowSettings::Time { size_s: 30 },
        minimum_calls: 5,
        half_open_permits: 3,
        half_open_max_wait_s: 120,
        auto_half_open: true,
        slow: SlowSettings { ms_per_page: 8000, rate: 50.0 },
        ..Settings::default()
    };
    assert_eq!(ocr, expected);
    let foundation: Settings = serde_json::from_value(json!({
        "window": { "type": "time", "size_s": 30 }, "minimum_calls": 5, "failure_rate": 30, "open_s": 120, "open_factor": 2.0,
        "open_max_s": 600, "slow": { "ms_per_page": 10000, "rate": 50 }, "mode": "metrics_only"
    }))
    .unwrap();
    assert_eq!(foundation.mode, Mode::MetricsOnly);
    assert!(foundation.check().is_ok() && expected.check().is_ok());
}

#[test]
fn words_that_mean_nothing_are_refused() {
    for wrong in
        [json!({ "size": 3 }), json!({ "slow": { "ms": 3 } }), json!({ "window": { "type": "time", "size": 3 } }), json!({ "mode": "off" })]
    {
        assert!(serde_json::from_value::<Settings>(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn everything_out_of_range_is_told_together_and_by_name() {
    let wrong = Settings {
        window: WindowSettings::Time { size_s: 0 },
        minimum_calls: -1,
        failure_rate: 0.0,
        slow: SlowSettings { ms_per_page: 0, rate: 100.5 },
        open_s: 0,
        open_factor: 0.5,
        open_max_s: Some(90_000),
        half_open_permits: 1001,
        half_open_max_wait_s: -3,
        ..Settings::default()
    };
    let told: Vec<String> = wrong.check().unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "window.size_s has to be from 1 to 3600, is 0",
            "minimum_calls has to be from 1 to 1000000, is -1",
            "failure_rate has to be above 0 and at most 100 percent, is 0",
            "slow.ms_per_page has to be from 1 to 3600000, is 0",
            "slow.rate has to be above 0 and at most 100 percent, is 100.5",
            "open_s has to be from 1 to 86400, is 0",
            "open_factor has to be from 1 to 10, is 0.5",
            "open_max_s has to be from 1 to 86400, is 90000",
            "half_open_permits has to be from 1 to 1000, is 1001",
            "half_open_max_wait_s has to be from 0 to 86400, is -3",
        ]
    );
}

type Spoil = fn(&mut Settings);

#[test]
fn each_single_fault_is_found() {
    let faults: [(&str, Spoil); 12] = [
        ("window.size", |s| s.window = WindowSettings::Count { size: 100_001 }),
        ("window.size", |s| s.window = WindowSettings::Count { size: i64::MIN }),
        ("window.size_s", |s| s.window = WindowSettings::Time { size_s: i64::MAX }),
        ("failure_rate", |s| s.failure_rate = f64::NAN),
        ("failure_rate", |s| s.failure_rate = f64::INFINITY),
        ("slow.rate", |s| s.slow.rate = -0.0),
        ("open_factor", |s| s.open_factor = f64::NAN),
        ("open_factor", |s| (s.open_factor, s.open_max_s) = (11.0, Some(600))),
        ("open_max_s", |s| s.open_factor = 2.0),
        ("open_max_s", |s| s.open_max_s = Some(9)),
        ("half_open_permits", |s| s.half_open_permits = 0),
        ("half_open_max_wait_s", |s| s.half_open_max_wait_s = 86_401),
    ];
    for (name, spoil) in faults {
        let mut settings = small();
        spoil(&mut settings);
        let told = settings.check().unwrap_err();
        assert_eq!(told.iter().map(|fault| fault.setting).collect::<Vec<_>>(), [name]);
    }
}

#[test]
fn waits_double_up_to_the_longest() {
    let wait = OpenWait { first: Duration::from_secs(120), factor: 2.0, longest: Duration::from_secs(600) };
    let waits: Vec<u64> = [0, 1, 2, 3, 4, 5, 1000, u32::MAX].into_iter().map(|attempt| wait.of(attempt).as_secs()).collect();
    assert_eq!(waits, [120, 120, 240, 480, 600, 600, 600, 600]);
}

proptest! {
    #[test]
    fn no_settings_panic_and_a_wait_stays_in_its_bounds(
        size: i64, minimum_calls: i64, failure_rate: f64, rate: f64, ms_per_page: i64, open_s: i64, open_factor: f64,
        open_max_s: Option<i64>, half_open_permits: i64, half_open_max_wait_s: i64,
    ) {
        let slow = SlowSettings { ms_per_page, rate };
        let window = WindowSettings::Time { size_s: size };
        let wild = Settings {
            window, minimum_calls, failure_rate, slow, open_s, open_factor, open_max_s, half_open_permits, half_open_max_wait_s, ..small()
        };
        let _ = wild.check();
    }

    #[test]
    fn a_wait_never_shrinks_and_stays_between_first_and_longest(
        first in 1_u64..86_400, factor in 1.0_f64..10.0, more in 0_u64..86_400, attempt in 1_u32..200,
    ) {
        let (first, longest) = (Duration::from_secs(first), Duration::from_secs((first + more).min(86_400)));
        let wait = OpenWait { first, factor, longest };
        prop_assert!(wait.of(attempt) >= first && wait.of(attempt) <= longest);
        prop_assert!(wait.of(attempt + 1) >= wait.of(attempt));
    }
}
