//! Abilities in JavaScript, built with the tools of npm as they are installed.

use crate::folders::{Place, has};

const PACKAGE: &str = r#"{"name": "a", "private": true, "type": "module", "main": "main.js"}"#;

#[test]
fn what_cannot_be_built_is_told_in_the_authors_words() {
    if !(has("node") && has("npm")) {
        return;
    }
    let place = Place::new();
    place.write(&[
        ("a/package.json", "{"),
        ("a/main.js", "export function main() {}\n"),
    ]);
    let ended = place.really(&["build", "a"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("package.json"), "{ended:?}");

    place.write(&[
        ("a/package.json", PACKAGE),
        ("a/main.js", "import x from 'absent';\n"),
    ]);
    let ended = place.really(&["build", "a"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("main.js"), "{ended:?}");
    assert!(ended.stderr.contains("absent"), "{ended:?}");
    assert!(
        !ended.stderr.contains("at async"),
        "a stack trace: {ended:?}"
    );
    assert!(!place.path("a.wasm").exists());
}

#[test]
fn a_component_says_what_it_was_built_with() {
    if !(has("node") && has("npm")) {
        return;
    }
    let place = Place::new();
    // Some editors begin a file with a byte order mark.
    let package = format!("\u{feff}{PACKAGE}\r\n");
    place.write(&[
        ("a/package.json", package.as_str()),
        (
            "a/main.js",
            "export function main() { console.log('hello'); }\n",
        ),
    ]);
    let ended = place.really(&["build", "a", "--json", "--engine", "quickjs"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(summary["kind"], "js");
    assert_eq!(summary["engine"], "quickjs");
    assert!(
        summary["tools"]["componentize-qjs"].is_string(),
        "{summary}"
    );
    let root = place.path("data");
    let root = root.to_str().expect("text");
    let ended = place.run(&["run", "a.wasm", "--root", root]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "hello\n"),
        "{ended:?}"
    );
}

#[test]
fn stack_traces_name_the_files_and_lines_of_the_author() {
    if !(has("node") && has("npm")) {
        return;
    }
    let place = Place::new();
    let main = "import { inner } from './src/inner.js';\n\nexport async function main(\
                ) {\n  await null;\n  try { inner({}); } catch (error) { console.log(error); }\n  \
                inner({});\n}\n";
    let inner = "// One.\n// Two.\nexport function inner(value) {\n  return value.one.two;\n}\n";
    place.write(&[
        ("a/package.json", PACKAGE),
        ("a/main.js", main),
        ("a/src/inner.js", inner),
    ]);
    let ended = place.really(&["build", "a"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let root = place.path("data");
    let ended = place.run(&["run", "a.wasm", "--root", root.to_str().expect("text")]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for (said, caller) in [(&ended.stdout, "main.js:5"), (&ended.stderr, "main.js:6")] {
        assert!(said.contains("src/inner.js:4"), "{ended:?}");
        assert!(said.contains(caller), "{ended:?}");
        for ours in ["user.js", "promise-polyfill", "runtime/"] {
            assert!(!said.contains(ours), "{ours}: {ended:?}");
        }
    }
}
