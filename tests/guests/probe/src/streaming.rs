//! Operations on files that are written and read piece by piece. Whatever their
//! size, they need little memory.

use crate::answer::{Answer, Failure, Fields};
use crate::files::precondition;
use crate::number;
use crate::pattern::Pattern;
use ability_storage_guest::{self as storage, Precondition, Reader, Scope, Writer};
use std::io::{Read, Write};

/// How many bytes are handed to the SDK at once, if the test does not say.
const PIECE: &str = "65536";

/// Does what `words` say; `None` if they name no operation of this module.
pub fn perform(words: &[&str], scope: Scope) -> Option<Answer> {
    let any = Precondition::Any;
    Some(match *words {
        ["stream-write", path, bytes] => write(path, bytes, PIECE, "commit", any, scope),
        ["stream-write", path, bytes, piece] => write(path, bytes, piece, "commit", any, scope),
        ["stream-write", path, bytes, piece, end] => write(path, bytes, piece, end, any, scope),
        ["stream-write-if", path, bytes, condition] => precondition(condition)
            .and_then(|condition| write(path, bytes, PIECE, "commit", condition, scope)),
        ["stream-read", path] => open(path, scope).and_then(|reader| read(reader, &[])),
        ["stream-read-replaced", path, bytes] => read_replaced(path, bytes, scope),
        ["open-writers", count] => open_many(count, |i| Writer::open(format!("writer-{i}"), scope)),
        ["open-readers", path, count] => open_many(count, |_| Reader::open(path, scope)),
        _ => return None,
    })
}

/// Writes the pattern of a file of so many bytes. Answers the version, if it is
/// committed.
fn write(
    path: &str,
    bytes: &str,
    piece: &str,
    end: &str,
    precondition: Precondition,
    scope: Scope,
) -> Answer {
    if !matches!(end, "commit" | "drop" | "trap") {
        return Err(Failure::Usage(format!(
            "{end:?} is none of commit, drop, trap"
        )));
    }
    let length = number(bytes)?;
    let mut buffer = buffer(piece)?;
    let mut writer = Writer::open_if(path, scope, precondition)?;
    let mut pattern = Pattern::new(length);
    let mut left = length;
    while left > 0 {
        let count = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        pattern.fill(&mut buffer[..count]);
        writer.write_all(&buffer[..count])?;
        left -= count as u64;
    }
    // What is still in the SDK's buffer should reach the host, whatever the end.
    writer.flush()?;
    match end {
        "commit" => Ok(Fields::one(writer.commit()?)),
        "trap" => panic!("asked to trap"),
        _ => {
            drop(writer);
            Ok(Fields::none())
        }
    }
}

fn open(path: &str, scope: Scope) -> Result<Reader, Failure> {
    Reader::open(path, scope).map_err(Failure::from)
}

/// Answers how many bytes there were after `start`, which was read before, and
/// whether all of it is the `pattern` of a file of that length.
fn read(mut reader: Reader, start: &[u8]) -> Answer {
    let size = reader.size();
    let mut pattern = Pattern::new(size);
    let mut matches = pattern.matches(start);
    let mut length = start.len() as u64;
    let mut buffer = buffer(PIECE)?;
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        matches &= pattern.matches(&buffer[..count]);
        length += count as u64;
    }
    if length != size {
        let detail = format!("{length} bytes of {size}");
        return Err(Failure::with("length", detail));
    }
    let content = if matches { "pattern" } else { "other" };
    Ok(Fields::of([length.to_string(), content.to_owned()]))
}

/// Reads a byte, replaces the file by a pattern of so many bytes, then reads the
/// rest: of the version that was there.
fn read_replaced(path: &str, bytes: &str, scope: Scope) -> Answer {
    let mut reader = open(path, scope)?;
    let mut start = vec![0];
    let count = reader.read(&mut start)?;
    start.truncate(count);
    write(path, bytes, PIECE, "commit", Precondition::Any, scope)?;
    read(reader, &start)
}

/// Opens as many as the host lets, all at once. Answers how many that was, and
/// why not more: `all`, or the error.
fn open_many<T>(count: &str, open: impl Fn(u64) -> storage::Result<T>) -> Answer {
    let mut opened = Vec::new();
    let mut end = "all".to_owned();
    for i in 0..number(count)? {
        match open(i) {
            Ok(one) => opened.push(one),
            Err(error) => {
                end = Failure::from(error).to_string();
                break;
            }
        }
    }
    Ok(Fields::of([opened.len().to_string(), end]))
}

fn buffer(piece: &str) -> Result<Vec<u8>, Failure> {
    match crate::files::filled(piece, "x")? {
        empty if empty.is_empty() => Err(Failure::Usage("a piece has at least a byte".into())),
        buffer => Ok(buffer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_before_anything_is_written() {
        for words in [
            ["stream-write", "p", "many", "8", "commit"].as_slice(),
            &["stream-write", "p", "8", "0", "commit"],
            &["stream-write", "p", "8", "8", "comit"],
            &["stream-write-if", "p", "8", "maybe"],
            &["open-writers", "-1"],
        ] {
            let answer = perform(words, Scope::Ability);
            assert!(matches!(answer, Some(Err(Failure::Usage(_)))), "{words:?}");
        }
        assert_eq!(perform(&["stream-write", "p"], Scope::Ability), None);
    }

    #[test]
    fn as_many_are_opened_as_can_be() {
        let open = |i| match i {
            0..2 => Ok(()),
            _ => Err(ability_storage_guest::Error::QuotaExceeded {
                path: "p".into(),
                reason: "2 writers".into(),
            }),
        };
        assert_eq!(open_many("2", open), Ok(Fields::of(["2", "all"])));
        assert_eq!(
            open_many("3", open),
            Ok(Fields::of(["2", "quota-exceeded 2 writers"]))
        );
    }
}
