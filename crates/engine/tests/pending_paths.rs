//! One session commits a batch whose record is not checkpointed yet. Another session then
//! changes one of its paths by a single commit. Both must see the result at once, and it must
//! survive the end of both, whether they are closed or killed.
#![cfg(unix)]

use ability_storage_engine::{
    Change, Error, FilePath, LocalVolume, Outcome, Precondition, Version, Volume,
};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

const DIRECTORY: &str = "ABILITY_STORAGE_TEST_PENDING_DIRECTORY";
const CASE: &str = "ABILITY_STORAGE_TEST_PENDING_CASE";
const FIRST: [(&str, &str); 3] = [("path", "old"), ("source", "moved"), ("other", "other")];
const BATCHES: usize = 4;
const CHANGES: usize = 9;

type Contents = BTreeMap<String, String>;

#[derive(Clone, Copy, Debug)]
struct Case {
    journaled: bool,
    batch: usize,
    change: usize,
    /// Whether the second session begins after the batch of the first.
    begins_late: bool,
}

impl Case {
    fn all(journaled: bool) -> impl Iterator<Item = Case> {
        (0..BATCHES * CHANGES * 2).map(move |number| Case {
            journaled,
            batch: number % BATCHES,
            change: number / BATCHES % CHANGES,
            begins_late: number / BATCHES / CHANGES == 1,
        })
    }

    fn to_text(self) -> String {
        let (journaled, late) = (u8::from(self.journaled), u8::from(self.begins_late));
        format!("{journaled} {} {} {late}", self.batch, self.change)
    }

    fn from_text(text: &str) -> Case {
        let numbers = text.split(' ').map(|number| number.parse());
        let numbers: Vec<usize> = numbers.collect::<Result<_, _>>().expect("numbers");
        Case {
            journaled: numbers[0] == 1,
            batch: numbers[1],
            change: numbers[2],
            begins_late: numbers[3] == 1,
        }
    }

    /// Only closing and reopening make a checkpoint.
    fn open(self, directory: &Path) -> LocalVolume {
        let options = LocalVolume::options().journaled(self.journaled);
        let options = options.checkpoint_after(Duration::from_secs(3_600));
        options.open(directory).expect("opened")
    }

    fn batch(self) -> [Change; 2] {
        let path = || file("path");
        let first = match self.batch {
            0 => Change::delete(path()),
            1 => Change::rename(path(), file("away")),
            2 => Change::rename(file("source"), path()),
            _ => Change::write(path(), b"batched"),
        };
        [first, Change::write(file("beside"), b"batch")]
    }

    fn change(self, volume: &LocalVolume) -> (Change, Precondition) {
        let path = || file("path");
        let seen = match volume.read(&path(), 100) {
            Ok(read) => Precondition::Version(read.version()),
            Err(Error::NotFound { .. }) => Precondition::Absent,
            Err(error) => panic!("{error}"),
        };
        let stale = Precondition::Version(Version::of(b"old"));
        let (any, write) = (Precondition::Any, Change::write(path(), b"new"));
        match self.change {
            0 => (write, any),
            1 => (write, seen),
            2 => (write, stale),
            3 => (Change::append(path(), b"+"), any),
            4 => (Change::append(path(), b"+"), seen),
            5 => (Change::delete(path()), seen),
            6 => (Change::rename(file("other"), path()), seen),
            7 => (Change::rename(path(), file("elsewhere")), any),
            _ => (Change::append(file("beside"), b"+"), any),
        }
    }

    fn first_session(self, directory: &Path) -> LocalVolume {
        let volume = self.open(directory);
        for (path, contents) in FIRST {
            let write = Change::write(file(path), contents);
            volume.commit(write.into()).expect("written");
        }
        volume.checkpoint().expect("made");
        volume
    }

    fn commit_batch(self, volume: &LocalVolume) {
        let batch = self.batch().into_iter().collect();
        volume.commit(batch).expect("made");
    }

    /// What the volume has after the batch, as the second session must see it.
    fn after_batch(self) -> Contents {
        let mut contents: Contents = FIRST
            .map(|(path, contents)| (path.to_owned(), contents.to_owned()))
            .into();
        for change in self.batch() {
            apply(&mut contents, &change);
        }
        contents
    }

    /// Makes the single change in the second session. Returns what the volume has then.
    fn commit_change(self, volume: &LocalVolume) -> Contents {
        let mut expected = self.after_batch();
        assert_eq!(contents(volume), expected, "{self:?}");
        let (change, precondition) = self.change(volume);
        let committed = volume.commit(change.clone().only_if(precondition).into());
        let is_stale = self.change == 2;
        if !is_stale && apply(&mut expected, &change) {
            committed.unwrap_or_else(|error| panic!("{self:?}: {error}"));
        } else {
            let error = committed.expect_err("refused");
            assert_eq!(error.outcome(), Outcome::NotApplied, "{self:?}");
            assert_eq!(is_stale, matches!(error, Error::Conflict { .. }));
        }
        assert_eq!(contents(volume), expected, "{self:?}");
        expected
    }

    /// Both sessions in this process. Returns them, and what both have seen.
    fn run_here(self, directory: &Path) -> (LocalVolume, LocalVolume, Contents) {
        let first = self.first_session(directory);
        let early = (!self.begins_late).then(|| self.open(directory));
        self.commit_batch(&first);
        let second = early.unwrap_or_else(|| self.open(directory));
        let expected = self.commit_change(&second);
        assert_eq!(contents(&first), expected, "{self:?}");
        (first, second, expected)
    }

    /// Nothing has the volume open.
    fn check_reopened(self, directory: &Path, expected: &Contents) {
        let volume = self.open(directory);
        assert_eq!(contents(&volume), *expected, "{self:?}");
        drop(volume);
        assert_eq!(plain_files(directory), *expected, "{self:?}");
    }
}

/// Returns whether the change could be made.
fn apply(contents: &mut Contents, change: &Change) -> bool {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match change {
        Change::Write {
            path,
            contents: new,
            ..
        } => {
            contents.insert(path.to_string(), text(new));
        }
        Change::Append {
            path,
            contents: more,
            ..
        } => {
            *contents.entry(path.to_string()).or_default() += &text(more);
        }
        Change::Delete { path, .. } => {
            contents.remove(path.as_str());
        }
        Change::Rename { source, target, .. } => {
            let Some(moved) = contents.remove(source.as_str()) else {
                return false;
            };
            contents.insert(target.to_string(), moved);
        }
        other => panic!("{other:?} is not in this test"),
    }
    true
}

#[test]
fn a_change_of_a_pending_path_survives_closing_published() {
    survives_closing(false);
}

#[test]
fn a_change_of_a_pending_path_survives_closing_journaled() {
    survives_closing(true);
}

#[test]
fn a_change_of_a_pending_path_survives_a_kill_of_the_other_session_published() {
    survives_a_kill_of_the_other(false);
}

#[test]
fn a_change_of_a_pending_path_survives_a_kill_of_the_other_session_journaled() {
    survives_a_kill_of_the_other(true);
}

#[test]
fn a_change_of_a_pending_path_survives_a_kill_of_both_published() {
    survives_a_kill_of_both(false);
}

#[test]
fn a_change_of_a_pending_path_survives_a_kill_of_both_journaled() {
    survives_a_kill_of_both(true);
}

fn survives_closing(journaled: bool) {
    for case in Case::all(journaled) {
        for first_ends_first in [true, false] {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let (first, second, expected) = case.run_here(directory.path());
            let (ends, stays) = match first_ends_first {
                true => (first, second),
                false => (second, first),
            };
            drop(ends);
            assert_eq!(contents(&stays), expected, "{case:?}, {first_ends_first}");
            drop(stays);
            case.check_reopened(directory.path(), &expected);
        }
    }
}

fn survives_a_kill_of_the_other(journaled: bool) {
    for case in Case::all(journaled) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut first = Process::start("first_process", case, directory.path());
        let early = (!case.begins_late).then(|| case.open(directory.path()));
        first.ask("commit");
        let second = early.unwrap_or_else(|| case.open(directory.path()));
        let expected = case.commit_change(&second);
        assert_eq!(first.ask("look"), format!("{expected:?}"), "{case:?}");
        first.kill();
        assert_eq!(contents(&second), expected, "{case:?}");
        drop(second);
        case.check_reopened(directory.path(), &expected);
    }
}

fn survives_a_kill_of_both(journaled: bool) {
    for case in Case::all(journaled) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut both = Process::start("process_of_both", case, directory.path());
        let seen = both.ask("look");
        both.kill();
        let volume = case.open(directory.path());
        assert_eq!(format!("{:?}", contents(&volume)), seen, "{case:?}");
        let expected = contents(&volume);
        drop(volume);
        case.check_reopened(directory.path(), &expected);
    }
}

/// Another process of this test, which answers each line with one.
struct Process {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Process {
    /// Returns when the process is ready.
    fn start(role: &str, case: Case, directory: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", role, "--ignored", "--nocapture"])
            .env(DIRECTORY, directory)
            .env(CASE, case.to_text())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let to = child.stdin.take().expect("piped");
        let from = BufReader::new(child.stdout.take().expect("piped"));
        let mut process = Self { child, to, from };
        process.answer();
        process
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.to, "{line}").expect("it runs");
        self.answer()
    }

    fn answer(&mut self) -> String {
        let lines = (&mut self.from).lines().map_while(Result::ok);
        let answer = lines
            .filter_map(|line| line.strip_prefix("answer: ").map(str::to_owned))
            .next();
        answer.expect("the process does not fail")
    }

    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }
}

/// Not a test: the process of the session that commits the batch.
#[test]
#[ignore = "runs as the child of another test"]
fn first_process() {
    let Some((case, directory)) = in_child() else {
        return;
    };
    let volume = case.first_session(&directory);
    answer("ready");
    for line in io::stdin().lines() {
        match line.expect("read").as_str() {
            "commit" => {
                case.commit_batch(&volume);
                answer("committed");
            }
            _ => answer(&format!("{:?}", contents(&volume))),
        }
    }
}

/// Not a test: the process that has both sessions.
#[test]
#[ignore = "runs as the child of another test"]
fn process_of_both() {
    let Some((case, directory)) = in_child() else {
        return;
    };
    let (first, _second, _) = case.run_here(&directory);
    answer("ready");
    for _ in io::stdin().lines() {
        answer(&format!("{:?}", contents(&first)));
    }
}

fn in_child() -> Option<(Case, PathBuf)> {
    let directory = std::env::var_os(DIRECTORY)?;
    let case = std::env::var(CASE).ok()?;
    Some((Case::from_text(&case), directory.into()))
}

fn answer(text: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "\nanswer: {text}").expect("printed");
    out.flush().expect("printed");
}

fn contents(volume: &LocalVolume) -> Contents {
    let read = |path: FilePath| {
        let read = volume.read(&path, 100).expect("read");
        let text = String::from_utf8_lossy(read.contents()).into_owned();
        (path.to_string(), text)
    };
    let files = volume.list(None).expect("listed");
    files.into_iter().map(read).collect()
}

fn plain_files(directory: &Path) -> Contents {
    let entries = std::fs::read_dir(directory).expect("listed");
    let files = entries.filter_map(|entry| {
        let path = entry.expect("listed").path();
        let contents = path.is_file().then(|| std::fs::read_to_string(&path))?;
        let name = path.file_name()?.to_str()?.to_owned();
        Some((name, contents.expect("read")))
    });
    files.collect()
}

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}
