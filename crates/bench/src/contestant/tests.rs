use super::*;
use crate::contents;
use std::path::PathBuf;

/// The built guests, if there are any.
fn guests() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    let there = target.join("replacer.wasm").exists();
    if !there {
        eprintln!("without guests: `cargo xtask guests` builds them");
    }
    there.then_some(target)
}

fn for_each(check: impl Fn(&dyn Contestant, &dyn Store, &Path)) {
    for contestant in all(guests().as_deref()) {
        let directory = tempfile::tempdir().expect("a directory");
        let store = contestant.prepare(directory.path()).expect("prepared");
        check(&*contestant, &*store, directory.path());
    }
}

#[test]
fn each_replaces() {
    for_each(|contestant, store, _| {
        for first in [0, 3] {
            let name = contestant.name();
            store.repeat("file.json", 5_000, first, 3).expect(name);
            let found = store.read("file.json").expect(name);
            assert!(found == contents::of(5_000, first + 2), "{name}");
        }
    });
}

#[test]
fn whose_files_are_plain_other_programs_can_read() {
    for_each(|contestant, store, directory| {
        store.repeat("file.json", 300, 7, 1).expect("written");
        let found = std::fs::read(directory.join("file.json")).ok();
        let is_plain = found == Some(contents::of(300, 7));
        if contestant.kind() != Kind::Limit {
            let plain = contestant.guarantees().plain;
            assert_eq!(is_plain, plain, "{}", contestant.name());
        }
    });
}

#[test]
fn nothing_but_the_files_is_left_in_sight() {
    for_each(|contestant, store, directory| {
        store.repeat("file.json", 300, 7, 4).expect("written");
        drop(store.read("file.json"));
        if contestant.guarantees().plain {
            let names = std::fs::read_dir(directory).expect("listed");
            let names = names.map(|entry| entry.expect("listed").file_name());
            let mut names: Vec<_> = names.map(|it| it.into_string().expect("text")).collect();
            names.retain(|name| name != ".ability-storage");
            assert_eq!(names, ["file.json"], "{}", contestant.name());
        }
    });
}

#[test]
fn each_appends() {
    for_each(|contestant, store, _| {
        if contestant.kind().is_guest() || contestant.kind() == Kind::Limit {
            return;
        }
        let name = contestant.name();
        store.replace("log.log", b"one,").expect(name);
        store.append("log.log", b"two").expect(name);
        assert_eq!(store.read("log.log").expect(name), b"one,two", "{name}");
    });
}

#[test]
fn each_replaces_several() {
    for_each(|contestant, store, _| {
        if contestant.kind().is_guest() || contestant.kind() == Kind::Limit {
            return;
        }
        let name = contestant.name();
        let files: Vec<_> = (0..5)
            .map(|file| (format!("file-{file}.json"), contents::of(100, file)))
            .collect();
        for _ in 0..2 {
            store.replace_all(&files).expect(name);
        }
        for (path, contents) in &files {
            assert!(&store.read(path).expect(name) == contents, "{name}");
        }
    });
}

#[test]
fn names_are_told_apart() {
    let all = all(Some(Path::new("nowhere")));
    for contestant in &all {
        let same = all.iter().filter(|it| it.name() == contestant.name());
        assert_eq!(same.count(), 1, "{}", contestant.name());
        assert!(named(contestant.name(), Some(Path::new("nowhere"))).is_some());
    }
}
