//! Every call of every kind of commit fails once, in every way: what the error
//! says of the data is true, nothing is left behind, and the next commit works.

use super::Local;
use super::sim::{Fault, SimDirectory, SimDisk};
use super::testing::{
    Way, append, contents, delete, file, open, open_with, rename, sessions_left, staged_left, write,
};
use crate::{Batch, Change, Error, FilePath, Outcome, Precondition, Result};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;

/// EIO, ENOSPC, EDQUOT, EINTR, EXDEV, ENOTSUP, EACCES, and half a write.
const FAULTS: [Fault; 8] = [
    Fault::Error(ErrorKind::Other),
    Fault::Error(ErrorKind::StorageFull),
    Fault::Error(ErrorKind::QuotaExceeded),
    Fault::Error(ErrorKind::Interrupted),
    Fault::Error(ErrorKind::CrossesDevices),
    Fault::Error(ErrorKind::Unsupported),
    Fault::Error(ErrorKind::PermissionDenied),
    Fault::Short,
];

/// What is seen, as text.
type Look = fn(&Local<SimDirectory>, &FilePath) -> Result<String>;
type Operation = fn(&Arc<Local<SimDirectory>>) -> Result<()>;

#[test]
fn a_write_that_fails_anywhere_is_reported_truly() {
    sometimes_unconfirmed(|volume| commit(volume, write("old", b"changed")));
    sometimes_unconfirmed(|volume| commit(volume, write("new/dir/file", b"new")));
}

#[test]
fn a_conditional_write_that_fails_anywhere_is_reported_truly() {
    sometimes_unconfirmed(|volume| {
        let version = crate::Version::of(b"old contents");
        let step = write("old", b"changed").only_if(Precondition::Version(version));
        volume.commit(step.into()).map(drop)
    });
}

#[test]
fn an_append_that_fails_anywhere_is_reported_truly() {
    never_unconfirmed(|volume| commit(volume, append("log", b"more\n")));
    never_unconfirmed(|volume| commit(volume, append("old", b" and its first append")));
    never_unconfirmed(|volume| commit(volume, append("new.log", b"first\n")));
    never_unconfirmed(|volume| commit(volume, append("log", &[b'x'; 5_000])));
}

#[test]
fn a_rename_that_fails_anywhere_is_reported_truly() {
    sometimes_unconfirmed(|volume| commit(volume, rename("old", "dir/moved")));
    never_unconfirmed(|volume| commit(volume, rename("log", "old")));
}

#[test]
fn a_delete_that_fails_anywhere_is_reported_truly() {
    sometimes_unconfirmed(|volume| commit(volume, delete("old")));
    never_unconfirmed(|volume| commit(volume, delete("log")));
}

#[test]
fn a_batch_that_fails_anywhere_is_reported_truly() {
    never_unconfirmed(|volume| {
        let batch = [
            write("old", b"changed"),
            write("new/file", b"new"),
            append("log", b"more\n"),
            rename("moving", "dir/moved"),
        ];
        volume.commit(batch.into_iter().collect()).map(drop)
    });
    never_unconfirmed(|volume| {
        let batch = [delete("old"), write("old/below", b"a directory now")];
        volume.commit(batch.into_iter().collect()).map(drop)
    });
}

#[test]
fn a_streamed_write_that_fails_anywhere_is_reported_truly() {
    sometimes_unconfirmed(|volume| {
        let mut writer = volume.writer(&file("old"))?;
        writer.write(b"written ")?;
        writer.write(b"piece by piece")?;
        writer.commit(Precondition::Any).map(drop)
    });
}

#[test]
fn a_look_that_fails_anywhere_is_an_error_or_right() {
    looks_are_right(Way::Published);
    looks_are_right(Way::Journaled);
}

fn looks_are_right(way: Way) {
    let (disk, volume) = start(way);
    let path = file("log");
    let looks: [Look; 5] = [
        |volume, path| Ok(format!("{:?}", volume.reader.read(path, 100)?.contents)),
        |volume, path| Ok(volume.reader.stat(path)?.size.to_string()),
        |volume, _| Ok(format!("{:?}", volume.reader.list(None)?)),
        |volume, path| Ok(format!("{:?}", volume.reader.reader(path)?.read(100)?)),
        |volume, _| Ok(format!("{:?}", volume.usage()?)),
    ];
    let all = contents(&volume).expect("read");
    for look in looks {
        let right = look(&volume, &path).expect("no faults");
        for fault in FAULTS {
            for call in 0.. {
                disk.fail_at(call, fault);
                let seen = look(&volume, &path);
                let at = format!("{fault:?} at call {call}, {}", disk.call(call));
                match seen {
                    Ok(seen) => assert_eq!(seen, right, "{at}"),
                    Err(error) => assert_eq!(error.outcome(), Outcome::NotApplied, "{at}"),
                }
                if disk.calls() <= call {
                    break;
                }
            }
            disk.heal();
            assert_eq!(contents(&volume).expect("read"), all);
        }
    }
}

#[test]
fn a_close_that_fails_anywhere_loses_nothing() {
    closes_without_loss(Way::Published);
    closes_without_loss(Way::Journaled);
}

fn closes_without_loss(way: Way) {
    for fault in FAULTS {
        for call in 0.. {
            let (disk, volume) = start(way);
            let all = contents(&volume).expect("read");
            disk.fail_at(call, fault);
            drop(volume);
            let at = format!("{fault:?} at call {call}, {}", disk.call(call));
            let calls = disk.calls();
            disk.heal();
            for left in disk.after_power_cut(24, &mut || 7) {
                let volume = open(&left).expect(&at);
                assert_eq!(contents(&volume).expect("read"), all, "{at}");
            }
            drop(open(&disk).expect(&at));
            assert_clean(&disk, &at);
            if calls <= call {
                break;
            }
        }
    }
}

#[test]
fn an_opening_that_fails_anywhere_harms_nothing() {
    opens_without_harm(Way::Published);
    opens_without_harm(Way::Journaled);
}

/// Also after a kill, with something to recover.
fn opens_without_harm(way: Way) {
    let (disk, volume) = start(way);
    let before = contents(&volume).expect("read");
    let killed = disk.snapshot();
    drop(volume);
    let disk = if way == Way::Journaled { killed } else { disk };
    for fault in FAULTS {
        for call in 0.. {
            let disk = disk.snapshot();
            disk.fail_at(call, fault);
            drop(open(&disk));
            let at = format!("{fault:?} at call {call}, {}", disk.call(call));
            let calls = disk.calls();
            disk.heal();
            let volume = open(&disk).expect(&at);
            assert_eq!(contents(&volume).expect("read"), before, "{at}");
            commit(&volume, write("next", b"works")).expect(&at);
            drop(volume);
            assert_clean(&disk, &at);
            if calls <= call {
                break;
            }
        }
    }
}

/// A direct commit can be made and not confirmed: its directory is synced last.
#[track_caller]
fn sometimes_unconfirmed(operation: Operation) {
    let unconfirmed = fails_truly(operation, Way::Published);
    assert!(unconfirmed, "no fault hits the sync of the directory");
    assert!(!fails_truly(operation, Way::Journaled));
}

/// A commit through the log is confirmed in spite of one fault: what could not be synced is
/// written to a new file.
#[track_caller]
fn never_unconfirmed(operation: Operation) {
    assert!(!fails_truly(operation, Way::Published));
    assert!(!fails_truly(operation, Way::Journaled));
}

/// Runs `operation` once for every call that it makes and every fault, with that
/// fault at that call. Returns whether a change was ever made without being
/// confirmed.
#[track_caller]
fn fails_truly(operation: Operation, way: Way) -> bool {
    let (disk, volume) = start(way);
    let old = contents(&volume).expect("read");
    operation(&volume).expect("works without faults");
    let new = contents(&volume).expect("read");
    assert_ne!(old, new, "the operation does something");
    drop((volume, disk));

    let mut outcomes = BTreeMap::new();
    for fault in FAULTS {
        for call in 0.. {
            let (disk, volume) = start(way);
            disk.fail_at(call, fault);
            let result = operation(&volume);
            let calls = disk.calls();
            disk.heal();
            let at = format!("{fault:?} at call {call}, {}: {result:?}", disk.call(call));
            *outcomes.entry(label(&result)).or_insert(0) += 1;
            if matches!(
                fault,
                Fault::Error(ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
            ) {
                assert!(names_no_space(&result), "{at}");
            }

            let expected = match &result {
                Err(error) if error.outcome() == Outcome::NotApplied => &old,
                _ => &new,
            };
            assert_eq!(contents(&volume).expect("read"), *expected, "{at}");
            if result
                .as_ref()
                .is_err_and(|error| error.outcome() == Outcome::NotApplied)
            {
                assert_eq!(staged_left(&disk), [""; 0], "{at}");
            }
            if result.is_ok() {
                for left in disk.after_power_cut(24, &mut || 7) {
                    let volume = open(&left).expect(&at);
                    assert_eq!(contents(&volume).expect("read"), new, "not durable; {at}");
                }
            }
            commit(&volume, write("next", b"works")).expect(&at);
            drop(volume);

            let volume = open(&disk).expect(&at);
            let mut after = contents(&volume).expect("read");
            assert_eq!(after.remove("next"), Some(b"works".to_vec()), "{at}");
            assert_eq!(after, *expected, "after opening it again; {at}");
            drop(volume);
            assert_clean(&disk, &at);
            if calls <= call {
                break;
            }
        }
    }
    // Interrupted calls are made again; other faults come through.
    assert!(outcomes.contains_key("ok") && outcomes.contains_key("not applied"));
    outcomes.contains_key("unconfirmed")
}

/// A full disk is told from other trouble, wherever it shows.
fn names_no_space(result: &Result<()>) -> bool {
    match result {
        Err(Error::Step { source, .. }) => matches!(**source, Error::NoSpace { .. }),
        Err(error) if error.outcome() == Outcome::NotApplied => {
            matches!(error, Error::NoSpace { .. })
        }
        _ => true,
    }
}

fn label(result: &Result<()>) -> &'static str {
    match result.as_ref().map_err(Error::outcome) {
        Ok(()) => "ok",
        Err(Outcome::NotApplied) => "not applied",
        Err(Outcome::Unconfirmed) => "unconfirmed",
    }
}

#[track_caller]
fn assert_clean(disk: &SimDisk, at: &str) {
    let sessions = sessions_left(disk);
    assert!(sessions.is_empty(), "left behind: {sessions:?}; {at}");
}

fn start(way: Way) -> (SimDisk, Arc<Local<SimDirectory>>) {
    let disk = SimDisk::new();
    let volume = open_with(&disk, way).expect("no faults");
    for change in [
        write("old", b"old contents"),
        write("moving", b"moving"),
        write("log", b"1\n"),
        append("log", b"2\n"),
        append("log", b"3\n"),
    ] {
        commit(&volume, change).expect("no faults");
    }
    (disk, volume)
}

fn commit(volume: &Local<SimDirectory>, change: Change) -> Result<()> {
    volume.commit(Batch::from(change)).map(drop)
}
