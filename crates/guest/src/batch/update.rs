//! `update_batch`: a batch that is made again if anyone else was faster.
//!
//! Must never make a batch again that may have been committed.

use super::{Batch, BatchError};
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::update::Attempts;

/// Changes several files together, such that no change of anyone else is lost.
///
/// `change` gets an empty [`Batch`], reads with [`Batch::read`] what its steps depend on, and
/// adds the steps. They are committed if every file that was read is still as it was; else
/// all is done again with a new batch, after a short random pause. So `change` may be called
/// several times, and should do nothing but compute. After a minute of that it gives up.
/// Returns what `change` returned.
///
/// # Errors
///
/// What `change` returns: nothing is written then. [`Error::Conflict`] if other writers were
/// faster each time. Else as [`Batch::commit`]. After [`Error::Unconfirmed`] all of the change
/// is in the files, or may be: to call this again could make it twice. Read the files first.
///
/// ```no_run
/// use ability_storage_guest::{Counter, Error, Scope, update_batch};
///
/// // The ticket, and the list of the open ones: never one without the other.
/// let tickets = Counter::new("tickets.txt", Scope::User);
/// let number = update_batch(Scope::User, |batch| {
///     let number = tickets.next_in(batch)?;
///     let mut open = batch.read("open.txt")?.unwrap_or_default();
///     open.extend_from_slice(format!("{number}\n").as_bytes());
///     batch.write("open.txt", open);
///     Ok::<_, Error>(number)
/// })?;
/// # Ok::<(), Error>(())
/// ```
pub fn update_batch<R, E: From<Error>>(
    scope: Scope,
    mut change: impl FnMut(&mut Batch) -> Result<R, E>,
) -> Result<R, E> {
    let mut attempts = Attempts::begin();
    loop {
        let mut batch = Batch::new(scope);
        batch.is_lent = true;
        let result = change(&mut batch)?;
        match batch.commit_all() {
            Ok(_) => return Ok(result),
            // With a step, it is a condition of the author's own.
            Err(BatchError {
                step: None,
                error: Error::Conflict { .. },
            }) if attempts.pause() => {}
            Err(failure) => return Err(failure.error.into()),
        }
    }
}
