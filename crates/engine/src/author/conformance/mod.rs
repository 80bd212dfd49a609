//! What every [`Volume`] must do, as test functions that any backend can run.
//!
//! Each function of [`cases`] takes a fresh, empty volume that was opened with [`limits`] and
//! panics where a promise is broken. [`conformance_suite!`](crate::conformance_suite)
//! makes a `#[test]` of each:
//!
//! ```
//! # #[cfg(feature = "conformance")]
//! mod memory {
//!     use ability_storage_engine::{MemoryVolume, author::conformance};
//!
//!     ability_storage_engine::conformance_suite!(|run: fn(&dyn ability_storage_engine::Volume)| {
//!         run(&MemoryVolume::with_limits(conformance::limits()));
//!     });
//! }
//! ```
//!
//! A map in memory passes them. A volume that is meant to last also has to pass
//! [`reopening_cases`], which get a function that opens the volume, with the same files each
//! time:
//!
//! ```
//! # #[cfg(feature = "conformance")]
//! mod local {
//!     use ability_storage_engine::author::conformance::{self, Open};
//!     use ability_storage_engine::LocalVolume;
//!
//!     ability_storage_engine::conformance_suite!(reopening: |run: fn(Open<'_>)| {
//!         let directory = tempfile::tempdir().expect("a temporary directory");
//!         let options = LocalVolume::options().limits(conformance::limits());
//!         run(&mut || Box::new(options.clone().open(directory.path()).expect("opened")));
//!     });
//! }
//! ```
//!
//! # What it does not test
//!
//! A volume that passes may still break a promise that no test in one process can see:
//!
//! - *power cuts*: that what is acknowledged is on the disk, and not only in the memory of
//!   the system. The cases for reopening see what outlives the value, no more: a volume that
//!   keeps its files in a `static` passes them.
//! - *kills*: that a process that ends in the middle of a commit leaves all of it or nothing;
//! - *other processes and machines*: run the cases over several volumes at once
//!   ([`InTurn`]), and write tests with processes of your own;
//! - *failing disks and networks*: which error follows, whether it says what happened to the
//!   data ([`Error::outcome`](crate::Error::outcome)), and whether the volume goes on after
//!   that; [`Error::Unconfirmed`](crate::Error::Unconfirmed) and
//!   [`Error::InDoubt`](crate::Error::InDoubt) never occur in it;
//! - *full disks*, and all limits at once: each limit is tested alone;
//! - *what is not a file*: links, pipes, and what other programs do to the files meanwhile;
//! - *sizes and times*: nothing is longer than 1 MiB, there are no more than some 1,000
//!   files, and no case measures how long a call takes or how much memory it needs;
//! - *names*: what the store beneath makes of letters that differ in case or form alone.

mod batches;
mod concurrency;
mod ends;
mod files;
mod helpers;
mod in_turn;
mod monitoring;
mod preconditions;
mod quotas;
mod reopening;
mod streams;

pub use batches::*;
pub use concurrency::*;
pub use ends::*;
pub use files::*;
pub use in_turn::InTurn;
pub use monitoring::*;
pub use preconditions::*;
pub use quotas::*;
pub use reopening::*;
pub use streams::*;

use crate::{Limits, Volume};

/// The longest file of the volumes under test.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The most that the volumes under test hold.
const MAX_TOTAL_BYTES: u64 = 8 << 20;
const MAX_FILES: u64 = 1_100;
const MAX_DEPTH: usize = 8;
const MAX_WRITERS: usize = 4;
const MAX_BYTES_IN_FLIGHT: u64 = 3 << 20;

/// The limits with which a volume under test is to be opened.
pub fn limits() -> Limits {
    Limits::default()
        .max_file_bytes(MAX_FILE_BYTES)
        .max_total_bytes(MAX_TOTAL_BYTES)
        .max_files(MAX_FILES)
        .max_depth(MAX_DEPTH)
        .max_writers(MAX_WRITERS)
        .max_bytes_in_flight(MAX_BYTES_IN_FLIGHT)
}

/// What tests a fresh volume.
pub type Case = fn(&dyn Volume);

/// All functions of this module that test a volume, with their names: for callers
/// that create fresh volumes in another way than single tests do.
pub fn cases() -> Vec<(&'static str, Case)> {
    crate::__conformance_cases! { __conformance_list }
}

/// Opens the volume under test, which has the same files each time. The first time there are
/// none.
pub type Open<'a> = &'a mut dyn FnMut() -> Box<dyn Volume>;

/// What tests a volume that is opened again.
pub type ReopeningCase = fn(Open<'_>);

/// All functions of this module that test a volume which is opened again, with their names.
pub fn reopening_cases() -> Vec<(&'static str, ReopeningCase)> {
    crate::__conformance_cases! { reopening: __reopening_list }
}

/// Makes a `#[test]` of each function of [`conformance`](crate::author::conformance).
///
/// Takes a function that gets such a function and has to call it once with a
/// fresh volume; with `reopening:` in front, one that has to call it with a function that
/// opens the volume, see [`Open`](crate::author::conformance::Open). With `shared:` in front,
/// for calls that go to several volumes over the same files, it leaves out what only one
/// volume can keep.
#[macro_export]
macro_rules! conformance_suite {
    (reopening: $with_open:expr) => {
        $crate::__conformance_cases! { reopening: __conformance_tests $with_open }
    };
    ($with_fresh_volume:expr) => {
        $crate::__conformance_cases! { __conformance_tests $with_fresh_volume }
    };
    // What holds also where the calls go to several volumes over the same files.
    (shared: $with_fresh_volume:expr) => {
        $crate::__conformance_cases! { shared: __conformance_tests $with_fresh_volume }
    };
}

/// Gives the names of all cases to another macro, behind what that is to get first.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    (reopening: $then:ident $($first:expr)?) => {
        $crate::$then! { [$($first)?]
            what_is_committed_outlives_the_volume
            long_contents_outlive_the_volume
            preconditions_hold_after_reopening
            what_is_not_committed_does_not_come_back
        }
    };
    (shared: $then:ident $($first:expr)?) => {
        $crate::__conformance_cases! { @ $then [$($first)?] }
    };
    ($then:ident $($first:expr)?) => {
        $crate::__conformance_cases! { @ $then [$($first)?]
            no_reader_sees_half_a_batch
            writers_are_limited_in_number
            bytes_in_flight_are_limited
            limits_on_all_files_are_kept
            commits_are_counted
            a_closed_volume_refuses_every_call
            closing_waits_for_commits
        }
    };
    (@ $then:ident [$($first:expr)?] $($alone:ident)*) => {
        $crate::$then! { [$($first)?]
            $($alone)*
            what_is_written_is_read
            a_write_replaces_the_whole_file
            an_absent_file_is_not_found
            a_version_stands_for_contents
            a_write_keeps_its_precondition
            a_delete_keeps_its_precondition
            deleting_what_is_absent_succeeds
            an_append_adds_to_the_end
            an_append_keeps_its_precondition
            a_rename_moves_and_replaces
            a_rename_keeps_its_precondition
            a_list_is_by_directory_and_sorted
            a_path_is_a_file_or_a_directory
            directories_without_files_are_in_nobodys_way
            what_is_too_large_changes_nothing
            a_stat_tells_size_and_time
            no_update_is_lost
            appends_do_not_mix
            a_reader_sees_one_version
            a_reader_sees_whole_appends
            a_batch_does_all_of_it
            a_batch_does_none_of_it
            a_batch_takes_its_steps_in_order
            a_batch_can_turn_files_into_directories
            a_batch_of_a_thousand_steps
            crossing_batches_do_not_block_each_other
            a_writer_shows_nothing_before_its_commit
            a_writer_keeps_its_precondition
            a_stream_reader_stays_with_one_version
            limits_on_paths_are_kept
            an_append_keeps_its_end
            an_append_keeps_the_end_of_a_long_file
            every_change_keeps_its_end
            a_step_sees_the_end_that_the_one_before_left
            appends_behind_what_was_seen_follow_each_other
            a_stream_reader_skips
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ([$with_fresh_volume:expr] $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                ($with_fresh_volume)($crate::author::conformance::$case);
            }
        )*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __reopening_list {
    ([] $($case:ident)*) => {
        vec![$((stringify!($case), $crate::author::conformance::$case as $crate::author::conformance::ReopeningCase)),*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_list {
    ([] $($case:ident)*) => {
        vec![$((stringify!($case), $crate::author::conformance::$case as $crate::author::conformance::Case)),*]
    };
}
