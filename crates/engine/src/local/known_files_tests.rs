//! A write that changes nothing is acknowledged without a flush where that is
//! certain, and nowhere else: after each acknowledgement, the power is cut.

use super::Local;
use super::directory::{Directory, FileHandle};
use super::sim::{Process, SimDirectory, SimDisk};
use super::testing::{Contents, Way, append, batch, contents, delete, file, open, rename, write};
use crate::{Batch, Change, Error, Precondition, Version};
use std::sync::Arc;

type SimVolume = Arc<Local<SimDirectory>>;

fn start() -> (SimDisk, SimVolume) {
    let disk = SimDisk::new();
    let volume = open(&disk).expect("no faults");
    (disk, volume)
}

fn start_process(disk: &SimDisk) -> (Local<SimDirectory>, Process) {
    let (root, process) = disk.start();
    let volume = Local::open(root, Way::Published.options()).expect("no faults");
    (volume, process)
}

fn commit(volume: &Local<SimDirectory>, batch: impl Into<Batch>) {
    volume.commit(batch.into()).expect("no faults");
}

/// How many flushes a commit takes, and that it is durable then.
#[track_caller]
fn flushes(disk: &SimDisk, volume: &Local<SimDirectory>, batch: impl Into<Batch>) -> usize {
    let before = disk.flushes();
    commit(volume, batch);
    let flushes = disk.flushes() - before;
    is_durable(disk, volume);
    flushes
}

/// Whatever a power cut leaves, it is what is there now.
#[track_caller]
fn is_durable(disk: &SimDisk, volume: &Local<SimDirectory>) {
    let now = contents(volume).expect("read");
    for state in disk.after_power_cut(500, &mut || 7) {
        assert_eq!(found(&state), now, "not durable");
    }
}

fn found(disk: &SimDisk) -> Contents {
    let volume = open(disk).expect("no faults");
    contents(&volume).expect("read")
}

/// Writes into a file as a program that knows nothing of volumes does.
fn edit(disk: &SimDisk, name: &str, bytes: &[u8]) {
    let (by_hand, _) = disk.start();
    let file = by_hand.open_file_to_change(name).expect("no faults");
    let edited = file.expect("there").write_all_at(bytes, 0);
    edited.expect("no faults");
}

#[test]
fn what_changes_nothing_costs_no_flush() {
    let (disk, volume) = start();
    commit(&volume, write("dir/file", b"same"));
    let version = Version::of(b"same");
    let conditional = || write("dir/file", b"same").only_if(Precondition::Version(version));
    for _ in 0..3 {
        assert_eq!(flushes(&disk, &volume, write("dir/file", b"same")), 0);
        assert_eq!(flushes(&disk, &volume, conditional()), 0);
    }
    assert_eq!(volume.observer.counters(0).unchanged, 6);
    assert!(flushes(&disk, &volume, write("dir/file", b"else")) > 0);
    assert!(flushes(&disk, &volume, write("dir/file", b"same")) > 0);
    assert!(flushes(&disk, &volume, write("other", b"same")) > 0);
    let absent = write("other", b"same").only_if(Precondition::Absent);
    let refused = volume.commit(absent.into());
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );
}

#[test]
fn lengths_around_a_chunk_are_told_apart() {
    let (disk, volume) = start();
    for bytes in [0, 1, (64 << 10) - 1, 64 << 10, (64 << 10) + 1, 200_000] {
        let mut contents = vec![7; bytes];
        commit(&volume, write("file", &contents));
        assert_eq!(
            flushes(&disk, &volume, write("file", &contents)),
            0,
            "{bytes}"
        );
        contents.push(7);
        assert!(
            flushes(&disk, &volume, write("file", &contents)) > 0,
            "{bytes}"
        );
    }
}

#[test]
fn a_streamed_write_that_changes_nothing_costs_no_flush() {
    let (disk, volume) = start();
    for expected in [true, false, false] {
        let mut writer = volume.writer(&file("file")).expect("opened");
        writer.write(b"piece by ").expect("written");
        writer.write(b"piece").expect("written");
        let before = disk.flushes();
        writer.commit(Precondition::Any).expect("made");
        assert_eq!(disk.flushes() > before, expected);
        is_durable(&disk, &volume);
    }
}

#[test]
fn a_batch_leaves_out_what_does_not_change() {
    let (disk, volume) = start();
    let all = || batch([write("a", b"A"), write("b", b"B"), write("dir/c", b"C")]);
    commit(&volume, all());
    assert_eq!(flushes(&disk, &volume, all()), 0);
    let one = batch([write("a", b"A"), write("b", b"other"), write("dir/c", b"C")]);
    assert!(flushes(&disk, &volume, one) > 0);
    assert_eq!(volume.observer.counters(0).unchanged, 5);
    let moved = batch([write("a", b"A"), rename("a", "x"), write("b", b"other")]);
    flushes(&disk, &volume, moved);
    assert!(!contents(&volume).expect("read").contains_key("a"));
}

#[test]
fn what_other_changes_left_is_not_taken_for_unchanged() {
    let (disk, volume) = start();
    let other = open(&disk).expect("no faults");
    for change in [
        write("file", b"other"),
        append("file", b"!"),
        delete("file"),
        rename("file", "away"),
    ] {
        for by in [&volume, &other] {
            commit(&volume, write("file", b"same"));
            commit(by, change.clone());
            flushes(&disk, &volume, write("file", b"same"));
            assert_eq!(
                contents(&volume).expect("read")["file"],
                b"same",
                "{change:?}"
            );
        }
    }
}

/// The other process wrote the same contents, too, but died before they were durable.
#[test]
fn what_a_killed_process_left_is_made_durable() {
    comes_before_the_same_write(&[write("file", b"other")], write("file", b"same").into());
}

/// As above, but an append and a batch die, of which there may be nothing yet but a
/// record.
#[test]
fn what_a_killed_process_had_decided_comes_before() {
    comes_before_the_same_write(&[], append("file", b"+").into());
    let decided = batch([write("file", b"other"), write("more", b"more")]);
    comes_before_the_same_write(&[], decided);
}

/// Another process makes some changes and is killed at every call of one more; then the
/// file is written as this process wrote it before.
#[track_caller]
fn comes_before_the_same_write(made: &[Change], killed_in: Batch) {
    for call in 0.. {
        let (disk, volume) = start();
        let (dying, process) = start_process(&disk);
        commit(&volume, write("file", b"same"));
        for change in made {
            commit(&dying, change.clone());
        }
        disk.cut_at(call);
        let result = dying.commit(killed_in.clone());
        disk.kill(&process);
        disk.heal();
        flushes(&disk, &volume, write("file", b"same"));
        assert_eq!(contents(&volume).expect("read")["file"], b"same");
        if result.is_ok() {
            break;
        }
    }
}

#[test]
fn what_could_not_be_confirmed_is_made_durable() {
    use super::sim::Fault::Error;
    for call in 0.. {
        let (disk, volume) = start();
        commit(&volume, write("file", b"old"));
        disk.fail_at(call, Error(std::io::ErrorKind::Other));
        let result = volume.commit(write("file", b"same").into());
        disk.heal();
        flushes(&disk, &volume, write("file", b"same"));
        assert_eq!(contents(&volume).expect("read")["file"], b"same");
        if result.is_ok() {
            break;
        }
    }
}

#[test]
fn what_a_program_changed_in_place_and_back_is_made_durable() {
    let (disk, volume) = start();
    commit(&volume, write("file", b"same"));
    edit(&disk, "file", b"EDIT");
    edit(&disk, "file", b"same");
    assert!(flushes(&disk, &volume, write("file", b"same")) > 0);
    assert_eq!(flushes(&disk, &volume, write("file", b"same")), 0);
    edit(&disk, "file", b"EDIT");
    assert!(flushes(&disk, &volume, write("file", b"same")) > 0);
}

#[test]
fn where_changes_can_have_the_same_time_one_more_sync_makes_certain() {
    let (disk, volume) = start();
    disk.set_coarse_clock();
    commit(&volume, write("file", b"same"));
    edit(&disk, "file", b"EDIT");
    edit(&disk, "file", b"same");
    assert!(flushes(&disk, &volume, write("file", b"same")) > 0);
    assert_eq!(flushes(&disk, &volume, write("file", b"same")), 0);
    let (by_hand, _) = disk.start();
    by_hand.rename("file", &by_hand, "away").expect("no faults");
    by_hand.rename("away", &by_hand, "file").expect("no faults");
    commit(&volume, write("file", b"new"));
    by_hand.rename("file", &by_hand, "away").expect("no faults");
    by_hand.rename("away", &by_hand, "file").expect("no faults");
    assert!(flushes(&disk, &volume, write("file", b"new")) > 0);
}

#[test]
fn an_edit_that_shows_in_no_time_is_overwritten() {
    let (disk, volume) = start();
    disk.set_coarse_clock();
    commit(&volume, write("file", b"same"));
    for _ in 0..3 {
        commit(&volume, write("file", b"same"));
        edit(&disk, "file", b"EDIT");
        flushes(&disk, &volume, write("file", b"same"));
        assert_eq!(contents(&volume).expect("read")["file"], b"same");
    }
}

#[test]
fn a_second_name_keeps_what_the_file_was() {
    let (disk, volume) = start();
    commit(&volume, write("file", b"same"));
    let (by_hand, _) = disk.start();
    by_hand.hard_link("file", &by_hand, "copy").expect("linked");
    for _ in 0..2 {
        flushes(&disk, &volume, write("file", b"same"));
    }
    edit(&disk, "file", b"EDIT");
    assert_eq!(contents(&volume).expect("read")["copy"], b"same");
}

#[test]
fn a_write_that_changes_nothing_and_fails_anywhere_is_reported_truly() {
    use super::sim::Fault::Error;
    for coarse in [false, true] {
        for call in 0.. {
            let (disk, volume) = start();
            if coarse {
                disk.set_coarse_clock();
            }
            commit(&volume, write("file", b"same"));
            disk.fail_at(call, Error(std::io::ErrorKind::Other));
            let result = volume.commit(write("file", b"same").into());
            let calls = disk.calls();
            disk.heal();
            assert_eq!(contents(&volume).expect("read")["file"], b"same");
            if result.is_ok() {
                is_durable(&disk, &volume);
            }
            if calls <= call {
                break;
            }
        }
    }
}

/// Only so many files are remembered; of the others nothing is taken for granted.
#[test]
fn what_is_forgotten_is_written() {
    let (disk, volume) = start();
    commit(&volume, write("first", b"same"));
    for number in 0..300 {
        commit(&volume, write(&format!("file{number}"), b"same"));
    }
    let before = disk.flushes();
    commit(&volume, write("first", b"same"));
    assert!(disk.flushes() > before);
    let before = disk.flushes();
    commit(&volume, write("file299", b"same"));
    assert_eq!(disk.flushes(), before);
}
