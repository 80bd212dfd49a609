//! A quota that several volumes share: nothing goes beyond it, whoever commits when.

use ability_storage_engine::{
    Change, Error, FilePath, LocalRoot, LocalVolume, LocalVolumeOptions, Precondition, Quota,
    Result, Root, Usage, Volume, VolumeId,
};
use std::fs;
use std::path::Path;
use std::thread;

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

fn put(volume: &dyn Volume, path: &str, bytes: usize) -> Result<()> {
    volume.commit(Change::write(file(path), vec![7; bytes]).into())?;
    Ok(())
}

fn root(directory: &Path, quota: &Quota, options: LocalVolumeOptions) -> LocalRoot {
    let options = options.quota(quota.clone());
    let root = LocalRoot::options().volumes(options);
    root.open_or_create(directory).expect("opened")
}

#[track_caller]
fn assert_refused<T>(result: Result<T>) {
    match result {
        Err(Error::QuotaExceeded { reason, .. }) => {
            assert!(reason.contains("share a quota"), "{reason}");
        }
        other => panic!("{:?} is not refused by the quota", other.err()),
    }
}

fn on_disk(directory: &Path) -> Usage {
    let root = LocalRoot::open_or_create(directory).expect("opened");
    let mut sum = Usage::default();
    for id in root.list().expect("listed") {
        let usage = root.volume(&id).and_then(|volume| volume.usage());
        let usage = usage.expect("counted");
        sum.bytes += usage.bytes;
        sum.files += usage.files;
    }
    sum
}

#[test]
fn volumes_of_a_root_count_together_and_what_shrinks_makes_room() {
    for journaled in [false, true] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let quota = Quota::default().max_bytes(1_000).max_files(4);
        let options = LocalVolume::options().journaled(journaled);
        let root = root(directory.path(), &quota, options);
        let [one, two] = ["one", "two"].map(|id| root.ability(id).expect("opened"));
        put(&*one, "a", 600).expect("there is room");
        put(&*two, "a", 400).expect("there is room");
        assert_refused(put(&*two, "b", 1));
        assert_refused(two.commit(Change::append(file("a"), b"x").into()));
        let mut writer = two.writer(&file("b")).expect("opened");
        writer.write(b"x").expect("taken");
        assert_refused(writer.commit(Precondition::Any));
        // Its old contents make room for the new ones.
        put(&*one, "a", 599).expect("it shrinks");
        put(&*two, "b", 1).expect("there is room");
        put(&*one, "empty", 0).expect("there is room");
        assert_refused(put(&*one, "one more", 0));
        let user = root.user().expect("opened");
        assert_refused(put(&*user, "x", 0));
        one.commit(Change::delete(file("a")).into()).expect("made");
        put(&*user, "x", 599).expect("there is room");
        assert_eq!(on_disk(directory.path()).bytes, 1_000);
        assert_eq!((quota.usage().bytes, quota.usage().files), (1_000, 4));
    }
}

#[test]
fn volumes_that_are_not_open_count() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let before = LocalRoot::open_or_create(directory.path()).expect("opened");
    put(&*before.ability("old").expect("opened"), "a", 900).expect("made");
    let quota = Quota::default().max_bytes(1_000);
    let root = root(directory.path(), &quota, LocalVolume::options());
    let new = root.ability("new").expect("opened");
    assert_refused(put(&*new, "a", 101));
    put(&*new, "a", 100).expect("there is room");
    drop(new);
    let other = root.ability("other").expect("opened");
    assert_refused(put(&*other, "a", 1));
    // A person makes room while the volume is not open.
    thread::sleep(std::time::Duration::from_millis(1_100));
    fs::remove_file(directory.path().join("abilities/old/a")).expect("removed");
    put(&*other, "a", 900).expect("there is room");
}

#[test]
fn two_sessions_of_a_volume_count_once() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let quota = Quota::default().max_bytes(1_000);
    let root = root(directory.path(), &quota, LocalVolume::options());
    let open = || root.open_volume(&VolumeId::user()).expect("opened");
    let (one, two) = (open(), open());
    put(&one, "a", 400).expect("made");
    put(&two, "b", 400).expect("made");
    assert_eq!(quota.usage().bytes, 800);
    assert_refused(put(&one, "c", 201));
    put(&two, "c", 200).expect("there is room");
}

/// Many threads, in volumes of their own and in one that they share, each as fast as it can.
#[test]
fn no_race_goes_beyond() {
    const MAX: (u64, u64) = (20_000, 60);
    for journaled in [false, true] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let quota = Quota::default().max_bytes(MAX.0).max_files(MAX.1);
        let options = LocalVolume::options().journaled(journaled);
        let root = root(directory.path(), &quota, options);
        let shared = root.user().expect("opened");
        thread::scope(|scope| {
            for number in 0..12 {
                let (root, shared) = (&root, &shared);
                scope.spawn(move || {
                    let own = root.ability(&format!("a{}", number % 6)).expect("opened");
                    let volume = if number % 3 == 0 { shared } else { &own };
                    work(&**volume, number);
                });
            }
        });
        let (known, found) = (quota.usage(), on_disk(directory.path()));
        assert!(found.bytes <= MAX.0 && found.files <= MAX.1, "{found:?}");
        assert!(found.bytes > MAX.0 / 2, "little was written: {found:?}");
        assert!(known.bytes >= found.bytes, "{known:?} {found:?}");
    }
}

fn work(volume: &dyn Volume, number: usize) {
    for round in 0..30_usize {
        let path = format!("f{number}-{}", round % 8);
        let change = match (number + round) % 4 {
            0 => Change::append(file(&path), vec![1; 300]),
            1 if round % 5 == 0 => Change::delete(file(&path)),
            _ => Change::write(file(&path), vec![2; 100 * (round % 9)]),
        };
        match volume.commit(change.into()) {
            Ok(_) | Err(Error::QuotaExceeded { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
