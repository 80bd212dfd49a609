//! Abilities in Rust, built with cargo.

use crate::folders::Place;
use end_to_end::command::end;
use std::process::Command;

/// Whether the standard library for components is installed: a build would fetch
/// it, and a test must not change the machine's Rust.
pub fn has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--print", "target-libdir", "--target", "wasm32-wasip2"]);
    let output = command.output().expect("rustc");
    let directory = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let there = std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some());
    if !there {
        eprintln!("skipped: this Rust cannot build for wasm32-wasip2");
    }
    there
}

const MANIFEST: &str = "[package]\nname = \"a\"\nedition = \"2024\"\n[workspace]\n";

#[test]
fn errors_are_those_of_cargo() {
    if !has_target() {
        return;
    }
    let place = Place::new();
    place.write(&[
        ("a/Cargo.toml", MANIFEST),
        ("a/src/main.rs", "fn main() { absent() }"),
    ]);
    let build = |arguments: &[&str]| {
        let mut command = place.command(&[&["build", "a"], arguments].concat());
        command.env("CARGO_TARGET_DIR", place.path("target"));
        end(command)
    };
    let ended = build(&[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("cannot find function `absent`"),
        "{ended:?}"
    );

    place.write(&[
        ("a/src/main.rs", "fn main() { println!(\"one\") }"),
        ("a/src/bin/two.rs", "fn main() { println!(\"two\") }"),
    ]);
    let ended = build(&[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("choose one with --bin"), "{ended:?}");

    let ended = build(&["--bin", "two"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let root = place.path("data");
    let ended = place.run(&["run", "a.wasm", "--root", root.to_str().expect("text")]);
    assert_eq!(ended.stdout, "two\n", "{ended:?}");

    std::fs::remove_file(place.path("a/src/main.rs")).expect("removed");
    std::fs::remove_dir_all(place.path("a/src/bin")).expect("removed");
    place.write(&[("a/src/lib.rs", "")]);
    let ended = build(&[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("has no program"), "{ended:?}");
}
