//! The conformance suite of the engine on each file system that people may put a volume
//! on, as far as this machine can mount them.

use crate::inside::in_private;
use crate::kinds::{self, KINDS};
use crate::trial::{assert_same, check_opened, sessions_of};
use ability_storage_engine::{LocalVolume, MemoryVolume, author::conformance};
use anyhow::Result;
use powercut::file_system::FileSystem;
use powercut::system::loop_device::LoopDevice;
use powercut::system::mount::Mount;
use powercut::system::output_of;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn ext4_conforms() {
    in_private(&["losetup", "mkfs.ext4"], |place| {
        conforms_on_a_disk(FileSystem::Ext4, place)
    });
}

#[test]
fn xfs_conforms() {
    in_private(&["losetup", "mkfs.xfs"], |place| {
        conforms_on_a_disk(FileSystem::Xfs, place)
    });
}

#[test]
fn btrfs_conforms() {
    in_private(&["losetup", "mkfs.btrfs"], |place| {
        conforms_on_a_disk(FileSystem::Btrfs, place)
    });
}

#[test]
fn tmpfs_conforms() {
    in_private(&[], |place| {
        let mount = Mount::tmpfs(&place.join("tmpfs"), "size=512m")?;
        conforms(mount.path(), &[])
    });
}

#[test]
fn overlayfs_conforms() {
    in_private(&[], |place| {
        fs::create_dir(place.join("lower"))?;
        conforms(overlay(place, "all")?.path(), &[])
    });
}

/// A file system in user space that knows files by what they are.
#[test]
fn a_file_system_in_user_space_conforms() {
    in_private(&["fuse-overlayfs"], |place| {
        fs::create_dir(place.join("lower"))?;
        let (options, target) = layers(place, "user")?;
        fs::create_dir(&target)?;
        let mut mount = Command::new("fuse-overlayfs");
        output_of(mount.args(["-o", &options]).arg(&target))?;
        conforms(&target, &[])
    });
}

/// One that knows files by their paths alone, as most do that are built with libfuse: it
/// moves a file that is open out of the way before another replaces it, and for that
/// moment there is none. What must hold when nobody reads meanwhile does hold.
#[test]
fn a_file_system_of_paths_conforms_but_for_readers_at_the_same_time() {
    const AT_THE_SAME_TIME: [&str; 4] = [
        "no_update_is_lost",
        "a_reader_sees_one_version",
        "a_reader_sees_whole_appends",
        "no_reader_sees_half_a_batch",
    ];
    in_private(&["bindfs"], |place| {
        let (below, mounted) = (place.join("below"), place.join("bindfs"));
        fs::create_dir(&below)?;
        fs::create_dir(&mounted)?;
        output_of(Command::new("bindfs").arg(&below).arg(&mounted))?;
        conforms(&mounted, &AT_THE_SAME_TIME)
    });
}

/// As with a container whose image has a volume: its files come up when they are
/// changed.
#[test]
fn a_volume_in_a_lower_layer_goes_on_in_an_overlay() {
    in_private(&[], |place| {
        let lower = place.join("lower/volume");
        fs::create_dir_all(&lower)?;
        kinds::prepare(&LocalVolume::open(&lower)?)?;
        for (i, kind) in KINDS.iter().enumerate() {
            let overlay = overlay(place, &i.to_string())?;
            let directory = overlay.path().join("volume");
            let volume = LocalVolume::open(&directory)?;
            (kind.run)(&volume)?;
            let model = MemoryVolume::new();
            kinds::prepare(&model)?;
            (kind.run)(&model)?;
            let expected = kinds::contents(&model)?;
            assert_same(&kinds::contents(&volume)?, &expected, kind.name);
            drop(volume);
            check_opened(&directory, &[expected], kind.name);
        }
        Ok(())
    });
}

fn conforms_on_a_disk(file_system: FileSystem, place: &Path) -> Result<()> {
    let image = place.join("image");
    File::create(&image)?.set_len(file_system.bytes())?;
    let device = LoopDevice::attach(&image)?;
    file_system.make(device.path())?;
    let mount = file_system.mount(&device, &place.join("mount"))?;
    conforms(mount.path(), &[])
}

/// Runs each case on a fresh volume, but for some.
fn conforms(mounted: &Path, except: &[&str]) -> Result<()> {
    let cases = conformance::cases().into_iter();
    for (name, case) in cases.filter(|(name, _)| !except.contains(name)) {
        let directory = mounted.join(name);
        fs::create_dir(&directory)?;
        let options = LocalVolume::options().limits(conformance::limits());
        let volume = options.open(&directory)?;
        eprintln!("{name}");
        case(&volume);
        drop(volume);
        let left = sessions_of(&directory);
        assert!(left.is_empty(), "left behind {left:?}");
        fs::remove_dir_all(&directory)?;
    }
    Ok(())
}

fn overlay(place: &Path, name: &str) -> Result<Mount> {
    let (options, target) = layers(place, name)?;
    Mount::new(Path::new("overlay"), &target, "overlay", &options)
}

/// The options for a layer of its own over `lower`, and where to mount it.
fn layers(place: &Path, name: &str) -> Result<(String, PathBuf)> {
    let [lower, upper, work] = [
        place.join("lower"),
        place.join(format!("upper-{name}")),
        place.join(format!("work-{name}")),
    ];
    fs::create_dir(&upper)?;
    fs::create_dir(&work)?;
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.display(),
        upper.display(),
        work.display()
    );
    Ok((options, place.join(format!("overlay-{name}"))))
}
