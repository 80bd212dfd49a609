//! Cutting the power while a volume recovers from a power cut, and again while it
//! recovers from that.

use super::checker::{Checker, Expects, Findings, OnViolation};
use crate::crash::{Crashes, Kept, choose};
use crate::disk::Image;
use crate::file_system::FileSystem;
use crate::look::{Look, all_of};
use crate::promise::history::Timeline;
use crate::promise::{Expectation, History};
use crate::recording::{Recording, Studio};
use ability_storage_engine::LocalVolume;
use anyhow::{Result, anyhow};

/// How often the power is cut during recovery, one time after the other.
const DEPTH: usize = 2;

/// Images of one recovery.
const IMAGES: usize = 40;

/// What a power cut during recovery may leave: what the first cut might have, until
/// the volume was open; then just what its readers saw.
struct Recovered<'a> {
    before: &'a Expectation,
    after: Timeline<'a>,
    opened: usize,
}

impl Expects for Recovered<'_> {
    fn at(&self, position: usize) -> Expectation {
        if position < self.opened {
            self.before.clone()
        } else {
            self.after.at(position)
        }
    }
}

/// Cuts the power during the recovery of some of the images of a recording, so
/// that there are about `images` in all.
pub fn check(
    studio: &Studio,
    checker: &mut Checker,
    recording: &Recording,
    images: usize,
    seed: u64,
) -> Result<Findings> {
    let timeline = Timeline::new(&recording.history, &recording.log);
    let mut crashes = Crashes::of(recording);
    let mut findings = Findings::default();
    let first_cuts = images.div_ceil(IMAGES * DEPTH).max(1);
    // More than needed: some are between two changes, where recovery has little
    // to do.
    let cuts = choose(recording, 6 * first_cuts, seed);
    let in_the_middle = cuts.into_iter().filter(|cut| {
        let expectation = timeline.at(cut.position);
        cut.kept == Kept::All && expectation.is_in_the_middle()
    });
    let cuts: Vec<_> = in_the_middle.collect();
    let step = cuts.len().div_ceil(first_cuts).max(1);
    for (cut, seed) in cuts.into_iter().step_by(step).zip(seed..) {
        let expectation = timeline.at(cut.position);
        let image = crashes.image(cut);
        let file_system = recording.file_system;
        findings.add(again(
            studio,
            checker,
            file_system,
            &image,
            &expectation,
            DEPTH,
            seed,
        )?);
        if checker.is_to_stop() {
            break;
        }
    }
    Ok(findings)
}

/// Records the recovery of an image, and cuts the power during it.
fn again(
    studio: &Studio,
    checker: &mut Checker,
    file_system: FileSystem,
    image: &Image,
    expectation: &Expectation,
    depth: usize,
    seed: u64,
) -> Result<Findings> {
    /// Below those of a history.
    const OPENED: u64 = 1;
    let mut seen = None;
    let recording = studio.record_again(file_system, image, seed, |site| {
        let volume = LocalVolume::open(&site.directory)?;
        let files = all_of(&volume).map_err(|violation| anyhow!("{violation}"))?;
        site.recorder.note(OPENED)?;
        seen = Some(files);
        Ok(())
    })?;
    let mut history = History::default();
    history.stands_still(expectation.owners(), seen.unwrap_or_default());
    let opened = recording.log.marks().get(&OPENED).copied();
    let recovered = Recovered {
        before: expectation,
        after: Timeline::new(&history, &recording.log),
        opened: opened.unwrap_or(usize::MAX),
    };
    let cuts = choose(&recording, IMAGES, seed);
    let look = Look::Volume("".into());
    let mut findings = checker.check(&recording, &cuts, &look, &recovered, OnViolation::GoOn)?;
    if depth > 1 {
        let during = cuts.iter().filter(|cut| cut.position < recovered.opened);
        let during: Vec<_> = during.collect();
        if let Some(cut) = during.get(during.len() / 2) {
            let image = Crashes::of(&recording).image(**cut);
            let deeper = again(
                studio,
                checker,
                file_system,
                &image,
                expectation,
                depth - 1,
                seed,
            )?;
            findings.add(deeper);
        }
    }
    Ok(findings)
}
