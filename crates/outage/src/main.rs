//! The command of the laboratory; see `cargo xtask ceph --help`.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod command;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    command::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("error: the laboratory needs Linux");
    ExitCode::from(2)
}
