//! The generated traits, called as a linker calls them.

mod batch;
mod slow;
mod spans;
mod streaming;

use self::slow::Slow;
use super::StorageView;
use crate::author::delegate;
use crate::bindings::ability::storage::storage::{self as asynchronous, Host as Asynchronous};
use crate::bindings::ability::storage::types::{Error, Host as _, Precondition};
use crate::bindings::sync::ability::storage::storage::{FileEnd, Host as Synchronous};
use crate::error::Failure;
use crate::{
    FilePath, Limits, MemoryVolume, Scope, StorageCtx, StorageCtxBuilder, Version, Volume,
};
use std::sync::{Arc, mpsc};
use std::thread::{self, ThreadId};

const PATH: &str = "notes/a.md";

fn ctx() -> StorageCtx {
    StorageCtx::builder()
        .ability_volume(MemoryVolume::new())
        .user_volume(MemoryVolume::new())
        .build()
}

/// What a guest would see of `result`.
fn seen<T>(ctx: &mut StorageCtx, result: Result<T, Failure>) -> Result<T, String> {
    result.map_err(|failure| {
        let error = StorageView::new(ctx).convert_error(failure);
        error.expect("an error value, not a trap").to_string()
    })
}

fn write(ctx: &mut StorageCtx, path: &str, contents: &[u8], scope: Scope) -> Result<(), String> {
    let result = Synchronous::atomic_write(
        &mut StorageView::new(ctx),
        path.to_owned(),
        contents.to_vec(),
        scope,
    );
    seen(ctx, result)
}

fn read(ctx: &mut StorageCtx, path: &str, scope: Scope) -> Result<Vec<u8>, String> {
    let result = Synchronous::read(&mut StorageView::new(ctx), path.to_owned(), scope);
    seen(ctx, result)
}

#[test]
fn scopes_do_not_overlap() {
    let mut ctx = ctx();
    write(&mut ctx, PATH, b"own", Scope::Ability).expect("written");
    write(&mut ctx, PATH, b"shared", Scope::User).expect("written");
    assert_eq!(read(&mut ctx, PATH, Scope::Ability).expect("read"), b"own");
    assert_eq!(read(&mut ctx, PATH, Scope::User).expect("read"), b"shared");
}

#[test]
fn a_scope_without_a_volume_is_named() {
    let mut ctx = StorageCtxBuilder::new()
        .ability_volume(MemoryVolume::new())
        .build();
    let error = read(&mut ctx, PATH, Scope::User).expect_err("nothing is there");
    assert!(
        error.contains("Unavailable") && error.contains("`user`"),
        "{error}"
    );
    write(&mut ctx, PATH, b"", Scope::Ability).expect("the other scope is there");
}

#[test]
fn a_read_only_scope_can_be_read() {
    let volume = Arc::new(MemoryVolume::new());
    let mut writer = StorageCtx::builder()
        .volume(Scope::User, volume.clone())
        .build();
    let mut reader = StorageCtx::builder()
        .volume(Scope::User, volume)
        .read_only(Scope::User)
        .build();
    write(&mut writer, PATH, b"text", Scope::User).expect("written");
    assert_eq!(read(&mut reader, PATH, Scope::User).expect("read"), b"text");

    let mut view = StorageView::new(&mut reader);
    let path = PATH.to_owned();
    for result in [
        Synchronous::atomic_write(&mut view, path.clone(), vec![], Scope::User),
        Synchronous::append(&mut view, path.clone(), vec![], Scope::User),
        Synchronous::rename(&mut view, path.clone(), "b".to_owned(), Scope::User),
        Synchronous::delete(&mut view, path.clone(), Scope::User),
    ] {
        assert!(matches!(result, Err(Failure::Error(Error::ReadOnly))));
    }
}

#[test]
fn longer_contents_than_may_pass_are_refused_in_both_directions() {
    let volume = Arc::new(MemoryVolume::new());
    let with_limit = |bytes| {
        StorageCtx::builder()
            .volume(Scope::Ability, volume.clone())
            .max_value_bytes(bytes)
            .build()
    };
    let mut small = with_limit(4);
    write(&mut small, PATH, b"1234", Scope::Ability).expect("just fits");
    let too_large = "Error::TooLarge(4)";
    let error = write(&mut small, PATH, b"12345", Scope::Ability).expect_err("too long");
    assert!(
        error.contains("TooLarge") && error.contains('4'),
        "{error} is not {too_large}"
    );

    write(&mut with_limit(8), PATH, b"12345", Scope::Ability).expect("fits");
    let error = read(&mut small, PATH, Scope::Ability).expect_err("too long");
    assert!(error.contains("TooLarge"), "{error}");
}

#[test]
fn what_may_pass_is_less_than_wasmtime_allows() {
    let ctx = StorageCtx::builder()
        .ability_volume(MemoryVolume::with_limits(Limits::default()))
        .max_value_bytes(u64::MAX)
        .build();
    let mount = ctx.mount(Scope::Ability).expect("a volume");
    assert_eq!(mount.max_value_bytes, crate::MAX_VALUE_BYTES);
}

#[test]
fn a_text_that_is_no_version_conflicts_with_what_is_found() {
    let mut ctx = ctx();
    let write_if = |ctx: &mut StorageCtx| {
        Synchronous::atomic_write_if(
            &mut StorageView::new(ctx),
            PATH.to_owned(),
            b"new".to_vec(),
            Scope::Ability,
            Precondition::Version("no version".to_owned()),
        )
    };
    let result = write_if(&mut ctx);
    assert!(matches!(result, Err(Failure::Error(Error::Conflict(None)))));

    write(&mut ctx, PATH, b"old", Scope::Ability).expect("written");
    let expected = Version::of(b"old").to_string();
    match write_if(&mut ctx) {
        Err(Failure::Error(Error::Conflict(Some(found)))) => assert_eq!(found, expected),
        other => panic!("{other:?}"),
    }
    assert_eq!(read(&mut ctx, PATH, Scope::Ability).expect("read"), b"old");
}

#[test]
fn an_append_can_ask_how_the_file_ends() {
    let mut ctx = ctx();
    let append_if = |ctx: &mut StorageCtx, contents: &[u8], size, last_bytes: &[u8]| {
        let end = FileEnd {
            size,
            last_bytes: last_bytes.to_vec(),
        };
        let mut view = StorageView::new(ctx);
        let contents = contents.to_vec();
        Synchronous::append_if(&mut view, PATH.to_owned(), contents, Scope::Ability, end)
    };
    append_if(&mut ctx, b"one ", 0, b"").expect("there is no file");
    append_if(&mut ctx, b"two", 4, b"ne ").expect("it ends so");
    for (size, last_bytes) in [(0, &b""[..]), (7, b"Two"), (8, b"two"), (2, b"two")] {
        let stale = append_if(&mut ctx, b"x", size, last_bytes);
        assert!(matches!(stale, Err(Failure::Error(Error::Conflict(None)))));
    }
    let text = read(&mut ctx, PATH, Scope::Ability).expect("read");
    assert_eq!(text, b"one two");
}

#[tokio::test]
async fn the_asynchronous_variant_does_the_same() {
    let mut ctx = ctx();
    let mut view = StorageView::new(&mut ctx);
    let path = || PATH.to_owned();
    let scope = Scope::Ability;
    let version = Asynchronous::atomic_write_if(
        &mut view,
        path(),
        b"one".to_vec(),
        scope,
        Precondition::Absent,
    );
    let version = version.await.expect("written");
    let snapshot = Asynchronous::read_versioned(&mut view, path(), scope);
    let snapshot = snapshot.await.expect("read");
    assert_eq!(
        (snapshot.contents, snapshot.version),
        (b"one".to_vec(), version)
    );

    let append = Asynchronous::append(&mut view, path(), b"two".to_vec(), scope);
    append.await.expect("appended");
    let info = Asynchronous::stat(&mut view, path(), scope)
        .await
        .expect("there");
    assert_eq!(info.size, 6);
    let end = asynchronous::FileEnd {
        size: 6,
        last_bytes: b"etwo".to_vec(),
    };
    let contents = b"three".to_vec();
    let append = Asynchronous::append_if(&mut view, path(), contents.clone(), scope, end.clone());
    append.await.expect("appended");
    let stale = Asynchronous::append_if(&mut view, path(), contents, scope, end);
    assert!(matches!(
        stale.await,
        Err(Failure::Error(Error::Conflict(None)))
    ));
    assert!(info.modified.seconds > 1_600_000_000);

    let rename = Asynchronous::rename(&mut view, path(), "b.md".to_owned(), scope);
    rename.await.expect("renamed");
    let list = Asynchronous::list(&mut view, String::new(), scope);
    assert_eq!(list.await.expect("listed"), ["b.md"]);

    let delete = Asynchronous::delete(&mut view, "b.md".to_owned(), scope);
    delete.await.expect("deleted");
    let exists = Asynchronous::exists(&mut view, "b.md".to_owned(), scope);
    assert!(!exists.await.expect("an answer"));
}

#[test]
fn a_call_that_is_dropped_still_happens_whole() {
    let (volume, pace) = Slow::new();
    let mut ctx = StorageCtx::builder()
        .volume(Scope::Ability, volume.clone())
        .build();
    pace.drop_while_it_waits(Asynchronous::atomic_write(
        &mut StorageView::new(&mut ctx),
        PATH.to_owned(),
        b"whole".to_vec(),
        Scope::Ability,
    ));
    let path = FilePath::new(PATH).expect("valid");
    let snapshot = volume.read(&path, 1 << 10).expect("written");
    assert_eq!(snapshot.contents(), b"whole");
}

/// A volume that reports which thread closes it.
struct Closing(MemoryVolume, mpsc::Sender<ThreadId>);

impl Volume for Closing {
    delegate!(self => self.0);
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.1.send(thread::current().id()).expect("the test waits");
    }
}

fn ctx_of_closing() -> (StorageCtx, mpsc::Receiver<ThreadId>) {
    let (closed, closing_thread) = mpsc::channel();
    let volume = Closing(MemoryVolume::new(), closed);
    let ctx = StorageCtx::builder().ability_volume(volume).build();
    (ctx, closing_thread)
}

#[tokio::test]
async fn dropping_a_context_does_not_close_volumes_on_the_executor() {
    let (ctx, closing_thread) = ctx_of_closing();
    drop(ctx);
    let closing = tokio::task::spawn_blocking(move || closing_thread.recv());
    let closing = closing.await.expect("no panic").expect("closed");
    assert_ne!(closing, thread::current().id());
}

#[test]
fn dropping_a_context_without_a_runtime_closes_volumes_at_once() {
    let (ctx, closing_thread) = ctx_of_closing();
    drop(ctx);
    let closing = closing_thread.try_recv().expect("closed");
    assert_eq!(closing, thread::current().id());
}

#[test]
fn dropping_a_context_while_the_runtime_ends_closes_volumes() {
    let (ctx, closing_thread) = ctx_of_closing();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.spawn(async move {
        std::future::pending::<()>().await;
        drop(ctx);
    });
    drop(runtime);
    closing_thread.try_recv().expect("closed");
}
