//! A guest gives the memory back in which it passes contents to the host: it writes ten times
//! its memory limit by each call that takes contents.

use end_to_end::command::Ability;

/// The calls that take contents. A batch takes both kinds in one.
const CALLS: [&str; 5] = ["write", "write-if", "append", "batch", "stream"];

const MIB: u64 = 1 << 20;
const PIECE_BYTES: u64 = 256 << 10;

/// Writes ten times `limit` bytes by each call, in a guest that may have `limit` bytes of memory.
fn check(guest: &str, limit: u64) {
    let ability = Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"));
    let max_memory = limit.to_string();
    // What is tested has nothing to do with the disk.
    let options = ["--max-memory", &max_memory, "--no-sync"];
    let (piece, bytes) = (PIECE_BYTES.to_string(), (10 * limit).to_string());
    let expected = format!("ok {}\n", 10 * limit / PIECE_BYTES);
    for call in CALLS {
        let ended = ability.run(guest, &options, &["pour", call, &piece, &bytes]);
        assert_eq!(
            (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
            (Some(0), expected.as_str(), ""),
            "{guest} {call}: {ended:?}"
        );
    }
}

#[test]
fn a_rust_guest_writes_ten_times_its_memory() {
    check("probe", 4 * MIB);
}

#[test]
fn a_python_guest_writes_ten_times_its_memory() {
    check("python-probe", 24 * MIB);
}

/// In QuickJS, the engine that `ability build` takes unless it is told otherwise. StarlingMonkey
/// keeps what a guest passes to the host.
#[test]
fn a_javascript_guest_writes_ten_times_its_memory() {
    check("js-probe", 16 * MIB);
}
