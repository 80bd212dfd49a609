//! What may be written after `ability build`, and its help.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub const LONG_ABOUT: &str = "\
Build an ability: make a component from its folder.

What is in the folder decides how: Cargo.toml (Rust), main.py (Python) or
package.json (JavaScript). An ability in Python that was written for the
platform's old file API (main.py, perhaps background.py and config.json) is built
as it is.

What a build needs is installed the first time, in fixed versions, into the
ability's own .ability/ (which git ignores); nothing is installed elsewhere. That
takes some seconds, and the network. Only wasm32-wasip2, the target of a Rust
ability, is added to the Rust that you have.

The component appears whole or not at all, and is left untouched if it would be
the same. Build only folders that you trust: a build runs programs of the
folder (build scripts, npm packages, the tools in .ability/) on this machine.";

pub const AFTER_HELP: &str = "\
Examples:
  ability build notes
      Makes notes.wasm, in the current directory, from the folder notes/.
  ability build . -o /tmp/notes.wasm --verbose
      Shows all that the tools say.
  ability build chat --tools ~/.cache/ability-tools
      Shares the installed tools with other abilities.

Exit codes:
  0      the component is built
  1      it cannot be built from what is in the folder: an error in its code, a
         package that does not exist
  2      the command line is wrong
  125    the build could not be started or ended: the folder holds no ability, a
         tool is missing and cannot be installed, or a file cannot be written";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Rust,
    Python,
    #[value(name = "js", alias = "javascript")]
    JavaScript,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    Quickjs,
    Starlingmonkey,
}

impl Engine {
    pub fn name(self) -> &'static str {
        match self {
            Self::Quickjs => "quickjs",
            Self::Starlingmonkey => "starlingmonkey",
        }
    }
}

#[derive(Args)]
pub struct BuildArgs {
    /// The ability's folder
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,

    /// Where the component goes [default: the folder's name with .wasm, here]
    ///
    /// The background.py of an ability for the old API becomes a second
    /// component beside it: NAME.background.wasm.
    #[arg(long, short, value_name = "FILE.wasm")]
    pub output: Option<PathBuf>,

    /// What the ability is written in [default: what the folder holds]
    #[arg(long, value_enum)]
    pub lang: Option<Language>,

    /// Which engine runs an ability in JavaScript
    #[arg(long, value_enum, default_value = "quickjs")]
    pub engine: Engine,

    /// Which program of a Rust crate is the ability, if it has several
    #[arg(long, value_name = "NAME")]
    pub bin: Option<String>,

    /// Where the build tools are installed [default: .ability/ in the folder]
    ///
    /// May be shared by any number of abilities and builds.
    #[arg(long, value_name = "DIR", env = "ABILITY_TOOLS")]
    pub tools: Option<PathBuf>,

    /// Say on standard output, as JSON, what was built with what
    #[arg(long)]
    pub json: bool,

    /// Show all that the tools say, not only why they fail
    #[arg(long, short)]
    pub verbose: bool,
}
