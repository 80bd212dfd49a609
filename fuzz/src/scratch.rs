//! Directories for one input, and what is in a directory.

use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Memory, where there is a file system in it: nothing here asks what survives a power cut.
const FAST: &str = "/dev/shm";

pub(crate) fn directory() -> TempDir {
    let mut builder = tempfile::Builder::new();
    builder.prefix("ability-storage-fuzz-");
    let fast = Path::new(FAST);
    let made = match std::env::var_os("TMPDIR") {
        None if fast.is_dir() => builder.tempdir_in(fast),
        _ => builder.tempdir(),
    };
    made.expect("a temporary directory")
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    File(Vec<u8>),
    Directory,
    Link(PathBuf),
    Other,
}

/// All that is below a directory, by path.
pub(crate) type Entries = BTreeMap<PathBuf, Entry>;

/// Files longer than this are read up to here: those that are stretched have nothing there.
pub(crate) const MOST: usize = 256 << 10;

pub(crate) fn entries(top: &Path) -> Entries {
    let mut found = Entries::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(top.join(&directory)).expect("listed") {
            let entry = entry.expect("listed");
            let path = directory.join(entry.file_name());
            let kind = entry.file_type().expect("a kind");
            let what = if kind.is_dir() {
                pending.push(path.clone());
                Entry::Directory
            } else if kind.is_symlink() {
                Entry::Link(fs::read_link(entry.path()).expect("a link"))
            } else if kind.is_file() {
                Entry::File(beginning(&entry.path()))
            } else {
                Entry::Other
            };
            found.insert(path, what);
        }
    }
    found
}

/// What there is below a directory without what is in it, sorted.
pub(crate) fn names(top: &Path) -> BTreeMap<PathBuf, fs::FileType> {
    let mut found = BTreeMap::new();
    let mut pending = vec![top.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).expect("listed") {
            let entry = entry.expect("listed");
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() {
                pending.push(entry.path());
            }
            found.insert(entry.path(), kind);
        }
    }
    found
}

pub(crate) fn beginning(path: &Path) -> Vec<u8> {
    let file = fs::File::open(path).expect("opened");
    let length = file.metadata().expect("known").len().min(MOST as u64);
    let mut contents = vec![0; length as usize];
    file.read_exact_at(&mut contents, 0).expect("read");
    contents
}

/// Makes an entry; `false` if nothing can have this path.
pub(crate) fn make(path: &Path, entry: &Entry) -> bool {
    let made = match entry {
        Entry::File(contents) => fs::write(path, contents),
        Entry::Directory => fs::create_dir_all(path),
        Entry::Link(target) => symlink(target, path),
        Entry::Other => mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).map_err(Into::into),
    };
    made.is_ok()
}

pub(crate) fn make_all(top: &Path, entries: &Entries) {
    for (path, entry) in entries {
        assert!(make(&top.join(path), entry), "{path:?} could not be made");
    }
}

pub(crate) fn remove(path: &Path) {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => return,
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => panic!("{path:?}: {error}"),
        _ => {}
    }
}
