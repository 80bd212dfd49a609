//! What a power cut may leave of a simulated disk.

use super::names::Names;
use super::{Change, Inode, Pending, ROOT, SimContents, SimDisk, State};
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

/// All states that a power cut at one moment may leave, each of which has a number of two
/// parts: how many changes to names it keeps, and which contents of the files.
pub(crate) struct PossibleStates {
    state: State,
    /// What may be left of each file that has writes pending, with hashes.
    files: BTreeMap<Inode, Vec<(Vec<u8>, u64)>>,
    prefixes: Vec<Prefix>,
    has_marks: bool,
}

/// The names that are left if the power cut keeps the first changes.
struct Prefix {
    names: Names,
    hash: u64,
    /// The files that have a name and writes pending.
    undecided: Vec<Inode>,
    /// The number of states with these names.
    count: usize,
}

/// The number of a state.
pub(crate) type Number = (usize, usize);

impl SimDisk {
    /// What a power cut at this moment may leave: at most `limit` states, all if
    /// there are no more.
    pub(crate) fn after_power_cut(
        &self,
        limit: usize,
        random: &mut impl FnMut() -> u64,
    ) -> Vec<SimDisk> {
        let states = self.possible_states();
        let chosen = states.choose(limit, random);
        chosen
            .into_iter()
            .map(|number| states.build(number))
            .collect()
    }

    pub(crate) fn possible_states(&self) -> PossibleStates {
        PossibleStates::new(self.state().unused())
    }

    /// Equal for two disks that hold the same, durably and otherwise. Times do not count.
    pub(crate) fn fingerprint(&self) -> u64 {
        let state = self.state();
        let mut hasher = DefaultHasher::new();
        (hash_of_names(&state.names), &state.changes).hash(&mut hasher);
        hash_of_names(&state.durable_names).hash(&mut hasher);
        hash_marks(&state, &mut hasher);
        // A file that has no name, now or after any change that is pending, does not count.
        let mut inodes = inodes_of(&state.names);
        inodes.extend(inodes_of(&state.durable_names));
        let nodes = state.changes.iter().filter_map(Change::node);
        inodes.extend(nodes.map(|node| node.inode));
        inodes.sort_unstable();
        inodes.dedup();
        for inode in inodes {
            if let Some(file) = state.files.get(&inode) {
                (inode, &file.now, &file.durable, &file.pending, file.mode).hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

impl PossibleStates {
    fn new(state: State) -> Self {
        let files: BTreeMap<_, Vec<_>> = state
            .files
            .iter()
            .filter(|(_, file)| !file.pending.is_empty())
            .map(|(inode, file)| {
                let possible = file.possible().into_iter();
                let hashed = possible.map(|contents| {
                    let hash = hash_of(&contents);
                    (contents, hash)
                });
                (*inode, hashed.collect())
            })
            .collect();
        let has_marks = state.marks.values().any(|mark| !mark.is_empty());
        let mut states = Self {
            prefixes: Vec::new(),
            files,
            has_marks,
            state,
        };
        let mut names = states.state.durable_names.clone();
        let mut prefixes = vec![states.prefix(names.clone())];
        for change in &states.state.changes {
            change.apply(&mut names);
            prefixes.push(states.prefix(names.clone()));
        }
        states.prefixes = prefixes;
        states
    }

    fn prefix(&self, names: Names) -> Prefix {
        let mut hasher = DefaultHasher::new();
        hash_of_names(&names).hash(&mut hasher);
        let mut undecided = Vec::new();
        for inode in inodes_of(&names) {
            match self.files.contains_key(&inode) {
                true => undecided.push(inode),
                false => {
                    let file = self.state.files.get(&inode);
                    let left = file.map(|file| (&file.durable, file.mode));
                    (inode, left).hash(&mut hasher);
                }
            }
        }
        let marks = 1 + usize::from(self.has_marks);
        let count = undecided.iter().fold(marks, |count, inode| {
            count.saturating_mul(self.files[inode].len())
        });
        Prefix {
            names,
            hash: hasher.finish(),
            undecided,
            count,
        }
    }

    pub(crate) fn count(&self) -> usize {
        let counts = self.prefixes.iter().map(|prefix| prefix.count);
        counts.fold(0, usize::saturating_add)
    }

    /// All states if there are no more than `limit`, else at most that many.
    pub(crate) fn choose(&self, limit: usize, random: &mut impl FnMut() -> u64) -> Vec<Number> {
        if self.count() <= limit {
            let prefixes = self.prefixes.iter().enumerate();
            let all = prefixes.flat_map(|(kept, prefix)| (0..prefix.count).map(move |n| (kept, n)));
            return all.collect();
        }
        let mut chosen = Vec::new();
        for _ in 0..limit {
            let number = random();
            let prefixes = self.prefixes.len() as u64;
            let kept = (number % prefixes) as usize;
            let contents = number / prefixes % self.prefixes[kept].count as u64;
            chosen.push((kept, contents as usize));
        }
        let mut seen = HashSet::new();
        chosen.retain(|number| seen.insert(*number));
        chosen
    }

    /// Whether marks are left, and which contents each undecided file has.
    fn choices(&self, (kept, mut number): Number) -> (bool, Vec<usize>) {
        let mut next = |choices: usize| {
            let choice = number % choices;
            number /= choices;
            choice
        };
        let marks = self.has_marks && next(2) == 1;
        let undecided = self.prefixes[kept].undecided.iter();
        let choices = undecided.map(|inode| next(self.files[inode].len()));
        (marks, choices.collect())
    }

    /// Equal for two states that hold the same. Times do not count.
    pub(crate) fn fingerprint(&self, number: Number) -> u64 {
        let (marks, choices) = self.choices(number);
        let prefix = &self.prefixes[number.0];
        let mut hasher = DefaultHasher::new();
        prefix.hash.hash(&mut hasher);
        if marks {
            hash_marks(&self.state, &mut hasher);
        }
        for (inode, choice) in prefix.undecided.iter().zip(choices) {
            let mode = self.state.files[inode].mode;
            (inode, self.files[inode][choice].1, mode).hash(&mut hasher);
        }
        hasher.finish()
    }

    pub(crate) fn build(&self, number: Number) -> SimDisk {
        let (marks, choices) = self.choices(number);
        let prefix = &self.prefixes[number.0];
        let state = &self.state;
        let mut after = State {
            names: prefix.names.clone(),
            durable_names: prefix.names.clone(),
            next_inode: state.next_inode,
            clock: state.clock,
            deaf: state.deaf,
            unordered: state.unordered,
            folding: state.folding.clone(),
            path_faults: state.path_faults.clone(),
            unreadable: state.unreadable.clone(),
            coarse_clock: state.coarse_clock,
            free_bytes: state.free_bytes,
            ..State::default()
        };
        if marks {
            after.marks = state.marks.clone();
        }
        let chosen: BTreeMap<_, _> = prefix.undecided.iter().zip(choices).collect();
        for inode in inodes_of(&prefix.names) {
            let Some(file) = state.files.get(&inode) else {
                continue;
            };
            let left = match chosen.get(&inode) {
                Some(choice) => self.files[&inode][*choice].0.clone(),
                None => file.durable.clone(),
            };
            after.files.insert(inode, file.after_power_cut(left));
        }
        SimDisk {
            state: Arc::new(Mutex::new(after)),
        }
    }
}

/// All files and directories below the root that have a name.
fn inodes_of(names: &Names) -> Vec<Inode> {
    let mut inodes = Vec::new();
    let mut pending = vec![ROOT];
    while let Some(directory) = pending.pop() {
        for node in names.get(&directory).into_iter().flat_map(BTreeMap::values) {
            inodes.push(node.inode);
            pending.push(node.inode);
        }
    }
    inodes.sort_unstable();
    inodes.dedup();
    inodes
}

fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Of the tree below the root; directories that have no name do not count.
fn hash_of_names(names: &Names) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut pending = vec![ROOT];
    while let Some(directory) = pending.pop() {
        for (name, node) in names.get(&directory).into_iter().flatten() {
            (directory, name, node).hash(&mut hasher);
            pending.push(node.inode);
        }
    }
    hasher.finish()
}

fn hash_marks(state: &State, hasher: &mut impl Hasher) {
    let mut marks: Vec<_> = state.marks.iter().collect();
    marks.sort_unstable();
    marks.hash(hasher);
}

impl SimContents {
    /// What may be left of the file if the power is cut now; first what was synced. In an
    /// order that does not depend on the contents, parts of which are random.
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
            prefix.chain(missing).collect()
        };
        let mut possible = Vec::new();
        for subset in subsets {
            let chosen = || subset.iter().map(|i| &pending[*i]);
            possible.push(self.durable_with(chosen()));
            let Some((Pending::Write(offset, bytes), before)) = subset
                .split_last()
                .map(|(last, before)| (&pending[*last], before))
            else {
                continue;
            };
            for half in [bytes[..bytes.len() / 2].to_vec(), vec![0; bytes.len()]] {
                let torn = Pending::Write(*offset, half);
                let before = before.iter().map(|i| &pending[*i]);
                possible.push(self.durable_with(before.chain([&torn])));
            }
        }
        let mut seen = HashSet::new();
        possible.retain(|contents| seen.insert(hash_of(contents)));
        possible
    }
}
