//! The real thing: [`Directory`] over a capability handle of `cap-std`, which
//! holds a process inside a directory whatever names and links it meets.
//!
//! The only module, with those in it, in which types of `cap-std` appear.

#[cfg(target_os = "linux")]
mod access_precheck;
mod file;
mod group_access;
mod ignores_case;
mod listing;
mod lock;
mod opening;
mod stat;
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no library wraps sync_file_range")]
mod sync_range;
mod syncs;
#[cfg(all(test, unix))]
mod tests;

use super::directory::{Access, Directory, Entry, Id, Kind, Stat, unless_absent};
use super::durability::Durability;
#[cfg(target_os = "linux")]
use access_precheck::look_at;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
pub(crate) use file::CapFile;
use file::has_a_fine_clock;
use group_access::GroupAccess;
pub(crate) use lock::{CapLock, LockFile};
use opening::nofollow;
#[cfg(target_os = "linux")]
use rustix::fs::Statx;
use stat::{dir_builder, id_of, links_of_cap, set_access, stat_of_cap};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::AtomicBool;
#[cfg(target_os = "linux")]
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use syncs::Syncs;

#[derive(Debug)]
pub(crate) struct CapDirectory {
    dir: Dir,
    syncs: Arc<Syncs>,
    id: OnceLock<Option<Id>>,
    ignores_case: OnceLock<bool>,
    /// On which mount it is, where the system tells.
    #[cfg(target_os = "linux")]
    place: OnceLock<Option<Statx>>,
    /// Whether listings can miss files that are replaced; of the whole volume.
    #[cfg(target_os = "linux")]
    moves_replaced: Arc<OnceLock<bool>>,
    /// What is known of the directory that this one was opened in.
    parent_ignores_case: Option<bool>,
    /// That of the directory of the volume.
    group_access: GroupAccess,
    /// Whether a sync of this handle failed. The next ones say nothing then.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "elsewhere each sync opens a handle of its own")
    )]
    failed: AtomicBool,
}

impl CapDirectory {
    pub(crate) fn open(path: &Path, durability: Durability) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        // As it is, the handle is good for lookups only (`O_PATH`).
        let dir = match cfg!(target_os = "linux").then(|| dir.open(".")) {
            Some(Ok(readable)) => Dir::from_std_file(readable.into_std()),
            _ => dir,
        };
        let group_access = GroupAccess::of(&dir.dir_metadata()?);
        Ok(Self::over(
            dir,
            Arc::new(Syncs::new(durability)),
            group_access,
        ))
    }

    fn over(dir: Dir, syncs: Arc<Syncs>, group_access: GroupAccess) -> Self {
        Self {
            dir,
            syncs,
            group_access,
            id: OnceLock::new(),
            ignores_case: OnceLock::new(),
            #[cfg(target_os = "linux")]
            place: OnceLock::new(),
            #[cfg(target_os = "linux")]
            moves_replaced: Arc::default(),
            parent_ignores_case: None,
            failed: AtomicBool::new(false),
        }
    }

    #[cfg(target_os = "linux")]
    fn sync_handle(&self) -> io::Result<()> {
        if !self.failed.load(Ordering::Relaxed) {
            match rustix::fs::fsync(&self.dir) {
                Ok(()) => return Ok(()),
                // It is good for lookups only.
                Err(rustix::io::Errno::BADF) => {}
                Err(error) => {
                    self.failed.store(true, Ordering::Relaxed);
                    return Err(error.into());
                }
            }
        }
        self.dir.open(".")?.into_std().sync_all()
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_handle(&self) -> io::Result<()> {
        self.dir.open(".")?.into_std().sync_all()
    }

    /// How often something in this volume was made durable.
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.count()
    }

    /// A lock that was taken again, unless another file has its name by now, or none.
    fn if_it_has_its_name(&self, name: &str, lock: CapLock) -> io::Result<Option<CapLock>> {
        let file = lock.lock_file()?;
        let found = self.stat(name)?.filter(|found| file.is(found));
        Ok(found.map(|found| lock.found(&found)))
    }
}

impl Directory for CapDirectory {
    type File = CapFile;
    type Lock = CapLock;

    fn open_dir(&self, name: &str) -> io::Result<Self> {
        match self.open_child(name) {
            Ok(dir) => Ok(Self {
                parent_ignores_case: self.ignores_case.get().copied(),
                #[cfg(target_os = "linux")]
                moves_replaced: self.moves_replaced.clone(),
                ..Self::over(dir, self.syncs.clone(), self.group_access)
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            // A symbolic link shows as ELOOP or ENOTDIR, depending on the kernel.
            Err(error) => match self.stat(name)? {
                Some(stat) if stat.kind != Kind::Directory => Err(ErrorKind::NotADirectory.into()),
                _ => Err(error),
            },
        }
    }

    fn id(&self) -> io::Result<Option<Id>> {
        if let Some(id) = self.id.get() {
            return Ok(*id);
        }
        let id = id_of(&self.dir.dir_metadata()?);
        Ok(*self.id.get_or_init(|| id))
    }

    fn is_removed(&self) -> io::Result<bool> {
        // File systems differ in what still works and in whether they count names.
        let look = || {
            let links = links_of_cap(&self.dir.open(".")?.metadata()?);
            Ok(links == 0 && self.dir.entries()?.next().transpose()?.is_none())
        };
        match look() {
            Err(error) if is_gone(&error) => Ok(true),
            result => result,
        }
    }

    fn create_dir(&self, name: &str, access: Access) -> io::Result<()> {
        self.dir.create_dir_with(name, &dir_builder(access))?;
        self.group_access.give_directory(&self.dir, name, access);
        Ok(())
    }

    fn open_dir_with_access(&self, name: &str, access: Access) -> io::Result<Self> {
        if access != Access::Private {
            return self.open_dir(name);
        }
        let open = || self.open_dir(name);
        let there = self.group_access.open_when_given(&self.dir, name, open)?;
        self.group_access.give_directory(&self.dir, name, access);
        Ok(there)
    }

    fn remove_dir(&self, name: &str) -> io::Result<()> {
        self.dir.remove_dir(name)
    }

    fn create_file(&self, name: &str, access: Access) -> io::Result<CapFile> {
        let mut options = nofollow();
        options.write(true).create_new(true);
        set_access(&mut options, access);
        let file = self.dir.open_with(name, &options)?.into_std();
        self.group_access.give_file(&file, access);
        Ok(self.file(file))
    }

    fn open_file(&self, name: &str) -> io::Result<Option<CapFile>> {
        self.open_regular(name, false)
    }

    fn open_file_to_change(&self, name: &str) -> io::Result<Option<CapFile>> {
        self.open_regular(name, true)
    }

    fn describe(&self, name: &str) -> &'static str {
        stat::describe(&self.dir, name)
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        #[cfg(target_os = "linux")]
        if let Some(found) = stat::stat_of_name(&self.dir, name) {
            return Ok(found);
        }
        let metadata = unless_absent(self.dir.symlink_metadata(name))?;
        metadata.map(|metadata| stat_of_cap(&metadata)).transpose()
    }

    #[cfg(target_os = "linux")]
    fn id_of(&self, name: &str) -> io::Result<Option<Id>> {
        if let Some(id) = stat::id_of_name(&self.dir, name) {
            return Ok(id);
        }
        Ok(self.stat(name)?.and_then(|stat| stat.id()))
    }

    fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        patiently(|| self.dir.rename(name, &to.dir, new_name))
    }

    fn hard_link(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        self.dir.hard_link(name, &to.dir, new_name)
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        self.dir.remove_file(name)
    }

    fn sync(&self) -> io::Result<()> {
        // Windows has no such call; its file systems journal names themselves.
        if cfg!(windows) {
            return Ok(());
        }
        self.syncs.make(|| self.sync_handle())
    }

    #[cfg(target_os = "linux")]
    fn sync_file_system(&self) -> io::Result<()> {
        self.syncs
            .make(|| Ok(rustix::fs::syncfs(self.dir.open(".")?)?))
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_file_system(&self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn tells_changes_apart(&self, name: &str) -> io::Result<bool> {
        let file = self.create_file(name, Access::Private)?;
        let apart = has_a_fine_clock(&file);
        self.remove_file(name)?;
        apart
    }

    #[cfg(target_os = "linux")]
    fn entries(&self) -> io::Result<Vec<Entry>> {
        let moves = self
            .moves_replaced
            .get_or_init(|| listing::moves_replaced(&self.dir));
        match moves {
            true => listing::all_entries(&self.dir),
            false => listing::entries(&self.dir),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn entries(&self) -> io::Result<Vec<Entry>> {
        listing::entries(&self.dir)
    }

    #[cfg(target_os = "linux")]
    fn check_change(&self, names: &[&str], staging: &Self) -> Result<(), (usize, io::Error)> {
        let place = staging.place.get_or_init(|| look_at(&staging.dir));
        access_precheck::check(&self.dir, names, place.as_ref())
    }

    #[cfg(not(target_os = "linux"))]
    fn check_change(&self, _names: &[&str], staging: &Self) -> Result<(), (usize, io::Error)> {
        match (self.id(), staging.id()) {
            (Ok(Some((device, _))), Ok(Some((other, _)))) if device != other => {
                Err((0, ErrorKind::CrossesDevices.into()))
            }
            _ => Ok(()),
        }
    }

    fn ignores_case(&self) -> io::Result<bool> {
        if let Some(known) = self.ignores_case.get() {
            return Ok(*known);
        }
        match ignores_case::is_ignored(&self.dir) {
            Some(found) => Ok(*self.ignores_case.get_or_init(|| found)),
            None => Ok(self
                .parent_ignores_case
                .unwrap_or(ignores_case::IS_USUALLY_IGNORED)),
        }
    }

    #[cfg(unix)]
    fn free_bytes(&self) -> Option<u64> {
        let now = rustix::fs::fstatvfs(&self.dir).ok()?;
        // A file system without a limit has no blocks.
        (now.f_blocks > 0).then(|| now.f_bavail.saturating_mul(now.f_frsize))
    }

    /// Reads no more than the beginning, however many there are.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.dir.entries()?.next().transpose()?.is_none())
    }

    fn lock(&self, name: &str) -> io::Result<CapLock> {
        CapLock::wait_for(self.lock_file(name)?)
    }

    fn lock_again(&self, name: &str, idle: LockFile) -> io::Result<Option<CapLock>> {
        self.if_it_has_its_name(name, CapLock::wait_again_for(idle)?)
    }

    fn lock_shared(&self, name: &str) -> io::Result<CapLock> {
        CapLock::wait_to_share(self.lock_file(name)?)
    }

    fn share_again(&self, name: &str, idle: LockFile) -> io::Result<Option<CapLock>> {
        self.if_it_has_its_name(name, CapLock::wait_to_share_again(idle)?)
    }

    fn mark_of(&self, name: &str, lock: &LockFile) -> io::Result<Option<Vec<u8>>> {
        let found = self.stat(name)?.filter(|found| lock.is(found));
        found.map(|found| lock.mark(found.size)).transpose()
    }

    fn try_lock(&self, name: &str) -> io::Result<Option<CapLock>> {
        CapLock::unless_taken(self.lock_file(name)?)
    }
}

/// Windows refuses to replace a file while a program that did not agree to it has
/// it open: an indexer or a virus scanner, for some milliseconds. The rename itself
/// has the semantics of POSIX there.
#[cfg(windows)]
fn patiently(mut rename: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    const ATTEMPTS: u64 = 10;
    for attempt in 1..ATTEMPTS {
        match rename() {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                std::thread::sleep(std::time::Duration::from_millis(attempt * attempt));
            }
            result => return result,
        }
    }
    rename()
}

#[cfg(not(windows))]
fn patiently(mut rename: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    rename()
}

/// What the system says of a directory that was removed while it is open.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::StaleNetworkFileHandle
    )
}
