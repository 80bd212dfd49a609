//! An hour of a heavy user, as abilities write: 880 writes, of which 720 are one small
//! Markdown file every five seconds, mostly with the text that it had.
//!
//! Counted in a public collection of abilities; the sizes are those of the records that
//! they keep.

use crate::contents;
use crate::contestant::Store;
use anyhow::Result;
use fastrand::Rng;

/// Writes in an hour.
pub const WRITES: usize = 880;

const AMBIENT: usize = 720;
const AMBIENT_BYTES: usize = 500;
/// Of so many writes of it, one has another text than the one before.
const AMBIENT_CHANGES: usize = 10;

/// How many records the audit chain has when the hour begins, and how long they are.
const CHAIN_START: usize = 47;
const CHAIN_RECORD: usize = 370;

/// What else is written: a file, how often, and the least and the most bytes.
const OTHERS: [(What, &str, usize, (usize, usize)); 6] = [
    (What::Append, "audit.log", 60, (CHAIN_RECORD, CHAIN_RECORD)),
    (What::Append, "activity.log", 24, (20, 300)),
    // The ability and its daemon, each every 300 s.
    (What::Replace, "shared.json", 24, (4 << 10, 115 << 10)),
    (What::Replace, "journal.json", 23, (1 << 10, 45 << 10)),
    (What::Replace, "people.json", 23, (1 << 10, 45 << 10)),
    (What::Replace, "preferences.json", 6, (50, 800)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Replace,
    Append,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Write {
    what: What,
    path: &'static str,
    bytes: usize,
    /// Which text it has.
    version: u64,
}

/// The writes of an hour, in the same order every time.
#[derive(Debug)]
pub struct Hour {
    writes: Vec<Write>,
}

impl Hour {
    pub fn new() -> Self {
        let mut random = Rng::with_seed(880);
        let mut others = Vec::new();
        for (what, path, count, (least, most)) in OTHERS {
            for version in 0..count {
                others.push(Write {
                    what,
                    path,
                    bytes: random.usize(least..=most),
                    version: version as u64,
                });
            }
        }
        random.shuffle(&mut others);
        let ambient = (0..AMBIENT).map(|index| Write {
            what: What::Replace,
            path: "ambient.md",
            bytes: AMBIENT_BYTES,
            version: (index / AMBIENT_CHANGES) as u64,
        });
        Self {
            writes: spread(ambient.collect(), others),
        }
    }

    /// Puts the files there that grow.
    pub fn begin(&self, store: &dyn Store) -> Result<()> {
        store.replace("audit.log", &contents::of(CHAIN_START * CHAIN_RECORD, 0))?;
        store.replace("activity.log", &contents::of(1, 0))
    }

    /// Does `count` of the writes, from number `first` on; after the last comes the first.
    pub fn replay(&self, store: &dyn Store, first: u64, count: u64) -> Result<()> {
        for number in first..first + count {
            let index = (number % self.writes.len() as u64) as usize;
            if index == 0 {
                self.begin(store)?;
            }
            let write = &self.writes[index];
            let hour = number / self.writes.len() as u64;
            let contents = contents::of(write.bytes, (hour << 32) + write.version);
            match write.what {
                What::Replace => store.replace(write.path, &contents)?,
                What::Append => store.append(write.path, &contents)?,
            }
        }
        Ok(())
    }
}

/// The few among the many, evenly.
fn spread(many: Vec<Write>, few: Vec<Write>) -> Vec<Write> {
    let all = many.len() + few.len();
    let (mut many, mut few) = (many.into_iter(), few.into_iter());
    let mut writes = Vec::with_capacity(all);
    let share = few.len();
    for index in 0..all {
        let is_few = (index + 1) * share / all > index * share / all;
        writes.extend(if is_few { few.next() } else { many.next() });
    }
    writes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_all_its_writes() {
        let hour = Hour::new();
        assert_eq!(hour.writes.len(), WRITES);
        let ambient = hour.writes.iter().filter(|it| it.path == "ambient.md");
        assert_eq!(ambient.count(), AMBIENT);
    }

    #[test]
    fn most_of_the_markdown_is_as_it_was() {
        let hour = Hour::new();
        let ambient: Vec<_> = hour
            .writes
            .iter()
            .filter(|it| it.path == "ambient.md")
            .collect();
        let changed = ambient
            .windows(2)
            .filter(|two| two[0].version != two[1].version);
        assert_eq!(changed.count(), AMBIENT / AMBIENT_CHANGES - 1);
    }

    #[test]
    fn an_hour_is_the_same_each_time() {
        assert_eq!(Hour::new().writes, Hour::new().writes);
    }

    #[test]
    fn each_part_of_an_hour_is_like_the_whole() {
        let hour = Hour::new();
        for part in hour.writes.chunks(WRITES / 8) {
            let ambient = part.iter().filter(|it| it.path == "ambient.md").count();
            assert_eq!(ambient, AMBIENT / 8);
        }
    }
}
