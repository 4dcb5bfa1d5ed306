//! The list of the promises, and what is made of it.

/// Makes a module with one test for each promise of `EventStore`, run against
/// the stores that an expression makes: see the module `testing`.
///
/// The expression is evaluated anew for each store that a test needs, and
/// gives an `Arc` of a type that is an `EventStore`.
#[macro_export]
macro_rules! contract_suite {
    ($name:ident, $make:expr) => {
        #[cfg(test)]
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $crate::__contract_promises!(__contract_tests { $make });
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __contract_tests {
    ({ $make:expr } $($theme:ident { $($promise:ident)* })*) => {
        $(mod $theme {
            #[allow(unused_imports)]
            use super::*;
            $(#[test]
            fn $promise() {
                $crate::testing::run(stringify!($theme), stringify!($promise), &|| $make);
            })*
        })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __contract_list {
    ({} $($theme:ident { $($promise:ident)* })*) => {
        /// Every promise of the suite.
        pub const PROMISES: &[Promise] = &[$($(Promise {
            theme: stringify!($theme),
            name: stringify!($promise),
            check: $theme::$promise,
        },)*)*];
    };
}

/// Calls a macro with the list. A promise that is not in it is unused code,
/// and so the compiler says that it is missing.
#[doc(hidden)]
#[macro_export]
macro_rules! __contract_promises {
    ($then:ident $arguments:tt) => {
        $crate::$then! {
            $arguments
            append {
                a_new_store_is_empty
                each_store_has_an_id_of_its_own
                an_event_is_read_as_it_was_given
                what_was_not_given_is_not_there
                data_is_any_bytes_of_any_length
                positions_count_all_events
                versions_count_the_events_of_each_stream
                events_of_several_streams_keep_their_order
                a_stream_without_events_is_not_made
                each_event_knows_its_append
                answers_come_in_the_order_of_submission
                answers_may_be_awaited_in_any_order
            }
            conditions {
                one_that_holds_lets_the_append_in
                one_that_fails_refuses_everything_and_names_the_event
                the_first_that_fails_is_named
                it_is_about_what_comes_after_a_position
                direction_and_limit_play_no_part
                every_kind_of_query_may_be_one
                it_counts_what_was_submitted_before
                a_repeat_is_known_before_it
                an_expectation_fails_before_it
                of_many_threads_one_gets_the_name
            }
            expectations {
                each_form_holds_for_the_stream_that_is_written
                each_form_holds_for_a_stream_that_is_only_checked
                one_failed_expectation_refuses_the_whole_append
                the_first_stream_that_is_not_as_expected_is_named
                expectations_are_about_the_state_before_the_append
                an_expectation_counts_what_was_submitted_before
                a_conflict_answers_once_what_it_saw_is_visible
                a_conflict_over_a_checked_stream_answers_as_late
            }
            repeats {
                a_retry_with_an_exact_version_is_a_repeat
                a_retry_that_expected_no_stream_is_a_repeat
                a_retry_over_several_streams_is_a_repeat
                one_exact_version_among_several_streams_is_enough
                a_repeat_is_known_before_other_expectations_are_looked_at
                without_an_exact_version_there_is_no_repeat
                other_events_are_a_conflict
                the_same_events_at_another_version_are_a_conflict
                a_version_within_the_first_append_is_a_conflict
                the_same_events_in_other_streams_are_no_repeat
                a_part_of_an_earlier_append_is_a_conflict
                a_repeat_answers_at_the_durability_now_asked
                a_refused_append_may_be_retried
            }
            unique_ids {
                the_same_append_is_a_repeat_whatever_it_expects
                a_repeat_is_known_however_long_ago_it_was
                an_id_with_other_content_is_refused
                a_part_or_more_of_an_earlier_append_is_refused
                an_id_that_comes_twice_in_an_append_is_refused
                a_repeat_that_expects_nothing_answers_at_the_durability_now_asked
                an_id_that_is_taken_answers_once_its_event_is_visible
                it_counts_what_was_submitted_before_it
                what_was_refused_takes_no_id
                of_many_threads_one_gets_the_id
            }
            reading {
                forward_is_oldest_first_and_backward_newest_first
                a_stream_is_read_between_versions
                a_limit_takes_the_first_of_the_direction
                bounds_exclude_the_lower_and_include_the_upper
                a_category_is_the_name_up_to_its_first_slash
                what_is_not_there_is_not_found
                types_are_alternatives_and_tags_are_all_asked_for
                an_event_that_two_items_ask_for_comes_once
                a_read_gives_what_the_query_means
                a_read_that_is_resumed_goes_on_where_it_was
                a_read_that_has_not_ended_well_is_not_resumed
                scan_lends_what_read_gives
                scan_stops_where_it_is_told_to
                events_may_be_kept_and_sent
            }
            bounds {
                what_is_appended_during_a_read_does_not_show_up
                a_read_that_was_not_begun_is_bounded_as_well
                a_bound_beyond_the_head_does_not_let_more_in
                a_visitor_may_append_and_does_not_see_it
                the_same_bound_reads_the_same_again
            }
            waiting {
                a_head_that_has_passed_is_told_at_once
                when_the_time_is_up_the_head_is_told_as_it_is
                an_append_wakes_all_who_wait
                nobody_is_woken_before_the_head_has_passed
                a_flush_wakes_who_waits_for_buffered_events
                an_append_that_nobody_waits_for_wakes_too
                read_then_wait_misses_nothing
                a_wait_ends_when_it_is_over
                a_wait_that_may_be_over_ends_like_any_other
            }
            durability {
                a_durable_append_is_durable_and_visible
                a_written_append_is_visible
                a_buffered_append_is_visible_once_it_is_flushed
                a_flush_makes_everything_submitted_durable
                an_append_takes_with_it_what_was_submitted_before
                what_nobody_waits_for_is_written_and_synced_soon
                what_was_only_to_be_written_is_synced_soon
                what_is_durable_is_visible
            }
            closing {
                a_closed_store_takes_no_appends
                reads_go_on_after_the_close
                closing_twice_is_no_error
                closing_makes_everything_durable
                closing_wakes_all_who_wait
                a_closed_store_lets_nobody_wait
                an_answer_outlives_the_store
                a_read_outlives_the_store
                a_close_beside_appends_loses_no_acknowledged_one
            }
            times {
                recorded_times_are_whole_microseconds
                recorded_times_never_go_backwards
                when_it_happened_is_the_applications_business
                a_time_leads_to_a_position
                ids_do_not_decide_the_order
            }
            names {
                each_name_is_a_stream_of_its_own
                each_name_is_a_category_of_its_own
                each_name_is_a_type_and_a_tag_of_its_own
                a_stream_a_category_a_type_and_a_tag_are_not_mixed_up
                many_tags_keep_their_order_and_their_repetitions
            }
            limits {
                names_that_are_empty_or_too_long_are_refused
                a_version_may_be_asked_of_any_name
                an_append_without_events_is_refused
                an_event_may_be_as_large_as_the_limit_and_no_larger
                an_append_may_be_no_larger_than_its_limit
                an_append_of_many_events_is_one
            }
            threads {
                exact_versions_let_no_update_be_lost
                nobody_sees_half_an_append
                only_one_of_many_makes_a_stream
                the_same_append_from_many_threads_is_recorded_once
                each_thread_keeps_its_order
            }
        }
    };
}
