//! Checking many images, several at a time.

use super::tally::Tally;
use crate::bench::Bench;
use crate::crash::{Crashes, Cut};
use crate::disk::Image;
use crate::file_system::FileSystem;
use crate::look::Look;
use crate::promise::history::Timeline;
use crate::promise::{Expectation, Violation};
use crate::recording::Recording;
use anyhow::{Result, anyhow};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// What may be left, depending on where the power was cut.
pub trait Expects: Sync {
    /// After the event at `position`.
    fn at(&self, position: usize) -> Expectation;
}

impl Expects for Timeline<'_> {
    fn at(&self, position: usize) -> Expectation {
        Timeline::at(self, position)
    }
}

/// The benches for one file system.
pub struct Checker<'a> {
    benches: Vec<Bench>,
    /// Whether somebody wants an end.
    stop: &'a AtomicBool,
    /// All images so far.
    images: &'a AtomicU64,
}

/// What to do with an image that breaks a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnViolation {
    GoOn,
    /// One is enough.
    Stop,
}

/// An image that broke a promise.
pub struct Found {
    pub cut: Cut,
    pub image: Image,
    pub expectation: Expectation,
    pub violation: Violation,
}

/// What came of it.
#[derive(Default)]
pub struct Findings {
    pub tally: Tally,
    /// The one that was cut off first.
    pub first: Option<Found>,
    /// What was found, in images and while the workloads ran.
    pub violations: Vec<Violation>,
}

impl<'a> Checker<'a> {
    /// With `benches` of them, in `directory`.
    pub fn new(
        file_system: FileSystem,
        benches: usize,
        directory: &Path,
        stop: &'a AtomicBool,
        images: &'a AtomicU64,
    ) -> Result<Self> {
        let benches = (0..benches).map(|number| {
            let place = directory.join(format!("{file_system}-{number}"));
            fs::create_dir_all(&place)?;
            Bench::new(file_system, &place)
        });
        Ok(Self {
            benches: benches.collect::<Result<_>>()?,
            stop,
            images,
        })
    }

    pub fn is_to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Checks the images of cuts, which must be in the order of their positions.
    pub fn check(
        &mut self,
        recording: &Recording,
        cuts: &[Cut],
        look: &Look,
        expects: &impl Expects,
        on_violation: OnViolation,
    ) -> Result<Findings> {
        let enough = AtomicBool::new(false);
        let findings = Mutex::new(Findings::default());
        let (stop, images) = (self.stop, self.images);
        let share = cuts.len().div_ceil(self.benches.len()).max(1);
        thread::scope(|scope| {
            let work = self.benches.iter_mut().zip(cuts.chunks(share));
            let threads: Vec<_> = work
                .map(|(bench, cuts)| {
                    let (enough, findings) = (&enough, &findings);
                    scope.spawn(move || -> Result<()> {
                        let mut crashes = Crashes::of(recording);
                        for cut in cuts {
                            if stop.load(Ordering::Relaxed) || enough.load(Ordering::Relaxed) {
                                break;
                            }
                            let image = crashes.image(*cut);
                            let expectation = expects.at(cut.position);
                            let verdict = bench.check(&image, look, &expectation)?;
                            images.fetch_add(1, Ordering::Relaxed);
                            let violated = verdict.is_err();
                            let mut findings =
                                findings.lock().unwrap_or_else(PoisonError::into_inner);
                            findings.count(*cut, image, expectation, verdict);
                            if violated && on_violation == OnViolation::Stop {
                                enough.store(true, Ordering::Relaxed);
                            }
                        }
                        Ok(())
                    })
                })
                .collect();
            for thread in threads {
                thread.join().map_err(|_| anyhow!("a checker panicked"))??;
            }
            anyhow::Ok(())
        })?;
        Ok(findings
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner))
    }
}

impl Findings {
    fn count(
        &mut self,
        cut: Cut,
        image: Image,
        expectation: Expectation,
        verdict: Result<(), Violation>,
    ) {
        self.tally.count(&verdict);
        let Err(violation) = verdict else { return };
        self.violations.push(violation.clone());
        let is_first = |first: &Found| cut.position < first.cut.position;
        if self.first.as_ref().is_none_or(is_first) {
            self.first = Some(Found {
                cut,
                image,
                expectation,
                violation,
            });
        }
    }

    /// Counts what was found while a workload ran, each as if it were an image.
    pub fn add_meanwhile(&mut self, broken: &[Violation]) {
        for violation in broken {
            self.tally.count(&Err(violation.clone()));
        }
        self.violations.extend_from_slice(broken);
    }

    pub fn add(&mut self, other: Findings) {
        self.tally.add(&other.tally);
        self.violations.extend(other.violations);
        if self.first.is_none() {
            self.first = other.first;
        }
    }
}
