//! Volumes whose cache holds damaged copies: no reader may see it.

use crate::BlobCache;
use crate::testing::{FaultyStore, Network, append, file, open, read, unhurried, write};
use crate::volume::ObjectVolume;
use ability_storage_engine::{Precondition, Reader, Version, Volume};
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Three pieces in these tests.
const LONG: usize = 20_000;

type Damage = fn(&Path);

/// What can become of a copy.
fn damages() -> Vec<(&'static str, Damage)> {
    let mut damages: Vec<(&str, Damage)> = vec![
        ("all zeros, as after a power cut", |path| {
            let bytes = fs::metadata(path).expect("there").len() as usize;
            fs::write(path, vec![0; bytes]).expect("written");
        }),
        ("one byte of the first piece", |path| flip(path, 5)),
        ("one byte of the last piece", |path| {
            flip(path, LONG as u64 - 1);
        }),
        ("the last byte of the file", |path| {
            let bytes = fs::metadata(path).expect("there").len();
            flip(path, bytes - 1);
        }),
        ("cut short", |path| resize(path, |bytes| bytes - 1)),
        ("cut to its contents", |path| resize(path, |_| LONG as u64)),
        ("empty", |path| resize(path, |_| 0)),
        ("longer", |path| resize(path, |bytes| bytes + 1)),
        ("much longer", |path| {
            resize(path, |bytes| bytes + (1 << 40))
        }),
        ("removed", |path| fs::remove_file(path).expect("removed")),
        ("an empty directory", |path| {
            fs::remove_file(path).expect("removed");
            fs::create_dir(path).expect("created");
        }),
    ];
    #[cfg(unix)]
    damages.extend::<[(&str, Damage); 2]>([
        ("a link to itself, which cannot be opened", |path| {
            fs::remove_file(path).expect("removed");
            std::os::unix::fs::symlink(path, path).expect("linked");
        }),
        ("a pipe, which would never end", |path| {
            fs::remove_file(path).expect("removed");
            let mkfifo = std::process::Command::new("mkfifo").arg(path).status();
            assert!(mkfifo.expect("run").success());
        }),
    ]);
    damages
}

fn flip(path: &Path, at: u64) {
    let contents = fs::read(path).expect("read");
    let mut file = OpenOptions::new().write(true).open(path).expect("opened");
    file.seek(SeekFrom::Start(at)).expect("in it");
    file.write_all(&[contents[at as usize] ^ 1])
        .expect("written");
}

fn resize(path: &Path, size: fn(u64) -> u64) {
    let file = OpenOptions::new().write(true).open(path).expect("opened");
    let bytes = file.metadata().expect("there").len();
    file.set_len(size(bytes)).expect("resized");
}

/// A volume with a cache, and a long file `a` of which there is a copy.
struct World {
    directory: TempDir,
    store: Arc<FaultyStore>,
    volume: ObjectVolume,
    contents: Vec<u8>,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = FaultyStore::new(&Arc::new(Network::default()));
        let cache = BlobCache::open(directory.path(), 1 << 20).expect("opened");
        let volume = open(store.clone(), unhurried(), Some(cache));
        let contents: Vec<u8> = (0..LONG).map(|at| (at * at % 251) as u8).collect();
        let written = volume.commit(write("a", contents.clone()).into());
        written.expect("committed");
        let world = Self {
            directory,
            store,
            volume,
            contents,
        };
        assert_eq!(world.copies().len(), 1);
        world
    }

    fn copies(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory.path()).expect("listed");
        entries.map(|entry| entry.expect("listed").path()).collect()
    }

    fn damage(&self, damage: Damage) {
        let copies = self.copies();
        let is_long =
            |path: &&PathBuf| fs::metadata(path).is_ok_and(|copy| copy.len() >= LONG as u64);
        copies.iter().filter(is_long).for_each(|path| damage(path));
    }

    /// How many requests it takes to read the file.
    fn cost_of_reading(&self) -> usize {
        let before = self.store.requests();
        assert!(read(&self.volume, "a") == self.contents);
        self.store.requests() - before
    }
}

fn rest(reader: &mut dyn Reader, what: &str) -> Vec<u8> {
    let mut contents = Vec::new();
    loop {
        match reader.read(LONG) {
            Ok(piece) if piece.is_empty() => return contents,
            Ok(piece) => contents.extend(piece),
            Err(error) => panic!("{what}: {error}"),
        }
    }
}

#[test]
fn streams_of_a_damaged_copy_go_on_from_the_store() {
    for (what, damage) in damages() {
        let world = World::new();
        world.damage(damage);
        let mut reader = world.volume.reader(&file("a")).expect("opened");
        assert!(rest(&mut *reader, what) == world.contents, "{what}");
        // The second read finds the copy that the first has made again.
        assert!(world.cost_of_reading() <= 2, "{what}");
        assert_eq!(world.cost_of_reading(), 1, "{what} is healed");
    }
}

#[test]
fn a_copy_that_is_damaged_while_it_is_streamed_is_given_up() {
    for (what, damage) in damages() {
        let world = World::new();
        let mut reader = world.volume.reader(&file("a")).expect("opened");
        let mut contents = reader.read(LONG).expect("read");
        world.damage(damage);
        contents.extend(rest(&mut *reader, what));
        assert!(contents == world.contents, "{what}");
    }
}

#[test]
fn whole_reads_of_a_damaged_copy_heal_it() {
    for (what, damage) in damages() {
        let world = World::new();
        world.damage(damage);
        // Contents can be right though the hashes of their pieces are not.
        assert!(world.cost_of_reading() <= 2, "{what}");
        assert_eq!(world.cost_of_reading(), 1, "{what} is healed");
        assert_eq!(world.copies().len(), 1, "{what}");
    }
}

/// An append leaves the version to be found out by reading the file.
#[test]
fn versions_are_found_out_in_spite_of_damaged_copies() {
    for (what, damage) in damages() {
        let world = World::new();
        let addition = vec![7; 6_000];
        let appended = world.volume.commit(append("a", addition.clone()).into());
        appended.expect("committed");
        world.damage(damage);
        let whole = [&world.contents[..], &addition].concat();
        let condition = Precondition::Version(Version::of(&whole));
        let changed = world
            .volume
            .commit(append("a", "!").only_if(condition).into());
        assert!(changed.is_ok(), "{what}: {changed:?}");
        let whole = [&whole[..], b"!"].concat();
        assert!(read(&world.volume, "a") == whole, "{what}");
    }
}

/// Many short parts are put together, from their copies.
#[test]
fn damaged_copies_do_not_get_into_new_blobs() {
    let world = World::new();
    let mut whole = world.contents.clone();
    for round in 1..20 {
        let addition = vec![round; 5_000];
        let appended = world.volume.commit(append("a", addition.clone()).into());
        appended.expect("committed");
        whole.extend(addition);
        for copy in world.copies() {
            let bytes = fs::metadata(&copy).expect("there").len() as usize;
            fs::write(copy, vec![0; bytes]).expect("written");
        }
    }
    assert!(read(&world.volume, "a") == whole);
}

/// A directory with files in it was not made by the cache, and is left alone.
#[test]
fn a_directory_in_place_of_a_copy_costs_only_the_copy() {
    let world = World::new();
    let copy = world.copies().remove(0);
    fs::remove_file(&copy).expect("removed");
    fs::create_dir(&copy).expect("created");
    fs::write(copy.join("mine"), "x").expect("written");
    assert_eq!(world.cost_of_reading(), 2);
    assert_eq!(world.cost_of_reading(), 2);
    assert_eq!(fs::read(copy.join("mine")).expect("kept"), b"x");
    assert_eq!(world.copies().len(), 1, "nothing temporary is left");
}

#[test]
fn streams_of_a_copy_need_no_request() {
    let world = World::new();
    let before = world.store.requests();
    let mut reader = world.volume.reader(&file("a")).expect("opened");
    assert!(rest(&mut *reader, "whole") == world.contents);
    assert_eq!(world.store.requests() - before, 1, "for HEAD alone");
}
