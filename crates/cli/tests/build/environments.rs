//! Build tools are installed once, wholly, and anew whenever they are not what
//! they should be.

use crate::stand_in::StandIn;
use end_to_end::command::ended;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

fn wait_for(what: &str, happened: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !happened() {
        assert!(Instant::now() < limit, "{what} did not happen");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn they_are_installed_once() {
    let stand_in = StandIn::new();
    stand_in.built(&["a"]);
    stand_in.built(&["b"]);
    stand_in.built(&["a"]);
    assert_eq!(stand_in.count("pip ends"), 1);
}

#[test]
fn each_ability_has_its_own_unless_told_otherwise() {
    let stand_in = StandIn::new();
    for folder in ["a", "b", "a"] {
        let mut command = stand_in.command(&["build", folder]);
        command.env_remove("ABILITY_TOOLS");
        let ended = end_to_end::command::end(command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    assert_eq!(stand_in.count("pip ends"), 2);
    assert!(stand_in.place.path("a/.ability/python/bin/python").exists());
    let ignored = fs::read_to_string(stand_in.place.path("a/.ability/.gitignore"));
    assert_eq!(ignored.expect("there"), "*\n");
}

#[test]
fn an_installation_that_was_killed_does_not_count() {
    let stand_in = StandIn::new();
    stand_in.tell("pip-waits", "2");
    let mut child = stand_in.command(&["build", "a"]).spawn().expect("started");
    wait_for("pip", || stand_in.count("pip waits") == 1);
    // The command is killed, and what it has started goes on.
    child.kill().expect("killed");
    child.wait().expect("gone");
    let left = stand_in.place.path("tools/python/bin/python");
    assert!(left.exists(), "half of it is there");
    let marked = stand_in.place.path("tools/python/half");
    fs::write(&marked, "").expect("written");

    stand_in.forget("pip-waits");
    let ended = stand_in.built(&["a"]);
    assert!(
        ended.stderr.contains("Waiting for another installation"),
        "{ended:?}"
    );
    let installations = [
        "venv",
        "pip begins",
        "pip waits",
        "pip ends",
        "venv",
        "pip begins",
        "pip ends",
    ];
    // The two never write into the directory at once.
    assert_eq!(stand_in.log()[..installations.len()], installations);
    assert!(!marked.exists(), "nothing of the first is left");
}

#[test]
fn an_installation_that_failed_is_told_and_tried_again() {
    let stand_in = StandIn::new();
    stand_in.tell("pip-fails", "no route to host\n");
    let ended = stand_in.build(&["a"]);
    assert_eq!(ended.code, Some(125), "{ended:?}");
    for said in [
        "could not be installed",
        "needs the network once",
        "no route to host",
    ] {
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
    stand_in.forget("pip-fails");
    stand_in.built(&["a"]);
}

#[test]
fn other_pins_are_installed_anew() {
    let stand_in = StandIn::new();
    stand_in.built(&["a"]);
    let stamp = stand_in.place.path("tools/python/installed");
    let pinned = fs::read_to_string(&stamp).expect("a stamp");
    assert!(pinned.contains("componentize-py=="), "{pinned}");
    fs::write(
        &stamp,
        pinned.replace("componentize-py==", "componentize-py==0."),
    )
    .expect("written");
    stand_in.built(&["a"]);
    assert_eq!(stand_in.count("pip ends"), 2);
    stand_in.tell("version", "3.13.0");
    stand_in.built(&["a"]);
    assert_eq!(stand_in.count("pip ends"), 3, "with another Python");
}

#[test]
fn tools_that_were_moved_or_do_not_run_are_installed_anew() {
    let stand_in = StandIn::new();
    stand_in.built(&["a"]);
    let [old, new] = ["tools", "moved"].map(|name| stand_in.place.path(name));
    fs::rename(old, &new).expect("moved");
    let new = new.to_str().expect("text");
    stand_in.built(&["a", "--tools", new]);
    assert_eq!(stand_in.count("pip ends"), 2);
    // As if the Python that it was made with were gone.
    fs::remove_file(stand_in.place.path("moved/python/bin/python")).expect("removed");
    stand_in.built(&["a", "--tools", new]);
    assert_eq!(stand_in.count("pip ends"), 3);
}

#[test]
fn builds_at_once_install_once_and_do_not_meet_in_a_folder() {
    let stand_in = StandIn::new();
    stand_in.tell("pip-waits", "1");
    stand_in.tell("build-waits", "0.3");
    let outputs = ["a1.wasm", "a2.wasm", "a3.wasm", "b.wasm"];
    let children = outputs.map(|output| {
        let folder = &output[..1];
        // Each would build, though nothing has changed.
        let mut command = stand_in.command(&["build", folder, "-o", output]);
        command.spawn().expect("started")
    });
    for child in children {
        let ended = ended(child);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    assert_eq!(stand_in.count("venv"), 1);
    assert_eq!(stand_in.count("pip ends"), 1);
    // Those of `a` waited for the first, and found that nothing has changed.
    assert_eq!(stand_in.count("build begins"), 2);
    for output in outputs {
        let contents = fs::read_to_string(stand_in.place.path(output));
        assert_eq!(contents.expect(output), "component 1");
    }
}
