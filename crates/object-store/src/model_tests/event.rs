//! What may happen, and how likely it is.

use super::CLIENTS;
use crate::testing::{Fault, Meanwhile};
use proptest::collection::vec;
use proptest::prelude::*;

const PATHS: [&str; 6] = ["a", "b", "log", "dir/x", "dir", "a/below"];

#[derive(Clone, Debug)]
pub(super) enum Event {
    Commit(usize, Vec<Action>, Option<(usize, Fault)>),
    /// A file is sent, and committed by a later event or never.
    Begin(usize, &'static str, Vec<u8>),
    /// The one that was begun first is committed, or dropped.
    End(bool, Option<(usize, Fault)>),
    /// A file is opened, and read to its end by a later event.
    Open(usize, &'static str),
    ReadOn(usize),
    Sweep(usize, Option<(usize, Fault)>),
    Reopen(usize),
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
    Rewrite,
    Append,
    Rename,
    Delete,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Condition {
    Any,
    Absent,
    Current,
    Stale,
    CurrentEnd,
    StaleEnd,
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    // In HEAD, in a blob, in several parts of one.
    let length = prop_oneof![8 => 0..40_usize, 3 => 3_000..6_000_usize, 1 => 9_000..30_000_usize];
    (length, any::<u8>()).prop_map(|(length, byte)| {
        let numbers = (0..length).map(|number| (number as u8).wrapping_mul(31) ^ byte);
        numbers.collect()
    })
}

fn path() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&PATHS[..])
}

fn action() -> impl Strategy<Value = Action> {
    let kind = prop_oneof![
        4 => Just(Kind::Write),
        1 => Just(Kind::Rewrite),
        5 => Just(Kind::Append),
        2 => Just(Kind::Rename),
        1 => Just(Kind::Delete),
    ];
    let condition = prop_oneof![
        6 => Just(Condition::Any),
        1 => Just(Condition::Absent),
        3 => Just(Condition::Current),
        1 => Just(Condition::Stale),
        2 => Just(Condition::CurrentEnd),
        1 => Just(Condition::StaleEnd),
    ];
    (kind, path(), path(), contents(), condition).prop_map(
        |(kind, path, other, contents, condition)| Action {
            kind,
            path,
            other,
            contents,
            condition,
        },
    )
}

fn fault() -> impl Strategy<Value = Option<(usize, Fault)>> {
    let kind = prop_oneof![
        Just(Fault::Before),
        Just(Fault::After),
        (1..6_usize).prop_map(Fault::Late),
        Just(Fault::Hang),
        Just(Fault::Stop),
        Just(Fault::StopAfter),
        Just(Fault::Meanwhile(Meanwhile::Sweep)),
        (0..10_usize).prop_map(|at| Fault::Meanwhile(Meanwhile::HalfSweep(at))),
        Just(Fault::Meanwhile(Meanwhile::Append)),
    ];
    proptest::option::of((0..6_usize, kind))
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let client = || 0..CLIENTS;
    let actions = || prop_oneof![3 => vec(action(), 1), 1 => vec(action(), 2..5)];
    prop_oneof![
        10 => (client(), actions(), fault()).prop_map(|(c, a, f)| Event::Commit(c, a, f)),
        3 => (client(), path(), contents()).prop_map(|(c, p, b)| Event::Begin(c, p, b)),
        3 => (proptest::bool::weighted(0.8), fault()).prop_map(|(e, f)| Event::End(e, f)),
        1 => (client(), path()).prop_map(|(c, p)| Event::Open(c, p)),
        1 => (0..1000_usize).prop_map(Event::ReadOn),
        2 => (client(), fault()).prop_map(|(c, f)| Event::Sweep(c, f)),
        1 => client().prop_map(Event::Reopen),
    ]
}
