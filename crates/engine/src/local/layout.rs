//! Every name on the disk that belongs to a volume and not to its guests, and the file
//! that says which format they have. `docs/format.md` describes all of it.

use super::directory::{Access, Directory, FileHandle, Kind, unless_absent};
use super::unique_name;
pub(crate) use crate::path::PRIVATE_DIR;
use std::io::{self, ErrorKind, Read, Write};

/// The gate: a lock under which sessions begin and dead ones are recovered.
pub(crate) const GATE: &str = "lock";
/// Says what all processes that share the volume have to agree on.
pub(crate) const FORMAT: &str = "format";
pub(crate) const SESSIONS: &str = "sessions";
/// In the directory of each session: held as long as it lives.
pub(crate) const SESSION_LOCK: &str = "lock";
/// A directory among those of the sessions that none has: the last session to end leaves its own
/// there, empty but for its lock, for the next to begin.
pub(crate) const SPARE_SESSION: &str = "spare";
/// The locks of paths, and those that say how the volume is open.
pub(crate) const LOCKS: &str = "path-locks";
pub(crate) const STRUCTURE: &str = "structure";
pub(crate) const IMMEDIATE: &str = "immediate";
pub(crate) const DEFERRED: &str = "deferred";
pub(crate) const LOG: &str = "log";
pub(crate) const LOG_FILES: [&str; 2] = ["log-0", "log-1"];
/// In the directory of the log: who may write, make a checkpoint, sync.
pub(crate) const WRITER: &str = "writer";
pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const SYNC: &str = "sync";
/// Tells whether the directory of the log is a copy of another one.
pub(crate) const ORIGIN: &str = "origin";

/// Says to people what the private directory is.
pub(crate) const README: &str = "README";
const README_TEXT: &str = include_str!("readme.txt");

/// The format file while it is written.
const NEW_FORMAT: &str = "format.new";

const FORMAT_TEXT: &str = "ability-storage volume, format 4\n";
/// In format 3, no record names what was at a path before. In format 2, nothing tells the holder
/// of the writer lock who had it before, either. Records of both can be read.
const EARLIER_TEXTS: [&str; 2] = [
    "ability-storage volume, format 3\n",
    "ability-storage volume, format 2\n",
];
const FORMAT_START: &str = "ability-storage volume, format ";
/// No format file is longer, in bytes.
const MAX_FORMAT_BYTES: u64 = 256;

/// What volumes had before there was a format file. Files named `locks` and `journals`
/// keep the programs of that time out, for they need them to be directories.
mod before {
    pub(super) const LOCKS: &str = "locks";
    pub(super) const JOURNALS: &str = "journals";
    pub(super) const REDO: &str = "redo";
    pub(crate) const BARRIERS: [&str; 2] = [LOCKS, JOURNALS];
    pub(super) const MAGIC: &[u8] = b"ABSJ";
}

pub(crate) use before::BARRIERS;

/// Which format a volume has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Current,
    /// No session of this version may begin while one of that format lives.
    Earlier,
    /// There is no format file that counts.
    Unknown,
}

/// Looks at the format file, and makes it in a volume that has none, or an earlier one if
/// `is_in_use` finds no living session. The caller has the gate, and touches nothing of the
/// volume if this fails.
pub(crate) fn enter_format<D: Directory>(
    private: &D,
    is_in_use: impl FnOnce() -> io::Result<bool>,
) -> io::Result<()> {
    match check_format(private)? {
        Format::Current => return Ok(()),
        Format::Earlier if is_in_use()? => {
            let what =
                "the volume is open in an earlier version of ability-storage; close it there first";
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        Format::Earlier => return replace_format(private),
        Format::Unknown => {}
    }
    let locks = private.stat(before::LOCKS)?;
    if locks.is_some_and(|stat| stat.kind == Kind::Directory) {
        check_closed_before(private)?;
        for name in [before::JOURNALS, before::REDO, before::LOCKS] {
            remove_all(private, name)?;
        }
    }
    // It is for people alone: without it, on a full disk, say, all goes on.
    let _ = write_readme(private);
    for name in BARRIERS {
        if private.stat(name)?.is_none() {
            private.create_file(name, Access::Private)?;
        }
    }
    write_format(private)
}

/// Looks at the format of a volume that is only read.
pub(crate) fn check_readable<D: Directory>(private: &D) -> io::Result<()> {
    let locks = private.stat(before::LOCKS)?;
    let is_older = locks.is_some_and(|stat| stat.kind == Kind::Directory);
    if check_format(private)? == Format::Unknown && is_older {
        check_closed_before(private)?;
    }
    Ok(())
}

/// Which format the format file says, of those that this version knows.
pub(crate) fn check_format<D: Directory>(private: &D) -> io::Result<Format> {
    let Some(file) = private.open_file(FORMAT)? else {
        return Ok(Format::Unknown);
    };
    let size = file.stat_when_opened()?.size.min(MAX_FORMAT_BYTES);
    let mut bytes = vec![0; size as usize];
    let read = file.read_all_at(&mut bytes, 0)?;
    bytes.truncate(read);
    if bytes == FORMAT_TEXT.as_bytes() {
        return Ok(Format::Current);
    }
    if EARLIER_TEXTS.map(str::as_bytes).contains(&&*bytes) {
        return Ok(Format::Earlier);
    }
    if is_torn(&bytes) && !has_log(private)? {
        return Ok(Format::Unknown);
    }
    let text = String::from_utf8_lossy(&bytes);
    let version = text.strip_prefix(FORMAT_START).map(str::trim);
    let what = match version {
        Some(version) => format!(
            "the volume has format {version:?}, and this version of ability-storage knows no format after 4; open it with the version that wrote it, or a newer one"
        ),
        None => "the file .ability-storage/format is damaged, so it is not known how the volume is to be read".to_owned(),
    };
    Err(io::Error::new(ErrorKind::InvalidData, what))
}

/// Whether a power cut can leave this of a format file that was not synced: the beginning of
/// its text, and zeros behind it.
fn is_torn(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    let found = &bytes[..bytes.len() - zeros];
    let mut texts = EARLIER_TEXTS.into_iter().chain([FORMAT_TEXT]);
    texts.any(|text| text.as_bytes().starts_with(found))
}

/// Whether there is a log file, which a session makes only once the format file is durable.
fn has_log<D: Directory>(private: &D) -> io::Result<bool> {
    let Some(log) = unless_absent(private.open_dir(LOG))? else {
        return Ok(false);
    };
    for name in LOG_FILES {
        if log.stat(name)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A volume of the time before may be taken over if nothing in it is unfinished.
fn check_closed_before<D: Directory>(private: &D) -> io::Result<()> {
    let refused = |what: &str| {
        let what = format!(
            "the volume was made by an earlier version of ability-storage, and {what}; open and close it once with that version"
        );
        Err(io::Error::new(ErrorKind::InvalidData, what))
    };
    if let Some(sessions) = unless_absent(private.open_dir(SESSIONS))? {
        for entry in sessions.entries()? {
            if entry.kind == Kind::Directory {
                return refused("it is open, or was not closed");
            }
        }
    }
    for name in [before::JOURNALS, before::REDO] {
        let Some(directory) = unless_absent(private.open_dir(name))? else {
            continue;
        };
        for entry in directory.entries()? {
            let Some(file) = directory.open_file(&entry.name)? else {
                continue;
            };
            let mut magic = Vec::new();
            file.take(before::MAGIC.len() as u64)
                .read_to_end(&mut magic)?;
            if magic == before::MAGIC {
                return refused("it holds commits that are not in their files yet");
            }
        }
    }
    Ok(())
}

fn remove_all<D: Directory>(private: &D, name: &str) -> io::Result<()> {
    if private
        .stat(name)?
        .is_some_and(|stat| stat.kind == Kind::File)
    {
        return unless_absent(private.remove_file(name)).map(drop);
    }
    let Some(directory) = unless_absent(private.open_dir(name))? else {
        return Ok(());
    };
    for entry in directory.entries()? {
        unless_absent(directory.remove_file(&entry.name))?;
    }
    private.remove_dir(name)
}

/// In a volume that has no format yet, so that no later session looks for it. One that a
/// killed session began is replaced.
fn write_readme<D: Directory>(private: &D) -> io::Result<()> {
    unless_absent(private.remove_file(README))?;
    let mut file = private.create_file(README, Access::Private)?;
    file.write_all(README_TEXT.as_bytes())
}

/// Nothing is synced: without a log, the volume holds nothing that another version could
/// misunderstand. See [`make_durable`].
fn write_format<D: Directory>(private: &D) -> io::Result<()> {
    // The gate is held, so a file of this name is of a session that was killed here.
    unless_absent(private.remove_file(NEW_FORMAT))?;
    create_format(private, NEW_FORMAT)?;
    private.rename(NEW_FORMAT, private, FORMAT)
}

/// Puts the format file of this version in the place of an earlier one, durably: there may be
/// a log beside it.
fn replace_format<D: Directory>(private: &D) -> io::Result<()> {
    unless_absent(private.remove_file(NEW_FORMAT))?;
    create_format(private, NEW_FORMAT)?.sync()?;
    private.rename(NEW_FORMAT, private, FORMAT)?;
    private.sync()
}

/// A format file under another name, unsynced.
fn create_format<D: Directory>(directory: &D, name: &str) -> io::Result<D::File> {
    let mut file = directory.create_file(name, Access::Private)?;
    file.write_all(FORMAT_TEXT.as_bytes())?;
    Ok(file)
}

/// Makes the format file and all names in the private directory durable, and the name of
/// that directory. To be called before a log file is made in `log`, so that no log file
/// survives a power cut without them.
///
/// The file is written again: a sync of the one that is there would say nothing if an
/// earlier sync of it has failed.
pub(crate) fn make_durable<D: Directory>(root: &D, private: &D, log: &D) -> io::Result<()> {
    let temporary = unique_name::name();
    let written = create_format(log, &temporary)
        .and_then(|file| file.sync())
        .and_then(|()| log.rename(&temporary, private, FORMAT));
    if written.is_err() {
        // What stays is removed with what dead sessions leave.
        let _ = log.remove_file(&temporary);
    }
    written?;
    private.sync()?;
    root.sync()
}

#[cfg(test)]
mod tests {
    use crate::local::sim::SimDisk;
    use crate::local::testing::{append, contents, open};

    /// Also one whose format file was not synced when the power was cut.
    #[test]
    fn a_new_volume_can_be_opened_after_a_power_cut_at_every_call() {
        for call in 0.. {
            let disk = SimDisk::new();
            disk.cut_at(call);
            let appended = open(&disk).map(|volume| volume.commit(append("log", b"1").into()));
            let is_made = matches!(appended, Ok(Ok(_)));
            let mut choice = call as u64;
            let mut choose = || {
                choice = choice
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                choice >> 33
            };
            for left in disk.after_power_cut(100, &mut choose) {
                let volume = open(&left).expect("opened");
                let contents = contents(&volume).expect("read");
                assert!(!is_made || contents["log"] == b"1", "cut at call {call}");
            }
            if is_made {
                break;
            }
        }
    }
}
