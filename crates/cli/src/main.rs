//! `ability`: runs abilities with tear-free storage.
//!
//! | module | holds |
//! |---|---|
//! | `args` | what may be written on the command line, and its help |
//! | `build` | from an ability's folder to a component |
//! | `new` | a new ability's folder |
//! | `embedded` | the SDKs, build tools and templates that the command carries |
//! | `limits` | the part of it that is about how much a guest may store |
//! | `size` | numbers of bytes, as people write them |
//! | `confined` | files inside one directory, reached through no link |
//! | `compile` | from a component to machine code in a file |
//! | `compiled` | such files |
//! | `compile_cache` | where compiled components are kept |
//! | `component` | from a file to a compiled component that this host can run |
//! | `roots` | where volumes are: under a directory, or in an object store |
//! | `storage` | from a root to the guest's two volumes |
//! | `guest` | what one guest is given, and nothing else |
//! | `memory` | how much memory it may use |
//! | `clock` | the clock that it sees |
//! | `model` | who answers what it asks a language model |
//! | `model_command` | a command that does |
//! | `background` | what runs beside it |
//! | `run` | one run, from start to exit code |
//! | `copy` | from one root to another, file by file |
//! | `gc` | removing from a root what nobody needs any more |
//! | `signals` | what SIGINT and SIGTERM end |
//! | `time` | times, as people write them |
//! | `progress` | what a person sees who has to wait |
//! | `log` | what a person sees who wants to see everything |

mod args;
mod background;
mod build;
mod clock;
mod compile;
mod compile_cache;
mod compiled;
mod component;
mod confined;
mod copy;
mod embedded;
mod gc;
mod guest;
mod limits;
mod log;
mod memory;
mod model;
mod model_command;
mod new;
mod progress;
mod roots;
mod run;
mod signals;
mod size;
mod storage;
mod time;

use args::{Cli, Command};
use signals::Signals;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// The command itself failed; the guest did not run.
const FAILED: u8 = 125;

fn main() -> ExitCode {
    let command = Cli::checked().command;
    let signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            complain(format_args!("{error:#}"));
            return ExitCode::from(FAILED);
        }
    };
    ExitCode::from(match command {
        Command::Run(args) => run::run(&args, &signals).unwrap_or_else(|error| {
            complain(format_args!("{error:#}"));
            FAILED
        }),
        Command::Build(args) => build::build(&args),
        Command::New(args) => new::new(&args),
        Command::Compile(args) => compile::compile(&args),
        Command::Copy(args) => copy::copy(&args),
        Command::Gc(args) => gc::gc(&args),
    })
}

/// A line on standard error. That it may be closed is no reason to fail.
fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "ability: {}", harmless(&text.to_string()));
}

/// The text without what would make a terminal do something: names of files may hold it, and
/// what a guest or a store says.
fn harmless(text: &str) -> String {
    let is_layout = |letter| matches!(letter, '\n' | '\t');
    let mut harmless = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() && !is_layout(letter) {
            true => harmless.extend(letter.escape_default()),
            false => harmless.push(letter),
        }
    }
    harmless
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_is_said_does_nothing_to_a_terminal() {
        let text = "a\u{1b}[31m\u{7}\u{9b}2J\r\n\tä";
        let said = "a\\u{1b}[31m\\u{7}\\u{9b}2J\\r\n\tä";
        assert_eq!(harmless(text), said);
    }
}
