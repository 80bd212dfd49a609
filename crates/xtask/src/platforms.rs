//! Platforms on which the tests do not run: that the engine at least compiles there.
//!
//! Must never claim more: what was only checked is called so.

use crate::process::run_shown;
use crate::progress::note;
use crate::toolchain;
use crate::workspace::Workspace;
use anyhow::Result;

/// One for each way in which the engine's code differs from Linux.
const TARGETS: [&str; 2] = ["aarch64-apple-darwin", "x86_64-pc-windows-msvc"];

/// Check that the engine compiles for macOS and Windows, where it is not tested
///
/// Takes the standard library of the target from rustup, or builds it from Debian's sources where
/// rustup cannot fetch it; where neither works, says so and goes on.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {}

pub fn check(workspace: &Workspace) -> Result<()> {
    for target in TARGETS {
        let toolchain = match toolchain::for_checking(workspace, target) {
            Ok(toolchain) => toolchain,
            Err(error) => {
                note(&format!("{target}: not checked: {error:#}"));
                continue;
            }
        };
        let mut cargo = workspace.cargo("check");
        cargo
            .args(["--package", "ability-storage-engine", "--target", target])
            // Its assembly would need a C compiler for the target.
            .args(["--features", "blake3/pure", "--target-dir"])
            .arg(workspace.target().join("platforms"))
            .env("RUSTFLAGS", "-D warnings");
        toolchain.apply(&mut cargo)?;
        run_shown(&mut cargo)?;
        note(&format!("{target}: compiles (checked, not tested)"));
    }
    Ok(())
}
