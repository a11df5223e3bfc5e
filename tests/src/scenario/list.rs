//! The paths themselves.

use domain::failure::{ENGINE_FAILED, MISSING_RECORD, STORE_UNAVAILABLE};
use domain::policy::Policy;
use domain::verdict::Verdict;
use domain::verification::Status;

use super::{Drive, Scenario};
use crate::scripted::{Fault, Script};

/// Every main path.
pub fn all() -> Vec<Scenario> {
    vec![
        one_page(),
        many_pages(),
        review_decided(),
        review_expired(),
        more_evidence(),
        evidence_in_time(),
        lease_given_back(),
        late_news(),
        two_agree(),
        two_differ(),
        second_expires(),
        canceled_while_reading(),
        canceled_in_review(),
        unreadable(),
        engine_failed(),
        failed_for_good(),
    ]
}

fn one_page() -> Scenario {
    Scenario {
        name: "one-page",
        script: Script { files: vec![1], ..Script::default() },
        policy: Policy::default(),
        drive: Drive::Leave,
        status: Status::Final,
        verdict: Some(Verdict::Supported),
        effects: &[
            "classify.documents",
            "extract.fields",
            "finalise.verification machine",
            "judge.claim",
            "ocr.read_pages 1-1 of 1",
            "prepare.pages 1-16 of 1",
            "publish.provisional",
        ],
    }
}

/// A second file, and more windows than are in flight at a time.
fn many_pages() -> Scenario {
    Scenario {
        name: "many-pages",
        script: Script { files: vec![70, 2], ..Script::default() },
        effects: &[
            "classify.documents",
            "extract.fields",
            "finalise.verification machine",
            "judge.claim",
            "ocr.read_pages 1-16 of 1",
            "ocr.read_pages 1-2 of 2",
            "ocr.read_pages 17-32 of 1",
            "ocr.read_pages 33-48 of 1",
            "ocr.read_pages 49-64 of 1",
            "ocr.read_pages 65-70 of 1",
            "prepare.pages 1-16 of 1",
            "prepare.pages 1-16 of 2",
            "prepare.pages 17-32 of 1",
            "prepare.pages 33-48 of 1",
            "prepare.pages 49-64 of 1",
            "prepare.pages 65-70 of 1",
            "publish.provisional",
        ],
        ..one_page()
    }
}

fn review_decided() -> Scenario {
    Scenario {
        name: "review-decided",
        script: Script { files: vec![1], review: true, ..Script::default() },
        drive: Drive::Decide,
        effects: &[
            "classify.documents",
            "extract.fields",
            "finalise.verification reviewed",
            "judge.claim",
            "ocr.read_pages 1-1 of 1",
            "prepare.pages 1-16 of 1",
            "publish.provisional",
        ],
        ..one_page()
    }
}

/// Escalated after the SLA, and still nobody comes.
fn review_expired() -> Scenario {
    Scenario {
        name: "review-expired",
        policy: Policy { review_sla_seconds: 1, review_expiry_seconds: 2, ..Policy::default() },
        drive: Drive::Leave,
        status: Status::Expired,
        verdict: Some(Verdict::Insufficient),
        effects: &[
            "classify.documents",
            "extract.fields",
            "finalise.verification expired",
            "judge.claim",
            "ocr.read_pages 1-1 of 1",
            "prepare.pages 1-16 of 1",
            "publish.provisional",
            "review.escalate",
        ],
        ..review_decided()
    }
}

/// The second file comes in a round of its own; the first is looked for again, and found in the store.
fn more_evidence() -> Scenario {
    Scenario {
        name: "more-evidence",
        script: Script { files: vec![1, 2], held_back: 1, ..review_decided().script },
        drive: Drive::AddThenDecide,
        effects: &[
            "classify.documents",
            "classify.documents",
            "extract.fields",
            "extract.fields",
            "finalise.verification reviewed",
            "judge.claim",
            "judge.claim round 1",
            "ocr.read_pages 1-1 of 1",
            "ocr.read_pages 1-1 of 1",
            "ocr.read_pages 1-2 of 2",
            "prepare.pages 1-16 of 1",
            "prepare.pages 1-16 of 1",
            "prepare.pages 1-16 of 2",
            "publish.provisional",
            "publish.provisional round 1",
        ],
        ..review_decided()
    }
}

/// The store knows that evidence came before the review expired; the workflow hears of it only then, and goes on.
fn evidence_in_time() -> Scenario {
    Scenario {
        name: "evidence-in-time",
        script: Script { in_time: true, ..more_evidence().script },
        policy: Policy { review_expiry_seconds: 2, ..Policy::default() },
        drive: Drive::ExpireThenAddThenDecide,
        effects: &[
            "classify.documents",
            "classify.documents",
            "extract.fields",
            "extract.fields",
            "finalise.verification expired",
            "finalise.verification reviewed",
            "judge.claim",
            "judge.claim round 1",
            "ocr.read_pages 1-1 of 1",
            "ocr.read_pages 1-1 of 1",
            "ocr.read_pages 1-2 of 2",
            "prepare.pages 1-16 of 1",
            "prepare.pages 1-16 of 1",
            "prepare.pages 1-16 of 2",
            "publish.provisional",
            "publish.provisional round 1",
        ],
        ..more_evidence()
    }
}

/// The timer asks twice after the first lease: it was renewed once.
fn lease_given_back() -> Scenario {
    Scenario {
        name: "lease-given-back",
        script: Script { renewals: vec![1], ..review_decided().script },
        drive: Drive::GoAwayThenDecide,
        effects: &[
            "classify.documents",
            "extract.fields",
            "finalise.verification reviewed",
            "judge.claim",
            "ocr.read_pages 1-1 of 1",
            "prepare.pages 1-16 of 1",
            "publish.provisional",
            "review.expire_lease 1",
            "review.expire_lease 1",
        ],
        ..review_decided()
    }
}

/// What is told late of a round before leaves the lease that runs as it is.
fn late_news() -> Scenario {
    Scenario {
        name: "late-news",
        drive: Drive::GoAwayUnderLateNews,
        effects: &[
            "classify.documents",
            "extract.fields",
            "finalise.verification reviewed",
            "judge.claim",
            "ocr.read_pages 1-1 of 1",
            "prepare.pages 1-16 of 1",
            "publish.provisional",
            "review.expire_lease 1",
        ],
        ..review_decided()
    }
}

/// The workflow waits for one decision, whoever made it; only the leases say that there were two people.
fn two_agree() -> Scenario {
    Scenario { name: "two-agree", drive: Drive::TwoAgree, ..review_decided() }
}

/// The lease that is given back is the one of the part that is open.
fn two_differ() -> Scenario {
    Scenario {
        name: "two-differ",
        drive: Drive::TwoDiffer,
        effects: &[
            "classify.documents",
            "extract.fields",
            "finalise.verification reviewed",
            "judge.claim",
            "ocr.read_pages 1-1 of 1",
            "prepare.pages 1-16 of 1",
            "publish.provisional",
            "review.expire_lease 1 of part 2",
        ],
        ..review_decided()
    }
}

/// One answer is none: the round ends as one that nobody decided.
fn second_expires() -> Scenario {
    Scenario {
        name: "second-expires",
        policy: Policy { review_sla_seconds: 3, review_expiry_seconds: 8, ..Policy::default() },
        drive: Drive::SecondGoesAway,
        effects: &[
            "classify.documents",
            "extract.fields",
            "finalise.verification expired",
            "judge.claim",
            "ocr.read_pages 1-1 of 1",
            "prepare.pages 1-16 of 1",
            "publish.provisional",
            "review.escalate",
            "review.expire_lease 1 of part 2",
        ],
        ..review_expired()
    }
}

fn canceled_while_reading() -> Scenario {
    Scenario {
        name: "canceled-while-reading",
        script: Script { hold: Some("ocr.read_pages"), ..one_page().script },
        drive: Drive::CancelDuring("ocr.read_pages"),
        status: Status::Canceled,
        verdict: None,
        effects: &["finalise.verification canceled", "prepare.pages 1-16 of 1"],
        ..one_page()
    }
}

fn canceled_in_review() -> Scenario {
    Scenario {
        name: "canceled-in-review",
        drive: Drive::CancelInReview,
        status: Status::Canceled,
        verdict: None,
        effects: &[
            "classify.documents",
            "extract.fields",
            "finalise.verification canceled",
            "judge.claim",
            "ocr.read_pages 1-1 of 1",
            "prepare.pages 1-16 of 1",
            "publish.provisional",
        ],
        ..review_decided()
    }
}

/// Poison: no page to read, so the answer says what is in the way.
fn unreadable() -> Scenario {
    Scenario {
        name: "unreadable",
        script: Script { files: vec![0], ..Script::default() },
        verdict: Some(Verdict::Insufficient),
        effects: &[
            "classify.documents",
            "extract.fields",
            "finalise.verification machine",
            "judge.claim",
            "prepare.pages 1-16 of 1",
            "publish.provisional",
        ],
        ..one_page()
    }
}

/// The reader fails for good after two tries: the verification goes on without it, and the judge is told.
fn engine_failed() -> Scenario {
    let fault = |retryable| Fault { activity: "ocr.read_pages", type_name: ENGINE_FAILED, retryable };
    Scenario {
        name: "engine-failed",
        script: Script { faults: vec![fault(true), fault(true), fault(false)], ..one_page().script },
        verdict: Some(Verdict::Insufficient),
        effects: &[
            "classify.documents",
            "extract.fields",
            "finalise.verification machine",
            "judge.claim read",
            "prepare.pages 1-16 of 1",
            "publish.provisional",
        ],
        ..one_page()
    }
}

/// The store comes back, but what it must hold is not in it: no blocker, a failure.
fn failed_for_good() -> Scenario {
    let fault = |type_name, retryable| Fault { activity: "extract.fields", type_name, retryable };
    Scenario {
        name: "failed-for-good",
        script: Script {
            faults: vec![fault(STORE_UNAVAILABLE, true), fault(STORE_UNAVAILABLE, true), fault(MISSING_RECORD, false)],
            ..one_page().script
        },
        status: Status::Failed,
        verdict: None,
        effects: &[
            "classify.documents",
            "finalise.verification failed extract MissingRecord",
            "ocr.read_pages 1-1 of 1",
            "prepare.pages 1-16 of 1",
        ],
        ..one_page()
    }
}
