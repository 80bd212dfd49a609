//! An image that broke a promise, kept with all that is needed to look at it again.

use crate::bench::Bench;
use crate::disk::Image;
use crate::file_system::FileSystem;
use crate::look::Look;
use crate::promise::{Expectation, Violation};
use crate::recording::save;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const IMAGE: &str = "image";
const DESCRIPTION: &str = "case.json";

#[derive(Debug, Serialize, Deserialize)]
pub struct Case {
    pub subject: String,
    pub file_system: FileSystem,
    pub seed: u64,
    /// In words: where the power was cut.
    pub cut: String,
    /// In words: what was found.
    pub violation: String,
    pub look: Look,
    pub expectation: Expectation,
}

impl Case {
    /// Keeps it, with its image, in a new directory in `directory`, which is
    /// returned.
    pub fn keep(&self, image: &Image, directory: &Path) -> Result<PathBuf> {
        let name = |n| format!("{}-{}-{n}", self.file_system, self.subject);
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let mut place = (1..).map(|n| directory.join(name(n)));
        let place = place.find(|place| fs::create_dir(place).is_ok());
        let place = place.context("no name is free for a case")?;
        save(image, &place.join(IMAGE))?;
        fs::write(place.join(DESCRIPTION), serde_json::to_vec_pretty(self)?)?;
        Ok(place)
    }

    /// Looks at a kept image again. It is not changed.
    pub fn try_again(place: &Path, scratch: &Path) -> Result<(Self, Result<(), Violation>)> {
        let cannot_read = || format!("{} does not hold a case", place.display());
        let description = fs::read(place.join(DESCRIPTION)).with_context(cannot_read)?;
        let case: Self = serde_json::from_slice(&description).with_context(cannot_read)?;
        let file = File::open(place.join(IMAGE)).with_context(cannot_read)?;
        let image = Image::load(&file)?;
        let mut bench = Bench::new(case.file_system, scratch)?;
        let verdict = bench.check(&image, &case.look, &case.expectation)?;
        Ok((case, verdict))
    }
}
