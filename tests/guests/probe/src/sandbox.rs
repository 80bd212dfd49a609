//! Operations that try what a guest should not get at, or should not get at
//! without limits.

use crate::answer::{Answer, Failure, Fields};
use crate::files::filled;
use crate::network;
use crate::number;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, hint, io, process, thread};

/// Does what `words` say; `None` if they name no operation of this module.
pub fn perform(words: &[&str]) -> Option<Answer> {
    Some(match *words {
        ["preopens"] => list_directory("/"),
        ["fs-list", path] => list_directory(path),
        ["fs-read", path] => fs::read(path)
            .map(|contents| Fields::of([contents]))
            .map_err(Failure::from),
        ["fs-write", path, text] => fs::write(path, text)
            .map(|()| Fields::none())
            .map_err(Failure::from),
        ["env"] => Ok(environment()),
        ["connect", address] => network::connect(address)
            .map(Fields::one)
            .map_err(Failure::from),
        ["spin"] => spin(),
        ["sleep", milliseconds] => sleep(milliseconds),
        ["grow", bytes] => grow(bytes),
        ["print", bytes] => print(bytes),
        ["exit", code] => exit(code),
        ["trap"] => panic!("asked to trap"),
        ["random"] => Ok(Fields::one(format_args!("{:016x}", random()))),
        ["clock"] => clock(),
        _ => return None,
    })
}

fn list_directory(path: &str) -> Answer {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name().into_encoded_bytes());
    }
    names.sort();
    Ok(Fields::of(names))
}

fn environment() -> Fields {
    Fields::of(
        env::vars_os().map(|(name, value)| {
            [name.as_encoded_bytes(), b"=", value.as_encoded_bytes()].concat()
        }),
    )
}

fn spin() -> ! {
    loop {
        hint::spin_loop();
    }
}

fn sleep(milliseconds: &str) -> Answer {
    thread::sleep(Duration::from_millis(number(milliseconds)?));
    Ok(Fields::none())
}

/// Allocates and touches every page, so that it really is in use.
fn grow(bytes: &str) -> Answer {
    let memory = hint::black_box(filled(bytes, "x")?);
    Ok(Fields::one(memory.len()))
}

/// Floods standard output, then answers on a line of its own.
fn print(bytes: &str) -> Answer {
    let text = filled(bytes, "x")?;
    let mut out = io::stdout().lock();
    out.write_all(&text)?;
    out.write_all(b"\n")?;
    Ok(Fields::one(text.len()))
}

/// WASI 0.2 knows success and failure only: every code but 0 arrives as 1.
fn exit(code: &str) -> Answer {
    let code = code
        .parse()
        .map_err(|_| Failure::Usage(format!("{code:?} is not an exit code")))?;
    process::exit(code)
}

/// From `wasi:random/insecure-seed`, which is what `std` seeds its hash maps with.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

/// The wall clock, and how long the monotonic clock says a millisecond took.
fn clock() -> Answer {
    let wall = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let start = Instant::now();
    thread::sleep(Duration::from_millis(1));
    let elapsed = start.elapsed();
    Ok(Fields::of([
        format!("{}.{:09}", wall.as_secs(), wall.subsec_nanos()),
        format!("{}.{:09}", elapsed.as_secs(), elapsed.subsec_nanos()),
    ]))
}
