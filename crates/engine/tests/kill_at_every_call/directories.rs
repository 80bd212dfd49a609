//! Directories for volumes, and what is in them.

use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A directory in memory where there is one: a kill does not ask for a disk.
pub fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    directory.expect("a temporary directory")
}

/// All that is there at this moment: what a process leaves that dies now.
pub fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("listed");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("known").is_dir() {
            fs::create_dir_all(&to).expect("created");
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).expect("copied");
        }
    }
}

/// The names in a directory, sorted.
pub fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("listed");
    let names = entries.map(|entry| entry.expect("listed").file_name());
    let mut names: Vec<_> = names
        .map(|name| name.into_string().expect("UTF-8"))
        .collect();
    names.sort_unstable();
    names
}
