//! What readers see while others commit: in the same session, and in another process.

use crate::support::{
    Case, Host, Ledger, World, append, checkpoint, committed, file, options, rename, slow_down,
    write,
};
use ability_storage_engine::{Durability, LocalVolume, Volume};
use nix::unistd::{Pid, gettid};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

both_modes! {
    readers_never_see_part_of_an_append,
    a_list_has_a_file_that_batches_move,
    a_list_has_a_file_that_is_replaced_on_btrfs,
}

/// How long the readers look.
const LOOKING: Duration = Duration::from_secs(4);

/// Longer than what a record holds itself, so that each append is published by itself.
const APPENDED: usize = 70_000;

/// How many appends the log holds before it is begun again.
const MAX_APPENDS: usize = 100;

/// Nothing is synced, so that much happens while a reader is stopped.
fn open_without_syncs(host: &Host) -> LocalVolume {
    let options = options(host.mode()).durability(Durability::None);
    options.open(host.root()).expect("opened")
}

/// Looks at the length of the log, and now and then at all of it.
fn look_for_torn_appends(volume: &LocalVolume, who: &str, stop: impl Fn() -> bool) {
    let mut looks = 0_u64;
    while !stop() {
        looks += 1;
        let size = volume.stat(&file("log")).expect("there").size as usize;
        assert_eq!(size % APPENDED, 0, "{who}, look {looks}: {size} bytes");
        if looks.is_multiple_of(64) {
            let found = volume
                .read(&file("log"), 64 << 20)
                .expect("read")
                .into_contents();
            assert_eq!(found.len() % APPENDED, 0, "{who} reads part of an append");
            let is_whole = |piece: &[u8]| piece.iter().all(|byte| *byte == piece[0]);
            assert!(
                found.chunks(APPENDED).all(is_whole),
                "{who} reads a mixture"
            );
        }
    }
    eprintln!("{who}: {looks} looks");
}

fn append_all_the_time(volume: &LocalVolume, stop: impl Fn() -> bool) {
    let mut number = 0;
    while !stop() {
        number += 1;
        if number % MAX_APPENDS == 0 {
            committed(volume, [write("log", "")]);
        }
        let letter = b'a' + (number % 26) as u8;
        committed(volume, [append("log", vec![letter; APPENDED])]);
        checkpoint(volume).expect("a checkpoint");
    }
    eprintln!("{number} appends");
}

/// The thread that another process has written into a file.
fn thread_in(path: &Path) -> Option<Pid> {
    for _ in 0..200 {
        let written = fs::read_to_string(path).unwrap_or_default();
        if let Ok(id) = written.parse() {
            return Some(Pid::from_raw(id));
        }
        sleep(Duration::from_millis(10));
    }
    None
}

/// One reader in the session that appends, one in another process, and a slow one, which
/// sees many appends between two of its system calls.
fn readers_never_see_part_of_an_append(case: &Case) {
    let scene = |world: &mut World| {
        world.in_memory();
        Ok(())
    };
    case.play(scene, |host| {
        let volume = open_without_syncs(host);
        let stopped = host.beside("stopped");
        let thread_of_reader = host.beside("thread");
        if host.is("slow reader") {
            fs::write(&thread_of_reader, gettid().to_string()).expect("written");
            return look_for_torn_appends(&volume, "a slow session", || stopped.exists());
        }
        if host.is("reader") {
            return look_for_torn_appends(&volume, "another session", || stopped.exists());
        }
        committed(&volume, [write("log", "")]);
        let (other, slow) = (host.start("reader"), host.start("slow reader"));
        let done = AtomicBool::new(false);
        let is_done = || done.load(Ordering::Relaxed);
        let start = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| look_for_torn_appends(&volume, "this session", is_done));
            scope.spawn(|| {
                if let Some(thread) = thread_in(&thread_of_reader) {
                    slow_down(thread);
                }
            });
            append_all_the_time(&volume, || start.elapsed() > LOOKING);
            done.store(true, Ordering::Relaxed);
            fs::write(&stopped, "").expect("written");
        });
        slow.finish(LOOKING * 2);
        other.finish(LOOKING * 2);
        Ledger::of(&[]).check_available(host.root(), host.mode(), volume);
    });
}

/// How many files are in the list beside the one that moves.
const OTHERS: usize = 2_000;

/// How long the files are listed.
const LISTING: Duration = Duration::from_secs(4);

/// How long one list may take while batches run, on a busy machine.
const MAX_LIST: Duration = Duration::from_secs(1);

fn a_list_has_a_file_that_batches_move(case: &Case) {
    let scene = |world: &mut World| {
        world.in_memory();
        for number in 0..OTHERS {
            let directory = format!("m/{}", number % 20);
            world.directory(&directory);
            world.put(&format!("{directory}/{number}"), "x");
        }
        Ok(())
    };
    case.play(scene, |host| {
        let volume = options(host.mode()).open(host.root()).expect("opened");
        committed(&volume, [write("a/moved", "x"), write("count", "0")]);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| move_to_and_fro(&volume, &done));
            let start = Instant::now();
            let mut lists = 0;
            let mut longest = Duration::ZERO;
            while start.elapsed() < LISTING {
                let began = Instant::now();
                let files = volume.list(None).expect("listed");
                longest = longest.max(began.elapsed());
                lists += 1;
                let has = |name| files.contains(&file(name));
                let is_there = has("a/moved") || has("z/moved");
                if !is_there || longest > MAX_LIST {
                    done.store(true, Ordering::Relaxed);
                }
                assert!(is_there, "list {lists} has the file under neither name");
                assert!(longest <= MAX_LIST, "list {lists} took {longest:?}");
                assert!(files.len() > OTHERS, "list {lists} lacks files");
            }
            eprintln!("{lists} lists, the longest took {longest:?}");
            done.store(true, Ordering::Relaxed);
        });
        Ledger::of(&[]).check_available(host.root(), host.mode(), volume);
    });
}

fn move_to_and_fro(volume: &LocalVolume, done: &AtomicBool) {
    let mut number = 0;
    while !done.load(Ordering::Relaxed) {
        number += 1;
        let (from, to) = if number % 2 == 1 {
            ("a/moved", "z/moved")
        } else {
            ("z/moved", "a/moved")
        };
        committed(
            volume,
            [rename(from, to), write("count", number.to_string())],
        );
    }
    eprintln!("{number} batches");
}

/// There a file that replaces another is listed behind all others, where a listing that has
/// begun does not look.
fn a_list_has_a_file_that_is_replaced_on_btrfs(case: &Case) {
    let make = ["mkfs.btrfs", "-q", "-f"];
    let scene = |world: &mut World| world.image(&make, 128 << 20, "noatime");
    case.play(scene, |host| {
        let [writer, reader] = [(), ()].map(|()| open_without_syncs(host));
        for number in 0..40 {
            committed(&writer, [write(&format!("f{number}"), "0")]);
        }
        let ends = AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let mut number = 0;
                while !ends.load(Ordering::Relaxed) {
                    number += 1;
                    committed(&writer, [write("f15", format!("{number}"))]);
                }
            });
            let begun = Instant::now();
            let (mut wrong, mut looks) = (0, 0);
            while begun.elapsed() < LOOKING {
                let listed = reader.list(None).expect("listed");
                looks += 1;
                wrong += u32::from(listed.len() != 40);
            }
            ends.store(true, Ordering::Relaxed);
            assert_eq!(wrong, 0, "of {looks} lists lack a file");
        });
    });
}
