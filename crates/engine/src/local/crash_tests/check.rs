//! Looking at what a cut has left, as a client would.

use crate::local::Local;
use crate::local::sim::{SimDirectory, SimDisk};
use crate::local::testing::{Contents, contents, open, sessions_left, write};

/// Opens what is left, and returns what it holds if that is allowed.
pub(super) fn holds(state: &SimDisk, allowed: &[Contents]) -> Result<Contents, String> {
    look(&state.snapshot(), allowed)
}

/// The same, and goes on as a client would.
pub(super) fn check(state: &SimDisk, allowed: &[Contents]) -> Result<Contents, String> {
    let disk = state.snapshot();
    let volume = open(&disk).map_err(|error| format!("it cannot be opened: {error}"))?;
    let found = read(&volume, allowed)?;
    let more = write("after", b"the volume still works");
    volume
        .commit(more.into())
        .map_err(|error| format!("the next commit failed: {error}"))?;
    drop(volume);
    let mut expected = found.clone();
    expected.insert("after".to_owned(), b"the volume still works".to_vec());
    look(&disk, &[expected]).map_err(|what| format!("opened again: {what}"))?;
    Ok(found)
}

fn look(disk: &SimDisk, allowed: &[Contents]) -> Result<Contents, String> {
    let volume = open(disk).map_err(|error| format!("it cannot be opened: {error}"))?;
    let found = read(&volume, allowed)?;
    drop(volume);
    let sessions = sessions_left(disk);
    match sessions.is_empty() {
        true => Ok(found),
        false => Err(format!("left behind: {sessions:?}")),
    }
}

fn read(volume: &Local<SimDirectory>, allowed: &[Contents]) -> Result<Contents, String> {
    let found = contents(volume).map_err(|error| error.to_string())?;
    is_allowed(&found, allowed)?;
    Ok(found)
}

pub(super) fn is_allowed(found: &Contents, allowed: &[Contents]) -> Result<(), String> {
    match allowed.contains(found) {
        true => Ok(()),
        false => Err(format!(
            "found {}, allowed {}",
            show(found),
            allowed.iter().map(show).collect::<Vec<_>>().join(" or ")
        )),
    }
}

fn show(contents: &Contents) -> String {
    let files = contents.iter().map(|(path, contents)| {
        let start = String::from_utf8_lossy(&contents[..contents.len().min(24)]).into_owned();
        format!("{path}: {} bytes {start:?}", contents.len())
    });
    format!("{{{}}}", files.collect::<Vec<_>>().join(", "))
}
