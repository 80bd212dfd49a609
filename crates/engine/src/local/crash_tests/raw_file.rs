//! Files as other programs see them, and their contents in words.

use super::super::directory::{Directory, FileHandle};
use crate::local::sim::SimDisk;

pub(super) fn raw(disk: &SimDisk, path: &str) -> Option<Vec<u8>> {
    let root = disk.start().0;
    let file = root.open_file(path).ok()??;
    let mut bytes = vec![0; file.stat().ok()?.size as usize];
    let read = file.read_all_at(&mut bytes, 0).ok()?;
    bytes.truncate(read);
    Some(bytes)
}

pub(super) fn has(bytes: Option<&Vec<u8>>, part: &[u8]) -> bool {
    bytes.is_some_and(|bytes| bytes.windows(part.len()).any(|window| window == part))
}

pub(super) fn text(bytes: Option<&Vec<u8>>) -> String {
    bytes.map_or("none".to_owned(), |bytes| bytes.escape_ascii().to_string())
}
