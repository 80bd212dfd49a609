//! Where a person has put a link or a pipe in a file's place, no SDK begins with its default and
//! replaces it: the program fails with what is there.
#![cfg(unix)]

use end_to_end::command::Ability;
use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::Command;

/// What a guest is asked, and the file that it keeps under the root.
const CALLS: [(&str, &[&str], &str); 9] = [
    (
        "probe",
        &["state-push", "s.json", "x"],
        "abilities/probe/s.json",
    ),
    ("probe", &["counter-next", "c", "1"], "abilities/probe/c"),
    ("probe", &["update", "u", "x"], "abilities/probe/u"),
    (
        "python-probe",
        &["push", "s.json", "x"],
        "abilities/python-probe/s.json",
    ),
    ("python-probe", &["count", "c"], "abilities/python-probe/c"),
    (
        "python-probe",
        &["add", "u.json"],
        "abilities/python-probe/u.json",
    ),
    (
        "js-probe",
        &["write", "x"],
        "abilities/js-probe/interop/state.json",
    ),
    ("js-probe", &["count", "1"], "user/count.txt"),
    ("js-probe", &["add", "1"], "user/sum.json"),
];

fn check(put: impl Fn(&Path), kind: &str, is_still_there: impl Fn(&Path) -> bool) {
    for (guest, words, file) in CALLS {
        let ability = Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"));
        let path = ability.root().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        put(&path);
        let ended = ability.run(guest, &[], words);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        let expected = format!("it is {kind}, not a file");
        assert!(said.contains(&expected), "{guest} {words:?}: {ended:?}");
        assert!(is_still_there(&path), "{guest} {words:?} replaced it");
    }
}

#[test]
fn no_sdk_replaces_a_linked_file_by_a_default() {
    let outside = tempfile::tempdir().expect("a directory");
    let dotfile = outside.path().join("dotfile");
    fs::write(&dotfile, "[]").expect("written");
    let put = |path: &Path| symlink(&dotfile, path).expect("linked");
    check(put, "a symbolic link", Path::is_symlink);
    assert_eq!(fs::read(&dotfile).expect("there"), b"[]");
}

#[test]
fn no_sdk_replaces_a_pipe_by_a_default() {
    let put = |path: &Path| {
        let made = Command::new("mkfifo").arg(path).status();
        assert!(made.expect("mkfifo runs").success());
    };
    check(put, "a named pipe", |path| {
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
    });
}
