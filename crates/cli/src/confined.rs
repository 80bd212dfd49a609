//! Directories and files inside one directory, reached through no link.
//!
//! What is in an ability's folder may come from anywhere, also its `.ability`: a link there
//! could lead to any file of the machine. This module must never create, change or remove
//! anything through a link, and must never read what is not a file (a pipe has no end).
//!
//! `base` is a directory that the caller trusts; `name` is where in it, with `/`.

use anyhow::{Context, Result, bail};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What other programs put among unpacked files. It stays.
const LEFT_ALONE: [&str; 3] = ["__pycache__", "node_modules", "target"];

/// Makes `name` a directory, with those that it is in.
///
/// # Errors
///
/// If a part of `name` is a link or no directory: it is named, and stays as it is.
pub fn directory(base: &Path, name: &str) -> Result<PathBuf> {
    let mut path = base.to_owned();
    for part in name.split('/').filter(|part| !part.is_empty()) {
        path.push(part);
        if !is_directory(&path)? {
            let created = match fs::create_dir(&path) {
                // Another build was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
                created => created,
            };
            created.with_context(|| format!("{} could not be created", path.display()))?;
        }
    }
    Ok(path)
}

/// An empty directory of this name.
pub fn empty_directory(base: &Path, name: &str) -> Result<PathBuf> {
    let path = within(base, name)?;
    if is_directory(&path)? {
        fs::remove_dir_all(&path)
            .with_context(|| format!("{} could not be emptied", path.display()))?;
    }
    directory(base, name)
}

/// Makes `contents` the file `name`. A link of that name is replaced, and not followed.
pub fn write_if_different(base: &Path, name: &str, contents: &[u8]) -> Result<()> {
    let path = within(base, name)?;
    if read(&path)?.is_some_and(|present| present == contents) {
        return Ok(());
    }
    let staged = path.with_file_name(format!(".{}.new", file_name(name)));
    replace(&staged, &path, contents)
        .with_context(|| format!("{} could not be written", path.display()))
}

/// Replaces the file `path` by a new one of the name `staged`, beside it.
fn replace(staged: &Path, path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let mut file = create(staged)?;
    file.write_all(contents)?;
    drop(file);
    fs::rename(staged, path)
}

/// A new file in place of the file or link that may have this name.
pub fn create(path: &Path) -> std::io::Result<File> {
    remove_file(path)?;
    // Fails if something has the name again; a link is not followed.
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Removes the file or the link of this name, if there is one.
pub fn remove_file(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Whether there is a file, which is no link to one.
pub fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// The contents of a file; none if there is nothing of that name, or no file.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    if !is_file(path) {
        return Ok(None);
    }
    match fs::read(path) {
        Ok(contents) => Ok(Some(contents)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} could not be read", path.display())),
    }
}

/// Makes the directory `name` hold these files, and no others but those of other programs.
pub fn unpack<'a>(
    base: &Path,
    name: &str,
    files: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Result<PathBuf> {
    let directory = directory(base, name)?;
    let mut wanted = Vec::new();
    for (file, contents) in files {
        write_if_different(&directory, file, contents)?;
        wanted.push(directory.join(file));
    }
    remove_others(&directory, &wanted)
        .with_context(|| format!("{} could not be tidied up", directory.display()))?;
    Ok(directory)
}

/// Removes what an older version of this command unpacked.
fn remove_others(directory: &Path, wanted: &[PathBuf]) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if LEFT_ALONE.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        // The type of a link is a link, wherever it leads.
        if entry.file_type()?.is_dir() {
            remove_others(&path, wanted)?;
            // Only if it is empty now.
            let _ = fs::remove_dir(&path);
        } else if !wanted.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The path of `name`, whose directory is made if it is missing.
fn within(base: &Path, name: &str) -> Result<PathBuf> {
    let (parent, file) = name.rsplit_once('/').unwrap_or(("", name));
    Ok(directory(base, parent)?.join(file))
}

fn file_name(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, file)| file)
}

/// Whether there is a directory. What is there and no directory is an error.
fn is_directory(path: &Path) -> Result<bool> {
    let shown = path.display();
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(metadata) if metadata.is_symlink() => bail!(
            "{shown} is a link, and what it leads to was left as it is; remove the link, and run \
             this again"
        ),
        Ok(_) => bail!("{shown} is no directory; remove it, and run this again"),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("{shown} could not be looked at")),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn contents(path: &Path) -> String {
        fs::read_to_string(path).expect("there")
    }

    #[test]
    fn links_in_the_place_of_directories_are_refused() {
        let place = tempfile::tempdir().expect("a directory");
        let outside = tempfile::tempdir().expect("a directory");
        fs::write(outside.path().join("thesis.tex"), "years").expect("written");
        symlink(outside.path(), place.path().join("sdk")).expect("a link");
        fs::create_dir(place.path().join("deep")).expect("created");
        symlink(outside.path(), place.path().join("deep/sdk")).expect("a link");
        symlink("nowhere", place.path().join("dangling")).expect("a link");
        for name in ["sdk", "sdk/python", "deep/sdk", "dangling/x"] {
            let files = || [("a.py", b"1" as &[u8])].into_iter();
            let error = unpack(place.path(), name, files()).expect_err(name);
            assert!(error.to_string().contains("is a link"), "{error}");
            let file = format!("{name}/a.py");
            write_if_different(place.path(), &file, b"1").expect_err(name);
            empty_directory(place.path(), name).expect_err(name);
        }
        let names = fs::read_dir(outside.path()).expect("listed").count();
        assert_eq!(names, 1);
        assert_eq!(contents(&outside.path().join("thesis.tex")), "years");
    }

    #[test]
    fn links_in_the_place_of_files_are_replaced() {
        let place = tempfile::tempdir().expect("a directory");
        let outside = tempfile::tempdir().expect("a directory");
        let victim = outside.path().join("bashrc");
        fs::write(&victim, "mine").expect("written");
        for link in ["a.py", ".a.py.new", "other", "deep/b.py"] {
            let link = place.path().join(link);
            fs::create_dir_all(link.parent().expect("a parent")).expect("created");
            symlink(&victim, link).expect("a link");
        }
        let files = [("a.py", b"1" as &[u8]), ("deep/b.py", b"mine")];
        unpack(place.path(), "", files.into_iter()).expect("unpacked");
        assert_eq!(contents(&victim), "mine");
        assert!(is_file(&place.path().join("a.py")));
        assert!(is_file(&place.path().join("deep/b.py")));
        assert!(!place.path().join("other").exists());
    }

    #[test]
    fn a_pipe_is_not_read() {
        let place = tempfile::tempdir().expect("a directory");
        let pipe = place.path().join("a.py");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("started").success());
        write_if_different(place.path(), "a.py", b"1").expect("written");
        assert_eq!(contents(&pipe), "1");
    }
}
