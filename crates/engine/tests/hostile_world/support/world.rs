//! Where a volume of a test is, and what the test does to that place. All is taken back
//! when the test ends, also by a panic.

use super::flags::clear_flags;
use super::process::NOBODY_ID;
use super::{Flag, set_flag};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::Uid;
use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// Why a test cannot run here.
#[derive(Debug)]
pub struct Skip(pub String);

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a scene could be set.
pub type Scene = Result<(), Skip>;

/// The directory of a volume, with what a test puts around it.
pub struct World {
    base: TempDir,
    root: PathBuf,
    host_is_nobody: bool,
    has_own_mounts: bool,
    uses_flags: bool,
    descriptors: Option<u64>,
    deadline: Duration,
}

impl World {
    /// An empty directory among the temporary files.
    pub fn new() -> Self {
        Self::below(TempDir::new().expect("a temporary directory"))
    }

    fn below(base: TempDir) -> Self {
        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).expect("readable");
        let root = base.path().join("volume");
        fs::create_dir(&root).expect("made");
        Self {
            base,
            root,
            host_is_nobody: false,
            has_own_mounts: false,
            uses_flags: false,
            descriptors: None,
            deadline: Duration::from_secs(20),
        }
    }

    /// Moves the volume to a file system in memory if there is one, for tests that make
    /// many files.
    pub fn in_memory(&mut self) {
        if let Ok(base) = TempDir::new_in("/dev/shm") {
            *self = Self::below(base);
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory that holds the volume.
    pub fn base(&self) -> &Path {
        self.base.path()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Makes a directory in the volume.
    pub fn directory(&self, path: &str) {
        fs::create_dir_all(self.path(path)).expect("made");
    }

    /// Makes a file in the volume.
    pub fn put(&self, path: &str, contents: &str) {
        fs::write(self.path(path), contents).expect("written");
    }

    pub fn mode(&self, path: &str, mode: u32) {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.path(path), permissions).expect("permitted");
    }

    /// Lets the host of the volume be a user that is not root and owns the volume.
    pub fn host_is_not_root(&mut self) {
        self.host_is_nobody = true;
        self.give_to_host("");
    }

    /// Makes a host that is not root the owner of a file or directory of the volume.
    pub fn give_to_host(&self, path: &str) {
        if self.host_is_nobody && Uid::effective().is_root() {
            chown(self.path(path), Some(NOBODY_ID), Some(NOBODY_ID)).expect("given away");
        }
    }

    /// Gives the host so many descriptors.
    pub fn descriptors(&mut self, limit: u64) {
        self.descriptors = Some(limit);
    }

    pub fn ends_within(&mut self, seconds: u64) {
        self.deadline = Duration::from_secs(seconds);
    }

    pub fn needs_root(&self) -> Scene {
        if Uid::effective().is_root() {
            return Ok(());
        }
        Err(Skip("it needs root".to_owned()))
    }

    /// Whether files can be made immutable.
    pub fn needs_flags(&mut self) -> Scene {
        let probe = self.base.path().join("probe");
        fs::write(&probe, "").expect("written");
        let set = set_flag(&probe, Flag::Immutable, true);
        set.map_err(|error| Skip(format!("files cannot be made immutable: {error}")))?;
        set_flag(&probe, Flag::Immutable, false).expect("taken back");
        self.uses_flags = true;
        Ok(())
    }

    /// Lets mounts be seen by this test and its children alone, so that they go with it.
    fn needs_mounts(&mut self) -> Scene {
        if self.has_own_mounts {
            return Ok(());
        }
        self.needs_root()?;
        let no = |error| Skip(format!("nothing can be mounted: {error}"));
        unshare(CloneFlags::CLONE_NEWNS).map_err(no)?;
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).map_err(no)?;
        self.has_own_mounts = true;
        Ok(())
    }

    /// Mounts an empty file system in memory on a directory of the volume; `""` is the
    /// volume itself.
    pub fn tmpfs(&mut self, path: &str, options: &str) -> Scene {
        self.needs_mounts()?;
        self.directory(path);
        let tmpfs = Some("tmpfs");
        let flags = MsFlags::empty();
        let done = mount(tmpfs, &self.path(path), tmpfs, flags, Some(options));
        done.map_err(|error| Skip(format!("tmpfs cannot be mounted: {error}")))
    }

    /// Mounts a file from elsewhere over a file of the volume, as containers do.
    pub fn bind_file(&mut self, path: &str, contents: &str) -> Scene {
        self.needs_mounts()?;
        let source = self.base.path().join("bound");
        fs::write(&source, contents).expect("written");
        self.put(path, "");
        let none = None::<&str>;
        let done = mount(
            Some(&source),
            &self.path(path),
            none,
            MsFlags::MS_BIND,
            none,
        );
        done.map_err(|error| Skip(format!("a file cannot be mounted: {error}")))
    }

    /// Makes the volume a new file system in a file, by a program that is called with the
    /// name of that file.
    pub fn image(&mut self, make: &[&str], bytes: u64, options: &str) -> Scene {
        self.needs_mounts()?;
        let image = self.base.path().join("image");
        let file = File::create(&image).expect("made");
        file.set_len(bytes).expect("long enough");
        let (program, arguments) = make.split_first().expect("a program");
        run(Command::new(program).args(arguments).arg(&image))?;
        mount_image(&image, &self.root, options)
    }

    /// Makes the volume a file system of NTFS that takes names apart by letters, not by
    /// their case.
    pub fn ntfs_that_ignores_case(&mut self) -> Scene {
        self.needs_mounts()?;
        let image = self.base.path().join("image");
        let file = File::create(&image).expect("made");
        file.set_len(16 << 20).expect("long enough");
        run(Command::new("mkfs.ntfs")
            .args(["-q", "-F", "-f"])
            .arg(&image))?;
        let mut mount = Command::new("lowntfs-3g");
        mount.args(["-o", "ignore_case"]);
        run(mount.arg(&image).arg(&self.root))
    }

    pub(super) fn host_is_nobody(&self) -> bool {
        self.host_is_nobody
    }

    pub(super) fn descriptor_limit(&self) -> Option<u64> {
        self.descriptors
    }

    pub(super) fn deadline(&self) -> Duration {
        self.deadline
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.uses_flags {
            clear_flags(&self.root);
        }
        if self.has_own_mounts {
            unmount_all_below(self.base.path());
        }
        make_removable(&self.root);
    }
}

/// Lets the directories be emptied by the user that runs the tests.
fn make_removable(directory: &Path) {
    let _ = fs::set_permissions(directory, fs::Permissions::from_mode(0o755));
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for entry in entries.filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir())) {
        make_removable(&entry.path());
    }
}

/// A world without trouble of its own.
pub fn nothing_special(_: &mut World) -> Scene {
    Ok(())
}

/// Mounts the image of a file system; the loop device goes with the mount.
pub fn mount_image(image: &Path, directory: &Path, options: &str) -> Scene {
    let options = format!("loop,{options}");
    let mut mount = Command::new("mount");
    run(mount.args(["-o", &options]).arg(image).arg(directory))
}

/// What the disk of a mounted image has at this moment, as after a power cut.
pub fn copy_image(image: &Path, copy: &Path) {
    fs::copy(image, copy).expect("copied");
}

/// Unmounts; who used it may take a moment to go.
pub fn unmount(directory: &Path) {
    for _ in 0..200 {
        if umount2(directory, MntFlags::empty()).is_ok() {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("{} stays in use", directory.display());
}

fn unmount_all_below(base: &Path) {
    let mounts = fs::read_to_string("/proc/thread-self/mounts").unwrap_or_default();
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let places: Vec<_> = places.filter(|p| Path::new(p).starts_with(base)).collect();
    for place in places.iter().rev() {
        let _ = umount2(*place, MntFlags::MNT_DETACH);
    }
}

/// Runs a program that sets the scene.
fn run(command: &mut Command) -> Scene {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return Err(Skip(format!("{name} cannot be run: {error}"))),
    };
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(Skip(format!("{name} failed: {}", why.trim())))
}

/// Takes all space that is left on the file system, as another program does; returns how
/// much.
pub fn fill(path: &Path) -> u64 {
    let mut file = File::create(path).expect("made");
    let mut written = 0;
    for piece in [64 << 10, 4 << 10, 512] {
        loop {
            match file.write(&vec![b'f'; piece]) {
                Ok(0) => break,
                Ok(bytes) => written += bytes as u64,
                Err(error) => {
                    let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
                    assert!(full.contains(&error.kind()), "{error}");
                    break;
                }
            }
        }
        // File systems that find room late say so only now.
        let _ = file.sync_all();
    }
    written
}
