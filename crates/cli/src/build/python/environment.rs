//! The virtual environment with componentize-py, in the version that
//! requirements.txt of this command pins, checked against its hashes.

use crate::build::lock;
use crate::build::tool::{Runner, output_of};
use crate::build::tools::Tools;
use crate::{confined, embedded};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIREMENTS: &str = "tools/python/requirements.txt";

/// As for the SDK, so that an ability's tests run on it too.
const OLDEST: (u32, u32) = (3, 11);

/// Prints the version, and whether it can make environments.
const PROBE: &str = "\
import sys
print('.'.join(map(str, sys.version_info[:3])))
try:
    import venv, ensurepip
    print('venv')
except ImportError:
    print('-')
";

const GET_PYTHON: &str = "install one (Debian, Ubuntu: `apt install python3 python3-venv`; \
     else https://www.python.org/downloads/)";

/// Python on this machine, and what is installed with it.
pub struct Environment {
    /// What people call it, or its path.
    python: PathBuf,
    pub version: String,
}

impl Environment {
    /// Finds a Python that can make environments.
    pub fn find() -> Result<Self> {
        let mut refused = Vec::new();
        for name in ["python3", "python"] {
            let Some(found) = output_of(Command::new(name).args(["-I", "-c", PROBE])) else {
                continue;
            };
            let (version, venv) = found.split_once('\n').unwrap_or((&found, "-"));
            let version = version.trim().to_owned();
            if !is_new_enough(&version) {
                refused.push(format!("{name} is version {version}"));
            } else if venv.trim() != "venv" {
                bail!(
                    "{name} has no venv, with which build tools are installed; install it \
                     (Debian, Ubuntu: `apt install python3-venv`)"
                );
            } else {
                let python = name.into();
                return Ok(Self { python, version });
            }
        }
        let (major, minor) = OLDEST;
        if refused.is_empty() {
            bail!(
                "there is no python3, which builds abilities in Python (any from \
                 {major}.{minor} on); {GET_PYTHON}"
            );
        }
        bail!(
            "abilities in Python are built with Python {major}.{minor} or newer, but {}; \
             {GET_PYTHON}",
            refused.join(" and ")
        )
    }

    /// The pinned version of componentize-py.
    pub fn pinned() -> String {
        let text = String::from_utf8_lossy(embedded::file(REQUIREMENTS));
        let version = text.split_once("componentize-py==").map(|(_, rest)| rest);
        let version = version.and_then(|rest| rest.split_whitespace().next());
        version.unwrap_or_default().to_owned()
    }
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST,
        _ => false,
    }
}

/// The Python of an environment.
pub fn python_in(directory: &Path) -> PathBuf {
    match cfg!(windows) {
        true => directory.join("Scripts").join("python.exe"),
        false => directory.join("bin").join("python"),
    }
}

/// Where the environment in `parent` looks for the SDK.
pub fn unpack_sdk(parent: &Path) -> Result<()> {
    // Builds that share it would take each other's files away.
    let waiting_for = format!("another build that uses {}", parent.display());
    let _lock = lock::alone(&parent.join("sdk.lock"), &waiting_for)?;
    embedded::unpack("sdk/python", parent, "sdk/python")?;
    Ok(())
}

impl Tools for Environment {
    fn name(&self) -> &'static str {
        "python"
    }

    fn pins(&self) -> Vec<u8> {
        let mut pins = format!("python {}\n", self.version).into_bytes();
        pins.extend(embedded::file(REQUIREMENTS));
        pins
    }

    /// The Python that it was made with may be gone.
    fn works(&self, directory: &Path) -> bool {
        output_of(Command::new(python_in(directory)).args(["-I", "-c", "print()"])).is_some()
    }

    fn install(&self, directory: &Path, runner: Runner) -> Result<()> {
        let version = Self::pinned();
        let parent = directory.parent().unwrap_or(directory);
        let mut venv = Command::new(&self.python);
        venv.args(["-I", "-m", "venv"]).arg(directory);
        let what = format!(
            "Setting up Python in {} (once; some seconds)",
            directory.display()
        );
        let ended = runner.run(&what, &mut venv)?;
        if !ended.ok() {
            bail!(
                "no Python environment could be made in {}:\n{}",
                directory.display(),
                ended.said()
            );
        }
        let requirements = directory.join("requirements.txt");
        let pinned = embedded::file(REQUIREMENTS);
        confined::write_if_different(directory, "requirements.txt", pinned)?;
        let python = python_in(directory);
        let mut pip = Command::new(&python);
        pip.args(["-I", "-m", "pip", "install", "--quiet"]);
        pip.args(["--disable-pip-version-check", "--no-input", "--no-deps"]);
        pip.args(["--only-binary", ":all:", "--require-hashes"]);
        pip.arg("--requirement").arg(&requirements);
        let what = format!("Installing componentize-py {version} (once; 40 MB to fetch)");
        let ended = runner.run(&what, &mut pip)?;
        if !ended.ok() {
            bail!(
                "componentize-py {version} could not be installed; it needs the network once, and \
                 exists for Linux (glibc), macOS and Windows:\n{}",
                ended.said()
            );
        }
        lead_to_sdk(&python, parent)
    }
}

/// Lets the environment's Python find the SDK, for the tests of an ability. By a
/// path from the environment, which is the same for all that share it.
fn lead_to_sdk(python: &Path, parent: &Path) -> Result<()> {
    unpack_sdk(parent)?;
    let mut probe = Command::new(python);
    probe.args([
        "-I",
        "-c",
        "import sysconfig; print(sysconfig.get_path('purelib'))",
    ]);
    let site = output_of(&mut probe).context("the Python environment does not run")?;
    let lines: String = ["sdk/python", "sdk/python/facade"]
        .iter()
        .map(|sdk| format!("{}\n", parent.join(sdk).display()))
        .collect();
    fs::write(Path::new(&site).join("ability-storage.pth"), lines)
        .with_context(|| format!("{site} could not be written to"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for old in ["3.10.13", "2.7.18", "", "three"] {
            assert!(!is_new_enough(old), "{old:?}");
        }
        for new in ["3.11.0", "3.14.1", "4.0.0"] {
            assert!(is_new_enough(new), "{new:?}");
        }
    }

    #[test]
    fn the_pinned_version_is_found() {
        let text = String::from_utf8_lossy(embedded::file(REQUIREMENTS));
        let version = Environment::pinned();
        assert_eq!(version.split('.').count(), 3, "{version:?}");
        assert!(text.matches("--hash=sha256:").count() > 3);
    }
}
