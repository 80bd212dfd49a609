//! The calls of the interface, as the storage of this thread answers them.

use super::state::State;
use super::{current, locked};
use crate::bindings::batch::{Change, Failure, FileContents, Move, Step};
use crate::bindings::types::{Error, Precondition, Scope};
use std::mem;
use std::sync::Mutex;

/// Makes all changes, or none.
pub(crate) fn commit(steps: &[Step], scope: Scope) -> Result<Vec<Option<String>>, Failure> {
    commit_to(&current(), steps, scope, false)
}

/// The same in one storage. `in_pieces`: no call carried the contents.
pub(super) fn commit_to(
    state: &Mutex<State>,
    steps: &[Step],
    scope: Scope,
    in_pieces: bool,
) -> Result<Vec<Option<String>>, Failure> {
    interfere(state);
    locked(state).commit(steps, scope, in_pieces)
}

/// A batch of one, whose failure is that of its step.
pub(super) fn change(
    state: &Mutex<State>,
    change: Change,
    precondition: Precondition,
    scope: Scope,
    in_pieces: bool,
) -> Result<String, Error> {
    let step = Step {
        change,
        precondition,
    };
    let versions = commit_to(state, &[step], scope, in_pieces).map_err(|failure| failure.error)?;
    Ok(versions.into_iter().flatten().next().unwrap_or_default())
}

/// Lets another writer be faster, if a test has asked for it.
fn interfere(state: &Mutex<State>) {
    let mut before = locked(state);
    let Some(change) = before.interference.pop_front() else {
        return;
    };
    let calls = before.calls;
    let failures = mem::take(&mut before.failures);
    let interference = mem::take(&mut before.interference);
    drop(before);
    change();
    let mut after = locked(state);
    after.calls = calls;
    after.failures = failures;
    after.interference = interference;
}

/// The interface `storage`.
pub(crate) mod storage {
    use super::{
        Change, Error, FileContents, Move, Precondition, Scope, change, current, interfere, locked,
    };
    pub(crate) use crate::bindings::storage::{FileEnd, Snapshot};
    use crate::bindings::types::FileInfo;

    pub(crate) fn exists(path: &str, scope: Scope) -> Result<bool, Error> {
        locked(&current()).read(scope, |volume, _| volume.exists(path))
    }

    pub(crate) fn read(path: &str, scope: Scope) -> Result<Vec<u8>, Error> {
        locked(&current()).read(scope, |volume, limits| volume.contents(path, limits))
    }

    pub(crate) fn read_versioned(path: &str, scope: Scope) -> Result<Snapshot, Error> {
        let state = current();
        let mut state = locked(&state);
        let contents = state.read(scope, |volume, limits| volume.contents(path, limits))?;
        let version = state.versions.of(&contents);
        Ok(Snapshot { contents, version })
    }

    pub(crate) fn stat(path: &str, scope: Scope) -> Result<FileInfo, Error> {
        locked(&current()).read(scope, |volume, _| volume.stat(path))
    }

    pub(crate) fn list(prefix: &str, scope: Scope) -> Result<Vec<String>, Error> {
        locked(&current()).read(scope, |volume, _| volume.list(prefix))
    }

    pub(crate) fn atomic_write(path: &str, contents: &[u8], scope: Scope) -> Result<(), Error> {
        atomic_write_if(path, contents, scope, &Precondition::Any).map(drop)
    }

    pub(crate) fn atomic_write_if(
        path: &str,
        contents: &[u8],
        scope: Scope,
        precondition: &Precondition,
    ) -> Result<String, Error> {
        let write = Change::Write(file(path, contents));
        change(&current(), write, precondition.clone(), scope, false)
    }

    pub(crate) fn append(path: &str, contents: &[u8], scope: Scope) -> Result<(), Error> {
        always(Change::Append(file(path, contents)), scope)
    }

    pub(crate) fn append_if(
        path: &str,
        contents: &[u8],
        scope: Scope,
        end: &FileEnd,
    ) -> Result<(), Error> {
        let state = current();
        interfere(&state);
        locked(&state).append_if(file(path, contents), scope, end)
    }

    pub(crate) fn rename(source: &str, target: &str, scope: Scope) -> Result<(), Error> {
        let (source, target) = (source.to_owned(), target.to_owned());
        always(Change::Rename(Move { source, target }), scope)
    }

    pub(crate) fn delete(path: &str, scope: Scope) -> Result<(), Error> {
        always(Change::Delete(path.to_owned()), scope)
    }

    fn always(made: Change, scope: Scope) -> Result<(), Error> {
        change(&current(), made, Precondition::Any, scope, false).map(drop)
    }

    fn file(path: &str, contents: &[u8]) -> FileContents {
        FileContents {
            path: path.to_owned(),
            contents: contents.to_vec(),
        }
    }
}
