//! ability-storage beside other ways to replace a file; see `cargo xtask bench --help`.
//!
//! | module | holds |
//! |---|---|
//! | `command` | the command line |
//! | `contestant` | the ways to replace a file |
//! | `place` | the file systems |
//! | `case` | what is measured |
//! | `contents` | what is written |
//! | `measure` | rounds, in which all take turns |
//! | `statistics` | what is said of them |
//! | `counts` | system calls |
//! | `report` | tables, JSON, plots |
//! | `progress` | what a person sees meanwhile |

use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod case;
#[cfg(target_os = "linux")]
mod command;
#[cfg(target_os = "linux")]
mod contents;
#[cfg(target_os = "linux")]
mod contestant;
#[cfg(target_os = "linux")]
mod counts;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod progress;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod statistics;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    command::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("error: the benchmarks need Linux");
    ExitCode::from(2)
}
