//! The two system calls that have no safe wrapper. All `unsafe` of this crate is here.
#![allow(unsafe_code)]

use rustix::ioctl::{self, NoArg, Opcode, Setter, opcode};
use std::fs::File;
use std::io;
use std::path::Path;

/// `BLKFLSBUF` of `linux/fs.h`.
const FLUSH_BUFFERS: Opcode = opcode::none(0x12, 97);

/// `struct btrfs_ioctl_vol_args` of `linux/btrfs.h`.
#[repr(C)]
struct VolumeArguments {
    fd: i64,
    name: [u8; 4088],
}

/// `BTRFS_IOC_FORGET_DEV` of `linux/btrfs.h`.
const FORGET_DEVICE: Opcode = opcode::write::<VolumeArguments>(0x94, 5);

/// Drops what the kernel has cached of a block device, after its contents were
/// changed from behind.
pub fn drop_cache(device: &File) -> io::Result<()> {
    // SAFETY: BLKFLSBUF takes no argument and writes no memory of ours.
    unsafe { ioctl::ioctl(device, NoArg::<FLUSH_BUFFERS>::new())? };
    Ok(())
}

/// Lets btrfs forget what it once found on a device that is not mounted.
pub fn forget_btrfs_device(device: &Path) -> io::Result<()> {
    let control = File::options().read(true).open("/dev/btrfs-control")?;
    let path = device.as_os_str().as_encoded_bytes();
    let mut arguments = VolumeArguments {
        fd: 0,
        name: [0; 4088],
    };
    let room = arguments.name.get_mut(..path.len());
    room.ok_or(io::ErrorKind::InvalidFilename)?
        .copy_from_slice(path);
    // SAFETY: the opcode belongs to this struct, which the kernel only reads.
    unsafe { ioctl::ioctl(control, Setter::<FORGET_DEVICE, _>::new(arguments))? };
    Ok(())
}
