//! One subject on one file system: record it, cut the power, judge.

use super::checker::{Checker, Findings, OnViolation};
use super::recovery;
use super::self_check;
use crate::crash::choose;
use crate::file_system::FileSystem;
use crate::promise::history::Timeline;
use crate::recording::{Recording, Studio};
use crate::work::{Host, Subject, Verdict};
use anyhow::{Context, Result};

/// How often a broken protocol is recorded anew before it has got away.
const RECORDINGS_OF_A_BROKEN_PROTOCOL: u64 = 8;

/// Images of one recording, at most: others show more than more of the same.
const IMAGES_OF_A_RECORDING: usize = 400;

/// The same where each recording meets other faults.
const IMAGES_OF_FAULTS: usize = 100;

pub struct Trial<'a> {
    pub file_system: FileSystem,
    pub subject: &'a Subject,
    pub images: usize,
    pub seed: u64,
    /// Whether one violation is enough for a broken protocol.
    pub one_is_enough: bool,
    pub host: Option<&'a Host>,
}

impl Trial<'_> {
    pub fn run(&self, studio: &Studio, checker: &mut Checker) -> Result<Findings> {
        match self.subject.verdict {
            Verdict::Sound => self.cross_examine(studio, checker),
            Verdict::Broken => self.convict(studio, checker),
        }
    }

    fn record(&self, studio: &Studio, seed: u64, compare: bool) -> Result<Recording> {
        let recording = studio.record(self.file_system, seed, compare, |site| {
            self.subject.run(site, self.host)
        });
        recording.with_context(|| {
            format!(
                "{} on {} cannot be recorded",
                self.subject.name, self.file_system
            )
        })
    }

    /// All images that were asked for, whatever they show.
    fn cross_examine(&self, studio: &Studio, checker: &mut Checker) -> Result<Findings> {
        let mut findings = Findings::default();
        let mut left = self.images;
        let most = match self.subject.is_about_faults() {
            true => IMAGES_OF_FAULTS,
            false => IMAGES_OF_A_RECORDING,
        };
        for seed in self.seed.. {
            let images = left.min(most);
            if images == 0 || checker.is_to_stop() {
                break;
            }
            let recording = self.record(studio, seed, false)?;
            let found = if self.subject.is_about_recovery() {
                recovery::check(studio, checker, &recording, images, seed)?
            } else {
                self.check(checker, &recording, images, seed, OnViolation::GoOn)?
            };
            left -= images.min((found.tally.images as usize).max(1));
            findings.add(found);
            findings.add_meanwhile(recording.history.broken());
        }
        Ok(findings)
    }

    /// As many recordings as it takes, for whether the neighbour syncs at the wrong
    /// moment is luck.
    fn convict(&self, studio: &Studio, checker: &mut Checker) -> Result<Findings> {
        let mut findings = Findings::default();
        let on_violation = match self.one_is_enough {
            true => OnViolation::Stop,
            false => OnViolation::GoOn,
        };
        for seed in self.seed..self.seed + RECORDINGS_OF_A_BROKEN_PROTOCOL {
            let recording = self.record(studio, seed, false)?;
            findings.add(self.check(checker, &recording, self.images, seed, on_violation)?);
            if findings.tally.violated() > 0 || checker.is_to_stop() {
                break;
            }
        }
        Ok(findings)
    }

    fn check(
        &self,
        checker: &mut Checker,
        recording: &Recording,
        images: usize,
        seed: u64,
        on_violation: OnViolation,
    ) -> Result<Findings> {
        let cuts = choose(recording, images, seed);
        let timeline = Timeline::new(&recording.history, &recording.log);
        checker.check(
            recording,
            &cuts,
            &self.subject.look(),
            &timeline,
            on_violation,
        )
    }

    /// Records the subject on a disk that is then said to have ignored a flush.
    pub fn check_the_laboratory(
        &self,
        studio: &Studio,
        checker: &mut Checker,
    ) -> Result<(bool, Findings)> {
        let recording = self.record(studio, self.seed, true)?;
        let look = self.subject.look();
        let findings = self_check::disk_that_ignores_a_flush(checker, &recording, &look)?;
        Ok((recording.replay_is_the_disk == Some(true), findings))
    }
}
