//! The rules: what a call, a vote, an operator and the passing of time do to a breaker. For one thread; [`super::handle`] shares them.

use std::time::{Duration, Instant};

use super::config::{AfterHalfOpen, Config, LONGEST_WAIT};
use super::event::{Batch, Event, Kind};
use super::phase::Phase;
use super::snapshot::{Snapshot, Totals, UNKNOWN_RATE};
use super::state::{Override, State};
use super::window::{Call, Tally, Windows};

/// Which window tells about the present. An open breaker goes on showing the one that opened it.
#[derive(Debug, Clone, Copy)]
enum Figures {
    Calls,
    Probes,
    None,
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Vote {
    Succeeded { elapsed: Duration },
    Failed { elapsed: Duration },
    Ignored { elapsed: Duration },
    Abandoned,
}

/// A vote with what the permit knows of its call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ballot {
    /// The stay that admitted the call.
    pub(super) epoch: u64,
    pub(super) units: u32,
    /// How long the dependency asked us to stay away.
    pub(super) asked: Option<Duration>,
    pub(super) vote: Vote,
}

/// Why a call may not pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    pub(super) state: State,
    pub(super) until: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Rules {
    config: Config,
    /// The seconds of a window are counted from here.
    origin: Instant,
    /// The latest time seen. Threads read the clock before they take the lock, so they may arrive in another order.
    latest: Instant,
    phase: Phase,
    /// One more with every stay in a state.
    epoch: u64,
    attempts: u32,
    imposed: Option<Override>,
    windows: Windows,
    figures: Figures,
    totals: Totals,
    events: u64,
}

impl Rules {
    pub(super) fn new(config: Config, now: Instant) -> Self {
        Self {
            config,
            origin: now,
            latest: now,
            phase: Phase::home(config.mode),
            epoch: 0,
            attempts: 0,
            imposed: None,
            windows: Windows::of(&config),
            figures: Figures::Calls,
            totals: Totals::default(),
            events: 0,
        }
    }

    pub(super) fn state(&self) -> State {
        self.phase.state()
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Lets the time that passed have its effect, and says what time it is for what follows. Comes before anything else.
    pub(super) fn catch_up(&mut self, now: Instant, batch: &mut Batch) -> Instant {
        let now = self.latest.max(now);
        self.latest = now;
        if let Phase::HalfOpen { deadline: Some(deadline), .. } = self.phase
            && now >= deadline
        {
            match self.config.after_half_open {
                AfterHalfOpen::Open => self.open(deadline, batch),
                AfterHalfOpen::Closed => self.enter(Phase::Closed, deadline, batch),
            }
        }
        if self.config.auto_half_open {
            self.probe_when_due(now, batch);
        }
        now
    }

    /// When [`Rules::catch_up`] has something to do next.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Open { until } => self.config.auto_half_open.then_some(until),
            Phase::HalfOpen { deadline, .. } => deadline,
            Phase::Closed | Phase::Disabled | Phase::ForcedOpen | Phase::MetricsOnly { .. } => None,
        }
    }

    /// The stay that admits a call, or why none does.
    pub(super) fn admit(&mut self, now: Instant, batch: &mut Batch) -> Result<u64, Refusal> {
        self.probe_when_due(now, batch);
        let until = match &mut self.phase {
            Phase::Closed | Phase::Disabled | Phase::MetricsOnly { .. } => return Ok(self.epoch),
            Phase::HalfOpen { free, .. } if *free > 0 => {
                *free -= 1;
                return Ok(self.epoch);
            }
            Phase::HalfOpen { deadline, .. } => *deadline,
            Phase::Open { until } => Some(*until),
            Phase::ForcedOpen => None,
        };
        self.totals.not_permitted += 1;
        self.tell_call(Kind::NotPermitted, now, batch);
        Err(Refusal { state: self.state(), until })
    }

    /// Takes a vote, unless the stay that admitted its call is over.
    pub(super) fn settle(&mut self, ballot: Ballot, now: Instant, batch: &mut Batch) {
        if ballot.epoch != self.epoch {
            self.totals.stale += 1;
            self.tell_call(Kind::Stale, now, batch);
            return;
        }
        if self.state() == State::Disabled {
            return;
        }
        let (elapsed, failed) = match ballot.vote {
            Vote::Succeeded { elapsed } => (elapsed, false),
            Vote::Failed { elapsed } => (elapsed, true),
            Vote::Ignored { elapsed } => {
                self.totals.ignored += 1;
                self.give_back();
                return self.tell_call(Kind::Ignored { elapsed }, now, batch);
            }
            Vote::Abandoned => {
                self.totals.abandoned += 1;
                self.give_back();
                return self.tell_call(Kind::Abandoned, now, batch);
            }
        };
        let slow = self.config.is_slow(elapsed, ballot.units);
        self.totals.slow += u64::from(slow);
        if failed {
            self.totals.failed += 1;
            self.tell_call(Kind::Failed { elapsed, slow }, now, batch);
        } else {
            self.totals.succeeded += 1;
            self.tell_call(Kind::Succeeded { elapsed, slow }, now, batch);
        }
        self.count(Call { failed, slow }, ballot.asked, now, batch);
    }

    /// Imposes a state. One that is imposed already stays as it is, with its figures.
    pub(super) fn force(&mut self, imposed: Override, now: Instant, batch: &mut Batch) {
        self.imposed = Some(imposed);
        if self.state() != imposed.into() {
            self.enter(Phase::imposed(imposed), now, batch);
        }
    }

    /// Ends what was imposed and begins anew where the mode says.
    pub(super) fn lift(&mut self, now: Instant, batch: &mut Batch) {
        let home = Phase::home(self.config.mode);
        if self.imposed.take().is_some() && self.state() != home.state() {
            self.enter(home, now, batch);
        }
    }

    /// Forgets everything but the totals.
    pub(super) fn reset(&mut self, now: Instant, batch: &mut Batch) {
        self.imposed = None;
        self.enter(Phase::home(self.config.mode), now, batch);
        self.tell(Kind::Reset, now, batch);
    }

    /// Opens for this long, if the breaker is one that opens now: not while a state is imposed, nor in metrics only.
    pub(super) fn open_for(&mut self, wait: Duration, now: Instant, batch: &mut Batch) -> bool {
        let opens = matches!(self.phase, Phase::Closed | Phase::Open { .. } | Phase::HalfOpen { .. });
        if opens {
            self.enter(Phase::Open { until: now + wait.min(LONGEST_WAIT) }, now, batch);
        }
        opens
    }

    /// Goes on under another configuration and hands back the windows that are no longer needed.
    pub(super) fn reconfigure(&mut self, config: Config, mut fresh: Windows, now: Instant, batch: &mut Batch) -> Windows {
        let before = std::mem::replace(&mut self.config, config);
        if before.window != config.window {
            std::mem::swap(&mut self.windows.calls, &mut fresh.calls);
        }
        if before.half_open_permits != config.half_open_permits {
            std::mem::swap(&mut self.windows.probes, &mut fresh.probes);
        }
        let changes_mode = before.mode != config.mode && self.imposed.is_none();
        if changes_mode {
            self.enter(Phase::home(config.mode), now, batch);
        } else if before != config && self.state() == State::HalfOpen {
            // Probes admitted under other rules could fill a window that is now larger or smaller than their number.
            self.probe(now, batch);
        }
        fresh
    }

    pub(super) fn snapshot(&mut self, now: Instant) -> Snapshot {
        let second = self.second(now);
        let (tally, minimum) = match self.figures {
            Figures::Calls => (self.windows.calls.tally(second), self.config.minimum_of_calls()),
            Figures::Probes => (self.windows.probes.tally(second), self.config.minimum_of_probes()),
            Figures::None => (Tally::default(), 1),
        };
        let rates = tally.rates(minimum);
        let (until, free_permits) = match self.phase {
            Phase::Open { until } => (Some(until), 0),
            Phase::HalfOpen { free, deadline } => (deadline, free),
            Phase::Closed | Phase::Disabled | Phase::ForcedOpen | Phase::MetricsOnly { .. } => (None, 0),
        };
        Snapshot {
            state: self.state(),
            epoch: self.epoch,
            until,
            attempts: self.attempts,
            free_permits,
            failure_rate: rates.map_or(UNKNOWN_RATE, |rates| rates.failure),
            slow_call_rate: rates.map_or(UNKNOWN_RATE, |rates| rates.slow),
            buffered: tally.calls,
            buffered_failed: tally.failed,
            buffered_slow: tally.slow,
            buffered_slow_failed: tally.slow_failed,
            totals: self.totals,
        }
    }

    /// Counts a call and draws the consequence.
    fn count(&mut self, call: Call, asked: Option<Duration>, now: Instant, batch: &mut Batch) {
        let second = self.second(now);
        match self.phase {
            Phase::Closed => {
                let tally = self.windows.calls.record(second, call);
                let (failure, slow) = self.exceeded(tally, self.config.minimum_of_calls()).unwrap_or_default();
                self.tell_exceeded(failure, slow, now, batch);
                if failure.is_some() || slow.is_some() {
                    self.open(now, batch);
                } else if let Some(wait) = asked {
                    self.enter(Phase::Open { until: now + wait.min(LONGEST_WAIT) }, now, batch);
                }
            }
            Phase::HalfOpen { .. } => {
                let tally = self.windows.probes.record(second, call);
                match self.exceeded(tally, self.config.minimum_of_probes()) {
                    None => {}
                    Some((None, None)) => self.enter(Phase::Closed, now, batch),
                    Some(_) => self.open(now, batch),
                }
            }
            Phase::MetricsOnly { told_failure, told_slow } => {
                let tally = self.windows.calls.record(second, call);
                let (failure, slow) = self.exceeded(tally, self.config.minimum_of_calls()).unwrap_or_default();
                self.tell_exceeded(failure.filter(|_| !told_failure), slow.filter(|_| !told_slow), now, batch);
                let (told_failure, told_slow) = (told_failure || failure.is_some(), told_slow || slow.is_some());
                self.phase = Phase::MetricsOnly { told_failure, told_slow };
            }
            // They admit no call, or count none.
            Phase::Open { .. } | Phase::ForcedOpen | Phase::Disabled => {}
        }
    }

    /// The failure rate and the rate of slow calls, each if it is at its threshold or above; `None` while too few calls are known.
    fn exceeded(&self, tally: Tally, minimum: u32) -> Option<(Option<f64>, Option<f64>)> {
        let rates = tally.rates(minimum)?;
        let failure = (rates.failure >= self.config.failure_rate).then_some(rates.failure);
        let slow = (rates.slow >= self.config.slow.rate).then_some(rates.slow);
        Some((failure, slow))
    }

    /// The place of a call that did not count is another's. Only a half-open breaker has numbered places.
    fn give_back(&mut self) {
        if let Phase::HalfOpen { free, .. } = &mut self.phase {
            *free += 1;
        }
    }

    fn open(&mut self, at: Instant, batch: &mut Batch) {
        self.attempts = self.attempts.saturating_add(1);
        self.enter(Phase::Open { until: at + self.config.open.of(self.attempts) }, at, batch);
    }

    fn probe(&mut self, now: Instant, batch: &mut Batch) {
        let deadline = self.config.half_open_deadline(now);
        self.enter(Phase::HalfOpen { free: self.config.half_open_permits, deadline }, now, batch);
    }

    fn probe_when_due(&mut self, now: Instant, batch: &mut Batch) {
        if let Phase::Open { until } = self.phase
            && now >= until
        {
            self.probe(now, batch);
        }
    }

    /// Begins a stay. Votes of the one before are stale from here on.
    fn enter(&mut self, phase: Phase, at: Instant, batch: &mut Batch) {
        let (from, to) = (self.state(), phase.state());
        let until = match phase {
            Phase::Open { until } => Some(until),
            Phase::Closed | Phase::HalfOpen { .. } | Phase::Disabled | Phase::ForcedOpen | Phase::MetricsOnly { .. } => None,
        };
        match to {
            State::Closed | State::MetricsOnly => {
                self.windows.calls.clear();
                self.figures = Figures::Calls;
            }
            State::HalfOpen => {
                self.windows.probes.clear();
                self.figures = Figures::Probes;
            }
            State::Open => {}
            State::Disabled | State::ForcedOpen => self.figures = Figures::None,
        }
        if !matches!(to, State::Open | State::HalfOpen) {
            self.attempts = 0;
        }
        self.epoch += 1;
        self.phase = phase;
        if from != to {
            self.tell(Kind::Transition { from, to, until }, at, batch);
        }
    }

    fn tell_exceeded(&mut self, failure: Option<f64>, slow: Option<f64>, now: Instant, batch: &mut Batch) {
        if let Some(rate) = failure {
            self.tell(Kind::FailureRateExceeded { rate }, now, batch);
        }
        if let Some(rate) = slow {
            self.tell(Kind::SlowCallRateExceeded { rate }, now, batch);
        }
    }

    fn tell_call(&mut self, kind: Kind, now: Instant, batch: &mut Batch) {
        if self.state().tells_calls() {
            self.tell(kind, now, batch);
        }
    }

    fn tell(&mut self, kind: Kind, at: Instant, batch: &mut Batch) {
        self.events += 1;
        batch.push(Event { number: self.events, at, kind });
    }

    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.origin).as_secs()
    }
}
