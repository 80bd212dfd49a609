//! What a volume tells of its work.

use ability_storage_engine::layout::{PRIVATE_DIR, SESSIONS};
use ability_storage_engine::{
    Change, Counters, Durability, Error, FilePath, LocalVolume, Precondition, Version, Volume,
};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[test]
fn every_commit_is_counted_by_its_outcome() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    assert_eq!(volume.counters(), Counters::default());
    volume.commit(write("a", b"12345").into()).expect("made");
    let batch = [write("b", b"123"), write("c", b"")];
    volume.commit(batch.into_iter().collect()).expect("made");
    let mut writer = volume.writer(&file("d")).expect("opened");
    writer.write(b"1234").expect("written");
    writer.commit(Precondition::Any).expect("made");
    let stale = Precondition::Version(Version::of(b"stale"));
    let conflict = volume.commit(write("a", b"x").only_if(stale).into());
    assert!(matches!(conflict, Err(Error::Conflict { .. })));
    let refused = volume.commit(write("a/below", b"x").into());
    assert!(matches!(refused, Err(Error::NotAFile { .. })));

    let counters = volume.counters();
    assert_eq!((counters.commits, counters.bytes), (3, 12));
    assert_eq!((counters.conflicts, counters.refusals), (1, 1));
    assert_eq!((counters.unconfirmed, counters.recoveries), (0, 0));
    assert!(counters.syncs > 0);

    let append = |contents: &[u8]| Change::append(file("a"), contents.to_vec());
    volume.commit(append(b"first").into()).expect("made");
    let before = volume.counters().syncs;
    volume.commit(append(b"second").into()).expect("made");
    assert_eq!(volume.counters().syncs - before, 1, "one for an append");
}

/// The contents of each file, all at once as far as the system has a call for that; the
/// names; the record.
#[test]
fn a_batch_of_many_files_costs_few_syncs() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    let batch = |contents: &'static [u8]| {
        let writes = (0..64).map(|number| write(&format!("batch/{number}"), contents));
        volume.commit(writes.collect()).expect("made");
    };
    batch(b"first");
    let before = volume.counters().syncs;
    batch(b"second");
    let syncs = volume.counters().syncs - before;
    assert!(syncs <= 5, "{syncs} for a batch of 64 files");
}

#[test]
fn a_write_that_changes_nothing_leaves_the_file_alone() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    let modified = || std::fs::metadata(directory.path().join("a")).and_then(|a| a.modified());
    volume.commit(write("a", b"same").into()).expect("made");
    let before = (modified().expect("there"), volume.counters().syncs);
    for _ in 0..3 {
        volume.commit(write("a", b"same").into()).expect("made");
    }
    let counters = volume.counters();
    assert_eq!((counters.commits, counters.unchanged), (4, 3));
    assert_eq!(modified().expect("there"), before.0);
    // None, but for a file system whose clock is coarse.
    assert!(counters.syncs - before.1 <= 3 * 2);
    volume.commit(write("a", b"else").into()).expect("made");
    assert_eq!(volume.counters().unchanged, 3);
}

#[test]
fn without_durability_nothing_is_synced() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = || LocalVolume::options().durability(Durability::None);
    let volume = options().open(directory.path()).expect("opened");
    let append = |contents: &[u8]| Change::append(file("dir/log"), contents.to_vec());
    let batch = (0..20).map(|number| write(&format!("dir{number}/file"), b"x"));
    volume.commit(batch.collect()).expect("made");
    volume.commit(write("a", b"1").into()).expect("made");
    volume.commit(write("a", b"2").into()).expect("made");
    volume.commit(append(b"1").into()).expect("made");
    volume.commit(append(b"2").into()).expect("made");
    let (source, target) = (file("a"), file("dir/b"));
    let rename = Change::rename(source, target);
    volume.commit(rename.into()).expect("made");
    let path = file("dir/b");
    volume.commit(Change::delete(path).into()).expect("made");
    let mut writer = volume.writer(&file("d")).expect("opened");
    writer.write(b"1234").expect("written");
    writer.commit(Precondition::Any).expect("made");
    assert_eq!(volume.counters().syncs, 0);
    drop(volume);
    let volume = options().open(directory.path()).expect("opened");
    assert_eq!(volume.list(None).expect("listed").len(), 22);
    let log = volume.read(&file("dir/log"), 100).expect("there");
    assert_eq!(log.contents(), b"12");
    assert_eq!(volume.counters().syncs, 0);
}

#[test]
fn what_a_dead_session_left_is_counted() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    drop(LocalVolume::open(directory.path()).expect("opened"));
    let sessions = directory.path().join(PRIVATE_DIR).join(SESSIONS);
    std::fs::create_dir(sessions.join("dead")).expect("created");
    let volume = LocalVolume::open(directory.path()).expect("opened");
    assert_eq!(volume.counters().recoveries, 1);
}

#[test]
fn events_name_paths_and_lengths_but_never_contents() {
    let log = Log::default();
    let subscriber = log.clone();
    tracing::subscriber::with_default(subscriber, || {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let volume = LocalVolume::open(directory.path()).expect("opened");
        volume
            .commit(write("diary", b"a secret").into())
            .expect("made");
        let absent = write("diary", b"a secret").only_if(Precondition::Absent);
        volume.commit(absent.into()).expect_err("a conflict");
        volume
            .commit(write("diary/x", b"a secret").into())
            .expect_err("refused");
    });
    let lines = log.lines.lock().expect("not poisoned").join("\n");
    for expected in [
        "diary",
        "bytes=8",
        "applied",
        "conflict",
        "not applied",
        "micros=",
    ] {
        assert!(
            lines.contains(expected),
            "{expected} is missing in\n{lines}"
        );
    }
    assert!(!lines.contains("secret"), "{lines}");
}

/// Keeps what events say.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Subscriber for Log {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _attributes: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.lines.lock().expect("not poisoned").push(line.0);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }
}

fn write(path: &str, contents: &[u8]) -> Change {
    let (path, contents) = (file(path), contents.to_vec());
    Change::write(path, contents)
}

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}
