//! Refuses a path that something has which is not a file: a symbolic link, a pipe, a socket, a
//! device. It must be taken neither for a file nor for no file: what cannot be read must not be
//! replaced by what a program writes where it found nothing.

use super::directory::{Directory, Kind, Stat};
use super::tree::Tree;
use crate::error::not_regular;
use crate::{Error, FilePath};
use std::io;

/// What the disk has at `path`, if it is a file; `None` if it is a directory or nothing.
///
/// # Errors
///
/// An error made of [`Error::NotRegular`] if it is anything else, and those of the system.
pub(super) fn stat_file<D: Directory>(tree: &Tree<D>, path: &FilePath) -> io::Result<Option<Stat>> {
    let Some(parent) = tree.find(path)? else {
        return Ok(None);
    };
    let Some(stat) = parent.stat(path.name())? else {
        return Ok(None);
    };
    match stat.kind {
        Kind::File => Ok(Some(stat)),
        Kind::Directory => Ok(None),
        Kind::Other => Err(Error::not_regular(path, parent.describe(path.name())).into()),
    }
}

/// What a list needs to know of a path: something that is not a file is not listed, and must not
/// keep other files from being.
pub(super) fn unless_occupied<T>(file: io::Result<Option<T>>) -> io::Result<Option<T>> {
    match file {
        Err(error) if not_regular(&error).is_some() => Ok(None),
        file => file,
    }
}
