//! The kinds of commits, each over the same files.

use ability_storage_engine::{Batch, Change, FilePath, Precondition, Result, Snapshot, Volume};
use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// All files of a volume.
pub type State = BTreeMap<String, Vec<u8>>;

/// A kind of commit.
pub struct Kind {
    pub name: &'static str,
    pub run: fn(&dyn Volume) -> Result<()>,
}

/// Longer than a page, so that it needs several.
const OLD: usize = 6_000;
/// Its journal has to grow.
const LONG: usize = 100_000;

pub const KINDS: &[Kind] = &[
    Kind {
        name: "write",
        run: |volume| commit(volume, [write("old", filled(20_000))]),
    },
    Kind {
        name: "write that empties",
        run: |volume| commit(volume, [write("old", "")]),
    },
    Kind {
        name: "write into new directories",
        run: |volume| commit(volume, [write("new/dir/file", filled(5_000))]),
    },
    Kind {
        name: "conditional write",
        run: |volume| {
            let old = Snapshot::new(filled(OLD));
            let unchanged = Precondition::Version(old.version());
            let step = write("old", filled(10_000)).only_if(unchanged);
            volume.commit(step.into()).map(drop)
        },
    },
    Kind {
        name: "append",
        run: |volume| commit(volume, [append("log", "more\n")]),
    },
    Kind {
        name: "first append",
        run: |volume| commit(volume, [append("dir/file", "more\n")]),
    },
    Kind {
        name: "append that creates",
        run: |volume| commit(volume, [append("new.log", filled(5_000))]),
    },
    Kind {
        name: "long append",
        run: |volume| commit(volume, [append("log", filled(LONG))]),
    },
    Kind {
        name: "rename",
        run: |volume| commit(volume, [rename("moving", "old")]),
    },
    Kind {
        name: "rename into a new directory",
        run: |volume| commit(volume, [rename("log", "new/moved")]),
    },
    Kind {
        name: "delete",
        run: |volume| commit(volume, [delete("old")]),
    },
    Kind {
        name: "delete after appends",
        run: |volume| commit(volume, [delete("log")]),
    },
    Kind {
        name: "batch",
        run: |volume| {
            commit(
                volume,
                [
                    write("old", filled(9_000)),
                    append("log", "more\n"),
                    rename("moving", "new/moved"),
                    delete("dir/file"),
                ],
            )
        },
    },
    Kind {
        name: "batch that makes a file a directory",
        run: |volume| commit(volume, [delete("old"), write("old/below", filled(100))]),
    },
    Kind {
        name: "batch of many",
        run: |volume| {
            let writes = (0..12).map(|i| write(&format!("many/{i}"), filled(5_000 + i)));
            volume.commit(writes.collect()).map(drop)
        },
    },
    Kind {
        name: "stream",
        run: |volume| {
            let mut writer = volume.writer(&file("old"))?;
            for _ in 0..3 {
                writer.write(&filled(10_000))?;
            }
            writer.commit(Precondition::Any).map(drop)
        },
    },
];

/// Puts there what the kinds need.
pub fn prepare(volume: &dyn Volume) -> Result<()> {
    for change in [
        write("old", filled(OLD)),
        write("moving", "to be moved"),
        write("dir/file", filled(300)),
        write("log", "1\n"),
        append("log", "2\n"),
        append("log", "3\n"),
    ] {
        commit(volume, [change])?;
    }
    Ok(())
}

pub fn contents(volume: &dyn Volume) -> Result<State> {
    let paths = volume.list(None)?.into_iter();
    let read = |path: FilePath| {
        let snapshot = volume.read(&path, 1 << 30)?;
        Ok((path.as_str().to_owned(), snapshot.into_contents()))
    };
    paths.map(read).collect()
}

/// All that is there at this moment: what a process leaves that dies now.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// Commits changes together.
pub fn commit<const N: usize>(volume: &dyn Volume, changes: [Change; N]) -> Result<()> {
    let batch: Batch = changes.into_iter().collect();
    volume.commit(batch).map(drop)
}

pub fn write(path: &str, contents: impl Into<Vec<u8>>) -> Change {
    Change::write(file(path), contents)
}

pub fn append(path: &str, contents: impl Into<Vec<u8>>) -> Change {
    Change::append(file(path), contents)
}

pub fn rename(source: &str, target: &str) -> Change {
    Change::rename(file(source), file(target))
}

pub fn delete(path: &str) -> Change {
    Change::delete(file(path))
}

pub fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

/// Contents of this length that no file system packs.
pub fn filled(bytes: usize) -> Vec<u8> {
    let mut state = bytes as u32 | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}
