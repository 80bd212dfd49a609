//! What the system says through the seam. What needs root is skipped without it.

use super::super::directory::{Directory, FileHandle, Kind, Lock, SPOILED_MARK};
use super::super::durability::Durability;
use super::CapDirectory;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn open(path: &Path) -> CapDirectory {
    CapDirectory::open(path, Durability::Full).expect("opened")
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_listed_as_something_else() {
    use std::os::unix::ffi::OsStrExt;
    let temp = temporary();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs::write(temp.path().join(name), b"x").expect("written");
    let entries = open(temp.path()).entries().expect("listed");
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].kind, Kind::Other);
    assert_eq!(entries[0].name, "caf\u{fffd}");
}

#[test]
fn kinds_of_entries_are_told() {
    let temp = temporary();
    fs::write(temp.path().join("file"), b"x").expect("written");
    fs::create_dir(temp.path().join("directory")).expect("made");
    std::os::unix::fs::symlink("file", temp.path().join("link")).expect("linked");
    let mut entries = open(temp.path()).entries().expect("listed");
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let kinds: Vec<Kind> = entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Kind::Directory, Kind::File, Kind::Other]);
}

#[test]
fn a_file_without_errors_passes_the_check() {
    let temp = temporary();
    let directory = open(temp.path());
    let file = directory
        .create_file("file", super::Access::Usual)
        .expect("created");
    file.write_all_at(b"contents", 0).expect("written");
    file.check_written().expect("written back");
}

#[cfg(target_os = "linux")]
#[test]
fn two_names_of_one_file_in_different_case_do_not_mean_that_case_is_ignored() {
    let temp = temporary();
    fs::write(temp.path().join("name"), b"x").expect("written");
    fs::hard_link(temp.path().join("name"), temp.path().join("NAME")).expect("linked");
    assert!(!open(temp.path()).ignores_case().expect("known"));
    fs::write(temp.path().join("other"), b"x").expect("written");
    assert!(!open(temp.path()).ignores_case().expect("known"));
}

#[cfg(target_os = "linux")]
mod changes {
    use super::*;
    use std::io::ErrorKind;
    use std::process::Command;

    /// A volume with a directory for staging and one for files, with a file in it.
    struct Place {
        temp: TempDir,
    }

    impl Place {
        fn new() -> Self {
            let temp = temporary();
            fs::create_dir(temp.path().join("staging")).expect("made");
            fs::create_dir(temp.path().join("sub")).expect("made");
            fs::write(temp.path().join("sub/file"), b"x").expect("written");
            Self { temp }
        }

        fn path(&self, name: &str) -> std::path::PathBuf {
            self.temp.path().join(name)
        }

        fn check(&self, name: &str) -> Result<(), ErrorKind> {
            let (sub, staging) = (open(&self.path("sub")), open(&self.path("staging")));
            sub.check_change(&[name], &staging)
                .map_err(|(_, e)| e.kind())
        }
    }

    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// Whether a command of the system succeeded; what it changes may not be possible
    /// here.
    fn run(command: &str, arguments: &[&std::ffi::OsStr]) -> bool {
        let status = Command::new(command).args(arguments).output();
        status.is_ok_and(|output| output.status.success())
    }

    #[test]
    fn ordinary_names_can_be_changed() {
        let place = Place::new();
        assert_eq!(place.check("file"), Ok(()));
        assert_eq!(place.check("not-there"), Ok(()));
        let long = "x".repeat(300);
        assert_eq!(place.check(&long), Err(ErrorKind::InvalidFilename));
        let (sub, staging) = (open(&place.path("sub")), open(&place.path("staging")));
        let several = sub.check_change(&["file", &long], &staging);
        assert_eq!(several.expect_err("refused").0, 1);
    }

    #[test]
    fn another_file_system_is_told() {
        let place = Place::new();
        let proc = open(Path::new("/proc"));
        let staging = open(&place.path("staging"));
        let (_, error) = proc.check_change(&["new"], &staging).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::CrossesDevices);
    }

    #[test]
    fn a_directory_without_permission_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new();
        let path = place.path("sub");
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode));
        set(0o555).expect("changed");
        let found = place.check("file");
        set(0o755).expect("changed");
        // Root may do it all the same.
        assert_eq!(found.is_ok(), is_root());
        assert!(is_root() || found == Err(ErrorKind::PermissionDenied));
    }

    #[test]
    fn what_is_immutable_is_told() {
        let place = Place::new();
        for (target, flag) in [
            ("sub", "i"),
            ("sub", "a"),
            ("sub/file", "i"),
            ("sub/file", "a"),
        ] {
            let path = place.path(target);
            if !run("chattr", &[format!("+{flag}").as_ref(), path.as_ref()]) {
                return;
            }
            let found = place.check("file");
            run("chattr", &[format!("-{flag}").as_ref(), path.as_ref()]);
            assert_eq!(found, Err(ErrorKind::PermissionDenied), "{target} {flag}");
        }
        assert_eq!(place.check("file"), Ok(()));
    }

    #[test]
    fn what_is_mounted_is_told() {
        let place = Place::new();
        let (sub, file) = (place.path("sub"), place.path("sub/file"));
        let bind = |path: &Path| {
            let (path, option) = (path.as_os_str(), "--bind".as_ref());
            run("mount", &[option, path, path])
        };
        if !bind(&file) {
            return;
        }
        let found = place.check("file");
        run("umount", &[file.as_ref()]);
        assert_eq!(found, Err(ErrorKind::ResourceBusy));
        if !bind(&sub) {
            return;
        }
        let found = place.check("file");
        let read_only = run(
            "mount",
            &["-o".as_ref(), "remount,bind,ro".as_ref(), sub.as_ref()],
        );
        let (handle, staging) = (open(&sub), open(&sub));
        let on_read_only = handle
            .check_change(&["file"], &staging)
            .map_err(|(_, e)| e.kind());
        drop((handle, staging));
        run("umount", &[sub.as_ref()]);
        assert_eq!(found, Err(ErrorKind::CrossesDevices));
        assert!(read_only);
        assert_eq!(on_read_only, Err(ErrorKind::ReadOnlyFilesystem));
    }
}

#[test]
fn a_mark_is_read_by_the_next_holder_however_it_was_left() {
    let temp = temporary();
    let directory = open(temp.path());
    let next = || directory.lock("lock").expect("free");
    let mark = || next().mark().expect("read");
    let is_none = |mark: Vec<u8>| mark.iter().all(|byte| *byte == 0);
    assert!(is_none(mark()));
    // With nothing before it, a mark, and a mark that was taken back.
    for before in [None, Some(&b"id"[..]), Some(b"")] {
        if let Some(before) = before {
            next().set_mark(before).expect("set");
        }
        next().cut_mark(true).expect("cut");
        assert_eq!(mark(), SPOILED_MARK);
        next().set_mark(b"id").expect("set");
        assert!(mark().starts_with(b"id"));
        next().cut_mark(true).expect("cut");
        next().cut_mark(false).expect("cut");
        assert!(is_none(mark()));
    }
}

#[cfg(unix)]
#[test]
fn the_id_of_a_name_is_that_of_its_file() {
    let temp = temporary();
    fs::write(temp.path().join("file"), b"x").expect("written");
    let directory = open(temp.path());
    let file = directory.open_file("file").expect("opened").expect("there");
    let id = file.stat().expect("known").id();
    assert!(id.is_some());
    assert_eq!(directory.id_of("file").expect("known"), id);
    assert_eq!(directory.id_of("none").expect("known"), None);
}
