//! What an ability's requirements.txt asks for: pure Python alone, because the
//! sandbox runs no code of the machine.
//!
//! Must never run code of a package: only wheels are taken, which have no
//! installation scripts.

use super::contents;
use crate::build::Job;
use crate::build::failure::NotBuildable;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python in components.
const PYTHON: &str = "3.14";

/// Installs the packages, if they are not there already. Returns their
/// directory, which exists in any case.
pub fn ensure(job: &Job, python: &Path) -> Result<PathBuf> {
    let requirements = job.folder.root.join("requirements.txt");
    let directory = job.folder.own("packages");
    let stamp_file = job.folder.own("packages.installed");
    let stamp = pins(&requirements, &mut BTreeSet::new())?;
    if directory.is_dir() && contents(&stamp_file)?.as_deref() == Some(&stamp) {
        return Ok(directory);
    }
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(&directory),
    }
    .with_context(|| format!("{} could not be emptied", directory.display()))?;
    if !stamp.is_empty() {
        install(job, python, &requirements, &directory)?;
    }
    fs::write(&stamp_file, stamp)
        .with_context(|| format!("{} could not be written", stamp_file.display()))?;
    Ok(directory)
}

/// The file, and those that it names.
fn pins(file: &Path, seen: &mut BTreeSet<PathBuf>) -> Result<Vec<u8>> {
    if !seen.insert(file.to_owned()) {
        return Ok(Vec::new());
    }
    let Some(mut pins) = contents(file)? else {
        return Ok(Vec::new());
    };
    let text = String::from_utf8_lossy(&pins).into_owned();
    for line in text.lines() {
        let mut words = line
            .trim()
            .split([' ', '='])
            .filter(|word| !word.is_empty());
        let option = words.next().unwrap_or_default();
        if ["-r", "--requirement", "-c", "--constraint"].contains(&option) {
            let other = file.with_file_name(words.next().unwrap_or_default());
            pins.extend(self::pins(&other, seen)?);
        }
    }
    Ok(pins)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_in_a_file_that_is_named_counts() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        let pins = || pins(&at("requirements.txt"), &mut BTreeSet::new()).expect("read");
        assert!(pins().is_empty(), "there is no file");
        // They name each other.
        fs::write(at("requirements.txt"), "-r more.txt\nsix\n").expect("written");
        fs::write(at("more.txt"), "--requirement=requirements.txt\n").expect("written");
        let before = pins();
        fs::write(at("more.txt"), "-r requirements.txt\nidna\n").expect("written");
        assert_ne!(before, pins());
    }
}
