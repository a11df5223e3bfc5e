//! What is counted and logged of answers: that they were given, never what they say.

use domain::review::Part;

use super::decide::DecideOutcome;
use super::row::ReviewRow;

/// Answers recorded; label `part` (1 first, 2 second, 3 adjudication).
const ANSWERS: &str = "assay_review_answers_total";
/// Rounds in which two people gave different answers.
const DISAGREEMENTS: &str = "assay_review_disagreements_total";

/// Counts an answer to this review, once it is committed.
pub fn count(review: &ReviewRow, outcome: DecideOutcome) {
    let next = match outcome {
        DecideOutcome::Recorded => None,
        DecideOutcome::Answered { next } => Some(next),
        DecideOutcome::AlreadyRecorded
        | DecideOutcome::FourEyes
        | DecideOutcome::LeaseLost
        | DecideOutcome::NotOpen(_)
        | DecideOutcome::NotFound => return,
    };
    metrics::counter!(ANSWERS, "part" => review.part.number().to_string()).increment(1);
    if next == Some(Part::Adjudication) {
        let (id, of) = (review.id, review.verification_id);
        metrics::counter!(DISAGREEMENTS).increment(1);
        tracing::info!(review.id = %id, verification.id = %of, round = review.round, "Two people answered {of} differently; a third settles it");
    }
}
