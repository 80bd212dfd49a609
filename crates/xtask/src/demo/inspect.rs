//! What lies on the disk, seen from outside the ability: its file's condition, and what is there
//! besides.
//!
//! Must never open a file for writing: the harness is a reader like any other.

use anyhow::{Context, Result};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Whole,
    Missing,
    Empty,
    Torn,
}

/// The condition of a file that holds one JSON object.
pub fn condition(file: &Path) -> Result<Condition> {
    match fs::read(file) {
        Ok(contents) if contents.is_empty() => Ok(Condition::Empty),
        Ok(contents) if is_whole_object(&contents) => Ok(Condition::Whole),
        Ok(_) => Ok(Condition::Torn),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Condition::Missing),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// Whether these bytes are one JSON object from its first brace to its last. Any cut, gap of zeros
/// or second object behind it is found; what is inside is the ability's own business.
fn is_whole_object(contents: &[u8]) -> bool {
    let text = contents.trim_ascii();
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (position, byte) in text.iter().enumerate() {
        match (in_string, byte) {
            (_, 0) => return false,
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (true, _) => {}
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => match depth {
                0 => return false,
                1 => return position + 1 == text.len() && text[0] == b'{',
                _ => depth -= 1,
            },
            (false, _) if depth == 0 => return false,
            (false, _) => {}
        }
    }
    false
}

/// Names in a directory, sorted; none if there is no such directory.
pub fn names(directory: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot list {}", directory.display()));
        }
    };
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// What is in a volume besides the file: entries that nobody asked for, and what dead sessions left
/// in the private directory: themselves, and what is staged in the log.
pub fn leftovers(volume: &Path, file: &str) -> Result<Vec<String>> {
    const PRIVATE: &str = ".ability-storage";
    let mut found = names(volume)?;
    found.retain(|name| name != file && name != PRIVATE);
    let private = volume.join(PRIVATE);
    // An ended session leaves a spare directory to the next.
    let is_session = |name: &String| name != "spare";
    for session in names(&private.join("sessions"))?
        .into_iter()
        .filter(is_session)
    {
        found.push(format!("{PRIVATE}/sessions/{session}"));
    }
    let is_staged = |name: &String| name.len() == 32;
    for staged in names(&private.join("log"))?.into_iter().filter(is_staged) {
        found.push(format!("{PRIVATE}/log/{staged}"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_objects_are_whole() {
        for text in ["{}", "{\"a\": [1, {\"b\": \"}\"}]}\n", "{\"a\": \"\\\"{\"}"] {
            assert!(is_whole_object(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn every_cut_is_found() {
        let text = "{\"records\": [{\"payload\": \"a}b\\\"\", \"n\": 1}, {\"n\": 2}]}";
        for end in 0..text.len() {
            assert!(
                !is_whole_object(&text.as_bytes()[..end]),
                "{}",
                &text[..end]
            );
        }
        for start in 1..text.len() {
            assert!(
                !is_whole_object(&text.as_bytes()[start..]),
                "{}",
                &text[start..]
            );
        }
    }

    #[test]
    fn zeros_mixtures_and_other_things_are_found() {
        for text in [
            "\0\0\0\0",
            "{\"a\": \"\0\0\"}",
            "{}{}",
            "{\"a\": 1}1}",
            "[]",
            "1",
            "x{}",
        ] {
            assert!(!is_whole_object(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn what_is_besides_the_file_is_listed() {
        let volume = std::env::temp_dir().join(format!("xtask-volume-{}", std::process::id()));
        let sessions = volume.join(".ability-storage/sessions");
        fs::create_dir_all(&sessions).expect("a volume");
        fs::write(volume.join("a.json"), "{}").expect("a file");
        assert_eq!(
            condition(&volume.join("a.json")).expect("a condition"),
            Condition::Whole
        );
        assert_eq!(
            condition(&volume.join("b.json")).expect("a condition"),
            Condition::Missing
        );
        assert!(leftovers(&volume, "a.json").expect("a list").is_empty());
        fs::write(volume.join("a.json.tmp"), "").expect("a file");
        fs::create_dir(sessions.join("dead")).expect("a session");
        let log = volume.join(".ability-storage/log");
        fs::create_dir(&log).expect("a log");
        let staged = "0123456789abcdef0123456789abcdef";
        for name in ["log-0", "writer", staged] {
            fs::write(log.join(name), "").expect("a file");
        }
        let found = leftovers(&volume, "a.json").expect("a list");
        let staged = format!(".ability-storage/log/{staged}");
        assert_eq!(
            found,
            ["a.json.tmp", ".ability-storage/sessions/dead", &staged]
        );
        let _ = fs::remove_dir_all(volume);
    }
}
