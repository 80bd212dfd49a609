//! What an ability's requirements.txt asks for: pure Python alone, because the
//! sandbox runs no code of the machine.
//!
//! Packages are installed into a new directory, which takes its place only once it is
//! whole; a record then says what it was made from and what is in it. Must never run code
//! of a package: only wheels are taken, which have no installation scripts. Must never take
//! packages for whole that are not as they were installed.

use super::requirements::{self, Pins};
use crate::build::Job;
use crate::build::failure::NotBuildable;
use crate::build::inputs::Inputs;
use crate::confined;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python in components.
const PYTHON: &str = "3.14";

const PACKAGES: &str = "packages";
const RECORD: &str = "packages.installed";
const NEW: &str = "packages.new";

/// Installs the packages, if they are not there already. Returns their
/// directory, which exists in any case.
pub fn ensure(job: &Job, python: &Path) -> Result<PathBuf> {
    let requirements = job.folder.root.join("requirements.txt");
    let own = job.folder.own();
    let directory = job.folder.directory(PACKAGES)?;
    let pins = match requirements::pins(&requirements)? {
        Pins::Nothing => {
            confined::remove_file(&own.join(RECORD))
                .with_context(|| format!("{} could not be removed", own.join(RECORD).display()))?;
            return confined::empty_directory(own, PACKAGES);
        }
        Pins::Hash(hash) => Some(hash),
        Pins::Unknown => None,
    };
    if let Some(pins) = &pins
        && confined::read(&own.join(RECORD))? == record(pins, &directory)
    {
        return Ok(directory);
    }
    let new = confined::empty_directory(own, NEW)?;
    let asked = fs::metadata(&requirements).is_ok_and(|metadata| metadata.len() > 0);
    if asked {
        install(job, python, &requirements, &new)?;
    }
    replace(own, &directory, &new)
        .with_context(|| format!("{} could not be replaced", directory.display()))?;
    if let Some(record) = pins.and_then(|pins| record(&pins, &directory)) {
        confined::write_if_different(own, RECORD, &record)?;
    }
    Ok(directory)
}

/// Puts whole packages in the place of the old ones. Between the two there are none, and
/// no record that says there were.
fn replace(own: &Path, directory: &Path, new: &Path) -> std::io::Result<()> {
    confined::remove_file(&own.join(RECORD))?;
    fs::remove_dir_all(directory)?;
    fs::rename(new, directory)
}

/// What the packages were made from, and what is in them; none if they cannot be read.
fn record(pins: &str, directory: &Path) -> Option<Vec<u8>> {
    let mut installed = Inputs::new("packages");
    installed.directory(directory).ok()?;
    Some(format!("{pins}\n{}\n", installed.hash()).into_bytes())
}

fn install(job: &Job, python: &Path, requirements: &Path, directory: &Path) -> Result<()> {
    let mut pip = Command::new(python);
    pip.args(["-I", "-m", "pip", "install", "--quiet", "--no-input"]);
    pip.args(["--disable-pip-version-check", "--no-compile"]);
    pip.args([
        "--only-binary",
        ":all:",
        "--platform",
        "any",
        "--abi",
        "none",
    ]);
    pip.args(["--implementation", "py", "--python-version", PYTHON]);
    pip.arg("--target").arg(directory);
    pip.arg("--requirement").arg(requirements);
    pip.current_dir(&job.folder.root);
    let what = format!("Installing the packages of {}", requirements.display());
    let ended = job.runner.run(&what, &mut pip)?;
    if !ended.ok() {
        let said = match job.runner.verbose {
            true => "see above".to_owned(),
            false => format!("pip says:\n{}", ended.said()),
        };
        bail!(NotBuildable(format!(
            "what {} asks for could not be installed. In the sandbox runs pure Python alone: a \
             package needs a wheel for any platform (py3-none-any), and so do those that it \
             needs itself; {said}",
            requirements.display()
        )));
    }
    Ok(())
}
