//! A volume on a provider is a volume: every volume's suite, and what only long files
//! show, on the store that the environment variable `ABILITY_STORAGE_TEST_ROOT` names, as
//! a url such as `s3://bucket/prefix`. Credentials are in the provider's own variables.
//! Without it nothing is tested; `cargo xtask emulators` sets it.

use ability_storage_engine::author::conformance::{self, InTurn};
use ability_storage_engine::{Change, Error, FilePath, Limits, Precondition, Volume, VolumeId};
use ability_storage_object_store::{ObjectRoot, ObjectVolume};
use end_to_end::provider::Place;
use std::time::Duration;

/// The same volume, as so many clients have it.
fn volumes(place: &Place, number: usize, limits: &Limits) -> Vec<ObjectVolume> {
    let open = |_| {
        let root = ObjectRoot::options()
            .limits(limits.clone())
            .open(place.url());
        root.expect("opened").open_volume(&VolumeId::user())
    };
    (0..number).map(open).collect()
}

fn open(place: &Place) -> ObjectVolume {
    volumes(place, 1, &Limits::default()).remove(0)
}

mod alone {
    use super::*;

    ability_storage_engine::conformance_suite!(|run: fn(&dyn Volume)| {
        if let Some(place) = Place::new() {
            run(&volumes(&place, 1, &conformance::limits())[0]);
        }
    });
}

mod several_clients {
    use super::*;

    ability_storage_engine::conformance_suite!(shared: |run: fn(&dyn Volume)| {
        if let Some(place) = Place::new() {
            run(&InTurn::new(volumes(&place, 3, &conformance::limits())));
        }
    });
}

fn path(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

/// Long enough to be sent in parts, and no two pieces are alike.
fn pieces() -> impl Iterator<Item = Vec<u8>> {
    (0..20_u8).map(|number| vec![number; 1 << 20])
}

fn streamed(volume: &ObjectVolume, path: &FilePath) -> Vec<u8> {
    let mut reader = volume.reader(path).expect("opened");
    let mut contents = Vec::new();
    loop {
        let piece = reader.read(3_000_000).expect("read");
        if piece.is_empty() {
            return contents;
        }
        contents.extend(piece);
    }
}

#[test]
fn a_file_that_is_sent_in_parts_is_whole() {
    let Some(place) = Place::new() else { return };
    let (volume, path) = (open(&place), path("long"));
    let mut writer = volume.writer(&path).expect("begun");
    for piece in pieces() {
        writer.write(&piece).expect("sent");
    }
    assert!(matches!(volume.stat(&path), Err(Error::NotFound { .. })));
    writer.commit(Precondition::Absent).expect("committed");
    assert!(streamed(&volume, &path) == pieces().collect::<Vec<_>>().concat());
}

#[test]
fn parts_of_a_writer_that_gave_up_are_gone() {
    let Some(place) = Place::new() else { return };
    let volume = open(&place);
    let mut writer = volume.writer(&path("long")).expect("begun");
    for piece in pieces() {
        writer.write(&piece).expect("sent");
    }
    drop(writer);
    assert!(volume.list(None).expect("listed").is_empty());
    let swept = volume.sweep(Duration::ZERO).expect("swept");
    assert_eq!((swept.used, swept.removed, swept.waiting), (0, 0, 0));
}

#[test]
fn a_sweep_removes_what_was_replaced_and_nothing_else() {
    let Some(place) = Place::new() else { return };
    let (volume, path) = (open(&place), path("replaced"));
    for byte in 1..=3 {
        let contents = vec![byte; 100_000];
        let write = Change::write(path.clone(), contents);
        volume.commit(write.into()).expect("written");
    }
    let swept = volume.sweep(Duration::from_secs(3_600)).expect("swept");
    assert_eq!((swept.used, swept.removed, swept.waiting), (1, 0, 2));
    let swept = volume.sweep(Duration::ZERO).expect("swept");
    assert_eq!((swept.used, swept.removed, swept.waiting), (1, 2, 0));
    assert_eq!(streamed(&volume, &path), vec![3; 100_000]);
    assert_eq!(streamed(&open(&place), &path), vec![3; 100_000]);
}
