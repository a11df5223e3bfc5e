//! Every activity alone, as Temporal may call it: twice, late, by another process, for another tenant, with a store away.

mod endings;
mod failures;
mod once;
mod scene;

/// What the harness runs.
pub const TESTS: &[(&str, fn())] = &[
    ("every_step_done_twice_leaves_one_of_each", once::every_step_done_twice_leaves_one_of_each),
    ("two_attempts_side_by_side_leave_one_result", once::two_attempts_side_by_side_leave_one_result),
    (
        "the_same_bytes_are_read_once_for_a_tenant_and_never_for_another",
        once::the_same_bytes_are_read_once_for_a_tenant_and_never_for_another,
    ),
    ("a_lost_object_is_made_again", once::a_lost_object_is_made_again),
    ("failures_say_whether_trying_again_helps", failures::failures_say_whether_trying_again_helps),
    ("a_decoder_that_never_starts_is_given_up", failures::a_decoder_that_never_starts_is_given_up),
    ("a_file_that_cannot_be_read_is_a_blocker", failures::a_file_that_cannot_be_read_is_a_blocker),
    ("the_first_ending_wins", endings::the_first_ending_wins),
    ("a_review_is_opened_once", endings::a_review_is_opened_once),
    ("a_lease_ends_when_it_was_not_renewed", endings::a_lease_ends_when_it_was_not_renewed),
    ("a_recorded_decision_is_the_ending_whatever_else_came_first", endings::a_recorded_decision_is_the_ending_whatever_else_came_first),
];
