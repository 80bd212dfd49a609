//! From a built component to the file that a person asked for: whole, or not at
//! all; untouched if it is the same.

use crate::confined;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Refuses, before a long build, what could not be written after it.
pub fn check(output: &Path, ending: &str) -> Result<()> {
    let shown = output.display();
    if output
        .extension()
        .is_none_or(|extension| extension != ending)
    {
        bail!("{shown} does not end with .{ending}, as the name must");
    }
    if output.is_dir() {
        bail!("{shown} is a folder; name a file");
    }
    let parent = parent(output);
    if !parent.is_dir() {
        bail!("there is no folder {}", parent.display());
    }
    Ok(())
}

/// Makes the contents of the file `built` the file `output`. Says whether that
/// changed anything. One build at a time may do so for an ability's folder `root`.
pub fn publish(built: &Path, output: &Path, root: &Path) -> Result<bool> {
    let contents =
        fs::read(built).with_context(|| format!("{} could not be read", built.display()))?;
    publish_contents(&contents, output, root)
}

/// As [`publish`]. What one process at a time does is named by `root`.
pub fn publish_contents(contents: &[u8], output: &Path, root: &Path) -> Result<bool> {
    // A pipe has no end.
    if confined::read(output).is_ok_and(|present| present.as_deref() == Some(contents)) {
        return Ok(false);
    }
    let staged = staged(output, root);
    let published = stage(&staged, contents).and_then(|()| fs::rename(&staged, output));
    if published.is_err() {
        let _ = fs::remove_file(&staged);
    }
    published.with_context(|| {
        format!(
            "{} could not be written; it is as it was before",
            output.display()
        )
    })?;
    Ok(true)
}

fn stage(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let mut file = confined::create(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

/// A name beside the output, of the builds of one folder alone: what a build left that was
/// killed, the next one replaces.
fn staged(output: &Path, root: &Path) -> PathBuf {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let folder = blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex();
    output.with_file_name(format!(".{name}.{}.part", &folder[..8]))
}

/// The folder of a file that may be named without one.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != "" => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_contents_are_left_untouched() {
        let directory = tempfile::tempdir().expect("a directory");
        let [built, output] = ["built", "a.wasm"].map(|name| directory.path().join(name));
        fs::write(&built, "one").expect("written");
        assert!(publish(&built, &output, directory.path()).expect("published"));
        let before = fs::metadata(&output)
            .expect("there")
            .modified()
            .expect("a time");
        assert!(!publish(&built, &output, directory.path()).expect("published"));
        let after = fs::metadata(&output)
            .expect("there")
            .modified()
            .expect("a time");
        assert_eq!(before, after);
        fs::write(&built, "two").expect("written");
        assert!(publish(&built, &output, directory.path()).expect("published"));
        assert_eq!(fs::read(&output).expect("there"), b"two");
        let names = fs::read_dir(directory.path()).expect("listed").count();
        assert_eq!(names, 2, "nothing is left beside the output");
    }

    #[test]
    fn one_who_holds_the_old_file_open_keeps_all_of_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let [built, output] = ["built", "a.wasm"].map(|name| directory.path().join(name));
        fs::write(&output, "the old contents").expect("written");
        let open = fs::File::open(&output).expect("opened");
        fs::write(&built, "new").expect("written");
        publish(&built, &output, directory.path()).expect("published");
        let old = std::io::read_to_string(open).expect("read");
        assert_eq!(old, "the old contents");
    }

    #[test]
    fn what_cannot_be_an_output_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("folder.wasm")).expect("created");
        for (name, reason) in [
            ("notes", "does not end with .wasm"),
            ("folder.wasm", "is a folder"),
            ("absent/notes.wasm", "there is no folder"),
        ] {
            let error = check(&at(name), "wasm").expect_err(name).to_string();
            assert!(error.contains(reason), "{error}");
        }
        check(&at("notes.wasm"), "wasm").expect("it can be written");
        check(Path::new("notes.wasm"), "wasm").expect("here");
    }
}
