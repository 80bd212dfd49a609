//! What the tests share: short words for common calls.

use crate::{Batch, Change, Error, FilePath, Outcome, Precondition, Result, Step, Version, Volume};

/// More than any file here has.
pub(super) const ALL: u64 = u64::MAX;

pub(super) fn batch<const N: usize>(steps: [Step; N]) -> Batch {
    steps.into_iter().collect()
}

pub(super) fn write_step(path: &str, contents: &[u8]) -> Change {
    Change::write(file(path), contents)
}

pub(super) fn append_change(path: &str, contents: &[u8]) -> Change {
    Change::append(file(path), contents)
}

pub(super) fn append_step(path: &str, contents: &[u8]) -> Step {
    append_change(path, contents).into()
}

pub(super) fn move_step(source: &str, target: &str) -> Step {
    Change::rename(file(source), file(target)).into()
}

pub(super) fn file(path: &str) -> FilePath {
    expect(FilePath::new(path).map_err(Error::from))
}

#[track_caller]
pub(super) fn expect<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error} ({error:?})"),
    }
}

#[track_caller]
pub(super) fn put(volume: &dyn Volume, path: &FilePath, contents: &[u8]) -> Version {
    let written = expect(write_if(volume, path, contents, Precondition::Any));
    assert_eq!(written, Some(Version::of(contents)));
    Version::of(contents)
}

/// Commits one step; what it wrote.
pub(super) fn one(volume: &dyn Volume, step: impl Into<Step>) -> Result<Option<Version>> {
    let versions = volume.commit(Batch::from(step))?;
    assert_eq!(versions.len(), 1);
    Ok(versions[0])
}

pub(super) fn write_if(
    volume: &dyn Volume,
    path: &FilePath,
    contents: &[u8],
    precondition: Precondition,
) -> Result<Option<Version>> {
    let write = Change::write(path.clone(), contents);
    one(volume, write.only_if(precondition))
}

pub(super) fn append(
    volume: &dyn Volume,
    path: &FilePath,
    contents: &[u8],
) -> Result<Option<Version>> {
    one(volume, Change::append(path.clone(), contents))
}

pub(super) fn rename(
    volume: &dyn Volume,
    source: &str,
    target: &str,
    precondition: Precondition,
) -> Result<Option<Version>> {
    let rename = Change::rename(file(source), file(target));
    one(volume, rename.only_if(precondition))
}

#[track_caller]
pub(super) fn get(volume: &dyn Volume, path: &FilePath) -> Vec<u8> {
    expect(volume.read(path, ALL)).contents
}

pub(super) fn version(volume: &dyn Volume, path: &FilePath) -> Option<Version> {
    match volume.read(path, ALL) {
        Ok(snapshot) => Some(snapshot.version()),
        Err(Error::NotFound { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

pub(super) fn exists(volume: &dyn Volume, path: &FilePath) -> bool {
    expect(volume.exists(path))
}

pub(super) fn stat_size(volume: &dyn Volume, path: &FilePath) -> u64 {
    expect(volume.stat(path)).size
}

pub(super) fn names(volume: &dyn Volume, directory: Option<&str>) -> Vec<String> {
    let directory = directory.map(file);
    let files = expect(volume.list(directory.as_ref()));
    files.iter().map(FilePath::to_string).collect()
}

pub(super) fn number(text: &[u8]) -> usize {
    match String::from_utf8_lossy(text).parse() {
        Ok(number) => number,
        Err(error) => panic!("{error}"),
    }
}

pub(super) fn increment(volume: &dyn Volume, path: &FilePath) {
    loop {
        let seen = expect(volume.read(path, ALL));
        let next = (number(&seen.contents) + 1).to_string();
        let unchanged = Precondition::Version(seen.version());
        match write_if(volume, path, next.as_bytes(), unchanged) {
            Err(Error::Conflict { .. }) => continue,
            result => {
                expect(result);
                return;
            }
        }
    }
}

#[track_caller]
pub(super) fn assert_conflict(result: Result<Option<Version>>, version: Option<Version>) {
    match result {
        Err(error @ Error::Conflict { found, .. }) => {
            assert_eq!(error.outcome(), Outcome::NotApplied);
            assert_eq!(found, version);
        }
        other => panic!("{other:?} is not a conflict"),
    }
}

/// Like [`assert_conflict`] where the end of the file was compared.
#[track_caller]
pub(super) fn assert_other_end(result: Result<Option<Version>>, size: Option<u64>) {
    match result {
        Err(error @ Error::Conflict { found_size, .. }) => {
            assert_eq!(error.outcome(), Outcome::NotApplied);
            assert_eq!(found_size, size);
        }
        other => panic!("{other:?} is not a conflict"),
    }
}
