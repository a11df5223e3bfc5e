//! Every activity alone, as Temporal may call it: twice, late, by another process, for another tenant, with a store away.

mod deliver;
mod endings;
mod failures;
mod once;
mod referral;
mod scene;
mod server;
mod tries;

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
    ("a_file_that_cannot_be_read_is_a_blocker", failures::a_file_that_cannot_be_read_is_a_blocker),
    ("the_first_ending_wins", endings::the_first_ending_wins),
    ("a_review_is_opened_once", endings::a_review_is_opened_once),
    ("a_lease_ends_when_it_was_not_renewed", endings::a_lease_ends_when_it_was_not_renewed),
    ("a_recorded_decision_is_the_ending_whatever_else_came_first", endings::a_recorded_decision_is_the_ending_whatever_else_came_first),
    ("what_the_policy_asks_for_is_said_and_the_same_every_time", referral::what_the_policy_asks_for_is_said_and_the_same_every_time),
    ("a_decoder_that_never_starts_is_given_up", tries::a_decoder_that_never_starts_is_given_up),
    ("a_store_that_is_away_costs_no_try", tries::a_store_that_is_away_costs_no_try),
    ("a_slow_machine_is_no_fault_of_the_file_until_it_is", tries::a_slow_machine_is_no_fault_of_the_file_until_it_is),
    ("pages_that_end_their_reader_are_given_up", tries::pages_that_end_their_reader_are_given_up),
    ("pages_whose_reader_was_lost_by_chance_are_read", tries::pages_whose_reader_was_lost_by_chance_are_read),
    ("rules_that_panic_are_an_engine_that_failed", tries::rules_that_panic_are_an_engine_that_failed),
    ("a_message_is_signed_and_arrives_once", deliver::a_message_is_signed_and_arrives_once),
    ("a_failed_attempt_is_followed_by_another_under_the_same_id", deliver::a_failed_attempt_is_followed_by_another_under_the_same_id),
    (
        "after_ten_attempts_it_is_a_dead_letter_until_somebody_retries",
        deliver::after_ten_attempts_it_is_a_dead_letter_until_somebody_retries,
    ),
    ("an_endpoint_that_is_gone_is_switched_off_at_once", deliver::an_endpoint_that_is_gone_is_switched_off_at_once),
    ("an_endpoint_that_only_fails_is_switched_off_after_five_days", deliver::an_endpoint_that_only_fails_is_switched_off_after_five_days),
    ("a_redirect_is_a_failure_and_never_followed", deliver::a_redirect_is_a_failure_and_never_followed),
    ("a_slow_endpoint_is_not_waited_for", deliver::a_slow_endpoint_is_not_waited_for),
    ("an_endless_answer_is_read_a_little", deliver::an_endless_answer_is_read_a_little),
    ("an_endpoint_that_asks_for_time_gets_it", deliver::an_endpoint_that_asks_for_time_gets_it),
    ("a_name_is_judged_by_where_it_leads", deliver::a_name_is_judged_by_where_it_leads),
    ("a_literal_address_a_port_and_a_scheme_are_judged_again", deliver::a_literal_address_a_port_and_a_scheme_are_judged_again),
    ("nobody_there_is_a_failed_attempt", deliver::nobody_there_is_a_failed_attempt),
    ("a_delivery_of_another_tenant_is_not_there", deliver::a_delivery_of_another_tenant_is_not_there),
];
