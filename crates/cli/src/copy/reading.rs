//! Reading files piece by piece, whole versions of them only.
//!
//! Must never hold a long file in memory.

use crate::copy::trouble::{Trouble, in_source};
use ability_storage::{Error, FilePath, Reader, Version, VersionHasher, Volume};

/// How much of a long file is in memory.
const PIECE: usize = 1 << 20;

/// All that a reader gives, piece by piece; it must be as long as it said.
pub fn read_all(
    reader: &mut dyn Reader,
    path: &FilePath,
    take: impl FnMut(&[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let size = reader.size();
    let bytes = each_piece(reader, in_source, take)?;
    match bytes == size {
        true => Ok(()),
        false => Err(Trouble::torn(path, size, bytes)),
    }
}

/// The length and the version of a file, in bounded memory; `None` if there is none.
pub fn version_in(volume: &dyn Volume, path: &FilePath) -> Result<Option<(u64, Version)>, Error> {
    let Some(mut reader) = unless_absent(volume.reader(path))? else {
        return Ok(None);
    };
    let mut hasher = VersionHasher::default();
    let bytes = each_piece(&mut *reader, std::convert::identity, |piece| {
        hasher.update(piece);
        Ok(())
    })?;
    Ok(Some((bytes, hasher.version())))
}

/// Gives away all that a reader has, and returns how much that was.
fn each_piece<E>(
    reader: &mut dyn Reader,
    wrong: impl Fn(Error) -> E,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<u64, E> {
    let mut bytes = 0;
    loop {
        let piece = reader.read(PIECE).map_err(&wrong)?;
        if piece.is_empty() {
            return Ok(bytes);
        }
        bytes += piece.len() as u64;
        take(&piece)?;
    }
}

pub fn unless_absent<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
