//! Two spellings of one name in a batch, where the file system ignores case or normal forms.

use super::super::directory::Directory;
use super::super::locks::lock_key;
use super::super::writer::Writer;
use crate::{Error, FilePath, Result};
use std::collections::HashMap;
use std::io;

impl<D: Directory> Writer<D> {
    /// Refuses a commit over two spellings that the file system may take for one file: what
    /// its steps mean together is not known.
    pub(super) fn check_spellings(&self, paths: &[FilePath]) -> Result<()> {
        let mut seen: HashMap<String, &FilePath> = HashMap::new();
        for path in paths {
            let Some(other) = seen.insert(lock_key(path), path) else {
                continue;
            };
            let ignored = self.ignores_spelling(path);
            if ignored.map_err(|error| Error::not_changed(path, error))? {
                let reason = format!(
                    "{other} may be the same file on this file system; change them in two commits"
                );
                return Err(Error::NotAFile {
                    path: path.clone(),
                    reason,
                });
            }
        }
        Ok(())
    }

    /// Whether a directory on the way to `path` ignores case, as far as they are there.
    fn ignores_spelling(&self, path: &FilePath) -> io::Result<bool> {
        let tree = &self.reader.tree;
        if tree.root().ignores_case()? {
            return Ok(true);
        }
        for ancestor in path.ancestors() {
            match tree.find_directory(&ancestor)? {
                Some(directory) if directory.ignores_case()? => return Ok(true),
                Some(_) => {}
                None => break,
            }
        }
        Ok(false)
    }
}
