//! What clients do while the power is cut.

use crate::local::Local;
use crate::local::sim::{Deaf, SimDirectory, SimDisk};
use crate::local::testing::{Contents, Way, append, batch, delete, open_with, rename, write};
use crate::{Batch, Change};
use std::sync::Arc;

/// What a client does, and what the volume holds after each step.
pub(super) struct Scenario {
    pub(super) before: Vec<Batch>,
    /// What another process does after that, if there is one.
    pub(super) before_by_other: Vec<Batch>,
    pub(super) steps: Vec<Batch>,
    pub(super) way: Way,
}

/// What is wrong with the disk or the engine.
#[derive(Clone, Copy, Default)]
pub(super) struct Broken {
    pub(super) deaf: Deaf,
    pub(super) ignore_checksums: bool,
    pub(super) unordered: bool,
}

impl Scenario {
    pub(super) fn new(before: Vec<Batch>, steps: Vec<Batch>) -> Self {
        Self {
            before,
            before_by_other: Vec::new(),
            steps,
            way: Way::Published,
        }
    }

    /// The same after another process has made these changes.
    pub(super) fn after_other(self, before_by_other: Vec<Batch>) -> Self {
        Self {
            before_by_other,
            ..self
        }
    }

    /// The same in a journaled volume.
    pub(super) fn journaled(self) -> Self {
        Self {
            way: Way::Journaled,
            ..self
        }
    }

    /// The contents after the setup and after each of the steps.
    pub(super) fn history(&self) -> Vec<Contents> {
        let mut now = Contents::new();
        for batch in self.before.iter().chain(&self.before_by_other) {
            play(&mut now, batch);
        }
        history_of(&now, &self.steps)
    }

    pub(super) fn start(&self) -> (SimDisk, Arc<Local<SimDirectory>>) {
        let disk = SimDisk::new();
        let volume = open_with(&disk, self.way).expect("a disk without faults");
        for batch in self.before.iter().chain(&self.before_by_other) {
            volume.commit(batch.clone()).expect("a disk without faults");
        }
        (disk, volume)
    }

    /// Returns how many steps were acknowledged, and reports each as soon as it is.
    pub(super) fn run(
        &self,
        volume: &Local<SimDirectory>,
        mut acknowledged: impl FnMut(),
    ) -> usize {
        let done = |batch: &&Batch| {
            let is_done = volume.commit((*batch).clone()).is_ok();
            if is_done {
                acknowledged();
            }
            is_done
        };
        self.steps.iter().take_while(done).count()
    }
}

/// The contents before the first of these steps and after each.
pub(super) fn history_of(before: &Contents, steps: &[Batch]) -> Vec<Contents> {
    let mut now = before.clone();
    let mut history = vec![now.clone()];
    for batch in steps {
        play(&mut now, batch);
        history.push(now.clone());
    }
    history
}

/// What a batch does, as simply as can be.
pub(super) fn play(now: &mut Contents, batch: &Batch) {
    for step in batch.steps() {
        match step.change.clone() {
            Change::Write { path, contents } => {
                now.insert(path.to_string(), contents);
            }
            Change::Append { path, contents } => {
                now.entry(path.to_string()).or_default().extend(contents);
            }
            Change::Rename { source, target } => {
                let file = now.remove(source.as_str()).expect("a file to rename");
                now.insert(target.to_string(), file);
            }
            Change::Delete { path } => {
                now.remove(path.as_str());
            }
        }
    }
}

pub(super) fn one(change: Change) -> Batch {
    change.into()
}

pub(super) fn single_writes() -> Scenario {
    let old = vec![b'o'; 300];
    Scenario::new(
        vec![one(write("file", &old)), one(write("other", b"other"))],
        vec![
            one(write("file", b"new")),
            one(write("dir/sub/new", b"in a new directory")),
            one(write("file", &[b'n'; 500])),
        ],
    )
}

pub(super) fn moves_and_removals() -> Scenario {
    Scenario::new(
        vec![one(write("a", b"A")), one(write("dir/b", b"B"))],
        vec![
            one(rename("a", "dir/b")),
            one(rename("dir/b", "c/d")),
            one(delete("c/d")),
            one(write("c", b"a file where a directory was")),
        ],
    )
}

pub(super) fn appends() -> Scenario {
    // Long enough for the journal to be full and begun anew.
    let line = |i: usize| format!("{i} {}\n", "x".repeat(150)).into_bytes();
    let mut steps: Vec<Batch> = (0..6).map(|i| one(append("log", &line(i)))).collect();
    steps.insert(3, one(append("other.log", b"elsewhere\n")));
    Scenario::new(vec![one(write("log", b"begin\n"))], steps)
}

pub(super) fn appends_and_replacements() -> Scenario {
    Scenario::new(
        vec![one(write("log", b"begin\n")), one(write("new", b"short"))],
        vec![
            one(append("log", b"one\n")),
            one(append("log", b"two\n")),
            one(rename("new", "log")),
            one(append("log", b"three\n")),
            one(delete("log")),
            one(append("log", b"four\n")),
            one(append("log", b"five\n")),
            one(write("log", b"replaced\n")),
        ],
    )
}

pub(super) fn batches() -> Scenario {
    Scenario::new(
        vec![
            one(write("a", b"A")),
            one(write("b", b"B")),
            one(write("log", b"log\n")),
            one(append("log", b"appended\n")),
        ],
        vec![
            batch([
                write("a", b"new a"),
                write("dir/c", b"new c"),
                delete("b"),
                append("log", b"by the batch\n"),
            ]),
            batch([
                rename("a", "swap"),
                rename("dir/c", "a"),
                rename("swap", "dir/c"),
            ]),
            one(append("log", b"after\n")),
        ],
    )
}

pub(super) fn batches_that_change_the_tree() -> Scenario {
    Scenario::new(
        vec![one(write("a", b"A")), one(write("dir/b", b"B"))],
        vec![batch([
            delete("a"),
            write("a/below", b"below"),
            delete("dir/b"),
            write("dir", b"a file now"),
        ])],
    )
}
