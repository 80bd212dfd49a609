//! The log: every commit that is not published by a single rename is one record in it,
//! durable after one flush that it shares with all that commit at that moment. The files
//! follow, at once or later, as the volume was opened.
//!
//! | module | holds |
//! |---|---|
//! | `frame` | the frame of a record in a log file |
//! | `record` | what a record says |
//! | `sizes` | how large log files and records may get, and from which size contents are staged |
//! | `log_file` | one file of records |
//! | `log_pair` | the two files that take the records in turn, and following them |
//! | `chunks` | what the log holds of a file, in memory |
//! | `pending_file` | what the records make of one file |
//! | `entry` | what the last record of a path makes of it: a file or none, published or not |
//! | `former_file` | files that were replaced or removed, and may be found at their paths again |
//! | `origin` | whether the directory of the log is a copy of another one |
//! | `pending` | all entries: what the records make of the volume, until it is in the files |
//! | `lag` | how much the log has that is not durable in the files |
//! | `directory_counts` | how many files and entries each directory has |
//! | `log_reader` | reading the volume through the log |
//! | `look_at_all` | the same for all files at once, to list and to count them |
//! | `opened_file` | a file that is read: one on the disk, or a beginning of it and what the log has |
//! | `process_lock` | a lock that one thread of all processes has at a time |
//! | `writer_lock` | the turn to write records |
//! | `group_commit` | one flush for all that wait |
//! | `sync` | making records durable, and what to do when that fails |
//! | `sync_mark` | which session synced last, so that others know of a sync that failed |
//! | `log_room` | room in the log files for the next records |
//! | `disk_space` | whether the disk has space for what the log holds |
//! | `staged_blob` | contents that are not part of a record |
//! | `record_builder` | from a plan to a record: which contents go into it, and which are staged |
//! | `append` | which file an append adds to, and whether that may be done in place |
//! | `append_base` | whether the file that an append adds to is as the log has it, and on the disk |
//! | `path_conflicts`, `prepare_dirs` | no path becomes both a file and a directory |
//! | `spellings` | two names of a batch that the file system may take for one file |
//! | `publish_precheck` | what the file system is known to refuse when a record is published |
//! | `skip_write` | which contents of a commit the log has already; of files, `direct::skip_write` knows |
//! | `commit` | from the steps of a commit to a published record |
//! | `commit_staged` | the same for one file whose contents are staged first |
//! | `delete_on_full_disk` | one delete, without a record, when there is no space for one |
//! | `append_fds` | descriptors of files that are extended |
//! | `apply` | putting an effect into the files |
//! | `checkpoint` | putting all effects of a log file into the files, durably |
//! | `checkpoint_group` | the part of a checkpoint that writes, syncs and renames some files together, and how many |
//! | `checkpoint_schedule` | the thread that does it in time; how long it may wait is an option of the volume |
//! | `warnings` | lasting trouble is reported once a minute |
//! | `recovery` | what becomes of the log of dead sessions, and of what they staged there |
//!
//! A path is governed by the log as long as it has a live record; then what the records
//! say is what the volume has, whatever is on the disk.

mod append;
mod append_base;
mod append_fds;
mod apply;
#[cfg(test)]
mod carry_over_tests;
mod checkpoint;
mod checkpoint_group;
mod checkpoint_schedule;
#[cfg(test)]
mod checkpoint_tests;
mod chunks;
mod commit;
mod commit_staged;
mod delete_on_full_disk;
mod directory_counts;
mod disk_space;
#[cfg(test)]
mod dying_session_tests;
mod entry;
mod former_file;
mod frame;
mod group_commit;
mod lag;
mod log_file;
mod log_pair;
mod log_reader;
mod log_room;
mod look_at_all;
mod opened_file;
mod origin;
#[cfg(test)]
mod outside_tests;
mod path_conflicts;
mod pending;
mod pending_file;
mod prepare_dirs;
mod process_lock;
mod publish_precheck;
mod record;
mod record_builder;
mod recovery;
mod sizes;
mod skip_write;
mod spellings;
mod staged_blob;
mod sync;
mod sync_mark;
#[cfg(test)]
mod tests;
mod warnings;
mod writer_lock;

use super::directory::{Access, Directory, Id};
use super::known_files::KnownFiles;
use super::layout::{CHECKPOINT, LOG, SYNC, WRITER};
use super::lru::Lru;
use super::reader::Reader;
use super::session::{self, SessionTag, Sessions};
use crate::FilePath;
use crate::observe::HostContext;
use append_base::{DurableBy, DurableStat, KNOWN_BASES};
use append_fds::AppendFds;
use checkpoint_schedule::Checkpointer;
use disk_space::Space;
use group_commit::GroupCommit;
pub(crate) use log_reader::LogReader;
pub(crate) use opened_file::{Opened, Pieces};
use process_lock::ProcessLock;
pub(crate) use record::Publication;
pub(crate) use sizes::Sizes;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use warnings::Warnings;

/// Why a commit was not made, or not for sure.
#[derive(Debug)]
pub(crate) enum CommitError {
    NotApplied(io::Error),
    Unconfirmed(io::Error),
}

impl From<CommitError> for io::Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::NotApplied(error) | CommitError::Unconfirmed(error) => error,
        }
    }
}

/// The part of the log that writes records and puts them into the files.
pub(crate) struct LogWriter<D: Directory> {
    reader: Arc<Reader<D>>,
    /// Where log files and staged contents are.
    directory: Arc<D>,
    pub(crate) publication: Publication,
    session: SessionTag,
    session_id: String,
    sessions: Arc<Sessions<D>>,
    sizes: Sizes,
    group: GroupCommit,
    /// For the turn to write records.
    writer: ProcessLock<D>,
    /// One session makes a checkpoint at a time.
    checkpoint: ProcessLock<D>,
    /// One session syncs a log file at a time: btrfs has lost what an `fdatasync` returned
    /// for when another of the same file ran at that time.
    sync: ProcessLock<D>,
    /// Whether the sync lock has the mark of this session, as far as is known.
    has_marked: AtomicBool,
    checkpointer: Checkpointer,
    known_files: Arc<KnownFiles>,
    appended: Mutex<AppendFds<D::File>>,
    /// Files whose contents are known to be on the disk: of those that were needed last.
    bases: Mutex<Lru<FilePath, (DurableStat, DurableBy)>>,
    /// Files of other programs that a sync of has failed.
    doubtful: Mutex<Lru<Id, ()>>,
    /// What the last checkpoint could not put into its place, of several one.
    stuck: Mutex<Option<(FilePath, io::Error)>>,
    warnings: Warnings,
    /// What is known of the space on the disk.
    space: Mutex<Space>,
    /// Takes the locks of paths while an effect is published in a checkpoint.
    locks: Arc<super::locks::Locks<D>>,
    /// Whether no other session has the volume open, and none can begin.
    is_alone: AtomicBool,
    /// Whether the last checkpoint of this session was made.
    is_finished: AtomicBool,
    /// For what the thread that makes checkpoints reports.
    context: HostContext,
    /// For that thread itself.
    me: Weak<Self>,
}

/// What a [`LogWriter`] needs to know of its session.
pub(crate) struct LogOptions<D: Directory> {
    pub(crate) publication: Publication,
    pub(crate) session_id: String,
    pub(crate) sessions: Arc<Sessions<D>>,
    /// The longest time until a checkpoint; `None`: only when one must be made.
    pub(crate) checkpoint_after: Option<Duration>,
    /// For what the thread that makes checkpoints reports.
    pub(crate) context: HostContext,
}

impl<D: Directory> LogWriter<D> {
    /// Whether a change of one path that the disk governs needs no record.
    pub(crate) fn publishes_immediately(&self) -> bool {
        self.publication == Publication::Immediate
    }

    /// Whether the log has what is not in the files, where it should be at once.
    pub(crate) fn has_unpublished(&self) -> bool {
        let state = self.reader.log.state();
        let mut entries = state.pending.entries();
        self.publishes_immediately() && entries.any(|(_, entry)| !entry.is_published())
    }

    pub(crate) fn open(
        reader: Arc<Reader<D>>,
        private: &D,
        locks: Arc<super::locks::Locks<D>>,
        known_files: Arc<KnownFiles>,
        options: LogOptions<D>,
    ) -> io::Result<Arc<Self>> {
        let directory = Arc::new(private.open_or_create_dir(LOG, Access::Private)?);
        reader.log.state().logs.share_directory(&directory);
        reader.log.share_sessions(&options.sessions);
        let sizes = reader.log.sizes();
        Ok(Arc::new_cyclic(|me| Self {
            reader,
            directory,
            publication: options.publication,
            session: session::tag_of(&options.session_id).unwrap_or_default(),
            session_id: options.session_id,
            sessions: options.sessions,
            sizes,
            group: GroupCommit::default(),
            writer: ProcessLock::new(WRITER),
            checkpoint: ProcessLock::new(CHECKPOINT),
            sync: ProcessLock::new(SYNC),
            has_marked: AtomicBool::new(false),
            checkpointer: Checkpointer::new(options.checkpoint_after),
            known_files,
            appended: Mutex::default(),
            bases: Mutex::new(Lru::new(KNOWN_BASES)),
            doubtful: Mutex::new(Lru::new(KNOWN_BASES)),
            stuck: Mutex::default(),
            warnings: Warnings::default(),
            context: options.context,
            space: Mutex::default(),
            locks,
            is_alone: AtomicBool::new(false),
            is_finished: AtomicBool::new(false),
            me: me.clone(),
        }))
    }
}
