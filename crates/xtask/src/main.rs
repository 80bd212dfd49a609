//! `cargo xtask`: set up, build the guests, test and demonstrate this project, with nothing to
//! install by hand first.
//!
//! Must stay small and quick to compile: it is the first thing that a newcomer builds.

mod ability;
mod bench;
mod breaks;
mod ceph;
mod demo;
mod emulators;
mod features;
mod fuzz;
mod guests;
mod installing;
mod packages;
mod platforms;
mod powercut;
mod process;
mod progress;
mod scripting;
mod sdks;
mod startup;
mod test;
mod toolchain;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use workspace::Workspace;

/// Set up, test and demonstrate ability-storage.
///
/// Start with `cargo xtask demo` to see what this project is for, or with `cargo xtask test` to run
/// all that CI runs. Each command first installs what it lacks (see `cargo xtask setup --help`).
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Bench(bench::Options),
    Breaks(breaks::Options),
    Setup(toolchain::SetupOptions),
    Guests(guests::Options),
    Platforms(platforms::Options),
    Sdks(sdks::Options),
    Startup(startup::Options),
    Test(test::Options),
    Fuzz(fuzz::Options),
    Demo(demo::Options),
    Powercut(powercut::Options),
    Ceph(ceph::Options),
    Emulators(emulators::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\n{} {error:#}", progress::red("error:"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Bench(options) => return bench::run(&workspace, &options),
        Command::Breaks(options) => return breaks::run(&workspace, &options),
        Command::Setup(_) => toolchain::setup(&workspace)?,
        Command::Guests(_) => guests::build(&workspace)?,
        Command::Platforms(_) => platforms::check(&workspace)?,
        Command::Startup(options) => startup::measure(&workspace, &options)?,
        Command::Sdks(_) => sdks::check(&workspace)?,
        Command::Test(options) => test::run(&workspace, &options)?,
        Command::Powercut(options) => return powercut::run(&workspace, &options),
        Command::Ceph(options) => return ceph::run(&workspace, &options),
        Command::Emulators(options) => emulators::check(&workspace, &options)?,
        Command::Fuzz(options) => fuzz::run(&workspace, &options)?,
        Command::Demo(options) => return demo::run(&workspace, &options),
    }
    Ok(ExitCode::SUCCESS)
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
