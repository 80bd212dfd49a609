//! Folders of abilities, and the command that builds them.

use end_to_end::command::{Ended, end};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub const ABILITY: &str = env!("CARGO_BIN_EXE_ability");

/// A directory with folders of abilities in it, that is gone when the test ends.
pub struct Place {
    directory: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes files, with their folders.
    pub fn write(&self, files: &[(&str, &str)]) {
        for (name, contents) in files {
            let path = self.path(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("created");
            fs::write(path, contents).expect("written");
        }
    }

    /// The command, in the directory; tools go to `tools/` in it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(ABILITY);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("ABILITY_TOOLS", self.path("tools"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        end(self.command(arguments))
    }

    /// With the tools that the real builds of all tests share.
    pub fn really(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        command.env("ABILITY_TOOLS", shared_tools());
        end(command)
    }
}

/// Installed once, also for later runs of the tests.
pub fn shared_tools() -> PathBuf {
    match std::env::var_os("ABILITY_TOOLS") {
        Some(tools) => tools.into(),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools"),
    }
}

/// Whether a test that needs a program can run. In CI it must.
pub fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null());
    let there = command.status().is_ok_and(|status| status.success());
    if !there {
        assert!(std::env::var_os("CI").is_none(), "CI has no {program}");
        eprintln!("skipped: there is no {program} on this machine");
    }
    there
}
