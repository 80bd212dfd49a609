//! A guest that does what its arguments say, so that a test can do anything from
//! inside a real component and see what came of it.
//!
//! One operation is one list of words: the arguments, taken as they are; or with
//! the argument `script` each line of standard input, its words separated by tabs
//! and decoded as in [`escape`]. A last word `--user` chooses the user's scope.
//! Each operation answers with one line on standard output, `ok …` or `err …`. The
//! exit code is 0 also after `err`, except for words that make no sense.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod batch;
mod escape;
mod files;
mod network;
mod pattern;
mod pour;
mod sandbox;
mod streaming;

use ability_storage_guest::Scope;
use answer::{Answer, Failure};
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments != ["script"] {
        return report(&perform(&arguments));
    }
    for line in io::stdin().lock().lines() {
        let answer = words(&line?).and_then(|words| perform(&words));
        let code = report(&answer)?;
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn report(answer: &Answer) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", answer::line(answer))?;
    out.flush()?;
    Ok(match answer {
        Err(Failure::Usage(_)) => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

/// The words of one line of a script.
fn words(line: &str) -> Result<Vec<String>, Failure> {
    line.split('\t')
        .map(escape::unescape)
        .collect::<Result<_, _>>()
        .map_err(Failure::Usage)
}

fn perform(words: &[String]) -> Answer {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (words, scope) = match words.split_last() {
        Some((&"--user", words)) => (words, Scope::User),
        _ => (words.as_slice(), Scope::Ability),
    };
    files::perform(words, scope)
        .or_else(|| batch::perform(words, scope))
        .or_else(|| streaming::perform(words, scope))
        .or_else(|| pour::perform(words, scope))
        .or_else(|| sandbox::perform(words))
        .unwrap_or_else(|| Err(Failure::Usage(format!("no such operation: {words:?}"))))
}

fn number(text: &str) -> Result<u64, Failure> {
    text.parse()
        .map_err(|_| Failure::Usage(format!("{text:?} is not a number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage_error(words: &[&str]) -> bool {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        matches!(perform(&words), Err(Failure::Usage(_)))
    }

    #[test]
    fn words_of_a_script_may_hold_anything() {
        assert_eq!(
            words("write\ta\\0b\\tc\t\\\\x\t--user").unwrap(),
            ["write", "a\0b\tc", "\\x", "--user"]
        );
        assert_eq!(words("write\t\t").unwrap(), ["write", "", ""]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(usage_error(&[]));
        assert!(usage_error(&["--user"]));
        assert!(usage_error(&["wirte", "path", "text"]));
        assert!(usage_error(&["write", "path"]));
        assert!(usage_error(&["grow", "much"]));
        assert!(words("\\q").is_err());
    }
}
