//! What a directory holds that is no file of any volume, so that a copy leaves it out.

use super::PRIVATE_DIR;
use ability_storage::{FilePath, VolumeId};
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

const LINK: &str = "it is a symbolic link";

/// Something that is not copied, by its path from the root, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub path: String,
    pub reason: String,
}

/// What is in the root at `root` besides the files of its volumes. Empty directories are
/// nothing that could be copied.
pub fn left_out(root: &Path) -> Vec<LeftOut> {
    let mut found = Finder { found: Vec::new() };
    found.look_into(root, "", |finder, entry, name| {
        let at = entry.path();
        match name {
            VolumeId::USER | VolumeId::ABILITIES if at.is_symlink() => finder.note(name, LINK),
            VolumeId::USER if at.is_dir() => finder.look_into_volume(&at, name),
            VolumeId::ABILITIES if at.is_dir() => finder.look_at_abilities(&at),
            _ => finder.note(name, "it is in no volume"),
        }
    });
    found.found
}

struct Finder {
    found: Vec<LeftOut>,
}

impl Finder {
    fn note(&mut self, path: &str, reason: impl Into<String>) {
        self.found.push(LeftOut {
            path: path.to_owned(),
            reason: reason.into(),
        });
    }

    fn look_at_abilities(&mut self, directory: &Path) {
        self.look_into(directory, VolumeId::ABILITIES, |finder, entry, name| {
            let path = format!("{}/{name}", VolumeId::ABILITIES);
            if entry.path().is_symlink() {
                finder.note(&path, LINK);
            } else if !entry.path().is_dir() {
                finder.note(&path, "it is in no volume");
            } else if let Err(error) = VolumeId::ability(name) {
                let reason = error.reason();
                finder.note(
                    &path,
                    format!("its name cannot be the id of an ability: {reason}"),
                );
            } else {
                finder.look_into_volume(&entry.path(), &path);
            }
        });
    }

    fn look_into_volume(&mut self, directory: &Path, volume: &str) {
        self.look_into(directory, volume, |finder, entry, name| {
            if name != PRIVATE_DIR {
                finder.look_at(entry, volume, name);
            }
        });
    }

    /// Looks at what has `path` in a volume.
    fn look_at(&mut self, entry: &DirEntry, volume: &str, path: &str) {
        let from_root = format!("{volume}/{path}");
        if let Err(error) = FilePath::new(path) {
            let reason = error.reason();
            return self.note(&from_root, format!("no file may be named so: {reason}"));
        }
        match entry.file_type() {
            Err(error) => self.note(&from_root, format!("it cannot be looked at: {error}")),
            Ok(kind) if kind.is_file() => {}
            Ok(kind) if kind.is_dir() => {
                self.look_into(&entry.path(), &from_root, |finder, entry, name| {
                    finder.look_at(entry, volume, &format!("{path}/{name}"));
                });
            }
            Ok(kind) if kind.is_symlink() => self.note(&from_root, LINK),
            Ok(_) => self.note(&from_root, "it is neither a file nor a directory"),
        }
    }

    /// Does `each` for what is in a directory whose path from the root is `path`, in the order
    /// of the names.
    fn look_into(
        &mut self,
        directory: &Path,
        path: &str,
        mut each: impl FnMut(&mut Self, &DirEntry, &str),
    ) {
        let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.note(path, format!("it cannot be listed: {error}")),
        };
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            match entry.file_name().to_str() {
                Some(name) => each(self, &entry, name),
                None => {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    let path = Path::new(path).join(name);
                    self.note(&path.to_string_lossy(), "its name is not UTF-8");
                }
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn all_that_no_volume_has_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        let put = |path: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("above")).expect("created");
            fs::write(path, b"x").expect("written");
        };
        for path in [
            "abilities/notes/.ability-storage/log/x",
            "abilities/notes/fine.md",
            "abilities/notes/deep/er/fine.md",
            "user/fine",
            "README",
            "abilities/notes/notes: today.md",
            "abilities/notes/deep/draft.",
            "abilities/bad: id/file",
            "abilities/loose",
            "other/file",
        ] {
            put(path);
        }
        fs::create_dir(root.join("abilities/notes/empty")).expect("created");
        std::os::unix::fs::symlink("fine", root.join("user/link")).expect("linked");
        let strange = std::ffi::OsString::from_vec(b"caf\xe9".to_vec());
        fs::write(root.join("user").join(strange), b"x").expect("written");
        let socket = std::os::unix::net::UnixListener::bind(root.join("user/socket"));
        let _socket = socket.expect("bound");

        let found = left_out(root);
        let paths: Vec<&str> = found.iter().map(|left| left.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "README",
                "abilities/bad: id",
                "abilities/loose",
                "abilities/notes/deep/draft.",
                "abilities/notes/notes: today.md",
                "other",
                "user/caf\u{fffd}",
                "user/link",
                "user/socket",
            ]
        );
        let reason = |path: &str| {
            let left = found.iter().find(|left| left.path == path);
            left.map_or("", |left| left.reason.as_str())
        };
        assert!(reason("user/link").contains("symbolic link"));
        assert!(reason("abilities/bad: id").contains("cannot be the id"));
        assert!(reason("user/caf\u{fffd}").contains("UTF-8"));
    }
}
