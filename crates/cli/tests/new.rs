//! `ability new`: what it writes builds, runs, and passes its own test.

use end_to_end::command::{Ability, Ended, end, names};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

/// Where the real build tools are, installed once for all tests.
fn tools() -> PathBuf {
    match std::env::var_os("ABILITY_TOOLS") {
        Some(tools) => tools.into(),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools"),
    }
}

fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null());
    let there = command.status().is_ok_and(|status| status.success());
    assert!(
        there || std::env::var_os("CI").is_none(),
        "CI has no {program}"
    );
    if !there {
        eprintln!("skipped: there is no {program} on this machine");
    }
    there
}

/// The command in the directory of the test.
fn run(ability: &Ability, arguments: &[&str]) -> Ended {
    let mut command = ability.command();
    command.args(arguments).current_dir(ability.directory());
    command.env("ABILITY_TOOLS", tools());
    end(command)
}

fn ok(ended: Ended) -> Ended {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

/// A program in the folder of the new ability.
fn own_test(ability: &Ability, program: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(ability.directory().join("my-list"));
    command.env("CARGO_TARGET_DIR", ability.directory().join("target"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    ok(end(command))
}

/// The last command that `ability new` names prints something, and its root is removed.
#[cfg(unix)]
fn prints_something(ability: &Ability, next: &str) {
    let line = next
        .lines()
        .rfind(|line| line.trim().starts_with("ability run"));
    let line = line.expect("a command").trim();
    let (_, arguments) = line.split_once(' ').expect("arguments");
    let mut command = ability.command();
    let program = command.get_program().to_owned();
    let environment: Vec<_> = command
        .get_envs()
        .map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned)))
        .collect();
    command = Command::new("sh");
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .arg("-c")
        .arg(format!("\"$0\" {arguments}"))
        .arg(program);
    command.current_dir(ability.directory());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let said = ok(end(command));
    assert!(said.stdout.contains("water the plants"), "{said:?}");
    fs::remove_dir_all(ability.directory().join("data")).expect("removed");
}

#[cfg(not(unix))]
fn prints_something(_: &Ability, _: &str) {}

/// Makes a new ability, builds it and lets it keep a list.
fn made_built_and_run(ability: &Ability, lang: &str) {
    let next = ok(run(ability, &["new", "my-list", "--lang", lang])).stdout;
    ok(run(ability, &["build", "my-list"]));
    prints_something(ability, &next);
    let component = ability.directory().join("my-list.wasm");
    let said = |arguments: &[&str]| {
        let mut command = ability.component(&component, &[], arguments);
        command.current_dir(ability.directory());
        end(command)
    };
    ok(said(&["add", "water the plants"]));
    let list = ok(said(&["add", "sleep"]));
    assert_eq!(list.stdout, "1 water the plants\n2 sleep\n");
    assert_eq!(ok(said(&["done", "1"])).stdout, "1 sleep\n");
    assert_eq!(ok(said(&[])).stdout, "1 sleep\n");
    let ended = said(&["done", "7"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stderr, "there is no item 7\n", "{ended:?}");
    assert_eq!(
        names(&ability.volume("my-list")).len(),
        2,
        "one file, and the volume's own"
    );
}

#[test]
fn in_rust() {
    // As `cargo xtask guests` would have to: see there for the target.
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--print", "target-libdir", "--target", "wasm32-wasip2"]);
    let libraries = rustc.output().expect("rustc").stdout;
    let libraries = PathBuf::from(String::from_utf8_lossy(&libraries).trim());
    if names(&libraries).is_empty() {
        eprintln!("skipped: this Rust cannot build for wasm32-wasip2");
        return;
    }
    let ability = ability();
    made_built_and_run(&ability, "rust");
    let tested = own_test(&ability, "cargo", &["test"]);
    assert!(tested.stdout.contains("6 passed"), "{tested:?}");
}

#[test]
fn in_python() {
    if !has("python3") {
        return;
    }
    let ability = ability();
    made_built_and_run(&ability, "python");
    let python = tools().join("python/bin/python");
    let python = python.to_str().expect("text");
    let tested = own_test(&ability, python, &["-m", "unittest"]);
    assert!(tested.stderr.contains("Ran 5 tests"), "{tested:?}");
}

#[test]
fn in_javascript() {
    if !(has("node") && has("npm")) {
        return;
    }
    let ability = ability();
    made_built_and_run(&ability, "js");
    // The build has installed what package.json names.
    let tested = own_test(&ability, "npm", &["test"]);
    assert!(tested.stdout.contains("fail 0"), "{tested:?}");
    assert!(!tested.stdout.contains("tests 0"), "{tested:?}");
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let ability = ability();
    let folder = ability.directory().join("taken");
    fs::create_dir(&folder).expect("created");
    fs::write(folder.join("main.py"), "mine").expect("written");
    for lang in ["rust", "python", "js"] {
        let ended = run(&ability, &["new", "taken", "--lang", lang]);
        assert_eq!(ended.code, Some(125), "{ended:?}");
        assert!(ended.stderr.contains("nothing was written"), "{ended:?}");
    }
    assert_eq!(names(&folder), ["main.py"]);
    fs::write(ability.directory().join("file"), "").expect("written");
    let ended = run(&ability, &["new", "file", "--lang", "python"]);
    assert_eq!(ended.code, Some(125), "{ended:?}");
}

#[test]
fn a_name_that_is_none_is_refused() {
    let ability = ability();
    for name in ["My-List", "my_list", "../x y", "fn", "1st", ""] {
        let ended = run(&ability, &["new", name, "--lang", "python"]);
        assert_eq!(ended.code, Some(2), "{name}: {ended:?}");
    }
    assert!(names(ability.directory()).is_empty());
}

/// The SDK that abilities get has a manifest of its own: see sdk/rust.
/// The features that a line of a manifest asks for.
fn features(line: &str) -> Vec<&str> {
    let listed = line.split_once("features = [").map(|(_, rest)| rest);
    let listed = listed.and_then(|rest| rest.split_once(']'));
    let listed = listed.map_or("", |(listed, _)| listed);
    listed.split('"').skip(1).step_by(2).collect()
}

#[test]
fn the_rust_sdk_depends_on_what_it_is_developed_with() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(here.join(path)).expect(path);
    let (workspace, developed) = (read("../../Cargo.toml"), read("../guest/Cargo.toml"));
    let given = read("sdk/rust/Cargo.toml.in");
    assert!(given.contains(&format!("version = {:?}", env!("CARGO_PKG_VERSION"))));
    let mut count = 0;
    for line in section(&developed, "[dependencies]") {
        let name = line.split(['.', ' ']).next().expect("a name");
        let starts = format!("{name} = ");
        let pinned = section(&workspace, "[workspace.dependencies]")
            .find(|line| line.starts_with(&starts))
            .expect(name);
        let ours = section(&given, "[dependencies]")
            .find(|line| line.starts_with(&starts))
            .expect(name);
        let version = |line: &str| line.split('"').nth(1).expect("a version").to_owned();
        assert_eq!(version(ours), version(pinned), "{name}");
        assert_eq!(
            ours.contains("optional"),
            line.contains("optional"),
            "{name}"
        );
        // Both are needed: what the workspace asks for, and what the SDK adds.
        for feature in features(pinned).into_iter().chain(features(line)) {
            assert!(features(ours).contains(&feature), "{name}: {feature}");
        }
        count += 1;
    }
    assert_eq!(section(&given, "[dependencies]").count(), count);
    assert!(section(&given, "[features]").eq(section(&developed, "[features]")));
}

/// The lines of a part of a manifest.
fn section<'a>(manifest: &'a str, title: &str) -> impl Iterator<Item = &'a str> {
    let (_, rest) = manifest.split_once(title).expect("a section");
    let rest = rest.split_once("\n[").map_or(rest, |(section, _)| section);
    rest.lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "))
}
