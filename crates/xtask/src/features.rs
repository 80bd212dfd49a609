//! Builds of single packages with fewer features than the workspace has: that they compile
//! without warnings. A workspace that is built as a whole hides what a package lacks alone.

use crate::process::run_shown;
use crate::workspace::Workspace;
use anyhow::{Context, Result};

/// A package, and the features that are on.
const BUILDS: [(&str, &str); 6] = [
    ("ability-storage-engine", ""),
    ("ability-storage-object-store", ""),
    ("ability-storage-object-store", "aws"),
    ("ability-storage-object-store", "gcp"),
    ("ability-storage-object-store", "azure"),
    ("ability-storage-cli", ""),
];

pub fn check(workspace: &Workspace) -> Result<()> {
    for (package, features) in BUILDS {
        let mut cargo = workspace.cargo("clippy");
        cargo
            .args(["--package", package, "--no-default-features"])
            .args(["--features", features, "--", "-D", "warnings"]);
        let how = format!("{package} with the features [{features}] and no others");
        run_shown(&mut cargo).context(how)?;
    }
    Ok(())
}
