//! What may happen to `.ability-storage/` while nobody has the volume open: bits that flip, files
//! that are cut, stretched, exchanged, removed or replaced by something else, and things that do not
//! belong there.

use crate::forge::pick;
use crate::left_behind::{LOG_FILES, PRIVATE, log_file};
use crate::record::{self, Frame, Log};
use crate::scratch::{self, Entry};
use arbitrary::Arbitrary;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

/// Numbers choose among what is there; all of them mean something.
#[derive(Arbitrary, Debug)]
pub enum Damage {
    Flip {
        file: u8,
        at: u16,
        bit: u8,
    },
    Write {
        file: u8,
        at: u16,
        bytes: Vec<u8>,
    },
    Cut {
        file: u8,
        length: u16,
    },
    /// To a length that no memory should be asked for, without anything in it.
    Stretch {
        file: u8,
    },
    /// A header that claims a payload of about that length, with a wrong checksum.
    Claim {
        log: bool,
        behind: bool,
        payload: Claimed,
    },
    Remove {
        entry: u8,
    },
    Replace {
        entry: u8,
        by: Foreign,
    },
    Add {
        directory: u8,
        name: Name,
        bytes: Vec<u8>,
    },
    AddForeign {
        directory: u8,
        name: Name,
        what: Foreign,
    },
    Exchange {
        one: u8,
        other: u8,
    },
    Copy {
        from: u8,
        to: u8,
    },
}

/// What the engine never makes there.
#[derive(Arbitrary, Debug)]
pub enum Foreign {
    Directory,
    LinkOutside,
    LinkInside(u8),
    Pipe,
}

#[derive(Arbitrary, Debug)]
pub enum Name {
    /// Like the lock of a path.
    Shard(u8),
    /// Like a session or what is staged.
    Id(u8),
    Lock,
    Log(bool),
    /// Like what is there once, with a meaning.
    Known(u8),
    Any(String),
}

#[derive(Arbitrary, Debug)]
pub enum Claimed {
    /// What fits into a stretched file.
    Stretched,
    Any(u64),
}

const KNOWN: [&str; 12] = [
    "format",
    "log",
    "path-locks",
    "sessions",
    "structure",
    "immediate",
    "deferred",
    "writer",
    "checkpoint",
    "sync",
    // Of an earlier format.
    "journals",
    "redo",
];

/// Enough for an allocation of this length to be noticed (see `-malloc_limit_mb`).
const STRETCHED: u64 = 20 << 20;

impl Damage {
    /// Whether it may leave something that is of another kind than the engine made it: then a lock
    /// cannot be taken or the log not be written, and commits may be refused for it.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self, Damage::Replace { .. } | Damage::AddForeign { .. })
    }

    pub(crate) fn apply(&self, volume: &Path) {
        let all = || inside(volume, |_| true);
        let files = || inside(volume, |kind| kind.is_file());
        let file = |number: u8| {
            let files = files();
            (!files.is_empty()).then(|| pick(&files, number).clone())
        };
        match self {
            Damage::Flip {
                file: number,
                at,
                bit,
            } => change(file(*number), |bytes| {
                if let Some(length) = std::num::NonZero::new(bytes.len()) {
                    bytes[usize::from(*at) % length] ^= 1 << (bit % 8);
                }
            }),
            Damage::Write {
                file: number,
                at,
                bytes: new,
            } => change(file(*number), |bytes| {
                let at = usize::from(*at);
                bytes.resize(bytes.len().max(at + new.len()), 0);
                bytes[at..at + new.len()].copy_from_slice(new);
            }),
            Damage::Cut {
                file: number,
                length,
            } => change(file(*number), |bytes| {
                bytes.truncate(usize::from(*length));
            }),
            Damage::Stretch { file: number } => {
                if let Some(path) = file(*number) {
                    stretch(&path);
                }
            }
            Damage::Claim {
                log,
                behind,
                payload,
            } => {
                let path = volume.join(log_file(LOG_FILES[usize::from(*log)]));
                if files().contains(&path) {
                    claim(&path, *behind, payload);
                }
            }
            Damage::Remove { entry } => {
                let all = all();
                if !all.is_empty() {
                    let path: &PathBuf = pick(&all, *entry);
                    scratch::remove(path);
                }
            }
            Damage::Replace { entry, by } => {
                let mut all = all();
                all.push(volume.join(PRIVATE));
                let path = pick(&all, *entry).clone();
                scratch::remove(&path);
                by.make(&path, volume);
            }
            Damage::Add {
                directory,
                name,
                bytes,
            } => {
                let path = new_path(volume, *directory, name);
                scratch::make(&path, &Entry::File(bytes.clone()));
            }
            Damage::AddForeign {
                directory,
                name,
                what,
            } => {
                what.make(&new_path(volume, *directory, name), volume);
            }
            Damage::Exchange { one, other } => {
                if let (Some(one), Some(other)) = (file(*one), file(*other)) {
                    let aside = volume.join("aside");
                    fs::rename(&one, &aside).expect("renamed");
                    if one != other {
                        fs::rename(&other, &one).expect("renamed");
                    }
                    fs::rename(&aside, &other).expect("renamed");
                }
            }
            Damage::Copy { from, to } => {
                if let (Some(from), Some(to)) = (file(*from), file(*to)) {
                    let copy = scratch::beginning(&from);
                    change(Some(to), |bytes| *bytes = copy);
                }
            }
        }
    }
}

impl Foreign {
    fn make(&self, path: &Path, volume: &Path) {
        let entry = match self {
            Foreign::Directory => Entry::Directory,
            Foreign::Pipe => Entry::Other,
            Foreign::LinkOutside => Entry::Link(volume.join("../outside/secret")),
            Foreign::LinkInside(number) => {
                let all = inside(volume, |_| true);
                let target = match all.is_empty() {
                    true => volume.to_owned(),
                    false => pick(&all, *number).clone(),
                };
                Entry::Link(target)
            }
        };
        scratch::make(path, &entry);
    }
}

impl Name {
    fn text(&self) -> String {
        match self {
            Name::Shard(number) => format!("{number:02x}"),
            Name::Id(number) => format!("{number:032x}"),
            Name::Lock => "lock".to_owned(),
            Name::Log(number) => LOG_FILES[usize::from(*number)].to_owned(),
            Name::Known(number) => pick(&KNOWN, *number).to_string(),
            Name::Any(name) => name.replace(['/', '\0'], "_"),
        }
    }
}

/// What is below the private directory and of such a kind, sorted. Nothing if it is no directory
/// any more.
fn inside(volume: &Path, keep: impl Fn(fs::FileType) -> bool) -> Vec<PathBuf> {
    let private = volume.join(PRIVATE);
    let is_directory = fs::symlink_metadata(&private).is_ok_and(|metadata| metadata.is_dir());
    if !is_directory {
        return Vec::new();
    }
    let paths = scratch::names(&private).into_iter();
    let kept = paths.filter(|(_, kind)| keep(*kind));
    kept.map(|(path, _)| path).collect()
}

fn new_path(volume: &Path, directory: u8, name: &Name) -> PathBuf {
    let mut directories = inside(volume, |kind| kind.is_dir());
    directories.push(volume.join(PRIVATE));
    let name = match name.text() {
        name if matches!(name.as_str(), "" | "." | "..") => "_".to_owned(),
        name => name,
    };
    pick(&directories, directory).join(name)
}

fn change(path: Option<PathBuf>, change: impl FnOnce(&mut Vec<u8>)) {
    let Some(path) = path else { return };
    let length = fs::metadata(&path).expect("a file").len();
    if length >= STRETCHED {
        return;
    }
    let mut bytes = fs::read(&path).expect("read");
    change(&mut bytes);
    fs::write(&path, bytes).expect("written");
}

fn stretch(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).expect("opened");
    file.set_len(STRETCHED).expect("stretched");
}

fn claim(path: &Path, behind: bool, payload: &Claimed) {
    let payload = match payload {
        Claimed::Stretched => STRETCHED - (64 << 10),
        Claimed::Any(length) => *length,
    };
    change(Some(path.to_owned()), |bytes| {
        let log = Log::read(bytes);
        let (frame, at) = match log.generation {
            Some(generation) if behind => {
                let frame = Frame::new(generation, log.payloads.len() as u64);
                (frame, log.end)
            }
            _ => (Frame::new([5; 16], 0), 0),
        };
        let header = frame.header(payload);
        bytes.resize(bytes.len().max(at + record::HEADER), 0xff);
        bytes[at..at + header.len()].copy_from_slice(&header);
    });
    if payload < STRETCHED {
        stretch(path);
    }
}
