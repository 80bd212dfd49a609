//! What a component is made of, as one hash. componentize-py never makes the
//! same bytes twice; so if nothing has changed, the component stays as it is,
//! and hosts that know it need not compile it again.
//!
//! Must never miss a file that a build could read: what cannot be followed has
//! no hash, and is built each time.

use std::fs;
use std::io::Result;
use std::path::Path;

/// What no build reads.
const LEFT_OUT: [&str; 2] = ["__pycache__", "node_modules"];

/// The hash of the files in some directories, and of what else counts.
pub struct Inputs(blake3::Hasher);

impl Inputs {
    pub fn new(text: &str) -> Self {
        let mut inputs = Self(blake3::Hasher::new());
        inputs.add(text.as_bytes());
        inputs
    }

    /// Adds all files of a directory, but hidden ones and components.
    pub fn directory(&mut self, directory: &Path) -> Result<()> {
        let mut entries: Vec<_> = fs::read_dir(directory)?.collect::<Result<_>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = entry.path();
            if name.starts_with('.') || LEFT_OUT.contains(&&*name) || name.ends_with(".wasm") {
                continue;
            }
            if entry.file_type()?.is_dir() {
                self.add(b"directory");
                self.add(name.as_bytes());
                self.directory(&path)?;
                self.add(b"end");
            } else {
                // The file that a link leads to. A directory is an error: it
                // may lead in a circle.
                self.add(b"file");
                self.add(name.as_bytes());
                self.add(&fs::read(&path)?);
            }
        }
        Ok(())
    }

    pub fn hash(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }

    /// With its length, so that no two sequences are the same bytes.
    fn add(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_counts_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        let hash = |text| {
            let mut inputs = Inputs::new(text);
            inputs.directory(directory.path()).expect("read");
            inputs.hash()
        };
        let write = |name: &str, contents: &str| fs::write(at(name), contents).expect("written");
        fs::create_dir_all(at("package/__pycache__")).expect("created");
        fs::create_dir_all(at(".ability")).expect("created");
        write("main.py", "1");
        let first = hash("a");
        write(".ability/lock", "");
        write("notes.wasm", "");
        write("package/__pycache__/main.pyc", "");
        assert_eq!(first, hash("a"));
        let mut seen = vec![first, hash("b")];
        for (name, contents) in [
            ("main.py", "2"),
            ("package/x.py", ""),
            ("config.json", "{}"),
        ] {
            write(name, contents);
            seen.push(hash("a"));
        }
        fs::rename(at("package/x.py"), at("x.py")).expect("moved");
        seen.push(hash("a"));
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count, "each differs from the others");
    }
}
