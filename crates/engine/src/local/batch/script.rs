//! The script of a batch: what is left to do once it is decided, in a form that
//! can be done again from any point, any number of times, with the same result.
//!
//! A staged name is never used twice, so a file that is no longer staged was
//! put in its place. A removal could hit a later file of that name; so a script
//! must be done and its record retired before the locks of its paths are given
//! to anyone else.

use super::super::directory::{Directory, Kind};
use super::super::record::{Fields, malformed, put_bytes};
use super::super::tree::{NoWay, Place, Tree, is_directory};
use super::super::unique;
use crate::FilePath;
use crate::local::overlay::Shown;
use std::collections::HashSet;
use std::io::{self, ErrorKind};

const REMOVE: u8 = 1;
const PUT: u8 = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// Removals first: they may make room for directories, or for files where
    /// directories were.
    actions: Vec<Action>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Remove(FilePath),
    Put { staged: String, path: FilePath },
}

impl Action {
    pub(crate) fn path(&self) -> &FilePath {
        match self {
            Action::Remove(path) | Action::Put { path, .. } => path,
        }
    }
}

impl Script {
    pub(crate) fn new(mut actions: Vec<Action>) -> Self {
        actions.sort_by_key(|action| matches!(action, Action::Put { .. }));
        Self { actions }
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &FilePath> {
        self.actions.iter().map(Action::path)
    }

    /// What readers are to see until all is done.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (FilePath, Shown)> {
        self.actions.iter().map(|action| match action {
            Action::Remove(path) => (path.clone(), Shown::Absent),
            Action::Put { staged, path } => (path.clone(), Shown::Staged(staged.clone())),
        })
    }

    /// Does what is left to do, with files that are staged in any of the directories.
    /// Returns the places to settle. The caller holds the locks of all paths and the
    /// structure lock.
    pub(crate) fn run<D: Directory>(
        &self,
        tree: &Tree<D>,
        staged_in: &[&D],
    ) -> io::Result<Vec<Place<D>>> {
        let mut places = Vec::with_capacity(self.actions.len());
        for action in &self.actions {
            match action {
                Action::Remove(path) => places.extend(remove(tree, path)?),
                Action::Put { staged, path } => places.push(put(tree, staged_in, staged, path)?),
            }
        }
        // A directory that was removed because a file has its name now cannot be synced
        // on every file system, and need not be: the directory of that file is.
        let files: HashSet<&FilePath> = self.puts().collect();
        places.retain(|place| match &place.path {
            Some(path) => !files.contains(path) && !path.ancestors().any(|a| files.contains(&a)),
            None => true,
        });
        Ok(places)
    }

    fn puts(&self) -> impl Iterator<Item = &FilePath> {
        self.actions.iter().filter_map(|action| match action {
            Action::Put { path, .. } => Some(path),
            Action::Remove(_) => None,
        })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        for action in &self.actions {
            match action {
                Action::Remove(path) => {
                    payload.push(REMOVE);
                    put_bytes(&mut payload, path.as_str().as_bytes());
                }
                Action::Put { staged, path } => {
                    payload.push(PUT);
                    put_bytes(&mut payload, staged.as_bytes());
                    put_bytes(&mut payload, path.as_str().as_bytes());
                }
            }
        }
        payload
    }

    pub(crate) fn decode(payload: &[u8]) -> io::Result<Self> {
        let mut fields = Fields::new(payload);
        let mut actions = Vec::new();
        while !fields.is_empty() {
            actions.push(match fields.byte()? {
                REMOVE => Action::Remove(path(fields.text()?)?),
                PUT => Action::Put {
                    staged: staged_name(fields.text()?)?,
                    path: path(fields.text()?)?,
                },
                _ => return Err(malformed()),
            });
        }
        Ok(Self { actions })
    }
}

/// Anything else could name the lock of the session, or what is not in its
/// directory.
fn staged_name(text: &str) -> io::Result<String> {
    match unique::is_name(text) {
        true => Ok(text.to_owned()),
        false => Err(malformed()),
    }
}

fn path(text: &str) -> io::Result<FilePath> {
    FilePath::new(text).map_err(|_| malformed())
}

fn remove<D: Directory>(tree: &Tree<D>, path: &FilePath) -> io::Result<Option<Place<D>>> {
    let place = match tree.enter(path) {
        Ok(Some(place)) => place,
        // Its directory may have made room for a file already.
        Ok(None) | Err(NoWay::Blocked(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let stat = place.directory.stat(path.name())?;
    if stat.is_some_and(|stat| stat.kind == Kind::File) {
        match place.directory.remove_file(path.name()) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(Some(place))
}

fn put<D: Directory>(
    tree: &Tree<D>,
    staged_in: &[&D],
    staged: &str,
    path: &FilePath,
) -> io::Result<Place<D>> {
    let mut place = tree.make(path)?;
    tree.anchor(&mut place)?;
    let Some(staged_in) = find_staged(staged_in, staged)? else {
        return Ok(place);
    };
    if is_directory(&*place.directory, path.name()) {
        tree.remove_empty(&place.directory, path)?;
    }
    staged_in.rename(staged, &place.directory, path.name())?;
    Ok(place)
}

/// The directory that a file is staged in; `None` if it has its place already.
fn find_staged<'a, D: Directory>(staged_in: &[&'a D], name: &str) -> io::Result<Option<&'a D>> {
    for directory in staged_in {
        match directory.stat(name)?.map(|stat| stat.kind) {
            None => {}
            Some(Kind::File) => return Ok(Some(directory)),
            Some(_) => return Err(malformed()),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_survives_its_record() {
        let path = |text| FilePath::new(text).expect("valid");
        let script = Script::new(vec![
            Action::Put {
                staged: unique::name(),
                path: path("dir/file"),
            },
            Action::Remove(path("gone")),
        ]);
        assert_eq!(script.actions[0], Action::Remove(path("gone")));
        let decoded = Script::decode(&script.encode()).expect("whole");
        assert_eq!(decoded, script);
        assert!(Script::decode(&[9]).is_err());
        assert!(Script::decode(&script.encode()[..20]).is_err());
    }

    #[test]
    fn a_record_names_nothing_but_what_is_staged() {
        for staged in ["", ".", "lock", "journal-0", "a/b", "../../../state"] {
            let action = Action::Put {
                staged: staged.to_owned(),
                path: FilePath::new("file").expect("valid"),
            };
            let record = Script::new(vec![action]).encode();
            assert!(Script::decode(&record).is_err(), "{staged}");
        }
    }
}
