//! What a way to replace a file keeps.

use serde::{Deserialize, Serialize};

/// Whether something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    Always,
    /// When the process is killed, but not when the power fails.
    UnlessPowerFails,
    No,
}

/// What holds of a way to replace a file, used as it is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarantees {
    /// A reader sees one whole version.
    pub whole: Kept,
    /// What was acknowledged is not undone.
    pub durable: Kept,
    /// No older version shows after a newer one was acknowledged.
    pub ordered: Kept,
    /// The files are plain files that any program may read at any time.
    pub plain: bool,
    /// Several processes may write at once.
    pub shared: bool,
}

impl Guarantees {
    pub const ALL: Self = Self {
        whole: Kept::Always,
        durable: Kept::Always,
        ordered: Kept::Always,
        plain: true,
        shared: true,
    };

    /// Renamed, nothing synced.
    pub const UNSYNCED: Self = Self {
        whole: Kept::UnlessPowerFails,
        durable: Kept::UnlessPowerFails,
        ordered: Kept::UnlessPowerFails,
        plain: true,
        shared: true,
    };

    /// A file is missing or half-written for a while.
    pub const TORN: Self = Self {
        whole: Kept::No,
        ..Self::UNSYNCED
    };

    pub const DATABASE: Self = Self {
        plain: false,
        ..Self::ALL
    };

    /// Whether all that `other` keeps is kept.
    pub fn cover(&self, other: &Self) -> bool {
        let kept = |ours: Kept, theirs: Kept| rank(ours) >= rank(theirs);
        kept(self.whole, other.whole)
            && kept(self.durable, other.durable)
            && kept(self.ordered, other.ordered)
            && self.plain >= other.plain
            && self.shared >= other.shared
    }

    /// Five letters; see [`LEGEND`].
    pub fn letters(&self) -> String {
        let grade = |kept, letter: char| match kept {
            Kept::Always => letter.to_ascii_uppercase(),
            Kept::UnlessPowerFails => letter,
            Kept::No => '-',
        };
        let flag = |kept, letter| if kept { letter } else { '-' };
        [
            grade(self.whole, 'w'),
            grade(self.durable, 'd'),
            grade(self.ordered, 'o'),
            flag(self.plain, 'P'),
            flag(self.shared, 'M'),
        ]
        .iter()
        .collect()
    }
}

/// What the letters mean.
pub const LEGEND: &str = "keeps: W whole, D durable, O ordered, P plain files for any \
program, M many processes; small: if a process is killed, but not if the power fails; \
-: not kept";

fn rank(kept: Kept) -> u8 {
    match kept {
        Kept::No => 0,
        Kept::UnlessPowerFails => 1,
        Kept::Always => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_covers_less() {
        for less in [
            Guarantees::ALL,
            Guarantees::UNSYNCED,
            Guarantees::TORN,
            Guarantees::DATABASE,
        ] {
            assert!(Guarantees::ALL.cover(&less), "{less:?}");
            assert_eq!(less.cover(&Guarantees::ALL), less == Guarantees::ALL);
        }
    }

    #[test]
    fn letters_tell_what_is_kept() {
        assert_eq!(Guarantees::ALL.letters(), "WDOPM");
        assert_eq!(Guarantees::TORN.letters(), "-doPM");
        assert_eq!(Guarantees::DATABASE.letters(), "WDO-M");
    }
}
