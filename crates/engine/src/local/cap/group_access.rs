//! What the group of a volume's directory may do with what belongs to the engine.
//!
//! Files and directories of the engine are for the user of the host alone, unless the
//! directory of the volume is shared with a group: then members of the group can open the
//! volume, too, whatever the umask of the one who opened it first.

use super::super::directory::Access;
use cap_std::fs::{Dir, Metadata};
use std::fs::File;
use std::io;

/// How often something is opened that another user of the group has made this moment and not yet
/// let the group into, and the time between.
#[cfg(unix)]
const TRIES: u32 = 100;
#[cfg(unix)]
const PAUSE: std::time::Duration = std::time::Duration::from_millis(5);

/// What has not been changed for so long is not being made. The time of change that is looked at
/// is in whole seconds.
#[cfg(unix)]
const BEING_MADE: std::time::Duration = std::time::Duration::from_secs(2);

/// What a group may do, and which group it is; `None` if the directory is not shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupAccess(Option<Shared>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shared {
    group: u32,
    /// The bits of the group alone, as of a directory.
    bits: u32,
}

impl GroupAccess {
    /// That of the directory of a volume. It is shared if it has the setgid bit, or if its
    /// group may do more than everybody.
    #[cfg(unix)]
    pub(super) fn of(directory: &Metadata) -> Self {
        use cap_std::fs::MetadataExt;
        let mode = directory.mode();
        let bits = mode & 0o070;
        let is_more = bits & !((mode & 0o007) << 3) != 0;
        let is_shared = bits != 0 && (is_more || mode & 0o2000 != 0);
        Self(is_shared.then(|| Shared {
            group: directory.gid(),
            bits,
        }))
    }

    #[cfg(not(unix))]
    pub(super) fn of(_directory: &Metadata) -> Self {
        Self(None)
    }

    /// Lets the group into a directory that was just created, or that this user has created
    /// before and may have been killed. What is created in it belongs to the group. In one of the
    /// volume itself, others may do what the umask leaves them.
    #[cfg(unix)]
    pub(super) fn give_directory(self, dir: &Dir, name: &str, access: Access) {
        let Some(shared) = self.0 else { return };
        let given = dir.open(name).and_then(|made| {
            let made = made.into_std();
            let others = match access {
                Access::Private => 0,
                _ => mode_of(&made)? & 0o007,
            };
            shared.give(&made, 0o2700 | shared.bits | others)
        });
        report(given);
    }

    /// Lets the group into a file that was just created, or is there.
    #[cfg(unix)]
    pub(super) fn give_file(self, file: &File, access: Access) {
        if let (Some(shared), Access::Private) = (self.0, access) {
            report(shared.give(file, 0o600 | (shared.bits & 0o060)));
        }
    }

    /// Lets the group into a lock file. A member who may only read takes no lock, and must keep
    /// nobody from one.
    #[cfg(unix)]
    pub(super) fn give_lock_file(self, file: &File) {
        let Some(shared) = self.0 else { return };
        let bits = match shared.bits & 0o020 {
            0 => 0,
            _ => shared.bits & 0o060,
        };
        report(shared.give(file, 0o600 | bits));
    }

    /// Does `open` to what is at `name`, and again while another user of the group is about to
    /// let the group in: no call makes a file with a mode that the umask takes from it.
    #[cfg(unix)]
    pub(super) fn open_when_given<T>(
        self,
        dir: &Dir,
        name: &str,
        open: impl Fn() -> io::Result<T>,
    ) -> io::Result<T> {
        let mut tries = if self.0.is_some() { TRIES } else { 1 };
        loop {
            tries -= 1;
            match open() {
                Err(error)
                    if error.kind() == io::ErrorKind::PermissionDenied
                        && tries > 0
                        && is_being_made(dir, name) =>
                {
                    std::thread::sleep(PAUSE);
                }
                opened => return opened,
            }
        }
    }

    #[cfg(not(unix))]
    pub(super) fn open_when_given<T>(
        self,
        _dir: &Dir,
        _name: &str,
        open: impl Fn() -> io::Result<T>,
    ) -> io::Result<T> {
        open()
    }

    #[cfg(not(unix))]
    pub(super) fn give_lock_file(self, _file: &File) {}

    #[cfg(not(unix))]
    pub(super) fn give_directory(self, _dir: &Dir, _name: &str, _access: Access) {}

    #[cfg(not(unix))]
    pub(super) fn give_file(self, _file: &File, _access: Access) {}
}

#[cfg(unix)]
impl Shared {
    /// Sets the group and the mode of what this user has made. What is of another user was
    /// shared by that one.
    fn give(self, file: &File, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let metadata = file.metadata()?;
        let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
        if !is_own || (metadata.mode() & 0o7777 == mode && metadata.gid() == self.group) {
            return Ok(());
        }
        if metadata.gid() != self.group {
            let group = rustix::fs::Gid::from_raw(self.group);
            rustix::fs::fchown(file, None, Some(group))?;
        }
        file.set_permissions(std::fs::Permissions::from_mode(mode))
    }
}

#[cfg(unix)]
fn is_being_made(dir: &Dir, name: &str) -> bool {
    use cap_std::fs::MetadataExt;
    use std::time::{Duration, SystemTime};
    // Nobody looks into a directory that is being made.
    let metadata = dir.symlink_metadata(name).or_else(|_| dir.dir_metadata());
    let Ok(metadata) = metadata else {
        return false;
    };
    let changed =
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(metadata.ctime()).unwrap_or(0));
    let age = SystemTime::now().duration_since(changed);
    age.is_ok_and(|age| age < BEING_MADE)
}

#[cfg(unix)]
fn mode_of(file: &File) -> io::Result<u32> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.mode())
}

/// One who is not in the group cannot share with it, and some file systems have no modes. The
/// volume is for its user alone then.
#[cfg(unix)]
fn report(given: io::Result<()>) {
    if let Err(error) = given {
        tracing::debug!(%error, "a file of the volume is not shared with the group of its directory");
    }
}
