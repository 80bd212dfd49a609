//! The directory of this run's cluster.
//!
//! Must never remove what belongs to a run that goes on.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

const PREFIX: &str = "cluster-";

/// A directory below `state`, named after this process. Those whose process has ended
/// without removing them are removed.
pub fn make(state: &Path) -> Result<PathBuf> {
    let unusable = || format!("cannot use {}", state.display());
    fs::create_dir_all(state).with_context(unusable)?;
    for entry in fs::read_dir(state).with_context(unusable)? {
        let entry = entry.with_context(unusable)?;
        if is_abandoned(&entry.file_name().to_string_lossy()) {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
    }
    Ok(state.join(format!("{PREFIX}{}", process::id())))
}

fn is_abandoned(name: &str) -> bool {
    let process = name.strip_prefix(PREFIX);
    let process = process.and_then(|id| id.parse::<u32>().ok());
    process.is_some_and(|id| id == process::id() || !Path::new(&format!("/proc/{id}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_process_left_that_is_gone_is_abandoned() {
        assert!(is_abandoned("cluster-4194305"));
        assert!(!is_abandoned("cluster-1"));
        assert!(!is_abandoned("cluster-"));
        assert!(!is_abandoned("results"));
    }
}
