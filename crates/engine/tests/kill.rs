//! A process that writes is killed with SIGKILL at random moments, again and
//! again; what it acknowledged must be there, whole, and nothing else.

#![cfg(unix)]

use ability_storage_engine::layout::{PRIVATE_DIR, SESSIONS, SPARE_SESSION};
use ability_storage_engine::{Change, FilePath, LocalVolume, Volume};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const ROUNDS: usize = 25;
const DIRECTORY: &str = "ABILITY_STORAGE_TEST_KILL_DIRECTORY";
const SLOTS: usize = 5;

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut acknowledged = None;
    for round in 0..ROUNDS {
        // Some kills fall into the opening of the volume.
        let wait_for = if round % 5 == 0 { 0 } else { 1 + round % 3 };
        let seen = run_and_kill(directory.path(), wait_for);
        acknowledged = seen.or(acknowledged);
        let there = check(directory.path());
        assert!(there >= acknowledged, "{there:?} after {acknowledged:?}");
    }
    assert!(acknowledged >= Some(ROUNDS), "too few writes to mean much");
}

#[test]
fn recovery_does_not_undo_an_edit_by_hand() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    run_and_kill(directory.path(), 3);
    // All that comes before the last line is as the volume left it.
    let path = directory.path().join("log");
    let mut edited = std::fs::read(&path).expect("read");
    let end = edited.len() - 1;
    edited[end - 50..end].fill(b'-');
    std::fs::write(&path, &edited).expect("edited");
    drop(LocalVolume::open(directory.path()).expect("opened"));
    let after = std::fs::read(&path).expect("read");
    // A line that was on its way may come after it.
    let after = String::from_utf8_lossy(&after);
    assert!(
        after.starts_with(&*String::from_utf8_lossy(&edited)),
        "{after}"
    );
}

/// Not a test: the process that is killed. It goes on where it was stopped.
#[test]
#[ignore = "runs as the child of another test"]
fn writing_process() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let volume = LocalVolume::open(directory).expect("opened");
    let next = state(&volume).map_or(0, |last| last + 1);
    for number in next.. {
        for change in changes_of(&volume, number) {
            volume.commit(change.into()).expect("committed");
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nacknowledged {number}").expect("printed");
        out.flush().expect("printed");
    }
}

/// One round of the workload: every kind of change, the state last, so that
/// the state vouches for the others.
fn changes_of(volume: &LocalVolume, number: usize) -> Vec<Change> {
    let slot = number % SLOTS;
    let mut changes = Vec::new();
    // The round may be the second try of one that was cut off.
    if log_length(volume) <= number {
        changes.push(Change::append(
            file("log"),
            format!("{number:>50}\n").into_bytes(),
        ));
    }
    changes.extend([
        Change::write(file(&format!("new/{slot}")), numbered(number)),
        Change::rename(file(&format!("new/{slot}")), file(&format!("moved/{slot}"))),
        Change::delete(file(&format!("moved/{}", (slot + 2) % SLOTS))),
        Change::write(file("state"), numbered(number)),
    ]);
    changes
}

/// Kills the process a random time after it acknowledged `wait_for` rounds, and
/// returns the last that it acknowledged.
fn run_and_kill(directory: &Path, wait_for: usize) -> Option<usize> {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "writing_process", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let out = BufReader::new(child.stdout.take().expect("piped"));
    let (send, acknowledged) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = out.lines().map_while(Result::ok);
        for line in lines {
            if let Some(number) = line.strip_prefix("acknowledged ") {
                send.send(number.parse().expect("a number")).expect("heard");
            }
        }
    });
    let seen = acknowledged.iter().take(wait_for).last();
    std::thread::sleep(random_delay());
    child.kill().expect("killed");
    child.wait().expect("ended");
    acknowledged.iter().last().or(seen)
}

/// Checks all files and returns the last round that the state names.
fn check(directory: &Path) -> Option<usize> {
    let volume = LocalVolume::open(directory).expect("opened");
    let last = state(&volume);
    let length = log_length(&volume);
    let rounds = last.map_or(0, |last| last + 1);
    assert!(
        length == rounds || length == rounds + 1,
        "{length} lines after {rounds} rounds"
    );
    for path in volume.list(None).expect("listed") {
        let known = ["state", "log"].contains(&path.as_str())
            || path.is_under(&file("new"))
            || path.is_under(&file("moved"));
        assert!(known, "{path} is listed");
        if path.as_str() != "log" {
            number_of(&contents(&volume, &path));
        }
    }
    drop(volume);
    let sessions = directory.join(PRIVATE_DIR).join(SESSIONS);
    let left = sessions.read_dir().expect("listed");
    let mut left: Vec<_> = left
        .map(|entry| entry.expect("listed").file_name())
        .collect();
    left.retain(|name| name != SPARE_SESSION);
    assert!(left.is_empty(), "left behind: {left:?}");
    last
}

fn state(volume: &LocalVolume) -> Option<usize> {
    let path = file("state");
    let there = volume.exists(&path).expect("known");
    there.then(|| number_of(&contents(volume, &path)))
}

fn log_length(volume: &LocalVolume) -> usize {
    let path = file("log");
    if !volume.exists(&path).expect("known") {
        return 0;
    }
    let log = contents(volume, &path);
    let log = String::from_utf8(log).expect("text");
    assert!(log.ends_with('\n'), "a torn line");
    for (i, line) in log.lines().enumerate() {
        assert_eq!(line.len(), 50, "a torn line");
        assert_eq!(line.trim().parse(), Ok(i), "a lost or doubled line");
    }
    log.lines().count()
}

fn contents(volume: &LocalVolume, path: &FilePath) -> Vec<u8> {
    volume.read(path, 1 << 20).expect("read").into_contents()
}

/// Contents of a length of their own, all of which tell the number.
fn numbered(number: usize) -> Vec<u8> {
    format!("{number} ")
        .repeat(1 + number * 37 % 4000)
        .into_bytes()
}

fn number_of(contents: &[u8]) -> usize {
    let text = std::str::from_utf8(contents).expect("text");
    let (number, _) = text.split_once(' ').expect("not empty");
    let number = number.parse().expect("a number");
    assert!(contents == numbered(number), "torn contents");
    number
}

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

/// About as long as a round takes on a slow disk.
fn random_delay() -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0);
    Duration::from_micros(random % 40_000)
}

/// A checkpoint cuts a file to what it was before the appends, and writes them again: blocks
/// whose first write-back failed must not be used. A kill in between leaves it short.
#[test]
fn appends_come_back_whatever_of_them_is_in_the_file() {
    for kept in [0, 1, 3, 4] {
        for (name, survivor) in [("alone", false), ("beside another", true)] {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let open = || LocalVolume::open(directory.path()).expect("opened");
            let write = Change::write(file("log"), b"begin\n");
            open().commit(write.into()).expect("committed");
            let survivor = survivor.then(open);
            let ended = Command::new(std::env::current_exe().expect("this test"))
                .args(["--exact", "appending_process", "--ignored"])
                .env(DIRECTORY, directory.path())
                .env(KEPT, kept.to_string())
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .status();
            assert!(!ended.expect("started").success());
            let volume = survivor.unwrap_or_else(open);
            let append = Change::append(file("log"), b"after\n");
            volume.commit(append.into()).expect("committed");
            let log = contents_as_text(&volume, "log");
            assert_eq!(log, "begin\n1\n2\nafter\n", "{kept} were kept, {name}");
            drop(volume);
            let log = contents_as_text(&open(), "log");
            assert_eq!(log, "begin\n1\n2\nafter\n", "{kept} were kept, {name}");
        }
    }
}

/// How many bytes of its appends a process leaves in the file.
const KEPT: &str = "ABILITY_STORAGE_TEST_KEPT_BYTES";

/// Not a test: a process that is killed between cutting a file and writing it.
#[test]
#[ignore = "runs as the child of another test"]
fn appending_process() {
    let (Some(directory), Ok(kept)) = (std::env::var_os(DIRECTORY), std::env::var(KEPT)) else {
        return;
    };
    let kept: u64 = kept.parse().expect("a number");
    let volume = LocalVolume::open(&directory).expect("opened");
    for contents in [b"1\n", b"2\n"] {
        let append = Change::append(file("log"), contents);
        volume.commit(append.into()).expect("committed");
    }
    let log = Path::new(&directory).join("log");
    let log = std::fs::OpenOptions::new().write(true).open(log);
    log.and_then(|log| log.set_len(6 + kept)).expect("cut");
    std::process::abort();
}

fn contents_as_text(volume: &LocalVolume, path: &str) -> String {
    String::from_utf8(contents(volume, &file(path))).expect("text")
}
