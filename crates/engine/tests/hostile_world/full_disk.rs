//! File systems without space: small ones in memory, ext4, btrfs and XFS in a file.

use crate::support::{
    Case, Host, Ledger, World, append, checkpoint, commit, delete, fill, open, options, read, write,
};
use ability_storage_engine::{Error, LocalVolume, Outcome, Volume};
use nix::sys::statvfs::statvfs;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

both_modes! {
    a_full_tmpfs_refuses_honestly_and_deletes_make_room,
    a_full_ext4_refuses_honestly_and_deletes_make_room,
    a_full_btrfs_refuses_honestly_and_deletes_make_room,
    a_file_system_without_inodes_refuses_honestly,
    refused_batches_leave_no_files_behind,
    a_full_volume_opens_for_reading_and_for_deletes,
    a_full_xfs_opens_for_reading_and_for_deletes,
}
one_mode! { Journaled:
    a_delete_makes_room_for_what_waits,
    replaced_contents_are_removed_by_a_checkpoint,
    a_disk_that_another_program_fills_before_the_checkpoint_loses_nothing,
}

/// The most files that are written to get a disk full.
const MAX_FILES: usize = 160;

/// Writes files until there is no space, or until there are many (a journaled volume may
/// take them as long as its log has room); returns how many there are.
fn write_until_full(ledger: &mut Ledger, volume: &LocalVolume, bytes: usize) -> usize {
    let write_one = |number| vec![write(&format!("full/{number}"), vec![b'x'; bytes])];
    let mut files = 0;
    while files < MAX_FILES {
        if let Err(error) = ledger.attempt_unread(volume, write_one(files)) {
            assert!(is_no_space(&error), "{error:?}");
            break;
        }
        files += 1;
        if files.is_multiple_of(16) {
            let _ = checkpoint(volume);
        }
    }
    ledger.check(volume, "filling the disk");
    eprintln!("{files} files");
    files
}

fn is_no_space(error: &Error) -> bool {
    match error {
        Error::Step { source, .. } => is_no_space(source),
        error => matches!(error, Error::NoSpace { .. }),
    }
}

/// Fills the volume, sees that all is refused honestly, and makes room by deletes.
fn fill_and_make_room(host: &Host, bytes: usize) {
    let mut ledger = Ledger::of(&[]);
    let volume = host.open();
    ledger.acknowledged(&volume, [append("log", "line\n")]);
    let files = write_until_full(&mut ledger, &volume, bytes);
    assert!(files < MAX_FILES, "the disk does not get full");
    let big = || vec![b'y'; bytes];
    for round in 0..3 {
        let both = [
            write("full/0", big()),
            write(&format!("new/{round}"), big()),
        ];
        let _ = ledger.attempt(&volume, both);
        let _ = ledger.attempt(&volume, [append("log", big())]);
        let _ = ledger.attempt(&volume, [append("log", "line\n")]);
    }
    let _ = checkpoint(&volume);
    for number in 0..files / 2 {
        ledger.acknowledged(&volume, [delete(&format!("full/{number}"))]);
    }
    let _ = checkpoint(&volume);
    ledger.acknowledged(&volume, [write("again", big())]);
    ledger.check_available(host.root(), host.mode(), volume);
}

fn a_full_tmpfs_refuses_honestly_and_deletes_make_room(case: &Case) {
    let scene = |world: &mut World| world.tmpfs("", "size=2m");
    case.play(scene, |host| fill_and_make_room(host, 64 << 10));
}

fn a_full_ext4_refuses_honestly_and_deletes_make_room(case: &Case) {
    let make = ["mkfs.ext4", "-q", "-F", "-m0", "-Jsize=1", "-b1024"];
    let scene = |world: &mut World| world.image(&make, 12 << 20, "noatime");
    case.play(scene, |host| fill_and_make_room(host, 256 << 10));
}

fn a_full_btrfs_refuses_honestly_and_deletes_make_room(case: &Case) {
    let make = ["mkfs.btrfs", "-q", "-f", "--mixed"];
    let scene = |world: &mut World| world.image(&make, 24 << 20, "noatime");
    case.play(scene, |host| fill_and_make_room(host, 512 << 10));
}

/// There is space, but no file can be made.
fn a_file_system_without_inodes_refuses_honestly(case: &Case) {
    let scene = |world: &mut World| world.tmpfs("", "size=16m,nr_inodes=80");
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        ledger.acknowledged(&volume, [append("log", "line\n")]);
        let files = write_until_full(&mut ledger, &volume, 8);
        let _ = ledger.attempt(&volume, [write("full/0", "1"), write("new/0", "1")]);
        for number in 8..files {
            ledger.acknowledged(&volume, [delete(&format!("full/{number}"))]);
        }
        let settled = checkpoint(&volume);
        assert!(settled.is_ok(), "the deletes do not help: {settled:?}");
        ledger.acknowledged(&volume, [write("again", "again")]);
        drop(volume);
        ledger.check_opens_without_more_files(host);
    });
}

impl Ledger {
    /// Checks that the volume opens, where there is no room for new files.
    fn check_opens_without_more_files(&mut self, host: &Host) {
        for mode in [host.mode(), host.mode().other()] {
            let volume = open(host.root(), mode);
            self.check(&volume, "opening it again");
            self.acknowledged(&volume, [write("again", format!("{mode:?}"))]);
        }
        self.check_reads(host.root(), host.mode());
    }
}

fn free_bytes(root: &Path) -> u64 {
    let now = statvfs(root).expect("asked");
    now.blocks_available() * now.fragment_size()
}

/// What refused commits may leave at most, all together: a log may have been begun.
const MAX_LEFT_BYTES: u64 = 160 << 10;

/// The batches get shorter, so that the space ends at each step of a commit.
fn refused_batches_leave_no_files_behind(case: &Case) {
    let scene = |world: &mut World| world.tmpfs("", "size=24m");
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        ledger.acknowledged(&volume, [write("a", "a")]);
        ledger.acknowledged(&volume, [append("log", "line\n")]);
        // Another program leaves half a MiB.
        fs::write(host.path("room"), vec![0; 512 << 10]).expect("written");
        fill(&host.path("filler"));
        fs::remove_file(host.path("room")).expect("removed");
        let before = free_bytes(host.root());
        for round in 0..40 {
            let half = || vec![b'x'; (280 << 10) - (round << 11)];
            let files = [write("a", half()), write("c/d", half())];
            match ledger.attempt(&volume, files) {
                Ok(()) => break,
                Err(error) => assert_eq!(error.outcome(), Outcome::NotApplied, "{error:?}"),
            }
        }
        let _ = ledger.attempt(&volume, [delete("a"), delete("c/d")]);
        let _ = checkpoint(&volume);
        let left = before.saturating_sub(free_bytes(host.root()));
        assert!(left <= MAX_LEFT_BYTES, "refused batches left {left} bytes");
        ledger.acknowledged(&volume, [write("again", vec![b'x'; 100 << 10])]);
        fs::remove_file(host.path("filler")).expect("removed");
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// Another program takes all space while the volume is closed.
fn a_full_volume_opens_for_reading_and_for_deletes(case: &Case) {
    let scene = |world: &mut World| world.tmpfs("", "size=4m");
    case.play(scene, |host| open_when_full(host, 100 << 10));
}

/// It makes no directory when so little space is left that all its trees could not grow by a
/// level.
fn a_full_xfs_opens_for_reading_and_for_deletes(case: &Case) {
    // It is never smaller.
    let scene = |world: &mut World| world.image(&["mkfs.xfs", "-q", "-f"], 304 << 20, "noatime");
    case.play(scene, |host| {
        if host.is("killed") {
            let _volume = host.open();
            std::thread::sleep(Duration::from_secs(60));
            return;
        }
        open_when_full(host, 1 << 20);
        let volume = host.open();
        commit(&volume, [write("full/0", "1")]).expect("written");
        drop(volume);
        fill(&host.path("filler"));
        fs::create_dir(host.path("refused")).expect_err("it makes no directory");
        // One that was killed leaves its directory, too.
        let mut killed = host.start("killed");
        let sessions = || fs::read_dir(host.path(".ability-storage/sessions")).expect("listed");
        let is_session = |name: OsString| name != "spare";
        while !sessions().any(|entry| is_session(entry.expect("listed").file_name())) {
            assert!(!killed.has_ended(), "it could not open the volume");
            std::thread::sleep(Duration::from_millis(10));
        }
        killed.kill();
        commit(&host.open(), [delete("full/0")]).expect("deleted");
        fs::remove_file(host.path("filler")).expect("removed");
    });
}

/// Opens a volume that has four files of this many bytes when the disk is full.
fn open_when_full(host: &Host, bytes: usize) {
    let mut ledger = Ledger::of(&[]);
    let volume = host.open();
    for number in 0..4 {
        let path = format!("full/{number}");
        ledger.acknowledged(&volume, [write(&path, vec![b'x'; bytes])]);
    }
    drop(volume);
    fill(&host.path("filler"));
    ledger.check_reads(host.root(), host.mode());
    let volume = host.open();
    let refused = ledger.attempt(&volume, [write("more", vec![b'x'; 10 * bytes])]);
    assert!(is_no_space(&refused.expect_err("there is no room")));
    ledger.acknowledged(&volume, [delete("full/0")]);
    checkpoint(&volume).expect("the delete makes room");
    ledger.acknowledged(&volume, [write("small", "small")]);
    fs::remove_file(host.path("filler")).expect("removed");
    ledger.check_available(host.root(), host.mode(), volume);
}

/// Blobs of a journaled volume that are replaced before a checkpoint do not pile up.
fn replaced_contents_are_removed_by_a_checkpoint(case: &Case) {
    let scene = |world: &mut World| world.tmpfs("", "size=24m");
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        for number in 0..8 {
            ledger.acknowledged(&volume, [write("a", vec![number; 1 << 20])]);
        }
        checkpoint(&volume).expect("a checkpoint");
        let log = host.path(".ability-storage/log");
        let sizes = fs::read_dir(log).expect("listed").map(|entry| {
            let metadata = entry.and_then(|entry| entry.metadata());
            metadata.expect("there").len()
        });
        let bytes: u64 = sizes.sum();
        assert!(bytes <= MAX_LEFT_BYTES, "{bytes} bytes stay in the log");
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// New files wait for the checkpoint, and a delete that was acknowledged with them is what
/// gives them the space.
fn a_delete_makes_room_for_what_waits(case: &Case) {
    let scene = |world: &mut World| world.tmpfs("", "size=4m");
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        ledger.acknowledged(&volume, [write("old", vec![b'o'; 1 << 20])]);
        checkpoint(&volume).expect("a checkpoint");
        // The log has its length before the disk is full.
        let waiting = |n: u8| [write(&format!("waits/{n}"), vec![n; 100 << 10])];
        for number in 0..4 {
            ledger.acknowledged(&volume, waiting(number));
        }
        let room = host.path("room");
        fs::write(&room, vec![0; 200 << 10]).expect("written");
        fill(&host.path("filler"));
        fs::remove_file(&room).expect("removed");
        ledger.acknowledged(&volume, [delete("old")]);
        let settled = checkpoint(&volume);
        assert!(settled.is_ok(), "its own delete does not help: {settled:?}");
        ledger.acknowledged(&volume, [write("small", "small")]);
        drop(volume);
        let volume = host.open();
        ledger.check(&volume, "opening it again");
        assert!(!host.path("old").exists(), "the delete is not in the files");
        fs::remove_file(host.path("filler")).expect("removed");
        ledger.check_available(host.root(), host.mode(), volume);
    });
}

/// All space goes between the commit and the checkpoint; a little of it is enough to open
/// the volume, all of it comes back in the end.
fn a_disk_that_another_program_fills_before_the_checkpoint_loses_nothing(case: &Case) {
    let scene = |world: &mut World| world.tmpfs("", "size=4m");
    case.play(scene, |host| {
        let mut ledger = Ledger::of(&[]);
        let volume = host.open();
        for number in 0..6_u8 {
            let path = format!("waits/{number}");
            ledger.acknowledged(&volume, [write(&path, vec![number; 100 << 10])]);
        }
        let spare = host.path("spare");
        fs::write(&spare, vec![0; 200 << 10]).expect("written");
        fill(&host.path("filler"));
        eprintln!("checkpoint: {:?}", checkpoint(&volume));
        ledger.check(&volume, "the checkpoint");
        ledger.acknowledged(&volume, [delete("waits/0")]);
        drop(volume);
        ledger.check_reads(host.root(), host.mode());
        fs::remove_file(&spare).expect("removed");
        for mode in [host.mode().other(), host.mode()] {
            let volume = open(host.root(), mode);
            ledger.check(&volume, "opening it with little room");
            let listed = volume.list(None).expect("listed");
            assert!(listed.len() >= 5, "{listed:?}");
            let big = commit(&volume, [write("big", vec![0; 3 << 20])]);
            big.expect_err("there is no room");
            assert_eq!(read(&volume, "big"), None);
        }
        fs::remove_file(host.path("filler")).expect("removed");
        let volume = options(host.mode()).open(host.root()).expect("opened");
        ledger.check_available(host.root(), host.mode(), volume);
        let disk = fs::read(host.path("waits/5")).expect("in its file");
        assert_eq!(disk, vec![5; 100 << 10]);
    });
}
