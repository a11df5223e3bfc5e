//! Verifications: accepted once, finished once, and every step in between recorded in the transaction that makes it.

mod add_evidence;
mod cancel;
mod correct;
mod finalise;
mod list;
mod progress;
mod publish;
mod row;
mod submit;

pub use add_evidence::{AddOutcome, add_evidence};
pub use cancel::{CancelOutcome, request_cancel};
pub use correct::{CorrectOutcome, CorrectionRow, NewCorrection, correct, correction, corrections};
pub use finalise::{Finalise, FinaliseOutcome, finalise};
pub use list::{ListFilter, StatusCount, Unfinished, counts, get, list, unfinished};
pub use progress::{mark_processing, set_progress};
pub use publish::{NewReview, Published, publish_provisional};
pub use row::{Progress, VerificationRow};
pub use submit::{IdempotencyKey, NewVerification, SubmitOutcome, sent_before, submit};
