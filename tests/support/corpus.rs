//! The paths in `corpus/paths.txt`, which says how it is written.

use std::iter::Peekable;
use std::path::Path;
use std::str::Chars;

/// One path that a guest might try.
pub struct Hostile {
    pub path: String,
    /// Whether it must be refused; if not, it is a file like any other.
    pub is_refused: bool,
}

/// All of them. `secret` is a file outside of the volume.
pub fn paths(secret: &Path) -> Vec<Hostile> {
    let secret = secret.to_str().expect("text");
    let lines = include_str!("../corpus/paths.txt").lines();
    lines
        .filter(|line| !line.is_empty() && !is_comment(line))
        .map(|line| {
            let is_refused = line.starts_with('-');
            assert!(is_refused || line.starts_with('+'), "{line:?}");
            Hostile {
                path: unescaped(&line[1..].replace("{secret}", secret)),
                is_refused,
            }
        })
        .collect()
}

fn is_comment(line: &str) -> bool {
    line.starts_with('#')
}

fn unescaped(text: &str) -> String {
    unescaped_until(&mut text.chars().peekable(), None)
}

/// Up to `end`, which is taken; to the end of the line if it is `None`.
fn unescaped_until(characters: &mut Peekable<Chars>, end: Option<char>) -> String {
    let mut text = String::new();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push_str(&escape(characters)),
            other if Some(other) == end => return text,
            other => text.push(other),
        }
    }
    assert_eq!(end, None, "{text:?} is not closed");
    text
}

fn escape(characters: &mut Peekable<Chars>) -> String {
    match characters.next() {
        Some('\\') => "\\".to_owned(),
        Some('s') => " ".to_owned(),
        Some('u') => {
            let code = u32::from_str_radix(&until(characters, '}'), 16).expect("hexadecimal");
            char::from_u32(code).expect("a character").to_string()
        }
        Some('x') => {
            let count = until(characters, ':').parse().expect("a count");
            unescaped_until(characters, Some('}')).repeat(count)
        }
        other => panic!("no such escape: {other:?}"),
    }
}

/// What is between `{` and `end`.
fn until(characters: &mut Peekable<Chars>, end: char) -> String {
    assert_eq!(characters.next(), Some('{'));
    characters.by_ref().take_while(|c| *c != end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(unescaped(r"a\u{e9}\\\x{3:b\x{2:c}}\s"), "aé\\bccbccbcc ");
    }

    #[test]
    fn no_path_is_there_twice() {
        let mut paths: Vec<_> = paths(Path::new("/x")).into_iter().map(|p| p.path).collect();
        let count = paths.len();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), count);
    }
}
