//! Files that are far longer than the memory that the command takes for them, and
//! commands that are killed while they write one.

use end_to_end::command::{Ability, Conversation, names, staged_bytes};
use std::thread;
use std::time::Duration;

const GIB: u64 = 1 << 30;

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_gibibyte_goes_in_and_out_in_little_memory() {
    const LITTLE: u64 = 64 << 20;

    let ability = ability();
    // Once alone: compiling takes more memory than anything after it.
    ability.run("probe", &[], &["list", ""]);
    let mut probe = Conversation::begin(&ability, &[]);
    assert_eq!(probe.ask(&["list", ""]), "ok");
    let idle = probe.peak_memory();

    let bytes = GIB.to_string();
    let written = probe.ask(&["stream-write", "file", &bytes]);
    assert!(written.starts_with("ok "), "{written}");
    let after_write = probe.peak_memory();
    let read = probe.ask(&["stream-read", "file"]);
    assert_eq!(read, format!("ok {GIB}\tpattern"));
    let after_read = probe.peak_memory();

    let mib = |bytes: u64| bytes >> 20;
    println!(
        "peak memory: idle {} MiB, after writing {} MiB, after reading {} MiB",
        mib(idle),
        mib(after_write),
        mib(after_read)
    );
    assert!(after_read - idle < LITTLE, "{after_read} {idle}");
    let ended = probe.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn what_a_killed_command_was_writing_is_gone_at_the_next_start() {
    let ability = ability();
    ability.run("probe", &[], &["write", "file", "old"]);
    let volume = ability.volume("probe");
    for more in [0, 4 << 20, 16 << 20] {
        let mut probe = Conversation::begin(&ability, &[]);
        probe.tell(&["stream-write", "file", &GIB.to_string()]);
        while staged_bytes(&volume) <= more {
            thread::sleep(Duration::from_millis(1));
        }
        probe.kill();
        assert!(staged_bytes(&volume) > 0, "it was killed too late");

        let ended = ability.run("probe", &[], &["read", "file"]);
        assert_eq!(ended.stdout, "ok old\n");
        assert_eq!(names(&volume), [".ability-storage", "file"]);
        assert_eq!(staged_bytes(&volume), 0);
        assert_eq!(ability.sessions("probe"), Vec::<String>::new());
    }
}

#[test]
fn what_is_written_when_time_is_over_is_gone() {
    let ability = ability();
    ability.run("probe", &[], &["write", "file", "old"]);
    let options = [
        "--timeout",
        "0.5",
        "--max-file-bytes",
        "1000G",
        "--max-total-bytes",
        "1000G",
    ];
    let bytes = (1_000 * GIB).to_string();
    let ended = ability.run("probe", &options, &["stream-write", "file", &bytes]);
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert_eq!(staged_bytes(&ability.volume("probe")), 0);
    assert_eq!(ability.sessions("probe"), Vec::<String>::new());
    let ended = ability.run("probe", &[], &["read", "file"]);
    assert_eq!(ended.stdout, "ok old\n");
}
