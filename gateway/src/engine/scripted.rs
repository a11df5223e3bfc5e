//! An engine that does what a test tells it and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use domain::id::VerificationId;

use super::{
    CancelVerification, DecisionDelivery, Delivered, Engine, EngineError, LeaseChange, MoreEvidence, Queue, StartDelivery,
    StartVerification, Working,
};

/// One call, as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Start(StartVerification),
    Cancel(CancelVerification),
    Decide(DecisionDelivery),
    Lease(LeaseChange),
    Evidence(MoreEvidence),
    Delivery(StartDelivery),
}

/// Answers calls from a script; with nothing left in it, every call succeeds.
#[derive(Debug, Default)]
pub struct ScriptedEngine {
    calls: Mutex<Vec<Call>>,
    script: Mutex<VecDeque<Answer>>,
    away: Mutex<bool>,
}

/// How the next call ends.
#[derive(Debug, Clone)]
pub enum Answer {
    Rejected(&'static str),
    NotFound,
}

impl ScriptedEngine {
    /// Everything asked so far, refused calls included.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    /// The next call ends like this.
    pub fn next(&self, answer: Answer) {
        lock(&self.script).push_back(answer);
    }

    /// Goes away, or comes back.
    pub fn set_away(&self, away: bool) {
        *lock(&self.away) = away;
    }

    fn answer(&self, call: Option<Call>) -> Result<(), EngineError> {
        lock(&self.calls).extend(call);
        if *lock(&self.away) {
            return Err(EngineError::unavailable("the script says so"));
        }
        match lock(&self.script).pop_front() {
            Some(Answer::Rejected(reason)) => Err(EngineError::Rejected { reason: reason.to_owned() }),
            Some(Answer::NotFound) => Err(EngineError::NotFound),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Engine for ScriptedEngine {
    async fn start(&self, start: StartVerification) -> Result<(), EngineError> {
        self.answer(Some(Call::Start(start)))
    }

    async fn cancel(&self, cancel: CancelVerification) -> Result<(), EngineError> {
        self.answer(Some(Call::Cancel(cancel)))
    }

    async fn decide(&self, decision: DecisionDelivery) -> Result<Delivered, EngineError> {
        self.answer(Some(Call::Decide(decision)))?;
        Ok(Delivered { decision_id: decision.decision_id })
    }

    async fn lease_changed(&self, lease: LeaseChange) -> Result<(), EngineError> {
        self.answer(Some(Call::Lease(lease)))
    }

    async fn evidence_added(&self, more: MoreEvidence) -> Result<(), EngineError> {
        self.answer(Some(Call::Evidence(more)))
    }

    async fn start_delivery(&self, start: StartDelivery) -> Result<(), EngineError> {
        self.answer(Some(Call::Delivery(start)))
    }

    async fn working(&self, id: VerificationId) -> Result<Working, EngineError> {
        self.answer(None)?;
        let started = self.calls().iter().any(|call| matches!(call, Call::Start(start) if start.verification_id == id));
        if started { Ok(Working::Yes) } else { Err(EngineError::NotFound) }
    }

    async fn queues(&self) -> Result<Vec<Queue>, EngineError> {
        self.answer(None).map(|()| Vec::new())
    }

    async fn ping(&self) -> Result<(), EngineError> {
        if *lock(&self.away) { Err(EngineError::unavailable("the script says so")) } else { Ok(()) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
