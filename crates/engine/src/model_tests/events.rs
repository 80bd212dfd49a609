//! What may happen, at random.

use super::CLIENTS;
use super::model::Contents;
use crate::local::testing::file;
use crate::{Batch, Change, FileEnd, Precondition, Step, Version};
use proptest::collection::vec;
use proptest::prelude::*;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Commit(usize, Vec<Action>),
    Stream(usize, Action),
    Reopen(usize),
    /// The client is killed before the call of this number of its commit.
    Kill(usize, Vec<Action>, usize),
    /// The power is cut then instead; the last number picks what is left.
    PowerCut(usize, Vec<Action>, usize, u64),
    /// That call fails instead.
    Fail(usize, Vec<Action>, usize),
    Checkpoint(usize),
    /// From now on nothing can get this name.
    Stick(&'static str),
    /// All can be done again.
    Heal,
}

#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) kind: Kind,
    pub(super) path: &'static str,
    pub(super) other: &'static str,
    pub(super) contents: Vec<u8>,
    pub(super) condition: Condition,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Write,
    /// Writes what is there.
    Rewrite,
    Append,
    Rename,
    Delete,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Condition {
    Any,
    Absent,
    /// The version that the path has before the commit.
    Current,
    Stale,
    /// The end that the path has before the commit.
    CurrentEnd,
    StaleEnd,
}

pub(super) const PATHS: [&str; 7] = ["a", "b", "log", "dir/x", "dir/y", "dir", "a/below"];

pub(super) fn action() -> impl Strategy<Value = Action> {
    let kind = prop_oneof![
        4 => Just(Kind::Write),
        2 => Just(Kind::Rewrite),
        4 => Just(Kind::Append),
        2 => Just(Kind::Rename),
        2 => Just(Kind::Delete),
    ];
    let condition = prop_oneof![
        6 => Just(Condition::Any),
        1 => Just(Condition::Absent),
        2 => Just(Condition::Current),
        1 => Just(Condition::Stale),
        2 => Just(Condition::CurrentEnd),
        1 => Just(Condition::StaleEnd),
    ];
    let path = || proptest::sample::select(&PATHS[..]);
    // Sometimes more than a journal holds.
    let contents = prop_oneof![8 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 1_500)];
    (kind, path(), path(), contents, condition).prop_map(
        |(kind, path, other, contents, condition)| Action {
            kind,
            path,
            other,
            contents,
            condition,
        },
    )
}

pub(super) fn actions() -> impl Strategy<Value = Vec<Action>> {
    prop_oneof![3 => vec(action(), 1), 1 => vec(action(), 2..5)]
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let client = || 0..CLIENTS;
    let call = || 0..90_usize;
    prop_oneof![
        8 => (client(), actions()).prop_map(|(client, actions)| Event::Commit(client, actions)),
        1 => (client(), action()).prop_map(|(client, action)| Event::Stream(client, action)),
        1 => client().prop_map(Event::Reopen),
        1 => client().prop_map(Event::Checkpoint),
        1 => proptest::sample::select(&PATHS[..]).prop_map(Event::Stick),
        1 => Just(Event::Heal),
        2 => (client(), actions(), call())
            .prop_map(|(client, actions, call)| Event::Fail(client, actions, call)),
        2 => (client(), actions(), call())
            .prop_map(|(client, actions, call)| Event::Kill(client, actions, call)),
        2 => (client(), actions(), call(), any::<u64>()).prop_map(
            |(client, actions, call, choice)| Event::PowerCut(client, actions, call, choice)
        ),
    ]
}

pub(super) fn batch(model: &Contents, actions: &[Action]) -> Batch {
    actions.iter().map(|action| step(model, action)).collect()
}

pub(super) fn step(model: &Contents, action: &Action) -> Step {
    let (path, contents) = (file(action.path), action.contents.clone());
    let change = match action.kind {
        Kind::Write => Change::write(path, contents),
        Kind::Rewrite => Change::write(path, model.get(action.path).cloned().unwrap_or(contents)),
        Kind::Append => Change::append(path, contents),
        Kind::Delete => Change::delete(path),
        Kind::Rename => Change::rename(file(action.other), path),
    };
    let there = model.get(action.path).map(Vec::as_slice);
    let current = there.map(Version::of);
    change.only_if(match (action.condition, current) {
        (Condition::Any, _) => Precondition::Any,
        (Condition::Absent, _) | (Condition::Current, None) => Precondition::Absent,
        (Condition::Current, Some(version)) => Precondition::Version(version),
        (Condition::Stale, _) => Precondition::Version(Version::of(b"never written")),
        (Condition::CurrentEnd, _) => {
            Precondition::EndsWith(FileEnd::of(there.unwrap_or_default()))
        }
        (Condition::StaleEnd, _) => Precondition::EndsWith(FileEnd::of(b"never written")),
    })
}
