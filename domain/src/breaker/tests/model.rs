//! A breaker so naive that it can be read as the specification: it keeps every vote in a list and works everything out anew when asked.

use std::time::{Duration, Instant};

use crate::breaker::config::{LONGEST_WAIT, WindowSize};
use crate::breaker::{AfterHalfOpen, Config, Event, Kind, Mode, Override, Snapshot, State, Totals, UNKNOWN_RATE};

#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Succeeded,
    Failed,
    Ignored,
    Dropped,
}

/// A call under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket(u64);

pub(super) struct Model {
    config: Config,
    start: Instant,
    pub(super) now: Duration,
    state: State,
    entered: Duration,
    /// End of the wait, if open.
    until: Duration,
    stay: u64,
    attempts: u32,
    imposed: bool,
    /// Places of probes that are taken or voted on.
    taken: u32,
    /// When, failed, slow: of the flowing calls since they last began to flow, and of the probes since they last began.
    calls: Vec<(Duration, bool, bool)>,
    probes: Vec<(bool, bool)>,
    shows_probes: bool,
    told: (bool, bool),
    totals: Totals,
    pub(super) events: Vec<Event>,
}

impl Model {
    pub(super) fn new(config: Config, start: Instant) -> Self {
        Self {
            config,
            start,
            now: Duration::ZERO,
            state: home(config.mode),
            entered: Duration::ZERO,
            until: Duration::ZERO,
            stay: 0,
            attempts: 0,
            imposed: false,
            taken: 0,
            calls: Vec::new(),
            probes: Vec::new(),
            shows_probes: false,
            told: (false, false),
            totals: Totals::default(),
            events: Vec::new(),
        }
    }

    pub(super) fn pass_time(&mut self) {
        let stays_too_long = self.config.half_open_max_wait.is_some_and(|wait| self.now >= self.entered + wait);
        if self.state == State::HalfOpen && stays_too_long {
            let end = self.entered + self.config.half_open_max_wait.unwrap();
            match self.config.after_half_open {
                AfterHalfOpen::Open => self.trip(end),
                AfterHalfOpen::Closed => self.go(State::Closed, end),
            }
        }
        if self.config.auto_half_open {
            self.wake();
        }
    }

    fn wake(&mut self) {
        if self.state == State::Open && self.now >= self.until {
            self.go(State::HalfOpen, self.now);
        }
    }

    pub(super) fn acquire(&mut self) -> Option<Ticket> {
        self.pass_time();
        self.wake();
        let admitted = match self.state {
            State::Closed | State::Disabled | State::MetricsOnly => true,
            State::Open | State::ForcedOpen => false,
            State::HalfOpen => self.taken < self.config.half_open_permits,
        };
        if admitted {
            self.taken += 1;
            return Some(Ticket(self.stay));
        }
        self.totals.not_permitted += 1;
        self.tell_call(Kind::NotPermitted);
        None
    }

    pub(super) fn end(&mut self, ticket: Ticket, end: End, elapsed: Duration, units: u32, asked: Option<Duration>) {
        self.pass_time();
        if ticket.0 != self.stay {
            self.totals.stale += 1;
            return self.tell_call(Kind::Stale);
        }
        if self.state == State::Disabled {
            return;
        }
        let slow = elapsed > self.config.slow.after * units;
        match end {
            End::Ignored | End::Dropped => {
                self.taken -= 1;
                let dropped = matches!(end, End::Dropped);
                if dropped {
                    self.totals.abandoned += 1
                } else {
                    self.totals.ignored += 1
                }
                return self.tell_call(if dropped { Kind::Abandoned } else { Kind::Ignored { elapsed } });
            }
            End::Failed => self.totals.failed += 1,
            End::Succeeded => self.totals.succeeded += 1,
        }
        let failed = matches!(end, End::Failed);
        self.totals.slow += u64::from(slow);
        self.tell_call(if failed { Kind::Failed { elapsed, slow } } else { Kind::Succeeded { elapsed, slow } });
        if self.state == State::HalfOpen {
            self.probes.push((failed, slow));
        } else {
            self.calls.push((self.now, failed, slow));
        }
        self.judge(asked);
    }

    fn judge(&mut self, asked: Option<Duration>) {
        let (failure, slow) = self.rates();
        let known = failure != UNKNOWN_RATE;
        let (fails, slows) = (known && failure >= self.config.failure_rate, known && slow >= self.config.slow.rate);
        match self.state {
            State::HalfOpen if fails || slows => self.trip(self.now),
            State::HalfOpen if known => self.go(State::Closed, self.now),
            State::Closed | State::MetricsOnly => {
                if fails && !self.told.0 {
                    self.tell(Kind::FailureRateExceeded { rate: failure }, self.now);
                }
                if slows && !self.told.1 {
                    self.tell(Kind::SlowCallRateExceeded { rate: slow }, self.now);
                }
                self.told = (self.told.0 || fails, self.told.1 || slows);
                if self.state == State::Closed && (fails || slows) {
                    self.trip(self.now);
                } else if let (State::Closed, Some(wait)) = (self.state, asked) {
                    self.until = self.now + wait.min(LONGEST_WAIT);
                    self.go(State::Open, self.now);
                }
            }
            _ => {}
        }
    }

    pub(super) fn force(&mut self, imposed: Override) {
        self.pass_time();
        self.imposed = true;
        if self.state != imposed.into() {
            self.go(imposed.into(), self.now);
        }
    }

    pub(super) fn lift(&mut self) {
        self.pass_time();
        if std::mem::take(&mut self.imposed) && self.state != home(self.config.mode) {
            self.go(home(self.config.mode), self.now);
        }
    }

    pub(super) fn reset(&mut self) {
        self.pass_time();
        self.imposed = false;
        self.go(home(self.config.mode), self.now);
        self.tell(Kind::Reset, self.now);
    }

    pub(super) fn open_for(&mut self, wait: Duration) -> bool {
        self.pass_time();
        let opens = matches!(self.state, State::Closed | State::Open | State::HalfOpen);
        if opens {
            self.until = self.now + wait.min(LONGEST_WAIT);
            self.go(State::Open, self.now);
        }
        opens
    }

    fn trip(&mut self, at: Duration) {
        self.attempts += 1;
        let waits = std::iter::successors(Some(self.config.open.first), |wait| Some(wait.mul_f64(self.config.open.factor)));
        let wait = waits.take(self.attempts as usize).map(|wait| wait.min(self.config.open.longest)).last().unwrap();
        self.until = at + wait;
        self.go(State::Open, at);
    }

    fn go(&mut self, to: State, at: Duration) {
        let from = std::mem::replace(&mut self.state, to);
        self.stay += 1;
        self.entered = at;
        self.taken = 0;
        self.told = (false, false);
        match to {
            State::Open => {}
            State::HalfOpen => (self.probes, self.shows_probes) = (Vec::new(), true),
            _ => (self.calls, self.shows_probes, self.attempts) = (Vec::new(), false, 0),
        }
        if from != to {
            let until = (to == State::Open).then(|| self.start + self.until);
            self.tell(Kind::Transition { from, to, until }, at);
        }
    }

    /// The votes that count together now.
    fn window(&self) -> Vec<(bool, bool)> {
        if self.shows_probes {
            return self.probes.clone();
        }
        let votes = self.calls.iter();
        match self.config.window {
            WindowSize::Count(size) => votes.rev().take(size as usize).map(|vote| (vote.1, vote.2)).collect(),
            WindowSize::Seconds(size) => {
                votes.filter(|vote| vote.0.as_secs() + u64::from(size) > self.now.as_secs()).map(|vote| (vote.1, vote.2)).collect()
            }
        }
    }

    fn rates(&self) -> (f64, f64) {
        let window = self.window();
        let largest = match (self.shows_probes, self.config.window) {
            (true, _) => self.config.half_open_permits,
            (false, WindowSize::Count(size)) => size,
            (false, WindowSize::Seconds(_)) => u32::MAX,
        };
        if window.is_empty() || window.len() < self.config.minimum_calls.min(largest) as usize {
            return (UNKNOWN_RATE, UNKNOWN_RATE);
        }
        let percent = |part: usize| part as f64 * 100.0 / window.len() as f64;
        (percent(window.iter().filter(|vote| vote.0).count()), percent(window.iter().filter(|vote| vote.1).count()))
    }

    pub(super) fn look(&mut self) -> Snapshot {
        self.pass_time();
        let (window, (failure_rate, slow_call_rate)) = (self.window(), self.rates());
        let many = |wanted: fn(&(bool, bool)) -> bool| window.iter().filter(|vote| wanted(vote)).count() as u32;
        let until = match self.state {
            State::Open => Some(self.until),
            State::HalfOpen => self.config.half_open_max_wait.map(|wait| self.entered + wait),
            _ => None,
        };
        Snapshot {
            state: self.state,
            epoch: self.stay,
            until: until.map(|until| self.start + until),
            attempts: self.attempts,
            free_permits: if self.state == State::HalfOpen { self.config.half_open_permits - self.taken } else { 0 },
            failure_rate,
            slow_call_rate,
            buffered: window.len() as u32,
            buffered_failed: many(|vote| vote.0),
            buffered_slow: many(|vote| vote.1),
            buffered_slow_failed: many(|vote| vote.0 && vote.1),
            totals: self.totals,
        }
    }

    fn tell_call(&mut self, kind: Kind) {
        if !matches!(self.state, State::Disabled | State::ForcedOpen) {
            self.tell(kind, self.now);
        }
    }

    fn tell(&mut self, kind: Kind, at: Duration) {
        self.events.push(Event { number: self.events.len() as u64 + 1, at: self.start + at, kind });
    }
}

fn home(mode: Mode) -> State {
    match mode {
        Mode::Enforce => State::Closed,
        Mode::MetricsOnly => State::MetricsOnly,
    }
}
