//! What must be there to cut the power of a file system, and what to say if it is
//! not.

use super::namespace::command_inside;
use super::output_of;
use anyhow::{Context, Result, bail};
use std::env;
use std::fs::File;

/// Fails with the first piece that is missing, named so that a person can get it.
pub fn check(programs: &[&str]) -> Result<()> {
    check_mounts(programs)?;
    check_device("/dev/fuse", "fuse")
}

/// The same for who mounts images, but makes no disks.
pub fn check_mounts(programs: &[&str]) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("only root may mount file systems and attach loop devices");
    }
    check_device("/dev/loop-control", "loop")?;
    for program in programs {
        if !is_on_path(program) {
            bail!("there is no program `{program}`: {}", package_of(program));
        }
    }
    let private = output_of(&mut command_inside("true")?);
    private.context("root may not make namespaces here (a container may not allow it)")?;
    Ok(())
}

fn check_device(device: &str, module: &str) -> Result<()> {
    let opened = File::options().read(true).write(true).open(device);
    opened.with_context(|| {
        format!("cannot open {device} (try `modprobe {module}`; a container may not allow it)")
    })?;
    Ok(())
}

/// Whether a program can be started by its name.
fn is_on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

fn package_of(program: &str) -> &'static str {
    match program {
        "mkfs.ext4" => "install e2fsprogs",
        "mkfs.xfs" => "install xfsprogs",
        "mkfs.btrfs" => "install btrfs-progs",
        "bindfs" => "install bindfs",
        "losetup" | "unshare" => "install util-linux and mount",
        _ => "install it",
    }
}
