//! Sessions: what one opened volume has to itself, and finding those that died.
//!
//! A session is a directory with a lock that the system frees when the process
//! ends. Whether a session is alive is asked of its lock alone, never of ages
//! or process ids. What a session stages must stay in its directory until it is
//! published, so that nothing is left behind that the next to open the volume
//! does not find.

use super::directory::{Access, Directory, Kind, unless_absent};
use super::layout::{GATE, SESSION_LOCK, SESSIONS, SPARE_SESSION};
use super::stage::{Complete, Staged};
use super::unique_name;
use crate::error::is_no_space;
use std::io;
use std::sync::Arc;

/// What a session calls itself in the names that it gives, and in its records.
pub(crate) type SessionTag = u64;

/// In records that are not the commit of one session, as those that say once more what others
/// said.
pub(crate) const NOBODY: SessionTag = 0;

/// That of a session in the spare directory. No id begins with it.
const SPARE_TAG: SessionTag = 1;

/// The tag of the session of this id; `None` if no session has such an id.
pub(crate) fn tag_of(id: &str) -> Option<SessionTag> {
    match id == SPARE_SESSION {
        true => Some(SPARE_TAG),
        false => unique_name::tag_of(id),
    }
}

/// The sessions of a volume, of all processes.
pub(crate) struct Sessions<D: Directory> {
    directory: D,
}

pub(crate) struct Session<D: Directory> {
    id: String,
    sessions: Arc<Sessions<D>>,
    directory: Arc<D>,
    /// `None` once the session ends.
    lock: Option<D::Lock>,
}

/// The gate, held: as long as it is, no session begins and none is recovered by
/// another. So none can be taken for dead between the making of its directory and the
/// taking of its lock, and none is recovered twice at once.
pub(crate) struct OpenLock<D: Directory> {
    _lock: D::Lock,
}

/// A session whose process is gone.
pub(crate) struct Dead<D: Directory> {
    pub(crate) directory: D,
    lock: D::Lock,
}

impl<D: Directory> OpenLock<D> {
    /// Waits for the gate, which is in the private directory.
    pub(crate) fn take(private: &D) -> io::Result<Self> {
        let _lock = private.lock(GATE)?;
        Ok(Self { _lock })
    }
}

impl<D: Directory> Sessions<D> {
    pub(crate) fn open(private: &D) -> io::Result<Self> {
        let directory = private.open_or_create_dir(SESSIONS, Access::Private)?;
        Ok(Self { directory })
    }

    /// Begins a session, which `is_alone` if no other has the volume open.
    pub(crate) fn begin(
        self: &Arc<Self>,
        gate: &OpenLock<D>,
        is_alone: bool,
    ) -> io::Result<Session<D>> {
        let id = unique_name::name();
        let made = match self.take_spare(&id) {
            Some((directory, lock)) => Ok((id, directory, lock)),
            None => self
                .make(&id)
                .map(|(directory, lock)| (id, directory, lock)),
        };
        let (id, directory, lock) = match made {
            Err(error) if is_alone && is_no_space(&error) => self.adopt(gate)?.ok_or(error)?,
            made => made?,
        };
        Ok(Session {
            id,
            sessions: self.clone(),
            directory: Arc::new(directory),
            lock: Some(lock),
        })
    }

    /// A directory that an earlier session has left, with the id that it has: some file systems
    /// that are full rename nothing, either. Only where no other session lives, and nothing but
    /// what is going to be recovered has that id.
    fn adopt(&self, gate: &OpenLock<D>) -> io::Result<Option<(String, D, D::Lock)>> {
        for id in self.ids()? {
            if let Some(Dead { directory, lock }) = self.dead(gate, &id)? {
                return Ok(Some((id, directory, lock)));
            }
        }
        Ok(None)
    }

    /// The directory that an earlier session has left, under its new name: on a full disk it
    /// may be impossible to make one. `None` if there is none that can be used.
    fn take_spare(&self, id: &str) -> Option<(D, D::Lock)> {
        let directory = self.directory.open_dir(SPARE_SESSION).ok()?;
        let lock = directory.try_lock(SESSION_LOCK).ok()??;
        let taken = self.directory.rename(SPARE_SESSION, &self.directory, id);
        taken.ok().map(|()| (directory, lock))
    }

    fn make(&self, id: &str) -> io::Result<(D, D::Lock)> {
        self.directory.create_dir(id, Access::Private)?;
        let directory = self.directory.open_dir(id)?;
        let lock = directory.lock(SESSION_LOCK)?;
        Ok((directory, lock))
    }

    /// The ids of all sessions, dead or alive. The spare directory is one of a dead session, as
    /// long as none lives in it.
    pub(crate) fn ids(&self) -> io::Result<Vec<String>> {
        let mut entries = self.directory.entries()?;
        entries.retain(|entry| entry.kind == Kind::Directory);
        Ok(entries.into_iter().map(|entry| entry.name).collect())
    }

    /// Whether any session lives.
    pub(crate) fn are_living(&self, gate: &OpenLock<D>) -> io::Result<bool> {
        for id in self.ids()? {
            if self.dead(gate, &id)?.is_none() && self.directory_of(&id)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the session of this id lives; not if there is none.
    ///
    /// # Errors
    ///
    /// If that cannot be found out. It is neither then: what a living session needs must not be
    /// taken away, and what only a living one vouches for must not be relied on.
    pub(crate) fn is_alive(&self, id: &str) -> io::Result<bool> {
        if tag_of(id).is_none() {
            return Ok(false);
        }
        let Some(directory) = self.directory_of(id)? else {
            return Ok(false);
        };
        // It may end at this moment.
        let lock = unless_absent(directory.try_lock(SESSION_LOCK))?;
        Ok(matches!(lock, Some(None)))
    }

    /// Whether any session but this one lives, as far as that can be found out.
    pub(crate) fn is_another_alive(&self, id: &str) -> bool {
        let ids = self.ids().unwrap_or_default();
        let mut others = ids.iter().filter(|other| *other != id);
        others.any(|other| self.is_alive(other).unwrap_or(false))
    }

    /// The same of the session of this tag.
    pub(crate) fn is_alive_by_tag(&self, tag: SessionTag) -> io::Result<bool> {
        for id in self.ids()? {
            if tag_of(&id) == Some(tag) && self.is_alive(&id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The directory of a session; `None` if it has ended.
    pub(crate) fn directory_of(&self, id: &str) -> io::Result<Option<D>> {
        unless_absent(self.directory.open_dir(id))
    }

    /// A session if it is dead, to be recovered; `None` if it is alive or has
    /// ended.
    pub(crate) fn dead(&self, _gate: &OpenLock<D>, id: &str) -> io::Result<Option<Dead<D>>> {
        let Some(directory) = self.directory_of(id)? else {
            return Ok(None);
        };
        // It may end at this moment.
        let lock = unless_absent(directory.try_lock(SESSION_LOCK))?.flatten();
        Ok(lock.map(|lock| Dead { directory, lock }))
    }

    /// Removes a session that is dead and recovered.
    pub(crate) fn remove_dead(&self, id: &str, dead: Dead<D>) -> io::Result<()> {
        self.remove(id, &dead.directory, dead.lock)
    }

    fn remove(&self, id: &str, directory: &D, lock: D::Lock) -> io::Result<()> {
        for entry in unless_absent(directory.entries())?.unwrap_or_default() {
            if entry.name != SESSION_LOCK {
                unless_absent(directory.remove_file(&entry.name))?;
            }
        }
        if id == SPARE_SESSION {
            return Ok(());
        }
        match self.directory.rename(id, &self.directory, SPARE_SESSION) {
            Ok(()) => return Ok(()),
            // It may be all that the next session can have.
            Err(error) if is_no_space(&error) => return Ok(()),
            // There is one.
            Err(_) => {}
        }
        // From here on the session is dead to all others, and nothing may be changed in its
        // directory once the lock is given back: it may be another's by then.
        unless_absent(directory.remove_file(SESSION_LOCK))?;
        let removed = unless_absent(self.directory.remove_dir(id));
        drop(lock);
        // Some file systems keep a file that is open when it is removed under another name,
        // and then the directory could not go.
        removed.or_else(|_| unless_absent(self.directory.remove_dir(id)))?;
        Ok(())
    }
}

impl<D: Directory> Session<D> {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Where the session keeps what is staged.
    pub(crate) fn directory(&self) -> &Arc<D> {
        &self.directory
    }

    /// Starts a file that is not yet part of the volume.
    pub(crate) fn stage(&self, mode: Option<u32>) -> io::Result<Staged<D>> {
        Staged::create(self.directory.clone(), unique_name::next_name(), mode)
    }

    /// Stages a whole file: all of `base`, if there is one, and `more`.
    pub(crate) fn stage_whole(
        &self,
        base: Option<impl io::Read>,
        more: &[u8],
        mode: Option<u32>,
    ) -> io::Result<Complete<D>> {
        let mut staged = self.stage(mode)?;
        if let Some(mut base) = base {
            staged.copy_from(&mut base)?;
        }
        staged.write(more)?;
        staged.complete(mode)
    }
}

impl<D: Directory> Drop for Session<D> {
    fn drop(&mut self) {
        let Some(lock) = self.lock.take() else { return };
        if let Err(error) = self.sessions.remove(&self.id, &self.directory, lock) {
            tracing::warn!(session = self.id, %error, "a session could not be cleared; the next to open the volume will");
        }
    }
}
