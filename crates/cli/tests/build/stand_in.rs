//! A python3 that installs and builds nothing: it leaves what an installation
//! and a build leave, writes down what it was asked, and fails or takes its time
//! as it is told. So installations can be watched and broken off.

use crate::folders::Place;
use end_to_end::command::{Ended, end};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const PYTHON: &str = r#"#!/bin/sh
did() { echo "$1" >> "$STAND_IN/log"; }
# Which step fails or waits is said by a file of that name.
may_fail() {
    if [ -e "$STAND_IN/$1-waits" ]; then
        seconds=$(cat "$STAND_IN/$1-waits")
        did "$1 waits"
        sleep "$seconds"
    fi
    if [ -e "$STAND_IN/$1-fails" ]; then cat "$STAND_IN/$1-fails" >&2; exit 1; fi
}
case "$*" in
*ensurepip*)
    printf '%s\nvenv\n' "$(cat "$STAND_IN/version")" ;;
*"-m venv"*)
    for directory; do :; done
    did venv
    mkdir -p "$directory/bin" && cp "$0" "$directory/bin/python" ;;
*"pip install"*--target*)
    did "packages begins"
    while [ "$1" != --target ]; do shift; done
    echo > "$2/begun.py"
    may_fail packages
    echo > "$2/six.py"
    did "packages ends" ;;
*"pip install"*)
    did "pip begins"
    may_fail pip
    did "pip ends" ;;
*sysconfig*)
    mkdir -p "$STAND_IN/site" && echo "$STAND_IN/site" ;;
*analyse.py*)
    cat "$STAND_IN/analysis" ;;
*componentize*)
    did "build begins"
    while [ "$1" != --output ]; do shift; done
    may_fail build
    printf 'component %s' "$(cat "$STAND_IN/contents")" > "$2"
    did "build ends" ;;
esac
"#;

/// What the analysis says of an ability for the new API.
const ANALYSIS: &str =
    r#"{"api": "new", "background": false, "has_main": true, "stand_ins": [], "missing": []}"#;

/// Folders of abilities in Python, and the stand-in.
pub struct StandIn {
    pub place: Place,
}

impl StandIn {
    pub fn new() -> Self {
        let stand_in = Self {
            place: Place::new(),
        };
        stand_in.place.write(&[
            ("stand-in/python3", PYTHON),
            ("stand-in/version", "3.12.1"),
            ("stand-in/analysis", ANALYSIS),
            ("stand-in/contents", "1"),
            ("a/main.py", "def main(): pass"),
            ("b/main.py", "def main(): pass"),
        ]);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(stand_in.place.path("stand-in/python3"), executable).expect("set");
        stand_in
    }

    /// Tells the stand-in something: the contents of one of its files.
    pub fn tell(&self, file: &str, contents: &str) {
        let name = format!("stand-in/{file}");
        self.place.write(&[(&name, contents)]);
    }

    pub fn forget(&self, file: &str) {
        fs::remove_file(self.place.path(&format!("stand-in/{file}"))).expect("removed");
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        let directory = self.place.path("stand-in");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let others = std::env::split_paths(&path);
        let path = std::env::join_paths([directory.clone()].into_iter().chain(others));
        command.env("PATH", path.expect("a path"));
        command.env("STAND_IN", directory);
        command
    }

    pub fn build(&self, arguments: &[&str]) -> Ended {
        end(self.command(&[&["build"], arguments].concat()))
    }

    /// Builds, which must work.
    pub fn built(&self, arguments: &[&str]) -> Ended {
        let ended = self.build(arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }

    /// What it did so far.
    pub fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.place.path("stand-in/log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    pub fn count(&self, what: &str) -> usize {
        self.log().iter().filter(|line| *line == what).count()
    }
}
