//! What the process does, and what the volume holds after each step, as a volume in
//! memory plays it. All of it is the same each time.

use ability_storage_engine::{
    Batch, Change, Durability, FilePath, LocalVolume, MemoryVolume, Precondition, Result, Snapshot,
    Step, Volume,
};
use std::collections::BTreeMap;
use std::path::Path;

/// All files of a volume.
pub type State = BTreeMap<String, Vec<u8>>;

pub struct Workload {
    pub name: &'static str,
    pub durability: Durability,
    /// What was done before, by another session.
    pub before: Vec<Operation>,
    pub operations: Vec<Operation>,
}

/// A step that is acknowledged as a whole.
#[derive(Clone)]
pub enum Operation {
    Commit(Batch),
    Stream {
        path: FilePath,
        pieces: Vec<Vec<u8>>,
    },
}

impl Operation {
    pub fn run(&self, volume: &dyn Volume) -> Result<()> {
        match self {
            Operation::Commit(batch) => volume.commit(batch.clone()).map(drop),
            Operation::Stream { path, pieces } => {
                let mut writer = volume.writer(path)?;
                for piece in pieces {
                    writer.write(piece)?;
                }
                writer.commit(Precondition::Any).map(drop)
            }
        }
    }

    /// The paths whose files it changes.
    pub fn paths(&self) -> Vec<FilePath> {
        let steps = match self {
            Operation::Commit(batch) => batch.steps(),
            Operation::Stream { path, .. } => return vec![path.clone()],
        };
        let of_step = |step: &Step| match &step.change {
            Change::Rename { source, target, .. } => vec![source.clone(), target.clone()],
            other => vec![other.target().clone()],
        };
        steps.iter().flat_map(of_step).collect()
    }
}

impl Workload {
    pub fn named(name: &str) -> Self {
        match name {
            "files" => files(),
            "appends" => appends(),
            "batches" => batches(),
            "streams" => streams(),
            "batch_to_recover" => batch_to_recover(),
            "append_to_recover" => append_to_recover(),
            "after_recovery" => after_recovery(),
            "files, unsynced" => files().unsynced("files, unsynced"),
            "appends, unsynced" => appends().unsynced("appends, unsynced"),
            "batches, unsynced" => batches().unsynced("batches, unsynced"),
            other => panic!("no workload {other}"),
        }
    }

    fn unsynced(self, name: &'static str) -> Self {
        let durability = Durability::None;
        Self {
            name,
            durability,
            ..self
        }
    }

    /// Opens the volume as the process does that is killed.
    pub fn open(&self, directory: impl AsRef<Path>) -> LocalVolume {
        let options = LocalVolume::options().durability(self.durability);
        options.open(directory).expect("opened")
    }

    /// What the volume holds before the first operation.
    pub fn start(&self) -> State {
        let volume = MemoryVolume::new();
        for operation in &self.before {
            operation.run(&volume).expect("done in memory");
        }
        contents(&volume)
    }

    /// What the volume holds before the first operation and after each, if it holds
    /// `start` before.
    pub fn states_from(&self, start: &State) -> Vec<State> {
        let volume = in_memory(start);
        let mut states = vec![start.clone()];
        for operation in &self.operations {
            operation.run(&volume).expect("done in memory");
            states.push(contents(&volume));
        }
        states
    }
}

/// New files, replaced ones of several lengths, directories, preconditions, renames and
/// deletes, one change at a time.
pub fn files() -> Workload {
    let kib_200 = numbered(200 << 10);
    let seen = Snapshot::new(kib_200.clone());
    let unchanged = Precondition::Version(seen.version());
    Workload {
        name: "files",
        durability: Durability::Full,
        before: vec![
            one(write("config", numbered(1 << 10))),
            one(write("kept", "to be replaced")),
            one(write("old/name", "to be moved")),
            one(write("gone", "to be deleted")),
            one(write("dir/only", "in a directory")),
            one(append("gone", " with an append")),
        ],
        operations: vec![
            one(write("fresh", "fresh")),
            one(write("config", "")),
            one(write("config", numbered(4 << 10))),
            one(write("config", kib_200)),
            one(write("a/b/c/deep", "deep")),
            one(write("config", "unlost").only_if(unchanged)),
            one(write("a/once", "once").only_if(Precondition::Absent)),
            one(rename("fresh", "kept")),
            one(rename("old/name", "new/place/name")),
            one(delete("gone")),
            one(delete("gone")),
            one(delete("dir/only")),
            one(write("dir", "a file where a directory was")),
        ],
    }
}

/// Appends that begin a file, a journal and a generation of it, and what happens to
/// files that were appended to.
pub fn appends() -> Workload {
    Workload {
        name: "appends",
        durability: Durability::Full,
        before: vec![
            one(write("log", "begin\n")),
            one(append("log", "of another session\n")),
            one(write("plain", "written at once\n")),
        ],
        operations: vec![
            one(append("log", "1\n")),
            one(append("log", "2\n")),
            one(append("new/log", "1\n")),
            one(append("new/log", "2\n")),
            one(append("log", numbered(70_000))),
            one(append("log", "after a long one\n")),
            one(append("plain", numbered(30_000))),
            one(append("plain", numbered(30_001))),
            one(append("plain", numbered(30_002))),
            one(write("log", "replaced\n")),
            one(append("log", "3\n")),
            one(rename("new/log", "moved")),
            one(append("moved", "3\n")),
            one(delete("plain")),
            one(append("plain", "anew\n").only_if(Precondition::Absent)),
        ],
    }
}

/// Batches of all kinds of changes, between appends.
pub fn batches() -> Workload {
    Workload {
        name: "batches",
        durability: Durability::Full,
        before: vec![
            one(write("a", "the first")),
            one(write("b", "the second")),
            one(write("c", "the third")),
            one(write("moving", "to be moved")),
            one(write("log", "begin\n")),
            one(append("log", "of another session\n")),
            one(write("tree/x", "x")),
            one(write("tree/y", "y")),
        ],
        operations: vec![
            all([
                write("a", "changed"),
                append("log", "in a batch\n"),
                rename("moving", "dir/moved"),
                delete("b"),
            ]),
            one(append("log", "alone\n")),
            all([rename("a", "aside"), rename("c", "a"), rename("aside", "c")]),
            all([
                delete("tree/x"),
                delete("tree/y"),
                write("tree", "a file where a directory was"),
            ]),
            all([delete("tree"), write("tree/z", "a directory again")]),
            all((0..9).map(|i| write(&format!("many/{i}"), numbered(100 + i)))),
        ],
    }
}

/// Files that are written piece by piece.
pub fn streams() -> Workload {
    let pieces = |count: usize| (0..count).map(|i| numbered(50_000 + i)).collect();
    Workload {
        name: "streams",
        durability: Durability::Full,
        before: vec![
            one(write("config", "to be replaced")),
            one(append("config", " with an append")),
        ],
        operations: vec![
            Operation::Stream {
                path: file("config"),
                pieces: pieces(3),
            },
            Operation::Stream {
                path: file("sub/new"),
                pieces: pieces(2),
            },
            Operation::Stream {
                path: file("empty"),
                pieces: vec![],
            },
        ],
    }
}

/// Ends in a batch, with records of appends to another file.
pub fn batch_to_recover() -> Workload {
    Workload {
        name: "batch_to_recover",
        durability: Durability::Full,
        before: batches().before,
        operations: vec![
            one(append("log", "1\n")),
            one(append("log", "2\n")),
            all([
                rename("a", "aside"),
                rename("c", "a"),
                rename("aside", "c"),
                delete("b"),
                delete("tree/x"),
                delete("tree/y"),
                write("tree", "a file where a directory was"),
                write("new/dir/file", "new"),
            ]),
        ],
    }
}

/// Ends in an append.
pub fn append_to_recover() -> Workload {
    Workload {
        name: "append_to_recover",
        durability: Durability::Full,
        before: appends().before,
        operations: vec![
            one(append("log", "1\n")),
            one(append("log", numbered(5_000))),
        ],
    }
}

/// What a process does after it had to recover the volume.
pub fn after_recovery() -> Workload {
    Workload {
        name: "after_recovery",
        durability: Durability::Full,
        before: vec![],
        operations: vec![one(write("a", "after")), one(append("log", "after\n"))],
    }
}

pub fn in_memory(state: &State) -> MemoryVolume {
    let volume = MemoryVolume::new();
    for (path, contents) in state {
        let change = write(path, contents.clone());
        volume.commit(change.into()).expect("done in memory");
    }
    volume
}

pub fn contents(volume: &dyn Volume) -> State {
    let paths = volume.list(None).expect("listed").into_iter();
    let read = |path: FilePath| {
        let snapshot = volume.read(&path, 1 << 30).expect("read");
        (path.as_str().to_owned(), snapshot.into_contents())
    };
    paths.map(read).collect()
}

pub fn one(step: impl Into<Step>) -> Operation {
    Operation::Commit(Batch::from(step))
}

pub fn all(steps: impl IntoIterator<Item = Change>) -> Operation {
    Operation::Commit(steps.into_iter().collect())
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

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

/// Contents no two parts of which are alike.
fn numbered(bytes: usize) -> Vec<u8> {
    let mut contents = Vec::with_capacity(bytes + 100);
    for line in 0.. {
        if contents.len() >= bytes {
            break;
        }
        contents.extend_from_slice(format!("{line:>70} of {bytes}\n").as_bytes());
    }
    contents.truncate(bytes);
    contents
}
