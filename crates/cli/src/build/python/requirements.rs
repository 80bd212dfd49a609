//! All that decides what pip installs for a requirements.txt, as one hash: the file, and
//! the files that it names.
//!
//! Must never miss a file that pip reads: what cannot be followed (a local package, a file
//! of another server, a variable) has no hash, and is installed at each build.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Options that name another file of requirements or constraints.
const FILES: [&str; 4] = ["-r", "--requirement", "-c", "--constraint"];

/// Options that name no file, and those of one package, with `=` and a value.
const PLAIN: [&str; 9] = [
    "-i",
    "--index-url",
    "--extra-index-url",
    "--no-index",
    "--pre",
    "--prefer-binary",
    "--only-binary",
    "--require-hashes",
    "--hash",
];

/// What decides what is installed.
pub enum Pins {
    /// There is no such file, so nothing is.
    Nothing,
    Hash(String),
    /// It is not known whether anything has changed.
    Unknown,
}

/// What the file `requirements` asks for.
pub fn pins(requirements: &Path) -> Result<Pins> {
    pins_with(requirements, std::env::vars_os())
}

fn pins_with(
    requirements: &Path,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Pins> {
    match fs::metadata(requirements) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Pins::Nothing),
        _ => {}
    }
    let mut followed = Followed::default();
    let known = followed.environment(variables) && followed.file(requirements)?;
    Ok(match known {
        true => Pins::Hash(followed.hash.finalize().to_hex().to_string()),
        false => Pins::Unknown,
    })
}

#[derive(Default)]
struct Followed {
    hash: blake3::Hasher,
    seen: BTreeSet<PathBuf>,
}

impl Followed {
    /// Variables can change what pip does, and name files. Says whether all is known.
    fn environment(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) -> bool {
        let mut variables: Vec<_> = variables
            .filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PIP_"))
            .collect();
        variables.sort();
        for (name, value) in &variables {
            self.add(name.as_encoded_bytes());
            self.add(value.as_encoded_bytes());
        }
        // PIP_FIND_LINKS names a place where packages come from, as an index does.
        let files = ["PIP_REQUIREMENT", "PIP_CONSTRAINT"];
        !variables
            .iter()
            .any(|(name, _)| files.iter().any(|file| name == file))
    }

    /// Adds a file and those that it names. Says whether all of them are known.
    fn file(&mut self, file: &Path) -> Result<bool> {
        if !self.seen.insert(file.to_owned()) {
            return Ok(true);
        }
        let metadata = fs::metadata(file);
        if metadata.is_ok_and(|metadata| !metadata.is_file()) {
            // A pipe has no end.
            return Ok(false);
        }
        let contents = match fs::read(file) {
            Ok(contents) => contents,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => {
                return Err(error).with_context(|| format!("{} could not be read", file.display()));
            }
        };
        self.add(&contents);
        let Ok(text) = std::str::from_utf8(&contents) else {
            return Ok(false);
        };
        for line in lines(text.trim_start_matches('\u{feff}')) {
            match named(&line) {
                None => return Ok(false),
                Some(files) => {
                    for name in files {
                        if !self.file(&file.with_file_name(name))? {
                            return Ok(false);
                        }
                    }
                }
            }
        }
        Ok(true)
    }

    /// With its length, so that no two sequences are the same bytes.
    fn add(&mut self, bytes: &[u8]) {
        self.hash.update(&(bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
    }
}

/// The lines as pip reads them: joined after a backslash, without comments.
fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut joined = String::new();
    for line in text.lines() {
        match line.strip_suffix('\\') {
            Some(begin) if !line.trim_start().starts_with('#') => joined.push_str(begin),
            _ => {
                joined.push_str(line);
                lines.push(without_comment(&joined).trim().to_owned());
                joined.clear();
            }
        }
    }
    lines.push(without_comment(&joined).trim().to_owned());
    lines.retain(|line| !line.is_empty());
    lines
}

fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, character) in line.char_indices() {
        if character == '#' && before.is_whitespace() {
            return &line[..at];
        }
        before = character;
    }
    line
}

/// The files of requirements and constraints that a line names; none if it may name
/// something else, whose changes would not be noticed.
fn named(line: &str) -> Option<Vec<&str>> {
    if line.contains("${") {
        return None;
    }
    let mut words = line.split_whitespace().peekable();
    if !line.starts_with('-') {
        let package = line.split(" -").next().unwrap_or_default();
        if !is_package(package) {
            return None;
        }
        while words.peek().is_some_and(|word| !word.starts_with('-')) {
            words.next();
        }
    }
    let mut files = Vec::new();
    while let Some(word) = words.next() {
        let option = Flag::of(word)?;
        if option.names_file {
            let file = match option.value {
                Some(file) => file,
                None => words.next()?,
            };
            if file.is_empty() || file.contains("://") || file.contains(['"', '\'', '\\']) {
                return None;
            }
            files.push(file);
        } else if option.value.is_none() {
            while words.peek().is_some_and(|word| !word.starts_with('-')) {
                words.next();
            }
        }
    }
    Some(files)
}

/// A name with versions and markers, or with the address of another server.
fn is_package(text: &str) -> bool {
    let begins_with_name = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    let (specifier, marker) = text.split_once(';').unwrap_or((text, ""));
    let is_remote = ["https://", "http://"].iter().any(|scheme| {
        specifier.starts_with(scheme)
            || specifier
                .split_once('@')
                .is_some_and(|(_, url)| url.trim().starts_with(scheme))
    });
    let local = |text: &str| text.contains(['/', '\\', '@']) || ends_as_archive(text);
    begins_with_name && (is_remote || !local(specifier)) && !marker.contains("file:")
}

/// pip takes a name that ends so for a file.
fn ends_as_archive(text: &str) -> bool {
    let text = text.trim_end().to_ascii_lowercase();
    [
        ".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz",
    ]
    .iter()
    .any(|ending| text.ends_with(ending))
}

/// An option of a line.
struct Flag<'a> {
    names_file: bool,
    /// In the same word.
    value: Option<&'a str>,
}

impl<'a> Flag<'a> {
    fn of(word: &'a str) -> Option<Self> {
        let (name, value) = match word.strip_prefix("--") {
            Some(_) => match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word, None),
            },
            // `-rmore.txt`; a letter takes two bytes with its hyphen.
            None if word.is_char_boundary(2) && word.len() > 2 => {
                let value = &word[2..];
                (&word[..2], Some(value))
            }
            None => (word, None),
        };
        let names_file = FILES.contains(&name);
        (names_file || PLAIN.contains(&name)).then_some(Self { names_file, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(file: &Path) -> Result<Pins> {
        pins_with(file, std::iter::empty())
    }

    fn hash(directory: &Path) -> Option<String> {
        match known(&directory.join("requirements.txt")).expect("read") {
            Pins::Hash(hash) => Some(hash),
            Pins::Nothing | Pins::Unknown => None,
        }
    }

    #[test]
    fn a_change_in_a_file_that_is_named_counts() {
        for line in [
            "-r more.txt",
            "-rmore.txt",
            "-r\tmore.txt # why",
            "--requirement more.txt",
            "--requirement=more.txt",
            "-c more.txt",
            "-cmore.txt",
            "--constraint=more.txt",
            "--constraint \\\nmore.txt",
            "\u{feff}-r more.txt",
        ] {
            let directory = tempfile::tempdir().expect("a directory");
            let write = |name: &str, text: &str| {
                fs::create_dir_all(directory.path().join("deep")).expect("created");
                fs::write(directory.path().join(name), text).expect("written");
            };
            write("requirements.txt", &format!("{line}\nsix\n"));
            // They name each other, and each from its own directory.
            write("more.txt", "-r requirements.txt\n-rdeep/most.txt\n");
            write("deep/most.txt", "idna<3\n");
            let first = hash(directory.path()).expect(line);
            assert_eq!(hash(directory.path()).as_ref(), Some(&first), "{line}");
            write("deep/most.txt", "idna<4\n");
            assert_ne!(hash(directory.path()).expect(line), first, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_installed_each_time() {
        for line in [
            "./greeting-1.0-py3-none-any.whl",
            "greeting-1.0-py3-none-any.whl",
            "wheels/greeting",
            "greeting @ file:///tmp/greeting",
            "greeting @ ./greeting",
            "-e .",
            "-f wheels",
            "--find-links=wheels",
            "-r https://example.org/requirements.txt",
            "-r absent.txt",
            "-r \"with space.txt\"",
            "--requirem more.txt",
            "-r ${MORE}",
        ] {
            let directory = tempfile::tempdir().expect("a directory");
            let file = directory.path().join("requirements.txt");
            fs::write(&file, format!("six\n{line}\n")).expect("written");
            assert!(matches!(known(&file), Ok(Pins::Unknown)), "{line}");
        }
    }

    #[test]
    fn packages_are_known() {
        for line in [
            "six",
            "six==1.16.0",
            "six[extra]>=1, <2 ; python_version < \"3.15\"",
            "six==1.16.0 --hash=sha256:abc --hash=sha256:def",
            "six @ https://example.org/six.whl",
            "https://example.org/six.whl",
            "# -r absent.txt",
            "--index-url https://example.org/simple",
            "-i https://example.org/simple",
            "",
        ] {
            let directory = tempfile::tempdir().expect("a directory");
            let file = directory.path().join("requirements.txt");
            fs::write(&file, line).expect("written");
            assert!(matches!(known(&file), Ok(Pins::Hash(_))), "{line}");
        }
        let absent = known(Path::new("/absent/requirements.txt"));
        assert!(matches!(absent, Ok(Pins::Nothing)));
    }

    #[test]
    fn variables_count_and_may_name_files() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("requirements.txt");
        fs::write(&file, "six").expect("written");
        let with = |name: &str, value: &str| {
            let variable = (OsString::from(name), OsString::from(value));
            match pins_with(&file, std::iter::once(variable)).expect("read") {
                Pins::Hash(hash) => Some(hash),
                Pins::Nothing | Pins::Unknown => None,
            }
        };
        let first = with("PIP_INDEX_URL", "https://one.example");
        assert!(first.is_some());
        assert_ne!(with("PIP_INDEX_URL", "https://two.example"), first);
        assert_eq!(with("HOME", "/a"), with("HOME", "/b"));
        assert_eq!(with("PIP_CONSTRAINT", "limits.txt"), None);
    }
}
