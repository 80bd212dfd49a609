//! Words on one line: `\n`, `\t`, `\r`, `\0` and `\\` stand for the characters
//! that would end a line or a word. Answers show all other control characters,
//! and bytes that are not UTF-8, as `\xNN`.

/// Bytes as one printable word.
pub fn escape(bytes: &[u8]) -> String {
    let mut word = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => word.push_str("\\n"),
                '\t' => word.push_str("\\t"),
                '\r' => word.push_str("\\r"),
                '\0' => word.push_str("\\0"),
                '\\' => word.push_str("\\\\"),
                control if control.is_control() => {
                    hex(control.encode_utf8(&mut [0; 4]).as_bytes(), &mut word);
                }
                plain => word.push(plain),
            }
        }
        hex(chunk.invalid(), &mut word);
    }
    word
}

fn hex(bytes: &[u8], word: &mut String) {
    for byte in bytes {
        word.push_str(&format!("\\x{byte:02x}"));
    }
}

/// The text that a word of a script stands for.
pub fn unescape(word: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut characters = word.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        text.push(match characters.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('0') => '\0',
            Some('\\') => '\\',
            _ => return Err(format!("no such escape in {word:?}: \\n \\t \\r \\0 \\\\")),
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_comes_back() {
        for text in ["", "plain", "a\nb\tc\rd\0e\\f", "\\n", "où 🦀", " "] {
            let word = escape(text.as_bytes());
            assert!(!word.contains(['\n', '\t', '\r', '\0']), "{word}");
            assert_eq!(unescape(&word).as_deref(), Ok(text));
        }
    }

    #[test]
    fn other_bytes_are_shown_in_hexadecimal() {
        assert_eq!(escape(b"a\xff\x1b"), "a\\xff\\x1b");
        assert_eq!(escape("\u{85}".as_bytes()), "\\xc2\\x85");
    }

    #[test]
    fn an_unknown_escape_is_refused() {
        assert!(unescape("a\\q").is_err());
        assert!(unescape("a\\").is_err());
    }
}
