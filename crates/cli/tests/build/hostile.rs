//! Folders that came from elsewhere: nothing outside of them and the output is touched.

use crate::folders::has;
use crate::stand_in::StandIn;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is outside, with its contents.
fn snapshot(directory: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.insert(path.clone(), Vec::new());
            snapshot(&path, all);
        } else {
            all.insert(path.clone(), fs::read(&path).expect("read"));
        }
    }
}

fn outside(stand_in: &StandIn) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    snapshot(&stand_in.place.path("victim"), &mut all);
    all
}

fn with_victim() -> StandIn {
    let stand_in = StandIn::new();
    stand_in.place.write(&[
        ("victim/thesis/chapter1.tex", "years of work"),
        ("victim/file", "mine"),
    ]);
    stand_in
}

/// A link at `name` in the folder `a`.
fn link(stand_in: &StandIn, name: &str, to: &str) {
    let link = stand_in.place.path(&format!("a/{name}"));
    fs::create_dir_all(link.parent().expect("a parent")).expect("created");
    if link.is_dir() && !link.is_symlink() {
        fs::remove_dir_all(&link).expect("removed");
    }
    let _ = fs::remove_file(&link);
    symlink(stand_in.place.path(to), &link).expect("a link");
}

/// With the tools in the folder itself, where links could be, too.
fn build(stand_in: &StandIn) -> end_to_end::command::Ended {
    let mut command = stand_in.command(&["build", "a"]);
    command.env_remove("ABILITY_TOOLS");
    end_to_end::command::end(command)
}

/// Directories of `.ability` that a build writes into.
const DIRECTORIES: [&str; 14] = [
    "",
    "/sdk",
    "/sdk/python",
    "/sdk/python/ability_storage",
    "/tools",
    "/tools/python",
    "/tools/python/app",
    "/packages",
    "/packages.new",
    "/no-environment",
    "/no-environment/lib",
    "/out",
    "/python",
    "/js",
];

#[test]
fn links_to_directories_lead_to_nothing_that_is_touched() {
    for prepared in [false, true] {
        for name in DIRECTORIES {
            let stand_in = with_victim();
            stand_in.place.write(&[("a/requirements.txt", "six\n")]);
            if prepared {
                build(&stand_in);
                stand_in
                    .place
                    .write(&[("a/requirements.txt", "six\nidna\n")]);
            }
            link(&stand_in, &format!(".ability{name}"), "victim/thesis");
            let before = outside(&stand_in);
            let ended = build(&stand_in);
            assert_eq!(outside(&stand_in), before, "{name}: {ended:?}");
            if ended.code != Some(0) {
                let said = format!(".ability{name} is a link");
                assert!(ended.stderr.contains(&said), "{name}: {ended:?}");
            }
        }
    }
}

#[test]
fn links_to_files_are_replaced_and_not_followed() {
    for name in [
        ".ability/.gitignore",
        ".ability/background",
        ".ability/packages.installed",
        ".ability/out/ability_app.wasm",
        ".ability/out/ability_app.inputs",
        ".ability/sdk/python/ability_storage/__init__.py",
        ".ability/tools/python/analyse.py",
        ".ability/python/installed",
    ] {
        let stand_in = with_victim();
        build(&stand_in);
        stand_in
            .place
            .write(&[("a/requirements.txt", "six\n"), ("a/main.py", "#")]);
        link(&stand_in, name, "victim/file");
        let before = outside(&stand_in);
        let ended = build(&stand_in);
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
        assert_eq!(outside(&stand_in), before, "{name}");
    }
    for name in [".ability/build.lock", ".ability/python.lock"] {
        let stand_in = with_victim();
        link(&stand_in, name, "victim/new");
        let before = outside(&stand_in);
        let ended = build(&stand_in);
        assert_eq!(ended.code, Some(125), "{name}: {ended:?}");
        assert!(ended.stderr.contains("remove it"), "{ended:?}");
        assert_eq!(outside(&stand_in), before, "{name}");
    }
}

#[test]
fn an_output_that_is_a_link_is_replaced() {
    let stand_in = with_victim();
    let before = outside(&stand_in);
    for name in ["a.wasm", ".a.wasm.part"] {
        symlink(
            stand_in.place.path("victim/file"),
            stand_in.place.path(name),
        )
        .expect("a link");
    }
    let ended = build(&stand_in);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(outside(&stand_in), before);
    assert!(!stand_in.place.path("a.wasm").is_symlink());
}

#[test]
fn pipes_are_not_read() {
    for name in [
        ".ability/.gitignore",
        ".ability/packages.installed",
        "pipe",
        "requirements.txt",
    ] {
        let stand_in = with_victim();
        build(&stand_in);
        let pipe = stand_in.place.path(&format!("a/{name}"));
        let _ = fs::remove_file(&pipe);
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .expect("started")
                .success()
        );
        let ended = build(&stand_in);
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
    }
}

#[test]
fn a_background_of_others_stays_whatever_the_folder_claims() {
    let stand_in = with_victim();
    stand_in.place.write(&[("a.background.wasm", "another")]);
    let there = stand_in.place.path("a.background.wasm");
    let there_really = there.canonicalize().expect("there");
    for end in ["", "\n"] {
        let record = format!("{}{end}", there_really.display());
        stand_in.place.write(&[("a/.ability/background", &record)]);
        build(&stand_in);
        assert_eq!(fs::read_to_string(&there).expect("there"), "another");
    }
}

#[test]
fn tools_are_not_installed_among_the_files_of_others() {
    let stand_in = with_victim();
    stand_in.place.write(&[
        ("mine/python/chapter1.tex", "years of work"),
        ("mine/sdk/python/mine.py", "work"),
        ("mine/.gitignore", "target\n"),
    ]);
    let mut before = BTreeMap::new();
    snapshot(&stand_in.place.path("mine"), &mut before);
    let ended = stand_in.build(&["a", "--tools", "mine"]);
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert!(
        ended.stderr.contains("name a new or an empty directory"),
        "{ended:?}"
    );
    let mut after = BTreeMap::new();
    snapshot(&stand_in.place.path("mine"), &mut after);
    assert_eq!(after, before);
}

#[test]
fn npm_installs_nothing_through_a_link() {
    if !(has("node") && has("npm")) {
        return;
    }
    let stand_in = with_victim();
    let package = r#"{"type": "module", "main": "main.js", "dependencies": {"b": "file:b"}}"#;
    stand_in.place.write(&[
        ("a/package.json", package),
        ("a/main.js", "export function main() {}\n"),
        ("a/b/package.json", r#"{"name": "b", "version": "1.0.0"}"#),
    ]);
    link(&stand_in, "node_modules", "victim");
    let before = outside(&stand_in);
    let ended = stand_in.place.really(&["build", "a", "--lang", "js"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(outside(&stand_in), before);
    assert!(ended.stderr.contains("is a link"), "{ended:?}");
}
