//! Any text as a path: allowed if and only if the rules allow it, and then harmless.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| ability_storage_fuzz::names::check(text));
