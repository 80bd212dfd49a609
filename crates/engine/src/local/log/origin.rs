//! Whether the directory of the log is a copy of another one.
//!
//! A file in it names itself: its inode, and when that was given to it. In a copy it is another
//! file. Where it is missing, or was not written to the end, nothing is known.

use super::super::directory::{Access, Directory, FileHandle, Stat, unless_absent};
use super::super::layout::ORIGIN;
use std::io::{self, Read, Write};
use std::time::SystemTime;

/// More than it ever holds.
const MAX_BYTES: u64 = 64;

/// Makes the file, unless it is there and names itself. The caller syncs the directory. Without
/// the file all goes on, and less is known of copies.
pub(super) fn note<D: Directory>(directory: &D) {
    if let Err(error) = make(directory) {
        tracing::debug!(%error, "a copy of the volume will not be known as one");
    }
}

fn make<D: Directory>(directory: &D) -> io::Result<()> {
    if is_copied(directory)? == Some(false) {
        return Ok(());
    }
    unless_absent(directory.remove_file(ORIGIN))?;
    let mut file = directory.create_file(ORIGIN, Access::Private)?;
    let name = name_of(&file.stat()?);
    file.write_all(name.as_bytes())?;
    file.sync()
}

/// `None` if it is not known.
pub(super) fn is_copied<D: Directory>(directory: &D) -> io::Result<Option<bool>> {
    let Some(file) = directory.open_file(ORIGIN)? else {
        return Ok(None);
    };
    let expected = name_of(&file.stat()?);
    let mut found = String::new();
    file.take(MAX_BYTES).read_to_string(&mut found)?;
    Ok(is_whole(&found).then_some(found != expected))
}

fn name_of(stat: &Stat) -> String {
    let since = stat.created.unwrap_or(SystemTime::UNIX_EPOCH);
    let since = since.duration_since(SystemTime::UNIX_EPOCH);
    let nanoseconds = since.unwrap_or_default().as_nanos();
    format!("{} {nanoseconds}\n", stat.inode())
}

fn is_whole(found: &str) -> bool {
    let numbers = found.strip_suffix('\n').map(|line| line.split(' '));
    numbers.is_some_and(|mut numbers| numbers.all(|number| number.parse::<u128>().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::super::super::cap::CapDirectory;
    use super::super::super::durability::Durability;
    use super::*;
    use std::fs;

    #[test]
    fn a_copy_is_known() {
        let temp = tempfile::tempdir().expect("a temporary directory");
        let [here, copy] = ["here", "copy"].map(|name| temp.path().join(name));
        for path in [&here, &copy] {
            fs::create_dir(path).expect("made");
        }
        let open = |path| CapDirectory::open(path, Durability::Full).expect("opened");
        let looked = |path| is_copied(&open(path)).expect("read");
        assert_eq!(looked(&here), None);
        note(&open(&here));
        assert_eq!(looked(&here), Some(false));
        fs::copy(here.join(ORIGIN), copy.join(ORIGIN)).expect("copied");
        assert_eq!(looked(&copy), Some(true));
        for torn in ["", "12", "\0\0\0\0", "12 7"] {
            fs::write(copy.join(ORIGIN), torn).expect("written");
            assert_eq!(looked(&copy), None, "{torn:?}");
        }
        note(&open(&copy));
        assert_eq!(looked(&copy), Some(false));
        // The same directory, emptied and unpacked again.
        let text = fs::read(here.join(ORIGIN)).expect("read");
        fs::remove_file(here.join(ORIGIN)).expect("removed");
        fs::write(here.join(ORIGIN), text).expect("written");
        assert_eq!(looked(&here), Some(true));
    }
}
