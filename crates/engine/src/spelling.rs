//! Which name a directory has on a file system that takes several names for one.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use unicode_normalization::UnicodeNormalization;

/// The name under which `parent` has its entry `name`, if that is another one: the file system
/// ignores case then. `None` if it is the same, or if there is no such entry.
pub(crate) fn other_spelling(parent: &Path, name: &str) -> io::Result<Option<String>> {
    if !may_be_spelled_otherwise(parent, name)? {
        return Ok(None);
    }
    // Some file systems keep the letters of a name in another form.
    let normal = |name: &str| name.nfc().collect::<String>();
    let wanted = normal(name);
    let folded = wanted.to_lowercase();
    let mut other = None;
    for entry in fs::read_dir(parent)? {
        let Ok(found) = entry?.file_name().into_string() else {
            continue;
        };
        let found_normal = normal(&found);
        if found_normal == wanted {
            return Ok(None);
        }
        if found_normal.to_lowercase() == folded {
            other = Some(found);
        }
    }
    Ok(other)
}

/// Whether the directory has to be listed to find out: the name in other letters leads
/// somewhere, too, or has no letters of which that can be asked.
fn may_be_spelled_otherwise(parent: &Path, name: &str) -> io::Result<bool> {
    let swapped: String = name
        .chars()
        .map(|letter| match letter.is_ascii_lowercase() {
            true => letter.to_ascii_uppercase(),
            false => letter.to_ascii_lowercase(),
        })
        .collect();
    if swapped == name {
        return Ok(!name.is_ascii());
    }
    match fs::symlink_metadata(parent.join(swapped)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        other => other.map(|_| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_there_is_no_other_spelling() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for name in ["Todo", "TODO", "42", "Größe"] {
            let path = directory.path().join(name);
            // Where case is ignored, the second is there already.
            let _ = fs::create_dir(path);
        }
        for name in ["Todo", "42", "Größe", "absent"] {
            let other = other_spelling(directory.path(), name).expect("listed");
            assert_eq!(other, None, "{name}");
        }
        // What the file system would have given out for `todo` if it ignored case.
        let other = other_spelling(directory.path(), "todo").expect("listed");
        assert!(other.is_some_and(|other| other.eq_ignore_ascii_case("todo")));
    }
}
