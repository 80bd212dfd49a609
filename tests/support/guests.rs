//! Where the built guests are.

use std::path::PathBuf;

/// The component of the guest `name`, which `cargo xtask guests` builds.
pub fn path(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    let path = target.join("guests").join(name).with_extension("wasm");
    assert!(
        path.is_file(),
        "there is no {}: run `cargo xtask guests` first",
        path.display()
    );
    path
}
