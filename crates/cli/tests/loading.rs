//! A file that cannot be run is refused with one sentence that says why, and
//! one that can is compiled once.

use end_to_end::command::{Ability, Conversation, Ended, end};
use end_to_end::guests;
use std::fs;
use std::path::{Path, PathBuf};

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

/// A built guest with one name in it exchanged for another of the same length.
fn counter_with(name: &str, other: &str) -> Vec<u8> {
    assert_eq!(name.len(), other.len());
    let mut bytes = fs::read(guests::path("counter")).expect("read");
    let found: Vec<_> = (0..bytes.len() - name.len())
        .filter(|&at| bytes[at..].starts_with(name.as_bytes()))
        .collect();
    assert!(!found.is_empty(), "{name}");
    for at in found {
        bytes[at..at + name.len()].copy_from_slice(other.as_bytes());
    }
    bytes
}

fn file(ability: &Ability, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
    let path = ability.directory().join(name);
    fs::write(&path, contents).expect("written");
    path
}

fn refused(ability: &Ability, path: &Path) -> String {
    let Ended { code, stderr, .. } = end(ability.component(path, &[], &[]));
    assert_eq!(code, Some(125), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("ability: "), "{stderr}");
    let name = path.file_name().expect("a name").to_str().expect("text");
    assert!(stderr.contains(name), "{stderr}");
    assert!(!ability.root().exists(), "a root for {stderr}");
    stderr
}

#[test]
fn what_is_no_component() {
    let ability = ability();
    let whole = fs::read(guests::path("counter")).expect("read");
    for (name, contents, expected) in [
        ("text.wasm", b"hello".as_slice(), "no WebAssembly at all"),
        ("empty.wasm", b"", "no WebAssembly at all"),
        ("module.wasm", b"\0asm\x01\0\0\0", "a core module"),
        ("header.wasm", b"\0asm\x0d\0", "cut off"),
        (
            "future.wasm",
            b"\0asm\x0e\0\x01\0",
            "version of WebAssembly",
        ),
        ("half.wasm", &whole[..whole.len() / 2], "damaged"),
        ("short.wasm", &whole[..whole.len() - 1], "damaged"),
    ] {
        let reason = refused(&ability, &file(&ability, name, contents));
        assert!(reason.contains(expected), "{reason}");
    }
    let missing = refused(&ability, &ability.directory().join("missing.wasm"));
    assert!(missing.contains("there is no file"), "{missing}");
    let directory = ability.directory().join("directory.wasm");
    fs::create_dir(&directory).expect("created");
    assert!(refused(&ability, &directory).contains("is a directory"));
}

#[test]
fn a_component_that_is_no_command() {
    let ability = ability();
    let bytes = counter_with("wasi:cli/run@0.2", "wasi:cli/fun@0.2");
    let library = file(&ability, "library.wasm", bytes);
    assert!(refused(&ability, &library).contains("exports no wasi:cli/run"));
    let empty = file(&ability, "nothing.wasm", b"\0asm\x0d\0\x01\0");
    assert!(refused(&ability, &empty).contains("exports no wasi:cli/run"));
}

#[test]
fn a_component_that_needs_what_is_not_given() {
    let ability = ability();
    let bytes = counter_with("ability:storage/storage", "ability:storage/telepat");
    let reason = refused(&ability, &file(&ability, "needy.wasm", bytes));
    assert!(
        reason.contains("imports ability:storage/telepat@0.1.1"),
        "{reason}"
    );
}

#[test]
fn a_root_that_cannot_be_opened() {
    let ability = ability();
    fs::write(ability.root(), "a file").expect("written");
    let ended = ability.run("counter", &[], &["next"]);
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert!(
        ended.stderr.contains("root could not be opened"),
        "{ended:?}"
    );
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

#[test]
fn an_id_that_is_none() {
    let ability = ability();
    for id in ["../user", "a/b", "", ".."] {
        let ended = ability.run("counter", &["--id", id], &["next"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("'--id <ID>'"), "{ended:?}");
    }
    let trailing = file(
        &ability,
        "counter..wasm",
        fs::read(guests::path("counter")).expect("read"),
    );
    let ended = end(ability.component(&trailing, &[], &["next"]));
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert!(ended.stderr.contains("--id"), "{ended:?}");
    let ended = end(ability.component(&trailing, &["--id", "counter"], &["next"]));
    assert_eq!(ended.stdout, "1\n", "{ended:?}");
}

/// On a busy machine one failed with "cannot add seals to the memfd: resource busy".
#[cfg(target_os = "linux")]
#[test]
fn a_start_does_not_depend_on_memory_that_is_sealed() {
    let mut probe = Conversation::begin(&ability(), &[]);
    assert_eq!(probe.ask(&["list", ""]), "ok");
    let memory = probe.memory_map();
    assert!(!memory.contains("/memfd:"), "{memory}");
    probe.end();
}

#[test]
fn the_second_start_is_from_the_cache() {
    let ability = ability().with_own_cache();
    let first = ability.run("counter", &["--verbose"], &["next"]);
    assert!(first.stderr.contains("was compiled in"), "{first:?}");
    let second = ability.run("counter", &["--verbose"], &["next"]);
    assert!(
        second.stderr.contains("was loaded from the cache"),
        "{second:?}"
    );
    assert_eq!(
        (first.stdout.as_str(), second.stdout.as_str()),
        ("1\n", "2\n")
    );
}

#[cfg(unix)]
#[test]
fn without_a_place_for_the_cache_it_runs_with_one_warning() {
    let ability = ability();
    let mut command = ability.guest("counter", &["--verbose"], &["next"]);
    // Neither can be created.
    command
        .env("XDG_CACHE_HOME", "/dev/null/cache")
        .env("HOME", "/dev/null");
    let ended = end(command);
    assert_eq!(ended.stdout, "1\n", "{ended:?}");
    assert!(ended.stderr.contains("without a cache"), "{ended:?}");
    let warnings = ended.stderr.matches("is not kept").count();
    assert_eq!(warnings, 1, "{ended:?}");
    assert!(ended.stderr.contains("--compile-cache"), "{ended:?}");
}

#[cfg(unix)]
#[test]
fn the_place_of_the_cache_can_be_named() {
    let ability = ability();
    let run = |options: &[&str]| {
        let mut command = ability.guest("counter", options, &["next"]);
        command
            .env("XDG_CACHE_HOME", "/dev/null/cache")
            .env("HOME", "/dev/null");
        end(command)
    };
    let cache = ability.directory().join("deep/compiled");
    let options = ["-v", "--compile-cache", cache.to_str().expect("text")];
    let first = run(&options);
    assert!(first.stderr.contains("was compiled in"), "{first:?}");
    assert!(!first.stderr.contains("is not kept"), "{first:?}");
    let second = run(&options);
    assert!(
        second.stderr.contains("loaded from the cache"),
        "{second:?}"
    );
    let refused = run(&["--compile-cache", "/dev/null/cache"]);
    assert_eq!(refused.code, Some(125), "{refused:?}");
    assert!(
        refused.stderr.contains("--compile-cache /dev/null/cache"),
        "{refused:?}"
    );
}

/// The counter, compiled into a file in the directory of the test.
fn compiled(ability: &Ability) -> PathBuf {
    let component = guests::path("counter");
    let ended = ability.call(&["compile", component.to_str().expect("text")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ability.directory().join("counter.cwasm")
}

#[test]
fn compiled_code_starts_without_a_cache() {
    let ability = ability();
    let file = compiled(&ability);
    for expected in ["1\n", "2\n"] {
        let mut command = ability.component(&file, &["--trust-compiled"], &["next"]);
        command
            .env("XDG_CACHE_HOME", "/dev/null/cache")
            .env("HOME", "/dev/null");
        let ended = end(command);
        assert_eq!(
            (ended.stdout.as_str(), ended.stderr.as_str()),
            (expected, "")
        );
    }
    assert!(
        ability.volume("counter").is_dir(),
        "its id is that of the component"
    );
}

#[test]
fn compiled_code_is_run_only_if_it_is_trusted_and_whole() {
    let ability = ability();
    let path = compiled(&ability);
    assert!(refused(&ability, &path).contains("--trust-compiled"));
    let whole = fs::read(&path).expect("read");
    // Under the name of a component, too, and as wasmtime itself writes it.
    let renamed = file(&ability, "renamed.wasm", &whole);
    assert!(refused(&ability, &renamed).contains("no sandbox"));
    let bare = file(&ability, "bare.wasm", &whole[48..]);
    assert!(refused(&ability, &bare).contains("no sandbox"));

    let trusted = |path: &Path| {
        let ended = end(ability.component(path, &["--trust-compiled"], &["next"]));
        assert_eq!(ended.code, Some(125), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        ended.stderr
    };
    assert!(trusted(&bare).contains("not made by `ability compile`"));
    for cut in [17, 48, whole.len() / 2, whole.len() - 1] {
        let path = file(&ability, "cut.cwasm", &whole[..cut]);
        assert!(trusted(&path).contains("compile the component again"));
    }
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    assert!(trusted(&file(&ability, "damaged.cwasm", damaged)).contains("damaged"));
}

/// The hash is right, but wasmtime finds another version of itself in it.
#[test]
fn compiled_code_of_another_version_is_refused() {
    let ability = ability();
    let whole = fs::read(compiled(&ability)).expect("read");
    let mut code = whole[48..].to_vec();
    // Its major version, with its length before it, and the processor behind it.
    let processor = std::env::consts::ARCH.as_bytes();
    let mut at = code.windows(processor.len());
    let at = at.position(|window| window == processor).expect("named");
    assert_eq!(code[at - 4], 2, "a version of two digits");
    code[at - 3] = b'1';
    let other = [&whole[..16], blake3::hash(&code).as_bytes(), &code].concat();
    let path = file(&ability, "other.cwasm", other);
    let ended = end(ability.component(&path, &["--trust-compiled"], &["next"]));
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert!(
        ended.stderr.contains("another version of `ability`"),
        "{ended:?}"
    );
}

#[cfg(unix)]
#[test]
fn compiled_code_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let ability = ability();
    let path = compiled(&ability);
    for mode in [0o664, 0o646] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        let ended = end(ability.component(&path, &["--trust-compiled"], &["next"]));
        assert_eq!(ended.code, Some(125), "{ended:?}");
        assert!(ended.stderr.contains("chmod go-w"), "{ended:?}");
    }
}

#[test]
fn what_cannot_be_compiled_leaves_no_file() {
    let ability = ability();
    file(&ability, "text.wasm", "hello");
    let ended = ability.call(&["compile", "text.wasm"]);
    assert_eq!(ended.code, Some(125), "{ended:?}");
    assert!(ended.stderr.contains("no WebAssembly at all"), "{ended:?}");
    assert_eq!(
        end_to_end::command::names(ability.directory()),
        ["text.wasm"]
    );
}

#[test]
fn compiled_code_is_not_compiled_again() {
    let ability = ability();
    let code = compiled(&ability);
    let again = ability.call(&["compile", code.to_str().expect("text"), "-o", "b.cwasm"]);
    assert_eq!(again.code, Some(125), "{again:?}");
    assert!(again.stderr.contains("compiled already"), "{again:?}");
}

/// It would wait for ever for somebody to write into it.
#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_the_output_is_replaced() {
    let ability = ability();
    let pipe = ability.directory().join("out.cwasm");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("started").success());
    let component = guests::path("counter");
    let component = component.to_str().expect("text");
    let ended = ability.call(&["compile", component, "-o", "out.cwasm"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(pipe.is_file());
}
