//! An ability that keeps an audit log as a hash chain: it records each line of
//! its standard input, and says so only after the record is durable.
//!
//! Its standard output is a contract: programs that kill it at random moments
//! compare what it acknowledged with what the file holds afterwards.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod chain;
mod store;

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::SystemTime;
use store::{Store, StoreError};

const HELP: &str = "\
Records each line of standard input in a hash chain.

Usage: audit-chain [verify] [--the-old-way]

Without a command it prints `ready <count> <head>`, and for each line, once its
record is saved, `ok <sequence> <head>`.

Commands:
  verify         check every link, the count and the head

Options:
  --the-old-way  keep the chain in the plain file /scratch/audit_chain.json,
                 deleted and written anew each time: what abilities do without
                 ability-storage, here to compare
  --help         print this text
";

#[derive(Debug, PartialEq, Eq)]
enum Command {
    Append(Store),
    Verify(Store),
    Help,
}

fn main() -> ExitCode {
    let result = parse(std::env::args().skip(1)).and_then(|command| match command {
        Command::Append(store) => append(store),
        Command::Verify(store) => verify(store),
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

fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, Box<dyn Error>> {
    let mut store = Store::AbilityStorage;
    let mut command: fn(Store) -> Command = Command::Append;
    for argument in arguments {
        match argument.as_str() {
            "verify" => command = Command::Verify,
            "--the-old-way" => store = Store::OldWay,
            "--help" | "-h" => return Ok(Command::Help),
            other => return Err(format!("unknown argument {other:?}; see --help").into()),
        }
    }
    Ok(command(store))
}

fn append(store: Store) -> Result<(), Box<dyn Error>> {
    let mut chain = store.open()?;
    print(&format!("ready {} {}\n", chain.count(), chain.head()))?;
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let payload = line.strip_suffix(b"\n").unwrap_or(&line);
        chain.push(payload, unix_time());
        store.save(&chain)?;
        // Only now: who reads this may rely on the record.
        print(&format!("ok {} {}\n", chain.count(), chain.head()))?;
        line.clear();
    }
    Ok(())
}

fn verify(store: Store) -> Result<(), Box<dyn Error>> {
    let chain = match store.load() {
        // The plain form, which is what other programs look for.
        Err(StoreError::Broken(broken)) => return Err(broken.into()),
        other => other?,
    };
    chain.verify()?;
    print(&format!(
        "verified {} records, head {}\n",
        chain.count(),
        chain.head()
    ))?;
    Ok(())
}

/// Writes and flushes, and fails rather than panics if nobody reads.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn unix_time() -> u64 {
    // A clock before 1970 is no reason to lose a record.
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
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
        assert_eq!(append, Command::Append(Store::AbilityStorage));
        assert_eq!(
            parsed("--the-old-way").unwrap(),
            Command::Append(Store::OldWay)
        );
        for arguments in ["verify --the-old-way", "--the-old-way verify"] {
            assert_eq!(parsed(arguments).unwrap(), Command::Verify(Store::OldWay));
        }
        assert_eq!(parsed("verify --help").unwrap(), Command::Help);
        assert!(parsed("verfy").is_err());
    }
}
