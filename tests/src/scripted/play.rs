//! One verification's script, and what has happened of it so far.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::{EvidenceId, ReviewId, VerificationId};
use temporalio_common::ActivityError;
use temporalio_common::error::ApplicationFailure;
use tokio::sync::watch;

/// What the activities of one verification will find.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Pages of each file; 0 for a file that cannot be read.
    pub files: Vec<u32>,
    /// How many of the files come only when a person asks for more.
    pub held_back: usize,
    /// Whether the evidence that a person asked for is there when the review would expire.
    pub in_time: bool,
    /// Whether the judge sends it to a person.
    pub review: bool,
    /// Taken in order, each by one attempt of its activity.
    pub faults: Vec<Fault>,
    /// Seconds that a lease still has when its timer asks, first ask first; after the last one the lease is free.
    pub renewals: Vec<u64>,
    /// Calls of this activity wait until they are released.
    pub hold: Option<&'static str>,
}

/// One failed attempt.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub activity: &'static str,
    pub type_name: &'static str,
    pub retryable: bool,
}

/// A script in performance. Each call has a key that stays the same however often the call is made.
pub struct Play {
    pub evidence: Vec<EvidenceId>,
    pub review_id: ReviewId,
    /// The second answer of that review, and the third that settles a disagreement.
    pub later_parts: [ReviewId; 2],
    script: Script,
    /// Whether every call waits to be released, not only those of the held activity.
    paced: bool,
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct Progress {
    started: Vec<String>,
    done: Vec<String>,
    released: Vec<String>,
    faults_met: usize,
    closed: bool,
}

impl Play {
    pub fn new(script: Script, paced: bool) -> Self {
        let evidence = script.files.iter().map(|_| EvidenceId::new()).collect();
        Self {
            evidence,
            review_id: ReviewId::new(),
            later_parts: [ReviewId::new(), ReviewId::new()],
            script,
            paced,
            progress: watch::Sender::default(),
        }
    }

    pub fn script(&self) -> &Script {
        &self.script
    }

    /// The files that the verification begins with.
    pub fn at_first(&self) -> Vec<EvidenceId> {
        self.evidence[..self.evidence.len() - self.script.held_back].to_vec()
    }

    /// The number of a file in the script, counted from 1.
    pub(super) fn file(&self, id: EvidenceId) -> usize {
        self.evidence.iter().position(|other| *other == id).map_or(0, |index| index + 1)
    }

    /// What an effect says of the part of the review that it is about; nothing of the first.
    pub(super) fn part(&self, id: ReviewId) -> &'static str {
        match self.later_parts.iter().position(|part| *part == id) {
            None if id == self.review_id => "",
            Some(0) => " of part 2",
            Some(_) => " of part 3",
            None => " of nothing",
        }
    }

    /// One attempt of a call: waits where the script says so, fails where it says so, and otherwise leaves one effect behind.
    pub(super) async fn perform(&self, activity: &'static str, what: &str) -> Result<(), ActivityError> {
        let key = format!("{activity} {what}").trim_end().to_owned();
        self.progress.send_modify(|progress| progress.started.push(key.clone()));
        if self.paced || self.script.hold == Some(activity) {
            self.wait_for_release(&key).await?;
        }
        if let Some(fault) = self.next_fault(activity) {
            let failure = ApplicationFailure::builder("as the script says").type_name(fault.type_name.to_owned());
            return Err(failure.non_retryable(!fault.retryable).build().into());
        }
        self.progress.send_modify(|progress| progress.done.push(key));
        Ok(())
    }

    async fn wait_for_release(&self, key: &str) -> Result<(), ActivityError> {
        let mut progress = self.progress.subscribe();
        let released = |progress: &Progress| progress.released.iter().any(|released| released == key);
        // The sender lives as long as we do.
        let _ = progress.wait_for(|progress| progress.closed || released(progress)).await;
        self.progress.send_if_modified(|progress| match progress.released.iter().position(|released| released == key) {
            Some(index) => {
                progress.released.swap_remove(index);
                true
            }
            None => false,
        });
        if self.progress.borrow().closed { Err(ActivityError::cancelled()) } else { Ok(()) }
    }

    fn next_fault(&self, activity: &str) -> Option<Fault> {
        let mut met = None;
        self.progress.send_if_modified(|progress| {
            met = self.script.faults.get(progress.faults_met).copied().filter(|fault| fault.activity == activity);
            progress.faults_met += usize::from(met.is_some());
            met.is_some()
        });
        met
    }

    /// The answer to the `ask`-th question after a lease, counted from 0.
    pub(super) fn renewal(&self) -> Option<u64> {
        let asked = self.progress.borrow().done.iter().filter(|key| key.starts_with("review.expire_lease")).count();
        self.script.renewals.get(asked.saturating_sub(1)).copied()
    }

    /// The `index`-th attempt of all, once it has begun.
    pub async fn started(&self, index: usize) -> String {
        let mut progress = self.progress.subscribe();
        let started = progress.wait_for(|progress| progress.started.len() > index).await;
        started.map(|progress| progress.started[index].clone()).unwrap_or_default()
    }

    /// Waits until an attempt of that activity has begun, and gives its key.
    pub async fn began(&self, activity: &str) -> String {
        let mut progress = self.progress.subscribe();
        let find = |progress: &Progress| progress.started.iter().find(|key| key.starts_with(activity)).cloned();
        let began = progress.wait_for(|progress| find(progress).is_some()).await;
        began.ok().and_then(|progress| find(&progress)).unwrap_or_default()
    }

    /// Lets one waiting attempt of that call go on.
    pub fn release(&self, key: &str) {
        self.progress.send_modify(|progress| progress.released.push(key.to_owned()));
    }

    /// Nobody is interested any more: what still waits ends without an effect.
    pub fn close(&self) {
        self.progress.send_modify(|progress| progress.closed = true);
    }

    /// The key of every effect, sorted; one that happened twice is there twice.
    pub fn effects(&self) -> Vec<String> {
        let mut effects = self.progress.borrow().done.clone();
        effects.sort();
        effects
    }
}

/// The plays that the activity workers know.
#[derive(Clone, Default)]
pub(super) struct Plays(Arc<Mutex<HashMap<VerificationId, Arc<Play>>>>);

impl Plays {
    pub(super) fn add(&self, id: VerificationId, play: &Arc<Play>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(play));
    }

    pub(super) fn find(&self, id: VerificationId) -> Result<Arc<Play>, ActivityError> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        found.ok_or_else(|| ApplicationFailure::builder(format!("no script for {id}")).non_retryable(true).build().into())
    }
}
