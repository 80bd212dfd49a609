//! A volume as a killed process leaves it: committed files, a file that was being staged, and
//! commits that are in the log and not yet, or in part, in the files.
//!
//! All of it is made by the engine itself and copied while its session lives; a copy has no locks,
//! so its session is dead. What differs from run to run is replaced in the copy: names, times,
//! generations. A copy has other inodes, so records say that they are not known.

use crate::record::{Commit, Effect, Frame, Log, is_staged_name};
use crate::scratch::{self, Entries, Entry};
use ability_storage_engine::{Batch, Change, FilePath, LocalVolume, Volume};
use arbitrary::Arbitrary;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

pub(crate) const PRIVATE: &str = ".ability-storage";
pub(crate) const LOG_FILES: [&str; 2] = ["log-0", "log-1"];
/// What the engine writes, and earlier texts that it takes over.
pub(crate) const FORMAT_TEXTS: [&[u8]; 3] = [
    b"ability-storage volume, format 4\n",
    b"ability-storage volume, format 3\n",
    b"ability-storage volume, format 2\n",
];

/// The files that are committed, in no special order.
pub(crate) const COMMITTED: [&str; 6] = [
    "state",
    "log",
    "notes/today",
    "notes/log",
    "deep/a/b",
    "empty",
];

/// Those of them that have been appended to.
const LOGS: [&str; 2] = ["log", "notes/log"];

/// What the batch does: in part to files that are there, in part to new ones.
const BATCH: [(&str, bool); 4] = [
    ("notes/today", false),
    ("deep/a/b", true),
    ("state", true),
    ("new/place", true),
];

/// What the names begin with that the dead session gave.
const TAG: u64 = 0x5e55_105e_5510_5e55;

const FIRST: &[u8] = b"the first line, which is in the file whatever happens\n";

/// How far the killed process had come.
#[derive(Arbitrary, Debug)]
pub enum Progress {
    /// In a volume whose files follow at once.
    Immediate {
        /// How many bytes of its appends had not reached each log.
        missing: [u8; LOGS.len()],
        /// How much of the batch was published; `None` if it had not been decided.
        published: Option<u8>,
    },
    /// In a journaled one, whose files had not followed yet.
    Deferred,
}

/// The engine's own work.
struct Work {
    undecided: Entries,
    decided: Entries,
}

/// The directory of a volume at that moment.
pub(crate) fn entries(progress: &Progress) -> Entries {
    static IMMEDIATE: OnceLock<Work> = OnceLock::new();
    static DEFERRED: OnceLock<Work> = OnceLock::new();
    let (missing, published) = match progress {
        Progress::Deferred => {
            let work = DEFERRED.get_or_init(|| work(true));
            return work.decided.clone();
        }
        Progress::Immediate { missing, published } => (missing, published),
    };
    let work = IMMEDIATE.get_or_init(|| work(false));
    let mut entries = match published {
        None => work.undecided.clone(),
        Some(published) => {
            let mut entries = work.decided.clone();
            let unpublished = usize::from(*published) % (BATCH.len() + 1);
            for (path, puts) in &BATCH[unpublished..] {
                unpublish(&mut entries, work, path, *puts);
            }
            entries
        }
    };
    for (log, missing) in LOGS.iter().zip(missing) {
        if let Some(Entry::File(contents)) = entries.get_mut(Path::new(log)) {
            let whole = contents.len();
            contents.truncate(whole - usize::from(*missing).min(whole - FIRST.len()));
        }
    }
    entries
}

/// Takes what the batch did to a file back to where it was before it was published.
fn unpublish(entries: &mut Entries, work: &Work, path: &str, puts: bool) {
    let now = entries.remove(Path::new(path));
    if let (Some(staged), true) = (now, puts) {
        entries.insert(log_file(&name_of(path)), staged);
    }
    match work.undecided.get(Path::new(path)) {
        Some(before) => drop(entries.insert(path.into(), before.clone())),
        None => drop(entries.remove(Path::new("new"))),
    }
}

fn work(journaled: bool) -> Work {
    let directory = scratch::directory();
    let open = |journaled| {
        let options = LocalVolume::options().journaled(journaled);
        let options = options.checkpoint_after(Duration::from_secs(3_600));
        options.open(directory.path()).expect("opened")
    };
    let volume = open(false);
    for path in COMMITTED {
        let contents = match path {
            "empty" => Vec::new(),
            _ if LOGS.contains(&path) => FIRST.to_vec(),
            _ => format!("the contents of {path}\n").repeat(30).into_bytes(),
        };
        commit(&volume, write(path, contents));
    }
    drop(volume);
    let volume = open(journaled);
    for line in [
        "a second line\n",
        "and a third, somewhat longer than the second\n",
    ] {
        for path in LOGS {
            let contents = line.as_bytes().to_vec();
            let path = file(path);
            commit(&volume, Change::append(path, contents));
        }
    }
    let mut writer = volume.writer(&file("never/committed")).expect("a writer");
    writer.write(b"what is on its way").expect("written");
    let undecided = fixed(scratch::entries(directory.path()));
    let batch: Batch = BATCH
        .iter()
        .map(|(path, puts)| match puts {
            true => write(path, format!("what the batch makes of {path}\n").into()),
            false => Change::delete(file(path)),
        })
        .collect();
    volume.commit(batch).expect("committed");
    let decided = fixed(scratch::entries(directory.path()));
    drop(writer);
    Work { undecided, decided }
}

fn commit(volume: &LocalVolume, change: Change) {
    volume.commit(change.into()).expect("committed");
}

fn write(path: &str, contents: Vec<u8>) -> Change {
    let path = file(path);
    Change::write(path, contents)
}

/// Random names would make an input mean something else each time.
fn fixed(entries: Entries) -> Entries {
    let sessions = Path::new(PRIVATE).join("sessions");
    let session = entries
        .keys()
        .find(|path| path.parent() == Some(&sessions))
        .expect("a session")
        .clone();
    let fixed_session = sessions.join(name_of("the session"));
    let mut fixed = Entries::new();
    for (path, mut entry) in entries {
        let place = match path.strip_prefix(&session) {
            Ok(rest) if rest.to_str().is_some_and(is_staged_name) => {
                fixed_session.join(name_of("what is on its way"))
            }
            Ok(rest) if rest.as_os_str().is_empty() => fixed_session.clone(),
            Ok(rest) => fixed_session.join(rest),
            Err(_) => path,
        };
        if let (Entry::File(contents), true) = (&mut entry, is_log(&place)) {
            fix_log(contents);
        }
        fixed.insert(place, entry);
    }
    fixed
}

fn fix_log(contents: &mut Vec<u8>) {
    let log = Log::read(contents);
    let mut fixed: Vec<u8> = Vec::new();
    for (index, payload) in log.payloads.iter().enumerate() {
        let mut commit = Commit::decode(payload).expect("it makes sense");
        commit.session = TAG;
        commit.time = 1 << 60;
        for (path, effect) in &mut commit.effects {
            fix_effect(path, effect);
        }
        let frame = Frame::new(*b"a fixed run of i", index as u64);
        fixed.extend(frame.encode(&commit.encode()));
    }
    fixed.resize(fixed.len() + 1_000, 0);
    *contents = fixed;
}

fn fix_effect(path: &str, effect: &mut Effect) {
    match effect {
        Effect::Remove => {}
        Effect::Put { modified, .. } => *modified = 1 << 60,
        Effect::PutStaged {
            modified,
            name,
            inode,
            ..
        } => {
            *modified = 1 << 60;
            *name = name_of(path);
            *inode = 0;
        }
        Effect::Append { inode, .. } => *inode = 0,
        // As in a volume whose own directory has no known inode, nor any file.
        Effect::Former(numbers) => *numbers = [0; 5],
    }
}

/// A name of the dead session that depends on what it is for.
fn name_of(what: &str) -> String {
    let hash = blake3::hash(what.as_bytes()).to_hex();
    format!("{TAG:016x}{}", &hash[..16])
}

pub(crate) fn log_file(name: &str) -> PathBuf {
    Path::new(PRIVATE).join("log").join(name)
}

pub(crate) fn is_log(path: &Path) -> bool {
    LOG_FILES.iter().any(|name| path == log_file(name))
}

pub(crate) fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}
