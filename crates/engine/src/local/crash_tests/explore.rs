//! Cutting the power at every call of a scenario, and looking at what is left.
//!
//! A scenario runs once. Right before each call a copy of the disk is taken: it is what a
//! process leaves that is killed there, and from it come the states that a power cut there
//! may leave. States that hold the same are looked at once.

use super::check::{self, check};
use super::scenario::{Broken, Scenario};
use crate::local::sim::{IGNORE_CHECKSUMS, SimDisk};
use crate::local::testing::{Contents, open};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// With this variable, all states are looked at that a cut may leave, and the recovery of
/// each is cut at every call.
const EXHAUSTIVE: &str = "ABILITY_STORAGE_EXHAUSTIVE";
/// This variable chooses other states where not all are looked at.
const SEED: &str = "ABILITY_STORAGE_SEED";
const DEFAULT_SEED: u64 = 1;

/// How many states are looked at that one cut may leave.
const MAX_STATES: usize = 2_000;
/// How many states are looked at that one cut of a recovery may leave.
const MAX_STATES_OF_RECOVERY: usize = 6;
/// The recovery of one in this many states is cut at every call, besides that of every
/// state that a kill leaves.
const RECOVERED_STATES: u64 = 40;

/// A promise that was broken, and where.
#[derive(Debug)]
pub(super) struct Violation(#[allow(dead_code, reason = "printed when a test fails")] String);

/// Which states are looked at where there are too many.
pub(super) struct Sampling {
    seed: u64,
    state: u64,
    is_exhaustive: bool,
}

/// What was looked at, and what was left out.
#[derive(Default)]
pub(super) struct Explored {
    seed: u64,
    pub(super) cuts: usize,
    /// States that a cut may leave.
    states: usize,
    /// Those of them that hold something that no other holds.
    distinct: usize,
    left_out: usize,
    /// Recoveries that were cut at every call.
    recoveries: usize,
    states_of_recovery: usize,
    left_out_of_recovery: usize,
}

/// The disk right before a call.
pub(super) struct Moment {
    pub(super) disk: SimDisk,
    pub(super) acknowledged: usize,
    /// The number of the call.
    pub(super) call: usize,
    pub(super) at: String,
}

struct Explorer {
    history: Vec<Contents>,
    sampling: Sampling,
    explored: Explored,
    /// What was found in the states that were looked at, by their fingerprints.
    found: HashMap<u64, Contents>,
}

impl Sampling {
    pub(super) fn new() -> Self {
        let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or(DEFAULT_SEED);
        Self {
            seed,
            state: seed ^ 0x9e37_79b9_7f4a_7c15,
            is_exhaustive: std::env::var_os(EXHAUSTIVE).is_some(),
        }
    }

    fn limit(&self, limit: usize) -> usize {
        match self.is_exhaustive {
            true => usize::MAX,
            false => limit,
        }
    }

    /// The same numbers for the same seed.
    fn next(&mut self) -> u64 {
        // SplitMix64
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn is_chosen(&mut self, one_in: u64) -> bool {
        self.is_exhaustive || self.next().is_multiple_of(one_in)
    }

    /// States that a power cut may leave now.
    pub(super) fn states_after_cut(&mut self, disk: &SimDisk) -> Vec<SimDisk> {
        let limit = self.limit(MAX_STATES);
        disk.after_power_cut(limit, &mut || self.next())
    }

    /// The same, but only a few.
    pub(super) fn some_states_after_cut(&mut self, disk: &SimDisk) -> Vec<SimDisk> {
        let limit = self.limit(MAX_STATES_OF_RECOVERY);
        disk.after_power_cut(limit, &mut || self.next())
    }
}

/// Looks at what may be left if the power is cut at each of these moments, or all processes
/// are killed. The history has what is there before the first commit and after each.
pub(super) fn explore(history: Vec<Contents>, moments: &[Moment]) -> Result<Explored, Violation> {
    let sampling = Sampling::new();
    let seed = sampling.seed;
    let mut explorer = Explorer {
        history,
        explored: Explored {
            seed,
            ..Explored::default()
        },
        sampling,
        found: HashMap::new(),
    };
    match explorer.explore(moments) {
        Ok(()) => Ok(explorer.explored),
        Err(what) => Err(Violation(format!("{what}; {SEED}={seed}"))),
    }
}

impl Scenario {
    /// Cuts the power at every call, and looks at what may be left each time.
    pub(super) fn explore(&self, broken: Broken) -> Result<Explored, Violation> {
        IGNORE_CHECKSUMS.set(broken.ignore_checksums);
        let result = explore(self.history(), &self.record(broken));
        IGNORE_CHECKSUMS.set(false);
        result
    }

    /// The disk right before each call, and at the end.
    fn record(&self, broken: Broken) -> Vec<Moment> {
        let (disk, volume) = self.start();
        disk.set_deaf(broken.deaf);
        if broken.unordered {
            disk.set_unordered();
        }
        record(&disk, |acknowledged| {
            self.run(&volume, || {
                acknowledged.fetch_add(1, Ordering::SeqCst);
            });
            drop(volume);
        })
    }
}

/// The disk right before each call that is made, and at the end, but for those moments
/// between which nothing changes.
pub(super) fn record(disk: &SimDisk, run: impl FnOnce(&AtomicUsize)) -> Vec<Moment> {
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let moments = Arc::new(Mutex::new((Vec::new(), HashSet::new(), 0)));
    let watch = {
        let (acknowledged, moments) = (acknowledged.clone(), moments.clone());
        move |disk: SimDisk, call: &str| {
            let acknowledged = acknowledged.load(Ordering::SeqCst);
            let mut moments = moments.lock().unwrap_or_else(PoisonError::into_inner);
            let (moments, seen, calls) = &mut *moments;
            if seen.insert((disk.fingerprint(), acknowledged)) {
                moments.push(Moment {
                    disk,
                    acknowledged,
                    call: *calls,
                    at: format!("cut before call {calls}, {call}"),
                });
            }
            *calls += 1;
        }
    };
    disk.watch(watch.clone());
    run(&acknowledged);
    watch(disk.snapshot(), "after the last one");
    let mut moments = moments.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut moments.0)
}

impl Explorer {
    fn explore(&mut self, moments: &[Moment]) -> Result<(), String> {
        for moment in moments {
            self.explored.cuts += 1;
            let from = moment.acknowledged;
            let allowed = self.history[from..self.history.len().min(from + 2)].to_vec();
            self.cut(&moment.disk, &allowed)
                .map_err(|what| format!("{what}; {}", moment.at))?;
            // A kill instead of a power cut: all that was written is there.
            check(&moment.disk, &allowed)
                .and_then(|_| self.cut_recovery(&moment.disk, &allowed))
                .map_err(|what| format!("{what}; killed, {}", moment.at))?;
        }
        Ok(())
    }

    /// Cuts the power at this moment.
    fn cut(&mut self, disk: &SimDisk, allowed: &[Contents]) -> Result<(), String> {
        let states = disk.possible_states();
        let limit = self.sampling.limit(MAX_STATES);
        let chosen = states.choose(limit, &mut || self.sampling.next());
        self.explored.states += chosen.len();
        self.explored.left_out += states.count().saturating_sub(chosen.len());
        for number in chosen {
            let at = |what| format!("{what}; state {number:?}");
            let fingerprint = states.fingerprint(number);
            if let Some(found) = self.found.get(&fingerprint) {
                check::is_allowed(found, allowed).map_err(at)?;
                continue;
            }
            let state = states.build(number);
            let found = check(&state, allowed).map_err(at)?;
            self.explored.distinct += 1;
            if self.sampling.is_chosen(RECOVERED_STATES) {
                self.cut_recovery(&state, std::slice::from_ref(&found))
                    .map_err(at)?;
            }
            self.found.insert(fingerprint, found);
        }
        Ok(())
    }

    /// Cuts the recovery of this state at every call, once by a kill and once by a power cut.
    fn cut_recovery(&mut self, state: &SimDisk, allowed: &[Contents]) -> Result<(), String> {
        let disk = state.snapshot();
        let moments = record(&disk, |_| drop(open(&disk)));
        self.explored.recoveries += 1;
        let limit = self.sampling.limit(MAX_STATES_OF_RECOVERY);
        let mut seen = HashSet::new();
        for moment in moments {
            let at = |what| format!("{what}; recovery {}", moment.at);
            let states = moment.disk.possible_states();
            let chosen = states.choose(limit, &mut || self.sampling.next());
            self.explored.left_out_of_recovery += states.count().saturating_sub(chosen.len());
            for number in chosen {
                if seen.insert(states.fingerprint(number)) {
                    self.explored.states_of_recovery += 1;
                    check::holds(&states.build(number), allowed).map_err(at)?;
                }
            }
            self.explored.states_of_recovery += 1;
            check::holds(&moment.disk, allowed).map_err(at)?;
        }
        Ok(())
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cuts leave {} states, {} of them distinct, and {} that were left out; \
             {} recoveries leave {}, and {} that were left out; {SEED}={}",
            self.cuts,
            self.states,
            self.distinct,
            self.left_out,
            self.recoveries,
            self.states_of_recovery,
            self.left_out_of_recovery,
            self.seed,
        )
    }
}
