//! The way of Debian and Ubuntu: a packaged rustc with its library's sources, from which cargo
//! builds the standard library of the target, linked by the tools of the ordinary toolchain.
//!
//! Must never remove a package or replace the ordinary toolchain: what it sets is for the builds of
//! guests alone.

use super::{TARGET, rustup};
use crate::packages;
use crate::process::output_of;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// For people who want to know first.
pub const PACKAGES: &str = "rustc-web, rust-web-src and wasi-libc";

const RUSTC: &str = "/usr/bin/rustc";
const STD_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
const WASI_LIBC: &str = "/usr/lib/wasm32-wasi";
const LINKED_TO: &str = "/usr/lib/rustlib/wasm32-wasip2/lib/self-contained";

/// What the linker takes from `WASI_LIBC`, and rustc looks for in `LINKED_TO`.
const LINKED: [&str; 3] = ["crt1-command.o", "crt1-reactor.o", "libc.a"];

/// The oldest rustc that builds this workspace.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// A part of the recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Rustc,
    Sources,
    Libc,
    Links,
    Linker,
}

impl Part {
    /// `None`: it does not come from a package.
    fn package(self) -> Option<&'static str> {
        match self {
            Self::Rustc => Some("rustc-web"),
            Self::Sources => Some("rust-web-src"),
            Self::Libc => Some("wasi-libc"),
            Self::Links | Self::Linker => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rustc => write!(f, "{RUSTC} of version {OLDEST} or newer"),
            Self::Sources => write!(f, "{STD_SOURCES}"),
            Self::Libc => write!(f, "{WASI_LIBC}/libc.a"),
            Self::Links => write!(f, "the links in {LINKED_TO}"),
            Self::Linker => write!(f, "wasm-component-ld, which is part of rustup's toolchains"),
        }
    }
}

#[derive(Debug)]
pub struct Recipe {
    /// The linkers of the ordinary toolchain.
    tools: PathBuf,
}

impl Recipe {
    pub fn new(workspace: &Workspace) -> Self {
        let tools = rustup::library_directory(workspace, None)
            .map(|library| library.with_file_name("bin"))
            .unwrap_or_default();
        Self { tools }
    }

    /// The parts that are not in place.
    pub fn missing(&self) -> Vec<Part> {
        let all_in = |directory: &str| LINKED.iter().all(|f| Path::new(directory).join(f).exists());
        let checks = [
            (Part::Rustc, rustc_is_new_enough()),
            (Part::Sources, Path::new(STD_SOURCES).exists()),
            (Part::Libc, all_in(WASI_LIBC)),
            (Part::Links, all_in(LINKED_TO)),
            (Part::Linker, self.tools.join("wasm-component-ld").exists()),
        ];
        checks
            .into_iter()
            .filter(|(_, there)| !there)
            .map(|(part, _)| part)
            .collect()
    }

    /// Installs what is missing.
    pub fn install(&self, workspace: &Workspace) -> Result<()> {
        packages::require_debian().with_context(|| format!("{TARGET} needs its packages here"))?;
        let missing = self.missing();
        if missing.contains(&Part::Linker) {
            bail!("it also needs {}", Part::Linker);
        }
        if !missing.is_empty() {
            packages::require_root(workspace)?;
        }
        let packages: Vec<&str> = missing.iter().filter_map(|part| part.package()).collect();
        if !packages.is_empty() {
            packages::install(workspace, &packages)?;
        }
        link_libc()?;
        let missing: Vec<String> = self.missing().iter().map(Part::to_string).collect();
        if !missing.is_empty() {
            bail!(
                "after the installation there is still no {}",
                missing.join(", no ")
            );
        }
        Ok(())
    }

    pub fn apply(&self, cargo: &mut Command) -> Result<()> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let tools = [self.tools.clone(), self.tools.join("gcc-ld")];
        let path = std::env::join_paths(tools.into_iter().chain(std::env::split_paths(&path)))
            .context("a directory of the toolchain cannot be part of PATH")?;
        cargo.env("PATH", path).env(
            "RUSTFLAGS",
            rustflags(&std::env::var("RUSTFLAGS").unwrap_or_default()),
        );
        use_sources(cargo);
        Ok(())
    }
}

/// Lets cargo build the standard library too, from the packaged sources.
pub fn use_sources(cargo: &mut Command) {
    cargo
        .env("RUSTC", RUSTC)
        // The packaged compiler is a stable one, and `build-std` is not stable yet.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["-Z", "build-std=std,panic_abort"]);
}

/// The flags of the person who builds, and those that the packaged libc needs.
///
/// The `_start` of its crt1-command.o leaves the calling of constructors to the linker, which then
/// has every export call them, `cabi_realloc` too. One of them asks the host for the preopened
/// directories, and a component that calls its host while it allocates for it is trapped ("cannot
/// leave component instance"). The `_initialize` of crt1-reactor.o calls them itself, and once.
fn rustflags(given: &str) -> String {
    let ours = format!("-C link-arg={WASI_LIBC}/crt1-reactor.o -C link-arg=--export=_initialize");
    format!("{given} {ours}").trim_start().to_owned()
}

#[cfg(unix)]
fn link_libc() -> Result<()> {
    let directory = Path::new(LINKED_TO);
    std::fs::create_dir_all(directory).with_context(|| format!("cannot create {LINKED_TO}"))?;
    for file in LINKED {
        let link = directory.join(file);
        if link.exists() {
            continue;
        }
        // One that points nowhere is in the way.
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(Path::new(WASI_LIBC).join(file), &link)
            .with_context(|| format!("cannot create {}", link.display()))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn link_libc() -> Result<()> {
    Ok(())
}

fn rustc_is_new_enough() -> bool {
    output_of(Command::new(RUSTC).arg("--version"))
        .and_then(|version| parse_version(version.strip_prefix("rustc ")?))
        .is_some_and(|version| Some(version) >= parse_version(OLDEST))
}

/// `1.96.0 (ac68faa20 2026-05-25)` is (1, 96).
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text
        .split(['.', ' ', '-'])
        .map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_flags_are_kept() {
        assert!(rustflags("-D warnings").starts_with("-D warnings -C link-arg="));
        assert!(rustflags("").starts_with("-C link-arg="));
    }

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(
            parse_version("1.96.0 (ac68faa20 2026-05-25)"),
            Some((1, 96))
        );
        assert_eq!(
            parse_version("1.97.0-nightly (0 2026-01-01)"),
            Some((1, 97))
        );
        assert_eq!(parse_version("1.95"), Some((1, 95)));
        assert!(parse_version("1.100.0") > parse_version("1.95.0"));
        assert_eq!(parse_version("unknown"), None);
        assert!(parse_version(OLDEST).is_some());
    }
}
