//! The text of files that people edit: without what editors add to it.
//!
//! This module must never take a file that a person saved in another form for a corrupt one.

use crate::error::{Error, Result};

const IS_UTF_16: &str = "it is UTF-16; save it as UTF-8";

/// The byte order mark of UTF-8, with which some editors begin a file.
pub(crate) const MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether `contents` begin with a byte order mark of UTF-16.
pub(crate) fn is_utf_16(contents: &[u8]) -> bool {
    contents.starts_with(b"\xff\xfe") || contents.starts_with(b"\xfe\xff")
}

/// `contents`, which are in the file at `path`, without the byte order mark of UTF-8.
pub(crate) fn without_mark<'a>(path: &str, contents: &'a [u8]) -> Result<&'a [u8]> {
    if is_utf_16(contents) {
        return Err(Error::Unsupported {
            path: path.to_owned(),
            reason: IS_UTF_16.to_owned(),
        });
    }
    Ok(contents.strip_prefix(MARK).unwrap_or(contents))
}
