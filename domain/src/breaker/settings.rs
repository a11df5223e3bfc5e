//! The settings of a breaker as people write them, and everything that can be wrong with them, told together and by name.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::config::{AfterHalfOpen, Config, LONGEST_WAIT, Mode, OpenWait, Slow, WindowSize};

/// A bucket for each second, so an hour costs some 60 kB.
const LONGEST_WINDOW_S: i64 = 3600;
/// A byte for each call.
const LARGEST_WINDOW: i64 = 100_000;
const MOST_MINIMUM_CALLS: i64 = 1_000_000;
const MOST_PERMITS: i64 = 1000;
const LONGEST_WAIT_S: i64 = LONGEST_WAIT.as_secs() as i64;
/// Doubling is usual; ten times is already the longest wait after a few openings.
const STEEPEST_FACTOR: f64 = 10.0;
/// A call that takes longer than an hour per unit ends by a timeout, not by being slow.
const LONGEST_SLOW_MS: i64 = 3_600_000;

/// One table of the section `[breaker]`. What is left out is as in Resilience4j. Numbers are signed and wide, so that a wrong one is a
/// fault beside the others and not an error of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `slidingWindowType` and `slidingWindowSize`; the last 100 calls.
    pub window: WindowSettings,
    /// `minimumNumberOfCalls`; 100. In a window of seconds it has to be reached within them.
    pub minimum_calls: i64,
    /// `failureRateThreshold` in percent; 50.
    pub failure_rate: f64,
    pub slow: SlowSettings,
    /// `waitDurationInOpenState` in seconds; 60.
    pub open_s: i64,
    /// Each further opening waits so many times longer; 1, always the same.
    pub open_factor: f64,
    /// The longest wait in seconds. Has to be given if the factor is above 1.
    pub open_max_s: Option<i64>,
    /// `permittedNumberOfCallsInHalfOpenState`; 10.
    pub half_open_permits: i64,
    /// `maxWaitDurationInHalfOpenState` in seconds; 0 is for ever.
    pub half_open_max_wait_s: i64,
    /// `transitionToStateAfterWaitDuration`; open.
    pub after_half_open: AfterHalfOpen,
    /// `automaticTransitionFromOpenToHalfOpenEnabled`; no. Wanted where an open breaker also keeps the calls from coming.
    pub auto_half_open: bool,
    pub mode: Mode,
}

/// The window of a breaker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum WindowSettings {
    Count { size: i64 },
    Time { size_s: i64 },
}

/// Slow calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlowSettings {
    /// `slowCallDurationThreshold` in milliseconds, for each page where the work has pages, for the call elsewhere; 60,000.
    pub ms_per_page: i64,
    /// `slowCallRateThreshold` in percent; 100.
    pub rate: f64,
}

impl Default for SlowSettings {
    fn default() -> Self {
        Self { ms_per_page: 60_000, rate: 100.0 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: WindowSettings::Count { size: 100 },
            minimum_calls: 100,
            failure_rate: 50.0,
            slow: SlowSettings::default(),
            open_s: 60,
            open_factor: 1.0,
            open_max_s: None,
            half_open_permits: 10,
            half_open_max_wait_s: 0,
            after_half_open: AfterHalfOpen::Open,
            auto_half_open: false,
            mode: Mode::Enforce,
        }
    }
}

/// One setting that is out of range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its name below the breaker's, such as `slow.rate`.
    pub setting: &'static str,
    /// What it would have to be, and what it is.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.setting, self.message)
    }
}

impl Settings {
    /// The configuration that these settings mean, or everything that is wrong with them.
    pub fn check(&self) -> Result<Config, Vec<Fault>> {
        let mut faults = Faults::default();
        let window = match self.window {
            WindowSettings::Count { size } => WindowSize::Count(faults.whole("window.size", size, 1..=LARGEST_WINDOW)),
            WindowSettings::Time { size_s } => WindowSize::Seconds(faults.whole("window.size_s", size_s, 1..=LONGEST_WINDOW_S)),
        };
        let minimum_calls = faults.whole("minimum_calls", self.minimum_calls, 1..=MOST_MINIMUM_CALLS);
        faults.percent("failure_rate", self.failure_rate);
        let slow_after = faults.whole("slow.ms_per_page", self.slow.ms_per_page, 1..=LONGEST_SLOW_MS);
        faults.percent("slow.rate", self.slow.rate);
        let open = self.open(&mut faults);
        let half_open_permits = faults.whole("half_open_permits", self.half_open_permits, 1..=MOST_PERMITS);
        let max_wait = faults.whole("half_open_max_wait_s", self.half_open_max_wait_s, 0..=LONGEST_WAIT_S);
        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        Ok(Config {
            window,
            minimum_calls,
            failure_rate: self.failure_rate,
            slow: Slow { after: Duration::from_millis(slow_after.into()), rate: self.slow.rate },
            open,
            half_open_permits,
            half_open_max_wait: (max_wait > 0).then(|| Duration::from_secs(max_wait.into())),
            after_half_open: self.after_half_open,
            auto_half_open: self.auto_half_open,
            mode: self.mode,
        })
    }

    fn open(&self, faults: &mut Faults) -> OpenWait {
        let first = faults.whole("open_s", self.open_s, 1..=LONGEST_WAIT_S);
        if !(1.0..=STEEPEST_FACTOR).contains(&self.open_factor) {
            faults.add("open_factor", format!("has to be from 1 to {STEEPEST_FACTOR}, is {}", self.open_factor));
        }
        let longest = match self.open_max_s {
            Some(longest) => faults.whole("open_max_s", longest, i64::from(first)..=LONGEST_WAIT_S),
            None if self.open_factor > 1.0 => {
                faults.add("open_max_s", "has to be given when open_factor is above 1".to_owned());
                first
            }
            None => first,
        };
        OpenWait { first: Duration::from_secs(first.into()), factor: self.open_factor, longest: Duration::from_secs(longest.into()) }
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, setting: &'static str, message: String) {
        self.0.push(Fault { setting, message });
    }

    /// A whole number of this range. Out of it, a fault, and the nearest that is not, so that the checks can go on.
    fn whole(&mut self, setting: &'static str, value: i64, range: RangeInclusive<i64>) -> u32 {
        let (least, most) = range.into_inner();
        if !(least..=most).contains(&value) {
            self.add(setting, format!("has to be from {least} to {most}, is {value}"));
        }
        u32::try_from(value.max(least).min(most)).unwrap_or(u32::MAX)
    }

    fn percent(&mut self, setting: &'static str, value: f64) {
        let is_percent = value > 0.0 && value <= 100.0;
        if !is_percent {
            self.add(setting, format!("has to be above 0 and at most 100 percent, is {value}"));
        }
    }
}
