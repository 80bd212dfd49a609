//! What the laboratory asks of Linux: mounts, loop devices, a namespace of its own.
//!
//! Must never leave a mount or a loop device behind, however the process ends: all
//! mounts are made in a private namespace, and every loop device goes away with its
//! last user.

pub mod ioctl;
pub mod loop_device;
pub mod mount;
pub mod namespace;
pub mod requirements;

use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

/// What a program prints on its standard output, without the last line's end.
pub fn output_of(command: &mut Command) -> Result<String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{shown}` failed ({}): {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
