//! The benchmarks as a command: that tables and files come out, that who is called
//! durable flushes, and that nothing is left behind. No figure is asserted that a slow
//! machine would change.

#![cfg(target_os = "linux")]

use powercut::system::requirements;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn run(state: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ability-storage-bench"));
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    if guests.join("replacer.wasm").exists() {
        command.arg("--guests").arg(guests);
    }
    command
        .arg("--state")
        .arg(state)
        .args(["--quick", "--rounds", "2", "--json"])
        .arg(state.join("report.json"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("it runs")
}

fn report(state: &Path) -> Value {
    let text = fs::read_to_string(state.join("report.json")).expect("written");
    serde_json::from_str(&text).expect("JSON")
}

fn rows(report: &Value) -> Vec<(String, &Value)> {
    let tables = report["tables"].as_array().expect("tables");
    let rows = tables.iter().flat_map(|table| {
        let rows = table["rows"].as_array().expect("rows").iter();
        rows.map(move |row| (format!("{}: {}", table["part"], row["name"]), row))
    });
    rows.collect()
}

#[test]
fn a_table_json_and_plots_come_out() {
    let state = tempfile::tempdir().expect("a directory");
    let (dir, plots) = (state.path().join("dir"), state.path().join("plots"));
    fs::create_dir(&dir).expect("created");
    let (dir, plots) = (dir.to_str().expect("text"), plots.to_str().expect("text"));
    let arguments = [
        "--only", "replace", "--place", "dir", "--dir", dir, "--plot", plots,
    ];
    let output = run(state.path(), &arguments);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("dir: 4 KiB, 1 writer"), "{said}");
    let report = report(state.path());
    assert_eq!(report["failed"].as_array().map(Vec::len), Some(0));
    for (name, row) in rows(&report) {
        let median = row["microseconds"]["median"].as_f64();
        assert!(median.is_some_and(|it| it > 0.0), "{name}");
        assert_eq!(row["rounds"].as_array().map(Vec::len), Some(2), "{name}");
    }
    let plot = fs::read_to_string(Path::new(plots).join("replace-4-kib-1-writer.svg"));
    assert!(plot.expect("a plot").starts_with("<svg "));
    let tables = fs::read(Path::new(plots).join("tables.md")).expect("tables");
    // What was written as JSON is drawn again as it was.
    fs::remove_dir_all(plots).expect("removed");
    let from = state.path().join("report.json");
    let from = from.to_str().expect("text");
    let output = Command::new(env!("CARGO_BIN_EXE_ability-storage-bench"))
        .args(["--from", from, "--plot", plots])
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let again = fs::read(Path::new(plots).join("tables.md")).expect("tables");
    assert!(tables == again);
    assert_eq!(
        fs::read_dir(dir).expect("listed").count(),
        0,
        "nothing is left"
    );
}

#[test]
fn who_is_called_durable_flushes() {
    let programs = ["mkfs.ext4", "losetup", "unshare"];
    if let Err(missing) = requirements::check_mounts(&programs) {
        eprintln!("skipped: {missing:#}");
        return;
    }
    let state = tempfile::tempdir().expect("a directory");
    let output = run(state.path(), &["--only", "replace", "--place", "ext4"]);
    assert!(output.status.success(), "{output:?}");
    let report = report(state.path());
    let rows = rows(&report);
    assert!(!rows.is_empty());
    for (name, row) in rows.iter().filter(|(name, _)| name.contains("1 writer")) {
        let flushes = row["flushes"].as_f64().expect("counted");
        // Not quite one: the file system's own flushes come and go between the turns.
        match row["guarantees"]["durable"] == "always" {
            true => assert!(flushes > 0.9, "{name}: {flushes}"),
            false => assert!(flushes < 0.9, "{name}: {flushes}"),
        }
    }
    let mounts = fs::read_to_string("/proc/mounts").expect("read");
    assert!(
        !mounts.contains(&*state.path().to_string_lossy()),
        "{mounts}"
    );
}

#[test]
fn a_place_that_cannot_be_is_skipped_and_told() {
    let state = tempfile::tempdir().expect("a directory");
    let arguments = ["--only", "stream", "--place", "dir", "--dir", "/no/such"];
    let output = run(state.path(), &arguments);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("dir: skipped: "), "{said}");
    assert_eq!(
        report(state.path())["skipped"].as_array().map(Vec::len),
        Some(1)
    );
}
