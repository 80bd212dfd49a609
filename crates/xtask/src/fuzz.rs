//! Fuzzing with libFuzzer: what `cargo fuzz` does, without having to install it.
//!
//! The flags are those of cargo-fuzz 0.13, so that `cargo fuzz run <target>` in the same folder runs
//! the same thing. To build cargo-fuzz itself takes as long as to build the targets, and would add
//! only its command line. No nightly toolchain is needed: `RUSTC_BOOTSTRAP` lets the stable compiler
//! take the one flag that it lacks.
//!
//! Must never lose an input that fails: it is what all the time was spent for.

use crate::process::{output_of, run_logged, run_shown};
use crate::progress::{Step, bold, note};
use crate::toolchain::{self, Component};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGETS: [&str; 3] = ["paths", "recovery", "calls"];

/// How long each target runs in `cargo xtask test`, and unless told otherwise.
const SHORT_SECONDS: u64 = 20;

/// Lines of a log that are shown of a failure.
const REASON_LINES: usize = 4;

/// Coverage as libFuzzer wants it.
const COVERAGE: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
];

/// The sanitizer finds no memory errors where there is no unsafe code, but only with it does
/// libFuzzer see each allocation, and so whether one is larger than any should be.
const SANITIZER: &str = "-Zsanitizer=address";

/// Long inputs from the start: a short one is not yet one case of damage.
const LENGTHS: [&str; 2] = ["-max_len=2048", "-len_control=0"];

const LIMITS: [&str; 3] = ["-timeout=10", "-malloc_limit_mb=16", "-rss_limit_mb=1024"];

/// Look for inputs that break the engine: paths, damaged volumes, sequences of calls
///
/// Runs each target for some seconds, beginning with the inputs in fuzz/corpus. An input that fails
/// is kept in fuzz/artifacts and shown, with the command that runs it again; then the exit code is 1.
/// What was learnt in a run is kept in target/fuzz/corpus, so that the next goes on from there.
///
/// Needs a C++ compiler, for libFuzzer. For a long run: `cargo xtask fuzz --seconds 3600`.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// Run one target alone.
    #[arg(long, value_name = "NAME", value_parser = TARGETS)]
    target: Option<String>,

    /// How long to run each target.
    #[arg(long, value_name = "N", default_value_t = SHORT_SECONDS)]
    seconds: u64,

    /// Run this input alone, and show what it means.
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<PathBuf>,
}

/// The directory of the fuzz targets, which is a workspace of its own.
fn manifest(workspace: &Workspace) -> PathBuf {
    workspace.root().join("fuzz/Cargo.toml")
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if !has_cpp_compiler(workspace) {
        bail!("libFuzzer is C++, and no C++ compiler was found; install one (`apt install g++`)");
    }
    let programs = build(workspace)?;
    if let (Some(target), Some(input)) = (&options.target, &options.input) {
        let input = std::path::absolute(input)?;
        show_input(workspace, &programs, target, &input);
        return run_shown(limited(workspace, &programs, target).arg(input));
    }
    for target in TARGETS {
        if options.target.as_deref().is_none_or(|only| only == target) {
            run_target(workspace, &programs, target, options.seconds)?;
        }
    }
    Ok(())
}

/// What `cargo xtask test` does: checks the code of the targets, and runs each for a short time.
pub fn test(workspace: &Workspace) -> Result<()> {
    if !has_cpp_compiler(workspace) {
        note("not fuzzed: libFuzzer is C++, and no C++ compiler was found");
        return Ok(());
    }
    let manifest = manifest(workspace);
    toolchain::need(workspace, Component::Rustfmt)?;
    let mut fmt = workspace.cargo("fmt");
    run_shown(fmt.args(["--check", "--manifest-path"]).arg(&manifest))
        .context("the fuzz targets are not formatted; run `cargo fmt` in fuzz/")?;
    toolchain::need(workspace, Component::Clippy)?;
    run_shown(cargo(workspace, "clippy", &host(workspace)?).args(["--", "-D", "warnings"]))?;
    let short = Options {
        target: None,
        seconds: SHORT_SECONDS,
        input: None,
    };
    run(workspace, &short)
}

/// That the one exists which the build of libFuzzer will look for.
fn has_cpp_compiler(workspace: &Workspace) -> bool {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    output_of(workspace.command(compiler).arg("--version")).is_some()
}

/// Returns the directory in which the programs are.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    let host = host(workspace)?;
    let step = Step::start("building the fuzz targets", "1 to 2 min the first time");
    let log = workspace.target().join("xtask/fuzz-build.log");
    step.end_with(run_logged(&mut cargo(workspace, "build", &host), &log))?;
    Ok(directory(workspace).join(host).join("release"))
}

/// A command on the fuzz targets, always with the same flags, so that libFuzzer is built once.
fn cargo(workspace: &Workspace, subcommand: &str, host: &str) -> Command {
    let mut cargo = workspace.cargo(subcommand);
    cargo
        .args(["--release", "--locked", "--manifest-path"])
        .arg(manifest(workspace))
        // With a target, the flags are not for build scripts and macros.
        .args(["--target", host, "--target-dir"])
        .arg(directory(workspace))
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags().join("\u{1f}"));
    cargo
}

fn directory(workspace: &Workspace) -> PathBuf {
    workspace.target().join("fuzz")
}

/// What rustc builds for by itself.
fn host(workspace: &Workspace) -> Result<String> {
    let version = output_of(workspace.command(rustc()).arg("-vV"));
    let version = version.context("cannot ask rustc what it builds for")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host
        .context("rustc does not say what it builds for")?
        .to_owned())
}

fn rustc() -> OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

fn flags() -> Vec<&'static str> {
    COVERAGE.into_iter().chain([SANITIZER]).collect()
}

fn run_target(workspace: &Workspace, programs: &Path, target: &str, seconds: u64) -> Result<()> {
    let given = workspace.root().join("fuzz/corpus").join(target);
    let learnt = workspace.target().join("fuzz/corpus").join(target);
    let kept = workspace.root().join("fuzz/artifacts").join(target);
    for directory in [&learnt, &kept] {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
    }
    let before = names_in(&kept);
    let mut fuzzer = limited(workspace, programs, target);
    let dictionary = workspace.root().join(format!("fuzz/{target}.dict"));
    if dictionary.exists() {
        fuzzer.arg(format!("-dict={}", dictionary.display()));
    }
    fuzzer
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", kept.display()))
        .args(LENGTHS)
        .args(["-print_final_stats=1", "-verbosity=0"])
        .args([&learnt, &given]);
    let step = Step::start(&format!("fuzzing {target}"), &format!("{seconds} s"));
    let log = workspace.target().join(format!("xtask/fuzz-{target}.log"));
    let outcome = step.end_with(run_logged(&mut fuzzer, &log));
    let log = fs::read_to_string(&log).unwrap_or_default();
    if outcome.is_ok() {
        note(&format!("  {}", speed(&log)));
        return Ok(());
    }
    note(&reason(&log));
    let found = names_in(&kept)
        .into_iter()
        .find(|name| !before.contains(name));
    let Some(found) = found else { return outcome };
    let input = kept.join(found);
    show_input(workspace, programs, target, &input);
    let input = input.strip_prefix(workspace.root()).unwrap_or(&input);
    let again = format!(
        "cargo xtask fuzz --target {target} --input {}",
        input.display()
    );
    bail!(
        "an input breaks `{target}`; to run it again:\n  {}",
        bold(&again)
    );
}

fn limited(workspace: &Workspace, programs: &Path, target: &str) -> Command {
    let mut fuzzer = workspace.command(programs.join(target));
    fuzzer
        .args(LIMITS)
        .env("RUST_BACKTRACE", "0")
        // Not with `-detect_leaks=0`, which also stops libFuzzer from looking at allocations. Freed
        // memory is held back to find uses of it; 256 MiB of it only make this slower.
        .env("ASAN_OPTIONS", "detect_leaks=0:quarantine_size_mb=16");
    fuzzer
}

/// Shows what the bytes of an input stand for.
fn show_input(workspace: &Workspace, programs: &Path, target: &str, input: &Path) {
    let shown = workspace.target().join("xtask/fuzz-input.txt");
    let _ = fs::remove_file(&shown);
    let mut fuzzer = limited(workspace, programs, target);
    fuzzer.arg(input).env("RUST_LIBFUZZER_DEBUG_PATH", &shown);
    let _ = fuzzer.output();
    if let Ok(text) = fs::read_to_string(&shown) {
        note(&format!("the input:\n{text}"));
    }
}

fn names_in(directory: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).collect()
}

/// Of a log, what tells how much was done.
fn speed(log: &str) -> String {
    let number = |name: &str| {
        let line = log.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("?", str::trim).to_owned()
    };
    format!(
        "{} inputs, {} a second",
        number("stat::number_of_executed_units:"),
        number("stat::average_exec_per_sec:")
    )
}

/// Of the log of a failure, what tells why.
fn reason(log: &str) -> String {
    let marks = ["panicked at", "ERROR: "];
    let is_mark = |line: &&str| marks.iter().any(|mark| line.contains(mark));
    let lines: Vec<&str> = log.lines().collect();
    let first = lines.iter().position(is_mark).unwrap_or(0);
    let shown = lines[first..].iter().take(REASON_LINES);
    shown.map(|line| format!("  {line:.300}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_program_and_inputs_to_begin_with() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
        for target in TARGETS {
            assert!(fuzz.join(format!("fuzz_targets/{target}.rs")).exists());
            assert!(
                !names_in(&fuzz.join("corpus").join(target)).is_empty(),
                "{target}"
            );
        }
    }

    #[test]
    fn a_log_tells_how_much_was_done() {
        let log =
            "Done\nstat::number_of_executed_units: 7359\nstat::average_exec_per_sec:     120\n";
        assert_eq!(speed(log), "7359 inputs, 120 a second");
        assert_eq!(speed(""), "? inputs, ? a second");
    }

    #[test]
    fn a_log_tells_why_it_failed() {
        let log = "INFO: Seed: 1\nthread 'x' panicked at src/calls.rs:1:2:\nthe answers differ\n";
        let reason = reason(log);
        assert!(reason.starts_with("  thread 'x' panicked"), "{reason}");
        assert!(reason.ends_with("differ\n"), "{reason}");
    }
}
