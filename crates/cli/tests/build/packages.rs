//! What requirements.txt asks for is installed wholly, or not taken for installed.

use crate::stand_in::StandIn;
use end_to_end::command::ended;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

fn packages(stand_in: &StandIn) -> Vec<String> {
    end_to_end::command::names(&stand_in.place.path("a/.ability/packages"))
}

fn require(stand_in: &StandIn, text: &str) {
    stand_in.place.write(&[("a/requirements.txt", text)]);
}

#[test]
fn packages_of_a_failed_installation_do_not_count() {
    let stand_in = StandIn::new();
    require(&stand_in, "six\n");
    stand_in.built(&["a"]);
    assert_eq!(packages(&stand_in), ["begun.py", "six.py"]);

    require(&stand_in, "six\nabsent\n");
    stand_in.tell("packages-fails", "no such package\n");
    let ended = stand_in.build(&["a"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    stand_in.forget("packages-fails");

    // What it asked for before is still there, and whole.
    require(&stand_in, "six\n");
    let ended = stand_in.built(&["a"]);
    assert_eq!(packages(&stand_in), ["begun.py", "six.py"], "{ended:?}");
}

#[test]
fn packages_of_a_killed_installation_do_not_count() {
    let stand_in = StandIn::new();
    require(&stand_in, "six\n");
    stand_in.tell("packages-waits", "1");
    let mut child = stand_in.command(&["build", "a"]).spawn().expect("started");
    let limit = Instant::now() + Duration::from_secs(30);
    while stand_in.count("packages waits") == 0 {
        assert!(Instant::now() < limit);
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert!(packages(&stand_in).is_empty());
    stand_in.forget("packages-waits");
    stand_in.built(&["a"]);
    assert_eq!(packages(&stand_in), ["begun.py", "six.py"]);
    assert_eq!(stand_in.count("packages begins"), 2);
}

#[test]
fn packages_that_were_changed_or_removed_are_installed_again() {
    let stand_in = StandIn::new();
    require(&stand_in, "six\n");
    stand_in.built(&["a"]);
    stand_in.built(&["a"]);
    assert_eq!(stand_in.count("packages begins"), 1);
    let six = stand_in.place.path("a/.ability/packages/six.py");
    fs::remove_file(&six).expect("removed");
    stand_in.built(&["a"]);
    fs::write(&six, "else").expect("written");
    stand_in.built(&["a"]);
    fs::remove_dir_all(six.parent().expect("a parent")).expect("removed");
    stand_in.built(&["a"]);
    assert_eq!(stand_in.count("packages begins"), 4);
    assert_eq!(packages(&stand_in), ["begun.py", "six.py"]);
}

#[test]
fn every_file_of_requirements_counts() {
    let stand_in = StandIn::new();
    require(&stand_in, "-rmore.txt\n");
    stand_in.place.write(&[
        ("a/more.txt", "-c limits.txt\nsix\n"),
        ("a/limits.txt", "six<2"),
    ]);
    stand_in.built(&["a"]);
    stand_in.built(&["a"]);
    assert_eq!(stand_in.count("packages begins"), 1);
    stand_in.place.write(&[("a/limits.txt", "six<1.17")]);
    stand_in.built(&["a"]);
    stand_in.place.write(&[("a/more.txt", "six==1.16.0\n")]);
    stand_in.built(&["a"]);
    assert_eq!(stand_in.count("packages begins"), 3);
    // Nothing can be told of a local package.
    require(&stand_in, "./six.whl\n");
    stand_in.built(&["a"]);
    stand_in.built(&["a"]);
    assert_eq!(stand_in.count("packages begins"), 5);
}

#[test]
fn no_requirements_no_packages() {
    let stand_in = StandIn::new();
    require(&stand_in, "six\n");
    stand_in.built(&["a"]);
    fs::remove_file(stand_in.place.path("a/requirements.txt")).expect("removed");
    stand_in.built(&["a"]);
    assert!(packages(&stand_in).is_empty());
}

#[test]
fn builds_at_once_install_packages_once() {
    let stand_in = StandIn::new();
    require(&stand_in, "six\n");
    stand_in.tell("packages-waits", "0.3");
    let children = [(); 3].map(|()| stand_in.command(&["build", "a"]).spawn().expect("started"));
    for child in children {
        let ended = ended(child);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    assert_eq!(stand_in.count("packages begins"), 1);
    assert_eq!(packages(&stand_in), ["begun.py", "six.py"]);
}
