//! What endpoints can be told of, and which of it one wants to hear.

use std::fmt;

/// The kind of an event. Receivers switch on the words, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// The machine has an answer.
    VerificationProvisional,
    /// A person is needed.
    VerificationInReview,
    /// A person wants to see more before they decide; the verification waits for whoever sent it.
    VerificationAwaitingEvidence,
    /// The verification has ended, whatever its ending; the status says which.
    VerificationFinal,
    /// The final verdict is another than the provisional one was, or a settled result was corrected.
    VerificationCorrected,
    /// A review is past its SLA.
    ReviewOverdue,
    /// A budget is used up to one of its thresholds.
    BudgetThreshold,
    /// The service moved to another level of degradation.
    LevelChanged,
}

impl EventType {
    pub const ALL: [Self; 8] = [
        Self::VerificationProvisional,
        Self::VerificationInReview,
        Self::VerificationAwaitingEvidence,
        Self::VerificationFinal,
        Self::VerificationCorrected,
        Self::ReviewOverdue,
        Self::BudgetThreshold,
        Self::LevelChanged,
    ];

    /// The word in the body and in filters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerificationProvisional => "verification.provisional",
            Self::VerificationInReview => "verification.in_review",
            Self::VerificationAwaitingEvidence => "verification.awaiting_evidence",
            Self::VerificationFinal => "verification.final",
            Self::VerificationCorrected => "verification.corrected",
            Self::ReviewOverdue => "review.overdue",
            Self::BudgetThreshold => "budget.threshold",
            Self::LevelChanged => "level.changed",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no kind of event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no event `{word}`")]
pub struct UnknownEvent {
    pub word: String,
}

/// Which events an endpoint wants: those named, or all where none is named, later kinds included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter(Vec<EventType>);

impl EventFilter {
    /// Order and repetition mean nothing.
    pub fn new(events: impl IntoIterator<Item = EventType>) -> Self {
        let mut events: Vec<EventType> = events.into_iter().collect();
        events.sort_unstable();
        events.dedup();
        Self(events)
    }

    /// Reads the words; the first that is unknown is the error.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownEvent> {
        let read = |word: &str| EventType::parse(word).ok_or_else(|| UnknownEvent { word: word.to_owned() });
        words.into_iter().map(read).collect::<Result<Vec<_>, _>>().map(Self::new)
    }

    /// The words, in their one order; none for all.
    pub fn words(&self) -> Vec<&'static str> {
        self.0.iter().map(|event| event.as_str()).collect()
    }

    pub fn wants(&self, event: EventType) -> bool {
        self.0.is_empty() || self.0.contains(&event)
    }

    /// The same by the word, which may be one that only a newer binary knows.
    pub fn wants_word(&self, word: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|event| event.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_reads_back_its_word() {
        for event in EventType::ALL {
            assert_eq!(EventType::parse(event.as_str()), Some(event));
        }
        for word in ["", "verification", "Verification.final", "verification.final "] {
            assert_eq!(EventType::parse(word), None, "{word}");
        }
    }

    #[test]
    fn an_empty_filter_wants_everything() {
        assert!(EventType::ALL.into_iter().all(|event| EventFilter::default().wants(event)));
        let some = EventFilter::parse(["review.overdue", "verification.final", "review.overdue"]).unwrap();
        assert_eq!(some.words(), ["verification.final", "review.overdue"]);
        assert!(some.wants(EventType::VerificationFinal) && !some.wants(EventType::LevelChanged));
        assert!(some.wants_word("review.overdue") && !some.wants_word("later.kind") && EventFilter::default().wants_word("later.kind"));
    }

    #[test]
    fn an_unknown_word_is_named() {
        assert_eq!(EventFilter::parse(["verification.final", "final"]).unwrap_err().word, "final");
    }
}
