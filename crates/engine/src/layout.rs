//! The names that a volume has on the disk, for the tests and tools of this repository
//! that look at it from outside. They are no part of the public interface.

use crate::local::layout as private;

/// The directory in the volume that belongs to the engine.
pub const PRIVATE_DIR: &str = private::PRIVATE_DIR;
/// The gate of the sessions.
pub const GATE: &str = private::GATE;
/// The file that names the format.
pub const FORMAT: &str = private::FORMAT;
/// What says to people what the private directory is. Only volumes that were made since have it.
pub const README: &str = private::README;
/// The directories of the sessions.
pub const SESSIONS: &str = private::SESSIONS;
/// The directory there that an ended session has left to the next, with its lock in it.
pub const SPARE_SESSION: &str = private::SPARE_SESSION;
/// The lock in the directory of each session.
pub const SESSION_LOCK: &str = private::SESSION_LOCK;
/// The locks of paths.
pub const LOCKS: &str = private::LOCKS;
/// The locks beside those of paths: of the directories, and of how the volume is open.
pub const SPECIAL_LOCKS: [&str; 3] = [private::STRUCTURE, private::IMMEDIATE, private::DEFERRED];
/// The directory of the log.
pub const LOG: &str = private::LOG;
/// The files of the log.
pub const LOG_FILES: [&str; 2] = private::LOG_FILES;
/// The lock in the directory of the log for those that make a checkpoint.
pub const CHECKPOINT: &str = private::CHECKPOINT;
/// The lock in the directory of the log for those that write records.
pub const WRITER: &str = private::WRITER;
/// The lock in the directory of the log for those that sync it. Its contents say whether a
/// sync of the log has failed.
pub const SYNC: &str = private::SYNC;
/// What stays in the directory of the log, beside the files of the log: locks, and the file that
/// tells whether the volume is a copy.
pub const LOG_KEPT: [&str; 4] = [
    private::WRITER,
    private::CHECKPOINT,
    private::SYNC,
    private::ORIGIN,
];
/// Files that keep out programs of the time before there was a format file.
pub const BARRIERS: [&str; 2] = private::BARRIERS;

/// What the private directory of a closed volume has, in the order of the names.
pub const KEPT: [&str; 8] = [
    README,
    FORMAT,
    BARRIERS[1],
    GATE,
    BARRIERS[0],
    LOG,
    LOCKS,
    SESSIONS,
];
