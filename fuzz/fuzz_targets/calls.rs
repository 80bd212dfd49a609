//! Any sequence of calls: a directory does what a volume in memory does.

#![no_main]

use ability_storage_fuzz::calls::{self, Call};

libfuzzer_sys::fuzz_target!(|calls: Vec<Call>| calls::check(&calls));
