//! The command of the laboratory: that it leaves nothing behind, however it ends,
//! and that what it finds can be looked at again.

#![cfg(target_os = "linux")]

use powercut::system::requirements;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Against waiting without end; nothing here takes so long.
const LIMIT: Duration = Duration::from_secs(120);

/// A directory for the command, unless it cannot run here.
fn state() -> Option<TempDir> {
    match requirements::check(&["mkfs.ext4", "losetup", "unshare"]) {
        Ok(()) => Some(tempfile::tempdir().expect("a directory")),
        Err(missing) => {
            eprintln!("skipped: {missing:#}");
            None
        }
    }
}

fn command(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_powercut"));
    command
        .arg("--state")
        .arg(state)
        .args(["--fs", "ext4", "--jobs", "2"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(state: &Path, arguments: &[&str]) -> Output {
    command(state, arguments).output().expect("it runs")
}

/// The files under `state` that loop devices are about.
fn loop_devices(state: &Path) -> Vec<String> {
    let devices = fs::read_dir("/sys/block").expect("listed");
    let files = devices.filter_map(|device| {
        let file = device.expect("listed").path().join("loop/backing_file");
        fs::read_to_string(file).ok()
    });
    let ours = |file: &String| file.contains(&*state.to_string_lossy());
    files.filter(ours).collect()
}

fn processes(state: &Path) -> Vec<String> {
    let all = fs::read_dir("/proc").expect("listed");
    let commands = all.filter_map(|entry| {
        let words = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&words).replace('\0', " "))
    });
    let ours = |words: &String| words.contains(&*state.to_string_lossy());
    commands.filter(ours).collect()
}

fn wait_until(what: &str, mut there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !there() {
        assert!(started.elapsed() < LIMIT, "waited too long: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Starts a run that would take long, and waits until it is in the middle.
fn start(state: &Path) -> Child {
    let arguments = ["--workload", "writes,mixed", "--images", "1000000"];
    let child = command(state, &arguments).spawn().expect("started");
    // The benches, and the disk of a recording.
    wait_until("the laboratory works", || loop_devices(state).len() >= 3);
    child
}

fn assert_nothing_is_left(state: &Path) {
    wait_until("its processes end", || processes(state).is_empty());
    wait_until("its loop devices go", || loop_devices(state).is_empty());
    let mounts = fs::read_to_string("/proc/mounts").expect("read");
    assert!(!mounts.contains(&*state.to_string_lossy()), "{mounts}");
    let memory = fs::read_dir(state.join("memory")).expect("listed");
    assert_eq!(memory.count(), 0, "its memory is gone");
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id as i32).expect("a process")
}

/// The first process inside the namespace: a child of the child of the command.
fn inside(command: &Child) -> Pid {
    let child_of = |id: u32| -> Option<u32> {
        let children = format!("/proc/{id}/task/{id}/children");
        let children = fs::read_to_string(children).ok()?;
        children.split_whitespace().next()?.parse().ok()
    };
    let unshare = child_of(command.id()).expect("unshare");
    pid(child_of(unshare).expect("the laboratory"))
}

#[test]
fn a_person_who_wants_an_end_gets_one() {
    let Some(state) = state() else { return };
    for signal in [Signal::INT, Signal::TERM] {
        let mut child = start(state.path());
        kill_process(pid(child.id()), signal).expect("told");
        let status = child.wait().expect("ended");
        assert_eq!(status.code(), Some(130), "after {signal:?}");
        assert_nothing_is_left(state.path());
    }
}

#[test]
fn a_command_that_is_killed_leaves_nothing() {
    let Some(state) = state() else { return };
    let mut child = start(state.path());
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert_nothing_is_left(state.path());
}

#[test]
fn a_laboratory_that_dies_leaves_nothing() {
    let Some(state) = state() else { return };
    let mut child = start(state.path());
    kill_process(inside(&child), Signal::KILL).expect("killed");
    let status = child.wait().expect("ended");
    assert_eq!(status.code().map(|code| code == 0), Some(false));
    assert_nothing_is_left(state.path());
}

#[test]
fn an_image_that_was_kept_shows_the_same_again() {
    let Some(state) = state() else { return };
    let convicted = run(
        state.path(),
        &["--workload", "delete-write", "--short", "--keep"],
    );
    assert_eq!(convicted.status.code(), Some(0), "{convicted:?}");
    let case = state.path().join("cases/ext4-delete-write-1");
    let again = run(state.path(), &["--case", &case.to_string_lossy()]);
    let said = String::from_utf8_lossy(&again.stdout);
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    let told = |time: &str| {
        let mut lines = said.lines();
        let line = lines.find_map(|line| line.strip_prefix(time));
        line.expect("told").trim().to_owned()
    };
    assert_eq!(told("then:"), told("again:"));
    assert_nothing_is_left(state.path());
}

#[test]
fn a_report_can_be_read_by_programs() {
    let Some(state) = state() else { return };
    let file = state.path().join("report.json");
    let run = run(
        state.path(),
        &[
            "--workload",
            "conditional",
            "--short",
            "--images",
            "50",
            "--json",
            &file.to_string_lossy(),
        ],
    );
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let text = fs::read_to_string(file).expect("written");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let rows = report["rows"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["subject"] == "conditional");
    let row = row.expect("the workload");
    assert_eq!(row["tally"]["images"], 50);
    assert_eq!(row["as_expected"], true);
}

#[test]
fn an_unknown_workload_is_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let run = run(directory.path(), &["--workload", "nonsense"]);
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("there is no workload nonsense"), "{said}");
}
