//! Limits where others than the volume change the directory, and limits on what
//! is under way.

use ability_storage_engine::{Change, Error, FilePath, Limits, LocalVolume, Volume};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far longer than a count of the files is good for, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn what_a_person_adds_is_noticed_in_the_end() {
    let (directory, volume) = volume(Limits::default().max_total_bytes(1_000));
    write(&volume, "one", 400).expect("there is room");
    fs::write(directory.path().join("by hand"), vec![0; 700]).expect("written");
    wait_until_it_holds(&volume, 1_100);
    for _ in 0..3 {
        assert_refused(write(&volume, "two", 1));
    }
    assert!(!volume.exists(&file("two")).expect("known"));
    write(&volume, "one", 399).expect("shrinking is allowed");
    assert_refused(write(&volume, "one", 400));
}

#[test]
fn what_a_person_removes_makes_room_within_a_second() {
    let (directory, volume) = volume(Limits::default().max_files(2));
    write(&volume, "one", 1).expect("there is room");
    write(&volume, "two", 1).expect("there is room");
    assert_refused(write(&volume, "three", 1));
    fs::remove_file(directory.path().join("one")).expect("removed");
    let start = Instant::now();
    while write(&volume, "three", 1).is_err() {
        assert!(start.elapsed() < PATIENCE, "it was never noticed");
        thread::sleep(Duration::from_millis(50));
    }
    assert_refused(write(&volume, "one", 1));
}

#[test]
fn what_the_volume_removes_makes_room_at_once() {
    let (_directory, volume) = volume(Limits::default().max_files(2));
    write(&volume, "one", 1).expect("there is room");
    for _ in 0..20 {
        write(&volume, "two", 1).expect("there is room");
        assert_refused(write(&volume, "three", 1));
        volume
            .commit(Change::delete(file("two")).into())
            .expect("made");
    }
}

#[test]
fn batches_at_once_do_not_exceed_a_limit_together() {
    const KIB: usize = 1 << 10;
    let limits = Limits::default().max_total_bytes(100 * KIB as u64);
    let (directory, volume) = volume(limits);
    for round in 0..5 {
        thread::scope(|scope| {
            for number in 0..8 {
                let volume = &volume;
                scope.spawn(move || {
                    for half in ["a", "b"] {
                        let write = |name: &str| {
                            let path = file(&format!("{number}/{half}-{name}"));
                            Change::write(path, vec![round; 30 * KIB])
                        };
                        let batch = [write("x"), write("y")].into_iter().collect();
                        volume.commit(batch).ok();
                    }
                });
            }
        });
        let files = volume.list(None).expect("listed");
        let bytes = |path: &FilePath| fs::metadata(directory.path().join(path.as_str()));
        let all: u64 = files
            .iter()
            .map(|path| bytes(path).expect("there").len())
            .sum();
        assert!(all <= 100 * KIB as u64, "{all}");
        assert!(!files.is_empty());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn lengths_beyond_all_numbers_are_over_every_limit() {
    let Ok(directory) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    for name in ["a", "b", "c"] {
        let sparse = fs::File::create(directory.path().join(name)).expect("made");
        if sparse.set_len(i64::MAX as u64).is_err() {
            return;
        }
    }
    for journaled in [false, true] {
        let options = LocalVolume::options().journaled(journaled);
        let options = options.limits(Limits::default().max_total_bytes(1_000));
        let volume = options.open(directory.path()).expect("opened");
        assert_eq!(volume.usage().expect("counted").bytes, u64::MAX);
        assert_refused(write(&volume, "new", 1));
    }
}

#[test]
fn what_another_session_adds_counts() {
    let limits = Limits::default().max_total_bytes(1_000);
    let (directory, first) = volume(limits.clone());
    let second = LocalVolume::options().limits(limits).open(directory.path());
    let second = second.expect("opened");
    write(&first, "one", 500).expect("there is room");
    write(&second, "two", 500).expect("there is room");
    wait_until_it_holds(&first, 1_000);
    wait_until_it_holds(&second, 1_000);
    assert_refused(write(&first, "three", 1));
    assert_refused(write(&second, "three", 1));
}

#[test]
fn bytes_under_way_are_limited() {
    let (_directory, volume) = volume(Limits::default().max_bytes_in_flight(100));
    assert_refused(write(&volume, "file", 101));
    write(&volume, "file", 100).expect("not too many");
    let mut first = volume.writer(&file("first")).expect("opened");
    let mut second = volume.writer(&file("second")).expect("opened");
    first.write(&[0; 60]).expect("not too many");
    assert!(second.write(&[0; 60]).is_err());
    assert_refused(write(&volume, "file", 60));
    drop((first, second));
    write(&volume, "file", 100).expect("they are gone");
}

#[test]
fn only_the_allowed_endings_can_be_written() {
    let (directory, volume) = volume(Limits::default().text_files_only());
    for name in [
        "a.txt", "b.csv", "c.json", "d.MD", "e.log", "f.yaml", "g/h.yml", "i.count",
    ] {
        write(&volume, name, 1).expect("allowed");
    }
    for name in ["a", "b.wasm", "c.json.tmp", "json", "d.txt/e"] {
        let refused = write(&volume, name, 1);
        assert!(
            matches!(refused, Err(Error::PathNotAllowed { .. })),
            "{name}"
        );
    }
    fs::write(directory.path().join("picture.png"), b"by hand").expect("written");
    assert!(volume.exists(&file("picture.png")).expect("known"));
}

#[test]
fn a_refused_commit_gives_back_what_it_reserved() {
    let (_directory, volume) = volume(Limits::default().max_total_bytes(1_000));
    write(&volume, "file", 500).expect("there is room");
    for _ in 0..5 {
        let stale = ability_storage_engine::Version::of(b"stale");
        let path = file("other");
        let contents = vec![0; 400];
        let change = Change::write(path, contents);
        let step = change.only_if(ability_storage_engine::Precondition::Version(stale));
        let conflict = volume.commit(step.into());
        assert!(matches!(conflict, Err(Error::Conflict { .. })));
        assert_refused(write(&volume, "other", 501));
    }
    assert_eq!(volume.usage().expect("counted").bytes, 500);
    write(&volume, "other", 500).expect("there is room");
}

fn volume(limits: Limits) -> (TempDir, LocalVolume) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = LocalVolume::options().limits(limits).open(directory.path());
    (directory, volume.expect("opened"))
}

#[track_caller]
fn wait_until_it_holds(volume: &LocalVolume, bytes: u64) {
    let start = Instant::now();
    while volume.usage().expect("counted").bytes != bytes {
        assert!(start.elapsed() < PATIENCE, "it was never noticed");
        thread::sleep(Duration::from_millis(50));
    }
}

fn write(volume: &LocalVolume, path: &str, bytes: usize) -> Result<(), Error> {
    let (path, contents) = (file(path), vec![0; bytes]);
    volume.commit(Change::write(path, contents).into())?;
    Ok(())
}

#[track_caller]
fn assert_refused(result: Result<(), Error>) {
    assert!(
        matches!(result, Err(Error::QuotaExceeded { .. })),
        "{result:?}"
    );
}

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}
