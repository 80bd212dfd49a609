//! What a volume on an object store tells a monitor of its work.

use ability_storage_engine::{
    Change, Counters, Error, FilePath, Limits, Precondition, Version, Volume, VolumeId,
};
use ability_storage_object_store::ObjectRoot;

fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

fn write(path: &str, contents: &[u8]) -> Change {
    let (path, contents) = (file(path), contents.to_vec());
    Change::write(path, contents)
}

#[test]
fn every_commit_is_counted_by_its_outcome() {
    const LONG: u64 = 9 << 20;
    let limits = Limits::default().max_file_bytes(LONG);
    let root = ObjectRoot::options().limits(limits).open("memory:///root");
    let volume = root.expect("opened").open_volume(&VolumeId::user());
    assert_eq!(volume.counters(), Counters::default());
    let counted = || {
        let counters = volume.counters();
        (
            counters.commits,
            counters.bytes,
            counters.conflicts,
            counters.refusals,
        )
    };

    volume.commit(write("a", b"12345").into()).expect("made");
    let batch = [write("b", b"123"), write("c", b"")];
    volume.commit(batch.into_iter().collect()).expect("made");
    assert_eq!(counted(), (2, 8, 0, 0));

    // What is held back, and what is sent in parts.
    let stream = |length: u64, precondition| {
        let mut writer = volume.writer(&file("d")).expect("opened");
        writer.write(&vec![7; length as usize]).expect("written");
        writer.commit(precondition)
    };
    stream(4, Precondition::Any).expect("made");
    stream(LONG, Precondition::Any).expect("made");
    assert_eq!(counted(), (4, 12 + LONG, 0, 0));

    let stale = Precondition::Version(Version::of(b"stale"));
    let conflict = volume.commit(write("a", b"x").only_if(stale).into());
    assert!(matches!(conflict, Err(Error::Conflict { .. })));
    assert!(matches!(stream(4, stale), Err(Error::Conflict { .. })));
    assert!(matches!(stream(LONG, stale), Err(Error::Conflict { .. })));
    let refused = volume.commit(write("a/below", b"x").into());
    assert!(matches!(refused, Err(Error::NotAFile { .. })));
    let refused = volume.commit(write("e", &vec![0; LONG as usize + 1]).into());
    assert!(matches!(refused, Err(Error::TooLarge { .. })));
    assert_eq!(counted(), (4, 12 + LONG, 3, 2));
    assert_eq!(volume.counters().unconfirmed, 0);
}
