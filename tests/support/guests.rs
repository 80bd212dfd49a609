//! Where the built guests are, and guests of a few lines that need no building.

use std::path::PathBuf;

/// Where the guests are that `cargo xtask guests` builds.
pub fn directory() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    target.join("guests")
}

/// The component of the guest `name`.
pub fn path(name: &str) -> PathBuf {
    let path = directory().join(format!("{name}.wasm"));
    assert!(
        path.is_file(),
        "there is no {}: run `cargo xtask guests` first",
        path.display()
    );
    path
}

/// A command whose core module has these parts, and does what `body` says: from
/// nothing to 0 for success, or 1.
pub fn tiny(parts: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $guest {parts} (func (export "run") (result i32) {body}))
            (core instance $guest (instantiate $guest))
            (func $run (result (result)) (canon lift (core func $guest "run")))
            (instance $run (export "run" (func $run)))
            (export "wasi:cli/run@0.2.0" (instance $run)))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
