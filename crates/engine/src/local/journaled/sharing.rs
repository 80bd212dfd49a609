//! That all who have the volume open at a time do it in the same way: sessions that
//! publish each commit in the files, and sessions with a journal, know nothing of each
//! other's locks. The first to open a volume decides; who comes later does as it does.

use super::super::directory::{Directory, unless_absent};
use super::super::locks::Locks;
use super::super::tree::Tree;
use super::logs::REDO;
use super::{settle, turn};
use std::io;
use std::sync::Arc;

const PLAIN: &str = "plain";
const JOURNALED: &str = "journaled";

/// Other spellings of a name must be other names, for the view is by path.
const SUPPORTED: bool = cfg!(all(unix, not(target_vendor = "apple")));

/// How a session has the volume open. As long as it does, it keeps the lock.
pub(crate) enum Mode<L> {
    Plain(L),
    Journaled(L),
}

/// Finds out how the volume is to be opened, after finishing what sessions with a
/// journal left. Whether there was anything. The caller has the gate of the sessions.
pub(crate) fn enter<D: Directory>(
    tree: &Tree<D>,
    private: &D,
    locks: &Locks<D>,
    journaled: bool,
) -> io::Result<(Mode<D::Lock>, bool)> {
    if !locks.is_free(JOURNALED)? {
        return Ok((Mode::Journaled(locks.share(JOURNALED)?), false));
    }
    if !locks.is_free(PLAIN)? {
        if journaled {
            tracing::info!("others have the volume open without a journal; so is this session");
        }
        return Ok((Mode::Plain(locks.share(PLAIN)?), false));
    }
    let mut recovered = false;
    if let Some(redo) = unless_absent(private.open_dir(REDO))? {
        turn::reset(&redo)?;
        recovered = settle::recover(tree, &Arc::new(redo))?;
    }
    let mode = if journaled && SUPPORTED && has_exact_names(tree.root())? {
        Mode::Journaled(locks.share(JOURNALED)?)
    } else {
        Mode::Plain(locks.share(PLAIN)?)
    };
    Ok((mode, recovered))
}

/// Whether the file system tells upper case from lower case.
fn has_exact_names<D: Directory>(root: &D) -> io::Result<bool> {
    Ok(root
        .stat(&crate::path::PRIVATE_DIR.to_uppercase())?
        .is_none())
}
