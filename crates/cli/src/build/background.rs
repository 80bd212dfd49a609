//! The second component of an ability, `<stem>.background.wasm` beside the output.
//!
//! Must never remove a file that this folder's build did not publish: the record says where
//! and what that was.

use super::folder::Folder;
use super::summary::Published;
use super::{published, step, whole_path};
use crate::confined;
use anyhow::{Context, Result};
use std::path::Path;

const RECORD: &str = "background";

/// Publishes it. One that this folder had, and no longer has, is removed: it would go on
/// running.
pub fn publish(folder: &Folder, built: Option<&Path>, output: &Path) -> Result<Option<Published>> {
    let path = output.with_extension("background.wasm");
    let Some(built) = built else {
        remove(folder, &path)?;
        return Ok(None);
    };
    let published = published(folder, built, &path)?;
    if let Some(record) = record(&path)? {
        confined::write_if_different(folder.own(), RECORD, &record)?;
    }
    Ok(Some(published))
}

fn remove(folder: &Folder, path: &Path) -> Result<()> {
    let recorded = confined::read(&folder.own().join(RECORD))?;
    if recorded.is_none() || recorded != record(path)? {
        return Ok(());
    }
    confined::remove_file(path)
        .with_context(|| format!("{} is out of date and could not be removed", path.display()))?;
    step::note(&format!(
        "Removed {}: there is no background.py any more",
        path.display()
    ));
    let _ = confined::remove_file(&folder.own().join(RECORD));
    Ok(())
}

/// The place and the contents of a component; none if there is no such file.
fn record(path: &Path) -> Result<Option<Vec<u8>>> {
    let Some(contents) = confined::read(path)? else {
        return Ok(None);
    };
    let mut record = whole_path(path)?.into_os_string().into_encoded_bytes();
    record.push(b'\n');
    record.extend(blake3::hash(&contents).to_hex().as_bytes());
    Ok(Some(record))
}
