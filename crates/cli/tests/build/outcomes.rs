//! What is published, and what failures say.

use crate::stand_in::StandIn;
use std::fs;
use std::time::SystemTime;

const BOTH: &str =
    r#"{"api": "old", "background": true, "has_main": true, "stand_ins": [], "missing": []}"#;
const ONE: &str =
    r#"{"api": "old", "background": false, "has_main": true, "stand_ins": [], "missing": []}"#;

fn changed_at(stand_in: &StandIn, name: &str) -> SystemTime {
    let metadata = fs::metadata(stand_in.place.path(name)).expect(name);
    metadata.modified().expect("a time")
}

#[test]
fn nothing_changed_nothing_touched() {
    let stand_in = StandIn::new();
    stand_in.built(&["a"]);
    let before = changed_at(&stand_in, "a.wasm");
    stand_in.tell("contents", "2");
    let ended = stand_in.built(&["a"]);
    assert!(ended.stdout.contains("the same as before"), "{ended:?}");
    assert_eq!(changed_at(&stand_in, "a.wasm"), before);
    assert_eq!(stand_in.count("build ends"), 1);
    // Any file of the folder may be read while the ability is built.
    for (count, file) in ["data.json", ".motd", "data.wasm"].into_iter().enumerate() {
        stand_in.place.write(&[(&format!("a/{file}"), "{}")]);
        stand_in.tell("contents", &format!("of {file}"));
        stand_in.built(&["a"]);
        let contents = fs::read_to_string(stand_in.place.path("a.wasm")).expect("there");
        assert_eq!(contents, format!("component of {file}"));
        assert_eq!(stand_in.count("build ends"), 2 + count);
    }
}

#[test]
fn an_output_in_the_folder_is_none_of_its_sources() {
    let stand_in = StandIn::new();
    for _ in 0..3 {
        stand_in.built(&["a", "-o", "a/a.wasm"]);
    }
    assert_eq!(stand_in.count("build ends"), 1);
}

#[test]
fn a_killed_build_leaves_no_component_and_the_next_is_whole() {
    let stand_in = StandIn::new();
    stand_in.tell("build-waits", "0.5");
    let mut child = stand_in.command(&["build", "a"]).spawn().expect("started");
    while stand_in.count("build waits") == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert!(!stand_in.place.path("a.wasm").exists());
    stand_in.forget("build-waits");
    stand_in.tell("contents", "2");
    stand_in.built(&["a"]);
    // The tool of the first goes on to its end, and what it makes does not count.
    assert_eq!(stand_in.count("build ends"), 2);
    let contents = fs::read_to_string(stand_in.place.path("a.wasm")).expect("there");
    assert_eq!(contents, "component 2");
}

#[test]
fn the_default_output_is_here_and_named_after_the_folder() {
    let stand_in = StandIn::new();
    let mut command = stand_in.command(&["build", "."]);
    command.current_dir(stand_in.place.path("a"));
    let ended = end_to_end::command::end(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(stand_in.place.path("a/a.wasm").exists());
}

#[test]
fn json_is_all_that_goes_to_standard_output() {
    let stand_in = StandIn::new();
    let ended = stand_in.built(&["a", "--json"]);
    let summary: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(summary["kind"], "python");
    assert_eq!(summary["api"], "new");
    assert_eq!(summary["path"], "a.wasm");
    assert_eq!(summary["bytes"], 11);
    assert_eq!(summary["changed"], true);
    assert_eq!(summary["tools"]["python"], "3.12.1");
}

#[test]
fn a_failed_build_leaves_the_old_component_and_shows_the_traceback() {
    let stand_in = StandIn::new();
    stand_in.built(&["a"]);
    let before = fs::read(stand_in.place.path("a.wasm")).expect("there");
    stand_in.place.write(&[("a/main.py", "import absent")]);
    stand_in.tell(
        "build-fails",
        "Traceback (most recent call last):\n  File \"<string>\", line 1\nAssertionError: \
         Traceback (most recent call last):\n  File \"/1/main.py\", line 1, in <module>\n    \
         import absent\nModuleNotFoundError: No module named 'absent'\n\n\nCaused by:\n    0: x\n",
    );
    let ended = stand_in.build(&["a"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("the top level of a module runs when"),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("File \"main.py\", line 1"),
        "{ended:?}"
    );
    assert!(
        ended.stderr.ends_with("No module named 'absent'\n"),
        "{ended:?}"
    );
    assert_eq!(
        fs::read(stand_in.place.path("a.wasm")).expect("there"),
        before
    );
    let left: Vec<_> = end_to_end::command::names(&stand_in.place.path(""));
    assert_eq!(left, ["a", "a.wasm", "b", "stand-in", "tools"]);
}

#[test]
fn a_failure_of_the_tool_is_not_blamed_on_the_author() {
    let stand_in = StandIn::new();
    stand_in.tell("build-fails", "Killed\n");
    let ended = stand_in.build(&["a"]);
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert!(ended.stderr.contains("Killed"), "{ended:?}");
}

#[test]
fn a_background_is_a_second_component_as_long_as_there_is_one() {
    let stand_in = StandIn::new();
    stand_in.tell("analysis", BOTH);
    let ended = stand_in.built(&["a", "-o", "x.wasm", "--json"]);
    let summary: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(summary["background"]["path"], "x.background.wasm");
    assert!(stand_in.place.path("x.background.wasm").exists());

    // It would go on running beside an ability that has none any more.
    stand_in.tell("analysis", ONE);
    stand_in.built(&["a", "-o", "x.wasm"]);
    assert!(!stand_in.place.path("x.background.wasm").exists());

    // But what somebody else put there stays.
    stand_in.place.write(&[("x.background.wasm", "another")]);
    stand_in.built(&["a", "-o", "x.wasm"]);
    assert!(stand_in.place.path("x.background.wasm").exists());
}

#[test]
fn an_output_that_cannot_be_written_is_as_it_was() {
    let stand_in = StandIn::new();
    stand_in.built(&["a"]);
    // A file where the folder was.
    stand_in
        .place
        .write(&[("out/x", ""), ("a/main.py", "def main(): ...")]);
    stand_in.tell("build-waits", "1");
    let child = stand_in
        .command(&["build", "a", "-o", "out/a.wasm"])
        .spawn();
    std::thread::sleep(std::time::Duration::from_millis(500));
    fs::remove_dir_all(stand_in.place.path("out")).expect("removed");
    let ended = end_to_end::command::ended(child.expect("started"));
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert!(ended.stderr.contains("it is as it was before"), "{ended:?}");
}
