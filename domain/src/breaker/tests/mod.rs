//! A scene for the tests of the breaker: one breaker on a clock that stands, with everything it said, played from a line of words.

mod futures;
mod loomed;
mod model;
mod property;
mod races;
mod reload;
mod settings;
mod threads;
mod vectors;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Breaker, Config, Event, Kind, ManualMonotonic, Monotonic, Override, Permit, Settings, SlowSettings, WindowSettings};

pub(super) const FAST: Duration = Duration::from_millis(1);
/// Slow under every setting of these tests that does not say otherwise: the limit of [`small`] is one second.
pub(super) const SLOW: Duration = Duration::from_millis(1001);

pub(super) struct Scene {
    pub(super) clock: Arc<ManualMonotonic>,
    pub(super) breaker: Breaker,
    held: Vec<Permit>,
    heard: Arc<Mutex<Vec<Event>>>,
}

/// Four calls of which three have to be known, one second to be slow, ten seconds open, two probes.
pub(super) fn small() -> Settings {
    Settings {
        window: WindowSettings::Count { size: 4 },
        minimum_calls: 3,
        slow: SlowSettings { ms_per_page: 1000, rate: 100.0 },
        open_s: 10,
        half_open_permits: 2,
        ..Settings::default()
    }
}

pub(super) fn checked(settings: &Settings) -> Config {
    settings.check().expect("settings in range")
}

impl Scene {
    pub(super) fn new(settings: &Settings) -> Self {
        Self::under(checked(settings))
    }

    pub(super) fn under(config: Config) -> Self {
        let clock = Arc::new(ManualMonotonic::starting(Instant::now()));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let listener = Arc::new(move |event: &Event| ear.lock().unwrap().push(*event));
        let breaker = Breaker::with_listener(config, clock.clone(), listener);
        Self { clock, breaker, held: Vec::new(), heard }
    }

    pub(super) fn heard(&self) -> Vec<Event> {
        self.heard.lock().unwrap().clone()
    }

    /// Plays words from left to right. `3*fail` is `fail` three times.
    ///
    /// | words | meaning |
    /// |---|---|
    /// | `ok` `fail` `slow` `slowfail` `ignore` `drop` | a call that passes and ends like this |
    /// | `fail>5s` `ok>5s` | one whose answer asks to stay away for five seconds |
    /// | `hold`, then `ok<` `fail<` `ignore<` `drop<` | a call that passes, and how the oldest one held ends |
    /// | `no` | a call that is refused |
    /// | `+500ms` `+3s` `tick` | time passes; the timer comes by |
    /// | `disable` `force` `metrics` `lift` `reset` `open>5s` | the operator |
    /// | `=open` | the state is open |
    /// | `calls=2` `failed=1` `rate=50` `slowrate=-1` `free=1` `attempts=2` `stale=1` | the snapshot says so |
    /// | `until=10s` `until=-` | the wait ends in ten seconds, has no end |
    pub(super) fn play(&mut self, script: &str) {
        for word in script.split_whitespace() {
            let (times, step) = word.split_once('*').map_or((1, word), |(times, step)| (times.parse().unwrap(), step));
            for _ in 0..times {
                self.step(step, script);
            }
        }
    }

    fn step(&mut self, word: &str, script: &str) {
        let context = || format!("at `{word}` of `{script}`");
        if let Some((name, value)) = word.split_once('=') {
            return self.look(name, value, &context());
        }
        if let Some(by) = word.strip_prefix('+') {
            return self.clock.advance(duration(by));
        }
        if let Some(how) = word.strip_suffix('<') {
            assert!(!self.held.is_empty(), "nothing held {}", context());
            return end(self.held.remove(0), how);
        }
        if let Some(wait) = word.strip_prefix("open>") {
            assert!(self.breaker.open_for(duration(wait)), "{}", context());
            return;
        }
        match word {
            "no" => assert!(self.breaker.try_acquire().is_err(), "passed {}", context()),
            "tick" => drop(self.breaker.tick()),
            "disable" => self.breaker.force(Override::Disabled),
            "force" => self.breaker.force(Override::ForcedOpen),
            "metrics" => self.breaker.force(Override::MetricsOnly),
            "lift" => self.breaker.lift(),
            "reset" => self.breaker.reset(),
            _ => {
                let permit = self.breaker.try_acquire().unwrap_or_else(|refused| panic!("{refused} {}", context()));
                match word.split_once('>') {
                    Some((how, wait)) => end(permit.asked_to_wait(duration(wait)), how),
                    None if word == "hold" => self.held.push(permit),
                    None => end(permit, word),
                }
            }
        }
    }

    fn look(&self, name: &str, value: &str, context: &str) {
        let seen = self.breaker.snapshot();
        let until = || match seen.until {
            Some(until) => format!("{:?}", until.saturating_duration_since(self.clock.now())),
            None => "-".to_owned(),
        };
        let said = match name {
            "" => seen.state.as_str().to_owned(),
            "calls" => seen.buffered.to_string(),
            "failed" => seen.buffered_failed.to_string(),
            "slow" => seen.buffered_slow.to_string(),
            "slowfailed" => seen.buffered_slow_failed.to_string(),
            "rate" => seen.failure_rate.to_string(),
            "slowrate" => seen.slow_call_rate.to_string(),
            "free" => seen.free_permits.to_string(),
            "attempts" => seen.attempts.to_string(),
            "stale" => seen.totals.stale.to_string(),
            "until" => until(),
            _ => panic!("unknown word {context}"),
        };
        assert_eq!(said, value, "{context}");
    }
}

fn end(permit: Permit, how: &str) {
    match how {
        "ok" => permit.succeeded(FAST),
        "fail" => permit.failed(FAST),
        "slow" => permit.succeeded(SLOW),
        "slowfail" => permit.failed(SLOW),
        "ignore" => permit.ignored(FAST),
        "drop" => drop(permit),
        _ => panic!("a call cannot end as `{how}`"),
    }
}

fn duration(text: &str) -> Duration {
    match text.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(millis.parse().unwrap()),
        None => Duration::from_secs(text.strip_suffix('s').unwrap().parse().unwrap()),
    }
}

/// The words for what happened, for scripts of events.
pub(super) fn word(kind: &Kind) -> String {
    match kind {
        Kind::Succeeded { .. } => "success".to_owned(),
        Kind::Failed { .. } => "error".to_owned(),
        Kind::Ignored { .. } => "ignored".to_owned(),
        Kind::Abandoned => "abandoned".to_owned(),
        Kind::Stale => "stale".to_owned(),
        Kind::NotPermitted => "not_permitted".to_owned(),
        Kind::Transition { from, to, .. } => format!("{}>{}", from.as_str(), to.as_str()),
        Kind::Reset => "reset".to_owned(),
        Kind::FailureRateExceeded { rate } => format!("failure_rate:{rate}"),
        Kind::SlowCallRateExceeded { rate } => format!("slow_rate:{rate}"),
    }
}
