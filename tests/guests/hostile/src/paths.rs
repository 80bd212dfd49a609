//! Millions of paths, each through the functions of the host: it is refused as one,
//! by whatever function, or it is a plain file that nobody else can have touched.
//!
//! The corpus comes on standard input, a path a line, in hexadecimal. What must be
//! in the volume in the end is printed: `file <path> <contents>`, both likewise.

use crate::files::Files;
use crate::mutate::Paths;
use crate::random::Random;
use crate::rules::is_hostile;
use ability_storage_guest::{self as storage, Batch, Error, Reader, Scope, Writer};
use std::fmt::Debug;
use std::io::{self, Read, Write};

const SCOPE: Scope = Scope::Ability;

/// As many as are worth to be mixed up with each other.
const MOST_FILES: usize = 200;

/// Of the paths that are allowed, one in so many is written to: that is slow.
const RARELY: usize = 1_500;

type Outcome = Result<(), String>;

struct Attack {
    files: Files,
    random: Random,
    number: u64,
    refused: u64,
    changes: u64,
}

pub fn attack(seed: u64, cases: u64) -> Outcome {
    let corpus: Result<Vec<String>, String> = io::stdin()
        .lines()
        .map(|line| from_hex(&line.map_err(|error| error.to_string())?))
        .collect();
    let mut paths = Paths::new(corpus?, Random::new(seed));
    let mut attack = Attack {
        files: Files::default(),
        random: Random::new(!seed),
        number: 0,
        refused: 0,
        changes: 0,
    };
    for _ in 0..cases {
        let path = paths.next();
        let number = attack.number;
        attack
            .try_path(&path)
            .map_err(|wrong| format!("case {number} of seed {seed}, {path:?}: {wrong}"))?;
    }
    let listed = storage::list_files("", SCOPE).map_err(|error| error.to_string())?;
    let known: Vec<&str> = attack.files.iter().map(|(path, _)| path).collect();
    expect(listed, known)?;
    for (path, contents) in attack.files.iter() {
        println!("file {} {}", hex(path), hex(contents));
    }
    println!(
        "tried {cases} refused {} changes {}",
        attack.refused, attack.changes
    );
    Ok(())
}

impl Attack {
    fn try_path(&mut self, path: &str) -> Outcome {
        self.number += 1;
        match storage::file_exists(path, SCOPE) {
            Err(Error::InvalidPath { .. }) => {
                self.refused += 1;
                if self.refused.is_multiple_of(2) {
                    return Ok(());
                }
                self.expect_refused_everywhere(path)
            }
            Ok(_) if is_hostile(path) => Err("it is not refused".to_owned()),
            Ok(exists) => {
                expect(exists, self.files.get(path).is_some())?;
                if self.random.one_in(RARELY) {
                    self.changes += 1;
                    self.change(path)
                } else {
                    self.look(path)
                }
            }
            Err(error) => Err(format!("neither refused nor a file: {error}")),
        }
    }

    /// What one function refuses, all must. In turn: one of them for a path.
    fn expect_refused_everywhere(&self, path: &str) -> Outcome {
        let here = self.files.near(path).unwrap_or("here");
        let result = match self.number % 13 {
            0 => discard(storage::read_file(path, SCOPE)),
            1 => discard(storage::stat_file(path, SCOPE)),
            2 => storage::atomic_write_file(path, "stolen", SCOPE),
            3 => storage::append_file(path, "stolen", SCOPE),
            4 => storage::delete_file(path, SCOPE),
            5 => storage::rename_file(path, here, SCOPE),
            6 => storage::rename_file(here, path, SCOPE),
            7 => discard(Writer::open(path, SCOPE)),
            8 => discard(Reader::open(path, SCOPE)),
            9 => discard(storage::read_file_versioned(path, SCOPE)),
            10 => batch(|batch| batch.write(path, "stolen")),
            11 => batch(|batch| batch.rename(here, path)),
            // The whole volume, and a directory with a slash at its end, have
            // names here that no file has.
            _ if path.is_empty() || path.ends_with('/') => return Ok(()),
            _ => discard(storage::list_files(path, SCOPE)),
        };
        match result {
            Err(Error::InvalidPath { .. }) => Ok(()),
            other => Err(format!(
                "exists refused it, but function {} {other:?}",
                self.number % 13
            )),
        }
    }

    /// Reads what is known, one way or another.
    fn look(&self, path: &str) -> Outcome {
        let known = self.files.get(path);
        match self.number % 5 {
            0 => expect(
                found(storage::read_file_string(path, SCOPE))?.as_deref(),
                known,
            ),
            1 => {
                let length = found(storage::stat_file(path, SCOPE))?.map(|info| info.size);
                expect(length, known.map(|contents| contents.len() as u64))
            }
            2 => expect(
                storage::list_files(path, SCOPE).map_err(|error| error.to_string())?,
                self.files.under(path),
            ),
            3 => {
                let read = found(Reader::open(path, SCOPE))?.map(|mut reader| {
                    let mut text = String::new();
                    reader.read_to_string(&mut text).map(|_| text)
                });
                let read = read.transpose().map_err(|error| error.to_string())?;
                expect(read.as_deref(), known)
            }
            _ if known.is_none() => expect(
                found(storage::rename_file(path, "nowhere", SCOPE))?.is_none(),
                true,
            ),
            _ => Ok(()),
        }
    }

    fn change(&mut self, path: &str) -> Outcome {
        let text = format!("mine {}", self.number);
        let near = self.files.near(path).map(str::to_owned);
        match (self.random.below(8), near) {
            (0, _) => self.written(path, storage::atomic_write_file(path, &text, SCOPE), text),
            (1, _) => {
                let appended = storage::append_file(path, &text, SCOPE);
                let old = self.files.get(path).unwrap_or_default();
                let text = format!("{old}{text}");
                self.written(path, appended, text)
            }
            (2, _) => {
                let written = stream(path, &text);
                self.written(path, written, text)
            }
            (3, _) => {
                let written = batch(|batch| batch.write(path, text.as_str()));
                self.written(path, written, text)
            }
            (4, Some(near)) => self.renamed(&near, path),
            (5, Some(near)) => self.renamed(path, &near),
            _ => self.deleted(path),
        }?;
        if self.files.len() > MOST_FILES {
            let oldest = self.files.near("").map(str::to_owned);
            oldest.map_or(Ok(()), |path| self.deleted(&path))?;
        }
        Ok(())
    }

    fn written(&mut self, path: &str, result: storage::Result<()>, contents: String) -> Outcome {
        match result {
            Ok(()) if !self.files.has_no_room_for(path) => self.files.put(path, contents),
            Err(Error::InvalidPath { .. }) if self.files.has_no_room_for(path) => {}
            other => return Err(format!("on writing: {other:?}")),
        }
        Ok(())
    }

    fn renamed(&mut self, source: &str, target: &str) -> Outcome {
        match storage::rename_file(source, target, SCOPE) {
            Ok(()) => {
                let contents = self.files.remove(source);
                let contents = contents.ok_or("what is not there was renamed")?;
                if self.files.has_no_room_for(target) {
                    return Err(format!("{source:?} was renamed to what cannot be a file"));
                }
                self.files.put(target, contents);
                Ok(())
            }
            Err(Error::NotFound { .. }) if self.files.get(source).is_none() => Ok(()),
            // To a path beneath itself, too.
            Err(Error::InvalidPath { .. }) if self.files.has_no_room_for(target) => Ok(()),
            Err(error) => Err(format!("on renaming {source:?} to {target:?}: {error}")),
        }
    }

    fn deleted(&mut self, path: &str) -> Outcome {
        storage::delete_file(path, SCOPE).map_err(|error| format!("on deleting: {error}"))?;
        self.files.remove(path);
        Ok(())
    }
}

fn stream(path: &str, text: &str) -> storage::Result<()> {
    let mut writer = Writer::open(path, SCOPE)?;
    writer
        .write_all(text.as_bytes())
        .map_err(|error| Error::Other {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    discard(writer.commit())
}

fn batch(add: impl for<'a> FnOnce(&'a mut Batch) -> &'a mut Batch) -> storage::Result<()> {
    let mut batch = Batch::new(SCOPE);
    add(&mut batch);
    batch.commit().map(drop).map_err(|error| error.error)
}

fn discard<T>(result: storage::Result<T>) -> storage::Result<()> {
    result.map(drop)
}

fn found<T>(result: storage::Result<T>) -> Result<Option<T>, String> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(format!("on looking: {error}")),
    }
}

fn expect<A: PartialEq<B> + Debug, B: Debug>(answer: A, right: B) -> Outcome {
    if answer == right {
        return Ok(());
    }
    Err(format!("answered {answer:?}, not {right:?}"))
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is no text in hexadecimal");
    let bytes: Option<Vec<u8>> = (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect();
    String::from_utf8(bytes.ok_or_else(wrong)?).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_comes_back() {
        for text in ["", "a\0é", "👩"] {
            assert_eq!(from_hex(&hex(text)), Ok(text.to_owned()));
        }
        assert!(from_hex("0").is_err() && from_hex("ff").is_err());
    }
}
