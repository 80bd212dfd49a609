//! What a handle answers in all its states, and how many there may be.

use super::{Slow, ctx, read, seen, write};
use crate::bindings::ability::storage::streaming as asynchronous;
use crate::bindings::ability::storage::types::Precondition;
use crate::bindings::sync::ability::storage::streaming::{HostReader, HostWriter};
use crate::error::Failure;
use crate::streaming::{Reader, Writer};
use crate::view::StorageView;
use crate::{FilePath, MemoryVolume, Scope, StorageCtx, Version, Volume};
use std::sync::Arc;
use wasmtime::component::Resource;

const PATH: &str = "video";

/// The same handle once more: calls take theirs by value.
fn same<T: 'static>(handle: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(handle.rep())
}

fn owned<T: 'static>(handle: &Resource<T>) -> Resource<T> {
    Resource::new_own(handle.rep())
}

fn open(ctx: &mut StorageCtx) -> Result<Resource<Writer>, String> {
    let result = HostWriter::open(
        &mut StorageView::new(ctx),
        PATH.to_owned(),
        Scope::Ability,
        Precondition::Any,
    );
    seen(ctx, result)
}

fn open_reader(ctx: &mut StorageCtx) -> Result<Resource<Reader>, String> {
    let path = PATH.to_owned();
    let result = HostReader::open(&mut StorageView::new(ctx), path, Scope::Ability);
    seen(ctx, result)
}

fn add(ctx: &mut StorageCtx, writer: &Resource<Writer>, contents: &[u8]) -> Result<(), String> {
    let mut view = StorageView::new(ctx);
    let result = HostWriter::write(&mut view, same(writer), contents.to_vec());
    seen(ctx, result)
}

fn commit(ctx: &mut StorageCtx, writer: &Resource<Writer>) -> Result<String, String> {
    let result = HostWriter::commit(&mut StorageView::new(ctx), same(writer));
    seen(ctx, result)
}

fn next(ctx: &mut StorageCtx, reader: &Resource<Reader>, bytes: u64) -> Result<Vec<u8>, String> {
    let result = HostReader::read(&mut StorageView::new(ctx), same(reader), bytes);
    seen(ctx, result)
}

fn drop_writer(ctx: &mut StorageCtx, writer: &Resource<Writer>) {
    HostWriter::drop(&mut StorageView::new(ctx), owned(writer)).expect("dropped");
}

/// All that can be done with a spent writer is to drop it.
fn check_spent(ctx: &mut StorageCtx, writer: &Resource<Writer>, reason: &str) {
    for _ in 0..2 {
        let error = add(ctx, writer, b"more").expect_err("spent");
        assert!(error.contains("Other") && error.contains(reason), "{error}");
        let error = commit(ctx, writer).expect_err("spent");
        assert!(error.contains("Other") && error.contains(reason), "{error}");
    }
    drop_writer(ctx, writer);
}

#[test]
fn nobody_sees_a_file_before_its_commit() {
    let mut ctx = ctx();
    let writer = open(&mut ctx).expect("opened");
    add(&mut ctx, &writer, b"one ").expect("written");
    add(&mut ctx, &writer, b"two").expect("written");
    let error = read(&mut ctx, PATH, Scope::Ability).expect_err("not yet");
    assert!(error.contains("NotFound"), "{error}");
    let version = commit(&mut ctx, &writer).expect("committed");
    assert_eq!(version, Version::of(b"one two").to_string());
    assert_eq!(
        read(&mut ctx, PATH, Scope::Ability).expect("read"),
        b"one two"
    );
    check_spent(&mut ctx, &writer, "already");
    assert_eq!(
        read(&mut ctx, PATH, Scope::Ability).expect("read"),
        b"one two"
    );
}

#[tokio::test]
async fn a_reader_skips() {
    let mut ctx = ctx();
    write(&mut ctx, PATH, b"one two three", Scope::Ability).expect("written");
    let reader = open_reader(&mut ctx).expect("opened");
    let mut view = StorageView::new(&mut ctx);
    HostReader::skip(&mut view, same(&reader), 4).expect("skipped");
    assert_eq!(next(&mut ctx, &reader, 4).expect("read"), b"two ");
    let mut view = StorageView::new(&mut ctx);
    let skip = asynchronous::HostReader::skip(&mut view, same(&reader), 2);
    skip.await.expect("skipped");
    assert_eq!(next(&mut ctx, &reader, 9).expect("read"), b"ree");
    let mut view = StorageView::new(&mut ctx);
    HostReader::skip(&mut view, same(&reader), u64::MAX).expect("skipped");
    assert_eq!(next(&mut ctx, &reader, 9).expect("read"), b"");
}

#[test]
fn the_precondition_is_that_of_the_commit() {
    let mut ctx = ctx();
    let writer = HostWriter::open(
        &mut StorageView::new(&mut ctx),
        PATH.to_owned(),
        Scope::Ability,
        Precondition::Absent,
    );
    let writer = writer.expect("opened");
    add(&mut ctx, &writer, b"late").expect("written");
    write(&mut ctx, PATH, b"early", Scope::Ability).expect("written");
    let error = commit(&mut ctx, &writer).expect_err("a conflict");
    assert!(error.contains("Conflict"), "{error}");
    check_spent(&mut ctx, &writer, "already");
    assert_eq!(
        read(&mut ctx, PATH, Scope::Ability).expect("read"),
        b"early"
    );
}

#[test]
fn after_an_error_a_writer_can_only_be_dropped() {
    let mut ctx = StorageCtx::builder()
        .ability_volume(MemoryVolume::new())
        .max_value_bytes(4)
        .build();
    let writer = open(&mut ctx).expect("opened");
    add(&mut ctx, &writer, b"1234").expect("just fits");
    add(&mut ctx, &writer, b"5678").expect("a file may be longer than a call");
    let error = add(&mut ctx, &writer, b"90123").expect_err("too long");
    assert!(error.contains("TooLarge(4)"), "{error}");
    check_spent(&mut ctx, &writer, "earlier call");
    assert!(read(&mut ctx, PATH, Scope::Ability).is_err());
}

#[test]
fn a_reader_answers_as_much_as_may_pass() {
    let volume = Arc::new(MemoryVolume::new());
    let with_limit = |bytes| {
        StorageCtx::builder()
            .volume(Scope::Ability, volume.clone())
            .max_value_bytes(bytes)
            .build()
    };
    let mut ctx = with_limit(8 << 20);
    let contents = vec![7; (2 << 20) + 1];
    write(&mut ctx, PATH, &contents, Scope::Ability).expect("written");
    let reader = open_reader(&mut ctx).expect("opened");
    let size = HostReader::size(&mut StorageView::new(&mut ctx), same(&reader));
    assert_eq!(size.expect("a size"), contents.len() as u64);
    for expected in [1 << 20, 1 << 20, 1, 0, 0] {
        // Asking for nothing is not the end.
        assert!(next(&mut ctx, &reader, 0).expect("read").is_empty());
        let piece = next(&mut ctx, &reader, u64::MAX).expect("read");
        assert_eq!(piece.len(), expected);
    }

    let mut ctx = with_limit(4);
    let reader = open_reader(&mut ctx).expect("opened");
    assert_eq!(next(&mut ctx, &reader, 100).expect("read"), [7; 4]);
    assert_eq!(next(&mut ctx, &reader, 3).expect("read"), [7; 3]);
}

#[test]
fn only_so_many_may_be_open() {
    let mut ctx = StorageCtx::builder()
        .ability_volume(MemoryVolume::new())
        .max_open_streams(2)
        .build();
    write(&mut ctx, PATH, b"", Scope::Ability).expect("written");
    let reader = open_reader(&mut ctx).expect("opened");
    let writer = open(&mut ctx).expect("opened");
    for error in [
        open(&mut ctx).expect_err("one too many"),
        open_reader(&mut ctx).expect_err("one too many"),
    ] {
        assert!(error.contains("QuotaExceeded"), "{error}");
        assert!(error.contains('2'), "{error}");
    }
    // A commit leaves the handle; only dropping it makes room.
    commit(&mut ctx, &writer).expect("committed");
    open(&mut ctx).expect_err("one too many");
    drop_writer(&mut ctx, &writer);
    open(&mut ctx).expect("room again");
    HostReader::drop(&mut StorageView::new(&mut ctx), owned(&reader)).expect("dropped");
    open_reader(&mut ctx).expect("room again");
}

#[test]
fn a_forged_handle_is_a_trap() {
    let mut ctx = ctx();
    let writer = open(&mut ctx).expect("opened");
    let mut view = StorageView::new(&mut ctx);
    for rep in [writer.rep() + 1, u32::MAX] {
        let forged = || Resource::new_borrow(rep);
        let written = HostWriter::write(&mut view, forged(), vec![]);
        assert!(matches!(written, Err(Failure::Trap(_))));
        let committed = HostWriter::commit(&mut view, forged());
        assert!(matches!(committed, Err(Failure::Trap(_))));
        HostWriter::drop(&mut view, Resource::new_own(rep)).expect_err("a trap");
    }
    // A writer is no reader.
    let forged = || Resource::new_borrow(writer.rep());
    let read = HostReader::read(&mut view, forged(), 1);
    assert!(matches!(read, Err(Failure::Trap(_))));
    HostReader::size(&mut view, forged()).expect_err("a trap");
}

#[test]
fn a_read_only_scope_can_be_read_piece_by_piece() {
    let volume = Arc::new(MemoryVolume::new());
    let builder = StorageCtx::builder().volume(Scope::Ability, volume);
    let mut writer = builder.clone().build();
    write(&mut writer, PATH, b"text", Scope::Ability).expect("written");
    let mut ctx = builder.read_only(Scope::Ability).build();
    let error = open(&mut ctx).expect_err("refused");
    assert!(error.contains("ReadOnly"), "{error}");
    let reader = open_reader(&mut ctx).expect("opened");
    assert_eq!(next(&mut ctx, &reader, 9).expect("read"), b"text");
}

#[tokio::test]
async fn the_asynchronous_variant_does_the_same() {
    use asynchronous::{HostReader, HostWriter};
    let mut ctx = ctx();
    let mut view = StorageView::new(&mut ctx);
    let path = || PATH.to_owned();
    let writer = HostWriter::open(&mut view, path(), Scope::User, Precondition::Absent);
    let writer = writer.await.expect("opened");
    for piece in [b"one ", b"two "] {
        let written = HostWriter::write(&mut view, same(&writer), piece.to_vec());
        written.await.expect("written");
    }
    let committed = HostWriter::commit(&mut view, same(&writer)).await;
    let version = Version::of(b"one two ").to_string();
    assert_eq!(committed.expect("committed"), version);
    let again = HostWriter::commit(&mut view, same(&writer)).await;
    assert!(matches!(again, Err(Failure::Error(_))));
    let dropped = HostWriter::drop(&mut view, owned(&writer)).await;
    dropped.expect("dropped");

    let reader = HostReader::open(&mut view, path(), Scope::User).await;
    let reader = reader.expect("opened");
    let size = HostReader::size(&mut view, same(&reader)).await;
    assert_eq!(size.expect("a size"), 8);
    let mut contents = Vec::new();
    loop {
        let piece = HostReader::read(&mut view, same(&reader), 3).await;
        match piece.expect("read") {
            end if end.is_empty() => break,
            piece => contents.extend(piece),
        }
    }
    assert_eq!(contents, b"one two ");
    HostReader::drop(&mut view, owned(&reader))
        .await
        .expect("dropped");
}

#[test]
fn a_write_that_is_dropped_ends_the_writer() {
    let (volume, pace) = Slow::new();
    let mut ctx = StorageCtx::builder()
        .volume(Scope::Ability, volume.clone())
        .build();
    let writer = open(&mut ctx).expect("opened");
    pace.drop_while_it_waits(asynchronous::HostWriter::write(
        &mut StorageView::new(&mut ctx),
        same(&writer),
        b"half".to_vec(),
    ));
    check_spent(&mut ctx, &writer, "cut off");
    let path = FilePath::new(PATH).expect("valid");
    assert!(!volume.exists(&path).expect("an answer"));
}

#[test]
fn a_commit_that_is_dropped_still_happens_whole() {
    let (volume, pace) = Slow::new();
    let mut ctx = StorageCtx::builder()
        .volume(Scope::Ability, volume.clone())
        .build();
    let writer = open(&mut ctx).expect("opened");
    let mut view = StorageView::new(&mut ctx);
    let commit = asynchronous::HostWriter::commit(&mut view, same(&writer));
    pace.drop_while_it_waits(commit);
    check_spent(&mut ctx, &writer, "already");
    let path = FilePath::new(PATH).expect("valid");
    assert!(volume.exists(&path).expect("an answer"));
}
