//! How an append is recorded: as bytes that are added to a file in place, or, where that would
//! change what must stay, as a copy of the file.

use super::super::directory::{Directory, FileHandle, Stat};
use super::super::poison::lock;
use super::super::session::SessionTag;
use super::append_base::{
    DurableBy, DurableStat, FENCE_BYTES, fence, fence_of, has_beginning, is_as_in_log,
};
use super::entry::Entry;
use super::opened_file::Pieces;
use super::pending_file::File;
use super::record::{Append, Publication};
use super::{LogWriter, Opened};
use crate::FilePath;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// How long a process that was killed takes at most to give back its locks.
const LONGEST_DEATH: Duration = Duration::from_millis(200);

/// How an append relates to what the log says of its path.
enum Base<F> {
    /// It adds to that.
    Log { inode: u64, fence: [u8; 32] },
    /// It adds to the file on the disk, which is as the log has it. It looked like this
    /// right before that was found.
    Published(Arc<F>, DurableStat),
    /// It adds to the file on the disk, which has to be made durable first.
    Disk(Arc<F>),
}

/// The file that an append adds to, open.
enum Beneath<F> {
    File(Arc<F>),
    Pieces(Pieces<F>),
}

impl<F> From<Opened<F>> for Beneath<F> {
    fn from(opened: Opened<F>) -> Self {
        match opened {
            Opened::File(file) => Beneath::File(Arc::new(file)),
            Opened::Pieces(pieces) => Beneath::Pieces(pieces),
        }
    }
}

impl<D: Directory> LogWriter<D> {
    /// What it takes to add to the file that is at `path`, where the plan has seen `seen`;
    /// `None` if the file must not be extended in place: it has a second name, which keeps
    /// what it was, or another program has changed it in a journaled volume.
    pub(super) fn append_in_place(
        &self,
        path: &FilePath,
        seen: Option<Stat>,
        more: &[u8],
    ) -> io::Result<Option<Append>> {
        let reader = &self.reader.log;
        let entry = reader.entry(path);
        if let Some(entry) = &entry
            && let Some(append) = self.append_to_chunks(path, entry, more)?
        {
            return Ok(Some(append));
        }
        let current = match self.kept(path, entry.as_deref(), seen) {
            Some((file, stat)) => Some((Beneath::File(file), stat)),
            None => {
                let opened = reader.open_as(path, entry.as_deref())?;
                opened.map(|(opened, stat)| (opened.into(), stat))
            }
        };
        let (opened, stat) = current.ok_or(io::ErrorKind::NotFound)?;
        if matches!(opened, Beneath::File(_)) && stat.links > 1 {
            return Ok(None);
        }
        let Some((base, stat)) = self.base_of(path, entry.as_deref(), opened, stat)? else {
            return Ok(None);
        };
        let (continues, inode, fence) = match base {
            Base::Log { inode, fence } => (true, inode, fence),
            Base::Published(file, looked) => {
                // The log has what is not on the disk of it.
                self.remember_base(path, Some(looked), DurableBy::Log);
                (true, stat.inode(), fence(&*file, stat.size)?)
            }
            Base::Disk(file) => {
                if !self.make_base_durable(path, &file, &stat)? {
                    return Ok(None);
                }
                (false, stat.inode(), fence(&*file, stat.size)?)
            }
        };
        Ok(Some(Append {
            offset: stat.size,
            fence,
            continues,
            inode,
            more: more.into(),
        }))
    }

    /// What it takes to add to what the log adds to a file already. `None` if it takes a look
    /// into the file: other programs have changed it, or its clock does not tell whether they
    /// have, or the log holds so little of it that the fence would reach into it.
    fn append_to_chunks(
        &self,
        path: &FilePath,
        entry: &Entry,
        more: &[u8],
    ) -> io::Result<Option<Append>> {
        let Some(file) = entry.file.as_ref().filter(|_| !entry.is_published()) else {
            return Ok(None);
        };
        let held = file.chunks().bytes();
        let is_deferred = entry.publication == Publication::Deferred;
        if !is_deferred || held < FENCE_BYTES || !self.tells_changes_apart() {
            return Ok(None);
        }
        let beginning = self.reader.log.stat_beginning(path, entry)?;
        let beginning = beginning.filter(|plain| self.is_base(path, &DurableStat::of(plain)));
        Ok(beginning.map(|plain| Append {
            offset: file.bytes,
            fence: fence_of(&file.chunks().last_bytes(FENCE_BYTES)),
            continues: true,
            inode: plain.inode(),
            more: more.into(),
        }))
    }

    /// The file that the plan has seen on the disk, if a descriptor of it is kept.
    fn kept(
        &self,
        path: &FilePath,
        entry: Option<&Entry>,
        seen: Option<Stat>,
    ) -> Option<(Arc<D::File>, Stat)> {
        let is_on_disk = entry.is_none_or(Entry::is_published);
        let seen = seen.filter(|_| is_on_disk)?;
        let kept = lock(&self.appended).get(path)?;
        kept.is(&seen).then(|| (kept.file.clone(), seen))
    }

    /// What an append to `path` builds on, which was opened as the log has it.
    fn base_of(
        &self,
        path: &FilePath,
        entry: Option<&Entry>,
        opened: Beneath<D::File>,
        stat: Stat,
    ) -> io::Result<Option<(Base<D::File>, Stat)>> {
        let file = entry.and_then(|entry| entry.file.as_ref().map(|file| (entry, file)));
        let Some((entry, file)) = file else {
            return Ok(match opened {
                Beneath::File(plain) => Some((Base::Disk(plain), stat)),
                Beneath::Pieces(_) => None,
            });
        };
        match opened {
            Beneath::File(plain) => {
                let looked = self.look_at(&*plain, &stat)?;
                let is_known = self.is_base(path, &looked);
                let continues = (entry.is_published() && is_known && stat.size == file.bytes)
                    || is_as_in_log(&*plain, &stat, file)?;
                let base = match continues {
                    true => Base::Published(plain, looked),
                    false => Base::Disk(plain),
                };
                Ok(Some((base, stat)))
            }
            Beneath::Pieces(mut pieces) => {
                let is_deferred = entry.publication == Publication::Deferred;
                match self.changed_file(path, entry)? {
                    None if stat.size == file.bytes => {}
                    Some(base @ (Base::Published(..), _)) => return Ok(Some(base)),
                    // What is there and what the log adds to it are both to be kept.
                    _ if is_deferred => return Ok(None),
                    changed => return Ok(changed),
                }
                pieces.skip(stat.size.saturating_sub(FENCE_BYTES));
                let mut tail = Vec::new();
                pieces.read_to_end(&mut tail)?;
                let beginning = file.beginning.as_ref();
                let base = Base::Log {
                    inode: beginning.map_or(0, |beginning| beginning.inode),
                    fence: fence_of(&tail),
                };
                Ok(Some((base, stat)))
            }
        }
    }

    /// The file on the disk, if it has all that the log has, or if another program has
    /// changed it since it had: what the log does not find there was there.
    fn changed_file(
        &self,
        path: &FilePath,
        entry: &Entry,
    ) -> io::Result<Option<(Base<D::File>, Stat)>> {
        let Some(plain) = self.reader.tree.open_file(path)? else {
            return Ok(None);
        };
        let stat = plain.stat_when_opened()?;
        let looked = self.look_at(&plain, &stat)?;
        if let Some(file) = &entry.file
            && is_as_in_log(&plain, &stat, file)?
        {
            return Ok(Some((Base::Published(Arc::new(plain), looked), stat)));
        }
        let beginning = entry.file.as_ref().and_then(|file| file.beginning.as_ref());
        if let Some(name) = beginning.and_then(|beginning| beginning.staged.as_ref()) {
            if self.directory().stat(name)?.is_some() {
                // The session that committed it has not published it yet.
                return Ok(None);
            }
            if entry.file.as_ref().is_some_and(|file| !file.has_chunks()) {
                // It is in its place, and nothing tells whether it was edited there.
                return Ok(Some((Base::Disk(Arc::new(plain)), stat)));
            }
        }
        let was_published = self.was_published_by_another(&plain, &stat, entry)?;
        let has_beginning = match beginning {
            Some(beginning) if beginning.staged.is_none() => {
                has_beginning(&plain, &stat, beginning)?
            }
            _ => true,
        };
        let is_changed = was_published || !has_beginning;
        Ok(is_changed.then(|| (Base::Disk(Arc::new(plain)), stat)))
    }

    /// Whether another session has put into the file what the entry says, where files follow at
    /// once: what the log does not find there was there.
    fn was_published_by_another(
        &self,
        on_disk: &D::File,
        stat: &Stat,
        entry: &Entry,
    ) -> io::Result<bool> {
        Ok(entry.publication == Publication::Immediate
            && entry.session != self.session
            && self.sessions.is_alive_by_tag(entry.session)?
            && !(is_unfinished(on_disk, stat, entry)?
                && (is_older(stat, entry) || self.is_dying(entry.session)?)))
    }

    /// Whether another program has cut the file at `path`, or put a shorter one into its place,
    /// after it had all that the entry says. A disk that loses what was written makes no file
    /// shorter.
    pub(super) fn was_cut_by_others(
        &self,
        path: &FilePath,
        entry: &Entry,
        file: &File,
    ) -> io::Result<bool> {
        if entry.publication == Publication::Deferred || self.is_alone.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let Some(on_disk) = self.reader.tree.open_file(path)? else {
            return Ok(false);
        };
        let stat = on_disk.stat_when_opened()?;
        Ok(stat.size < file.bytes
            && (entry.is_published() || self.was_published_by_another(&on_disk, &stat, entry)?))
    }

    /// Whether a session ends within a moment. A process that is killed gives back its locks
    /// one after the other: that of a path may be free before that of its session is.
    fn is_dying(&self, session: SessionTag) -> io::Result<bool> {
        let begun = Instant::now();
        while begun.elapsed() < LONGEST_DEATH {
            if !self.sessions.is_alive_by_tag(session)? {
                return Ok(true);
            }
            thread::sleep(LONGEST_DEATH / 20);
        }
        Ok(false)
    }
}

/// Whether the file on the disk was last changed before the append was recorded, so that it
/// was never published. Clocks of file systems are behind that of the system, not ahead.
fn is_older(stat: &Stat, entry: &Entry) -> bool {
    let file = entry.file.as_ref().filter(|file| file.has_chunks());
    file.is_some_and(|file| file.beginning.is_some() && stat.modified <= file.modified)
}

/// Whether the file on the disk is what a session leaves that was killed while it published
/// an append: some of the bytes are missing. Another program may have cut it just there.
fn is_unfinished(on_disk: &impl FileHandle, stat: &Stat, entry: &Entry) -> io::Result<bool> {
    let Some(file) = &entry.file else {
        return Ok(false);
    };
    let Some(beginning) = &file.beginning else {
        return Ok(stat.size < file.bytes);
    };
    if stat.size < beginning.bytes || stat.size >= file.bytes {
        return Ok(beginning.staged.is_some());
    }
    let chunks = file.joined_chunks();
    let mut there = vec![0; (stat.size - beginning.bytes) as usize];
    let read = on_disk.read_all_at(&mut there, beginning.bytes)?;
    Ok(beginning.staged.is_some() || chunks.starts_with(&there[..read]))
}
