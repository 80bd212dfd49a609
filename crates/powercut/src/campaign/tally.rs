//! Counts of images, and of those that broke a promise.

use crate::promise::{Kind, Violation};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub images: u64,
    /// How many images broke a promise, by how they did.
    pub violations: BTreeMap<Kind, u64>,
}

impl Tally {
    pub fn count(&mut self, verdict: &Result<(), Violation>) {
        self.images += 1;
        if let Err(violation) = verdict {
            *self.violations.entry(violation.kind).or_default() += 1;
        }
    }

    /// One image, which is as it should be, or torn.
    pub fn of_one(is_right: bool) -> Self {
        let mut tally = Self::default();
        tally.count(&match is_right {
            true => Ok(()),
            false => Err(Violation::new(Kind::Torn, "")),
        });
        tally
    }

    pub fn add(&mut self, other: &Tally) {
        self.images += other.images;
        for (kind, count) in &other.violations {
            *self.violations.entry(*kind).or_default() += count;
        }
    }

    pub fn violated(&self) -> u64 {
        self.violations.values().sum()
    }

    /// Such as `12 empty, 3 torn`.
    pub fn kinds(&self) -> String {
        let mut kinds: Vec<_> = self.violations.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let kinds = kinds.iter().map(|(kind, count)| format!("{count} {kind}"));
        kinds.collect::<Vec<_>>().join(", ")
    }
}
