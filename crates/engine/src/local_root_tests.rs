//! Tests of [`LocalRoot`].

use super::*;
use crate::{Change, FilePath};

fn path(text: &str) -> FilePath {
    FilePath::new(text).expect("valid")
}

fn write(text: &str) -> Change {
    Change::write(path(text), b"x")
}

#[test]
fn each_ability_has_its_own_directory_and_all_share_one() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let top = directory.path().join("not/yet/there");
    let root = LocalRoot::open_or_create(&top).expect("created");
    for volume in [root.ability("one"), root.ability("two"), root.user()] {
        let volume = volume.expect("opened");
        volume.commit(write("a.txt").into()).expect("written");
    }
    for file in ["abilities/one/a.txt", "abilities/two/a.txt", "user/a.txt"] {
        assert_eq!(fs::read(top.join(file)).expect(file), b"x");
    }
}

#[test]
fn no_id_leads_elsewhere() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let root = LocalRoot::open_or_create(directory.path()).expect("opened");
    for id in [
        "",
        ".",
        "..",
        "../user",
        "a/b",
        "/",
        "a\0",
        "con",
        ".ability-storage",
    ] {
        let error = root.ability(id).err().expect(id);
        assert!(matches!(error, Error::Id(_)), "{error}");
        assert!(error.to_string().contains("cannot be the id"), "{error}");
    }
    let made = fs::read_dir(directory.path()).expect("listed").count();
    assert_eq!(made, 0);
}

#[test]
fn a_read_only_root_creates_nothing_and_what_is_missing_is_empty() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let missing = directory.path().join("missing");
    let read_only = || LocalRoot::options().volumes(LocalVolume::options().read_only(true));
    assert!(matches!(
        read_only().open_or_create(&missing),
        Err(Error::Unavailable { .. })
    ));

    let root = read_only()
        .open_or_create(directory.path())
        .expect("opened");
    let volume = root.ability("new").expect("opened");
    assert_eq!(volume.list(None).expect("listed"), []);
    let error = volume.commit(write("a.txt").into()).expect_err("read-only");
    assert!(matches!(error, Error::ReadOnly));
    let made = fs::read_dir(directory.path()).expect("listed").count();
    assert_eq!(made, 0);
}

#[test]
fn the_volumes_are_those_that_are_there() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let top = directory.path();
    let root = LocalRoot::open_or_create(top).expect("opened");
    let read_only = LocalRoot::options().volumes(LocalVolume::options().read_only(true));
    let read_only = read_only.open_or_create(top).expect("opened");
    assert_eq!(read_only.list().expect("listed"), []);
    assert_eq!(fs::read_dir(top).expect("listed").count(), 0);

    for id in ["two", "one", "Three"] {
        root.ability(id).expect("opened");
    }
    // What cannot be a volume.
    for name in ["a:b", "con", ".ability-storage"] {
        fs::create_dir(top.join("abilities").join(name)).expect(name);
    }
    fs::write(top.join("abilities/file"), b"").expect("written");
    fs::create_dir(top.join("other")).expect("created");
    let ids = |ids: &[&str]| -> Vec<VolumeId> {
        let ids = ids.iter().map(|id| VolumeId::ability(id).expect(id));
        ids.collect()
    };
    let mut expected = ids(&["Three", "one", "two"]);
    assert_eq!(read_only.list().expect("listed"), expected);

    root.user().expect("opened");
    expected.push(VolumeId::user());
    assert_eq!(root.list().expect("listed"), expected);
    for id in &expected {
        let volume = read_only.volume(id).expect("opened");
        assert_eq!(volume.list(None).expect("listed"), []);
    }
}

#[test]
fn volumes_that_cannot_be_listed_are_not_none() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let root = LocalRoot::open_or_create(directory.path()).expect("opened");
    fs::write(directory.path().join("abilities"), b"a file").expect("written");
    let error = root.list().expect_err("a file in their place");
    assert!(error.to_string().contains("could not be listed"), "{error}");
}

#[test]
fn a_file_in_the_way_is_named() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("file");
    fs::write(&file, b"").expect("written");
    for path in [file.clone(), file.join("below")] {
        let Err(Error::Unavailable { what, source, .. }) = LocalRoot::open_or_create(&path) else {
            panic!("a root in the place of a file");
        };
        assert!(what.contains("file"), "{what}");
        assert_eq!(source.kind(), ErrorKind::NotADirectory);
    }
}

/// Whoever can make one there could have an ability write anywhere.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_volume_is_not_followed() {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().expect("temporary directory");
    let elsewhere = directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("created");
    let place = |top: &str, link: &str| {
        let link = directory.path().join(top).join(link);
        fs::create_dir_all(link.parent().expect("a parent")).expect("created");
        symlink(&elsewhere, link).expect("linked");
        LocalRoot::open_or_create(directory.path().join(top)).expect("created")
    };
    for (top, link) in [("a", "abilities/one"), ("b", "abilities"), ("c", "user")] {
        let root = place(top, link);
        let volume = if link == "user" {
            root.user()
        } else {
            root.ability("one")
        };
        let error = volume.err().expect("refused").to_string();
        assert!(error.contains("symbolic link"), "{error}");
        assert!(root.list().expect("listed").is_empty(), "{link}");
    }
    assert_eq!(fs::read_dir(elsewhere).expect("listed").count(), 0);
}

#[test]
fn a_volume_that_cannot_be_counted_keeps_no_other_from_opening() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let top = directory.path();
    drop(LocalRoot::open_or_create(top).and_then(|root| root.ability("bad")));
    let format = top.join("abilities/bad/.ability-storage/format");
    fs::write(format, "ability-storage volume, format 999\n").expect("written");
    let options = LocalVolume::options().quota(Quota::default().max_bytes(1_000));
    let root = LocalRoot::options().volumes(options).open_or_create(top);
    let root = root.expect("opened");
    let good = root.ability("good").expect("it can be counted");
    good.commit(write("a").into()).expect("written");
    root.ability("bad").err().expect("its format is newer");
}
