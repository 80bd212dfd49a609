//! A guest that attacks its host, from inside a real component and faster than a
//! test could tell it to: what matters here is the number of attempts.
//!
//! It finds out by itself what was answered wrongly, prints that, and ends with
//! exit code 1. What only the host can see (that nothing outside was touched) is
//! for the test to look at.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod files;
mod mutate;
mod paths;
mod random;
mod rules;
mod streams;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match *words.as_slice() {
        ["paths", seed, cases] => paths::attack(number(seed), number(cases)),
        ["streams", what, path, held, attempts] => {
            streams::attack(what, path, number(held), number(attempts))
        }
        ["stop", way] => streams::stop(way),
        _ => Err(format!("no such attack: {words:?}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            println!("WRONG {wrong}");
            ExitCode::FAILURE
        }
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}
