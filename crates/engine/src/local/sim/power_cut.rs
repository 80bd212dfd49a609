//! What a power cut may leave of a simulated disk.

use super::{Inode, Pending, SimContents, SimDisk, State};
use std::sync::{Arc, Mutex};

impl SimDisk {
    /// What a power cut at this moment may leave: at most `limit` states, all if
    /// there are no more.
    pub(crate) fn after_power_cut(
        &self,
        limit: usize,
        random: &mut impl FnMut() -> u64,
    ) -> Vec<SimDisk> {
        let state = self.state();
        let choices: Vec<(Inode, Vec<Vec<u8>>)> = state
            .files
            .iter()
            .filter(|(_, file)| !file.pending.is_empty())
            .map(|(inode, file)| (*inode, file.possible()))
            .collect();
        let prefixes = state.changes.len() - state.durable_changes + 1;
        let has_marks = state.marks.values().any(|mark| !mark.is_empty());
        let with_marks = if has_marks { 2 } else { 1 };
        let combinations = choices
            .iter()
            .fold(prefixes * with_marks, |all, (_, file)| {
                all.saturating_mul(file.len())
            });
        let numbers: Vec<usize> = if combinations <= limit {
            (0..combinations).collect()
        } else {
            (0..limit)
                .map(|_| (random() % combinations as u64) as usize)
                .collect()
        };
        let build = |mut number: usize| {
            let mut next = |choices: usize| {
                let choice = number % choices;
                number /= choices;
                choice
            };
            let mut after = State {
                names: state.durable_names.clone(),
                durable_changes: 0,
                next_inode: state.next_inode,
                clock: state.clock,
                deaf: state.deaf,
                unordered: state.unordered,
                coarse_clock: state.coarse_clock,
                ..State::default()
            };
            for change in &state.changes[state.durable_changes..][..next(prefixes)] {
                change.apply(&mut after.names);
            }
            if next(with_marks) == 1 {
                after.marks = state.marks.clone();
            }
            for (inode, file) in &state.files {
                let mut file = SimContents {
                    now: file.durable.clone(),
                    pending: Vec::new(),
                    ..file.clone()
                };
                if let Some((_, possible)) = choices.iter().find(|(other, _)| other == inode) {
                    file.now = possible[next(possible.len())].clone();
                }
                file.durable = file.now.clone();
                after.files.insert(*inode, file);
            }
            after.durable_names = after.names.clone();
            SimDisk {
                state: Arc::new(Mutex::new(after)),
            }
        };
        numbers.into_iter().map(build).collect()
    }
}

impl SimContents {
    /// What may be left of the file if the power is cut now.
    fn possible(&self) -> Vec<Vec<u8>> {
        let pending = &self.pending;
        // All subsets of a few; of many, those that miss one and those that are
        // cut off.
        let subsets: Vec<Vec<usize>> = if pending.len() <= 4 {
            (0..1_usize << pending.len())
                .map(|bits| {
                    (0..pending.len())
                        .filter(|i| bits & (1 << i) != 0)
                        .collect()
                })
                .collect()
        } else {
            let all = 0..pending.len();
            let missing = all
                .clone()
                .map(|i| all.clone().filter(|j| *j != i).collect());
            let prefix = (0..=pending.len()).map(|n| (0..n).collect());
            missing.chain(prefix).collect()
        };
        let mut possible = Vec::new();
        for subset in subsets {
            let mut contents = self.durable.clone();
            let mut torn = Vec::new();
            for (nth, &i) in subset.iter().enumerate() {
                if nth + 1 == subset.len()
                    && let Pending::Write(offset, bytes) = &pending[i]
                {
                    for half in [bytes[..bytes.len() / 2].to_vec(), vec![0; bytes.len()]] {
                        let mut cut = contents.clone();
                        Pending::Write(*offset, half).apply(&mut cut);
                        torn.push(cut);
                    }
                }
                pending[i].apply(&mut contents);
            }
            possible.push(contents);
            possible.extend(torn);
        }
        possible.sort();
        possible.dedup();
        possible
    }
}
