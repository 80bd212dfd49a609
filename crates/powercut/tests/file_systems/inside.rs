//! A private namespace for each test: what it mounts is gone when it ends, however it
//! ends, and nobody else sees it.

use anyhow::Result;
use powercut::system::mount::Mount;
use powercut::system::{namespace, output_of, requirements};
use std::any::type_name;
use std::path::Path;
use tempfile::tempdir;

/// Runs `test` in a namespace of its own, with a directory in memory to mount things in;
/// says why if that cannot be done here. `test` must be a closure of the `#[test]` that
/// calls this and does nothing else: that one is run again, inside.
#[track_caller]
pub fn in_private<F: FnOnce(&Path) -> Result<()>>(programs: &[&str], test: F) {
    if namespace::is_inside() {
        let directory = tempdir().expect("a directory");
        let place = Mount::tmpfs(directory.path(), "size=1g").expect("mounted");
        test(place.path()).expect("no trouble with what is mounted");
        return;
    }
    if let Err(reason) = requirements::check(programs).and_then(|()| try_namespace()) {
        eprintln!("skipped: {reason:#}");
        return;
    }
    // A closure's type has the path of its function: `faults::full::a_test::{{closure}}`.
    let name = type_name::<F>().trim_end_matches("::{{closure}}");
    let name = name.split_once("::").map_or(name, |(_, name)| name);
    let this = std::env::current_exe().expect("this test");
    let mut command = namespace::command_inside(this).expect("root");
    let output = command.args(["--exact", name, "--nocapture"]).output();
    let output = output.expect("started");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    let passed = output.status.success() && said.contains("1 passed");
    assert!(
        passed,
        "{name} failed in its namespace:\n{said}{complained}"
    );
    eprint!("{complained}");
}

fn try_namespace() -> Result<()> {
    output_of(&mut namespace::command_inside("true")?)?;
    Ok(())
}
