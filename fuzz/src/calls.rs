//! Any sequence of calls, made to volumes on one directory and to a volume in memory: what they
//! answer is the same, what they hold is the same, and nothing is left behind in the end.

use crate::record::{self, Commit, Log};
use crate::scratch::{self, Entry};
use ability_storage_engine::{
    Batch, Change, Error, FilePath, Limits, LocalVolume, MemoryVolume, Outcome, Precondition,
    Reader, Result, Step, Version, Volume, Writer,
};
use arbitrary::Arbitrary;
use std::path::Path;

#[derive(Arbitrary, Debug)]
pub enum Call {
    Commit(Client, One),
    Batch(Client, Vec<One>),
    OpenWriter(Client, Slot, Name),
    Write(Slot, Contents),
    CommitWriter(Slot, Condition, Name),
    DropWriter(Slot),
    OpenReader(Client, Slot, Name),
    Read(Slot, u8),
    DropReader(Slot),
    ReadWhole(Client, Name, u16),
    List(Client, Option<Name>),
    /// Drops the volume and opens the directory again.
    Reopen(Client),
}

/// Which of the volumes on the directory.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Client {
    First,
    Second,
}

/// Which of the writers, or of the readers.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Slot {
    A,
    B,
    C,
}

#[derive(Arbitrary, Debug)]
pub struct One {
    kind: Kind,
    path: Name,
    condition: Condition,
}

#[derive(Arbitrary, Debug)]
pub enum Kind {
    Write(Contents),
    Append(Contents),
    /// From there to the path.
    Rename(Name),
    Delete,
}

#[derive(Arbitrary, Debug)]
pub enum Condition {
    Any,
    Absent,
    /// The version that this path has before the call.
    VersionOf(Name),
    Stale,
}

#[derive(Arbitrary, Debug)]
pub enum Contents {
    Bytes(Vec<u8>),
    /// So many times the same: more than a log file holds, or more than is allowed.
    Many(u8, u8),
}

/// Few names, so that calls meet; some are the directories of others.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Name {
    A,
    B,
    Log,
    BelowA,
    Dir,
    DirX,
    DirLog,
    DirSubY,
    Deep,
    TooDeep,
}

impl Name {
    fn path(self) -> FilePath {
        let text = match self {
            Name::A => "a",
            Name::B => "b",
            Name::Log => "log",
            Name::BelowA => "a/below",
            Name::Dir => "dir",
            Name::DirX => "dir/x",
            Name::DirLog => "dir/log",
            Name::DirSubY => "dir/sub/y",
            Name::Deep => "one/two/three",
            Name::TooDeep => "one/two/three/four",
        };
        FilePath::new(text).expect("valid")
    }
}

impl Contents {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Contents::Bytes(bytes) => bytes.clone(),
            Contents::Many(byte, times) => vec![*byte; usize::from(*times) << 10],
        }
    }
}

fn limits() -> Limits {
    Limits::default().max_file_bytes(200 << 10).max_depth(3)
}

/// A writer or reader of the directory with its like in memory.
type Pair<T> = Option<(Box<T>, Box<T>)>;

struct World {
    directory: tempfile::TempDir,
    clients: [LocalVolume; 2],
    memory: MemoryVolume,
    writers: [Pair<dyn Writer>; 3],
    readers: [Pair<dyn Reader>; 3],
}

pub fn check(calls: &[Call]) {
    let directory = scratch::directory();
    let clients = [open(directory.path()), open(directory.path())];
    let mut world = World {
        directory,
        clients,
        memory: MemoryVolume::with_limits(limits()),
        writers: [const { None }; 3],
        readers: [const { None }; 3],
    };
    for call in calls {
        world.make(call);
    }
    world.end();
}

fn open(directory: &Path) -> LocalVolume {
    let options = LocalVolume::options().limits(limits());
    options.open(directory).expect("opened")
}

impl World {
    fn make(&mut self, call: &Call) {
        match call {
            Call::Commit(client, one) => self.commit(*client, self.step(one).into()),
            Call::Batch(client, all) => {
                let batch = all.iter().map(|one| self.step(one)).collect();
                self.commit(*client, batch);
            }
            Call::OpenWriter(client, slot, name) => {
                let path = name.path();
                let opened = (
                    self.clients[*client as usize].writer(&path),
                    self.memory.writer(&path),
                );
                self.writers[*slot as usize] = both(opened, "a writer");
            }
            Call::Write(slot, contents) => {
                if let Some((one, other)) = &mut self.writers[*slot as usize] {
                    let contents = contents.bytes();
                    both((one.write(&contents), other.write(&contents)), "a write");
                }
            }
            Call::CommitWriter(slot, condition, name) => {
                let condition = self.precondition(condition, &name.path());
                if let Some((one, other)) = self.writers[*slot as usize].take() {
                    let committed = (one.commit(condition), other.commit(condition));
                    same(both(committed, "a commit of a writer"));
                    self.compare();
                }
            }
            Call::DropWriter(slot) => self.writers[*slot as usize] = None,
            Call::OpenReader(client, slot, name) => {
                let path = name.path();
                let opened = (
                    self.clients[*client as usize].reader(&path),
                    self.memory.reader(&path),
                );
                let pair = both(opened, "a reader");
                if let Some((one, other)) = &pair {
                    assert_eq!(one.size(), other.size());
                }
                self.readers[*slot as usize] = pair;
            }
            Call::Read(slot, bytes) => {
                if let Some((one, other)) = &mut self.readers[*slot as usize] {
                    let bytes = usize::from(*bytes) * 16;
                    assert!(
                        read(&mut **one, bytes) == read(&mut **other, bytes),
                        "a reader reads otherwise"
                    );
                }
            }
            Call::DropReader(slot) => self.readers[*slot as usize] = None,
            Call::ReadWhole(client, name, most) => {
                let (path, most) = (name.path(), u64::from(*most));
                let volume = &self.clients[*client as usize];
                same(both(
                    (volume.read(&path, most), self.memory.read(&path, most)),
                    "a read",
                ));
                let stat = (volume.stat(&path), self.memory.stat(&path));
                same(both(stat, "a stat").map(|(one, other)| (one.size, other.size)));
            }
            Call::List(client, name) => {
                let path = name.map(Name::path);
                let volume = &self.clients[*client as usize];
                let lists = (volume.list(path.as_ref()), self.memory.list(path.as_ref()));
                same(both(lists, "a list"));
            }
            Call::Reopen(client) => {
                // The new one first: what the old session still holds is in its way.
                self.clients[*client as usize] = open(self.directory.path());
                let usage = (self.clients[*client as usize].usage(), self.memory.usage());
                same(both(usage, "the usage"));
                self.compare();
            }
        }
    }

    fn commit(&self, client: Client, batch: Batch) {
        let committed = (
            self.clients[client as usize].commit(batch.clone()),
            self.memory.commit(batch),
        );
        same(both(committed, "a commit"));
        self.compare();
    }

    fn step(&self, one: &One) -> Step {
        let path = one.path.path();
        let condition = self.precondition(&one.condition, &path);
        let change = match &one.kind {
            Kind::Write(contents) => Change::write(path, contents.bytes()),
            Kind::Append(contents) => Change::append(path, contents.bytes()),
            Kind::Rename(source) => Change::rename(source.path(), path),
            Kind::Delete => Change::delete(path),
        };
        change.only_if(condition)
    }

    fn precondition(&self, condition: &Condition, path: &FilePath) -> Precondition {
        let path = match condition {
            Condition::Any => return Precondition::Any,
            Condition::Absent => return Precondition::Absent,
            Condition::Stale => return Precondition::Version(Version::of(b"never written")),
            Condition::VersionOf(Name::A) => path.clone(),
            Condition::VersionOf(name) => name.path(),
        };
        match self.memory.read(&path, u64::MAX) {
            Ok(read) => Precondition::Version(read.version()),
            Err(_) => Precondition::Absent,
        }
    }

    /// Both volumes on the directory hold what the one in memory holds.
    fn compare(&self) {
        let paths = self.memory.list(None).expect("listed");
        for volume in &self.clients {
            assert_eq!(volume.list(None).expect("listed"), paths);
            for path in &paths {
                let read = volume.read(path, u64::MAX).expect("read");
                let expected = self.memory.read(path, u64::MAX).expect("read");
                assert!(read == expected, "{path} is not what it should be");
            }
        }
    }

    /// The plain files are the volume, and the private directory holds nothing that counts.
    fn end(self) {
        let Self {
            directory,
            clients,
            memory,
            writers,
            readers,
        } = self;
        drop((writers, readers, clients));
        for (path, entry) in scratch::entries(directory.path()) {
            let text = path.to_str().expect("text");
            let in_private = path.strip_prefix(".ability-storage");
            // An ended session leaves its directory to the next, with its lock.
            if path.starts_with(".ability-storage/sessions/spare") {
                assert!(
                    path.ends_with("spare") || path.ends_with("lock"),
                    "{path:?} is left"
                );
                continue;
            }
            match (in_private, entry) {
                (Ok(path), Entry::File(contents)) => {
                    assert!(!path.starts_with("sessions"), "{path:?} is left");
                    let name = path.file_name().and_then(|name| name.to_str());
                    let is_staged = name.is_some_and(record::is_staged_name);
                    assert!(!is_staged, "{path:?} is left");
                    for payload in Log::read(&contents).payloads {
                        let commit = Commit::decode(&payload).expect("it makes sense");
                        assert!(commit.effects.is_empty(), "{path:?} has effects");
                    }
                }
                (Ok(path), _) => assert!(path.components().count() < 2, "{path:?} is left"),
                (Err(_), Entry::File(contents)) => {
                    let path = FilePath::new(text).expect("a path that a guest may name");
                    let expected = memory.read(&path, u64::MAX).expect("it is in the model");
                    assert!(
                        contents == expected.contents(),
                        "{path} is not what it should be"
                    );
                    memory.commit(Change::delete(path).into()).expect("deleted");
                }
                (Err(_), Entry::Directory) => {}
                (Err(_), other) => panic!("{path:?} is {other:?}"),
            }
        }
        assert_eq!(memory.list(None).expect("listed"), [], "files are missing");
    }
}

/// What both gave, if both gave something; that they failed alike if not.
fn both<A, B>(results: (Result<A>, Result<B>), what: &str) -> Option<(A, B)> {
    match results {
        (Ok(one), Ok(other)) => Some((one, other)),
        (Err(one), Err(other)) => {
            assert_eq!(kind(&one), kind(&other), "{what}");
            assert_eq!(one.outcome(), Outcome::NotApplied, "{what}: {one}");
            None
        }
        (one, other) => panic!(
            "{what}: {:?}, in memory: {:?}",
            one.map(drop),
            other.map(drop)
        ),
    }
}

fn same<T: PartialEq>(pair: Option<(T, T)>) {
    if let Some((one, other)) = pair {
        assert!(one == other, "the answers differ");
    }
}

/// What a caller can tell of an error without reading it.
fn kind(error: &Error) -> String {
    match error {
        Error::NotFound { path, .. } => format!("{path} is not found"),
        Error::Conflict { path, found, .. } => format!("{path} is {found:?}"),
        Error::PathNotAllowed { path, .. } => format!("{path} is not allowed"),
        // Two steps that ask for this together are both to blame.
        Error::NotAFile { .. } => "a file cannot be a directory".to_owned(),
        Error::TooLarge { path, limit, .. } => format!("{path} is longer than {limit}"),
        Error::Step { source, .. } if matches!(**source, Error::NotAFile { .. }) => kind(source),
        Error::Step { index, source, .. } => format!("step {index}: {}", kind(source)),
        other => format!("{other:?}"),
    }
}

/// All of the next bytes, however many pieces they come in.
fn read(reader: &mut dyn Reader, bytes: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < bytes {
        let piece = reader.read(bytes - all.len()).expect("read");
        if piece.is_empty() {
            break;
        }
        all.extend(piece);
    }
    all
}
