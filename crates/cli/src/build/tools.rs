//! Build tools, installed in fixed versions into a directory: an ability's own,
//! or one that many share.
//!
//! An installation counts only once it is whole: its stamp is written last, and
//! says what was installed and where. A build holds the directory's lock in the
//! shared way, an installation holds it alone.

use super::folder::{ignored_by_git, resolved};
use super::lock::{self, Lock};
use super::tool::Runner;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const STAMP: &str = "installed";

/// The tools of one language, in `<directory>/<name>`.
pub trait Tools {
    /// Its directory's name.
    fn name(&self) -> &'static str;

    /// What decides whether an installation is still the right one: the
    /// contents of lock files, say.
    fn pins(&self) -> Vec<u8>;

    /// Whether a whole installation can still be used.
    fn works(&self, directory: &Path) -> bool;

    /// Installs into an empty directory, by programs that hold its lock.
    fn install(&self, directory: &Path, runner: Runner) -> Result<()>;
}

/// Tools that are installed, and stay so while this is held.
pub struct Installed {
    pub directory: PathBuf,
    _lock: Lock,
}

/// Finds tools under `parent`, or installs them there.
pub fn ensure(parent: &Path, tools: &impl Tools, verbose: bool) -> Result<Installed> {
    ignored_by_git(parent)?;
    let parent = resolved(parent)?;
    let directory = parent.join(tools.name());
    let lock_file = parent.join(format!("{}.lock", tools.name()));
    let waiting_for = format!("another installation in {}", parent.display());
    loop {
        let lock = lock::shared(&lock_file, &waiting_for)?;
        if is_whole(&directory, tools) {
            return Ok(Installed {
                directory,
                _lock: lock,
            });
        }
        drop(lock);
        let lock = lock::alone(&lock_file, &waiting_for)?;
        if !is_whole(&directory, tools) {
            let runner = Runner {
                verbose,
                lock: &lock,
            };
            install(&directory, tools, runner)?;
            ensure!(
                is_whole(&directory, tools),
                "what was installed into {} does not run on this machine",
                directory.display()
            );
        }
        // Somebody else might change it now; so look again, locked.
    }
}

fn is_whole(directory: &Path, tools: &impl Tools) -> bool {
    fs::read(directory.join(STAMP)).is_ok_and(|present| present == stamp(directory, tools))
        && tools.works(directory)
}

/// Virtual environments hold their own path, so that they cannot be moved.
fn stamp(directory: &Path, tools: &impl Tools) -> Vec<u8> {
    let mut stamp = directory.as_os_str().as_encoded_bytes().to_vec();
    stamp.push(b'\n');
    stamp.extend(tools.pins());
    stamp
}

fn install(directory: &Path, tools: &impl Tools, runner: Runner) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(directory),
    }
    .with_context(|| format!("{} could not be emptied", directory.display()))?;
    tools.install(directory, runner)?;
    fs::write(directory.join(STAMP), stamp(directory, tools))
        .with_context(|| format!("{} could not be written to", directory.display()))
}
