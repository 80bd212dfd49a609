//! Copies between volumes of all kinds, undisturbed and disturbed.

mod fake;

use super::report::Done;
use super::trouble::Trouble;
use super::volume::{Ends, copy};
use ability_storage::author::delegate;
use ability_storage::{
    Batch, Change, Error, FilePath, LocalRoot, LocalVolume, MemoryVolume, Reader, Result, Root,
    Version, Volume,
};
use fake::Fake;
use std::io;

/// Lengths around all limits: of a file in the list of a store, of one that goes along
/// with others, and of one that a store takes in parts.
const LENGTHS: [usize; 7] = [0, 1, 4 << 10, 64 << 10, (64 << 10) + 1, 1 << 20, 5 << 20];

fn path(text: &str) -> FilePath {
    FilePath::new(text).expect("valid")
}

fn put(volume: &dyn Volume, name: &str, contents: &[u8]) {
    let (path, contents) = (path(name), contents.to_vec());
    let write = Change::write(path, contents);
    volume.commit(write.into()).expect("written");
}

fn get(volume: &dyn Volume, name: &str) -> Vec<u8> {
    volume
        .read(&path(name), u64::MAX)
        .expect(name)
        .into_contents()
}

/// Contents that differ wherever they are cut.
fn contents(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at * 7 + at / 251 + length) as u8)
        .collect()
}

/// Files of all lengths, and more small ones than a commit takes.
fn fill(volume: &dyn Volume) -> usize {
    for length in LENGTHS {
        put(volume, &format!("lengths/{length}.bin"), &contents(length));
    }
    let small = (0..300).map(|number| {
        Change::write(
            path(&format!("small/{}/{number}.txt", number % 7)),
            format!("number {number}").into_bytes(),
        )
    });
    volume.commit(small.collect::<Batch>()).expect("written");
    LENGTHS.len() + 300
}

fn copied(
    source: &dyn Volume,
    target: &dyn Volume,
    overwrite: bool,
) -> (Done, std::result::Result<(), Trouble>) {
    let mut done = Done::default();
    let ends = Ends {
        source,
        target,
        overwrite,
        arrived: &|_, _| Ok(()),
    };
    let result = copy(ends, &mut done, &|_, _, _| {});
    (done, result)
}

/// Copies, and is not stopped.
fn copy_to_end(source: &dyn Volume, target: &dyn Volume, overwrite: bool) -> Done {
    let (done, result) = copied(source, target, overwrite);
    result.expect("nothing stops it");
    done
}

fn check_equal(one: &dyn Volume, other: &dyn Volume) {
    let files = one.list(None).expect("listed");
    assert_eq!(files, other.list(None).expect("listed"));
    for file in files {
        assert!(
            get(one, file.as_str()) == get(other, file.as_str()),
            "{file}"
        );
    }
}

/// Copies all to an empty volume, again, and back.
fn check_both_ways(one: &dyn Volume, other: &dyn Volume, third: &dyn Volume) {
    let files = fill(one) as u64;
    let done = copy_to_end(one, other, false);
    assert!(done.is_complete(), "{done:?}");
    let bytes = one.usage().expect("counted").bytes;
    assert_eq!((done.copied.files, done.copied.bytes), (files, bytes));
    check_equal(one, other);

    let again = copy_to_end(one, other, false);
    assert_eq!((again.same.files, again.copied.files), (files, 0));
    assert_eq!(again.same.bytes, bytes);

    let back = copy_to_end(other, third, true);
    assert_eq!((back.copied.files, back.replaced.files), (files, 0));
    check_equal(one, third);
}

fn directory() -> (tempfile::TempDir, LocalRoot) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let volumes = LocalVolume::options().limits(super::none());
    let options = LocalRoot::options().volumes(volumes);
    let root = options.open_or_create(directory.path()).expect("opened");
    (directory, root)
}

#[test]
fn between_directories() {
    let (_temporary, root) = directory();
    let open = |id| root.ability(id).expect("opened");
    check_both_ways(&*open("one"), &*open("other"), &*open("third"));
}

#[cfg(feature = "object-store")]
mod stores {
    use super::*;
    use ability_storage::VolumeId;
    use ability_storage_object_store::object_store::memory::InMemory;
    use ability_storage_object_store::object_store::path::Path;
    use ability_storage_object_store::{ObjectRoot, ObjectVolume};
    use std::sync::Arc;

    fn store() -> ObjectVolume {
        let options = ObjectRoot::options().limits(crate::copy::none());
        let root = options.open_in(Arc::new(InMemory::new()), Path::from("data"));
        root.expect("opened").open_volume(&VolumeId::user())
    }

    #[test]
    fn from_a_directory_to_a_store_and_back() {
        let (_temporary, root) = directory();
        let open = |id| root.ability(id).expect("opened");
        check_both_ways(&*open("one"), &store(), &*open("third"));
    }

    #[test]
    fn from_a_store_to_a_store() {
        check_both_ways(&store(), &store(), &store());
    }

    #[test]
    fn a_store_is_asked_for_many_small_files_at_once() {
        let source = MemoryVolume::new();
        let target = store();
        for number in 0..256 {
            put(&source, &format!("{number}"), b"short");
        }
        let before = target.requests().puts;
        copy_to_end(&source, &target, false);
        let puts = target.requests().puts - before;
        assert!(puts < 10, "{puts} requests for two commits");
    }
}

#[test]
fn what_differs_is_not_touched_unless_asked_for() {
    let (source, target) = (MemoryVolume::new(), MemoryVolume::new());
    let long = contents(200_000);
    let mut other = long.clone();
    other[199_999] ^= 1;
    for (name, ours, theirs) in [
        ("short", &b"ours"[..], &b"theirs"[..]),
        ("short of one length", b"ours", b"them"),
        ("long", &long, &other),
        ("long of another length", &long, b"short"),
        ("same", b"same", b"same"),
        ("long and same", &long, &long),
    ] {
        put(&source, name, ours);
        put(&target, name, theirs);
    }
    put(&source, "new", b"new");
    put(&target, "theirs alone", b"kept");

    let done = copy_to_end(&source, &target, false);
    let expected = [
        "long",
        "long of another length",
        "short",
        "short of one length",
    ];
    assert_eq!(done.different, expected.map(path));
    assert!(!done.is_complete());
    assert_eq!((done.copied.files, done.same.files), (1, 2));
    assert_eq!((done.replaced.files, done.only_in_target), (0, 1));
    assert_eq!(get(&target, "short"), b"theirs");
    assert!(get(&target, "long") == other);

    let done = copy_to_end(&source, &target, true);
    assert!(done.is_complete());
    assert_eq!((done.replaced.files, done.same.files), (4, 3));
    assert_eq!(get(&target, "short"), b"ours");
    assert!(get(&target, "long") == long);
    assert_eq!(get(&target, "theirs alone"), b"kept");
}

#[test]
fn what_somebody_else_writes_meanwhile_is_kept() {
    for overwrite in [false, true] {
        for length in [10, 200_000] {
            let source = MemoryVolume::new();
            put(&source, "a", b"a");
            put(&source, "contested", &contents(length));
            put(&source, "z", b"z");
            let target = Fake::new(
                |volume, commit| {
                    if commit == 1 {
                        put(volume, "contested", b"theirs");
                    }
                },
                |_, answer| answer,
            );
            if overwrite {
                put(target.volume(), "contested", b"old");
            }
            let done = copy_to_end(&source, &target, overwrite);
            assert_eq!(get(&target, "contested"), b"theirs");
            assert_eq!(
                (get(&target, "a"), get(&target, "z")),
                (b"a".to_vec(), b"z".to_vec())
            );
            assert_eq!(done.copied.files, 2, "{done:?}");
            assert!(!done.is_complete());
            let reported = match overwrite {
                true => done.failed.iter().map(|(path, _)| path).collect(),
                false => done.different.iter().collect::<Vec<_>>(),
            };
            assert_eq!(reported, [&path("contested")]);
        }
    }
}

#[test]
fn what_somebody_else_copies_meanwhile_is_the_same() {
    let source = MemoryVolume::new();
    put(&source, "a", b"a");
    put(&source, "b", b"b");
    let copy_b = |volume: &MemoryVolume, commit| {
        if commit == 1 {
            put(volume, "b", b"b");
        }
    };
    let target = Fake::new(copy_b, |_, answer| answer);
    let done = copy_to_end(&source, &target, false);
    assert!(done.is_complete());
    assert_eq!((done.copied.files, done.same.files), (1, 1));
}

#[test]
fn an_answer_with_another_hash_is_no_success() {
    let lie = |answer: fake::Answer| answer.map(|all| vec![Some(Version::of(b"lie")); all.len()]);
    for length in [10, 200_000] {
        let source = MemoryVolume::new();
        put(&source, "a", &contents(length));
        let target = Fake::new(|_, _| {}, move |_, answer| lie(answer));
        let done = copy_to_end(&source, &target, false);
        assert_eq!((done.copied.files, done.failed.len()), (0, 1), "{done:?}");
        assert!(done.failed[0].1.contains("other contents"), "{done:?}");
    }
}

#[test]
fn a_copy_that_is_stopped_goes_on_when_it_is_run_again() {
    let source = MemoryVolume::new();
    let files = fill(&source) as u64;
    let gone = || {
        let error = io::Error::from(io::ErrorKind::TimedOut);
        Error::unavailable("the store is gone", error)
    };
    let refuse = move |commit, answer: fake::Answer| match commit {
        // What was made before it is lost on the way back.
        4 => Err(gone()),
        _ => answer,
    };
    let target = Fake::new(|_, _| {}, refuse);
    let (first, stopped) = copied(&source, &target, false);
    assert!(
        stopped
            .expect_err("stopped")
            .to_string()
            .starts_with("TO: ")
    );
    assert!(
        first.copied.files > 0 && first.copied.files < files,
        "{first:?}"
    );
    assert!(
        first.is_complete(),
        "none of it failed by itself: {first:?}"
    );

    let second = copy_to_end(&source, &target, false);
    assert!(second.is_complete());
    assert_eq!(second.copied.files + second.same.files, files);
    assert!(second.same.files >= first.copied.files);
    check_equal(&source, target.volume());
}

#[test]
fn what_may_not_be_durable_is_written_again() {
    for length in [10, 200_000] {
        let source = MemoryVolume::new();
        put(&source, "a", &contents(length));
        let unconfirmed = |commit, answer: fake::Answer| match commit {
            1 => Err(Error::unconfirmed(&path("a"), io::Error::other("the disk"))),
            _ => answer,
        };
        let target = Fake::new(|_, _| {}, unconfirmed);
        let done = copy_to_end(&source, &target, false);
        assert!(done.is_complete(), "{done:?}");
        assert_eq!((done.copied.files, done.replaced.files), (1, 0));
        // It was refused once, for it was there already, and then made again.
        assert_eq!(target.commits(), 3);
    }
}

#[test]
fn what_stays_in_doubt_is_no_success() {
    let source = MemoryVolume::new();
    put(&source, "a", b"a");
    let in_doubt = |_, _| Err(Error::in_doubt(&path("a"), io::Error::other("no answer")));
    let target = Fake::new(
        |volume, _| volume.commit(Batch::new()).map(drop).expect("nothing"),
        in_doubt,
    );
    let done = copy_to_end(&source, &target, false);
    assert_eq!((done.copied.files, done.failed.len()), (0, 1), "{done:?}");
    assert!(
        done.failed[0].1.contains("may have been changed, or not"),
        "{done:?}"
    );
}

#[test]
fn a_file_that_cannot_be_there_does_not_stop_others() {
    let (source, target) = (MemoryVolume::new(), MemoryVolume::new());
    for name in ["a", "b", "c"] {
        put(&source, name, b"x");
    }
    put(&target, "b/is/a/directory", b"y");
    let done = copy_to_end(&source, &target, true);
    assert_eq!(done.copied.files, 2);
    assert_eq!(done.failed[0].0, path("b"));
    assert_eq!(get(&target, "b/is/a/directory"), b"y");
}

/// A source whose files are replaced while they are read, or torn by hand.
struct Restless {
    volume: MemoryVolume,
    /// Whether readers end too early.
    is_torn: bool,
}

struct RestlessReader {
    reader: Box<dyn Reader>,
    is_torn: bool,
    is_first: bool,
}

impl Volume for Restless {
    delegate!(self => self.volume; read, stat, commit, writer, usage, counters, close, exists);

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        let mut files = self.volume.list(directory)?;
        files.push(path("was deleted after it was listed"));
        Ok(files)
    }

    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
        let reader = self.volume.reader(path)?;
        let length = reader.size() as usize;
        put(&self.volume, path.as_str(), &vec![b'n'; length]);
        Ok(Box::new(RestlessReader {
            reader,
            is_torn: self.is_torn,
            is_first: true,
        }))
    }
}

impl Reader for RestlessReader {
    fn size(&self) -> u64 {
        self.reader.size()
    }

    fn read(&mut self, max_bytes: usize) -> Result<Vec<u8>> {
        if self.is_torn && !self.is_first {
            return Ok(Vec::new());
        }
        self.is_first = false;
        self.reader.read(max_bytes.min(1_000))
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_one_version() {
    for length in [2_000, 200_000] {
        let source = Restless {
            volume: MemoryVolume::new(),
            is_torn: false,
        };
        put(&source.volume, "a", &vec![b'o'; length]);
        let target = MemoryVolume::new();
        let done = copy_to_end(&source, &target, false);
        assert_eq!(
            (done.copied.files, done.is_complete()),
            (1, true),
            "{done:?}"
        );
        let arrived = get(&target, "a");
        assert_eq!(arrived.len(), length);
        assert!(arrived.iter().all(|byte| *byte == arrived[0]));
    }
}

#[test]
fn a_file_that_is_torn_while_it_is_read_does_not_arrive() {
    for length in [2_000, 200_000] {
        let source = Restless {
            volume: MemoryVolume::new(),
            is_torn: true,
        };
        put(&source.volume, "a", &vec![b'o'; length]);
        let target = MemoryVolume::new();
        let done = copy_to_end(&source, &target, false);
        assert!(done.failed[0].1.contains("1000 bytes came"), "{done:?}");
        assert_eq!(target.list(None).expect("listed"), []);
    }
}
