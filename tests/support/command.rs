//! The `ability` command, in a process of its own, over a root that is gone
//! when the test ends.

use crate::{guests, script};
use ability_storage_engine::layout::{PRIVATE_DIR, SESSIONS, SPARE_SESSION};
use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The command and a root for it.
pub struct Ability {
    binary: PathBuf,
    cache: PathBuf,
    directory: TempDir,
}

/// How the command ended.
#[derive(Debug)]
pub struct Ended {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ability {
    /// The command at `binary`. What it compiles is kept in `scratch`, which
    /// tests may share.
    pub fn new(binary: &str, scratch: &str) -> Self {
        Self {
            binary: binary.into(),
            cache: Path::new(scratch).join("cache"),
            directory: tempfile::tempdir().expect("temporary directory"),
        }
    }

    /// With a cache of its own, empty at first.
    pub fn with_own_cache(mut self) -> Self {
        self.cache = self.directory.path().join("cache");
        self
    }

    /// A directory for what a test needs besides the root.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// The directory of the ability `id`.
    pub fn volume(&self, id: &str) -> PathBuf {
        self.root().join("abilities").join(id)
    }

    /// The command itself with no arguments yet.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env("XDG_CACHE_HOME", &self.cache)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// `ability run` for a built guest.
    pub fn guest(&self, name: &str, options: &[&str], args: &[&str]) -> Command {
        self.component(&guests::path(name), options, args)
    }

    /// `ability run` for any file.
    pub fn component(&self, path: &Path, options: &[&str], args: &[&str]) -> Command {
        let mut command = self.command();
        command.arg("run").arg(path);
        command.arg("--root").arg(self.root());
        command.args(options).arg("--").args(args);
        command
    }

    /// Runs a guest to its end, without input.
    pub fn run(&self, name: &str, options: &[&str], args: &[&str]) -> Ended {
        end(self.guest(name, options, args))
    }

    /// Any command line, in the directory, without input.
    pub fn call(&self, words: &[&str]) -> Ended {
        let mut command = self.command();
        command.current_dir(self.directory()).args(words);
        end(command)
    }

    /// The sessions that are open in a volume, or were left there.
    pub fn sessions(&self, id: &str) -> Vec<String> {
        sessions_of(&self.volume(id))
    }
}

/// `probe script`, in a process that lives until it is told to end.
pub struct Conversation {
    child: Child,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Conversation {
    pub fn begin(ability: &Ability, options: &[&str]) -> Self {
        let mut command = ability.guest("probe", options, &["script"]);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("started");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = child.stdout.take().expect("a pipe");
        Self {
            child,
            stdin,
            answers: BufReader::new(stdout).lines(),
        }
    }

    /// Has it do one operation, and waits for the answer.
    pub fn ask(&mut self, words: &[&str]) -> String {
        self.tell(words);
        self.answers.next().expect("an answer").expect("text")
    }

    /// Has it do one operation, and does not wait.
    pub fn tell(&mut self, words: &[&str]) {
        let line = script::lines([words]);
        self.stdin.write_all(line.as_bytes()).expect("written");
    }

    /// The most memory that the process has used so far, in bytes.
    #[cfg(target_os = "linux")]
    pub fn peak_memory(&self) -> u64 {
        let status = self.told_by_system("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.expect("a peak").trim().trim_end_matches(" kB");
        kib.parse::<u64>().expect("a number") << 10
    }

    /// What is in its memory, a line for each part.
    #[cfg(target_os = "linux")]
    pub fn memory_map(&self) -> String {
        self.told_by_system("maps")
    }

    #[cfg(target_os = "linux")]
    fn told_by_system(&self, what: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{what}", self.child.id())).expect("it lives")
    }

    pub fn end(self) -> Ended {
        let Self { child, stdin, .. } = self;
        drop(stdin);
        ended(child)
    }

    /// Kills it where it is.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

/// Runs a command to its end.
pub fn end(mut command: Command) -> Ended {
    ended(command.spawn().expect("started"))
}

/// Runs a command to its end, with input.
pub fn end_with_input(mut command: Command, input: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that fails early closes it; its exit code is what counts.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    ended(child)
}

/// Waits for a command. Whether it says that something takes long, as compiling a component does,
/// depends on how busy the machine is, so that is left out.
pub fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().expect("ended");
    let stderr = String::from_utf8(output.stderr).expect("text");
    let is_progress = |line: &&str| line.trim_end().ends_with("; this takes some seconds");
    let lines = stderr.split_inclusive('\n');
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: lines.filter(|line| !is_progress(line)).collect(),
    }
}

/// How many bytes are on their way into a volume, in all its sessions.
pub fn staged_bytes(volume: &Path) -> u64 {
    let sessions = volume.join(".ability-storage/sessions");
    let length = |path: PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let of_session = |session: PathBuf| -> u64 {
        let names = names(&session).into_iter();
        names.map(|name| length(session.join(name))).sum()
    };
    let names = names(&sessions).into_iter();
    names.map(|name| of_session(sessions.join(name))).sum()
}

/// Waits until a volume has no session. A host closes volumes on a thread of its own, so
/// that the executor goes on meanwhile.
///
/// # Panics
///
/// If there still is one after 20 seconds.
pub fn wait_until_closed(volume: &Path) {
    let begun = Instant::now();
    loop {
        let left = sessions_of(volume);
        if left.is_empty() {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{left:?} are left"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// The sessions of a volume, without the directory that an ended one leaves to the next.
pub fn sessions_of(volume: &Path) -> Vec<String> {
    let mut sessions = names(&volume.join(PRIVATE_DIR).join(SESSIONS));
    sessions.retain(|name| name != SPARE_SESSION);
    sessions
}

/// The names in a directory, sorted; none if it does not exist.
pub fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.into_string().expect("text"))
        .collect();
    names.sort();
    names
}
