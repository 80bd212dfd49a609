//! How to look at what a power cut has left.

use crate::promise::{Expectation, Files, Kind, Violation};
use ability_storage_engine::layout::{
    KEPT, LOG, LOG_FILES, LOG_KEPT, PRIVATE_DIR, SESSIONS, SPARE_SESSION,
};
use ability_storage_engine::{Change, FilePath, LocalVolume, Volume};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Longer than any file of a workload.
const MOST_BYTES: u64 = 64 << 20;

/// Who looks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// A program that reads one plain file.
    Plain(String),
    /// A program that reads the second file if there is no sense in the first.
    PlainOrCopy(String, String),
    /// A host that opens the volume in this directory, which recovers.
    Volume(PathBuf),
}

impl Look {
    /// # Errors
    ///
    /// The first promise that was not kept.
    pub fn judge(&self, directory: &Path, expectation: &Expectation) -> Result<(), Violation> {
        match self {
            Look::Plain(name) => expectation.judge(&plain(directory, &[name])?),
            Look::PlainOrCopy(name, copy) => {
                let first = expectation.judge(&plain(directory, &[name])?);
                first.or_else(|violation| {
                    let mut files = Files::default();
                    match plain(directory, &[copy])?.get(copy) {
                        Some(contents) => files.put(name, contents),
                        None => return Err(violation),
                    }
                    expectation.judge(&files)
                })
            }
            Look::Volume(place) => volume(&directory.join(place), expectation),
        }
    }
}

fn plain(directory: &Path, names: &[&str]) -> Result<Files, Violation> {
    let mut files = Files::default();
    for name in names {
        match fs::read(directory.join(name)) {
            Ok(contents) => files.put(name, &contents),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Violation::new(Kind::Unreadable, format!("{name}: {error}")));
            }
        }
    }
    Ok(files)
}

fn volume(directory: &Path, expectation: &Expectation) -> Result<(), Violation> {
    if !directory.exists() {
        // Nobody has been told of a volume yet, or its files are missing.
        return expectation.judge(&Files::default());
    }
    let volume = LocalVolume::open(directory).map_err(unusable)?;
    expectation.judge(&all_of(&volume)?)?;
    let left = all_of(&volume)?;
    counts(&volume, &left)?;
    works(&volume)?;
    drop(volume);
    clean(directory)?;
    // What a person sees who opens the files in an editor.
    let seen = plain_files(directory, directory)?;
    match left.differences(&seen).first() {
        Some(path) => Err(Violation::new(
            Kind::Torn,
            format!("{path} is one thing in the volume and another in the directory"),
        )),
        None => Ok(()),
    }
}

fn unusable(error: ability_storage_engine::Error) -> Violation {
    Violation::new(Kind::Unusable, format!("{:#}", anyhow::Error::from(error)))
}

/// All files of a volume.
pub fn all_of(volume: &LocalVolume) -> Result<Files, Violation> {
    let mut files = Files::default();
    for path in volume.list(None).map_err(unusable)? {
        let snapshot = volume.read(&path, MOST_BYTES);
        let snapshot = snapshot
            .map_err(|error| Violation::new(Kind::Unreadable, format!("{path}: {error}")))?;
        files.put(path.as_str(), snapshot.contents());
    }
    Ok(files)
}

/// A volume that was recovered must be one that can be written to.
fn works(volume: &LocalVolume) -> Result<(), Violation> {
    let path = FilePath::new("after-the-power-cut")
        .map_err(|error| Violation::new(Kind::Unusable, error.to_string()))?;
    let contents = b"it works".to_vec();
    let write = Change::write(path.clone(), contents.clone());
    volume.commit(write.into()).map_err(unusable)?;
    let read = volume.read(&path, MOST_BYTES).map_err(unusable)?;
    if read.contents() != contents {
        return Err(Violation::new(
            Kind::Unusable,
            "a new file is not what was written",
        ));
    }
    volume
        .commit(Change::delete(path).into())
        .map_err(unusable)?;
    Ok(())
}

fn counts(volume: &LocalVolume, files: &Files) -> Result<(), Violation> {
    let usage = volume.usage().map_err(unusable)?;
    let counted = (usage.files, usage.bytes);
    let there = (files.paths().count() as u64, files.bytes());
    if counted != there {
        let detail = format!("it counts {counted:?} files and bytes, but there are {there:?}");
        return Err(Violation::new(Kind::Unusable, detail));
    }
    Ok(())
}

/// Nothing temporary is left once the volume is closed.
fn clean(directory: &Path) -> Result<(), Violation> {
    let private = directory.join(PRIVATE_DIR);
    let names_in = |directory: PathBuf| -> std::io::Result<Vec<String>> {
        let entries = fs::read_dir(directory)?;
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    let unreadable = |error| Violation::new(Kind::Unreadable, format!("{PRIVATE_DIR}: {error}"));
    let mut left = names_in(private.join(SESSIONS)).map_err(unreadable)?;
    left.retain(|name| name != SPARE_SESSION);
    let is_kept_of_log = |name: &&str| LOG_FILES.contains(name) || LOG_KEPT.contains(name);
    let log = names_in(private.join(LOG)).map_err(unreadable)?;
    left.extend(log.into_iter().filter(|name| !is_kept_of_log(&&**name)));
    let others = names_in(private).map_err(unreadable)?;
    left.extend(others.into_iter().filter(|name| !KEPT.contains(&&**name)));
    match left.first() {
        Some(name) => {
            let detail = format!("{name} is still in {PRIVATE_DIR}");
            Err(Violation::new(Kind::Extra, detail))
        }
        None => Ok(()),
    }
}

/// All plain files in a directory but the volume's own.
fn plain_files(root: &Path, directory: &Path) -> Result<Files, Violation> {
    let mut files = Files::default();
    add_plain_files(root, directory, &mut files)
        .map_err(|error| Violation::new(Kind::Unreadable, error.to_string()))?;
    Ok(files)
}

fn add_plain_files(root: &Path, directory: &Path, files: &mut Files) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name() == PRIVATE_DIR {
            continue;
        }
        if entry.file_type()?.is_dir() {
            add_plain_files(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path);
            files.put(&name.to_string_lossy(), &fs::read(&path)?);
        }
    }
    Ok(())
}
