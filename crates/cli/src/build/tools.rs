//! Build tools, installed in fixed versions into a directory: an ability's own,
//! or one that many share.
//!
//! An installation counts only once it is whole: its stamp is written last, and
//! says what was installed and where. A directory that the command did not make is never
//! used for tools: what is in it would be replaced. A build holds the directory's lock in the
//! shared way, an installation holds it alone.

use super::folder::{ignored_by_git, resolved};
use super::lock::{self, Lock};
use super::tool::Runner;
use crate::confined;
use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
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
    fs::create_dir_all(parent)
        .with_context(|| format!("{} could not be created", parent.display()))?;
    let parent = resolved(parent)?;
    claim(&parent)?;
    ignored_by_git(&parent)?;
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
            install(&parent, tools, runner)?;
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
    let present = confined::read(&directory.join(STAMP)).ok().flatten();
    present.is_some_and(|present| present == stamp(directory, tools)) && tools.works(directory)
}

/// Virtual environments hold their own path, so that they cannot be moved.
fn stamp(directory: &Path, tools: &impl Tools) -> Vec<u8> {
    let mut stamp = directory.as_os_str().as_encoded_bytes().to_vec();
    stamp.push(b'\n');
    stamp.extend(tools.pins());
    stamp
}

fn install(parent: &Path, tools: &impl Tools, runner: Runner) -> Result<()> {
    // First what says that it is whole, for it may be killed half-way.
    let stamp_file = confined::directory(parent, tools.name())?.join(STAMP);
    confined::remove_file(&stamp_file)
        .with_context(|| format!("{} could not be removed", stamp_file.display()))?;
    let directory = confined::empty_directory(parent, tools.name())?;
    tools.install(&directory, runner)?;
    confined::write_if_different(&directory, STAMP, &stamp(&directory, tools))
}

/// Says of a directory that the command made it.
const MARK: &str = ".ability-tools";

/// Makes sure that a directory is for tools: one that the command made, or a new one.
fn claim(directory: &Path) -> Result<()> {
    let shown = directory.display();
    if directory.file_name().is_some_and(|name| name == ".ability") || is_marked(directory) {
        return Ok(());
    }
    let entries = fs::read_dir(directory)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .with_context(|| format!("{shown} could not be read"))?;
    let holds_others = entries
        .iter()
        .any(|entry| entry.file_name() != "lost+found");
    // Another build may have marked it in the meantime.
    if holds_others && !is_marked(directory) {
        bail!(
            "{shown} holds files that are no build tools, and installing there could replace \
             them; name a new or an empty directory"
        );
    }
    match File::create_new(directory.join(MARK)) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
    .with_context(|| format!("{shown} could not be written to"))
}

/// Also by versions that wrote no mark.
fn is_marked(directory: &Path) -> bool {
    let installed = |name| confined::is_file(&directory.join(name).join(STAMP));
    confined::is_file(&directory.join(MARK))
        || ["python", "js", "js-starlingmonkey"]
            .into_iter()
            .any(installed)
}
