//! What does not fit into HEAD goes into blobs: the tails of files that have grown,
//! and lists of parts that have become long.
//!
//! Must change nothing that a reader could see: a file has the same bytes after it.

use crate::file::{File, Part};
use crate::space::{AT_ONCE, Space};
use ability_storage_engine::FilePath;
use ability_storage_engine::author::table::Table;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;
use std::io;
use std::ops::Range;

/// The most bytes of a file that are kept in HEAD.
pub(crate) const INLINE_BYTES: u64 = 4 << 10;

/// The most bytes that all files keep in HEAD.
const ALL_INLINE_BYTES: u64 = if cfg!(test) { 6 << 10 } else { 256 << 10 };

/// Parts shorter than this are put together when there are many.
const SHORT: u64 = 1 << 20;

/// How many short parts may stand at the end of a file.
const MANY: usize = if cfg!(test) { 5 } else { 16 };

/// How many of them are put together at least.
const SOME: usize = if cfg!(test) { 3 } else { 8 };

/// The longest part that is made of others.
const LONGEST: u64 = 8 << 20;

/// Moves what the files at `changed` have too much of into blobs.
pub(crate) async fn spill(
    space: &Space,
    files: &mut Table<File>,
    changed: &BTreeSet<FilePath>,
) -> io::Result<()> {
    let mut inline: u64 = files.iter().map(|(_, file)| file.inline_bytes()).sum();
    let mut jobs = Vec::new();
    for path in changed {
        let Some(file) = files.get(path) else {
            continue;
        };
        let ranges = to_move(&file.parts, inline > ALL_INLINE_BYTES);
        if !ranges.is_empty() {
            inline -= file.inline_bytes();
            jobs.push((path.clone(), file.parts.clone(), ranges));
        }
    }
    let moved = stream::iter(jobs).map(|(path, parts, ranges)| async move {
        Ok::<_, io::Error>((path, replaced(space, parts, ranges).await?))
    });
    let moved: Vec<_> = moved.buffer_unordered(AT_ONCE).try_collect().await?;
    for (path, parts) in moved {
        if let Some(file) = files.get_mut(&path) {
            file.parts = parts;
        }
    }
    Ok(())
}

/// Puts the parts of each range into one new blob.
async fn replaced(
    space: &Space,
    mut parts: Vec<Part>,
    ranges: Vec<Range<usize>>,
) -> io::Result<Vec<Part>> {
    for range in ranges.into_iter().rev() {
        let contents = space.fetch_all(&parts[range.clone()]).await?;
        let part = space.part(contents, None).await?;
        parts.splice(range, [part]);
    }
    Ok(parts)
}

/// Which parts are to become one, in the order of the file. Only the last part of a
/// file may be in HEAD, and it must be short.
fn to_move(parts: &[Part], is_crowded: bool) -> Vec<Range<usize>> {
    let end = parts.len();
    let merged = to_merge(parts);
    let start = merged.as_ref().map_or(end, |merged| merged.start);
    let mut ranges = Vec::new();
    for (index, part) in parts[..start].iter().enumerate() {
        let stays = index + 1 == end && part.size() <= INLINE_BYTES && !is_crowded;
        if part.blob().is_none() && !stays {
            ranges.push(index..index + 1);
        }
    }
    ranges.extend(merged);
    ranges
}

/// The short parts at the end that are to become one, if there are too many: those
/// that come last, and before them each that is no longer than all after it. So a
/// byte is copied a logarithmic number of times.
fn to_merge(parts: &[Part]) -> Option<Range<usize>> {
    let short = parts.iter().rev().take_while(|part| part.size() < SHORT);
    if short.count() <= MANY {
        return None;
    }
    let mut start = parts.len() - SOME;
    let mut bytes: u64 = parts[start..].iter().map(Part::size).sum();
    while let Some(before) = start.checked_sub(1) {
        let size = parts[before].size();
        if size > bytes || bytes + size > LONGEST {
            break;
        }
        (start, bytes) = (before, bytes + size);
    }
    Some(start..parts.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Blob;
    use ability_storage_engine::Version;
    use bytes::Bytes;
    use uuid::Uuid;

    /// Where the parts begin that are moved.
    fn moved(parts: &[Part], is_crowded: bool) -> Vec<usize> {
        let ranges = to_move(parts, is_crowded).into_iter();
        ranges.map(|range| range.start).collect()
    }

    fn inline(bytes: u64) -> Part {
        Part::Inline(Bytes::from(vec![0; bytes as usize]))
    }

    fn blob(size: u64) -> Part {
        let (id, hash) = (Uuid::new_v4(), Version::of(b""));
        Part::Blob(Blob { id, size, hash })
    }

    #[test]
    fn a_short_tail_stays_unless_head_is_crowded() {
        let parts = [blob(5000), inline(4096)];
        assert!(moved(&parts, false).is_empty());
        assert_eq!(moved(&parts, true), [1]);
        assert_eq!(moved(&[inline(4097)], false), [0]);
    }

    #[test]
    fn nothing_is_inline_but_the_tail() {
        assert_eq!(moved(&[inline(1), blob(5000)], false), [0]);
    }

    /// What a log costs that grows by one record at a time.
    #[test]
    fn a_growing_file_has_few_parts_and_is_copied_seldom() {
        let (record, records) = (5_000, 20_000);
        let (mut parts, mut copied, mut most) = (Vec::new(), 0, 0);
        for _ in 0..records {
            parts.push(blob(record));
            for range in to_move(&parts, false).into_iter().rev() {
                let size = parts[range.clone()].iter().map(Part::size).sum();
                copied += size;
                parts.splice(range, [blob(size)]);
            }
            most = most.max(parts.len());
        }
        let size = record * records;
        assert_eq!(parts.iter().map(Part::size).sum::<u64>(), size);
        assert!(most as u64 <= MANY as u64 + size / SHORT, "{most} parts");
        assert!(copied < 8 * size, "{copied} of {size}");
    }
}
