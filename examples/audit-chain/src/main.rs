//! An ability that keeps an audit log as a hash chain: it records each line of
//! its standard input, and says so only after the record is durable.
//!
//! Its standard output is a contract: programs that kill it at random moments
//! compare what it acknowledged with what the file holds afterwards.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod chain;
mod store;

use ability_storage_guest::audit::Head;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use store::{Store, StoreError};

const HELP: &str = "\
Records each line of standard input in a hash chain.

Usage: audit-chain [verify | continue] [--format json|lines | --the-old-way]

Without a command it prints `ready <count> <head>`, and for each line, once its
record is saved, `ok <sequence> <head>`. Any number of them may run at once.

Commands:
  verify         check every link, the count and the head
  continue       go on behind a break: leave all as it is, and append a record
                 that says where the chain was broken (with --format lines)

Options:
  --head <count>:<hash>
                 for verify: the last record that was acknowledged, kept
                 elsewhere; records that are missing are found with it
  --format json  one JSON document, audit_chain.json, written whole for each
                 record; this is the default
  --format lines one line a record, audit_chain.log, each appended at the same
                 cost however long the log is
  --the-old-way  keep the chain in the plain file /scratch/audit_chain.json,
                 deleted and written anew each time: what abilities do without
                 ability-storage, here to compare
  --help         print this text
";

#[derive(Debug, PartialEq, Eq)]
enum Command {
    Append(Store),
    Verify(Store, Head),
    Continue(Store),
    Help,
}

fn main() -> ExitCode {
    let result = parse(std::env::args().skip(1)).and_then(|command| match command {
        Command::Append(store) => append(store),
        Command::Verify(store, kept) => verify(store, kept),
        Command::Continue(store) => continue_broken(store),
        Command::Help => Ok(print(HELP)?),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If standard error is gone too, the exit code still tells.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Command, Box<dyn Error>> {
    let mut format = None;
    let mut the_old_way = false;
    let mut kept = None;
    let mut command = None;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "verify" | "continue" if command.is_none() => command = Some(argument),
            "--the-old-way" => the_old_way = true,
            "--format" => {
                format = Some(match arguments.next().as_deref() {
                    Some("json") => Store::Json,
                    Some("lines") => Store::Lines,
                    _ => return Err("--format needs json or lines; see --help".into()),
                });
            }
            "--head" => {
                let text = arguments.next().unwrap_or_default().replacen(':', " ", 1);
                kept = Some(text.parse::<Head>()?);
            }
            "--help" | "-h" => return Ok(Command::Help),
            other => return Err(format!("unknown argument {other:?}; see --help").into()),
        }
    }
    let store = match (format, the_old_way) {
        (None, true) => Store::OldWay,
        (Some(_), true) => return Err("--the-old-way has one format; see --help".into()),
        (format, false) => format.unwrap_or(Store::Json),
    };
    match (command.as_deref(), kept) {
        (Some("verify"), kept) => Ok(Command::Verify(store, kept.unwrap_or(Head::START))),
        (_, Some(_)) => Err("--head is for verify; see --help".into()),
        (Some(_), None) => Ok(Command::Continue(store)),
        (None, None) => Ok(Command::Append(store)),
    }
}

fn append(store: Store) -> Result<(), Box<dyn Error>> {
    let mut log = store.open()?;
    let Head { count, hash } = log.head();
    print(&format!("ready {count} {hash}\n"))?;
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let payload = line.strip_suffix(b"\n").unwrap_or(&line);
        let Head { count, hash } = log.record(payload)?;
        // Only now: who reads this may rely on the record.
        print(&format!("ok {count} {hash}\n"))?;
        line.clear();
    }
    Ok(())
}

fn verify(store: Store, kept: Head) -> Result<(), Box<dyn Error>> {
    let Head { count, hash } = match store.verify(kept) {
        // The plain form, which is what other programs look for.
        Err(StoreError::Broken(broken)) => return Err(broken.into()),
        other => other?,
    };
    print(&format!("verified {count} records, head {hash}\n"))?;
    Ok(())
}

fn continue_broken(store: Store) -> Result<(), Box<dyn Error>> {
    let Head { count, hash } = store.continue_broken()?;
    print(&format!("ready {count} {hash}\n"))?;
    Ok(())
}

/// Writes and flushes, and fails rather than panics if nobody reads.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &str) -> Result<Command, Box<dyn Error>> {
        parse(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_in_any_order() {
        let append = parsed("").unwrap();
        assert_eq!(append, Command::Append(Store::Json));
        assert_eq!(
            parsed("--the-old-way").unwrap(),
            Command::Append(Store::OldWay)
        );
        for arguments in ["verify --the-old-way", "--the-old-way verify"] {
            let verify = Command::Verify(Store::OldWay, Head::START);
            assert_eq!(parsed(arguments).unwrap(), verify);
        }
        assert_eq!(parsed("verify --help").unwrap(), Command::Help);
        for arguments in ["verify --format lines", "--format lines verify"] {
            let verify = Command::Verify(Store::Lines, Head::START);
            assert_eq!(parsed(arguments).unwrap(), verify);
        }
        assert_eq!(
            parsed("--format json").unwrap(),
            Command::Append(Store::Json)
        );
        assert_eq!(
            parsed("continue --format lines").unwrap(),
            Command::Continue(Store::Lines)
        );
        let hash = "1".repeat(64);
        let kept = format!("3 {hash}").parse().unwrap();
        assert_eq!(
            parsed(&format!("verify --head 3:{hash}")).unwrap(),
            Command::Verify(Store::Json, kept)
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for arguments in [
            "verfy",
            "verify continue",
            "verify --head",
            "verify --head 3",
            "--head 0:0",
            "--format",
            "--format xml",
            "--format lines --the-old-way",
        ] {
            assert!(parsed(arguments).is_err(), "{arguments}");
        }
    }
}
