//! An error of the system as one line, with all that is behind it.

use std::error::Error;
use std::io;

/// The longest part of the line that one cause makes, in bytes.
const MAX_CAUSE_BYTES: usize = 300;

/// What an error says, and what its causes add to that.
pub(crate) fn with_causes(error: &io::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        let line = said.lines().next().unwrap_or_default().trim();
        if !line.is_empty() && !text.contains(line) {
            let end = line.floor_char_boundary(MAX_CAUSE_BYTES);
            text.push_str(": ");
            text.push_str(&line[..end]);
            text.push_str(if end < line.len() { "…" } else { "" });
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Caused {
        text: &'static str,
        #[source]
        cause: io::Error,
    }

    fn caused(text: &'static str, cause: io::Error) -> io::Error {
        io::Error::other(Caused { text, cause })
    }

    #[test]
    fn each_cause_is_named_once_and_in_one_line() {
        let deepest = io::Error::other("no route\nmore");
        let error = caused("it failed", caused("it failed", deepest));
        assert_eq!(with_causes(&error), "it failed: no route");
        let long = caused("it failed", io::Error::other("é".repeat(1_000)));
        let text = with_causes(&long);
        assert_eq!(text.len(), "it failed: …".len() + MAX_CAUSE_BYTES);
        assert_eq!(with_causes(&io::Error::other("plain")), "plain");
    }

    #[test]
    fn an_unavailable_volume_names_the_deepest_reason() {
        let source = caused("the request failed", io::Error::other("no route to host"));
        let error = crate::Error::unavailable("the root could not be opened", source);
        assert_eq!(
            error.to_string(),
            "the root could not be opened: the request failed: no route to host"
        );
    }

    #[test]
    fn a_full_disk_is_told_from_a_quota_that_is_used_up() {
        let path = crate::FilePath::new("a.txt").expect("valid");
        let source = io::Error::new(io::ErrorKind::QuotaExceeded, "the quota of the user");
        let text = crate::Error::not_changed(&path, source).to_string();
        assert!(text.contains("the quota of the user"), "{text}");
    }
}
