//! Tests whose engine runs in processes of their own, with a deadline.

use super::{Mode, Scene, World};
use ability_storage_engine::LocalVolume;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Gid, Pid, Uid, setgid, setgroups, setuid};
use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const ROOT: &str = "HOSTILE_WORLD_ROOT";
const ROLE: &str = "HOSTILE_WORLD_ROLE";
const NOBODY: &str = "HOSTILE_WORLD_NOBODY";
const DESCRIPTORS: &str = "HOSTILE_WORLD_DESCRIPTORS";

/// The user that owns nothing.
pub(super) const NOBODY_ID: u32 = 65_534;

/// The role of the process that a test starts.
const HOST: &str = "host";

/// The longest output of a child that is shown.
const MAX_SHOWN_BYTES: usize = 6_000;

/// A test in one mode.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    name: &'static str,
    pub mode: Mode,
}

impl Case {
    /// A test with the name that the harness knows, behind the name of the crate.
    pub fn new(name: &'static str, mode: Mode) -> Self {
        let name = name.split_once("::").map_or(name, |(_, name)| name);
        Self { name, mode }
    }

    /// Sets the scene, then runs `act` in a child process, which is this function again.
    pub fn play(&self, scene: impl FnOnce(&mut World) -> Scene, act: impl FnOnce(&Host)) {
        if let Some(role) = env::var_os(ROLE) {
            let host = Host {
                case: *self,
                role: role.into_string().expect("a role"),
                root: env::var_os(ROOT).expect("a volume").into(),
            };
            host.restrict_this_process();
            return act(&host);
        }
        let mut world = World::new();
        if let Err(why) = scene(&mut world) {
            // Not by a macro, the output of which the harness keeps to itself.
            let line = format!("skipped {}: {why}\n", self.name);
            let _ = io::stderr().write_all(line.as_bytes());
            return;
        }
        let mut command = self.command(HOST, world.root());
        if world.host_is_nobody() {
            command.env(NOBODY, "1");
        }
        if let Some(descriptors) = world.descriptor_limit() {
            command.env(DESCRIPTORS, descriptors.to_string());
        }
        command.process_group(0);
        Process::start(command, world.base()).finish(world.deadline());
    }

    fn command(&self, role: &str, root: &Path) -> Command {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command
            .args(["--exact", self.name, "--nocapture", "--test-threads", "1"])
            .env("RUST_BACKTRACE", "0")
            .env(ROLE, role)
            .env(ROOT, root);
        command
    }
}

/// What a child process knows.
pub struct Host {
    case: Case,
    role: String,
    root: PathBuf,
}

impl Host {
    /// The directory of the volume.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn mode(&self) -> Mode {
        self.case.mode
    }

    /// Opens the volume in the mode of the test.
    pub fn open(&self) -> LocalVolume {
        super::open(&self.root, self.case.mode)
    }

    /// The place of a file in the volume.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A place beside the volume, on the same file system unless the volume is a mount.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.root.parent().expect("a parent").join(name)
    }

    /// Whether this process is another one that the host has started.
    pub fn is(&self, role: &str) -> bool {
        self.role == role
    }

    /// Starts another process, which runs the same function and [`is`](Self::is) `role`.
    pub fn start(&self, role: &str) -> Process {
        let command = self.case.command(role, &self.root);
        Process::start(command, &env::temp_dir())
    }

    fn restrict_this_process(&self) {
        if let Ok(limit) = env::var(DESCRIPTORS) {
            let limit = limit.parse().expect("a number");
            setrlimit(Resource::RLIMIT_NOFILE, limit, limit).expect("limited");
        }
        if env::var_os(NOBODY).is_some() && Uid::effective().is_root() {
            setgroups(&[]).expect("without groups");
            setgid(Gid::from_raw(NOBODY_ID)).expect("another group");
            setuid(Uid::from_raw(NOBODY_ID)).expect("another user");
        }
    }
}

/// A child process; killed when it is dropped before it has ended.
pub struct Process {
    child: Child,
    output: tempfile::NamedTempFile,
}

impl Process {
    fn start(mut command: Command, directory: &Path) -> Self {
        let output = tempfile::NamedTempFile::new_in(directory).expect("a file for the output");
        let handle = || -> File { output.as_file().try_clone().expect("cloned") };
        command
            .stdin(Stdio::null())
            .stdout(handle())
            .stderr(handle());
        let child = command.spawn().expect("started");
        Self { child, output }
    }

    /// Waits until the process ends; panics if it fails or does not end in time.
    pub fn finish(mut self, deadline: Duration) {
        match self.wait(deadline) {
            Some(status) if status.success() => eprintln!("{}", self.shown()),
            Some(status) => panic!("the host failed ({status}):\n{}", self.shown()),
            None => panic!(
                "the host did not end within {deadline:?}:\n{}",
                self.shown()
            ),
        }
    }

    /// Whether the process has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("asked").is_some()
    }

    /// Kills the process, and those that it started if it leads a group.
    pub fn kill(&mut self) {
        let id = Pid::from_raw(self.child.id().cast_signed());
        if nix::unistd::getpgid(Some(id)) == Ok(id) {
            let _ = killpg(id, Signal::SIGKILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn wait(&mut self, deadline: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        while start.elapsed() < deadline {
            if let Some(status) = self.child.try_wait().expect("asked") {
                return Some(status);
            }
            sleep(Duration::from_millis(5));
        }
        None
    }

    /// The end of what the process has printed.
    fn shown(&self) -> String {
        let output = fs::read(self.output.path()).unwrap_or_default();
        let start = output.len().saturating_sub(MAX_SHOWN_BYTES);
        String::from_utf8_lossy(&output[start..]).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.kill();
        }
    }
}
