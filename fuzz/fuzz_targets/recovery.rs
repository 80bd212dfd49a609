//! Any damage to what a killed process left in `.ability-storage/`: opening the volume loses no
//! committed file, touches nothing outside, and never panics or hangs.

#![no_main]

use ability_storage_fuzz::recovery::{self, Case};

libfuzzer_sys::fuzz_target!(|case: Case| recovery::check(&case));
