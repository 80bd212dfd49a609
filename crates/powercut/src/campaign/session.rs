//! The run itself.

use super::case::Case;
use super::checker::{Checker, Findings};
use super::progress::Progress;
use super::report::{Report, Row};
use super::tally::Tally;
use super::trial::Trial;
use crate::file_system::FileSystem;
use crate::promise::Violation;
use crate::recording::Studio;
use crate::work::{Host, Subject, Verdict};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What is to be tried, and how.
pub struct Session<'a> {
    pub file_systems: Vec<FileSystem>,
    pub subjects: Vec<Subject>,
    pub seed: u64,
    /// Of all workloads of the product together, for each file system.
    pub images: usize,
    /// Whether one violation is enough to convict a protocol.
    pub one_is_enough: bool,
    pub benches: usize,
    pub host: Option<Host>,
    /// Where images that broke a promise are kept.
    pub cases: PathBuf,
    /// Whether to keep one of each protocol that is convicted, too.
    pub keep_all: bool,
    pub studio: Studio,
    pub stop: &'a AtomicBool,
}

/// What the laboratory checks itself with: a protocol that is sound, unless the
/// disk lies.
const SELF_CHECK: &str = "rename-synced";

impl Session<'_> {
    pub fn run(&self) -> Result<Report> {
        let started = Instant::now();
        let trials = self.file_systems.len() * (self.subjects.len() + 1);
        let progress = Progress::start(trials);
        let images = progress.images();
        let mut rows = Vec::new();
        for &file_system in &self.file_systems {
            let mut checker = Checker::new(
                file_system,
                self.benches,
                &self.studio.scratch,
                self.stop,
                &images,
            )?;
            rows.extend(self.check_the_laboratory(file_system, &mut checker, &progress)?);
            for subject in &self.subjects {
                if self.is_to_stop() {
                    break;
                }
                rows.push(self.try_subject(file_system, subject, &mut checker, &progress)?);
            }
        }
        Ok(Report {
            kernel: kernel(),
            seed: self.seed,
            seconds: started.elapsed().as_secs_f64(),
            stopped: self.is_to_stop(),
            rows,
        })
    }

    fn is_to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn trial<'a>(&'a self, file_system: FileSystem, subject: &'a Subject) -> Trial<'a> {
        let workloads = self.subjects.iter().filter(|it| it.is_product()).count();
        let share = self.images.div_ceil(workloads.max(1));
        Trial {
            file_system,
            subject,
            images: match (subject.verdict, self.one_is_enough) {
                // A broken one may take many before the first that shows it.
                (Verdict::Broken, true) => share.max(2_000),
                _ => share,
            },
            seed: self.seed,
            one_is_enough: self.one_is_enough,
            host: self.host.as_ref(),
        }
    }

    fn try_subject(
        &self,
        file_system: FileSystem,
        subject: &Subject,
        checker: &mut Checker,
        progress: &Progress,
    ) -> Result<Row> {
        let started = Instant::now();
        let findings = self
            .trial(file_system, subject)
            .run(&self.studio, checker)?;
        let violated = findings.tally.violated() > 0;
        let as_expected = match subject.verdict {
            Verdict::Sound => !violated,
            Verdict::Broken => violated || self.is_to_stop(),
        };
        let kept = match as_expected && !self.keep_all {
            true => None,
            false => self.keep(file_system, subject, &findings)?,
        };
        let row = Row {
            subject: subject.name.to_owned(),
            about: subject.about.to_owned(),
            file_system,
            is_product: subject.is_product(),
            expected: subject.verdict,
            tally: findings.tally.clone(),
            as_expected,
            kept,
            seconds: started.elapsed().as_secs_f64(),
        };
        progress.advance(&line(&row));
        if let (Some(place), Some(found)) = (&row.kept, &findings.first) {
            progress.note(&format!("  {}", found.violation));
            progress.note(&format!(
                "  look at it again: cargo xtask powercut --case {}",
                place.display()
            ));
        }
        if !row.as_expected {
            for (violation, times) in most_frequent(&findings.violations) {
                progress.note(&format!("  {times} times: {violation}"));
            }
        }
        Ok(row)
    }

    fn keep(
        &self,
        file_system: FileSystem,
        subject: &Subject,
        findings: &Findings,
    ) -> Result<Option<PathBuf>> {
        let Some(found) = &findings.first else {
            return Ok(None);
        };
        let case = Case {
            subject: subject.name.to_owned(),
            file_system,
            seed: self.seed,
            cut: format!("{:?}", found.cut),
            violation: found.violation.to_string(),
            look: subject.look(),
            expectation: found.expectation.clone(),
        };
        case.keep(&found.image, &self.cases).map(Some)
    }

    fn check_the_laboratory(
        &self,
        file_system: FileSystem,
        checker: &mut Checker,
        progress: &Progress,
    ) -> Result<Vec<Row>> {
        let catalogue = crate::work::catalogue();
        let subject = catalogue.iter().find(|it| it.name == SELF_CHECK);
        // Without it the laboratory would be trusted unseen.
        let subject = subject.context("there is nothing to check the laboratory with")?;
        let started = Instant::now();
        let trial = self.trial(file_system, subject);
        let (replay, findings) = trial.check_the_laboratory(&self.studio, checker)?;
        let row = |subject: &str, about: &str, expected, tally, as_expected| Row {
            subject: subject.to_owned(),
            about: about.to_owned(),
            file_system,
            is_product: false,
            expected,
            tally,
            as_expected,
            kept: None,
            seconds: started.elapsed().as_secs_f64(),
        };
        let caught = findings.tally.violated() > 0 || self.is_to_stop();
        let rows = [
            row(
                "(replay)",
                "the log, done again, is what is on the disk",
                Verdict::Sound,
                Tally::of_one(replay),
                replay,
            ),
            row(
                "(lying disk)",
                "a disk that ignores the last flush",
                Verdict::Broken,
                findings.tally,
                caught,
            ),
        ];
        let lines: Vec<_> = rows.iter().map(line).collect();
        progress.note(&lines[0]);
        progress.advance(&lines[1]);
        Ok(rows.into())
    }
}

/// The texts that are there most often, and how often.
fn most_frequent(violations: &[Violation]) -> Vec<(String, usize)> {
    const SHOWN: usize = 5;
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for violation in violations {
        *times.entry(violation.to_string()).or_default() += 1;
    }
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    times.truncate(SHOWN);
    times
}

fn line(row: &Row) -> String {
    format!(
        "{:<6} {:<26} {:>5} of {:>5} violated: {}",
        row.file_system,
        row.subject,
        row.tally.violated(),
        row.tally.images,
        row.verdict()
    )
}

fn kernel() -> String {
    let name = rustix::system::uname();
    name.release().to_string_lossy().into_owned()
}
