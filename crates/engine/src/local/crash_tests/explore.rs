//! Cutting the power at every call of a scenario, and looking at what is left.

use crate::local::Local;
use crate::local::sim::{Deaf, IGNORE_CHECKSUMS, SimDirectory, SimDisk};
use crate::local::testing::{Contents, Way, contents, open, open_with, sessions_left, write};
use crate::{Batch, Change, Error};
use std::sync::Arc;

/// How many states are looked at per cut: all.
pub(super) const STATES: usize = usize::MAX;

/// With this variable, all states that a cut of a recovery could leave are looked
/// at too, whatever state it recovers from; else some of them, from every fourth
/// state.
const EXHAUSTIVE: &str = "ABILITY_STORAGE_EXHAUSTIVE";
const STATES_OF_RECOVERY: usize = 3;

/// A promise that was broken, and where.
#[derive(Debug)]
pub(super) struct Violation(#[allow(dead_code, reason = "printed when a test fails")] String);

/// What a client does, and what the volume holds after each step.
pub(super) struct Scenario {
    pub(super) before: Vec<Batch>,
    pub(super) steps: Vec<Batch>,
    way: Way,
}

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
            steps,
            way: Way::Published,
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
        for batch in &self.before {
            play(&mut now, batch);
        }
        let mut history = vec![now.clone()];
        for batch in &self.steps {
            play(&mut now, batch);
            history.push(now.clone());
        }
        history
    }

    pub(super) fn start(&self) -> (SimDisk, Arc<Local<SimDirectory>>) {
        let disk = SimDisk::new();
        let volume = open_with(&disk, self.way).expect("a disk without faults");
        for batch in &self.before {
            volume.commit(batch.clone()).expect("a disk without faults");
        }
        (disk, volume)
    }

    /// How many steps were acknowledged.
    pub(super) fn run(&self, volume: &Local<SimDirectory>) -> usize {
        let done = |batch: &&Batch| volume.commit((*batch).clone()).is_ok();
        self.steps.iter().take_while(done).count()
    }

    /// Cuts the power at every call, and looks at what may be left each time.
    /// Returns the number of states.
    pub(super) fn explore(&self, broken: Broken) -> Result<usize, Violation> {
        IGNORE_CHECKSUMS.set(broken.ignore_checksums);
        let result = self.explore_all(broken);
        IGNORE_CHECKSUMS.set(false);
        result
    }

    pub(super) fn explore_all(&self, broken: Broken) -> Result<usize, Violation> {
        let history = self.history();
        let mut random = random();
        let mut states = 0;
        for cut in 0.. {
            let (disk, volume) = self.start();
            disk.set_deaf(broken.deaf);
            if broken.unordered {
                disk.set_unordered();
            }
            disk.cut_at(cut);
            let acknowledged = self.run(&volume);
            drop(volume);
            let allowed = &history[acknowledged..history.len().min(acknowledged + 2)];
            let at = format!("before call {cut}, {}", disk.call(cut.saturating_sub(1)));

            let mut left = disk.after_power_cut(STATES, &mut random);
            // A kill instead of a power cut: all that was written is there.
            left.push(disk.snapshot());
            for (number, state) in left.iter().enumerate() {
                states += 1;
                check(state, allowed)
                    .map_err(|what| Violation(format!("{what}; cut {at}; state {number}")))?;
                let is_kill = number + 1 == left.len();
                let some = match self.way {
                    Way::Published => 4,
                    // There are more of them, and each is longer.
                    Way::Journaled => 48,
                };
                if is_exhaustive() || is_kill || (number + cut).is_multiple_of(some) {
                    states += explore_recovery(state, allowed, &mut random)
                        .map_err(|what| Violation(format!("{what}; cut {at}; state {number}")))?;
                }
            }
            if disk.calls() < cut {
                return Ok(states);
            }
        }
        unreachable!("every scenario ends")
    }
}

fn explore_recovery(
    state: &SimDisk,
    allowed: &[Contents],
    random: &mut impl FnMut() -> u64,
) -> Result<usize, String> {
    let mut states = 0;
    let limit = if is_exhaustive() {
        STATES
    } else {
        STATES_OF_RECOVERY
    };
    for cut in 0.. {
        let disk = state.snapshot();
        disk.cut_at(cut);
        drop(open(&disk));
        for left in disk.after_power_cut(limit, random) {
            states += 1;
            check(&left, allowed).map_err(|what| {
                let call = disk.call(cut.saturating_sub(1));
                format!("{what}; recovery cut at call {cut}, {call}")
            })?;
        }
        if disk.calls() < cut {
            break;
        }
    }
    Ok(states)
}

fn is_exhaustive() -> bool {
    std::env::var_os(EXHAUSTIVE).is_some()
}

/// Opens what is left and looks at it as a client would.
pub(super) fn check(state: &SimDisk, allowed: &[Contents]) -> Result<(), String> {
    let disk = state.snapshot();
    let volume = open(&disk).map_err(|error| format!("it cannot be opened: {error}"))?;
    let found = contents(&volume).map_err(|error| error.to_string())?;
    if !allowed.contains(&found) {
        return Err(format!(
            "found {}, allowed {}",
            show(&found),
            allowed.iter().map(show).collect::<Vec<_>>().join(" or ")
        ));
    }
    let more = write("after", b"the volume still works");
    volume
        .commit(more.into())
        .map_err(|error| format!("the next commit failed: {error}"))?;
    drop(volume);
    let sessions = sessions_left(&disk);
    if !sessions.is_empty() {
        return Err(format!("left behind: {sessions:?}"));
    }
    let again = open(&disk).map_err(|error| format!("it cannot be opened again: {error}"))?;
    let mut found_again = contents(&again).map_err(|error| error.to_string())?;
    found_again.remove("after");
    if found_again != found {
        return Err(format!("{} became {}", show(&found), show(&found_again)));
    }
    Ok(())
}

pub(super) fn show(contents: &Contents) -> String {
    let files = contents.iter().map(|(path, contents)| {
        let start = String::from_utf8_lossy(&contents[..contents.len().min(24)]).into_owned();
        format!("{path}: {} bytes {start:?}", contents.len())
    });
    format!("{{{}}}", files.collect::<Vec<_>>().join(", "))
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

/// The same numbers at each run.
pub(super) fn random() -> impl FnMut() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// One process is killed at every call; another, which had the volume open all
/// the time, makes one more change; then the power is cut. The change must be
/// there, on top of what the first left.
#[track_caller]
pub(super) fn survives_a_kill_and_then_a_power_cut(scenario: &Scenario, by_other: &Batch) {
    let history = scenario.history();
    let mut random = random();
    for cut in 0.. {
        let disk = SimDisk::new();
        let (root, process) = disk.start();
        let first = Local::open(root, scenario.way.options()).expect("no faults");
        for batch in &scenario.before {
            first.commit(batch.clone()).expect("no faults");
        }
        let second = open_with(&disk, scenario.way).expect("no faults");
        disk.cut_at(cut);
        let acknowledged = scenario.run(&first);
        drop(first);
        disk.kill(&process);
        let calls = disk.calls();
        let at = format!(
            "killed before call {cut}, {}",
            disk.call(cut.saturating_sub(1))
        );
        disk.heal();
        let result = second.commit(by_other.clone());
        let end = history.len().min(acknowledged + 2);
        let mut allowed = history[acknowledged..end].to_vec();
        match result {
            Ok(_) => allowed
                .iter_mut()
                .for_each(|contents| play(contents, by_other)),
            // What the first left is in the way, so it is there.
            Err(Error::NotAFile { .. }) => allowed.retain(|contents| *contents == history[end - 1]),
            Err(error) => panic!("{error}; {at}"),
        }
        for state in disk.after_power_cut(STATES, &mut random) {
            if let Err(what) = check(&state, &allowed) {
                panic!("{what}; {at}");
            }
        }
        if calls < cut {
            break;
        }
    }
}
