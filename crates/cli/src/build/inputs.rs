//! What a component is made of, as one hash. componentize-py never makes the
//! same bytes twice; so if nothing has changed, the component stays as it is,
//! and hosts that know it need not compile it again.
//!
//! Must never miss a file that a build could read: what cannot be followed has
//! no hash, and is built each time.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// Made by Python from what is beside it, whenever it runs.
const COMPILED: &str = "__pycache__";

/// Of a git repository, what says which commit is there. The rest is history.
const OF_GIT: [&str; 4] = ["HEAD", "config", "packed-refs", "refs"];

/// The hash of the files in some directories, and of what else counts.
pub struct Inputs {
    hash: blake3::Hasher,
    left_out: Vec<PathBuf>,
}

impl Inputs {
    pub fn new(text: &str) -> Self {
        let mut inputs = Self {
            hash: blake3::Hasher::new(),
            left_out: Vec::new(),
        };
        inputs.add(text.as_bytes());
        inputs
    }

    /// Leaves out what builds write themselves.
    pub fn leave_out(&mut self, path: PathBuf) {
        self.left_out.push(path);
    }

    /// Adds all files of a directory, hidden ones too.
    ///
    /// # Errors
    ///
    /// If it holds something whose changes cannot be followed, such as a link to a
    /// directory.
    pub fn directory(&mut self, directory: &Path) -> Result<()> {
        let mut entries: Vec<_> = fs::read_dir(directory)?.collect::<Result<_>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let path = entry.path();
            let history = directory.file_name().is_some_and(|parent| parent == ".git")
                && !OF_GIT.iter().any(|part| name == *part);
            if name == COMPILED || history || self.left_out.contains(&path) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                self.add(b"directory");
                self.add(name.as_encoded_bytes());
                self.directory(&path)?;
                self.add(b"end");
            } else {
                self.add(b"file");
                self.add(name.as_encoded_bytes());
                self.file(&path)?;
            }
        }
        Ok(())
    }

    /// Adds a file, or that to which a link leads.
    fn file(&mut self, path: &Path) -> Result<()> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => {
                let mut contents = blake3::Hasher::new();
                contents.update_reader(File::open(path)?)?;
                self.add(contents.finalize().as_bytes());
                Ok(())
            }
            // A directory may lead in a circle, and a pipe has no end.
            Ok(_) => Err(Error::other("it cannot be followed")),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Editors mark the files that are open by links that lead nowhere.
                self.add(fs::read_link(path)?.as_os_str().as_encoded_bytes());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    pub fn hash(&self) -> String {
        self.hash.finalize().to_hex().to_string()
    }

    /// With its length, so that no two sequences are the same bytes.
    fn add(&mut self, bytes: &[u8]) {
        self.hash.update(&(bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
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
            inputs.leave_out(at(".ability"));
            inputs.leave_out(at("a.wasm"));
            inputs.directory(directory.path()).expect("read");
            inputs.hash()
        };
        let write = |name: &str, contents: &str| fs::write(at(name), contents).expect("written");
        for directory in [
            "package/__pycache__",
            ".ability",
            ".git/objects",
            ".git/refs",
        ] {
            fs::create_dir_all(at(directory)).expect("created");
        }
        write("main.py", "1");
        let first = hash("a");
        write(".ability/lock", "");
        write("a.wasm", "");
        write(".git/objects/1", "");
        write(".git/index", "");
        write("package/__pycache__/main.pyc", "");
        assert_eq!(first, hash("a"));
        let mut seen = vec![first, hash("b")];
        for (name, contents) in [
            ("main.py", "2"),
            ("package/x.py", ""),
            ("config.json", "{}"),
            (".motd", "hello"),
            ("package/.hidden", ""),
            ("data.wasm", ""),
            ("package/a.wasm", ""),
            (".git/HEAD", "ref: refs/main"),
            (".git/refs/main", "1"),
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

    #[cfg(unix)]
    #[test]
    fn links_are_followed_to_files_only() {
        use std::os::unix::fs::symlink;
        let place = tempfile::tempdir().expect("a directory");
        let at = |name: &str| place.path().join(name);
        fs::create_dir(at("a")).expect("created");
        fs::write(at("data"), "1").expect("written");
        symlink("../data", at("a/data")).expect("a link");
        symlink("nowhere", at("a/.#main.py")).expect("a link");
        let hash = || {
            let mut inputs = Inputs::new("");
            inputs.directory(&at("a")).map(|()| inputs.hash())
        };
        let first = hash().expect("read");
        fs::write(at("data"), "2").expect("written");
        assert_ne!(hash().expect("read"), first);
        symlink("..", at("a/up")).expect("a link");
        hash().expect_err("it may lead in a circle");
        fs::remove_file(at("a/up")).expect("removed");
        let pipe = std::process::Command::new("mkfifo")
            .arg(at("a/pipe"))
            .status();
        assert!(pipe.expect("started").success());
        hash().expect_err("it has no end");
    }
}
