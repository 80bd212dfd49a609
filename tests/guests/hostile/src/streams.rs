//! Handles by the million, kept and let go; and streams that are left in the middle.

use ability_storage_guest::{Error, Reader, Result, Scope, Writer};
use std::hint;
use std::io::{self, Read, Write};
use std::process;
use std::thread;
use std::time::Duration;

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

/// Opens `file` to read it and `new` to write it, goes half of the way, says so, and
/// stops in that way.
pub fn stop(way: &str) -> std::result::Result<(), String> {
    let told = |error: io::Error| error.to_string();
    let mut reader = Reader::open("file", Scope::Ability).map_err(|error| error.to_string())?;
    let mut writer = Writer::open("new", Scope::Ability).map_err(|error| error.to_string())?;
    reader.read_exact(&mut [0]).map_err(told)?;
    writer.write_all(&vec![0; 300_000]).map_err(told)?;
    writer.flush().map_err(told)?;
    println!("open");
    match way {
        "return" => {}
        "exit" => process::exit(1),
        "trap" => panic!("asked to trap"),
        "recurse" => drop(recurse(1)),
        "spin" => loop {
            hint::spin_loop();
        },
        "sleep" => thread::sleep(Duration::from_secs(86_400)),
        "write" => loop {
            writer.write_all(&[0; 8]).map_err(told)?;
            writer.flush().map_err(told)?;
        },
        _ => return Err(format!("no such way to stop: {way:?}")),
    }
    std::mem::forget((reader, writer));
    Ok(())
}

/// Until the stack ends, which the compiler is not to know.
fn recurse(depth: u64) -> u64 {
    if hint::black_box(depth) == 0 {
        return 0;
    }
    let below = hint::black_box([depth; 64]);
    recurse(hint::black_box(depth + 1)).wrapping_add(below[1])
}
