//! A volume as a killed process leaves it: committed files, appends whose records still count, a
//! file that was being staged, and a batch that is decided and not yet published.
//!
//! All of it is made by the engine itself and copied while its session lives; a copy has no locks,
//! so its session is dead. Only the record of the batch is written here, because no call of the
//! engine stops between deciding and publishing: over files that the engine has staged.

use crate::record::{self, Action};
use crate::scratch::{self, Entries, Entry};
use ability_storage_engine::{Change, FilePath, LocalVolume, Volume};
use arbitrary::Arbitrary;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub(crate) const PRIVATE: &str = ".ability-storage";

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

const BATCH_JOURNAL: &str = "journal-0123456789abcdef0123456789abcdef";

/// How far the killed process had come.
#[derive(Arbitrary, Debug)]
pub struct Progress {
    /// How many bytes of its last append had not reached each log.
    missing: [u8; LOGS.len()],
    /// How much of the batch was published; `None` if it had not been decided.
    published: Option<u8>,
}

/// The directory of a volume at that moment.
pub(crate) fn entries(progress: &Progress) -> Entries {
    let mut entries = undecided().clone();
    for (log, missing) in LOGS.iter().zip(progress.missing) {
        if let Some(Entry::File(contents)) = entries.get_mut(Path::new(log)) {
            let whole = contents.len();
            contents.truncate(whole - usize::from(missing).min(whole - FIRST.len()));
        }
    }
    if let Some(published) = progress.published {
        decide(&mut entries, usize::from(published) % (BATCH.len() + 1));
    }
    entries
}

const FIRST: &[u8] = b"the first line, which is in the file whatever happens\n";

/// The engine's own work.
fn undecided() -> &'static Entries {
    static ENTRIES: OnceLock<Entries> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let directory = scratch::directory();
        let volume = LocalVolume::open(directory.path()).expect("opened");
        let commit = |change: Change| volume.commit(change.into()).expect("committed");
        for path in COMMITTED {
            let contents = match path {
                "empty" => Vec::new(),
                _ if LOGS.contains(&path) => FIRST.to_vec(),
                _ => format!("the contents of {path}\n").repeat(30).into_bytes(),
            };
            commit(Change::Write {
                path: file(path),
                contents,
            });
        }
        for line in [
            "a second line\n",
            "and a third, somewhat longer than the second\n",
        ] {
            for path in LOGS {
                let contents = line.as_bytes().to_vec();
                commit(Change::Append {
                    path: file(path),
                    contents,
                });
            }
        }
        let puts = BATCH.iter().filter(|(_, puts)| *puts);
        let staged: Vec<_> = puts
            .map(|(path, _)| {
                let mut writer = volume.writer(&file(path)).expect("a writer");
                let contents = format!("what the batch makes of {path}\n");
                writer.write(contents.as_bytes()).expect("written");
                writer
            })
            .collect();
        let mut entries = scratch::entries(directory.path());
        drop(staged);
        name_as_always(&mut entries);
        entries
    })
}

/// Random names would make an input mean something else each time.
fn name_as_always(entries: &mut Entries) {
    let session = session_of(entries);
    let fixed = sessions().join("5e55105e55105e55105e55105e55105e");
    let below: Vec<PathBuf> = entries
        .keys()
        .filter(|path| path.starts_with(&session))
        .cloned()
        .collect();
    let mut staged: Vec<(Entry, PathBuf)> = Vec::new();
    for path in below {
        let entry = entries.remove(&path).expect("it is there");
        let rest = path.strip_prefix(&session).expect("below");
        if rest.to_str().is_some_and(record::is_staged_name) {
            staged.push((entry, path));
        } else if rest.as_os_str().is_empty() {
            entries.insert(fixed.clone(), entry);
        } else {
            entries.insert(fixed.join(rest), entry);
        }
    }
    for (entry, _) in staged {
        let name = name_for(&entry);
        entries.insert(fixed.join(name), entry);
    }
    let idle = Entry::File(vec![0; record::HEADER]);
    entries.insert(fixed.join(BATCH_JOURNAL), idle);
    // The journals say of which generation they are.
    for (path, entry) in entries {
        if let Entry::File(contents) = entry
            && path.starts_with(Path::new(PRIVATE).join("journals"))
        {
            let (records, _) = record::journal(contents);
            let mut fixed: Vec<u8> = Vec::new();
            for (index, record) in records.iter().enumerate() {
                fixed.extend(record::encode(
                    *b"a fixed run of i",
                    index as u64,
                    &record.payload,
                ));
            }
            fixed.resize(fixed.len() + record::HEADER, 0);
            *contents = fixed;
        }
    }
}

/// A staging name that depends on what is staged.
fn name_for(entry: &Entry) -> String {
    let Entry::File(contents) = entry else {
        panic!("only files are staged");
    };
    blake3::hash(contents).to_hex()[..32].to_owned()
}

fn decide(entries: &mut Entries, published: usize) {
    let session = session_of(entries);
    let mut actions = Vec::new();
    for (path, puts) in BATCH {
        let path = path.to_owned();
        actions.push(match puts {
            false => Action::Remove(path),
            true => {
                let contents = format!("what the batch makes of {path}\n").into_bytes();
                let staged = name_for(&Entry::File(contents));
                Action::Put { staged, path }
            }
        });
    }
    let mut journal = record::encode(*b"a run of a batch", 0, &record::encode_script(&actions));
    journal.resize(journal.len() + record::HEADER, 0);
    entries.insert(session.join(BATCH_JOURNAL), Entry::File(journal));
    let id = session
        .file_name()
        .expect("an id")
        .as_encoded_bytes()
        .to_vec();
    for (path, entry) in entries.iter_mut() {
        // More locks than those of the batch: a mark that is not needed is found to be stale.
        if path.parent() == Some(&Path::new(PRIVATE).join("locks")) {
            *entry = Entry::File(id.clone());
        }
    }
    for action in actions.into_iter().take(published) {
        match action {
            Action::Remove(path) => drop(entries.remove(Path::new(&path))),
            Action::Put { staged, path } => {
                let contents = entries.remove(&session.join(staged)).expect("staged");
                if path == "new/place" {
                    entries.insert("new".into(), Entry::Directory);
                }
                entries.insert(path.into(), contents);
            }
        }
    }
}

fn sessions() -> PathBuf {
    Path::new(PRIVATE).join("sessions")
}

/// The only session there is.
fn session_of(entries: &Entries) -> PathBuf {
    let is_session = |path: &&PathBuf| path.parent() == Some(&sessions());
    entries.keys().find(is_session).expect("a session").clone()
}

pub(crate) fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}
