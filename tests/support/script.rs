//! What the guest `probe` is told and what it answers: one operation a line,
//! words separated by tabs, and escapes for what would end a line or a word.

/// Operations for `probe script`, one for each list of words.
pub fn lines<S: AsRef<str>>(operations: impl IntoIterator<Item = impl AsRef<[S]>>) -> String {
    operations
        .into_iter()
        .map(|words| {
            let words: Vec<_> = words.as_ref().iter().map(|w| escaped(w.as_ref())).collect();
            words.join("\t") + "\n"
        })
        .collect()
}

fn escaped(word: &str) -> String {
    let mut escaped = String::new();
    for character in word.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            '\0' => escaped.push_str("\\0"),
            '\\' => escaped.push_str("\\\\"),
            other => escaped.push(other),
        }
    }
    escaped
}
