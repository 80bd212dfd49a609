//! What must be there to cut the power of a file system, and what to say if it is
//! not.

use anyhow::{Result, bail};
use std::env;
use std::path::Path;

/// Fails with the first piece that is missing, named so that a person can get it.
pub fn check(programs: &[&str]) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("only root may mount file systems and attach loop devices");
    }
    for (device, what) in [
        (
            "/dev/fuse",
            "the kernel offers no FUSE (try `modprobe fuse`)",
        ),
        (
            "/dev/loop-control",
            "the kernel offers no loop devices (try `modprobe loop`)",
        ),
    ] {
        if !Path::new(device).exists() {
            bail!("there is no {device}: {what}");
        }
    }
    for program in programs {
        if !is_on_path(program) {
            bail!("there is no program `{program}`: {}", package_of(program));
        }
    }
    Ok(())
}

/// Whether a program can be started by its name.
pub fn is_on_path(program: &str) -> bool {
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
