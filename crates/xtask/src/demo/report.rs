//! The table and the verdict at the end.
//!
//! Must never say more than was seen: that nothing was lost the old way is possible, and said.

use super::campaign::Outcome;

/// What the atomic way promised and did not keep; empty if it kept all.
pub fn broken_promises(atomic: &Outcome) -> Vec<String> {
    let mut broken = Vec::new();
    let mut promise = |kept: bool, what: String| {
        if !kept {
            broken.push(what);
        }
    };
    promise(
        atomic.lost == 0,
        format!("durable: {} acknowledged records lost", atomic.lost),
    );
    promise(
        atomic.damage.total() == 0,
        format!(
            "whole: {} kills left the file missing, empty or torn",
            atomic.damage.total()
        ),
    );
    promise(
        atomic.found == atomic.lines,
        format!(
            "whole: {} lines fed, {} records found",
            atomic.lines, atomic.found
        ),
    );
    promise(
        atomic.verified,
        "whole: the chain of records does not verify".to_owned(),
    );
    promise(
        atomic.leftovers.is_empty(),
        format!("clean: left behind: {}", atomic.leftovers.join(", ")),
    );
    for contradiction in &atomic.contradictions {
        promise(false, format!("ordered: {contradiction}"));
    }
    broken
}

type Row = (&'static str, fn(&Outcome) -> String);

const ROWS: [Row; 10] = [
    ("lines fed", |o| o.lines.to_string()),
    ("kills (SIGKILL)", |o| o.kills.to_string()),
    ("records acknowledged", |o| o.acknowledged.to_string()),
    ("records found at the end", |o| o.found.to_string()),
    ("acknowledged records lost", |o| o.lost.to_string()),
    ("kills that left the file missing", |o| {
        o.damage.missing.to_string()
    }),
    ("kills that left the file empty", |o| {
        o.damage.empty.to_string()
    }),
    ("kills that left the file torn", |o| {
        o.damage.torn.to_string()
    }),
    ("the records at the end verify", |o| {
        if o.verified { "yes" } else { "no" }.to_owned()
    }),
    ("left behind beside the file", |o| match o.leftovers.len() {
        0 => "nothing".to_owned(),
        count => count.to_string(),
    }),
];

pub fn table(old_way: &Outcome, atomic: &Outcome) -> String {
    let line = |label: &str, old: &str, new: &str| format!("{label:<34}{old:>18}{new:>16}\n");
    let mut table = line("", "delete, then write", "atomic-write");
    table.push_str(&format!("{}\n", "-".repeat(34 + 18 + 16)));
    for (label, value) in ROWS {
        table.push_str(&line(label, &value(old_way), &value(atomic)));
    }
    table
}

/// What the table means, in words.
pub fn verdict(old_way: &Outcome, broken: &[String]) -> String {
    let old = if old_way.lost > 0 {
        format!(
            "Delete, then write: {} of {} acknowledged records are gone. The ability found\n\
             no usable file after a kill, and started from nothing.",
            old_way.lost, old_way.acknowledged
        )
    } else if old_way.damage.total() > 0 {
        format!(
            "Delete, then write: {} kills left no usable file, before a record was in it.",
            old_way.damage.total()
        )
    } else {
        format!(
            "Delete, then write: nothing was lost in {} kills this time. The window is there\n\
             all the same; another --seed or more --kills may hit it.",
            old_way.kills
        )
    };
    let new = if broken.is_empty() {
        "atomic-write: every record that was acknowledged is there, and nothing else.".to_owned()
    } else {
        format!("atomic-write BROKE ITS PROMISE:\n- {}", broken.join("\n- "))
    };
    format!("{old}\n{new}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::campaign::Damage;

    fn kept() -> Outcome {
        Outcome {
            lines: 240,
            kills: 60,
            acknowledged: 240,
            found: 240,
            lost: 0,
            damage: Damage::default(),
            verified: true,
            leftovers: Vec::new(),
            contradictions: Vec::new(),
        }
    }

    fn lost() -> Outcome {
        Outcome {
            found: 10,
            lost: 230,
            damage: Damage {
                missing: 2,
                empty: 3,
                torn: 1,
            },
            ..kept()
        }
    }

    #[test]
    fn kept_promises_are_not_broken() {
        assert!(broken_promises(&kept()).is_empty());
    }

    #[test]
    fn each_broken_promise_is_named() {
        let cases = [
            (Outcome { lost: 1, ..kept() }, "durable"),
            (
                Outcome {
                    found: 239,
                    ..kept()
                },
                "whole",
            ),
            (
                Outcome {
                    damage: Damage {
                        torn: 1,
                        ..Damage::default()
                    },
                    ..kept()
                },
                "whole",
            ),
            (
                Outcome {
                    verified: false,
                    ..kept()
                },
                "whole",
            ),
            (
                Outcome {
                    leftovers: vec!["a.tmp".to_owned()],
                    ..kept()
                },
                "clean",
            ),
            (
                Outcome {
                    contradictions: vec!["older".to_owned()],
                    ..kept()
                },
                "ordered",
            ),
        ];
        for (outcome, promise) in cases {
            let broken = broken_promises(&outcome);
            assert_eq!(broken.len(), 1, "{broken:?}");
            assert!(broken[0].starts_with(promise), "{broken:?}");
        }
    }

    #[test]
    fn the_table_has_both_columns() {
        let table = table(&lost(), &kept());
        let row = table
            .lines()
            .find(|line| line.starts_with("acknowledged records lost"));
        let words: Vec<&str> = row.expect("the row").split_whitespace().skip(3).collect();
        assert_eq!(words, ["230", "0"]);
        let width = table.lines().map(str::len).max().expect("lines");
        assert!(width <= 80, "{table}");
    }

    #[test]
    fn the_verdict_says_what_was_seen() {
        assert!(verdict(&lost(), &[]).contains("230 of 240"));
        assert!(verdict(&kept(), &[]).contains("nothing was lost in 60 kills"));
        assert!(verdict(&kept(), &["clean: x".to_owned()]).contains("BROKE"));
    }
}
