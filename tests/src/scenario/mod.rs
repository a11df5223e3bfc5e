//! The main paths of a verification: what the script says, what the world does meanwhile, and where it must end.

mod drive;
mod list;

use domain::policy::Policy;
use domain::verdict::Verdict;
use domain::verification::Status;
use workflows::verification::VerificationResult;

pub use drive::Drive;
pub use list::all;

use crate::scripted::Script;

/// One path through the workflow.
#[derive(Clone)]
pub struct Scenario {
    pub name: &'static str,
    pub script: Script,
    pub policy: Policy,
    pub drive: Drive,
    pub status: Status,
    pub verdict: Option<Verdict>,
    /// Keys of all effects, sorted: each happens once, however often the workflow is replayed.
    pub effects: &'static [&'static str],
}

impl Scenario {
    /// Where the workflow must end.
    pub fn result(&self) -> VerificationResult {
        VerificationResult { status: self.status, verdict: self.verdict }
    }
}
