//! `MemoryVolume`: files in memory, for tests and dry runs.
//!
//! It keeps every promise of [`Volume`] but one: nothing outlives the value.

use crate::volume::{Change, FileInfo, Snapshot, Step, Volume};
use crate::{Error, FilePath, Limits, Result, Version};
use std::collections::BTreeMap;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

/// A volume whose files are gone when it is dropped.
///
/// ```
/// use ability_storage_engine::{Change, FilePath, MemoryVolume, Volume};
///
/// let volume = MemoryVolume::new();
/// let path = FilePath::new("greeting.txt")?;
/// volume.commit(Change::Write { path: path.clone(), contents: b"hello".to_vec() }.into())?;
/// assert_eq!(volume.read(&path, 1024)?.contents, b"hello");
/// # Ok::<(), ability_storage_engine::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryVolume {
    files: RwLock<Files>,
    limits: Limits,
}

type Files = BTreeMap<FilePath, MemoryFile>;

#[derive(Debug)]
struct MemoryFile {
    contents: Vec<u8>,
    modified: SystemTime,
}

impl MemoryVolume {
    /// An empty volume with the default [`Limits`].
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty volume with these limits.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            files: RwLock::default(),
            limits,
        }
    }

    // A panic elsewhere cannot leave the map half-changed: each change is one
    // insertion or removal, made after all checks.
    fn files(&self) -> RwLockReadGuard<'_, Files> {
        self.files.read().unwrap_or_else(|e| e.into_inner())
    }

    fn files_mut(&self) -> RwLockWriteGuard<'_, Files> {
        self.files.write().unwrap_or_else(|e| e.into_inner())
    }

    fn put(&self, files: &mut Files, path: FilePath, contents: Vec<u8>) -> Result<()> {
        self.limits.check_file(&path, contents.len() as u64)?;
        check_place(files, &path)?;
        let modified = SystemTime::now();
        files.insert(path, MemoryFile { contents, modified });
        Ok(())
    }
}

impl Volume for MemoryVolume {
    fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        let files = self.files();
        let file = files.get(path).ok_or_else(|| Error::not_found(path))?;
        if file.contents.len() as u64 > max_bytes {
            return Err(Error::TooLarge {
                path: path.clone(),
                limit: max_bytes,
            });
        }
        Ok(Snapshot {
            contents: file.contents.clone(),
        })
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        let files = self.files();
        let file = files.get(path).ok_or_else(|| Error::not_found(path))?;
        Ok(FileInfo {
            size: file.contents.len() as u64,
            modified: file.modified,
        })
    }

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        Ok(self
            .files()
            .keys()
            .filter(|path| directory.is_none_or(|directory| path.is_under(directory)))
            .cloned()
            .collect())
    }

    fn commit(&self, step: Step) -> Result<Option<Version>> {
        let mut files = self.files_mut();
        let target = step.change.target();
        step.precondition.check(target, || {
            Ok(files.get(target).map(|file| Version::of(&file.contents)))
        })?;
        match step.change {
            Change::Write { path, contents } => {
                let version = Version::of(&contents);
                self.put(&mut files, path, contents)?;
                Ok(Some(version))
            }
            Change::Append { path, contents } => {
                let mut whole = files
                    .get(&path)
                    .map_or_else(Vec::new, |file| file.contents.clone());
                whole.extend_from_slice(&contents);
                let version = Version::of(&whole);
                self.put(&mut files, path, whole)?;
                Ok(Some(version))
            }
            Change::Rename { source, target } => {
                if !files.contains_key(&source) {
                    return Err(Error::not_found(&source));
                }
                check_place(&files, &target)?;
                if let Some(file) = files.remove(&source) {
                    files.insert(target, file);
                }
                Ok(None)
            }
            Change::Delete { path } => {
                files.remove(&path);
                Ok(None)
            }
        }
    }
}

/// A path is a file or a directory of others, never both, as on a disk.
fn check_place(files: &Files, path: &FilePath) -> Result<()> {
    let mut ancestor = path.parent();
    while let Some(directory) = ancestor {
        if files.contains_key(&directory) {
            return Err(Error::beneath_a_file(path, directory.as_str()));
        }
        ancestor = directory.parent();
    }
    if files
        .keys()
        .any(|other| other != path && other.is_under(path))
    {
        return Err(Error::directory_of_others(path));
    }
    Ok(())
}
