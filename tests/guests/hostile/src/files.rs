//! What must be in the volume by now: files of which nobody but this guest knows,
//! so that each answer of the host is either right or wrong.

use std::collections::BTreeMap;

/// The default of the host.
const MAX_DEPTH: usize = 32;

#[derive(Default)]
pub struct Files(BTreeMap<String, String>);

impl Files {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    pub fn put(&mut self, path: &str, contents: String) {
        self.0.insert(path.to_owned(), contents);
    }

    pub fn remove(&mut self, path: &str) -> Option<String> {
        self.0.remove(path)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(path, contents)| (path.as_str(), contents.as_str()))
    }

    /// The first path, in the order of bytes, that is at or after `path`.
    pub fn near(&self, path: &str) -> Option<&str> {
        let after = self.0.range(path.to_owned()..).next();
        after
            .or_else(|| self.0.iter().next())
            .map(|(path, _)| path.as_str())
    }

    /// What `list` answers for a directory, or for a file.
    pub fn under(&self, directory: &str) -> Vec<&str> {
        let start = format!("{directory}/");
        let is_under = |path: &&str| *path == directory || path.starts_with(&start);
        self.iter().map(|(path, _)| path).filter(is_under).collect()
    }

    /// Whether a file that would be allowed cannot be here: something else is in
    /// its way, or it is too deep.
    pub fn has_no_room_for(&self, path: &str) -> bool {
        let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
        let is_directory = self.under(path).iter().any(|found| *found != path);
        is_directory
            || above.any(|directory| self.0.contains_key(directory))
            || path.split('/').count() > MAX_DEPTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_no_directory() {
        let mut files = Files::default();
        files.put("a/b", "x".to_owned());
        assert!(files.has_no_room_for("a"));
        assert!(files.has_no_room_for("a/b/c"));
        assert!(!files.has_no_room_for("a/b"));
        assert!(!files.has_no_room_for("a/c"));
        assert_eq!(files.under("a"), ["a/b"]);
        assert_eq!(files.near("a/c"), Some("a/b"));
    }
}
