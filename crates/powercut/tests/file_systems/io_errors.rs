//! Disks that do not write or do not read any more, and file systems that are gone.

use crate::inside::in_private;
use crate::kinds::{self, KINDS, Kind, commit, contents, file, filled, write};
use crate::trial::{Trial, assert_same, check_opened};
use ability_storage_engine::{Error, LocalVolume, Volume};
use anyhow::Result;
use powercut::disk::{Disk, Fault, Reason, Which};
use powercut::file_system::FileSystem;
use powercut::system::loop_device::LoopDevice;
use powercut::system::mount::Mount;
use rustix::mount::UnmountFlags;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

const PROGRAMS: &[&str] = &["losetup", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"];

const EIO: i32 = 5;

const FILE_SYSTEMS: [FileSystem; 3] = [FileSystem::Ext4, FileSystem::Xfs, FileSystem::Btrfs];

/// A file system on a disk that can be told to fail.
struct FailingDisk {
    // In the order in which they have to go.
    device: LoopDevice,
    disk: Disk,
    file_system: FileSystem,
}

impl FailingDisk {
    fn new(file_system: FileSystem, place: &Path) -> Result<Self> {
        let program = Path::new(env!("CARGO_BIN_EXE_powercut"));
        let disk = Disk::start(program, &place.join("disk"), file_system.bytes(), None)?;
        let device = LoopDevice::attach(&disk.image())?;
        file_system.make(device.path())?;
        Ok(Self {
            device,
            disk,
            file_system,
        })
    }

    fn mount(&self, place: &Path) -> Result<Mount> {
        self.file_system.mount(&self.device, &place.join("mount"))
    }
}

/// Most file systems give up after that until they are mounted anew, so that is done.
#[test]
fn a_disk_that_does_not_write_makes_no_answer_a_lie() {
    in_private(PROGRAMS, |place| {
        for file_system in FILE_SYSTEMS {
            for kind in KINDS {
                does_not_write(file_system, kind, place)?;
            }
        }
        Ok(())
    });
}

fn does_not_write(file_system: FileSystem, kind: &Kind, place: &Path) -> Result<()> {
    let disk = FailingDisk::new(file_system, place)?;
    let mount = disk.mount(place)?;
    let trial = Trial::begin(kind, &mount.path().join("volume"), kinds::prepare);
    sync(mount.path())?;

    disk.disk.fail(false, true)?;
    let answer = trial.commit(format_args!("{file_system} that does not write"));
    let is_right = match answer.cause() {
        Some(
            Error::Io { source, .. }
            | Error::Unconfirmed { source, .. }
            | Error::InDoubt { source, .. }
            // The log, which nothing was written to, cannot be.
            | Error::Unavailable { source, .. },
        ) => source.raw_os_error() == Some(EIO),
        // The file system may have noticed before.
        Some(Error::ReadOnly) => true,
        _ => false,
    };
    assert!(is_right, "{}", answer.text);
    let (directory, possible) = trial.close_as(&answer);
    // What could not be written is given up now, not tried again later.
    let _ = sync(mount.path());
    disk.disk.fail(false, false)?;

    mount.unmount()?;
    let _mount = disk.mount(place)?;
    check_opened(&directory, &possible, &answer.text);
    Ok(())
}

/// What the laboratory's disk takes for data of files is that, and all of that.
#[test]
fn file_systems_outlive_writes_of_data_that_fail() {
    in_private(PROGRAMS, |place| {
        for file_system in FILE_SYSTEMS {
            outlives(file_system, place)?;
        }
        Ok(())
    });
}

fn outlives(file_system: FileSystem, place: &Path) -> Result<()> {
    let disk = FailingDisk::new(file_system, place)?;
    disk.disk.learn(file_system)?;
    let mount = disk.mount(place)?;
    let directory = mount.path().join("directory");
    let write = |name: &str, bytes: usize| {
        let mut file = File::create(directory.join(name))?;
        file.write_all(&filled(bytes))?;
        file.sync_all()
    };
    fs::create_dir(&directory)?;
    write("before", 20_000)?;

    for error in [Reason::Broken, Reason::Full] {
        let which = Which::All;
        let most = u64::MAX;
        disk.disk.fail_data(Some(Fault { which, error, most }))?;
        for (name, bytes) in [("page", 4_096), ("long", 1 << 20)] {
            let failed = write(name, bytes);
            assert!(failed.is_err(), "{file_system}, {error:?}, {name}");
        }
        // Directories, and so many names that a directory needs more blocks.
        for number in 0..300 {
            fs::create_dir(directory.join(format!("{error:?}-{number}")))?;
        }
        File::open(&directory)?.sync_all()?;
        disk.disk.fail_data(None)?;
        write("after", 20_000)?;
    }
    assert!(disk.disk.failed()? >= 4, "{file_system}");

    mount.unmount()?;
    let mount = disk.mount(place)?;
    for name in ["before", "after"] {
        assert_eq!(fs::read(directory.join(name))?, filled(20_000));
    }
    assert_eq!(fs::read_dir(&directory)?.count(), 604, "{file_system}");
    drop(mount);
    Ok(())
}

#[test]
fn a_disk_that_does_not_read_hides_nothing_and_serves_again() {
    in_private(PROGRAMS, |place| {
        for file_system in FILE_SYSTEMS {
            does_not_read(file_system, place)?;
        }
        Ok(())
    });
}

fn does_not_read(file_system: FileSystem, place: &Path) -> Result<()> {
    let disk = FailingDisk::new(file_system, place)?;
    let mount = disk.mount(place)?;
    let directory = mount.path().join("volume");
    fs::create_dir(&directory)?;
    let volume = LocalVolume::open(&directory)?;
    kinds::prepare(&volume)?;
    commit(&volume, [write("large", filled(1 << 20))])?;
    let expected = contents(&volume)?;
    drop(volume);
    // Nothing of it is in memory after that.
    mount.unmount()?;
    let mount = disk.mount(place)?;
    let volume = LocalVolume::open(&directory)?;
    let large = file("large");
    let reader = volume.reader(&large);

    disk.disk.fail(true, false)?;
    let read = volume
        .read(&large, 1 << 30)
        .map(|snapshot| snapshot.contents().len());
    let streamed = reader.and_then(|mut reader| reader.read(1 << 20));
    for error in [read.err(), streamed.err()] {
        let text = format!("{file_system}: {error:?}");
        let Some(Error::Io { path, source, .. }) = &error else {
            panic!("{text}");
        };
        assert_eq!((path, source.raw_os_error()), (&large, Some(EIO)), "{text}");
    }
    disk.disk.fail(false, false)?;

    let found = contents(&volume)?;
    assert_same(&found, &expected, file_system.name());
    drop(volume);
    check_opened(&directory, &[expected], file_system.name());
    drop(mount);
    Ok(())
}

/// As a file system over a network that is not reached any more.
#[test]
fn a_file_system_in_user_space_that_dies_hides_nothing() {
    in_private(&["bindfs"], |place| {
        let (below, mounted) = (place.join("below"), place.join("bindfs"));
        fs::create_dir(&below)?;
        fs::create_dir(&mounted)?;
        for kind in KINDS {
            dies(kind, &below, &mounted)?;
            fs::remove_dir_all(below.join("volume"))?;
        }
        Ok(())
    });
}

fn dies(kind: &Kind, below: &Path, mounted: &Path) -> Result<()> {
    let mut server = serve(below, mounted)?;
    let trial = Trial::begin(kind, &mounted.join("volume"), kinds::prepare);
    server.kill()?;
    server.wait()?;

    let answer = trial.commit("a file system that died");
    let is_right = matches!(
        answer.cause(),
        Some(Error::Io { .. } | Error::Unavailable { .. } | Error::InDoubt { .. })
    );
    assert!(is_right, "{}", answer.text);
    let read = trial.volume().read(&file("old"), 1 << 30);
    assert!(matches!(read, Err(Error::Io { .. })), "{read:?}");
    let listed = trial.volume().list(None);
    let is_right = matches!(listed, Err(Error::Unavailable { .. }));
    assert!(is_right, "{listed:?}");
    let (directory, possible) = trial.close_as(&answer);
    rustix::mount::unmount(mounted, UnmountFlags::DETACH)?;

    let mut server = serve(below, mounted)?;
    check_opened(&directory, &possible, &answer.text);
    rustix::mount::unmount(mounted, UnmountFlags::empty())?;
    server.wait()?;
    Ok(())
}

/// A file system in a process of its own, as soon as it is there.
fn serve(below: &Path, mounted: &Path) -> Result<Child> {
    let before = fs::metadata(mounted)?.dev();
    let mut command = Command::new("bindfs");
    let server = command.arg("-f").arg(below).arg(mounted).spawn()?;
    while fs::metadata(mounted)?.dev() == before {
        thread::sleep(Duration::from_millis(2));
    }
    Ok(server)
}

fn sync(path: &Path) -> std::io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(path)?)?)
}
