//! What is refused before anything is done: no tool runs, nothing is written.

use crate::folders::Place;

fn refused(place: &Place, arguments: &[&str]) -> String {
    let ended = place.run(&[&["build"], arguments].concat());
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    for name in ["a/.ability", "tools"] {
        assert!(!place.path(name).exists(), "{name} after {ended:?}");
    }
    ended.stderr
}

#[test]
fn a_folder_that_holds_no_ability() {
    let place = Place::new();
    place.write(&[("a/notes.txt", ""), ("file", "")]);
    for (folder, reason) in [
        ("a", "holds no ability"),
        ("absent", "there is no folder absent"),
        ("file", "file is a file"),
    ] {
        let said = refused(&place, &[folder]);
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn a_folder_that_holds_two() {
    let place = Place::new();
    place.write(&[("a/main.py", ""), ("a/package.json", "{}")]);
    let said = refused(&place, &["a"]);
    assert!(said.contains("main.py and package.json"), "{said}");
    assert!(said.contains("--lang python or --lang js"), "{said}");
}

#[test]
fn a_language_that_the_folder_does_not_hold() {
    let place = Place::new();
    place.write(&[("a/main.py", "")]);
    let said = refused(&place, &["a", "--lang", "rust"]);
    assert!(said.contains("holds no Cargo.toml"), "{said}");
}

#[test]
fn an_output_that_cannot_be_written() {
    let place = Place::new();
    place.write(&[("a/main.py", ""), ("folder.wasm/x", "")]);
    for (output, reason) in [
        ("a.txt", "does not end with .wasm"),
        ("folder.wasm", "is a folder"),
        ("absent/a.wasm", "there is no folder absent"),
    ] {
        let said = refused(&place, &["a", "-o", output]);
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn a_machine_without_the_tools() {
    for (file, reasons) in [
        ("a/main.py", ["there is no python3", "apt install python3"]),
        ("a/package.json", ["there is no node", "apt install nodejs"]),
        ("a/Cargo.toml", ["there is no cargo", "https://rustup.rs"]),
    ] {
        let place = Place::new();
        place.write(&[(file, "{}")]);
        let mut command = place.command(&["build", "a"]);
        command.env("PATH", place.path("no-programs"));
        command.env_remove("CARGO").env_remove("RUSTC");
        let ended = end_to_end::command::end(command);
        assert_eq!(ended.code, Some(125), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        for reason in reasons {
            assert!(ended.stderr.contains(reason), "{ended:?}");
        }
        assert!(!place.path("a.wasm").exists());
    }
}
