//! Handles by the million, kept and let go.

use ability_storage_guest::{Error, Reader, Result, Scope, Writer};

/// Opens readers of `path`, or writers, until `held` are open, which must be as many
/// as the host allows; then tries so many times to open one more, and then lets
/// one go and opens it again, so many times.
pub fn attack(what: &str, path: &str, held: u64, attempts: u64) -> std::result::Result<(), String> {
    match what {
        "readers" => exhaust(held, attempts, || Reader::open(path, Scope::Ability)),
        "writers" => exhaust(held, attempts, || Writer::open(path, Scope::Ability)),
        _ => Err(format!("{what:?} is none of readers, writers")),
    }
}

fn exhaust<T>(
    held: u64,
    attempts: u64,
    open: impl Fn() -> Result<T>,
) -> std::result::Result<(), String> {
    let mut kept = Vec::new();
    for number in 0..held {
        kept.push(open().map_err(|error| format!("only {number} are open: {error}"))?);
    }
    for _ in 0..attempts {
        match open() {
            Err(Error::QuotaExceeded { .. }) => {}
            Err(error) => return Err(format!("one too many: {error}")),
            Ok(_) => return Err("one more than is allowed".to_owned()),
        }
    }
    for _ in 0..attempts {
        kept.pop();
        kept.push(open().map_err(|error| format!("after one was let go: {error}"))?);
    }
    println!("held {}", kept.len());
    // What is open is left to the host.
    std::mem::forget(kept);
    Ok(())
}
