//! The short form of the trial, as `cargo xtask ceph trial --short` runs it. Where Ceph
//! is not installed, nothing is tested.

#![cfg(target_os = "linux")]

use std::process::Command;

#[test]
fn commits_through_killed_daemons_are_made_once_or_told_truly() {
    if let Some(reason) = outage::cluster::why_not() {
        eprintln!("skipped: {reason}");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_outage"));
    command.arg("--state").arg(directory.path());
    let output = command
        .args(["trial", "--short"])
        .output()
        .expect("started");
    let table = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{table}{told}");
    // A line for each kind of thing that is killed, below the head of the table.
    assert_eq!(table.lines().count(), 2 + 6, "{table}{told}");
}
