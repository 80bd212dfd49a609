//! Names that the file system takes for others, or that no guest can give.

use crate::support::{
    Case, Ledger, Mode, World, append, checkpoint, commit, delete, listed, options, read, rename,
    write,
};
use ability_storage_engine::{
    Batch, Change, LocalRoot, LocalVolume, Outcome, Precondition, Root, Volume,
};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

both_modes! {
    a_directory_with_a_name_that_is_not_utf8_becomes_no_file,
    a_name_that_is_not_utf8_is_in_no_way_of_others,
    a_rename_onto_another_name_of_the_file_removes_the_source,
    batches_over_two_spellings_keep_their_order,
    ids_that_differ_only_in_case_do_not_share_files,
}

/// A name of a file in Latin-1.
const NOT_UTF8: &[u8] = b"caf\xe9";

fn with_a_name_that_is_not_utf8(world: &mut World) -> crate::support::Scene {
    world.directory("sub");
    world.put("sub/x", "x");
    let name = OsStr::from_bytes(NOT_UTF8);
    fs::write(world.path("sub").join(name), "y").map_err(|error| {
        crate::support::Skip(format!("names must be UTF-8 on this file system: {error}"))
    })
}

fn a_directory_with_a_name_that_is_not_utf8_becomes_no_file(case: &Case) {
    case.play(with_a_name_that_is_not_utf8, |host| {
        let mut ledger = Ledger::of(&[("sub/x", "x")]);
        let volume = host.open();
        assert_eq!(listed(&volume), 1);
        let together = [delete("sub/x"), write("sub", "a file now")];
        let _ = ledger.attempt(&volume, together);
        let _ = ledger.attempt(&volume, [write("sub/x", "x"), write("beside", "1")]);
        ledger.acknowledged(&volume, [write("beside", "2")]);
        ledger.acknowledged(&volume, [write("top", "top")]);
        let _ = ledger.attempt(&volume, [delete("sub/x")]);
        let _ = ledger.attempt(&volume, [write("sub", "a file now")]);
        let _ = ledger.attempt(&volume, [rename("top", "sub")]);
        ledger.check_available(host.root(), host.mode(), volume);
        let other = host.path("sub").join(OsStr::from_bytes(NOT_UTF8));
        assert_eq!(fs::read(other).expect("still there"), b"y");
    });
}

fn a_name_that_is_not_utf8_is_in_no_way_of_others(case: &Case) {
    case.play(with_a_name_that_is_not_utf8, |host| {
        let mut ledger = Ledger::of(&[("sub/x", "x")]);
        let volume = host.open();
        ledger.acknowledged(&volume, [append("sub/x", "+"), write("sub/y", "y")]);
        ledger.acknowledged(&volume, [delete("sub/x"), delete("sub/y")]);
        ledger.acknowledged(&volume, [write("sub/z/deep", "z")]);
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// POSIX lets such a rename do nothing and say nothing.
fn a_rename_onto_another_name_of_the_file_removes_the_source(case: &Case) {
    let scene = |world: &mut World| {
        for name in ["a", "c"] {
            world.put(name, name);
        }
        fs::hard_link(world.path("a"), world.path("b")).expect("linked");
        fs::hard_link(world.path("c"), world.path("d")).expect("linked");
        Ok(())
    };
    case.play(scene, |host| {
        let files = [("a", "a"), ("b", "a"), ("c", "c"), ("d", "c")];
        let mut ledger = Ledger::of(&files);
        let volume = host.open();
        ledger.acknowledged(&volume, [rename("a", "b")]);
        ledger.acknowledged(&volume, [rename("c", "d"), write("beside", "1")]);
        checkpoint(&volume).expect("a checkpoint");
        ledger.check(&volume, "the checkpoint");
        ledger.check_available(host.root(), host.mode(), volume);
        assert!(!host.path("a").exists(), "the source is on the disk");
        assert!(!host.path("c").exists(), "the source is on the disk");
    });
}

/// Commits a batch over spellings of one name; it is refused, or the last step counts.
fn try_spellings(volume: &LocalVolume, batch: Batch, names: [&str; 2], expected: Option<&str>) {
    let before = names.map(|name| read(volume, name));
    let shown = format!("{:?}", batch.steps());
    match volume.commit(batch) {
        Ok(_) => {
            let expected = expected.map(|text| text.as_bytes().to_vec());
            for name in names {
                let found = read(volume, name);
                assert_eq!(found, expected, "{name} after {shown}");
            }
        }
        Err(error) => {
            assert_eq!(error.outcome(), Outcome::NotApplied, "{error:?}");
            eprintln!("refused: {error}");
            assert_eq!(names.map(|name| read(volume, name)), before, "{shown}");
        }
    }
}

/// Two abilities, or one whose id a person has spelled in two ways.
fn ids_that_differ_only_in_case_do_not_share_files(case: &Case) {
    case.play(World::ntfs_that_ignores_case, |host| {
        let options = LocalRoot::options().volumes(options(host.mode()));
        let root = options.open_or_create(host.path("root")).expect("opened");
        let volume = root.ability("Todo").expect("opened");
        let change = write("list", "of Todo");
        volume.commit(change.into()).expect("written");
        if !host.path("root/abilities/todo").exists() {
            eprintln!("skipped: the file system does not ignore case");
            return;
        }
        for id in ["todo", "TODO"] {
            match root.ability(id) {
                Err(error) => assert!(error.to_string().contains("\"Todo\""), "{error}"),
                Ok(_) => panic!("{id} has the files of Todo"),
            }
        }
        drop(root.ability("Todo").expect("opened as it is spelled"));
        drop(root.ability("other").expect("opened"));
        drop(volume);
        drop(root.ability("Todo").expect("opened again"));
    });
}

fn batches_over_two_spellings_keep_their_order(case: &Case) {
    case.play(World::ntfs_that_ignores_case, |host| {
        let volume = host.open();
        commit(&volume, [write("m", "old")]).expect("written");
        if read(&volume, "M").is_none() {
            eprintln!("skipped: the file system does not ignore case");
            return;
        }
        let batch = |changes: Vec<Change>| changes.into_iter().collect::<Batch>();
        let both = [write("k", "first"), write("K", "second")];
        let absent: Batch = both
            .into_iter()
            .map(|w| w.only_if(Precondition::Absent))
            .collect();
        // The second step must not succeed, for the file is there by then.
        assert!(volume.commit(absent).is_err(), "K is not absent after k");
        let m = ["m", "M"];
        let last = batch(vec![write("M", "new"), delete("m")]);
        try_spellings(&volume, last, m, None);
        commit(&volume, [write("m", "old")]).expect("written");
        let last = batch(vec![delete("m"), write("M", "new")]);
        try_spellings(&volume, last, m, Some("new"));
        let last = batch(vec![write("x", "1"), append("X", "2")]);
        try_spellings(&volume, last, ["x", "X"], Some("12"));
        let last = batch(vec![write("y", "1"), write("Y", "2"), rename("y", "z")]);
        try_spellings(&volume, last, ["z", "Z"], Some("2"));
        let last = batch(vec![write("Dir/a", "1"), append("dir/A", "2")]);
        try_spellings(&volume, last, ["Dir/a", "dir/A"], Some("12"));
        Ledger::of(&[]).check_available(host.root(), Mode::Direct, volume);
    });
}
