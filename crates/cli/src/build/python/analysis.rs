//! What an ability's sources say, read by analyse.py without running them.

use crate::build::failure::NotBuildable;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Debug, Deserialize)]
pub struct Analysis {
    /// `old` or `new`.
    pub api: String,
    /// Whether there is a second component to be made of background.py.
    pub background: bool,
    has_main: bool,
    /// Modules for which there is a stand-in.
    pub stand_ins: Vec<String>,
    missing: Vec<Missing>,
}

/// A module that nobody provides, and who imports it.
#[derive(Debug, Deserialize)]
struct Missing {
    module: String,
    file: String,
    line: u32,
}

impl Analysis {
    pub fn of(
        python: &Path,
        scripts: &Path,
        folder: &Path,
        provided: &[PathBuf],
        stand_ins: &Path,
    ) -> Result<Self> {
        let mut command = Command::new(python);
        // Not isolated: it imports the module beside it.
        command
            .args(["-E", "-s", "-B"])
            .arg(scripts.join("analyse.py"));
        command.arg(folder).arg("--stand-ins").arg(stand_ins);
        for directory in provided {
            command.arg("--provides").arg(directory);
        }
        let output = command.stdin(Stdio::null()).output();
        let output = output.context("the Python environment does not run")?;
        if !output.status.success() {
            bail!(
                "the sources in {} could not be read:\n{}",
                folder.display(),
                String::from_utf8_lossy(&output.stderr).trim_end()
            );
        }
        serde_json::from_slice(&output.stdout).context("analyse.py of this command printed no JSON")
    }

    pub fn is_old(&self) -> bool {
        self.api == "old"
    }

    /// Refuses what could not run.
    pub fn check(&self, folder: &Path) -> Result<()> {
        if !self.missing.is_empty() {
            let lines: Vec<_> = self
                .missing
                .iter()
                .map(|Missing { module, file, line }| {
                    let file = folder.join(file);
                    format!("{}:{line}: there is no module {module}", file.display())
                })
                .collect();
            bail!(NotBuildable(format!(
                "{}\nModules are found in the standard library, in the ability's folder, and in \
                 the packages that its requirements.txt names (pure Python alone). An import in \
                 `try` with `except ImportError` may fail.",
                lines.join("\n")
            )));
        }
        if !self.is_old() && !self.has_main {
            bail!(NotBuildable(format!(
                "{} has no function main(), which is what runs when the ability is started",
                folder.join("main.py").display()
            )));
        }
        Ok(())
    }
}
