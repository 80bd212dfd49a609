//! Which step is to blame, and what a batch may carry.

use super::{ctx, read, write};
use crate::bindings::ability::storage::batch as words;
use crate::bindings::ability::storage::types::Precondition;
use crate::bindings::sync::ability::storage::batch as synchronous;
use crate::error::BatchFailure;
use crate::view::StorageView;
use crate::{MAX_BATCH_STEPS, MemoryVolume, Scope, StorageCtx, Version};

type Step = synchronous::Step;
type Seen = Result<Vec<Option<String>>, (Option<u32>, String)>;

fn commit(ctx: &mut StorageCtx, steps: Vec<Step>, scope: Scope) -> Seen {
    let mut view = StorageView::new(ctx);
    let result = synchronous::Host::commit(&mut view, steps, scope);
    result.map_err(|failure| seen(&mut view, failure))
}

fn seen(view: &mut StorageView<'_>, failure: BatchFailure) -> (Option<u32>, String) {
    let failure = words::Host::convert_failure(view, failure);
    let words::Failure { step, error } = failure.expect("an error value, not a trap");
    (step, error.to_string())
}

fn any(change: synchronous::Change) -> Step {
    Step {
        change,
        precondition: Precondition::Any,
    }
}

fn put(path: &str, contents: &[u8]) -> Step {
    any(synchronous::Change::Write(synchronous::FileContents {
        path: path.to_owned(),
        contents: contents.to_vec(),
    }))
}

fn delete(path: &str) -> Step {
    any(synchronous::Change::Delete(path.to_owned()))
}

fn rename(source: &str, target: &str) -> Step {
    any(synchronous::Change::Rename(synchronous::Move {
        source: source.to_owned(),
        target: target.to_owned(),
    }))
}

#[test]
fn each_step_that_writes_has_a_version() {
    let mut ctx = ctx();
    let steps = vec![
        put("a", b"1"),
        rename("a", "b"),
        put("c", b"2"),
        delete("c"),
    ];
    let versions = commit(&mut ctx, steps, Scope::Ability).expect("committed");
    let version = |contents: &[u8]| Some(Version::of(contents).to_string());
    assert_eq!(versions, [version(b"1"), None, version(b"2"), None]);
    assert_eq!(read(&mut ctx, "b", Scope::Ability).expect("read"), b"1");
    assert_eq!(commit(&mut ctx, vec![], Scope::Ability), Ok(vec![]));
}

#[test]
fn the_step_to_blame_is_named_whoever_finds_it() {
    let mut ctx = ctx();
    write(&mut ctx, "there", b"", Scope::Ability).expect("written");
    let absent = Step {
        precondition: Precondition::Absent,
        ..put("there", b"new")
    };
    for (step, error) in [
        (put("../a", b""), "InvalidPath"),
        (rename("a/", "b"), "InvalidPath"),
        (rename("a", ""), "InvalidPath"),
        (delete("nul"), "InvalidPath"),
        (put("there/below", b""), "InvalidPath"),
        (rename("missing", "b"), "NotFound"),
        (absent, "Conflict"),
    ] {
        for before in [0, 2] {
            let mut steps: Vec<_> = (0..before).map(|i| put(&format!("new{i}"), b"")).collect();
            steps.push(step.clone());
            let (blamed, text) = commit(&mut ctx, steps, Scope::Ability).expect_err("refused");
            assert_eq!(blamed, Some(before), "{step:?}");
            assert!(text.contains(error), "{step:?}: {text}");
        }
    }
    let new = read(&mut ctx, "new0", Scope::Ability).expect_err("nothing was written");
    assert!(new.contains("NotFound"), "{new}");
}

#[test]
fn no_step_is_to_blame_for_its_scope() {
    let mut ctx = StorageCtx::builder()
        .ability_volume(MemoryVolume::new())
        .read_only(Scope::Ability)
        .build();
    for (scope, error) in [(Scope::Ability, "ReadOnly"), (Scope::User, "Unavailable")] {
        for steps in [vec![put("a", b"")], vec![put("a", b""), put("b", b"")]] {
            let (blamed, text) = commit(&mut ctx, steps, scope).expect_err("refused");
            assert_eq!(blamed, None);
            assert!(text.contains(error), "{text}");
        }
    }
}

#[test]
fn all_contents_together_are_as_long_as_those_of_one_call_may_be() {
    let mut ctx = StorageCtx::builder()
        .ability_volume(MemoryVolume::new())
        .max_value_bytes(8)
        .build();
    let fits = vec![put("a", b"12345"), delete("b"), put("c", b"678")];
    commit(&mut ctx, fits, Scope::Ability).expect("just fits");
    let steps = vec![
        put("a", b"new"),
        delete("b"),
        put("c", b"45678"),
        put("d", b"9"),
    ];
    let (blamed, text) = commit(&mut ctx, steps, Scope::Ability).expect_err("too long");
    assert_eq!(blamed, Some(3));
    assert!(text.contains("TooLarge(8)"), "{text}");
    assert_eq!(read(&mut ctx, "a", Scope::Ability).expect("read"), b"12345");
}

#[test]
fn steps_are_counted() {
    let mut ctx = ctx();
    let steps = vec![delete("a"); MAX_BATCH_STEPS + 1];
    let (blamed, text) = commit(&mut ctx, steps, Scope::Ability).expect_err("too many");
    assert_eq!(blamed, None);
    assert!(text.contains("QuotaExceeded"), "{text}");
    assert!(text.contains("10000 steps"), "{text}");
    let steps = vec![delete("a"); MAX_BATCH_STEPS];
    commit(&mut ctx, steps, Scope::Ability).expect("just as many");
}
