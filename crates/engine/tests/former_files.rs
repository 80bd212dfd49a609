//! What other programs do where a commit has just removed or cut a file, beside two sessions of
//! which nobody is killed; and copies of a volume.
#![cfg(target_os = "linux")]

use ability_storage_engine::{Change, FilePath, LocalVolume, Volume};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// Longer than clocks may differ.
const LONG: Duration = Duration::from_millis(2_300);

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

fn text(volume: &LocalVolume, path: &str) -> Option<String> {
    let snapshot = volume.read(&file(path), 1 << 20).ok()?;
    Some(String::from_utf8(snapshot.into_contents()).expect("text"))
}

fn commit(volume: &LocalVolume, changes: impl IntoIterator<Item = Change>) {
    volume.commit(changes.into_iter().collect()).expect("made");
}

fn write(path: &str, contents: &str) -> Change {
    Change::write(file(path), contents)
}

/// Two sessions, and a file `a`.
fn two_sessions(root: &Path) -> [LocalVolume; 2] {
    let [one, other] = [(), ()].map(|()| LocalVolume::open(root).expect("opened"));
    commit(&one, [write("a", "precious")]);
    commit(&other, [Change::append(file("log"), "other\n")]);
    [one, other]
}

/// After a checkpoint of the other session, and when both are closed.
fn has_at_a(root: &Path, [one, other]: [LocalVolume; 2], expected: &str) {
    other.checkpoint().expect("made");
    for volume in [&one, &other] {
        assert_eq!(text(volume, "a").as_deref(), Some(expected));
    }
    for volume in [one, other] {
        volume.close().expect("closed");
    }
    let volume = LocalVolume::open(root).expect("opened");
    assert_eq!(text(&volume, "a").as_deref(), Some(expected));
}

#[test]
fn a_file_that_is_moved_back_stays() {
    for pause in [Duration::ZERO, LONG] {
        let temp = tempfile::tempdir().expect("a temporary directory");
        let sessions = two_sessions(temp.path());
        let rename = Change::rename(file("a"), file("b"));
        commit(&sessions[0], [rename, write("z", "z")]);
        sleep(pause);
        fs::rename(temp.path().join("b"), temp.path().join("a")).expect("moved");
        assert_eq!(text(&sessions[0], "a").as_deref(), Some("precious"));
        has_at_a(temp.path(), sessions, "precious");
    }
}

#[test]
fn a_file_that_is_made_right_after_a_removal_stays() {
    for pause in [Duration::ZERO, LONG] {
        let temp = tempfile::tempdir().expect("a temporary directory");
        let sessions = two_sessions(temp.path());
        commit(&sessions[0], [Change::delete(file("a")), write("z", "z")]);
        sleep(pause);
        fs::write(temp.path().join("a"), "a person's").expect("written");
        has_at_a(temp.path(), sessions, "a person's");
    }
}

/// The session that published the last line has ended when the other makes the checkpoint.
#[test]
fn lines_that_another_program_has_removed_stay_away_when_all_have_closed() {
    let cuts = [
        "truncate -s 4 log",
        "head -n 1 log > t && mv t log",
        "sed -i 2,3d log",
    ];
    for cut in cuts {
        let temp = tempfile::tempdir().expect("a temporary directory");
        let [one, other] = [(), ()].map(|()| LocalVolume::open(temp.path()).expect("opened"));
        for (volume, line) in [(&one, "one\n"), (&other, "two\n"), (&one, "three\n")] {
            commit(volume, [Change::append(file("log"), line)]);
        }
        // The clock of a file system may stand still for some milliseconds.
        sleep(Duration::from_millis(50));
        let mut shell = Command::new("sh");
        let ended = shell.args(["-c", cut]).current_dir(temp.path()).status();
        assert!(ended.expect("run").success(), "{cut}");
        assert_eq!(text(&one, "log").as_deref(), Some("one\n"), "{cut}");
        one.close().expect("closed");
        other.close().expect("closed");
        let left = fs::read_to_string(temp.path().join("log")).expect("read");
        assert_eq!(left, "one\n", "{cut}");
    }
}

/// A copy has other files, and says nothing of what was removed: what a power cut has brought
/// back goes, also where the directory of the copy has the same number.
#[test]
fn in_a_copy_what_was_removed_does_not_come_back() {
    for in_place in [false, true] {
        let temp = tempfile::tempdir().expect("a temporary directory");
        let [root, copy] = ["volume", "copy"].map(|name| temp.path().join(name));
        fs::create_dir(&root).expect("made");
        let volume = LocalVolume::open(&root).expect("opened");
        commit(&volume, [write("victim", "old"), write("other", "old")]);
        volume.checkpoint().expect("made");
        commit(
            &volume,
            [Change::delete(file("victim")), write("other", "new")],
        );
        // As if the power were cut now, and the removal had not been synced.
        shell(
            &temp,
            "cp -a volume copy && sleep 2.3 && echo -n old > copy/victim",
        );
        std::mem::forget(volume);
        let opened = match in_place {
            false => copy,
            true => {
                shell(
                    &temp,
                    "find volume -mindepth 1 -delete && cp -a copy/. volume",
                );
                root
            }
        };
        let volume = LocalVolume::open(&opened).expect("opened");
        assert_eq!(text(&volume, "other").as_deref(), Some("new"), "{in_place}");
        assert_eq!(text(&volume, "victim"), None, "{in_place}");
    }
}

fn shell(temp: &tempfile::TempDir, script: &str) {
    let mut shell = Command::new("sh");
    let ended = shell.args(["-c", script]).current_dir(temp.path()).status();
    assert!(ended.expect("run").success(), "{script}");
}
