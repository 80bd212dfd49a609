//! Files by their paths. Contents are shared, not copied.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whole files. A clone shares their contents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files(BTreeMap<String, Contents>);

/// Bytes that are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents(Arc<[u8]>);

impl Contents {
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Files {
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(|contents| &contents.0[..])
    }

    pub fn put(&mut self, path: &str, contents: &[u8]) {
        self.0.insert(path.to_owned(), Contents(contents.into()));
    }

    pub fn remove(&mut self, path: &str) {
        self.0.remove(path);
    }

    /// Adds to the end of a file, which is created if need be.
    pub fn append(&mut self, path: &str, more: &[u8]) {
        let mut contents = self.get(path).unwrap_or_default().to_vec();
        contents.extend_from_slice(more);
        self.put(path, &contents);
    }

    pub fn rename(&mut self, source: &str, target: &str) {
        if let Some(contents) = self.0.remove(source) {
            self.0.insert(target.to_owned(), contents);
        }
    }

    /// All paths, each with its contents.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, it)| (path.as_str(), it.bytes()))
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The lengths of all of them.
    pub fn bytes(&self) -> u64 {
        self.0.values().map(|it| it.0.len() as u64).sum()
    }

    /// Those at or under one of `owners`.
    pub fn under(&self, owners: &[String]) -> Files {
        let owned = self.0.iter().filter(|(path, _)| {
            let mut owners = owners.iter();
            owners.any(|owner| is_at_or_under(path, owner))
        });
        Files(owned.map(|(path, it)| (path.clone(), it.clone())).collect())
    }

    /// The paths of which these and `others` have different contents, or only
    /// one of them has a file.
    pub fn differences<'a>(&'a self, others: &'a Files) -> Vec<&'a str> {
        let mut paths: Vec<_> = self.paths().chain(others.paths()).collect();
        paths.sort_unstable();
        paths.dedup();
        paths.retain(|path| self.get(path) != others.get(path));
        paths
    }
}

pub fn is_at_or_under(path: &str, owner: &str) -> bool {
    let rest = path.strip_prefix(owner);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Hexadecimal: kept cases are read by people, too.
impl Serialize for Contents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use std::fmt::Write;
        let mut text = String::with_capacity(2 * self.0.len());
        for byte in self.0.iter() {
            let _ = write!(text, "{byte:02x}");
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Contents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        let pairs = text.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let bytes = bytes.ok_or_else(|| D::Error::custom("not hexadecimal"))?;
        Ok(Self(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owned_is_at_a_path_or_under_it() {
        assert!(is_at_or_under("a/b", "a"));
        assert!(is_at_or_under("a", "a"));
        assert!(!is_at_or_under("ab", "a"));
    }

    #[test]
    fn files_survive_being_kept() {
        let mut files = Files::default();
        files.put("a", &[0, 255, 16]);
        files.put("b/c", b"");
        let text = serde_json::to_string(&files).expect("text");
        assert_eq!(text, r#"{"a":"00ff10","b/c":""}"#);
        let again: Files = serde_json::from_str(&text).expect("files");
        assert_eq!(again, files);
    }
}
