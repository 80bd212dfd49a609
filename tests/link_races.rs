//! While guests work in a directory, another process swaps it for a symbolic link
//! and back, as fast as it can: to a directory outside, or to the private one. A
//! call finds the one or the other; never does it go through the link.
#![cfg(target_os = "linux")]

use ability_storage_engine::layout::{LOCKS, LOG_FILES, SESSIONS};
use end_to_end::embedding::{PROBE, VARIANTS, Variant};
use end_to_end::surroundings::{SECRET, Surroundings};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, fs, process, thread};

const VOLUME: &str = "ABILITY_STORAGE_TEST_SWAPPED_VOLUME";

/// What is swapped, each with the link `<name>.link`: directories at the top and
/// beneath another, one that becomes the private directory, and a file.
const SWAPPED: [&str; 4] = ["top", "deep/inner", "private", "file"];

/// What a call may answer when the ground moves under it, besides `ok`.
const ALLOWED: [&str; 7] = [
    "not-found",
    "invalid-path",
    "conflict",
    "unconfirmed",
    "unavailable",
    "other",
    "io",
];

/// How many work at once.
const GUESTS: usize = 2;

/// How often the guests go through all calls, at least.
const ROUNDS: usize = 40;

/// Until when both sides of the race must have been seen.
const MOST_ROUNDS: usize = 20_000;

#[test]
fn nothing_goes_through_a_directory_that_becomes_a_link() {
    for variant in VARIANTS {
        let place = Surroundings::set_up();
        plant(&place);
        let volume = place.open();
        let swapper = Swapper::start(&place.volume());
        thread::scope(|scope| {
            for guest in 0..GUESTS {
                let ctx = || place.ctx(&volume);
                scope.spawn(move || race(variant, guest, ctx));
            }
        });
        swapper.stop();
        drop(volume);
        place.wait_until_closed();
        check_after(variant, &place);
    }
}

/// The directory outside that the links lead to, and the links.
fn plant(place: &Surroundings) {
    let volume = place.volume();
    let outside = place.root().join("user");
    for name in SWAPPED {
        let link = volume.join(format!("{name}.link"));
        let target = match name {
            "private" => Path::new(".ability-storage").to_owned(),
            "file" => outside.join("secret"),
            _ => outside.clone(),
        };
        if name == "file" {
            fs::write(volume.join(name), "inside").expect("written");
        } else {
            fs::create_dir_all(volume.join(name)).expect("created");
        }
        symlink(target, link).expect("linked");
    }
}

/// Does everything that a guest can do with paths beneath what is swapped, over and
/// over, until each call has seen both sides.
fn race(variant: Variant, guest: usize, ctx: impl Fn() -> ability_storage::StorageCtx) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let operations: Vec<Vec<String>> = SWAPPED
        .iter()
        .flat_map(|name| operations(name, guest))
        .collect();
    let repeated: Vec<_> = operations
        .iter()
        .cycle()
        .take(operations.len() * 10)
        .collect();
    for round in (0..MOST_ROUNDS).step_by(10) {
        let answers = PROBE.answers(
            variant,
            ctx(),
            repeated.iter().map(|words| words.as_slice()),
        );
        assert_eq!(answers.len(), repeated.len());
        for (words, answer) in repeated.iter().zip(&answers) {
            assert!(
                !answer.contains(SECRET),
                "{words:?} reads outside: {answer}"
            );
            // What all volumes have in theirs, and nobody wrote here.
            let lists_private = [LOCKS, LOG_FILES[0], SESSIONS]
                .iter()
                .any(|name| answer.contains(&format!("/{name}")));
            assert!(!lists_private, "{words:?} lists what is private: {answer}");
            let kind = match answer.strip_prefix("err ") {
                Some(error) => error.split(' ').next().unwrap_or_default(),
                None => "ok",
            };
            assert!(
                kind == "ok" || ALLOWED.contains(&kind),
                "{words:?}: {answer}"
            );
            *seen.entry(format!("{} {kind}", words[0])).or_default() += 1;
        }
        let both = ["write", "read", "append", "stream-write", "batch"]
            .iter()
            .all(|call| {
                let times = |kind: &str| seen.get(&format!("{call} {kind}")).copied();
                let failed = ALLOWED.iter().any(|kind| times(kind).is_some());
                times("ok").is_some() && failed
            });
        if both && round >= ROUNDS {
            return;
        }
    }
    panic!("the race was never lost, or never won: {seen:?}");
}

/// The file that only this guest names.
fn own(guest: usize) -> String {
    format!("own-{guest}")
}

fn operations(name: &str, guest: usize) -> Vec<Vec<String>> {
    let own = own(guest);
    let paths: Vec<String> = match name {
        "file" => vec![name.to_owned()],
        // The first is there on the other side of each link.
        _ => vec![format!("{name}/secret"), format!("{name}/new-{guest}/file")],
    };
    let mut operations = Vec::new();
    for path in &paths {
        let path = path.as_str();
        let each: [&[&str]; 14] = [
            &["write", path, "inside"],
            &["read", path],
            &["append", path, "+"],
            &["stat", path],
            &["exists", path],
            &["list", name],
            &["stream-read", path],
            &["stream-write", path, "10"],
            &["batch", "write", path, "inside", "write", &own, "mine"],
            &["rename", path, &own],
            &["rename", &own, path],
            &["batch", "append", path, "+", "rename", path, &own],
            &["delete", path],
            &["write-if", path, "inside", "absent"],
        ];
        operations.extend(each.map(|words| words.iter().map(|&word| word.to_owned()).collect()));
    }
    operations
}

/// Nothing outside has changed; and in the volume, now that it stands still, each
/// call does what it says.
fn check_after(variant: Variant, place: &Surroundings) {
    place.check();
    let volume = place.open();
    let paths = ["top/secret", "deep/inner/secret", "private/secret", "file"];
    let write = paths.map(|path| vec!["write", path, "settled"]);
    let read = paths.map(|path| vec!["read", path]);
    let operations: Vec<_> = write.into_iter().chain(read).collect();
    let answers = PROBE.answers(variant, place.ctx(&volume), &operations);
    assert_eq!(answers[..4], ["ok"; 4]);
    assert_eq!(answers[4..], ["ok settled"; 4]);
    drop(volume);
    place.check();
    for name in SWAPPED {
        let link = place.volume().join(format!("{name}.link"));
        assert!(link.is_symlink(), "{name}");
        fs::remove_file(link).expect("removed");
    }
    // A guest's rename that meets the link where it saw the file moves the link itself, as any
    // rename does: whole, unread, and to where no call goes through it either.
    for guest in 0..GUESTS {
        let own = place.volume().join(own(guest));
        if own.is_symlink() {
            fs::remove_file(own).expect("removed");
        }
    }
    let files = place.files();
    assert!(files.values().all(|contents| !contents.contains(SECRET)));
}

/// The other process.
struct Swapper(Child);

impl Swapper {
    fn start(volume: &Path) -> Self {
        let child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "swapping_process", "--ignored", "--nocapture"])
            .env(VOLUME, volume)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        Self(child.expect("started"))
    }

    /// Has it end with all names where they were.
    fn stop(mut self) {
        drop(self.0.stdin.take());
        let status = self.0.wait().expect("ended");
        assert!(status.success(), "{status}");
    }
}

/// Not a test: the process that swaps, until its input ends.
#[test]
#[ignore = "runs as the child of another test"]
fn swapping_process() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let Some(volume) = env::var_os(VOLUME) else {
        return;
    };
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        STOP.store(true, Ordering::Relaxed);
    });
    let volume = Path::new(&volume);
    let pairs = SWAPPED.map(|name| (volume.join(name), volume.join(format!("{name}.link"))));
    // Where there is nothing to swap, a guest has just deleted or replaced it.
    let swap = |name, link| renameat_with(CWD, name, CWD, link, RenameFlags::EXCHANGE).is_ok();
    while !STOP.load(Ordering::Relaxed) {
        for (name, link) in &pairs {
            swap(name, link);
            swap(name, link);
            if !name.is_symlink() && !link.is_symlink() {
                plant_again(volume, link);
            }
        }
    }
    for (name, link) in &pairs {
        assert!(!name.is_symlink() || swap(name, link));
    }
    process::exit(0);
}

/// A write that began over a file replaces the link that has come there since; that of a file is
/// soon gone.
fn plant_again(volume: &Path, link: &Path) {
    let new = volume.join("new.link");
    let target = volume.join("../../user/secret");
    symlink(target, &new).expect("linked");
    fs::rename(new, link).expect("planted");
}
