//! A record as one line of text.
//!
//! A record has exactly one form, and a line that deviates from it in any byte
//! is refused; so a change of any byte of the file is found.

use crate::audit::chain::{Hash, Link};
use crate::text::{MARK, is_utf_16};

/// The longest payload of a record, in bytes.
pub(crate) const MAX_PAYLOAD: usize = 64 * 1024;

/// The longest line: numbers of 20 digits, hashes of 64, the four spaces and the
/// line feed, and a payload of which every byte is written as `\xNN`.
pub(crate) const MAX_LINE: usize = 2 * 20 + 2 * 64 + 4 + 1 + 4 * MAX_PAYLOAD;

/// One record of an [`AuditLog`](crate::AuditLog).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the chain, and when it was recorded.
    pub link: Link,
    /// What was recorded.
    pub payload: Vec<u8>,
}

impl Record {
    /// Its line, with the line feed.
    pub(crate) fn to_line(&self) -> String {
        let Link {
            sequence,
            previous,
            time,
            ..
        } = self.link;
        let hash = self.link.hash();
        let mut line = format!("{sequence} {time} {previous} {hash} ");
        escape(&self.payload, &mut line);
        line.push('\n');
        line
    }

    /// The record of `line`, with its line feed, or what is wrong with it.
    pub(crate) fn from_line(line: &[u8]) -> Result<Self, String> {
        let wrong = |what: &str| Err(format!("its line {what}"));
        if let Some(edited) = edited(line) {
            return wrong(edited);
        }
        if !line.ends_with(b"\n") {
            return wrong(if line.len() < MAX_LINE {
                "has no end"
            } else {
                "is too long"
            });
        }
        let Some((record, hash)) = parse(line) else {
            return wrong("is not one of an audit log");
        };
        if record.link.hash() != hash {
            return Err(format!(
                "its hash is {}, but the line says {hash}",
                record.link.hash()
            ));
        }
        if record.to_line().as_bytes() != line {
            return wrong("is not in the form in which this log writes");
        }
        Ok(record)
    }
}

/// What an editor has made of the line, and how to undo that.
fn edited(line: &[u8]) -> Option<&'static str> {
    if is_utf_16(line) {
        Some("begins with the mark of UTF-16: save the file as UTF-8, without a mark")
    } else if line.starts_with(MARK) {
        Some("begins with a byte order mark: save the file without it")
    } else if line.ends_with(b"\r\n") {
        Some("ends in a carriage return: save the file with line feeds alone")
    } else {
        None
    }
}

/// A record and the hash that its line claims.
fn parse(line: &[u8]) -> Option<(Record, Hash)> {
    let line = str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let mut fields = line.splitn(5, ' ');
    let sequence = fields.next()?.parse().ok()?;
    let time = fields.next()?.parse().ok()?;
    let previous = fields.next()?.parse().ok()?;
    let hash = fields.next()?.parse().ok()?;
    let payload = unescape(fields.next()?)?;
    let link = Link {
        sequence,
        previous,
        payload: Hash::of(&payload),
        time,
    };
    Some((Record { link, payload }, hash))
}

/// Readable text as it is; a backslash as `\\`; bytes that are not UTF-8, control
/// characters and the line ends of Unicode as `\xNN`, byte by byte.
fn escape(payload: &[u8], line: &mut String) {
    for chunk in payload.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => line.push_str("\\\\"),
                '\u{2028}' | '\u{2029}' => escape_bytes(character, line),
                _ if character.is_control() => escape_bytes(character, line),
                _ => line.push(character),
            }
        }
        chunk.invalid().iter().for_each(|&byte| hex(byte, line));
    }
}

fn escape_bytes(character: char, line: &mut String) {
    let mut bytes = [0; 4];
    for byte in character.encode_utf8(&mut bytes).bytes() {
        hex(byte, line);
    }
}

fn hex(byte: u8, line: &mut String) {
    line.push_str(&format!("\\x{byte:02x}"));
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut payload = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        payload.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('\\') {
            payload.push(b'\\');
            rest = after;
        } else {
            let digits = rest.strip_prefix('x')?.get(..2)?;
            payload.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[3..];
        }
    }
    payload.extend_from_slice(rest.as_bytes());
    Some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::chain::Head;

    fn record(payload: &[u8]) -> Record {
        Record {
            link: Head::START.link(payload, 1_764_000_000),
            payload: payload.to_vec(),
        }
    }

    #[test]
    fn a_line_is_as_documented() {
        assert_eq!(
            record(b"a").to_line(),
            "1 1764000000 \
             0000000000000000000000000000000000000000000000000000000000000000 \
             7586f96b736a76c54d3c67d66fa568ce08c07a4000d8055bbcb1ae58ad98dea2 a\n"
        );
        let line = record(b"a\nb\\ \xff\x00\xe2\x80\xa8 caf\xc3\xa9").to_line();
        assert!(
            line.ends_with(" a\\x0ab\\\\ \\xff\\x00\\xe2\\x80\\xa8 café\n"),
            "{line}"
        );
    }

    #[test]
    fn any_payload_comes_back_from_one_line() {
        let all: Vec<u8> = (0..=255).chain(0..=255).collect();
        let long = vec![0; MAX_PAYLOAD];
        for payload in [b"".as_slice(), b" ", b"  a ", b"\\x41", b"\\", &all, &long] {
            let record = record(payload);
            let line = record.to_line();
            assert!(line.len() <= MAX_LINE);
            assert_eq!(line.lines().count(), 1);
            assert_eq!(Record::from_line(line.as_bytes()), Ok(record));
        }
    }

    #[test]
    fn a_change_of_any_byte_is_found() {
        let line = record(b"caf\xc3\xa9 \\ \x01").to_line().into_bytes();
        for at in 0..line.len() {
            for other in 0..=255 {
                let mut changed = line.clone();
                changed[at] = other;
                let accepted = Record::from_line(&changed).is_ok();
                assert_eq!(accepted, other == line[at], "byte {at} as {other}");
            }
        }
    }

    #[test]
    fn another_form_of_the_same_record_is_refused() {
        let line = record(b"ab").to_line();
        for (from, to) in [
            ("1 1764", "+1 1764"),
            ("1 1764", "01 1764"),
            ("1 1764", " 1 1764"),
            (" ab\n", " a\\x62\n"),
            (" ab\n", " ab\r\n"),
            (" ab\n", " ab\n\n"),
            (" ab\n", " ab"),
        ] {
            let changed = line.replace(from, to);
            assert_ne!(changed, line);
            Record::from_line(changed.as_bytes()).unwrap_err();
        }
        let upper = record(b"\xff").to_line().replace("\\xff", "\\xFF");
        let error = Record::from_line(upper.as_bytes()).unwrap_err();
        assert_eq!(
            error,
            "its line is not in the form in which this log writes"
        );
    }

    #[test]
    fn a_log_that_an_editor_saved_says_what_to_do() {
        let line = record(b"a").to_line();
        let utf_16: Vec<u8> = "\u{feff}1\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (edited, reason) in [
            (
                format!("\u{feff}{line}").into_bytes(),
                "begins with a byte order mark: save the file without it",
            ),
            (
                line.replace('\n', "\r\n").into_bytes(),
                "ends in a carriage return: save the file with line feeds alone",
            ),
            (
                utf_16,
                "begins with the mark of UTF-16: save the file as UTF-8, without a mark",
            ),
        ] {
            let error = Record::from_line(&edited).unwrap_err();
            assert_eq!(error, format!("its line {reason}"));
        }
    }

    #[test]
    fn a_torn_line_is_found_wherever_it_is_cut() {
        let line = record(b"payload").to_line();
        for cut in 0..line.len() {
            let error = Record::from_line(&line.as_bytes()[..cut]).unwrap_err();
            assert_eq!(error, "its line has no end");
        }
    }

    #[test]
    fn what_is_no_record_does_not_panic() {
        for line in ["\n", "1\n", "1 2 3 4 5\n", "a b c d e\n", "\\\n"] {
            Record::from_line(line.as_bytes()).unwrap_err();
        }
        for escape in ["\\", "\\x", "\\x4", "\\xé0", "\\q", "\\x+1"] {
            // `+1` parses as a number, but is not the form that is written.
            let line = record(b"-")
                .to_line()
                .replace(" -\n", &format!(" {escape}\n"));
            Record::from_line(line.as_bytes()).unwrap_err();
        }
    }
}
