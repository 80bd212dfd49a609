//! Guests that stop in the middle of a stream, in each way in which a guest can stop
//! or be stopped, leave nothing behind and hold nothing: not the file, not the room,
//! not the one writer that the volume allows.

use ability_storage::{Limits, LocalVolume, Scope, StorageCtx, Volume};
use end_to_end::command::{names, staged_bytes, wait_until_closed};
use end_to_end::untrusted::{Command, HOST};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

static HOSTILE: LazyLock<Command> = LazyLock::new(|| HOST.command("hostile"));
static PROBE: LazyLock<Command> = LazyLock::new(|| HOST.command("probe"));

const TICK: Duration = Duration::from_millis(1);

fn open(directory: &Path) -> Arc<dyn Volume> {
    let limits = Limits::default()
        .max_writers(1)
        .max_bytes_in_flight(1 << 20);
    let volume = LocalVolume::options().limits(limits).open(directory);
    Arc::new(volume.expect("opened"))
}

fn ctx(volume: &Arc<dyn Volume>) -> StorageCtx {
    let ctx = StorageCtx::builder().volume(Scope::Ability, volume.clone());
    ctx.build()
}

/// Has a guest stop in that way while it reads a file and writes another, and checks
/// that a second guest finds all as if there had been no first.
fn check(way: &str, ends_by_itself: bool) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let volume = open(directory.path());
    HOST.serves_others_during(async {
        answers(&volume, &[("write", &["file", "old"], "ok")]).await;
        for _ in 0..3 {
            let stdout = MemoryOutputPipe::new(1 << 20);
            let mut run = Box::pin(HOST.run(&HOSTILE, &["stop", way], "", &stdout, ctx(&volume)));
            if ends_by_itself {
                let _ = (&mut run).await;
                assert!(stdout.contents().starts_with(b"open"), "{way}");
            } else {
                tokio::select! {
                    end = &mut run => panic!("{way}: {end:?}"),
                    () = until_open(&stdout) => {}
                }
                // It was in the middle; now the host has had enough of it.
                assert!(staged_bytes(directory.path()) > 0, "{way}");
            }
            drop(run);
            until_nothing_is_staged(directory.path()).await;
            answers(
                &volume,
                &[
                    ("read", &["file"], "ok old"),
                    ("list", &[""], "ok file"),
                    ("stream-write", &["other", "1000000"], "ok "),
                    ("delete", &["other"], "ok"),
                ],
            )
            .await;
        }
    });
    drop(volume);
    wait_until_closed(directory.path());
    assert_eq!(names(directory.path()), [".ability-storage", "file"]);
}

async fn answers(volume: &Arc<dyn Volume>, expected: &[(&str, &[&str], &str)]) {
    for (operation, words, expected) in expected {
        let words = [&[*operation], *words].concat();
        let stdout = MemoryOutputPipe::new(1 << 20);
        let end = HOST.run(&PROBE, &words, "", &stdout, ctx(volume)).await;
        assert!(matches!(end, Ok(Ok(()))), "{words:?} {end:?}");
        let answer = String::from_utf8(stdout.contents().into()).expect("text");
        assert!(answer.starts_with(expected), "{words:?}: {answer}");
    }
}

async fn until_open(stdout: &MemoryOutputPipe) {
    while !stdout.contents().starts_with(b"open") {
        tokio::time::sleep(TICK).await;
    }
}

/// A call that was under way goes on to its end. Ends only if nothing is left.
async fn until_nothing_is_staged(volume: &Path) {
    while staged_bytes(volume) > 0 {
        tokio::time::sleep(TICK).await;
    }
}

#[test]
fn it_returns_without_letting_go() {
    check("return", true);
}

#[test]
fn it_exits() {
    check("exit", true);
}

#[test]
fn it_traps() {
    check("trap", true);
}

#[test]
fn its_stack_ends() {
    check("recurse", true);
}

#[test]
fn it_is_stopped_while_it_computes() {
    check("spin", false);
}

#[test]
fn it_is_stopped_while_it_sleeps() {
    check("sleep", false);
}

#[test]
fn it_is_stopped_while_it_writes() {
    check("write", false);
}
