//! What guests are built with, found or installed in one place.
//!
//! A guest needs the standard library of `wasm32-wasip2`. There are two ways to it: rustup's, and
//! Debian's packages with a build from source. What is in place already always comes before what
//! has to be fetched: on a closed network rustup takes its full time limit to fail, and that must
//! never be paid twice.

mod debian;
mod rustup;

use crate::progress::note;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use std::ffi::OsString;
use std::process::Command;

pub const TARGET: &str = "wasm32-wasip2";

/// Chooses a way by force: `rustup` or `debian`.
pub const FORCE: &str = "ABILITY_GUEST_TOOLCHAIN";

/// How to build guests on this machine.
#[derive(Debug)]
pub enum Toolchain {
    /// The ordinary one: its standard library for the target is installed.
    Ordinary,
    Debian(debian::Recipe),
    /// Debian's sources alone, which are enough to check code for any target.
    DebianSources,
}

impl Toolchain {
    /// Adds what a `cargo build --target wasm32-wasip2` needs beyond that.
    pub fn apply(&self, cargo: &mut Command) -> Result<()> {
        match self {
            Self::Ordinary => Ok(()),
            Self::Debian(recipe) => recipe.apply(cargo),
            Self::DebianSources => {
                debian::use_sources(cargo);
                Ok(())
            }
        }
    }

    /// What a failed build may be due to, if it is due to the toolchain.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Ordinary | Self::DebianSources => "see cargo's message above",
            Self::Debian(_) => {
                "see cargo's message above; if symbols like `socket` are undefined: Debian's \
                 wasi-libc has no sockets, so that guests cannot use std::net"
            }
        }
    }

    /// For people who wonder why the first build takes longer.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Ordinary => "with the installed wasm32-wasip2 target",
            Self::Debian(_) | Self::DebianSources => {
                "with Debian's rustc-web; the first build includes std, 1 to 3 min"
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Rustup,
    Debian,
}

#[derive(Debug, PartialEq, Eq)]
enum Plan {
    Use(Way),
    /// In this order, until one works.
    Install(&'static [Way]),
}

/// What is in place already.
struct Present {
    rustup: bool,
    debian: bool,
}

fn plan(forced: Option<Way>, present: &Present) -> Plan {
    match forced {
        Some(Way::Rustup) if present.rustup => Plan::Use(Way::Rustup),
        Some(Way::Rustup) => Plan::Install(&[Way::Rustup]),
        Some(Way::Debian) if present.debian => Plan::Use(Way::Debian),
        Some(Way::Debian) => Plan::Install(&[Way::Debian]),
        None if present.rustup => Plan::Use(Way::Rustup),
        None if present.debian => Plan::Use(Way::Debian),
        None => Plan::Install(&[Way::Rustup, Way::Debian]),
    }
}

fn forced(value: Option<OsString>) -> Result<Option<Way>> {
    let Some(value) = value else { return Ok(None) };
    match value.to_str() {
        Some("") => Ok(None),
        Some("rustup") => Ok(Some(Way::Rustup)),
        Some("debian") => Ok(Some(Way::Debian)),
        _ => bail!("{FORCE} is {value:?}; set it to `rustup` or `debian`, or unset it"),
    }
}

/// Finds, or else installs, what guests are built with.
pub fn prepare(workspace: &Workspace) -> Result<Toolchain> {
    let forced = forced(std::env::var_os(FORCE))?;
    let recipe = debian::Recipe::new(workspace);
    let present = Present {
        rustup: rustup::has_target(workspace, TARGET),
        debian: recipe.missing().is_empty(),
    };
    match plan(forced, &present) {
        Plan::Use(Way::Rustup) => Ok(Toolchain::Ordinary),
        Plan::Use(Way::Debian) => Ok(Toolchain::Debian(recipe)),
        Plan::Install(ways) => install(workspace, recipe, ways),
    }
}

/// Finds, or else installs, what code for another platform is checked with.
pub fn for_checking(workspace: &Workspace, target: &str) -> Result<Toolchain> {
    if rustup::has_target(workspace, target) {
        return Ok(Toolchain::Ordinary);
    }
    let missing = debian::Recipe::new(workspace).missing();
    let has_sources = [debian::Part::Rustc, debian::Part::Sources]
        .iter()
        .all(|part| !missing.contains(part));
    if has_sources {
        return Ok(Toolchain::DebianSources);
    }
    rustup::add_target(workspace, target)?;
    Ok(Toolchain::Ordinary)
}

fn install(workspace: &Workspace, recipe: debian::Recipe, ways: &[Way]) -> Result<Toolchain> {
    let mut failures = String::new();
    for way in ways {
        let (name, outcome) = match way {
            Way::Rustup => ("rustup", rustup::add_target(workspace, TARGET)),
            Way::Debian => ("Debian packages", recipe.install(workspace)),
        };
        match outcome {
            Ok(()) if *way == Way::Rustup => return Ok(Toolchain::Ordinary),
            Ok(()) => return Ok(Toolchain::Debian(recipe)),
            Err(error) => {
                note(&format!("{name}: this way does not work here"));
                failures.push_str(&format!("\n- {name}: {error:#}"));
            }
        }
    }
    bail!(
        "cannot set up {TARGET}, which guests are built for:{failures}\n\
         Do one of these yourself, then run this command again:\n\
         - rustup target add {TARGET}\n\
         - on Debian or Ubuntu: run `cargo xtask setup` as root, which installs {}\n\
         {FORCE}=rustup or {FORCE}=debian makes this command try only that way.",
        debian::PACKAGES
    )
}

/// Set up all that the other commands need, so that they start at once
///
/// Guests are built for wasm32-wasip2. This takes the first way that is in place already, else the
/// first that works:
///
/// - rustup: `rustup target add wasm32-wasip2`, given up after 90 s (a closed network);
/// - debian: on Debian or Ubuntu, as root, the packages rustc-web, rust-web-src and wasi-libc, with
///   which each checkout builds the target's standard library from source (1 to 3 min, once).
///   Guests that use std::net do not link this way: the packaged libc has no sockets.
///
/// ABILITY_GUEST_TOOLCHAIN=rustup or =debian chooses one of them. clippy and rustfmt are added with
/// rustup where they are missing. Nothing is ever removed; the log of each step is in target/xtask.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct SetupOptions {}

pub fn setup(workspace: &Workspace) -> Result<()> {
    let toolchain = prepare(workspace)?;
    note(&format!("guests are built {}", toolchain.describe()));
    for component in [Component::Clippy, Component::Rustfmt] {
        need(workspace, component)?;
    }
    note("clippy and rustfmt are there");
    Ok(())
}

/// A part of the toolchain that `rust-toolchain.toml` leaves out, because only developers need it.
#[derive(Clone, Copy)]
pub enum Component {
    Clippy,
    Rustfmt,
}

impl Component {
    /// What rustup calls it, and the cargo command that it brings.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Clippy => ("clippy", "clippy"),
            Self::Rustfmt => ("rustfmt", "fmt"),
        }
    }
}

/// Installs a component with rustup if it is missing.
pub fn need(workspace: &Workspace, component: Component) -> Result<()> {
    let (component, command) = component.names();
    let works = || crate::process::output_of(workspace.cargo(command).arg("--version")).is_some();
    if works() {
        return Ok(());
    }
    rustup::add_component(workspace, component)?;
    if !works() {
        bail!(
            "`cargo {command}` still does not run; install {component} for the cargo that you use"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Present = Present {
        rustup: false,
        debian: false,
    };
    const TARGET_ONLY: Present = Present {
        rustup: true,
        debian: false,
    };
    const RECIPE_ONLY: Present = Present {
        rustup: false,
        debian: true,
    };
    const BOTH: Present = Present {
        rustup: true,
        debian: true,
    };

    #[test]
    fn what_is_in_place_is_used() {
        assert_eq!(plan(None, &TARGET_ONLY), Plan::Use(Way::Rustup));
        assert_eq!(plan(None, &BOTH), Plan::Use(Way::Rustup));
        assert_eq!(plan(Some(Way::Debian), &BOTH), Plan::Use(Way::Debian));
    }

    #[test]
    fn a_recipe_in_place_spares_the_wait_for_rustup() {
        assert_eq!(plan(None, &RECIPE_ONLY), Plan::Use(Way::Debian));
    }

    #[test]
    fn rustup_comes_before_packages() {
        assert_eq!(
            plan(None, &NOTHING),
            Plan::Install(&[Way::Rustup, Way::Debian])
        );
    }

    #[test]
    fn force_leaves_one_way() {
        assert_eq!(
            plan(Some(Way::Debian), &TARGET_ONLY),
            Plan::Install(&[Way::Debian])
        );
        assert_eq!(
            plan(Some(Way::Rustup), &RECIPE_ONLY),
            Plan::Install(&[Way::Rustup])
        );
    }

    #[test]
    fn an_unknown_way_is_refused() {
        assert_eq!(forced(None).expect("no force"), None);
        assert_eq!(
            forced(Some("debian".into())).expect("a way"),
            Some(Way::Debian)
        );
        let error = forced(Some("apt".into())).expect_err("not a way");
        assert!(
            error.to_string().contains("`rustup` or `debian`"),
            "{error}"
        );
    }
}
