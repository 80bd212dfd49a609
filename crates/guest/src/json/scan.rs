//! Looks through JSON text before it becomes a value: whether it is JSON, and whether it
//! holds what `serde_json` would change or could not write again.
//!
//! Time and memory must not grow faster than the text, whatever it holds and wherever it
//! is cut off; nothing here recurses.

use super::MAX_DEPTH;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::HashSet;

/// How much of a number a message shows.
const MAX_SHOWN: usize = 40;

/// Why a text cannot be loaded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is not JSON.
    Malformed(String),
    /// It is JSON, but its value could not be written again as it is.
    Unsupported(String),
}

/// Finds what keeps `text` from being loaded.
pub(super) fn scan(text: &str) -> Result<(), Flaw> {
    let (depth, is_closed) = nesting(text.as_bytes());
    if depth > MAX_DEPTH {
        let reason = format!("it is nested more than {MAX_DEPTH} times; make it flatter");
        return Err(if is_closed {
            Flaw::Unsupported(reason)
        } else {
            Flaw::Malformed(reason)
        });
    }
    // Knows the syntax, and builds no value.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| Flaw::Malformed(error.to_string()))?;
    let mut scan = Scan {
        text,
        at: 0,
        open: Vec::new(),
        refused: None,
    };
    scan.run();
    scan.refused
        .map_or(Ok(()), |reason| Err(Flaw::Unsupported(reason)))
}

/// How many arrays and objects are inside each other at most, and whether all of them
/// and the last string have an end. Says little of text that is not JSON.
fn nesting(text: &[u8]) -> (usize, bool) {
    let (mut deepest, mut depth, mut at, mut in_string) = (0, 0_isize, 0, false);
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => at += 1,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
    }
    (deepest.unsigned_abs(), depth == 0 && !in_string)
}

/// An array or an object that is not closed yet.
enum Open<'a> {
    Array,
    Object {
        names: HashSet<Cow<'a, str>>,
        /// Whether a string that comes now is a name.
        expects_name: bool,
    },
}

/// Goes through text that is known to be JSON.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Open<'a>>,
    refused: Option<String>,
}

impl<'a> Scan<'a> {
    fn run(&mut self) {
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'"' => self.string(),
                b'-' | b'0'..=b'9' => self.number(),
                b'[' => self.begin(Open::Array),
                b'{' => self.begin(Open::Object {
                    names: HashSet::new(),
                    expects_name: true,
                }),
                b']' | b'}' => {
                    self.open.pop();
                    self.at += 1;
                }
                b',' => {
                    if let Some(Open::Object { expects_name, .. }) = self.open.last_mut() {
                        *expects_name = true;
                    }
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    fn begin(&mut self, open: Open<'a>) {
        self.at += 1;
        self.open.push(open);
    }

    fn string(&mut self) {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut has_escapes = false;
        self.at += 1;
        while bytes[self.at] != b'"' {
            let is_escape = bytes[self.at] == b'\\';
            has_escapes |= is_escape;
            self.at += if is_escape { 2 } else { 1 };
        }
        self.at += 1;
        let token = &self.text[start..self.at];
        if has_escapes && has_half_pair(token) {
            self.refuse("it holds half of a surrogate pair; remove that".to_owned());
            return;
        }
        if let Some(Open::Object {
            names,
            expects_name,
        }) = self.open.last_mut()
            && *expects_name
        {
            *expects_name = false;
            let name = unescaped(token, has_escapes);
            if names.contains(&name) {
                let shown = serde_json::Value::from(name);
                self.refuse(format!(
                    "its member {shown} is there twice; keep one of the two"
                ));
            } else {
                names.insert(name);
            }
        }
    }

    fn number(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest
            .bytes()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            .count();
        let token = &rest[..length];
        self.at += length;
        let is_kept = if token.contains(['.', 'e', 'E']) {
            token.parse().is_ok_and(f64::is_finite)
        } else {
            token.parse::<i64>().is_ok() || token.parse::<u64>().is_ok()
        };
        if !is_kept {
            let shown = token.get(..MAX_SHOWN).filter(|shown| shown.len() < length);
            let shown = shown.map_or(Cow::from(token), |shown| Cow::from(format!("{shown}…")));
            self.refuse(format!(
                "its number {shown} is beyond 64 bits; write it as text"
            ));
        }
    }

    fn refuse(&mut self, reason: String) {
        self.refused.get_or_insert(reason);
    }
}

/// The text that a string stands for.
fn unescaped(token: &str, has_escapes: bool) -> Cow<'_, str> {
    let inside = &token[1..token.len() - 1];
    if !has_escapes {
        return Cow::from(inside);
    }
    serde_json::from_str(token).map_or(Cow::from(inside), Cow::Owned)
}

/// Whether an escape such as `\ud800` in the string is half of a surrogate pair.
fn has_half_pair(token: &str) -> bool {
    let mut rest = token;
    while let Some(at) = rest.find('\\') {
        rest = &rest[at..];
        match unit(rest) {
            Some(0xd800..0xdc00)
                if matches!(rest.get(6..).and_then(unit), Some(0xdc00..0xe000)) =>
            {
                rest = &rest[12..];
            }
            Some(0xd800..0xe000) => return true,
            Some(_) => rest = &rest[6..],
            None => rest = &rest[2..],
        }
    }
    false
}

/// The number of the escape `\uXXXX` with which `text` begins.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}
