//! Arguments and exit codes.

mod home;
mod trial;
mod up;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use outage::{cluster, trial as trials};
use std::path::PathBuf;
use std::process::ExitCode;

const CANNOT_RUN: u8 = 2;

/// Run a Ceph cluster, and kill its daemons while somebody commits to it
///
/// All its daemons listen on 127.0.0.1 only, and are gone when the command ends,
/// however it ends.
///
/// Exit codes: 0 all is as it should be; 1 a promise was broken; 2 it cannot run here;
/// 130 stopped.
#[derive(Debug, Parser)]
#[command(name = "outage", bin_name = "cargo xtask ceph", verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// A directory for what the clusters keep.
    #[arg(
        long,
        global = true,
        value_name = "DIRECTORY",
        default_value = "target/ceph"
    )]
    state: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::Options),
    Trial(trial::Options),
    #[command(hide = true)]
    Client(trials::client::Options),
}

pub fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Command::Client(options) = &arguments.command {
        trials::client::run(options)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(reason) = cluster::why_not() {
        bail!("it cannot run here: {reason}");
    }
    match &arguments.command {
        Command::Up(options) => up::run(options, &arguments.state),
        Command::Trial(options) => trial::run(options, &arguments.state),
        Command::Client(_) => unreachable!("handled above"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
